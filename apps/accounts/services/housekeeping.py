"""What sign-in leaves behind, removed once it counts for nothing any more."""

from datetime import timedelta

from apps.accounts.models import AuditEvent, Code, CodeSend, Guess, KnownNetwork, Link, Lockout
from apps.accounts.services.networks import REMEMBERED
from core.clock import now

KEEP = timedelta(days=7)
KEEP_AUDIT = timedelta(days=365)


def forget_old_codes() -> int:
    """Delete codes, sends and guesses past every limit's window (S0 keeps them a week); return how many rows went."""
    before = now() - KEEP
    stale = [
        CodeSend.objects.filter(created_at__lt=before),
        Guess.objects.filter(created_at__lt=before),
        Code.objects.filter(created_at__lt=before),
        Link.objects.filter(expires_at__lt=before),
        Lockout.objects.filter(expires_at__lt=before),
        KnownNetwork.objects.filter(seen_at__lt=now() - REMEMBERED),
        AuditEvent.objects.filter(at__lt=now() - KEEP_AUDIT),
    ]
    return sum(rows.delete()[0] for rows in stale)
