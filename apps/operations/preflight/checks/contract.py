"""What the last release promised its clients, kept by this one."""

import json
from typing import Any

from apps.operations.preflight.contracts.comparing import broken_promises
from apps.operations.preflight.contracts.rules import REMOVED_CONTRACT, Break
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, bad, counted, good
from apps.operations.preflight.registry import Part, check

FOLDER = "docs/openapi"
FROZEN = frozenset({"v1"})


@check(
    "api-diff",
    Part.CODE,
    "No contract breaks a promise of the last release.",
    hint="Keep the old form beside the new one, or give the change to a new version; docs/preflight.md has the rules.",
)
def api_diff(flight: Flight) -> Seen:
    release = flight.release
    ours = sorted((flight.root / FOLDER).glob("*.json"))
    if not ours:
        raise CannotCheck(f"There are no contracts in {FOLDER}: run preflight from a checkout.")
    if not release:
        return good(f"First release: {counted(len(ours), 'contract')}, and nothing to compare them with.")
    theirs = [path for path in flight.repository.files(release.ref, FOLDER) if path.endswith(".json")]
    found = [f"{path.rsplit('/', 1)[-1]}: {one.text}" for path in theirs for one in _broken(flight, path)]
    if found:
        return bad(f"{counted(len(found), 'breaking change')} since {release.name}.", *found)
    return good(f"{counted(len(theirs), 'contract')} of {release.name} kept.")


def _broken(flight: Flight, path: str) -> list[Break]:
    now = flight.root / path
    if not now.is_file():
        return [Break(REMOVED_CONTRACT, path)]
    then = flight.repository.text(flight.release.ref, path)
    return broken_promises(_read(then, path), _read(now.read_text(), path), is_frozen=now.stem in FROZEN)


def _read(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CannotCheck(f"{path} is no JSON: {error}.") from None
