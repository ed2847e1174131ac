import time
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.health import probes, search_probe
from core import heartbeats
from core.clock import now
from core.heartbeats import note_alive, read_heartbeats
from core.models import Heartbeat, OutboxJob
from core.outbox_registry import JOBS_LATE
from tests.conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_probe_of_another_test():
    probes._running.clear()


def test_live_touches_nothing(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        for path in ("/health/live/", "/healthz"):
            assert api.get(path).json() == {"status": "ok", "service": "hanout"}


def test_ready_has_the_keys_of_both_documents(api):
    reply = api.get("/health/ready/")
    body = reply.json()
    assert reply.status_code == 200
    assert body["components"]["db"] == {"ok": True}
    assert body["components"]["redis"] == {"ok": True, "skipped": True}
    assert body["checks"]["database"] is True
    assert body["errors"] is None


def unreachable():
    raise psycopg.OperationalError("connection to server at db.internal failed: password=hunter2")


def hanging():
    time.sleep(3)


@pytest.mark.parametrize(("probe", "reason"), [(unreachable, "unreachable"), (hanging, "timeout")])
def test_a_lost_part_turns_readiness_off_within_a_second_and_a_half(api, monkeypatch, probe, reason):
    monkeypatch.setattr(probes, "check_database", probe)
    started = time.monotonic()
    reply = api.get("/health/ready/")
    assert time.monotonic() - started < 1.5
    assert reply.status_code == 503
    assert reply.json()["components"]["db"] == {"ok": False, "error": reason}
    assert "internal" not in reply.content.decode()
    assert "hunter2" not in reply.content.decode()
    assert api.get("/health/live/").status_code == 200


def test_a_probe_that_hangs_is_not_started_twice(monkeypatch):
    started = []

    def hang():
        started.append(1)
        time.sleep(2)

    monkeypatch.setattr(probes, "probes", lambda: {"hanging": hang})
    assert [probes.examine()["hanging"].reason for _ in range(2)] == ["timeout", "timeout"]
    assert len(started) == 1


def test_a_shop_without_a_search_index_is_whole(api):
    ready, report = api.get("/health/ready/").json(), api.get("/health/").json()
    assert (ready["status"], ready["checks"]["elasticsearch"]) == ("ok", True)
    assert (report["status"], report["checks"]["elasticsearch"]) == ("ok", {"status": "not_configured"})


def lost_index():
    raise OSError("http://user:hunter2@search.internal refused")


def test_a_lost_search_index_degrades_and_kills_nothing(api, monkeypatch, settings):
    settings.ELASTICSEARCH_URL = "http://search.internal:9200"
    monkeypatch.setattr(search_probe, "check_search", lost_index)
    reply = api.get("/health/ready/")
    assert (reply.status_code, reply.json()["status"]) == (200, "degraded")
    assert reply.json()["errors"] == ["elasticsearch: unreachable"]
    assert "hunter2" not in reply.content.decode()
    assert api.get("/health/").json()["status"] == "degraded"
    assert api.get("/health").status_code == 200
    monkeypatch.setattr(probes, "check_database", unreachable)
    assert api.get("/health/ready/").status_code == 503


def test_a_waiting_migration_is_not_ready(api, monkeypatch):
    monkeypatch.setattr(probes, "_expected_migrations", lambda: frozenset({("orders", "9999_not_there")}))
    reply = api.get("/health/ready/")
    assert reply.status_code == 503
    assert reply.json()["errors"] == ["migrations: migrations_waiting"]


def test_jobs_nobody_runs_degrade_and_kill_nothing(api, monkeypatch):
    monkeypatch.setattr(probes, "check_jobs", late)
    reply = api.get("/health/ready/")
    assert (reply.status_code, reply.json()["status"]) == (200, "degraded")
    assert reply.json()["errors"] == ["jobs: jobs_late"]
    assert api.get("/health/").json()["checks"]["jobs"] == {"status": "unhealthy", "error": "jobs_late"}


def late():
    raise probes.ProbeFailed("jobs_late")


@pytest.mark.django_db(transaction=True)
def test_a_job_is_late_once_it_has_been_due_for_five_minutes_and_nobody_switched_it_off(api):
    due = now() - JOBS_LATE
    OutboxJob.objects.create(name="tests.note", due_at=due + timedelta(seconds=30))
    OutboxJob.objects.create(name="tests.given up", due_at=due - timedelta(hours=1), state="dead")
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    switched = PeriodicTask.objects.create(name="tests.sweep", interval=hourly, enabled=False)
    OutboxJob.objects.create(name="tests.sweep", repeats_every=timedelta(hours=1), due_at=due - timedelta(minutes=1))
    probes.check_jobs()
    switched.enabled = True
    switched.save()
    with pytest.raises(probes.ProbeFailed, match="jobs_late"):
        probes.check_jobs()


def test_insiders_see_when_workers_and_beat_were_last_seen(api):
    assert api.get("/health/").json()["last_seen_seconds_ago"] == {}
    Heartbeat.objects.create(kind="worker", seen_at=now() - timedelta(seconds=40))
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="tests.sweep", interval=hourly, last_run_at=now() - timedelta(seconds=90))
    seen = api.get("/health/").json()["last_seen_seconds_ago"]
    assert 40 <= seen["worker"] < 60
    assert 90 <= seen["beat"] < 110
    assert 'hanout_heartbeat_age_seconds{kind="worker"} 4' in api.get("/metrics").content.decode()
    assert "last_seen_seconds_ago" not in api.get("/health/", REMOTE_ADDR="203.0.113.9").json()


def test_a_sign_of_life_is_written_down_every_ten_seconds_however_often_it_is_given(monkeypatch):
    heartbeats._last.clear()
    note_alive("worker")
    first = Heartbeat.objects.get().seen_at
    note_alive("worker")
    assert Heartbeat.objects.get().seen_at == first
    monkeypatch.setitem(heartbeats._last, "worker", heartbeats._last["worker"] - heartbeats.EVERY_SECONDS)
    note_alive("worker")
    assert Heartbeat.objects.get().seen_at > first
    assert read_heartbeats()["worker"] < timedelta(seconds=60)


def test_a_migration_of_the_next_release_does_not_hurt(api, monkeypatch):
    monkeypatch.setattr(probes, "_expected_migrations", lambda: frozenset({("core", "0001_initial")}))
    assert api.get("/health/ready/").status_code == 200


def test_redis_is_asked_itself_and_its_loss_is_noticed(api, settings, redis_server):
    settings.REDIS_URL = redis_server.url
    assert api.get("/health/ready/").json()["components"]["redis"] == {"ok": True}
    redis_server.stop()
    reply = api.get("/health/ready/")
    assert reply.status_code == 503
    assert reply.json()["components"]["redis"] == {"ok": False, "error": "unreachable"}


def test_the_report_is_always_200_and_names_versions_to_insiders_only(api, monkeypatch):
    assert api.get("/health/").json()["django_version"]
    outside = api.get("/health/", REMOTE_ADDR="203.0.113.9").json()
    assert outside["status"] == "ok"
    assert "django_version" not in outside
    monkeypatch.setattr(probes, "check_database", unreachable)
    degraded = api.get("/health/")
    assert degraded.status_code == 200
    assert degraded.json()["checks"]["database"]["status"] == "unhealthy"


def test_the_signed_in_operator_sees_the_report_of_a_lost_database(operator, monkeypatch):
    signed_in = Api(REMOTE_ADDR="203.0.113.9")
    signed_in.force_login(operator)
    monkeypatch.setattr(probes, "check_database", unreachable)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", lost_session)
    assert signed_in.get("/health/").status_code == 200
    assert signed_in.get("/metrics/").status_code == 404


def lost_session(self):
    raise OperationalError("gone")


@pytest.mark.parametrize("path", ["/health/live/", "/health/ready/", "/health/", "/health", "/metrics"])
def test_a_probe_may_name_any_host(api, path):
    assert api.get(path, HTTP_HOST="10.1.2.3:8000").status_code == 200
    assert api.get("/api/products/", HTTP_HOST="10.1.2.3:8000").status_code == 400


def test_s4s_health_answers_for_the_database(api, monkeypatch):
    assert api.get("/health").json() == {"status": "ok"}
    monkeypatch.setattr(probes, "check_database", unreachable)
    reply = api.get("/health")
    assert (reply.status_code, reply.json()) == (503, {"status": "unhealthy"})


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_metrics_count_requests_by_route(api, path):
    api.get("/api/products/00000000-0000-0000-0000-000000000000/")
    text = api.get(path).content.decode()
    assert 'hanout_http_requests_total{method="GET",route="api/products/<product_id>/",status="404"}' in text
    assert "00000000-0000" not in text


def test_metrics_are_for_insiders(settings, operator):
    outsider = Api(REMOTE_ADDR="203.0.113.9")
    assert outsider.get("/metrics/").status_code == 404
    assert outsider.get("/metrics/", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    settings.METRICS_TOKEN = "a token made for this test"
    assert outsider.get("/metrics/", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert outsider.get("/metrics/", headers={"Authorization": f"Bearer {settings.METRICS_TOKEN}"}).status_code == 200
    outsider.force_login(operator)
    assert outsider.get("/metrics/").status_code == 200


def test_behind_a_proxy_this_machines_address_proves_nothing(api, settings):
    settings.TRUSTED_PROXY_COUNT = 1
    assert api.get("/metrics/").status_code == 404
