"""What a check answers: an outcome, a sentence, and the evidence behind it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"
    COULD_NOT_CHECK = "could_not_check"


@dataclass(frozen=True)
class Seen:
    """What a check saw: `sentence` in one line with its figures, `lines` where there is more to show."""

    outcome: Outcome
    sentence: str
    lines: tuple[str, ...] = ()


def good(sentence: str, *lines: str) -> Seen:
    return Seen(Outcome.OK, sentence, lines)


def doubtful(sentence: str, *lines: str) -> Seen:
    """It may go, and somebody should know."""
    return Seen(Outcome.WARNING, sentence, lines)


def bad(sentence: str, *lines: str) -> Seen:
    return Seen(Outcome.FAILED, sentence, lines)


def left_out(reason: str) -> Seen:
    return Seen(Outcome.SKIPPED, reason)


def unknown(reason: str) -> Seen:
    return Seen(Outcome.COULD_NOT_CHECK, reason)


def counted(number: int, word: str) -> str:
    """'1 migration', '1,204 commits'."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def aged(seconds: float) -> str:
    """How long that is, in the unit a person would take."""
    for size, word in ((172800, "day"), (7200, "hour"), (120, "minute")):
        if seconds >= size:
            return counted(int(seconds // {"day": 86400, "hour": 3600, "minute": 60}[word]), word)
    return counted(max(0, round(seconds)), "second")
