import json
from datetime import timedelta

import pytest
import time_machine

from apps.operations.preflight.checks.suite import STORIES, golden_v1, tests
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.kept import keep_evidence, kept_evidence
from apps.operations.preflight.witness import Witness
from core.clock import now
from tests.operations.preflight.conftest import needs_git

pytestmark = needs_git
GREEN = "def test_it_opens():\n    pass\n"
RED = "def test_it_opens():\n    assert not 'open'\n"
PAIR = {"request": "POST /api/v1/onboarding/login", "status": 200, "answer": "{}"}


@pytest.fixture
def suite(checkout):
    """A suite of one test, committed."""

    def of(source, path="tests/test_shop.py"):
        checkout.write("pytest.ini", "[pytest]\naddopts = -q -p no:randomly -p no:django\n")
        checkout.write(".gitignore", "__pycache__\n.pytest_cache\n")
        checkout.write(path, source)
        checkout.commit()
        return checkout

    return of


def test_a_fresh_green_run_is_written_down_for_its_commit_and_never_sees_the_target(fly, suite, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop@db.shop.test/shop")
    source = "import os\n\ndef test_it_opens():\n    assert 'DATABASE_URL' not in os.environ\n"
    flight = fly(suite(source).root, is_fresh=True)
    commit = flight.repository.head.id
    keep_evidence(flight.folder, name="tests", commit=commit, seconds=1, counts={"passed": 7})
    seen = tests.look(flight)
    assert (seen.outcome, seen.sentence[:18]) == ("ok", "1 passed just now,")
    kept = kept_evidence(flight.folder, name="tests", commit=commit)
    assert kept.counts == {"passed": 1}
    assert kept.age < timedelta(minutes=1)


def test_kept_evidence_spares_the_run_until_it_is_old_and_a_red_run_takes_it_back(fly, suite):
    flight = fly(suite(RED).root)
    commit = flight.repository.head.id
    keep_evidence(flight.folder, name="tests", commit=commit, seconds=400, counts={"passed": 2007}, by="the gate")
    with time_machine.travel(now() + timedelta(hours=3)):
        seen = tests.look(flight)
    assert (seen.outcome, seen.sentence) == ("ok", "2,007 passed 3 hours ago, in 6 minutes.")
    assert "by the gate, for " in seen.lines[0]
    with time_machine.travel(now() + timedelta(hours=25)):
        seen = tests.look(flight)
    assert (seen.outcome, seen.sentence) == ("failed", "1 failed.")
    assert seen.lines[0].startswith("FAILED tests/test_shop.py::test_it_opens")
    assert kept_evidence(flight.folder, name="tests", commit=commit) is None


def test_evidence_of_another_commit_or_a_changed_tree_is_none(fly, suite):
    checkout = suite(GREEN)
    flight = fly(checkout.root)
    commit = flight.repository.head.id
    path = keep_evidence(flight.folder, name="tests", commit=commit, seconds=1, counts={"passed": 1})
    path.rename(path.with_name(f"tests-{'0' * 12}.json"))
    assert kept_evidence(flight.folder, name="tests", commit="0" * 40) is None
    checkout.write("tests/test_shop.py", RED)
    seen = tests.look(flight)
    assert (seen.outcome, seen.sentence) == (
        "failed",
        "The tests would be those of no commit: something is uncommitted.",
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"check": "tests"}', '{"check": 1, "at": "yesterday"}'])
def test_evidence_nobody_can_read_is_none(tmp_path, text):
    path = keep_evidence(tmp_path, name="tests", commit="a" * 40, seconds=1, counts={})
    path.write_text(text)
    assert kept_evidence(tmp_path, name="tests", commit="a" * 40) is None


def test_a_suite_without_tests_is_not_green(look, suite):
    seen = look(tests, suite("").root)
    assert (seen.outcome, seen.sentence) == ("failed", "No test ran.")


def test_a_tree_that_changes_while_the_tests_run_proves_nothing(fly, suite):
    source = "from pathlib import Path\n\ndef test_it_opens():\n    Path('new.py').touch()\n"
    flight = fly(suite(source).root)
    seen = tests.look(flight)
    assert (seen.outcome, list(flight.folder.glob("*"))) == ("failed", [])
    assert "belongs to no commit" in seen.sentence


def test_without_tests_there_is_no_verdict(look, checkout):
    with pytest.raises(CannotCheck, match="run preflight from a checkout"):
        look(tests, checkout.root)


def recorded(checkout, *pairs):
    checkout.write(f"{STORIES}/login.json", json.dumps(pairs))


def test_recordings_are_replayed(look, suite):
    checkout = suite(GREEN, "tests/contracts/test_v1.py")
    recorded(checkout, PAIR, PAIR)
    assert look(golden_v1, checkout.root).sentence == "2 recorded requests replayed; first release."
    checkout.write("tests/contracts/test_v1.py", RED)
    assert look(golden_v1, checkout.root).outcome == "failed"


def test_whoever_edits_a_recording_does_not_pass_by_it(look, suite):
    checkout = suite(GREEN, "tests/contracts/test_v1.py")
    recorded(checkout, PAIR)
    checkout.commit(tag="before")
    recorded(checkout, {**PAIR, "status": 500}, {**PAIR, "request": "POST /new"})
    checkout.commit()
    seen = look(golden_v1, checkout.root, since="before")
    assert (seen.outcome, seen.lines) == ("failed", (f"{STORIES}/login.json: POST /api/v1/onboarding/login 200",))
    recorded(checkout, PAIR, {**PAIR, "request": "POST /new"})
    assert look(golden_v1, checkout.root, since="before").outcome == "ok"


def test_a_whole_run_by_others_counts_for_a_tree_that_stood_still(fly, suite):
    checkout = suite(RED)
    flight = fly(checkout.root)
    assert Witness(checkout.root, flight.folder).sign(is_green=True, counts={"passed": 9}).exists()
    assert tests.look(flight).sentence.startswith("9 passed 0 seconds ago")
    assert Witness(checkout.root, flight.folder).sign(is_green=False, counts={"passed": 8}) is None
    assert list(flight.folder.glob("*")) == []
    witness = Witness(checkout.root, flight.folder)
    checkout.commit("Something else")
    assert witness.sign(is_green=True, counts={"passed": 9}) is None
    checkout.write("new.py", "")
    assert Witness(checkout.root, flight.folder).sign(is_green=True, counts={"passed": 9}) is None
    assert list(flight.folder.glob("*")) == []


def test_a_run_without_a_repository_is_witnessed_by_nobody(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert Witness(tmp_path, tmp_path / "evidence").sign(is_green=True, counts={"passed": 1}) is None
