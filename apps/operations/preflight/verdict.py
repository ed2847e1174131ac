"""Go or no-go: the one answer all results add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.operations.preflight.notes import ReleaseNotes
from apps.operations.preflight.outcomes import Outcome, counted
from apps.operations.preflight.registry import Check
from apps.operations.preflight.running import Result


class Verdict(StrEnum):
    GO = "go"
    GO_WITH_EXCEPTIONS = "go_with_exceptions"
    NO_GO = "no_go"
    COULD_NOT_CHECK = "could_not_check"


EXIT_CODES = {Verdict.GO: 0, Verdict.GO_WITH_EXCEPTIONS: 0, Verdict.NO_GO: 1, Verdict.COULD_NOT_CHECK: 2}
HEADLINES = {
    Verdict.GO: "GO",
    Verdict.GO_WITH_EXCEPTIONS: "GO, with exceptions",
    Verdict.NO_GO: "NO-GO",
    Verdict.COULD_NOT_CHECK: "NO DECISION",
}


@dataclass(frozen=True)
class Stamp:
    """Who asked, when, about which code, and where it is to go."""

    who: str
    at: datetime
    commit: str
    branch: str
    subject: str
    version: str
    environment: str
    target: str


@dataclass(frozen=True)
class Report:
    """A whole run. `left_out` are the ids nobody asked for."""

    stamp: Stamp
    results: tuple[Result, ...]
    left_out: tuple[Check, ...]
    seconds: float
    notes: ReleaseNotes

    @property
    def verdict(self) -> Verdict:
        if self.having(Outcome.FAILED):
            return Verdict.NO_GO
        if self.having(Outcome.COULD_NOT_CHECK) or not self.looked_at:
            return Verdict.COULD_NOT_CHECK
        return Verdict.GO_WITH_EXCEPTIONS if self.having(Outcome.SKIPPED) or self.left_out else Verdict.GO

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    @property
    def headline(self) -> str:
        return HEADLINES[self.verdict]

    @property
    def looked_at(self) -> int:
        return len(self.results) - len(self.having(Outcome.SKIPPED))

    def having(self, outcome: Outcome) -> list[Result]:
        return [one for one in self.results if one.seen.outcome is outcome]

    @property
    def summary(self) -> str:
        """The verdict in a sentence, with what stands against it."""
        parts = [f"{len(self.having(Outcome.OK))} of {counted(len(self.results), 'check')} passed"]
        for outcome, word in (
            (Outcome.FAILED, "failed"),
            (Outcome.COULD_NOT_CHECK, "could not be checked"),
            (Outcome.WARNING, "with a warning"),
            (Outcome.SKIPPED, "skipped"),
        ):
            if found := self.having(outcome):
                parts.append(f"{len(found)} {word}: {_names(found)}")
        if self.left_out:
            parts.append(f"{counted(len(self.left_out), 'other')} not asked for")
        return "; ".join(parts) + "."


def _names(found: Sequence[Result]) -> str:
    return ", ".join(one.check.id for one in found)
