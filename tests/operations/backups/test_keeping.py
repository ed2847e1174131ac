"""How long backups stay, what is listed, what is measured, and what the schedule does."""

import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from prometheus_client import generate_latest

from apps.operations import tasks
from apps.operations.backup_metrics import BackupsCollector
from apps.operations.backups.targets import name_for
from apps.operations.errors import BackupFailed
from apps.operations.models import Backup
from apps.operations.services.backups import prune_backups
from apps.operations.services.evidence import list_backups
from config.env import ROOT
from core.clock import now
from core.models import OutboxJob
from core.outbox import run_due_jobs
from core.outbox_metrics import TABLE_METRICS
from core.outbox_registry import registered_jobs
from tests.conftest import Api
from tests.operations.backups.conftest import run_in_shop

TODAY = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def today(shop):
    with time_machine.travel(TODAY, tick=False):
        yield
    Backup.objects.all().delete()
    OutboxJob.objects.all().delete()


def keep(target, *ages, verified=(), failed=()):
    """Backups so many days old; their names."""
    names = {age: name_for(now() - timedelta(days=age)) for age in ages}
    for age, name in names.items():
        target.store.put(name, [b"content"])
        if age in (*verified, *failed):
            result = {"result": "verified"} if age in verified else {"result": "failed", "differences": ["Gone."]}
            target.write_evidence(name, result | {"checked_at": now().isoformat(), "seconds": 12.5})
    return names


def test_what_is_older_than_thirty_days_goes_with_its_evidence(target):
    names = keep(target, 0, 29, 31, 90, verified=(0, 90))
    assert [gone.name for gone in prune_backups()] == [names[90], names[31]]
    assert sorted(target.store.names()) == [names[29], names[0], f"{names[0]}.verified.json"]
    assert set(Backup.objects.values_list("name", flat=True)) == {names[0], names[29]}


def test_the_newest_verified_backup_stays_however_old(target):
    names = keep(target, 0, 40, 50, 60, verified=(50, 60), failed=(40,))
    prune_backups()
    assert [one.name for one in target.stored()] == [names[50], names[0]]


def test_the_last_backup_stays_though_it_is_old_and_never_was_verified(target):
    names = keep(target, 100, 200)
    prune_backups()
    assert [one.name for one in target.stored()] == [names[100]]


def test_other_peoples_files_stay(target):
    keep(target, 0, 100)
    target.store.put("hanout-notes.txt", [b"mine"])
    target.store.put("hanout-20200101T000000Z.backup.old", [b"mine"])
    prune_backups()
    assert {"hanout-notes.txt", "hanout-20200101T000000Z.backup.old"} <= target.store.names().keys()


def test_the_list_says_what_each_backup_is_worth(target, capsys):
    keep(target, 0, 1, 10, verified=(1,), failed=(10,))
    call_command("backup", "list")
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()[1:]) for line in lines] == [
        "10 d old 0.0 MB FAILED: Gone.",
        "24 h old 0.0 MB verified 2026-11-21 12:00 UTC, restored in 12.5 s",
        "0 h old 0.0 MB not verified",
    ]


def test_evidence_nobody_can_read_is_none(target):
    names = keep(target, 0)
    target.store.put(f"{names[0]}.verified.json", [b"{half"])
    assert [one.result for one in list_backups()] == [""]


def test_an_empty_target_is_said_to_be_empty(target, capsys):
    call_command("backup", "list")
    assert "There is no backup yet" in capsys.readouterr().out


def metrics():
    lines = generate_latest(TABLE_METRICS).decode().splitlines()
    return {line.split()[0]: float(line.split()[1]) for line in lines if line.startswith("hanout_backup")}


def test_without_any_backup_the_ages_are_infinite_so_that_alerts_fire(target):
    assert metrics() == {"hanout_backup_age_seconds": math.inf, "hanout_backup_verified_age_seconds": math.inf}


def test_metrics_tell_the_newest_and_the_newest_verified(target):
    keep(target, 0, 1, 2, verified=(1,), failed=(2,))
    list_backups()
    with time_machine.travel(TODAY + timedelta(hours=1), tick=False):
        assert metrics() == {
            "hanout_backup_age_seconds": 3600,
            "hanout_backup_verified_age_seconds": 25 * 3600,
            "hanout_backup_last_rto_seconds": 12.5,
        }


def test_they_are_on_the_page_of_metrics(target):
    assert "hanout_backup_age_seconds +Inf" in Api().get("/metrics").content.decode()


def test_a_database_without_the_table_costs_these_numbers_alone(target):
    keep(target, 0)
    run_in_shop("ALTER TABLE public.operations_backup RENAME TO gone")
    try:
        assert list(BackupsCollector().collect()) == []
        assert len(list_backups()) == 1
    finally:
        run_in_shop("ALTER TABLE public.gone RENAME TO operations_backup")


def test_nothing_is_backed_up_by_itself_in_development():
    assert "operations.plan_backup" not in registered_jobs()


def test_the_day_backs_up_once_then_prunes_and_verifies(target):
    OutboxJob.objects.all().delete()  # of another test: this shop is no transaction
    keep(target, 50)
    for _ in range(2):
        tasks.plan_backup()
    assert OutboxJob.objects.get().name == "operations.make_backup"
    while run_due_jobs():
        pass
    assert not OutboxJob.objects.exists()
    (known,) = list_backups()
    assert known.result == "verified"
    assert Backup.objects.get().rto_seconds > 0


def test_a_backup_that_fails_is_tried_again_and_then_given_up_for_all_to_see(target, settings, tmp_path):
    OutboxJob.objects.all().delete()
    (tmp_path / "file").touch()
    settings.BACKUP_STORE["OPTIONS"] = {"folder": tmp_path / "file" / "backups"}
    tasks.plan_backup()
    for hours in range(10):
        with time_machine.travel(TODAY + timedelta(hours=hours), tick=False):
            run_due_jobs()
    row = OutboxJob.objects.get()
    assert row.state == OutboxJob.State.DEAD
    assert row.attempts == 8
    assert "TargetUnreachable" in row.last_error


def test_a_verification_that_finds_something_fails_its_job_and_keeps_the_evidence(target):
    name = name_for(now())
    target.store.put(name, [b"damaged"])
    with pytest.raises(BackupFailed, match=f"{name} is not what was backed up"):
        tasks.verify(backup=name)
    assert target.evidence(name)["result"] == "failed"


def test_with_a_target_workers_back_up_daily_at_two():
    code = (
        "import django; django.setup(); from core.outbox_registry import registered_jobs; "
        "job = registered_jobs().get('operations.plan_backup'); print(job and job.daily_at)"
    )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", **given},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for given in ({"BACKUP_DIR": "/backups"}, {"BACKUP_DIR": "/backups", "BACKUP_SCHEDULE": "0"})
    ]
    assert said == ["02:00:00", "None"]


def test_help_is_worth_reading(capsys):
    for command, words in {"backup": "BACKUP_ENCRYPTION_KEY", "restore": "Nothing is ever dropped"}.items():
        with pytest.raises(SystemExit):
            call_command(command, "--help")
        said = capsys.readouterr().out
        assert words in said
        assert "Exit codes: 0 done" in said


def test_extracting_needs_a_file_that_is_not_there(target, tmp_path):
    with pytest.raises(CommandError, match="Say which backup") as refused:
        call_command("backup", "extract")
    assert refused.value.returncode == 2
