"""Deleting what counts for nothing any more: one engine, and a list of chores the apps add to.

A chore goes in batches that skip rows somebody holds: nobody waits for a batch, and a batch waits for nobody. Each is a
transaction of its own, and it may be stopped after any and run again, alone or beside others. In a job, which is one
transaction itself, only a few of them go, and the rest is another job's.
"""

import signal
import threading
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import methodcaller
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from prometheus_client import Counter

from core.outbox import enqueue

log = structlog.get_logger(__name__)
DELETED = Counter("hanout_housekeeping_deleted_total", "Rows deleted because they count no more.", ["chore"])
BATCH = 2000
SWEEP = 5 * BATCH
MOST_DAYS = 3650


@dataclass(frozen=True)
class Stale:
    """Rows that may go, and the indexed column `along` which one batch begins where the one before ended.

    Where a row stays and only loses something, `remove` says what; the rows must not count as stale after it.
    """

    rows: QuerySet[Any]
    along: str = "pk"
    remove: Callable[[QuerySet[Any]], object] = methodcaller("delete")


Find = Callable[[int | None], Iterable[Stale]]


@dataclass(frozen=True)
class Chore:
    """What `says` in words, and finds in rows; `days` of keeping may be given instead of its own."""

    name: str
    says: str
    find: Find


_chores: dict[str, Chore] = {}


def chore(name: str, says: str) -> Callable[[Find], Chore]:
    """Make a chore, known by its name, of what finds a kind of stale rows."""

    def register(find: Find) -> Chore:
        _chores[name] = Chore(name, says, find)
        return _chores[name]

    return register


def registered_chores() -> dict[str, Chore]:
    """All chores by name."""
    return dict(sorted(_chores.items()))


def count_stale(chosen: Chore, *, days: int | None = None) -> int:
    """How many rows `delete_stale` would delete."""
    return sum(stale.rows.count() for stale in chosen.find(days))


def delete_stale(
    chosen: Chore, *, days: int | None = None, stop: threading.Event | None = None, most: int | None = None
) -> int:
    """Delete the rows of a chore, batch by batch until `stop` is set or `most` are gone; return how many went."""
    stop, total = stop or threading.Event(), 0
    for stale in chosen.find(days):
        total += _delete_in_batches(stale, stop, most=None if most is None else most - total)
    DELETED.labels(chosen.name).inc(total)
    if total:
        log.info("housekeeping", chore=chosen.name, deleted=total, is_stopped=stop.is_set())
    return total


def sweep(chosen: Chore) -> None:
    """A job's share of a chore, for a job is one transaction: what is left is the next job's, moments later."""
    if delete_stale(chosen, most=SWEEP) >= SWEEP:
        enqueue("core.sweep", key=chosen.name, chore=chosen.name)


def delete_or_count(chosen: Chore, *, days: int | None, dry_run: bool, rows: str) -> str:
    """What a command for one chore does, and says of it, until Ctrl-C or SIGTERM; `rows` is what people call them."""
    if dry_run:
        return f"{count_stale(chosen, days=days)} {rows} would be deleted."
    with interruptible() as stop:
        count = delete_stale(chosen, days=days, stop=stop)
    return f"{count} {rows} deleted{'; stopped before the end' if stop.is_set() else ''}."


def number_of_days(text: str) -> int:
    """A command's argument; raises `ArgumentTypeError`."""
    if text.isascii() and text.isdecimal() and int(text) <= MOST_DAYS:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number of days from 0 to {MOST_DAYS}")


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that no batch is cut in two."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _delete_in_batches(stale: Stale, stop: threading.Event, *, most: int | None) -> int:
    """Each batch begins where the one before ended, not among the rows it removed."""
    total, reached = 0, None
    while not stop.is_set() and (most is None or total < most):
        rows = stale.rows if reached is None else stale.rows.filter(**{f"{stale.along}__gte": reached})
        with transaction.atomic():
            locked = rows.order_by(stale.along).select_for_update(skip_locked=True, of=("self",))
            batch = list(locked.values_list("pk", stale.along)[:BATCH])
            stale.remove(stale.rows.filter(pk__in=[pk for pk, _ in batch]))
        total += len(batch)
        if len(batch) < BATCH:
            break
        reached = batch[-1][1]
    return total
