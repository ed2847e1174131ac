"""Sign-in by email and password (S2)."""

import hashlib

from django.contrib.auth.hashers import make_password
from django.db import transaction

from apps.accounts.errors import InvalidCredentials
from apps.accounts.models import User
from apps.accounts.services.sessions import SignedIn, start_session
from core.redaction import conceal
from core.throttle import Rate, throttle

GUESSES = Rate(limit=10, seconds=900)


def sign_in_with_password(*, email: str, password: str, address: str, user_agent: str) -> SignedIn:
    """Open a session for whoever this email and password belong to; an unknown email takes as long as a wrong password.

    Raises `InvalidCredentials`, or `TooManyRequests` after ten tries at one email in a quarter of an hour.
    """
    conceal(password)
    email = email.strip().lower()
    throttle("password", hashlib.sha256(email.encode()).hexdigest()[:32], GUESSES)
    user = User.objects.filter(email=email).first()
    if user is None:
        make_password(password)
        raise InvalidCredentials
    if not user.check_password(password) or not user.is_active:
        raise InvalidCredentials
    with transaction.atomic():
        return start_session(user=user, address=address, user_agent=user_agent)
