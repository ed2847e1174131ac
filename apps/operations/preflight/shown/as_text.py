"""For a terminal: a line a check, and more only where somebody has to act."""

from collections.abc import Callable, Iterator
from itertools import groupby
from textwrap import wrap

from apps.operations.preflight.outcomes import Outcome, counted
from apps.operations.preflight.running import Result
from apps.operations.preflight.verdict import Report, Stamp

WORDS = {
    Outcome.OK: "ok",
    Outcome.WARNING: "warning",
    Outcome.FAILED: "FAILED",
    Outcome.SKIPPED: "skipped",
    Outcome.COULD_NOT_CHECK: "unknown",
}
LINES_SHOWN, LINE_WIDTH = 8, 110
_INDENT = " " * 28

Paint = Callable[[Outcome, str], str]


def plainly(outcome: Outcome, text: str) -> str:
    """For files, and terminals without colour."""
    return text


def as_text(report: Report, *, paint: Paint = plainly) -> str:
    lines = [*_head(report.stamp), ""]
    for part, results in groupby(report.results, key=lambda one: one.check.part):
        lines.append(str(part))
        for one in results:
            lines += _lines(one, paint)
        lines.append("")
    return "\n".join([*lines, *_foot(report, paint)])


def _head(stamp: Stamp) -> Iterator[str]:
    code = f"{stamp.commit[:10]} on {stamp.branch}" if stamp.commit else "an unknown commit"
    yield f"Preflight of Hanout {stamp.version}, {code}"
    yield f"{stamp.at:%Y-%m-%d %H:%M} UTC, {stamp.who}; settings of {stamp.environment}; target: {stamp.target}"


def _lines(one: Result, paint: Paint) -> Iterator[str]:
    outcome = one.seen.outcome
    first, *rest = wrap(one.seen.sentence, LINE_WIDTH - len(_INDENT)) or [""]
    yield f"  {paint(outcome, f'{WORDS[outcome]:<8}')}{one.check.id:<18}{first}{_duration(one.seconds)}"
    yield from (f"{_INDENT}{more}" for more in rest)
    if outcome in {Outcome.OK, Outcome.SKIPPED}:
        return
    yield from (f"{_INDENT}· {line[:LINE_WIDTH]}" for line in one.seen.lines[:LINES_SHOWN])
    if hidden := len(one.seen.lines) - LINES_SHOWN:
        yield from [f"{_INDENT}  and {hidden} more"] * (hidden > 0)
    if outcome is Outcome.COULD_NOT_CHECK:
        return  # what it says is what to do
    yield from (f"{_INDENT}{'→' if not at else ' '} {more}" for at, more in enumerate(_hint(one)))


def _hint(one: Result) -> list[str]:
    return wrap(one.check.hint, LINE_WIDTH - len(_INDENT) - 2)


def _duration(seconds: float) -> str:
    return f"  ({seconds:.0f} s)" if seconds >= 1 else ""


def _foot(report: Report, paint: Paint) -> Iterator[str]:
    notes = report.notes
    if notes.gap:
        yield f"No release notes: {notes.gap}"
    else:
        breaking = "not compared" if notes.breaking is None else len(notes.breaking) or "none"
        yield (
            f"Since {notes.since}: {counted(len(notes.commits), 'commit')}, "
            f"{counted(len(notes.migrations), 'migration')}, breaking changes: {breaking}."
        )
        yield f"The way back: {notes.way_back}"
    yield ""
    worst = {1: Outcome.FAILED, 2: Outcome.COULD_NOT_CHECK}.get(report.exit_code, Outcome.OK)
    first, *rest = wrap(
        f"{report.headline} in {report.seconds:.0f} s. {report.summary}", LINE_WIDTH, break_on_hyphens=False
    )
    yield first.replace(report.headline, paint(worst, report.headline), 1)
    yield from rest
