"""Live, ready, report and metrics, with the keys of S0, S2 and S4 in one body."""

import ipaddress
import os
import platform
from collections.abc import Mapping
from typing import Any

import django
import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from apps.health.probes import JOBS, SEARCH, SPARE, Finding, examine
from core.errors import NotFound
from core.heartbeats import read_heartbeats
from core.lifecycle import is_stopping, note_ready, was_ready
from core.outbox_metrics import TABLE_METRICS

SERVICE = "hanout"


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """200 while the process serves; touches nothing.

    With HEALTH_STARTUP_GATE, 503 until the process has been ready once: a platform that asks this one path neither
    admits a release that cannot serve, nor restarts a running one because a database blinked.
    """
    if settings.HEALTH_STARTUP_GATE and not was_ready():
        if lost := _needed(examine()):
            return _answer({"status": "starting", "service": SERVICE, "waiting_for": lost}, status=503)
        note_ready()
    return _answer({"status": "ok", "service": SERVICE})


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """503 as soon as a part this process needs is lost, or it is about to end.

    Without its search index, or with jobs that nobody runs, it serves, and says degraded.
    """
    if is_stopping():
        return _answer({"status": "stopping", "service": SERVICE}, status=503)
    findings = examine()
    lost = [name for name, finding in findings.items() if not finding.ok]
    body = {
        "status": "degraded" if lost else "ok",
        "service": SERVICE,
        "components": {name: _component(finding) for name, finding in findings.items()},
        "checks": {
            "database": findings["db"].ok,
            "cache": findings["redis"].ok,
            "migrations": findings["migrations"].ok,
            "elasticsearch": findings[SEARCH].ok,
            "jobs": findings[JOBS].ok,
        },
        "errors": [f"{name}: {findings[name].reason}" for name in lost] or None,
    }
    return _answer(body, status=503 if _needed(findings) else 200)


@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """S2's and S0's `/health/`: always 200, with a word on each part; versions for operators only."""
    findings = examine()
    healthy = all(finding.ok for finding in findings.values())
    body: dict[str, Any] = {
        "status": "ok" if healthy else "degraded",
        "service": SERVICE,
        "checks": {
            "database": _check(findings["db"]),
            "cache": _check(findings["redis"]),
            "migrations": _check(findings["migrations"]),
            "elasticsearch": _check(findings[SEARCH]),
            "jobs": _check(findings[JOBS]),
            "vault": {"enabled": False},
        },
    }
    if is_trusted(request):
        body |= {
            "version": settings.VERSION,
            "python_version": platform.python_version(),
            "django_version": django.get_version(),
            "last_seen_seconds_ago": _last_seen() if findings["db"].ok else None,
        }
    return _answer(body)


@require_safe
def root_health(request: HttpRequest) -> HttpResponse:
    """S4's `/health`: whether the database is there."""
    if examine()["db"].ok:
        return _answer({"status": "ok"})
    return _answer({"status": "unhealthy"}, status=503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus' text, summed over all worker processes; for this machine, staff, or METRICS_TOKEN."""
    if not is_trusted(request):
        raise NotFound
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client types half of itself
    body = generate_latest(registry) + generate_latest(TABLE_METRICS)
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def is_trusted(request: HttpRequest) -> bool:
    """Whether the caller may see the insides: staff, the metrics token, or a process on this machine."""
    offered = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if settings.METRICS_TOKEN and constant_time_compare(offered, settings.METRICS_TOKEN):
        return True
    # Behind a proxy every caller arrives from the proxy's address, so that says nothing.
    is_direct = not settings.TRUSTED_PROXY_COUNT and "X-Forwarded-For" not in request.headers
    return (is_direct and _is_loopback(str(request.META.get("REMOTE_ADDR", "")))) or _is_staff(request)


def _is_staff(request: HttpRequest) -> bool:
    try:
        return request.user.is_active and getattr(request.user, "is_staff", False)
    except (OperationalError, InterfaceError):  # the session's database is what the report is about
        return False


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _needed(findings: Mapping[str, Finding]) -> list[str]:
    """What was lost and cannot be done without."""
    return [name for name, finding in findings.items() if not finding.ok and name not in SPARE]


def _last_seen() -> dict[str, int]:
    """Which processes that run jobs or the schedule have shown a sign of life, and when."""
    return {kind: round(age.total_seconds()) for kind, age in read_heartbeats().items()}


def _component(finding: Finding) -> dict[str, Any]:
    if finding.skipped:
        return {"ok": True, "skipped": True}
    return {"ok": True} if finding.ok else {"ok": False, "error": finding.reason}


def _check(finding: Finding) -> dict[str, Any]:
    if finding.skipped:
        return {"status": "not_configured"}
    if finding.ok:
        return {"status": "healthy", "latency_ms": finding.latency_ms}
    return {"status": "unhealthy", "error": finding.reason}


def _answer(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = HttpResponse(orjson.dumps(body), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response
