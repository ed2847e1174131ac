"""The installation the release goes to, read from its database: whole, saved, and at work."""

from collections.abc import Iterable
from datetime import timedelta
from functools import wraps

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Min
from django_celery_beat.models import PeriodicTask

from apps.operations.models import Backup
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, aged, bad, counted, doubtful, good
from apps.operations.preflight.registry import Look, Part, check
from apps.operations.preflight.target import is_empty
from core.clock import now
from core.heartbeats import BEAT, WORKER, read_heartbeats
from core.models import OutboxJob, is_due
from core.outbox_registry import JOBS_LATE, registered_jobs

OVERDUE = timedelta(minutes=10)
WORKER_SILENT, BEAT_SILENT = timedelta(minutes=1), timedelta(minutes=10)
NEW = "The database is empty: there is nothing yet."


def unless_new(look: Look) -> Look:
    """Before the first deployment there is nothing to look at, and nothing wrong with that."""

    @wraps(look)
    def looked(flight: Flight) -> Seen:
        return good(NEW) if is_empty(connection) else look(flight)

    return looked


@check(
    "target",
    Part.TARGET,
    "The database the release goes to is the shop's, and its migrations fit this commit.",
    hint="Check DATABASE_URL; a migration nobody here knows means that a newer commit is deployed already.",
    reads_target=True,
)
def target(flight: Flight) -> Seen:
    if is_empty(connection):
        return _empty(flight)
    loader = MigrationLoader(connection)
    applied, known = set(loader.applied_migrations), set(loader.disk_migrations)
    ours = {app for app, _ in known}
    if strange := sorted(f"{app}.{name}" for app, name in applied - known if app in ours and not _is_squashed(name)):
        return bad(f"{counted(len(strange), 'migration')} of the database are not in this commit.", *strange)
    waiting = sorted(".".join(node) for node in known - applied)
    if not applied & known:
        return bad("The database has tables, and none of them is ours.")
    says = f"PostgreSQL {_server()}; {counted(len(waiting), 'migration')} to apply"
    return good(f"{says}." if waiting else f"PostgreSQL {_server()}; at this schema already.", *waiting)


def _empty(flight: Flight) -> Seen:
    """A mistyped name in DATABASE_URL looks like this too, and would open a shop without customers."""
    if flight.release:
        return bad(
            f"The database is empty, yet {flight.release.name} was released before: is it the right one?",
            "For another new shop: --skip target --reason 'a new shop'.",
        )
    return doubtful("The database is empty: right before a first deployment, and at no other time.")


def _is_squashed(name: str) -> bool:
    return "_squashed_" in name


def _server() -> str:
    major, minor = divmod(connection.cursor().connection.info.server_version, 10000)
    return f"{major}.{minor}"


@check(
    "backup",
    Part.TARGET,
    "The newest backup is young, and it was restored and found whole.",
    hint="manage.py backup && manage.py backup verify, against the target; docs/backups.md.",
    reads_target=True,
)
@unless_new
def backup(flight: Flight) -> Seen:
    if "operations_backup" not in _tables():
        return bad("The target knows of no backups: its release is older than `manage.py backup`.")
    newest = Backup.objects.order_by("-taken_at").first()
    if newest is None:
        return bad("There is no backup.")
    verified = Backup.objects.filter(verified_at__isnull=False).order_by("-taken_at").first()
    limit = aged(flight.backup_age.total_seconds())
    age = aged((now() - newest.taken_at).total_seconds())
    if verified is None or now() - verified.taken_at > flight.backup_age:
        if now() - newest.taken_at > flight.backup_age:
            return bad(f"{newest.name} is the newest, {age} old; {limit} is the limit.")
        why = newest.failure or "it was never restored to see whether it is whole"
        return bad(f"{newest.name} is {age} old, but {why}.")
    return good(*_proof(verified))


def _proof(kept: Backup) -> tuple[str, str]:
    age = aged((now() - kept.taken_at).total_seconds())
    when = f"{kept.verified_at:%Y-%m-%d %H:%M} UTC"
    took = f" in {kept.rto_seconds:.1f} s" if kept.rto_seconds else ""
    return (
        f"{kept.name}, {age} old, restored and found whole{took}.",
        f"Verified {when}; {kept.size_bytes / 1e6:.1f} MB in {kept.target}.",
    )


@check(
    "housekeeping",
    Part.TARGET,
    "The schedule runs: every repeating job was done when it was due.",
    hint="See to it that `manage.py run_jobs` or a Celery worker with beat runs; the console shows each job's error.",
    reads_target=True,
)
@unless_new
def housekeeping(flight: Flight) -> Seen:
    switched_off = set(PeriodicTask.objects.filter(enabled=False).values_list("name", flat=True))
    rows = [row for row in OutboxJob.objects.filter(repeats_every__isnull=False) if row.name not in switched_off]
    if not rows:
        return bad("Nothing is scheduled: no worker ever ran on this database.")
    overdue = [f"{row.name}: due {aged((now() - row.due_at).total_seconds())} ago" for row in rows if _is_late(row)]
    failing = [f"{row.name}: failed {row.attempts}×, {row.last_error}" for row in rows if row.attempts]
    off = sorted(f"{name}: switched off in the console" for name in switched_off & set(registered_jobs()))
    if overdue or failing:
        return bad(f"{len(overdue)} overdue and {len(failing)} failing of {len(rows)} jobs.", *overdue, *failing, *off)
    if off:
        return doubtful(f"{counted(len(rows), 'repeating job')} in time, {len(off)} switched off.", *off)
    return good(f"{counted(len(rows), 'repeating job')}, none overdue and none failing.")


def _is_late(row: OutboxJob) -> bool:
    return row.due_at < now() - OVERDUE


@check(
    "queue-age",
    Part.TARGET,
    "Jobs are done when they are due.",
    hint="Start more workers, or find what they wait for; docs/jobs.md.",
    reads_target=True,
)
@unless_new
def queue_age(flight: Flight) -> Seen:
    due = OutboxJob.objects.filter(is_due())
    oldest, waiting = due.aggregate(oldest=Min("due_at"))["oldest"], due.count()
    if oldest is None:
        return good("No job waits.")
    says = f"{counted(waiting, 'job')} due, the oldest for {aged((now() - oldest).total_seconds())}"
    return (
        bad(f"{says}; {aged(JOBS_LATE.total_seconds())} is the limit.")
        if now() - oldest > JOBS_LATE
        else good(says + ".")
    )


@check(
    "dead-jobs",
    Part.TARGET,
    "No job was given up.",
    hint="Read their errors in the console and run them again, before or right after the release.",
    reads_target=True,
)
@unless_new
def dead_jobs(flight: Flight) -> Seen:
    dead = OutboxJob.objects.filter(state=OutboxJob.State.DEAD).order_by("name", "pk")
    if not (count := dead.count()):
        return good("None waits for a person.")
    return doubtful(f"{counted(count, 'job')} wait for a person.", *_told(dead[:20]))


def _told(dead: Iterable[OutboxJob]) -> list[str]:
    return [f"{row}: {row.last_error}" for row in dead]


@check(
    "heartbeats",
    Part.TARGET,
    "Whoever runs jobs is alive.",
    hint="Start `manage.py run_jobs`, or `celery -A config worker` and beat.",
    reads_target=True,
)
@unless_new
def heartbeats(flight: Flight) -> Seen:
    seen = read_heartbeats()
    told = "; ".join(f"{kind} seen {aged(age.total_seconds())} ago" for kind, age in sorted(seen.items()))
    if WORKER not in seen or seen[WORKER] > WORKER_SILENT:
        return bad(f"No worker lives. {told}".strip() + "." * bool(told))
    if seen.get(BEAT, timedelta(0)) > BEAT_SILENT:
        return doubtful(f"Beat is silent; the workers keep the schedule meanwhile. {told}.")
    return good(f"{told}.")


def _tables() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))
