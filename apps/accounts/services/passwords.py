"""Passwords: checked the same way at every door, counted, and changed with the end of all sessions."""

import hashlib

import structlog
from django.contrib.auth.hashers import make_password
from django.db import transaction
from prometheus_client import Counter

from apps.accounts.errors import InvalidCredentials
from apps.accounts.models import User
from apps.accounts.services.sessions import SignedIn, end_sessions_of, start_session
from core.redaction import conceal
from core.throttle import Rate, throttle

log = structlog.get_logger(__name__)
SIGN_INS = Counter("hanout_password_sign_ins_total", "Passwords presented, by outcome.", ["outcome"])
GUESSES = Rate(limit=10, seconds=900)


def check_password(*, email: str, password: str, address: str) -> User:
    """The person this email and password belong to; an unknown email takes as long as a wrong password.

    Raises `InvalidCredentials`, or `TooManyRequests` after ten tries at one email in a quarter of an hour.
    """
    conceal(password)
    email = email.strip().lower()
    throttle("password", hashlib.sha256(email.encode()).hexdigest()[:32], GUESSES)
    user = User.objects.filter(email=email).first()
    if user is None:
        make_password(password)
    elif user.check_password(password) and user.is_active:
        SIGN_INS.labels(outcome="accepted").inc()
        return user
    SIGN_INS.labels(outcome="refused").inc()
    log.warning("password_refused", user=user and user.pk, address=address)
    raise InvalidCredentials


def sign_in_with_password(*, email: str, password: str, address: str, user_agent: str) -> SignedIn:
    """Open a session for whoever this email and password belong to; raises as `check_password` does."""
    user = check_password(email=email, password=password, address=address)
    with transaction.atomic():
        return start_session(user=user, address=address, user_agent=user_agent)


@transaction.atomic
def change_password(*, user: User, password: str) -> None:
    """Set a new password; every session of the person ends (OWASP ASVS 5.0, 7.4.3)."""
    user.set_password(conceal(password))
    user.save(update_fields=["password"])
    end_sessions_of(user=user, reason="password_changed")
