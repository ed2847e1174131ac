"""A backup counts after it was restored into an empty database and compared; damage of any kind is found."""

import os
import re
import signal
import subprocess
import time

import pytest
from django.core.management import CommandError, call_command

from apps.operations.backups.address import live_address
from apps.operations.backups.archive import Archive, written
from apps.operations.backups.manifest import Contents, Figures, Manifest
from apps.operations.backups.programs import program
from apps.operations.errors import KeyMissing, NoSuchBackup
from apps.operations.models import Backup
from apps.operations.services.backups import make_backup
from apps.operations.services.restoring import verify_backup
from apps.products.models import StockItem
from tests.operations.backups.conftest import KEY, databases, run, run_in_shop, start

pytestmark = pytest.mark.slow
HEADER = 55


@pytest.fixture(autouse=True)
def nothing_else_moves(shop):
    """Whatever is verified: the shop stays as it is, and no copy of it stays behind."""
    Backup.objects.all().delete()  # what another test noted of a backup of the same second
    before = live_rows()
    yield
    assert databases(shop) == [shop]
    assert live_rows() == before


def live_rows():
    return list(StockItem.objects.values_list("pk", "on_hand", "reserved"))


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_whole_backup_is_found_whole_and_that_is_written_down(target, files, settings, is_encrypted):
    settings.BACKUP_KEYS = [KEY] if is_encrypted else []
    name = files.lay_out(target, files.encrypted if is_encrypted else files.plain)
    verdict = verify_backup(name="latest")
    assert verdict.differences == []
    assert verdict.rows > 50
    evidence = target.evidence(name)
    assert evidence["result"] == "verified"
    assert {"checked_at", "version", "commit", "host"} <= evidence.keys()
    row = Backup.objects.get(name=name)
    assert row.verified_at is not None
    assert row.rto_seconds == evidence["seconds"] == round(verdict.seconds, 3) > 0


AHEAD = 10**9  # where no sequence of these tests stands
PLACES = {
    "header": lambda _: 20,
    "manifest": lambda _: HEADER + 40,
    "dump": lambda size: size // 2,
    "end": lambda size: size - 30,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_flipped_byte_is_found(target, files, settings, is_encrypted, place):
    settings.BACKUP_KEYS = [KEY] if is_encrypted else []
    damaged = bytearray(files.encrypted if is_encrypted else files.plain)
    damaged[PLACES[place](len(damaged))] ^= 0xFF
    name = files.lay_out(target, bytes(damaged))
    with pytest.raises(CommandError) as refused:
        call_command("backup", "verify")
    if is_encrypted and place == "header":  # which holds the name of the key
        assert refused.value.returncode == 2
        assert "is not here" in str(refused.value)
    else:
        assert refused.value.returncode == 1
        assert "damaged" in str(refused.value)
        assert target.evidence(name)["result"] == "failed"
    assert not Backup.objects.exclude(verified_at=None).exists()


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_found(target, files, settings, is_encrypted, share):
    settings.BACKUP_KEYS = [KEY] if is_encrypted else []
    whole = files.encrypted if is_encrypted else files.plain
    files.lay_out(target, whole[: int(len(whole) * share)])
    (said,) = verify_backup(name="latest").differences
    assert "damaged" in said


def forged(archive, dump, contents=None):
    """What somebody who writes our format could put at the target."""
    return b"".join(written(archive.manifest, [dump], [contents or archive.contents], key=None))


def opened(target, name):
    with target.reading(name) as source:
        archive = Archive(source, keys=[])
        return archive, b"".join(archive.dump())


def dumped(*options):
    """A dump of the live shop by pg_dump itself."""
    address = live_address()
    chosen = program("pg_dump", least_major=1, reason="of a test")
    newest = chosen if chosen.major >= 18 else program("pg_dump", least_major=18, reason="of a test")
    command = [newest.path, "--format=custom", *options, f"--dbname={address.conninfo}"]
    return subprocess.run(command, capture_output=True, check=True, env=address.environ).stdout


def test_a_table_dropped_from_the_dump_is_found(target, files):
    archive, _ = opened(target, files.lay_out(target, files.plain))
    dump = dumped("--exclude-table=products_wishlistitem", "--exclude-table=accounts_device")
    files.lay_out(target, forged(archive, dump))
    said = verify_backup(name="latest").differences
    assert "Table public.accounts_device is missing." in said
    assert any("Sequence" in each or "Index" in each for each in said)


def test_a_changed_row_is_found_though_there_are_as_many(target, files):
    archive, _ = opened(target, files.lay_out(target, files.plain))
    run_in_shop("UPDATE public.products_product SET price = price + 1")
    try:
        files.lay_out(target, forged(archive, dumped()))
        said = verify_backup(name="latest").differences
    finally:
        run_in_shop("UPDATE public.products_product SET price = price - 1")
    assert "Table public.products_product has the right number of rows, and different ones." in said


def test_missing_rows_and_a_sequence_set_back_are_found(target, files):
    archive, dump = opened(target, files.lay_out(target, files.plain))
    contents = archive.contents
    more = {"public.products_product": Figures(2, "0")}
    ahead = {"public.orders_orderline_id_seq": (AHEAD, AHEAD + 1)}
    wanted = Contents(
        {**contents.tables, **more}, {**contents.sequences, **ahead}, {**contents.objects, "index public.gone": True}
    )
    files.lay_out(target, forged(archive, dump, wanted))
    said = verify_backup(name="latest").differences
    assert "Table public.products_product has 1 rows instead of 2." in said
    behind = rf"Sequence public\.orders_orderline_id_seq stands at \d+ instead of between {AHEAD} and {AHEAD + 1}\."
    assert any(re.fullmatch(behind, sentence) for sentence in said)
    assert "Index public.gone is missing." in said


def test_a_dump_that_is_none_is_told_in_pg_restores_words(target, files):
    archive, _ = opened(target, files.lay_out(target, files.plain))
    files.lay_out(target, forged(archive, b"PGDMP is not all it takes" * 1000))
    (said,) = verify_backup(name="latest").differences
    assert said.startswith("pg_restore ")


@pytest.mark.parametrize("content", [b"", b"PGDMP" + bytes(10_000), b"<html>not found</html>"])
def test_another_file_under_a_backups_name_is_no_backup(target, files, content):
    files.lay_out(target, content)
    assert verify_backup(name="latest").differences == ["This is no backup of Hanout, or its first bytes are damaged."]


def test_the_wrong_key_says_nothing_about_the_backup(target, files, settings):
    name = files.lay_out(target, files.encrypted)
    for keys in ([], [bytes(31) + b"1"]):
        settings.BACKUP_KEYS = keys
        with pytest.raises(KeyMissing):
            verify_backup(name="latest")
    assert target.evidence(name) == {}
    settings.BACKUP_KEYS = [bytes(31) + b"1", KEY]  # a previous one reads
    assert verify_backup(name="latest").differences == []


def test_where_backups_are_encrypted_a_plain_one_is_not_trusted(target, files, key, shop):
    name = files.lay_out(target, files.plain)
    for command in (["backup", "verify"], ["restore", "latest"]):
        with pytest.raises(CommandError, match="not encrypted, and this shop's are") as refused:
            call_command(*command)
        assert refused.value.returncode == 2
    assert target.evidence(name) == {}


def test_a_backup_of_a_later_release_is_whole_and_said_to_be_later(target, files):
    run_in_shop("INSERT INTO public.django_migrations (app, name, applied) VALUES ('orders', '9999_later', now())")
    try:
        make_backup()
        verdict = verify_backup(name="latest")
    finally:
        run_in_shop("DELETE FROM public.django_migrations WHERE name = '9999_later'")
    assert verdict.differences == []
    assert any("does not know: orders.9999_later" in note for note in verdict.notes)


def test_a_backup_of_an_earlier_release_is_whole_too(target, files):
    kept = run_in_shop("DELETE FROM public.django_migrations WHERE app = 'operations'")
    try:
        make_backup()
        verdict = verify_backup(name="latest")
    finally:
        run_in_shop(
            "INSERT INTO public.django_migrations (app, name, applied) VALUES ('operations', '0001_backups', now())"
        )
    assert kept is None
    assert verdict.differences == []
    assert "1 migrations of this release are still to be applied: `manage.py migrate`." in verdict.notes


def test_books_that_were_wrong_already_are_no_fault_of_the_backup(target):
    run_in_shop("UPDATE public.orders_order SET subtotal = subtotal + 1, total = total + 1")
    try:
        make_backup()
        verdict = verify_backup(name="latest")
    finally:
        run_in_shop("UPDATE public.orders_order SET subtotal = subtotal - 1, total = total - 1")
    assert verdict.differences == []
    assert "As in the shop when it was backed up: 1 orders do not cost what their lines cost." in verdict.notes


def test_books_that_became_wrong_are_a_fault_of_the_backup(target, files):
    archive, _ = opened(target, files.lay_out(target, files.plain))
    run_in_shop("UPDATE public.products_stockitem SET on_hand = on_hand + 1")
    try:
        files.lay_out(target, forged(archive, dumped()))
        said = verify_backup(name="latest").differences
    finally:
        run_in_shop("UPDATE public.products_stockitem SET on_hand = on_hand - 1")
    assert "1 stock items do not agree with their ledger." in said


def test_damage_found_later_takes_the_evidence_back(target, files):
    name = files.lay_out(target, files.plain)
    verify_backup(name=name)
    files.lay_out(target, files.plain[:-100])
    assert verify_backup(name=name).differences
    assert target.evidence(name)["result"] == "failed"
    assert not Backup.objects.exclude(verified_at=None).exists()


def test_a_killed_verification_proves_nothing_and_its_copy_goes_with_the_next(target, files, shop):
    name = files.lay_out(target, files.plain)
    process = start("backup", "verify", BACKUP_DIR=target.where)
    deadline = time.monotonic() + 30
    while not any("_verify_" in one for one in marked()) and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(databases(shop)) == 2
    assert target.evidence(name) == {}
    while run("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"):  # until PostgreSQL has noticed
        time.sleep(0.01)
    assert verify_backup(name=name).differences == []
    assert databases(shop) == [shop]


def marked():
    return [
        name
        for (name,) in run("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') LIKE 'Hanout%'")
    ]


def test_what_is_not_there_is_named_with_what_is(target, files):
    with pytest.raises(NoSuchBackup, match="It holds none"):
        verify_backup(name="latest")
    name = files.lay_out(target, files.plain)
    with pytest.raises(NoSuchBackup, match=f"no backup 'hanout-1'. The newest is {name}"):
        verify_backup(name="hanout-1")


def test_a_manifest_that_is_not_ours_is_no_backup_of_ours():
    with pytest.raises(ValueError, match="another"):
        Manifest.of_json({"product": "another"})
