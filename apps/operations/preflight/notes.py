"""The block for the team: what this release is, what is in it, whom to call, and the way back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.conf import settings

from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Outcome, Seen
from apps.operations.preflight.repository import Commit
from apps.operations.preflight.running import Result

NOBODY = "Nobody was named: give --call 'Name, number' for each person on duty."
_MIGRATION = re.compile(r"(?:apps/)?(\w+)/migrations/(\d{4}_\w+)\.py")


@dataclass(frozen=True)
class ReleaseNotes:
    """For the announcement. `breaking` is None when the contracts were not compared."""

    version: str
    since: str
    changes: tuple[str, ...] = ()
    commits: tuple[Commit, ...] = ()
    migrations: tuple[str, ...] = ()
    breaking: tuple[str, ...] | None = None
    way_back: str = ""
    call: tuple[str, ...] = field(default=(NOBODY,))
    gap: str = ""


def release_notes(*, flight: Flight, results: Sequence[Result], call: Sequence[str]) -> ReleaseNotes:
    """Gathered from git, the change log and what the checks found; without git, what there is and why not more."""
    seen = {one.check.id: one.seen for one in results}
    rollback = seen.get("rollback")
    told = ReleaseNotes(
        version=settings.VERSION,
        since="",
        changes=tuple(_unreleased(flight.root / "CHANGELOG.md")),
        breaking=_breaking(seen.get("api-diff")),
        way_back=_way_back(rollback),
        call=tuple(call) or (NOBODY,),
    )
    try:
        release = flight.release
        commits, migrations = tuple(flight.repository.since(release.ref)), tuple(_migrations(flight))
    except CannotCheck as error:
        return replace(told, gap=str(error))
    return replace(told, since=release.name or "the beginning: first release", commits=commits, migrations=migrations)


def _way_back(rollback: Seen | None) -> str:
    if rollback is None or rollback.outcome is Outcome.SKIPPED:
        return "It was not rehearsed in this run."
    return rollback.sentence if rollback.outcome is Outcome.OK else f"Not proved. {rollback.sentence}"


def _breaking(diff: Seen | None) -> tuple[str, ...] | None:
    return diff.lines if diff and diff.outcome in {Outcome.OK, Outcome.FAILED} else None


def _migrations(flight: Flight) -> list[str]:
    release = flight.release
    if release:
        files = flight.repository.git("diff", "--name-only", "--diff-filter=A", f"{release.ref}..HEAD").splitlines()
    else:
        files = flight.repository.git("ls-files").splitlines()
    return [f"{found[1]}.{found[2]}" for path in files if (found := _MIGRATION.search(path)) and "tests/" not in path]


def _unreleased(log: Path) -> list[str]:
    """The entries of the change log above the last release, each in one line."""
    try:
        text = log.read_text(encoding="utf-8")
    except OSError:
        return []
    wanted = next((part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if _is_this(part)), "")
    entries = re.split(r"^- ", wanted.split("\n", 1)[-1], flags=re.MULTILINE)[1:]
    return [" ".join(re.split(r"^#", entry, flags=re.MULTILINE)[0].split()) for entry in entries]


def _is_this(part: str) -> bool:
    title = part.split("\n", 1)[0]
    return title.startswith("Unreleased") or settings.VERSION in title
