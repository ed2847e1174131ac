"""For programs; keys are never renamed, only added."""

import json
from typing import Any

from apps.operations.preflight.running import Result
from apps.operations.preflight.verdict import Report


def as_json(report: Report) -> str:
    stamp, notes = report.stamp, report.notes
    return json.dumps(
        {
            "verdict": report.verdict,
            "exit_code": report.exit_code,
            "summary": report.summary,
            "who": stamp.who,
            "when": stamp.at.isoformat(),
            "commit": stamp.commit,
            "branch": stamp.branch,
            "version": stamp.version,
            "environment": stamp.environment,
            "target": stamp.target,
            "seconds": round(report.seconds, 1),
            "checks": [_check(one) for one in report.results],
            "not_asked_for": [one.id for one in report.left_out],
            "release_notes": {
                "version": notes.version,
                "since": notes.since,
                "changes": notes.changes,
                "commits": [{"id": one.id, "author": one.author, "subject": one.subject} for one in notes.commits],
                "migrations": notes.migrations,
                "breaking_changes": notes.breaking,
                "way_back": notes.way_back,
                "call": notes.call,
                "missing": notes.gap,
            },
        },
        indent=2,
        ensure_ascii=False,
    )


def _check(one: Result) -> dict[str, Any]:
    return {
        "id": one.check.id,
        "part": one.check.part,
        "says": one.check.says,
        "outcome": one.seen.outcome,
        "evidence": one.seen.sentence,
        "lines": one.seen.lines,
        "hint": one.check.hint,
        "seconds": round(one.seconds, 2),
    }
