"""Publishing is all or nothing, once, whoever else does the same and whatever is killed on the way."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Barrier, Thread
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, connections, transaction

from apps.campaigns.models import (
    Campaign,
    CampaignPeriod,
    CampaignSite,
    Finding,
    ImportRun,
    RawRow,
    Repair,
)
from config.env import ROOT
from core.locks import lock

TABLES = (ImportRun, RawRow, Campaign, CampaignPeriod, CampaignSite, Repair, Finding)


def counts():
    return {table.__name__: table.objects.count() for table in TABLES}


PUBLISHED = {
    "ImportRun": 1,
    "RawRow": 3 + 7 + 13 + 52,
    "Campaign": 7,
    "CampaignPeriod": 13,
    "CampaignSite": 52,
    "Repair": 37,
    "Finding": 5,
}


def first_parts():
    rows = Campaign.objects.filter(part=1).values("name", "id", "run_id", "fingerprint")
    return {row.pop("name"): row for row in rows}


def test_the_demo_is_published_with_all_its_evidence(demo, db):
    report = demo.publish()
    assert (report.published, report.unchanged, counts()) == (7, 0, PUBLISHED)
    run = ImportRun.objects.get()
    assert (run.state, run.published, run.report) == ("published", 7, report.as_json())
    assert run.started_at <= run.finished_at


def test_the_same_files_again_touch_no_row(demo, db, django_assert_max_num_queries):
    demo.publish()
    before = list(Campaign.objects.values())
    with django_assert_max_num_queries(4):  # savepoint, lock, fingerprints, release
        report = demo.publish()
    assert (report.published, report.unchanged) == (0, 7)
    assert (list(Campaign.objects.values()), counts()) == (before, PUBLISHED)


def test_the_order_of_rows_is_no_change(demo, db):
    demo.publish()
    for file in (demo.campaigns, demo.periods, demo.sites):
        header, *rows = demo.rows(file)
        demo.write(file, [header, *sorted(rows)])
    assert demo.publish().unchanged == 7


def test_a_dry_run_says_what_would_happen_and_writes_nothing(demo, db):
    report = demo.publish(dry_run=True)
    assert (report.changed, report.published, report.unchanged) == (7, 0, 0)
    assert set(counts().values()) == {0}
    demo.set(demo.campaigns, 2, "alcance", "many")
    assert demo.publish(dry_run=True).is_refused
    assert set(counts().values()) == {0}


def test_only_a_changed_campaign_is_published_again_under_its_id(demo, db):
    demo.publish()
    before = {
        row.pop("name"): row for row in Campaign.objects.filter(part=1).values("name", "id", "run_id", "fingerprint")
    }
    demo.set(demo.campaigns, 2, "universo_zona_metro", "2140501")
    report = demo.publish()
    assert (report.published, report.unchanged) == (1, 6)
    after = {
        row.pop("name"): row for row in Campaign.objects.filter(part=1).values("name", "id", "run_id", "fingerprint")
    }
    assert after["verano_centro"]["id"] == before["verano_centro"]["id"]
    assert after.pop("verano_centro") != before.pop("verano_centro")
    assert after == before
    assert CampaignPeriod.objects.count() == 13


def test_a_changed_site_changes_its_campaign(demo, db):
    demo.publish()
    (row, *_) = demo.find(demo.sites, name="playa_invierno")
    demo.set(demo.sites, row, "municipio", "Las Dunas")
    assert demo.publish().published == 1
    assert CampaignSite.objects.count() == 52
    assert CampaignSite.objects.filter(municipio="Las Dunas").count() == 1


def test_a_part_no_longer_delivered_is_withdrawn_and_other_campaigns_stay(demo, db):
    demo.publish()
    second = demo.find(demo.campaigns, name="feria_del_libro")[1]
    demo.drop(demo.campaigns, second)
    header, *rows = demo.rows(demo.periods)
    keep = [row for row in rows if row[0] != "feria_del_libro" or row[3] in {"398412", "351819"}]
    demo.write(demo.periods, [header, *keep])
    header, *rows = demo.rows(demo.sites)
    demo.write(demo.sites, [header, *(row for row in rows if row[0] != "DEMO-LIB-101")])
    demo.publish()
    assert list(Campaign.objects.filter(name="feria_del_libro").values_list("part", flat=True)) == [1]
    demo.drop(demo.campaigns, 2)
    for file in (demo.periods, demo.sites):
        while rows := demo.find(file, name="verano_centro"):
            demo.drop(file, rows[0])
    demo.publish()
    assert Campaign.objects.filter(name="verano_centro").exists()


def test_a_failure_half_way_leaves_nothing(demo, db, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr(Finding.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        demo.publish()
    assert set(counts().values()) == {0}


@pytest.mark.django_db(transaction=True)
def test_imports_at_the_same_moment_publish_once(demo):
    reports, start = [], Barrier(4)

    def run():
        start.wait()
        try:
            reports.append(demo.publish())
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted((report.published, report.unchanged) for report in reports) == [(0, 7)] * 3 + [(7, 0)]
    assert counts() == PUBLISHED


@contextmanager
def separate_import(delivery):
    """An import in a process of its own, on the database of this test."""
    given = connection.get_connection_params()
    query = urlencode({name: given[name] for name in ("host", "port") if given.get(name)})
    credentials = f"{quote(given['user'])}:{quote(given.get('password') or '')}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_campaigns", str(delivery.folder)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"postgresql://{credentials}@/{given['dbname']}?{query}",
            "HANOUT_DATA_DIR": str(delivery.folder.parent / "state"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def other_sessions():
    """The other sessions on this database, and what they wait for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT pid, wait_event_type FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return set(cursor.fetchall())


def wait_until(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def hold(table):
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "obstacle",
    [
        lambda: lock("campaigns.import"),
        lambda: hold("campaigns_campaign"),
        lambda: hold("campaigns_rawrow"),
        lambda: hold("campaigns_campaignsite"),
    ],
    ids=["before it began", "between repair and publication", "while keeping the raw rows", "before the last table"],
)
def test_an_import_killed_on_the_way_leaves_nothing_and_can_be_run_again(demo, obstacle):
    bystanders = {pid for pid, _ in other_sessions()}

    def import_waits_for():
        return {waits_for for pid, waits_for in other_sessions() if pid not in bystanders}

    with separate_import(demo) as process:
        with transaction.atomic():
            obstacle()
            wait_until(lambda: "Lock" in import_waits_for() or process.poll() is not None)
            assert process.poll() is None, process.stdout.read()
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_until(lambda: not import_waits_for())
    assert set(counts().values()) == {0}
    assert demo.publish().published == 7
    assert counts() == PUBLISHED
