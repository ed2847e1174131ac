"""The rollback plan, proved: the previous release on this release's schema. Here the last commit is that release."""

import os
import subprocess
import sys

import psutil
import pytest

from apps.operations.migrating.previous_release import CannotProve, prove_old_tests, prove_rollback
from config.env import ROOT
from tests.operations.releases.checkout import Database, needs_history

pytestmark = [pytest.mark.slow, needs_history]


@pytest.fixture(scope="module")
def database():
    """This release's whole schema, brought there by its own migrator."""
    made = Database("previous_release")
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate_safely"],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": made.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "accounts.0001_initial  " in done.stdout
    assert made.ask("SELECT count(*) > 0 FROM auth_permission") == [(True,)]
    return made


def test_the_previous_release_boots_reads_and_writes_on_this_schema(database):
    proof = prove_rollback(ref="HEAD", database_url=database.url)
    assert [step for step in proof.steps if not step.is_done] == []
    assert proof.is_proved
    assert len(proof.commit) == 40
    assert len(proof.steps) == 6
    assert database.ask("SELECT count(*) FROM accounts_user") == [(1,)]


def test_a_schema_it_cannot_live_on_is_found_and_nothing_stays_behind(database):
    before = set(psutil.pids())
    broken = Database("previous_release_broken", like=database.name)
    broken.ask("ALTER TABLE products_product DROP COLUMN name CASCADE")
    proof = prove_rollback(ref="HEAD", database_url=broken.url)
    assert not proof.is_proved
    assert [(step.name, step.is_done) for step in proof.steps][-2:] == [("is ready", True), ("lists products", False)]
    ours = [process for process in psutil.process_iter(["cwd"]) if "hanout-previous-" in (process.info["cwd"] or "")]
    assert [process.pid for process in ours if process.pid not in before] == []


def test_the_previous_release_passes_its_tests_on_this_schema_and_fails_them_on_one_it_cannot_live_on(database):
    grown = Database("test_previous_release", like=database.name)
    # What a next release brings: a table that points to an old one, and a column old code does not know.
    grown.ask("CREATE TABLE products_round (id bigint PRIMARY KEY, product_id uuid REFERENCES products_product (id))")
    grown.ask("ALTER TABLE products_product ADD COLUMN origin text DEFAULT '' NOT NULL")
    tests = ("tests/products/test_stock.py::test_deliveries_that_arrive_together_are_all_counted",)  # it flushes
    proof = prove_old_tests(ref="HEAD", database_url=grown.url, tests=tests)
    assert proof.is_proved, proof.steps
    assert " passed" in proof.steps[-1].sentence
    grown.ask("ALTER TABLE products_product ALTER COLUMN origin DROP DEFAULT")
    proof = prove_old_tests(ref="HEAD", database_url=grown.url, tests=tests)
    assert [(step.name, step.is_done) for step in proof.steps][-1] == ("passes its tests", False)
    assert " failed" in proof.steps[-1].sentence or " error" in proof.steps[-1].sentence


def test_tests_are_never_let_loose_on_a_database_that_is_not_called_so():
    with pytest.raises(CannotProve, match="must be called test_"):
        prove_old_tests(ref="HEAD", database_url="postgresql://nobody@127.0.0.1:1/shop")


@pytest.mark.parametrize("ref", ["no-such-release", "--output=/tmp/x"])
def test_a_release_that_is_not_in_the_repository_is_named(ref):
    with pytest.raises(CannotProve, match="is not in this repository"):
        prove_rollback(ref=ref, database_url="postgresql://nobody@127.0.0.1:1/nothing")
