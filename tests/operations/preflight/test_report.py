"""The verdict, and the report in its three forms."""

import json
import re
from datetime import UTC, datetime

import pytest

from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.notes import NOBODY, ReleaseNotes, release_notes
from apps.operations.preflight.outcomes import Outcome, Seen, aged, bad, doubtful, good, left_out, unknown
from apps.operations.preflight.registry import Check, Part
from apps.operations.preflight.repository import Commit
from apps.operations.preflight.running import Result, run_checks
from apps.operations.preflight.shown.as_html import as_html
from apps.operations.preflight.shown.as_json import as_json
from apps.operations.preflight.shown.as_text import as_text
from apps.operations.preflight.verdict import Report, Stamp
from tests.operations.preflight.conftest import needs_git

COMMIT = Commit("a" * 40, "Mona", "2026-01-02T03:04:05+00:00", "Sell <b>more</b>")
SEEN = {
    "ok": good("All is well."),
    "warning": doubtful("It is late.", "by an hour"),
    "failed": bad("It is `broken`.", "<script>alert(1)</script>"),
    "skipped": left_out("no way out from here"),
    "could_not_check": unknown("git is not installed here."),
}


def sees_nothing_wrong(flight):
    return SEEN["ok"]


def check_of(name, look=sees_nothing_wrong, **told):
    return Check(name, Part.CODE, "It is as it should be.", "Mend it.", look, **told)


def report(*outcomes, left=()):
    results = tuple(Result(check_of(f"check-{word}"), SEEN[word], 1.25) for word in outcomes)
    stamp = Stamp(
        "mona on vm", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "a" * 40, "main", "", "0.1.0", "production", "shop on db"
    )
    notes = ReleaseNotes(
        "0.1.0", "0.0.9", ("`make run` is faster",), (COMMIT,), ("core.0005_more",), (), "Deploy 0.0.9.", ("Mona, 123",)
    )
    return Report(stamp, results, tuple(map(check_of, left)), 12.5, notes)


@pytest.mark.parametrize(
    ("outcomes", "left", "verdict", "code"),
    [
        (["ok", "ok"], [], "go", 0),
        (["ok", "warning"], [], "go", 0),
        (["ok", "skipped"], [], "go_with_exceptions", 0),
        (["ok"], ["tests"], "go_with_exceptions", 0),
        (["ok", "failed", "skipped", "could_not_check"], [], "no_go", 1),
        (["ok", "could_not_check", "skipped"], [], "could_not_check", 2),
        (["skipped", "skipped"], [], "could_not_check", 2),
    ],
)
def test_the_verdict_is_the_worst_that_was_seen(outcomes, left, verdict, code):
    made = report(*outcomes, left=left)
    assert (made.verdict, made.exit_code) == (verdict, code)


def test_the_summary_names_what_stands_against_it():
    assert report(*SEEN, left=["a"]).summary == (
        "1 of 5 checks passed; 1 failed: check-failed; 1 could not be checked: check-could_not_check; "
        "1 with a warning: check-warning; 1 skipped: check-skipped; 1 other not asked for."
    )


def test_the_table_shows_who_when_and_what_to_do():
    text = as_text(report(*SEEN))
    assert text.startswith("Preflight of Hanout 0.1.0, aaaaaaaaaa on main\n2026-01-02 03:04 UTC, mona on vm; ")
    assert "  FAILED  check-failed      It is `broken`.  (1 s)" in text
    assert text.count("→ Mend it.") == 2
    assert "no way out from here" in text
    assert "The way back: Deploy 0.0.9." in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_json_has_every_key_a_program_counts_on():
    told = json.loads(as_json(report(*SEEN, left=["tests"])))
    assert list(told) == [
        "verdict", "exit_code", "summary", "who", "when", "commit", "branch", "version", "environment", "target",
        "seconds", "checks", "not_asked_for", "release_notes",
    ]  # fmt: skip
    assert {one["outcome"] for one in told["checks"]} == set(Outcome)
    assert list(told["checks"][0]) == ["id", "part", "says", "outcome", "evidence", "lines", "hint", "seconds"]
    assert (told["when"], told["not_asked_for"]) == ("2026-01-02T03:04:00+00:00", ["tests"])
    assert told["release_notes"]["breaking_changes"] == []


def test_the_page_needs_nothing_but_itself_and_believes_nothing():
    page = as_html(report(*SEEN))
    assert not re.search(r"(https?:)?//\w|<script|<link|<img|<iframe|@import|url\(|\son\w+=", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Sell &lt;b&gt;more&lt;/b&gt;" in page
    assert "It is <code>broken</code>." in page
    assert page.index("NO-GO") < page.index("check-ok") < page.index("Release notes") < page.index("core.0005_more")
    assert "@media print" in page


def test_contracts_that_were_not_compared_are_not_called_unbroken(fly, checkout):
    page = as_html(report("ok"))
    assert "<p>None.</p>" in page
    notes = release_notes(flight=fly(checkout.root), results=[], call=())
    assert (notes.breaking, notes.call) == (None, (NOBODY,))


@needs_git
def test_the_block_for_the_team_says_what_is_in_the_release(fly, checkout):
    checkout.git("tag", "before")
    checkout.write("apps/orders/migrations/0009_gifts.py", "")
    checkout.write("tests/operations/releases/migrations/0002_expand.py", "")
    checkout.write(
        "CHANGELOG.md",
        "# Changelog\n\n## Unreleased\n\n### Added\n- Gifts, wrapped\n  in paper.\n- More.\n\n## 0.0.9\n- Old.\n",
    )
    checkout.commit("Wrap gifts")
    rollback = Result(check_of("rollback"), good("Deploy 0.0.9 again."))
    broken = Result(check_of("api-diff"), bad("1 breaking change.", "shop.json: removed-path: /carts"))
    notes = release_notes(flight=fly(checkout.root, since="before"), results=[rollback, broken], call=["Mona, 123"])
    assert [one.subject for one in notes.commits] == ["Wrap gifts"]
    assert notes.migrations == ("orders.0009_gifts",)
    assert notes.changes == ("Gifts, wrapped in paper.", "More.")
    assert (notes.breaking, notes.way_back) == (("shop.json: removed-path: /carts",), "Deploy 0.0.9 again.")
    unproved = Result(check_of("rollback"), bad("It does not boot."))
    assert (
        release_notes(flight=fly(checkout.root), results=[unproved], call=()).way_back
        == "Not proved. It does not boot."
    )


def test_without_history_the_block_says_what_is_missing(fly, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not a git repository" in release_notes(flight=fly(tmp_path), results=[], call=()).gap


def breaks(flight):
    raise KeyError("nobody foresaw this, nor the password=hunter22 in it")


def cannot(flight):
    raise CannotCheck("The file is not here.")


def test_no_check_ends_the_others_and_each_is_timed(fly):
    steps = []
    checks = [
        check_of("broken", breaks),
        check_of("blind", cannot),
        check_of("heavy", is_heavy=True),
        check_of("out", breaks),
    ]
    results = run_checks(
        flight=fly(), checks=checks, skipped={"out": "not today"}, step=lambda done, total: steps.append((done, total))
    )
    assert [(one.check.id, one.seen.outcome) for one in results] == [
        ("broken", "could_not_check"), ("blind", "could_not_check"), ("heavy", "ok"), ("out", "skipped"),
    ]  # fmt: skip
    assert results[0].seen.sentence.startswith("The check itself broke. KeyError: ")
    assert "hunter22" not in results[0].seen.sentence
    assert results[1].seen == Seen(Outcome.COULD_NOT_CHECK, "The file is not here.")
    assert results[2].seconds >= 0
    assert steps == [(2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (7200, "2 hours"),
        (172800, "2 days"),
    ],
)
def test_an_age_is_told_as_a_person_would(seconds, words):
    assert aged(seconds) == words
