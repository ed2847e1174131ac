"""A backup is one moment of the shop, whole or not there at all."""

import os
import resource
import signal
import stat
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command

from apps.operations.backups.address import _SESSION as SESSION
from apps.operations.backups.address import live_address
from apps.operations.backups.archive import Archive
from apps.operations.errors import BackupFailed, BackupRunning, DatabaseRefused, ProgramMissing
from apps.operations.models import Backup
from apps.operations.services.backups import make_backup
from apps.operations.services.restoring import verify_backup
from tests.operations.backups.conftest import KEY, asked, run_in_shop, start

pytestmark = pytest.mark.slow


def archive(target, name, *keys):
    with target.reading(name) as source:
        found = Archive(source, keys=keys)
        size = sum(len(piece) for piece in found.dump())
    return found, size


def test_a_backup_says_what_is_in_it(target):
    made = make_backup()
    found, size = archive(target, made.stored.name)
    assert size > 10_000
    assert found.manifest.database == live_address().database
    assert found.manifest.version
    assert found.manifest.postgres_major >= 15
    assert found.manifest.pg_dump
    assert "operations.0001_backups" in found.manifest.migrations
    assert found.contents.tables["public.products_product"].rows == 1
    assert found.contents.sequences["public.operations_backup_id_seq"]
    assert found.contents.objects["constraint stock_item_never_oversold of public.products_stockitem"]
    assert found.contents.objects["index public.order_of_user"]
    assert found.contents.complaints == ()
    assert (made.tables, made.rows) == (len(found.contents.tables), found.contents.rows)


def test_a_backup_is_for_its_owners_eyes(target):
    stored = make_backup().stored
    folder = Path(target.where)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / stored.name).stat().st_mode) == 0o600


def test_with_a_key_nothing_of_the_shop_can_be_read(target, key):
    stored = make_backup().stored
    with target.reading(stored.name) as source:
        content = source.read(stored.size)
    assert b"PGDMP" not in content
    assert b"products_product" not in content
    assert archive(target, stored.name, KEY)[1] > 10_000


def test_two_backups_within_a_second_are_two(target):
    first, second = make_backup().stored, make_backup().stored
    assert first.name < second.name
    assert [one.name for one in target.stored()] == [first.name, second.name]


def test_the_table_of_backups_follows_the_target(target):
    stored = make_backup().stored
    row = Backup.objects.get()
    assert (row.name, row.size_bytes, row.taken_at, row.verified_at) == (
        stored.name,
        stored.size,
        stored.taken_at,
        None,
    )
    assert row.target == target.where


def test_a_backup_is_one_moment_while_the_shop_goes_on(target):
    run_in_shop("CREATE TABLE public.one (id serial)", "CREATE TABLE public.other (id serial)")
    stop = threading.Event()

    def sell():
        with live_address().connect() as line:
            while not stop.is_set():
                with line.transaction():
                    line.execute("INSERT INTO public.one DEFAULT VALUES")
                    line.execute("INSERT INTO public.other DEFAULT VALUES")

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        made = make_backup()
    finally:
        stop.set()
        seller.join()
    found, _ = archive(target, made.stored.name)
    counts = [found.contents.tables[f"public.{name}"].rows for name in ("one", "other")]
    assert counts[0] == counts[1] < asked(live_address().database, "SELECT count(*) FROM one")[0][0]
    assert verify_backup(name=made.stored.name).differences == []
    run_in_shop("DROP TABLE public.one, public.other")


def test_a_second_backup_waits_for_nobody(target):
    with live_address().connect() as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('operations.backup', 0))")
        with pytest.raises(BackupRunning):
            make_backup()
    assert target.stored() == []


def test_a_full_target_keeps_nothing(target, capsys):
    kept = make_backup().stored
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kept.size // 2, hard))
    try:
        with pytest.raises(CommandError, match=r"is full .*nothing was kept of this backup. Make room") as refused:
            call_command("backup")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.returncode == 1
    assert [one.name for one in target.stored()] == [kept.name]
    assert len(files_at(target)) == 1


def test_an_unreachable_target_is_named(target, settings, tmp_path):
    (tmp_path / "a file").touch()
    settings.BACKUP_STORE["OPTIONS"] = {"folder": tmp_path / "a file" / "backups"}
    for command in (["backup"], ["backup", "verify"], ["backup", "list"], ["restore", "latest"]):
        with pytest.raises(CommandError, match=r"a file/backups cannot be \w+: Not a directory") as refused:
            call_command(*command)
        assert refused.value.returncode == 2


def test_a_client_older_than_the_server_is_explained(target, settings, tmp_path, monkeypatch):
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    settings.PG_BIN_DIR, settings.PG_BIN_DIRS = tmp_path, ()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ProgramMissing) as refused:
        make_backup()
    said = str(refused.value)
    assert f"{old} is 9.6.24" in said
    assert "the server is PostgreSQL" in said
    assert "Install postgresql-client-" in said
    old.unlink()
    with pytest.raises(ProgramMissing, match="there is no pg_dump here"):
        make_backup()
    assert target.stored() == []


def test_a_pg_dump_that_fails_leaves_nothing_and_repeats_no_row(target, settings, tmp_path):
    failing = tmp_path / "pg_dump"
    failing.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo 'pg_dump (PostgreSQL) 99.1' && exit\necho PGDMP\n"
        "echo 'pg_dump: error: the disk caught fire' >&2\necho 'DETAIL: +966500000000' >&2\nexit 1\n"
    )
    failing.chmod(0o755)
    settings.PG_BIN_DIR = tmp_path
    with pytest.raises(BackupFailed, match="the disk caught fire") as refused:
        make_backup()
    assert "966" not in str(refused.value)
    assert files_at(target) == []


def test_a_database_out_of_reach_is_named_without_its_password(target, monkeypatch):
    params = {"host": "127.0.0.1", "port": 1, "user": "shop", "password": "hunter2", "dbname": "shop"}
    monkeypatch.setattr("django.db.connection.get_connection_params", lambda: params)
    with pytest.raises(DatabaseRefused, match=r"The database shop on 127\.0\.0\.1 cannot be reached\.") as refused:
        make_backup()
    assert "hunter2" not in str(refused.value)


def test_a_password_is_on_no_command_line():
    address = live_address().to("shop")
    secret = type(address)({**address.params, "password": "hunter2"})
    assert "hunter2" not in secret.conninfo
    assert secret.environ["PGPASSWORD"] == "hunter2"
    assert "SECRET_KEY" not in secret.environ


def test_a_killed_backup_leaves_nothing_that_lists_as_one(target):
    run_in_shop(
        "CREATE TABLE public.much AS SELECT string_agg(md5((n * m)::text), '') FROM generate_series(1, 20000) n, "
        "generate_series(1, 30) m GROUP BY n"
    )
    process = start("backup", BACKUP_DIR=target.where)
    deadline = time.monotonic() + 30
    while not partials(target) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(partials(target)) == 1
    assert target.stored() == []
    call_command("backup", "prune")
    assert partials(target) == []
    run_in_shop("DROP TABLE public.much")


def files_at(target):
    folder = Path(target.where)
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def partials(target):
    return [name for name in files_at(target) if name.endswith(".partial")]


def test_a_table_that_is_locked_for_long_is_said_and_not_waited_for(target, monkeypatch):
    monkeypatch.setitem(SESSION, "lock_timeout", "200ms")
    with psycopg.connect(live_address().conninfo) as other:
        other.execute("LOCK TABLE products_product IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BackupFailed, match="lock timeout"):
            make_backup()
    assert target.stored() == []


def test_evidence_is_no_backup(target):
    stored = make_backup().stored
    target.write_evidence(stored.name, {"result": "verified"})
    (Path(target.where) / "README").write_text("not ours")
    assert [one.name for one in target.stored()] == [stored.name]


def test_any_two_rows_that_are_written_differently_add_up_differently(target):
    """1.0 and 1.00 are one number, and two jsonb may be equal; an exchange between columns or rows is none."""
    run_in_shop("CREATE TABLE public.odd (a int, b text, c numeric, d jsonb, e float8, f interval, g text[])")
    sums = set()
    rows = [
        ["(1, 'x', 1.0, '[1.0]', 0, '1 day', '{a}')"],
        ["(1, 'x', 1.00, '[1.0]', 0, '1 day', '{a}')"],
        ["(1, 'x', 1.0, '[1.00]', 0, '1 day', '{a}')"],
        ["(1, 'x', 1.0, '[1.0]', '-0', '1 day', '{a}')"],
        ["(1, 'x', 1.0, '[1.0]', 0, '24 hours', '{a}')"],
        ["(1, 'x ', 1.0, '[1.0]', 0, '1 day', '{a}')"],
        ["(1, '', 1.0, '[1.0]', 0, '1 day', '{a}')"],
        ["(1, NULL, 1.0, '[1.0]', 0, '1 day', '{a}')"],
        ["(NULL, '1', 1.0, '[1.0]', 0, '1 day', '{a}')"],
        ["(1, 'x', 1.0, '[1.0]', 0, '1 day', '{a,NULL}')"],
        ["(1, 'x', 1.0, '[1.0]', 0, '1 day', '{a}')"] * 2,
    ]
    for each in rows:
        run_in_shop("TRUNCATE public.odd", *(f"INSERT INTO public.odd VALUES {row}" for row in each))  # noqa: S608
        found, _ = archive(target, make_backup().stored.name)
        sums.add(found.contents.tables["public.odd"].checksum)
    run_in_shop("DROP TABLE public.odd")
    assert len(sums) == len(rows)


def test_an_index_that_was_never_finished_is_not_missed(target):
    run_in_shop(
        "CREATE INDEX unfinished ON public.products_product (name)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.unfinished'::regclass",
    )
    found, _ = archive(target, make_backup().stored.name)
    assert verify_backup(name="latest").differences == []
    run_in_shop("DROP INDEX public.unfinished")
    assert found.contents.objects["index public.unfinished"] is False
