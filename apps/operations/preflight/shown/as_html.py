"""For people who were not there: one file that needs nothing else, to be mailed, printed and kept."""

import re
from itertools import groupby
from pathlib import Path

from django.template import Context, Engine
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.operations.preflight.outcomes import Outcome
from apps.operations.preflight.running import Result
from apps.operations.preflight.shown.as_text import WORDS
from apps.operations.preflight.verdict import Report

COMMITS_SHOWN, LEAST_SHOWN = 60, 0.05
_CODE = re.compile(r"`([^`]+)`")
_ENGINE = Engine(dirs=[str(Path(__file__).parent)], autoescape=True)
# Shown where nobody sees colours.
_SIGNS = {
    Outcome.OK: "✓",
    Outcome.WARNING: "!",
    Outcome.FAILED: "✕",
    Outcome.SKIPPED: "–",
    Outcome.COULD_NOT_CHECK: "?",
}


def as_html(report: Report) -> str:
    notes = report.notes
    parts = [
        {"name": part, "results": [_row(one) for one in results]}
        for part, results in groupby(report.results, key=lambda one: one.check.part)
    ]
    page = {
        "report": report,
        "stamp": report.stamp,
        "tone": report.verdict.value,
        "parts": parts,
        "counts": [
            {"word": WORDS[outcome].lower(), "tone": outcome.value, "number": len(found)}
            for outcome in Outcome
            if (found := report.having(outcome))
        ],
        "notes": notes,
        "way_back": _marked(notes.way_back),
        "changes": [_marked(one) for one in notes.changes],
        "commits": notes.commits[:COMMITS_SHOWN],
        "more_commits": len(notes.commits) - COMMITS_SHOWN,
    }
    return _ENGINE.get_template("report.html").render(Context(page))


def _row(one: Result) -> dict[str, object]:
    outcome = one.seen.outcome
    return {
        "id": one.check.id,
        "says": one.check.says,
        "sentence": _marked(one.seen.sentence),
        "lines": [_marked(line) for line in one.seen.lines],
        "hint": _marked(one.check.hint) if outcome in {Outcome.FAILED, Outcome.WARNING} else "",
        "tone": outcome.value,
        "word": WORDS[outcome].lower(),
        "sign": _SIGNS[outcome],
        "seconds": f"{one.seconds:.1f} s" if one.seconds >= LEAST_SHOWN else "",
    }


def _marked(text: str) -> SafeString:
    """Escaped, with what stands between backticks as code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308  # escaped before it is marked
