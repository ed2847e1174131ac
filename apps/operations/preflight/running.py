"""Runs the checks, two at a time, and hands back what each saw; no check can end the others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from django.db import Error

from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, left_out, unknown
from apps.operations.preflight.registry import Check
from apps.operations.preflight.target import reading
from core.redaction import redact

AT_ONCE = 2


@dataclass(frozen=True)
class Result:
    check: Check
    seen: Seen
    seconds: float = 0.0


Step = Callable[[int, int], None]


def unwatched(done: int, total: int) -> None:
    """For callers nobody waits at."""


def run_checks(
    *, flight: Flight, checks: Sequence[Check], skipped: Mapping[str, str], step: Step = unwatched
) -> list[Result]:
    """Look at everything; `skipped` gives the reason for each check a person leaves out."""
    results = {one.id: Result(one, left_out(skipped[one.id])) for one in checks if one.id in skipped}
    wanted = [one for one in checks if one.id not in skipped]
    try:
        for at_once in (AT_ONCE, 1):
            batch = [one for one in wanted if one.is_heavy == (at_once == 1)]
            for result in _run(flight, batch, at_once):
                results[result.check.id] = result
                step(len(results), len(checks))
    finally:
        flight.scratch.close()
    return [results[one.id] for one in checks]


def _run(flight: Flight, batch: Sequence[Check], at_once: int) -> Iterator[Result]:
    threads = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="preflight")
    try:
        going = {threads.submit(_look, flight, one): one for one in batch}
        while going:
            done, _ = wait(going, return_when=FIRST_COMPLETED)
            for future in done:
                yield _result(going.pop(future), future)
    finally:
        threads.shutdown(cancel_futures=True)  # interrupted: what has begun tidies up, the rest never begins


def _result(check: Check, future: "Future[Result]") -> Result:
    """What nobody foresaw is no finding and no crash: it could not be checked."""
    error = future.exception()
    if error is None:
        return future.result()
    said = redact((str(error).strip().splitlines() or [""])[0])[:200]
    return Result(check, unknown(f"{_blamed(error)} {type(error).__name__}: {said}"))


def _blamed(error: BaseException) -> str:
    return "The database did not answer as expected." if isinstance(error, Error) else "The check itself broke."


def _look(flight: Flight, check: Check) -> Result:
    begun = time.monotonic()
    try:
        seen = _read_target(flight, check) if check.reads_target else check.look(flight)
    except CannotCheck as error:
        seen = unknown(str(error))
    return Result(check, replace(seen, sentence=seen.sentence.strip()), time.monotonic() - begun)


def _read_target(flight: Flight, check: Check) -> Seen:
    if flight.target is None:
        raise CannotCheck(flight.no_target)
    with reading(flight.target):
        return check.look(flight)
