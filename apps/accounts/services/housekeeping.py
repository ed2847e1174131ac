"""What sign-in leaves behind, removed once it counts for nothing any more."""

from datetime import timedelta

from apps.accounts.models import Code, Guess
from core.clock import now

KEEP = timedelta(days=7)


def forget_old_codes() -> int:
    """Delete codes and guesses past every limit's window (S0 keeps them a week); return how many rows went."""
    before = now() - KEEP
    codes, _ = Code.objects.filter(created_at__lt=before).delete()
    guesses, _ = Guess.objects.filter(created_at__lt=before).delete()
    return codes + guesses
