"""Rows of a live table changed in small bites, from a data migration or a job."""

import time
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet

BATCH_ROWS = 1000
REST_SECONDS = 0.02


class BackfillStuck(Exception):
    """The change leaves its rows among those to be changed, so it would never end; the last batch was undone."""


def backfill(
    *,
    rows: "QuerySet[Any]",
    change: Callable[["QuerySet[Any]"], object],
    batch_rows: int = BATCH_ROWS,
    rest_seconds: float = REST_SECONDS,
) -> int:
    """Apply `change` to `rows` batch by batch and say how many that were.

    `rows` describes what is still to be done (`filter(total_minor=None)`), and a changed row leaves it. So a backfill
    that was stopped goes on where it was; rows the traffic filled meanwhile are left alone, rows it added are found.
    Each batch locks its rows by key, in a transaction of its own: run it where none is open (`atomic = False`).
    Raises `BackfillStuck`.
    """
    if connections[rows.db].in_atomic_block:
        raise RuntimeError(
            "A backfill inside a transaction keeps every row locked: set atomic = False on the migration."
        )
    changed, last = 0, None
    while True:
        todo = rows.order_by("pk") if last is None else rows.filter(pk__gt=last).order_by("pk")
        keys = list(todo.values_list("pk", flat=True)[:batch_rows])
        if keys:
            changed += _change(rows, change, keys)
            last = keys[-1]
            time.sleep(rest_seconds)
        elif last is None:
            return changed
        else:
            last = None  # once more from the start: keys are not given in order, and old code may have added some


def _change(rows: "QuerySet[Any]", change: Callable[["QuerySet[Any]"], object], keys: list[Any]) -> int:
    with transaction.atomic(using=rows.db):
        batch = rows.filter(pk__in=keys)
        locked = list(batch.order_by("pk").select_for_update().values_list("pk", flat=True))
        if locked:
            change(batch)
            if batch.exists():
                raise BackfillStuck(
                    "Rows are still to be changed after they were changed: let `rows` name what the change puts right."
                )
        return len(locked)
