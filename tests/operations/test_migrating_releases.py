"""Two releases side by side on one database, through expand, deploy, backfill and contract, while both work."""

import json
import time
from contextlib import contextmanager

import pytest

from tests.operations.releases.checkout import HERE, Checkout, Database, release_n

EXPANDED, CONTRACTED = 3, 7


@pytest.fixture
def database(request):
    made = Database(f"releases_{abs(hash(request.node.name)) % 10**8}", like=release_n())
    made.ask("INSERT INTO parcels_parcel (code, note) SELECT 'old-' || n, 'ring twice' FROM generate_series(1, 500) n")
    return made


@pytest.fixture
def first(tmp_path, database):
    """Release N beside its database, which has rows."""
    return Checkout(tmp_path / "first", database)


@contextmanager
def at_work(code, name):
    """A process of that release, sending and reading parcels for as long as the block runs; yields what it tells."""
    process = code.start("clerk.py", name)
    told = {}
    try:
        assert process.stdout.readline() == "at work\n"
        yield told
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        told |= json.loads(out)
    finally:
        process.kill()
        process.wait()


def test_both_releases_work_through_expand_backfill_and_contract_without_a_failed_statement(tmp_path, first, database):
    second = Checkout(tmp_path / "second", database, release="second", upto=EXPANDED)
    with at_work(first, "n") as old:
        assert second.migrate()[0] == 0  # expand, under the old release's load
        with at_work(second, "n1") as fresh:  # deploy: both side by side
            time.sleep(0.5)
    assert (old["failed"], fresh["failed"]) == ([], [])
    assert min(old["done"], fresh["done"]) > 1
    assert (old["ready"], fresh["ready"]) == ("ready", "ready")

    third = Checkout(tmp_path / "third", database, release="second", upto=CONTRACTED)
    with at_work(second, "n1-again") as fresh:  # one release later it is the old one
        status, said = third.migrate()
        assert status == 0, said
    assert fresh["failed"] == []
    assert fresh["done"] > 1
    assert database.ask("SELECT count(*) FROM parcels_parcel WHERE instructions = ''") == [(0,)]
    assert database.ask("SELECT DISTINCT instructions FROM parcels_parcel WHERE code LIKE 'old-%%'") == [
        ("ring twice",)
    ]
    assert "fax" not in database.columns()


def test_new_code_before_expand_is_not_ready_and_fails(tmp_path, first, database):
    second = Checkout(tmp_path / "second", database, release="second", upto=EXPANDED)
    with at_work(second, "n1") as fresh:
        pass
    assert fresh["ready"] == "migrations_waiting"
    assert len(fresh["failed"]) == fresh["done"]
    assert 'column "instructions" of relation "parcels_parcel" does not exist' in fresh["failed"][0]


def test_old_code_is_ready_on_the_newer_schema(tmp_path, first, database):
    assert Checkout(tmp_path / "second", database, release="second", upto=EXPANDED).migrate()[0] == 0
    with at_work(first, "n") as old:
        pass
    assert (old["ready"], old["failed"]) == ("ready", [])


def test_contract_in_the_same_release_as_expand_would_fail_the_old_code(tmp_path, first, database):
    assert Checkout(tmp_path / "third", database, release="second", upto=CONTRACTED).migrate()[0] == 0
    with at_work(first, "n") as old:
        pass
    assert len(old["failed"]) == old["done"]


def test_the_naive_migration_fails_the_old_code(tmp_path, first, database):
    naive = Checkout(tmp_path / "naive", database, release="second")
    (naive.package / "migrations" / "0002_naive.py").write_text((HERE / "naive.py").read_text())
    assert naive.migrate()[0] == 0
    with at_work(first, "n") as old:
        pass
    assert len(old["failed"]) == old["done"]
