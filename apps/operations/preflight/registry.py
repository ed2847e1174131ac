"""The list of checks; each stands where it is written, under its id."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen

Look = Callable[[Flight], Seen]


class Part(StrEnum):
    """What a check looks at; their order is that of the report."""

    CODE = "This commit"
    REHEARSAL = "Rehearsed on a throwaway database"
    SETTINGS = "The settings it will run with"
    TARGET = "Where it goes"


OF_THE_REPOSITORY = frozenset({Part.CODE, Part.REHEARSAL})


@dataclass(frozen=True)
class Check:
    """One line of the checklist. `is_heavy` ones have the machine to themselves."""

    id: str
    part: Part
    says: str
    hint: str
    look: Look
    reads_target: bool = False
    is_heavy: bool = False


_checks: dict[str, Check] = {}


def check(
    name: str, part: Part, says: str, *, hint: str, reads_target: bool = False, is_heavy: bool = False
) -> Callable[[Look], Check]:
    """Make a check of a function that looks and tells; it may raise `CannotCheck`.

    `reads_target` gives it the target's database as `default`, unable to write.
    """

    def register(look: Look) -> Check:
        _checks[name] = Check(name, part, says, hint, look, reads_target=reads_target, is_heavy=is_heavy)
        return _checks[name]

    return register


def registered_checks() -> dict[str, Check]:
    """All checks by id, in the order of the report."""
    order = list(Part)
    return {one.id: one for one in sorted(_checks.values(), key=lambda one: order.index(one.part))}
