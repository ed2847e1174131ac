"""`python -m bench.tokens`: what the check of an access token costs a request, and what else it could have cost.

One thread, in process, so these are the path's own microseconds: the database is asked over its socket, but nobody
else is asking.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.e2e_test"
os.environ |= {"LOG_LEVEL": "ERROR", "DEBUG": "0"}

import django

django.setup()

from django.core.cache.backends.redis import RedisCache
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest

from apps.accounts.auth import bearer
from apps.accounts.callers import Caller
from apps.accounts.models import Session, User
from apps.accounts.queries import owner_of_living_session
from apps.accounts.services import start_session
from apps.accounts.services.sessions import idle_since
from apps.accounts.tokens import _proved, session_id_of
from bench.parties import redis
from core.clock import now

ROUNDS, CALLS = 7, 1000


def microseconds(call: Callable[[], object]) -> float:
    """The median over several rounds, warm."""
    call()
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        taken.append((time.perf_counter() - started) / CALLS * 1e6)
    return statistics.median(taken)


def main() -> None:
    call_command("migrate", verbosity=0)
    person = User.objects.create_user(phone="+966500000001")
    signed_in = start_session(user=person, caller=Caller("127.0.0.1", "bench"))
    request, token, session = HttpRequest(), signed_in.access, signed_in.session.pk

    def signature_anew() -> object:
        _proved.cache_clear()
        return session_id_of(token)

    def through_the_orm() -> User:
        return Session.objects.alive(idle_since=idle_since()).filter(user__is_active=True).select_related("user").get(
            pk=session_id_of(token)
        ).user  # fmt: skip

    def ping() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    with tempfile.TemporaryDirectory() as folder, redis(Path(folder)) as url:
        cache = RedisCache(url, {})
        cache.set(str(session), person)
        rows = {
            "the whole check, as it is": lambda: bearer.authenticate(request, token),
            "  signature, known": lambda: session_id_of(token),
            "  session and person, plain SQL": lambda: owner_of_living_session(
                session, at=now(), idle_since=idle_since()
            ),
            "  of which a round trip (SELECT 1)": ping,
            "signature, worked out anew": signature_anew,
            "the whole check through the ORM": through_the_orm,
            "the whole check from Redis (GET)": lambda: (session_id_of(token), cache.get(str(session))),
        }
        base = microseconds(rows["the whole check, as it is"])
        print(f"{'':38}{'µs':>7}{'ratio':>8}")
        for name, call in rows.items():
            found = microseconds(call)
            print(f"{name:38}{found:7.0f}{found / base:8.2f}")
    print("From Redis a session that was ended would stay open until its entry is found and dropped.")


if __name__ == "__main__":
    main()
