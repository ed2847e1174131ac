from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import InternalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django_celery_beat.models import PeriodicTask

from apps.accounts.models import User
from apps.operations.models import Backup
from apps.operations.preflight.checks import target as checks
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.given import Given
from apps.operations.preflight.target import reading, target_entry
from core.clock import now
from core.models import Heartbeat, OutboxJob
from core.outbox import plan_schedule
from tests.operations.preflight.conftest import needs_git
from tests.operations.releases.checkout import Database

pytestmark = pytest.mark.django_db
HERE = Given({}, "the tests")


def kept(hours, *, verified=True, **fields):
    taken = now() - timedelta(hours=hours)
    verified_at = taken + timedelta(minutes=5) if verified else None
    name = f"hanout-{taken:%Y%m%dT%H%M%SZ}.backup"
    given = {"target": "s3://safe", "size_bytes": 5_000_000, "rto_seconds": 41.5, "verified_at": verified_at, **fields}
    return Backup.objects.create(name=name, taken_at=taken, **given)


def test_a_young_backup_that_was_restored_passes_with_its_figures(look):
    name = kept(3).name
    seen = look(checks.backup)
    assert (seen.outcome, seen.sentence) == ("ok", f"{name}, 3 hours old, restored and found whole in 41.5 s.")
    assert seen.lines[0].endswith("5.0 MB in s3://safe.")


def test_a_younger_one_that_is_not_verified_yet_takes_nothing_back(look):
    kept(20)
    kept(1, verified=False)
    assert look(checks.backup).outcome == "ok"


def test_without_a_backup_there_is_no_go(look):
    assert look(checks.backup).sentence == "There is no backup."


def test_an_old_backup_fails_by_its_age(look):
    name = kept(27).name
    seen = look(checks.backup)
    assert (seen.outcome, seen.sentence) == ("failed", f"{name} is the newest, 27 hours old; 26 hours is the limit.")
    assert look(checks.backup, backup_age=timedelta(hours=30)).outcome == "ok"


def test_a_young_backup_nobody_restored_fails(look):
    kept(27)
    kept(1, verified=False)
    assert look(checks.backup).sentence.endswith("but it was never restored to see whether it is whole.")


def test_a_backup_that_did_not_stand_the_test_fails_with_what_was_found(look):
    kept(1, verified=False, failure="orders_order: 5 rows instead of 6")
    assert look(checks.backup).sentence.endswith("but orders_order: 5 rows instead of 6.")


def test_a_schedule_in_time_passes(look):
    plan_schedule()
    seen = look(checks.housekeeping)
    assert seen.outcome == "ok"
    assert "none overdue and none failing" in seen.sentence


def test_a_schedule_nobody_ever_ran_fails(look):
    assert look(checks.housekeeping).sentence.startswith("Nothing is scheduled")


def test_overdue_and_failing_jobs_of_the_schedule_fail_by_name(look):
    plan_schedule()
    OutboxJob.objects.filter(name="accounts.forget_old_codes").update(due_at=now() - timedelta(hours=3))
    OutboxJob.objects.filter(name="core.forget_old_answers").update(attempts=2, last_error="KeyError: 'x'")
    seen = look(checks.housekeeping)
    assert seen.lines == (
        "accounts.forget_old_codes: due 3 hours ago",
        "core.forget_old_answers: failed 2×, KeyError: 'x'",
    )
    assert (seen.outcome, seen.sentence[:27]) == ("failed", "1 overdue and 1 failing of ")


def test_what_a_person_switched_off_is_a_warning_and_not_overdue(look):
    plan_schedule()
    PeriodicTask.objects.filter(name="accounts.forget_old_codes").update(enabled=False)
    OutboxJob.objects.filter(name="accounts.forget_old_codes").update(due_at=now() - timedelta(days=3))
    seen = look(checks.housekeeping)
    assert (seen.outcome, seen.lines) == ("warning", ("accounts.forget_old_codes: switched off in the console",))


def test_a_queue_that_is_late_fails_and_one_that_is_not_passes(look):
    assert look(checks.queue_age).sentence == "No job waits."
    job = OutboxJob.objects.create(name="orders.announce_placed", due_at=now() - timedelta(minutes=4))
    assert look(checks.queue_age).sentence == "1 job due, the oldest for 4 minutes."
    OutboxJob.objects.filter(pk=job.pk).update(due_at=now() - timedelta(minutes=6))
    seen = look(checks.queue_age)
    assert (seen.outcome, seen.sentence) == ("failed", "1 job due, the oldest for 6 minutes; 5 minutes is the limit.")


def test_jobs_given_up_are_a_warning_with_their_errors(look):
    assert look(checks.dead_jobs).outcome == "ok"
    OutboxJob.objects.create(name="payments.check", due_at=now(), state="dead", last_error="gone")
    seen = look(checks.dead_jobs)
    assert (seen.outcome, seen.lines[0].split("#")[0]) == ("warning", "payments.check ")


def test_a_worker_that_lives_passes_and_one_that_is_silent_fails(look):
    assert look(checks.heartbeats).sentence == "No worker lives."
    beat = Heartbeat.objects.create(kind="worker", seen_at=now() - timedelta(seconds=20))
    assert look(checks.heartbeats).outcome == "ok"
    Heartbeat.objects.filter(pk=beat.pk).update(seen_at=now() - timedelta(minutes=3))
    assert look(checks.heartbeats).outcome == "failed"


def test_a_silent_beat_is_a_warning_while_workers_live(look):
    Heartbeat.objects.create(kind="worker", seen_at=now())
    plan_schedule()
    PeriodicTask.objects.filter(name="accounts.forget_old_codes").update(last_run_at=now() - timedelta(hours=1))
    assert look(checks.heartbeats).outcome == "warning"


def test_a_database_at_this_schema_passes_and_what_waits_is_listed(look):
    assert look(checks.target).sentence.endswith("at this schema already.")
    MigrationRecorder.Migration.objects.filter(app="core", name="0004_heartbeats").delete()
    seen = look(checks.target)
    assert (seen.outcome, seen.lines) == ("ok", ("core.0004_heartbeats",))
    assert seen.sentence.endswith("1 migration to apply.")


def test_a_database_ahead_of_this_commit_fails(look):
    MigrationRecorder.Migration.objects.create(app="core", name="0999_tomorrow")
    seen = look(checks.target)
    assert (seen.outcome, seen.lines) == ("failed", ("core.0999_tomorrow",))


def test_migrations_of_apps_that_are_no_longer_there_are_no_matter(look):
    MigrationRecorder.Migration.objects.create(app="old_library", name="0001_initial")
    assert look(checks.target).outcome == "ok"


def elsewhere(name):
    return {**target_entry(HERE), "NAME": name}


@needs_git
def test_an_empty_database_is_a_first_deployment_and_said_so(look, checkout):
    empty = Database("preflight_empty")
    with reading(elsewhere(empty.name)):
        seen = look(checks.target, root=checkout.root)
        others = [
            look(getattr(checks, name)) for name in ("backup", "housekeeping", "queue_age", "dead_jobs", "heartbeats")
        ]
    assert (seen.outcome, seen.sentence[:22]) == ("warning", "The database is empty:")
    assert {one.sentence for one in others} == {"The database is empty: there is nothing yet."}


@needs_git
def test_an_empty_database_after_a_release_is_taken_for_the_wrong_one(look, checkout):
    checkout.git("tag", "v1.0.0")
    mistyped = Database("preflight_mistyped")
    with reading(elsewhere(mistyped.name)):
        seen = look(checks.target, root=checkout.root, since="v1.0.0")
    assert (seen.outcome, seen.sentence) == (
        "failed",
        "The database is empty, yet v1.0.0 was released before: is it the right one?",
    )


def test_a_database_of_somebody_else_fails(look):
    other = Database("preflight_other")
    other.ask("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
    with reading(elsewhere(other.name)):
        assert look(checks.target).sentence == "The database has tables, and none of them is ours."


def test_a_schema_from_before_backups_is_said_to_be_that(look):
    old = Database("preflight_old")
    old.ask("CREATE TABLE django_migrations (id int, app text, name text, applied timestamptz)")
    with reading(elsewhere(old.name)):
        assert look(checks.backup).sentence.startswith("The target knows of no backups")


def test_the_target_is_read_through_a_session_that_cannot_write():
    before, ordinary = User.objects.count(), connection.settings_dict["NAME"]
    with reading(target_entry(HERE)):
        assert connection.settings_dict["NAME"] == ordinary
        with pytest.raises(InternalError, match="read-only transaction"):
            User.objects.create_user(phone="+966500000001", role_state="phone_only")
        with pytest.raises(InternalError, match="read-only transaction"), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE planted ()")
    assert User.objects.count() == before


def test_a_database_that_is_away_is_named_without_its_password():
    entry = {
        **target_entry(HERE),
        "HOST": "127.0.0.1",
        "PORT": "1",
        "PASSWORD": "secret",
        "ENGINE": "django.db.backends.postgresql",
    }
    with (
        pytest.raises(CannotCheck, match=r"The database shop on 127\.0\.0\.1 cannot be reached") as refused,
        reading({**entry, "NAME": "shop"}),
    ):
        pass
    assert "secret" not in str(refused.value)


def test_the_database_of_a_file_of_settings_is_the_target(settings):
    given = Given({"DATABASE_URL": "postgresql://shop:x@db.shop.test:5433/live?sslmode=require"}, "a.env", is_file=True)
    entry = target_entry(given)
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.shop.test", "5433", "live")
    assert entry["OPTIONS"]["options"].endswith("-c default_transaction_read_only=on")
    assert django_settings.DATABASES["default"]["OPTIONS"]["options"].count("read_only") == 0
