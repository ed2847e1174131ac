"""What sign-in leaves behind, removed once it counts for nothing any more."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings

from apps.accounts.models import AuditEvent, Code, CodeSend, Guess, KnownNetwork, Link, Lockout, Session
from apps.accounts.services.networks import REMEMBERED
from core.clock import now
from core.housekeeping import Stale, chore

KEEP_DAYS = 7
KEEP_AUDIT_DAYS = 365


@chore("codes", "codes, their sends and guesses, links and lockouts that were over a week ago")
def stale_codes(days: int | None) -> Iterator[Stale]:
    """What is past every limit's window (S0 keeps it a week)."""
    before = now() - timedelta(days=KEEP_DAYS if days is None else days)
    yield Stale(CodeSend.objects.filter(created_at__lt=before), along="created_at")
    yield Stale(Guess.objects.filter(created_at__lt=before), along="created_at")
    yield Stale(Code.objects.filter(created_at__lt=before), along="created_at")
    yield Stale(Link.objects.filter(expires_at__lt=before), along="expires_at")
    yield Stale(Lockout.objects.filter(expires_at__lt=before), along="expires_at")


@chore("networks", "networks nobody has signed in from for long")
def stale_networks(days: int | None) -> Iterator[Stale]:
    kept = REMEMBERED if days is None else timedelta(days=days)
    yield Stale(KnownNetwork.objects.filter(seen_at__lt=now() - kept))


@chore("audit", "audit events older than a year")
def stale_audit(days: int | None) -> Iterator[Stale]:
    before = now() - timedelta(days=KEEP_AUDIT_DAYS if days is None else days)
    yield Stale(AuditEvent.objects.filter(at__lt=before), along="at")


@chore("sessions", "sign-ins that expired (KEEP_EXPIRED_DAYS) or ended (KEEP_REVOKED_DAYS), and their refresh tokens")
def stale_sessions(days: int | None) -> Iterator[Stale]:
    """The same number of days for both, or what the settings say (S4)."""
    ended = now() - timedelta(days=settings.KEEP_REVOKED_DAYS if days is None else days)
    expired = now() - timedelta(days=settings.KEEP_EXPIRED_DAYS if days is None else days)
    yield Stale(Session.objects.filter(ended_at__lt=ended), along="ended_at")
    yield Stale(Session.objects.filter(ended_at=None, expires_at__lt=expired), along="expires_at")
