"""One run from what was asked for to the report."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from django.conf import settings

from apps.operations.preflight.all_checks import registered_checks
from apps.operations.preflight.errors import CannotCheck, PreflightRefused
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.notes import release_notes
from apps.operations.preflight.registry import OF_THE_REPOSITORY, Check
from apps.operations.preflight.repository import Commit, Repository
from apps.operations.preflight.running import Step, run_checks
from apps.operations.preflight.target import reading, target_entry, target_shown
from apps.operations.preflight.verdict import Report, Stamp
from apps.operations.preflight.who import who_is_here
from core.clock import now


def choose_checks(
    *, only: Sequence[str] = (), is_repository: bool = False, is_target: bool = False
) -> tuple[list[Check], list[Check]]:
    """What to look at, and what nobody asked for; raises `PreflightRefused` for an id there is not."""
    known = registered_checks()
    require_known(only)
    chosen = [
        one
        for one in known.values()
        if (not only or one.id in only)
        and (not is_repository or one.part in OF_THE_REPOSITORY)
        and (not is_target or one.part not in OF_THE_REPOSITORY)
    ]
    if not chosen:
        raise PreflightRefused("Nothing is left to check: --only and the chosen half exclude each other.")
    return chosen, [one for one in known.values() if one not in chosen]


def require_known(names: Sequence[str]) -> None:
    """Raises `PreflightRefused` with the known ids when one of these is not."""
    known = registered_checks()
    if unknown := [name for name in names if name not in known]:
        raise PreflightRefused(f"There is no check {unknown[0]!r}. Known are: {', '.join(known)}.")


def reach_target(flight: Flight) -> None:
    """Find the database the release goes to; raises `PreflightRefused` when it does not answer.

    Settings that name none because they are refused themselves are a finding, not a reason to look at nothing.
    """
    try:
        if flight.given.is_file:
            flight.given.loaded()
    except CannotCheck:
        flight.no_target = f"The settings of {flight.given.source} are refused, so its database is unknown."
        return
    try:
        flight.target = target_entry(flight.given)
        with reading(flight.target):
            pass
    except CannotCheck as error:
        raise PreflightRefused(f"{error} Nothing was checked and nothing was changed.") from None


def depart(
    *,
    flight: Flight,
    checks: tuple[Sequence[Check], Sequence[Check]],
    skipped: Mapping[str, str],
    call: Sequence[str],
    step: Step,
) -> Report:
    """Run the chosen checks and draw the line under them; raises `PreflightRefused` before any of them."""
    begun = time.monotonic()
    chosen, left_out = checks
    if any(one.reads_target and one.id not in skipped for one in chosen):
        reach_target(flight)
    results = run_checks(flight=flight, checks=chosen, skipped=skipped, step=step)
    return Report(
        stamp=_stamp(flight),
        results=tuple(results),
        left_out=tuple(left_out),
        seconds=time.monotonic() - begun,
        notes=release_notes(flight=flight, results=results, call=call),
    )


def _stamp(flight: Flight) -> Stamp:
    commit, branch = _code(flight.repository)
    return Stamp(
        who=who_is_here(),
        at=now(),
        commit=commit.id if commit else "",
        branch=branch,
        subject=commit.subject if commit else "",
        version=settings.VERSION,
        environment=f"{flight.given.environment} ({flight.given.source})",
        target=target_shown(flight.target) if flight.target is not None else flight.no_target or "not looked at",
    )


def _code(repository: Repository) -> tuple[Commit | None, str]:
    with suppress(CannotCheck):
        return repository.head, repository.branch
    return None, ""
