"""What is known of the backups: evidence beside each at the target, and a row of ours for whoever reads metrics."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction

from apps.operations.backups.targets import Stored, Target, configured_target
from apps.operations.models import Backup
from core.clock import now

log = structlog.get_logger(__name__)
VERIFIED, FAILED = "verified", "failed"


@dataclass(frozen=True)
class Listed:
    stored: Stored
    result: str
    verified_at: datetime | None
    rto_seconds: float | None
    failure: str


def list_backups() -> list[Listed]:
    """Every backup at the target with what is known of it, the oldest first."""
    return remember_backups(target=configured_target())


def remember_backups(*, target: Target) -> list[Listed]:
    """Make the table say what the target holds; a database that is away or older than the table is no obstacle."""
    known = [_listed(one, target.evidence(one.name)) for one in target.stored()]
    try:
        with transaction.atomic():
            _write(target, known)
    except (DatabaseError, InterfaceError) as error:
        log.warning("backups_not_remembered", reason=type(error).__name__)
    return known


def write_evidence(*, target: Target, stored: Stored, seconds: float, differences: Sequence[str]) -> None:
    """Put beside the backup who restored it, when, with which release, how long it took, and what was found."""
    evidence = {
        "backup": stored.name,
        "result": FAILED if differences else VERIFIED,
        "checked_at": now().isoformat(),
        "seconds": round(seconds, 3),
        "differences": list(differences[:100]),
        "version": settings.VERSION,
        "commit": getattr(settings, "COMMIT", ""),
        "host": platform.node(),
    }
    target.write_evidence(stored.name, evidence)
    remember_backups(target=target)


def _listed(stored: Stored, evidence: Mapping[str, Any]) -> Listed:
    result = str(evidence.get("result", ""))
    is_verified = result == VERIFIED
    return Listed(
        stored,
        result,
        verified_at=datetime.fromisoformat(evidence["checked_at"]) if is_verified else None,
        rto_seconds=evidence["seconds"] if is_verified else None,
        failure="" if is_verified else " ".join(evidence.get("differences", []))[:500],
    )


def _write(target: Target, known: Sequence[Listed]) -> None:
    Backup.objects.exclude(name__in=[one.stored.name for one in known]).delete()
    rows = [
        Backup(
            name=one.stored.name,
            target=target.where,
            taken_at=one.stored.taken_at,
            size_bytes=one.stored.size,
            verified_at=one.verified_at,
            rto_seconds=one.rto_seconds,
            failure=one.failure,
        )
        for one in known
    ]
    fields = ["target", "taken_at", "size_bytes", "verified_at", "rto_seconds", "failure"]
    Backup.objects.bulk_create(rows, update_conflicts=True, unique_fields=["name"], update_fields=fields)
