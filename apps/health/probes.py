"""One cheap question to each part we depend on, all at once, none allowed to take long.

Each part is asked itself, over a connection of its own: asking through Django's cache or a pooled connection would
find a fallback healthy, or wait behind the traffic.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
import redis
import structlog
from django.conf import settings
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from core.outbox_registry import JOBS_LATE

log = structlog.get_logger(__name__)
TIMEOUT_SECONDS = 0.9
# Named as the document names it; without it, the database searches.
SEARCH = "elasticsearch"
JOBS = "jobs"
# What this process answers without, although worse.
SPARE = frozenset({SEARCH, JOBS})
_JOBS_ARE_LATE = """
    SELECT EXISTS (
        SELECT 1 FROM core_outboxjob j
        WHERE state = 'waiting' AND due_at < now() - make_interval(secs => %s)
        AND (repeats_every IS NULL
             OR NOT EXISTS (SELECT 1 FROM django_celery_beat_periodictask p WHERE p.name = j.name AND NOT p.enabled)))
"""


@dataclass(frozen=True)
class Finding:
    """What a probe found; `reason` is one of a few fixed words, never the driver's own text."""

    ok: bool
    skipped: bool = False
    reason: str = ""
    latency_ms: int = 0


class ProbeFailed(Exception):
    """The part answered, but not as it should."""


Probe = Callable[[], None]


def check_database() -> None:
    with _connect() as connection:
        connection.execute("SELECT 1")


def check_migrations() -> None:
    """Every migration of this release is applied; newer ones may be, while the next release rolls out."""
    with _connect() as connection:
        rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    if _expected_migrations() - set(rows):
        raise ProbeFailed("migrations_waiting")


def check_jobs() -> None:
    """Jobs are done when they are due: what workers are for, whether they are busy, dead or were never started."""
    with _connect() as connection:
        row = connection.execute(_JOBS_ARE_LATE, [JOBS_LATE.total_seconds()]).fetchone()
    if row and row[0]:
        raise ProbeFailed("jobs_late")


def check_redis() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS
    )
    with client:
        client.ping()


def _connect() -> "psycopg.Connection[Any]":
    wrapper = connections["default"]
    parameters = wrapper.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return psycopg.connect(**{**parameters, "connect_timeout": 2, "autocommit": True})


@cache
def _expected_migrations() -> frozenset[tuple[str, str]]:
    """Read from disk once: the release cannot change under a running process."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)


def probes() -> dict[str, Probe | None]:
    """The probes of this installation; None stands for a part it does not use."""
    return {
        "db": check_database,
        "redis": check_redis if settings.REDIS_URL else None,
        "migrations": check_migrations,
        JOBS: check_jobs,
        # Its HTTP library is loaded where there is something to ask.
        SEARCH: import_string("apps.health.search_probe.check_search") if settings.ELASTICSEARCH_URL else None,
    }


_threads = ThreadPoolExecutor(max_workers=12, thread_name_prefix="probe")
_running: dict[str, Future[int]] = {}
_guard = threading.Lock()


def examine() -> Mapping[str, Finding]:
    """Ask all parts together; the slowest decides how long, and none longer than `TIMEOUT_SECONDS`.

    A probe that hangs is not started a second time: its thread would hang too.
    """
    asked = {name: _ask(name, probe) for name, probe in probes().items()}
    deadline = time.monotonic() + TIMEOUT_SECONDS
    return {name: _hear(name, future, deadline) for name, future in asked.items()}


def _ask(name: str, probe: Probe | None) -> "Future[int] | None":
    if probe is None:
        return None
    with _guard:
        running = _running.get(name)
        if running is None or running.done():
            running = _running[name] = _threads.submit(_timed, probe)
        return running


def _timed(probe: Probe) -> int:
    started = time.perf_counter()
    probe()
    return round((time.perf_counter() - started) * 1000)


def _hear(name: str, future: "Future[int] | None", deadline: float) -> Finding:
    if future is None:
        return Finding(ok=True, skipped=True)
    try:
        return Finding(ok=True, latency_ms=future.result(timeout=max(0.0, deadline - time.monotonic())))
    except NoAnswer:
        reason = "timeout"
    except ProbeFailed as error:
        reason = str(error)
    except (psycopg.Error, redis.RedisError, OSError, RuntimeError) as error:
        reason = "unreachable"
        log.warning("probe_failed", probe=name, error=type(error).__name__)
    return Finding(ok=False, reason=reason)
