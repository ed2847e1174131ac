"""A restore makes a new database, verified; the live one is exchanged in one step, kept, and never dropped."""

import os
import signal
import threading
import time
from contextlib import suppress

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.operations.backups.address import live_address
from apps.operations.errors import NotSwapped
from apps.operations.models import Backup
from apps.operations.services import restoring
from apps.products.models import Product
from tests.factories.products import ProductFactory
from tests.operations.backups.conftest import asked, databases, run, run_in_shop, start
from tests.operations.backups.test_verifying import dumped, forged, opened

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def only_the_shop_stays(shop):
    yield
    connection.close()
    for left in databases(shop):
        if left != shop:
            run(f'DROP DATABASE "{left}" WITH (FORCE)')


def oid_of(database):
    return run("SELECT oid FROM pg_database WHERE datname = %s", database)[0][0]


def names(database):
    return asked(database, "SELECT name FROM products_product ORDER BY name")


def test_a_restore_makes_a_new_database_beside_the_live_one(target, files, shop, capsys):
    name = files.lay_out(target, files.plain)
    before = oid_of(shop)
    call_command("restore", "latest")
    (beside,) = [one for one in databases(shop) if one != shop]
    assert beside.startswith(f"{shop}_restored_")
    assert names(beside) == names(shop)
    assert oid_of(shop) == before
    said = capsys.readouterr().out
    assert f"{name} is restored into {beside} and verified" in said
    assert f'DROP DATABASE "{beside}"' in said
    assert f"manage.py restore {name} --swap" in said


def test_its_planner_knows_the_tables_at_once(target, files, shop):
    files.lay_out(target, files.plain)
    call_command("restore", "latest", into=f"{shop}_planned")
    assert asked(f"{shop}_planned", "SELECT reltuples FROM pg_class WHERE relname = 'products_product'") == [(1.0,)]


def test_nothing_is_restored_onto_a_database_that_exists(target, files, shop):
    files.lay_out(target, files.plain)
    before = names(shop)
    with pytest.raises(CommandError, match=f"The database {shop} exists already.*--swap") as refused:
        call_command("restore", "latest", into=shop)
    assert refused.value.returncode == 2
    assert names(shop) == before
    assert databases(shop) == [shop]


def test_a_swap_keeps_the_old_database_under_another_name(target, files, shop, capsys):
    name = files.lay_out(target, files.plain)
    ProductFactory(name="Made after the backup", sku="AFTER")
    was = oid_of(shop)
    call_command("restore", "latest", "--swap", "--yes")
    (old,) = [one for one in databases(shop) if one != shop]
    assert old.startswith(f"{shop}_before_")
    assert oid_of(old) == was
    assert ("Made after the backup",) in names(old)
    assert ("Made after the backup",) not in names(shop)
    assert not Product.objects.filter(sku="AFTER").exists()  # this process reconnected
    assert list(Backup.objects.values_list("name", flat=True)) == [name]  # the restored one learns of its backups
    assert f"kept as {old}" in capsys.readouterr().out


def test_a_swap_shows_out_whoever_is_in_the_shop_and_whoever_comes_back(target, files, shop):
    files.lay_out(target, files.plain)
    stop, visits = threading.Event(), []

    def visit():
        while not stop.is_set():
            with suppress(psycopg.Error), psycopg.connect(live_address().conninfo) as line:
                while not stop.is_set():
                    visits.append(
                        line.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
                    )

    visitors = [threading.Thread(target=visit) for _ in range(6)]
    for visitor in visitors:
        visitor.start()
    try:
        call_command("restore", "latest", "--swap", "--yes")
        now_live = (oid_of(shop),)
        deadline = time.monotonic() + 10
        while visits[-1:] != [now_live] and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()
    assert len(set(visits)) == 2
    assert visits[-1] == now_live


def test_killed_between_the_two_renames_the_old_order_stands(target, files, shop):
    files.lay_out(target, files.plain)
    was = oid_of(shop)
    connection.close()
    process = start("restore", "latest", "--swap", "--yes", BACKUP_DIR=target.where)
    with live_address().to("postgres").connect() as obstacle:
        restored = wait_for(lambda: databases(f"{shop}_restored_"))[0]
        obstacle.execute("BEGIN")
        obstacle.execute("SELECT FROM pg_database WHERE datname = %s FOR UPDATE", [restored])
        second = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
        wait_for(lambda: run(second, f'ALTER DATABASE "{restored}" RENAME TO "{shop}"'))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        obstacle.rollback()
    wait_for(lambda: not run("SELECT 1 FROM pg_stat_activity WHERE query LIKE %s", "ALTER DATABASE%"))
    assert databases(shop) == [shop, restored]
    assert oid_of(shop) == was
    assert names(shop) == names(restored)
    call_command("restore", "latest", "--swap", "--yes", into=f"{shop}_again")
    assert oid_of(shop) != was


def wait_for(found, seconds=30):
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return result


def test_a_swap_that_fails_half_way_changes_nothing(target, files, shop, monkeypatch):
    files.lay_out(target, files.plain)
    was = oid_of(shop)
    restored = restoring.restore_backup(name="latest")
    gone = type(restored)("never_restored", restored.live, restored.verdict)
    with pytest.raises(NotSwapped, match=f"{shop} is still the live database, unchanged"):
        restoring.swap_in(restored=gone)  # its first rename succeeds
    assert oid_of(shop) == was
    assert len(databases(shop)) == 2


def test_a_swap_nobody_can_be_asked_about_needs_yes(target, files, shop):
    files.lay_out(target, files.plain)
    with pytest.raises(CommandError, match="say --yes as well") as refused:
        call_command("restore", "latest", "--swap")
    assert refused.value.returncode == 2
    assert databases(shop) == [shop]


def test_a_person_who_does_not_say_yes_has_a_restored_database_and_the_live_one(target, files, shop, monkeypatch):
    files.lay_out(target, files.plain)
    was = oid_of(shop)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="Not swapped") as refused:
        call_command("restore", "latest", "--swap")
    assert refused.value.returncode == 3
    assert oid_of(shop) == was
    assert len(databases(shop)) == 2


def test_a_backup_of_another_database_does_not_become_live_by_mistake(target, files, shop):
    archive, dump = opened(target, files.lay_out(target, files.plain))
    object.__setattr__(archive.manifest, "database", "another_shop")
    files.lay_out(target, forged(archive, dump))
    with pytest.raises(CommandError, match=f"of a database called another_shop, and the live one is {shop}") as refused:
        call_command("restore", "latest", "--swap", "--yes")
    assert refused.value.returncode == 2
    assert databases(shop) == [shop]
    call_command("restore", "latest", "--swap", "--yes", "--from-another-database")
    assert len(databases(shop)) == 2


def test_another_major_version_is_refused_until_it_is_allowed(target, files, shop):
    archive, dump = opened(target, files.lay_out(target, files.plain))
    object.__setattr__(archive.manifest, "postgres_major", 15)
    files.lay_out(target, forged(archive, dump))
    with pytest.raises(CommandError, match=r"taken from PostgreSQL 15, and this server is .* --allow-major-change"):
        call_command("restore", "latest")
    assert databases(shop) == [shop]
    call_command("restore", "latest", "--allow-major-change")
    assert len(databases(shop)) == 2


def test_a_backup_that_is_not_whole_is_dropped_again_and_touches_nothing(target, files, shop):
    archive, _ = opened(target, files.lay_out(target, files.plain))
    for content in (files.plain[:-1000], forged(archive, dumped("--exclude-table=accounts_device"))):
        files.lay_out(target, content)
        with pytest.raises(CommandError) as refused:
            call_command("restore", "latest", "--swap", "--yes")
        assert refused.value.returncode == 1
        assert databases(shop) == [shop]


def test_without_a_live_database_it_becomes_one(target, files, shop):
    files.lay_out(target, files.plain)
    connection.close()
    run(f'ALTER DATABASE "{shop}" RENAME TO "{shop}_lost"')
    call_command("restore", "latest", "--swap", "--yes")
    assert databases(shop) == [shop, f"{shop}_lost"]
    assert names(shop) == names(f"{shop}_lost")


def test_a_role_that_may_not_create_databases_is_told_how(target, files, shop, monkeypatch):
    files.lay_out(target, files.plain)
    run(f'CREATE ROLE "{shop}_clerk" LOGIN')
    params = {**live_address().params, "user": f"{shop}_clerk"}
    try:
        monkeypatch.setattr("django.db.connection.get_connection_params", lambda: params)
        for command in (["backup", "verify"], ["restore", "latest"]):
            with pytest.raises(CommandError, match=f'ALTER ROLE "{shop}_clerk" CREATEDB') as refused:
                call_command(*command)
            assert refused.value.returncode == 2
    finally:
        monkeypatch.undo()
        run(f'DROP ROLE "{shop}_clerk"')


def test_a_maintenance_database_that_is_the_shop_itself_is_refused(target, files, shop, settings):
    files.lay_out(target, files.plain)
    settings.BACKUP_MAINTENANCE_DATABASE = shop
    with pytest.raises(CommandError, match="name another one of that server"):
        call_command("restore", "latest")
    assert run_in_shop("SELECT 1") is None
