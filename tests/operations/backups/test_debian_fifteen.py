"""A PostgreSQL 15 as Debian 12 ships it, reached by an address as Render writes it; skipped where it is missing."""

import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, connections

from apps.operations.backups.programs import program
from apps.operations.errors import ProgramMissing, RestoreRefused
from apps.operations.services.backups import make_backup
from apps.operations.services.restoring import restore_backup, verify_backup
from config.database import database
from config.embedded_postgres import bin_dir
from config.embedded_postgres.account import account_for
from config.env import Env, Environment
from tests.operations.backups.conftest import databases, fill, run
from tests.processes import free_port

BIN = Path("/usr/lib/postgresql/15/bin")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (BIN / "postgres").exists(), reason="needs postgresql-15")]


def employ_clerk(address):
    """The shop's role there is no administrator; all it may do beyond its own is to create databases."""
    for _ in range(200):
        with suppress(psycopg.OperationalError), psycopg.connect(address, autocommit=True) as line:
            line.execute("CREATE ROLE clerk LOGIN CREATEDB")
            return
        time.sleep(0.05)


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    """The server's address; it ends with the tests."""
    folder = Path(tmp_path_factory.mktemp("debian"))
    account, cluster, port = account_for(folder, folder / "cluster"), folder / "cluster", free_port()
    for place in (folder, *folder.parents[:2]):
        place.chmod(0o755)  # pytest's folders are closed to the account that root hands over to
    cluster.mkdir(mode=0o700)
    account.own(cluster)
    with (folder / "log").open("wb") as log:
        made = account.run(
            *(str(BIN / "initdb"), f"--pgdata={cluster}", "--username=shop", "--auth=trust", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "--no-sync"),
            reaching=(cluster,),
            log=log,
        )
        assert made, (folder / "log").read_text()
        server = account.start(
            *(str(BIN / "postgres"), "-D", str(cluster), "-p", str(port), "-k", "", "-F"),
            *("-c", "listen_addresses=127.0.0.1"),
            reaching=(cluster,),
            log=log,
        )
    try:
        employ_clerk(f"postgres://shop@127.0.0.1:{port}/postgres")
        yield f"postgres://clerk:secret@127.0.0.1:{port}/shop?sslmode=prefer"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def embedded(shop):
    """How the server of the other tests is reached."""
    params = connection.get_connection_params()
    return lambda: dict(params)


@pytest.fixture(scope="module")
def there(debian, embedded):
    """A shop on that server; the default connection leads there."""
    entry = database(Env.load({"DATABASE_URL": debian}, environment=Environment.DEVELOPMENT))
    params = {"dbname": entry["NAME"], "user": entry["USER"], "password": entry["PASSWORD"], **entry["OPTIONS"]}
    params = {**embedded(), **params, "host": entry["HOST"], "port": entry["PORT"]}
    with pytest.MonkeyPatch.context() as patch:
        connection.close()
        patch.setattr(type(connections["default"]), "get_connection_params", lambda _: dict(params))
        run("CREATE DATABASE shop")
        call_command("migrate", verbosity=0)
        fill()
        yield params
        connection.close()


def test_a_shop_on_debian_15_is_backed_up_verified_restored_and_swapped(there, target, capsys):
    make_backup()
    assert verify_backup(name="latest").differences == []
    call_command("restore", "latest", "--swap", "--yes")
    assert "shop is now what" in capsys.readouterr().out
    assert [name.partition("_before_")[0] for name in databases("shop")] == ["shop", "shop"]


def test_its_own_programs_are_preferred_to_later_ones(there, target):
    assert program("pg_dump", least_major=15, reason="of a test").major == 15


def test_programs_of_a_later_major_do_as_well(there, target, settings):
    settings.PG_BIN_DIR = bin_dir()
    make_backup()
    verdict = verify_backup(name="latest")
    assert verdict.differences == []
    assert any("on PostgreSQL 15." in note for note in verdict.notes)


def test_its_rows_and_sums_are_the_same_on_a_later_server(there, embedded, target, shop):
    make_backup()
    with pytest.MonkeyPatch.context() as patch:
        connection.close()
        params = embedded()
        patch.setattr(type(connections["default"]), "get_connection_params", lambda _: dict(params))
        with pytest.raises(RestoreRefused, match="--allow-major-change"):
            restore_backup(name="latest")
        restored = restore_backup(name="latest", into=f"{shop}_from_debian", allow_major_change=True)
        connection.close()
    assert restored.verdict.differences == []


def test_its_programs_are_too_old_for_a_later_server(there, target, settings, monkeypatch):
    settings.PG_BIN_DIR, settings.PG_BIN_DIRS = BIN, ()
    monkeypatch.setenv("PATH", str(BIN))
    with pytest.raises(ProgramMissing, match=r"pg_dump 18 or later is needed, because .*/15/bin/pg_dump is 15\."):
        program("pg_dump", least_major=18, reason="the server is PostgreSQL 18")
