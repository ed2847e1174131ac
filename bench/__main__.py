"""`make bench`: how much of an empty answer's speed the hot reads keep.

Requests go through the whole stack in process, one thread, so the figures compare paths, not networks.
"""

import os
import statistics
import time
from collections.abc import Callable

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.e2e_test"
os.environ |= {"LOG_LEVEL": "ERROR", "DEBUG": "0"}

import django

django.setup()

from django.core.management import call_command
from django.test import Client

from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
from apps.operations.services.seeding import seed_demo

ROUNDS, CALLS = 5, 120


def per_second(call: Callable[[], object]) -> float:
    """The median over several rounds, warm."""
    call()
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        rates.append(CALLS / (time.perf_counter() - started))
    return statistics.median(rates)


def main() -> None:
    call_command("migrate", verbosity=0)
    seed_demo()
    client = Client(SERVER_NAME="localhost")
    shopper = User.objects.get(phone="+966500000001")
    token = start_session(user=shopper, caller=Caller("127.0.0.1", "bench")).access
    measured = {
        "empty view (health/live)": "/health/live/",
        "product list, 20 rows": "/api/products/",
        "product search": "/api/products/search/?q=mug",
        "profile (token checked)": "/api/accounts/me/",
        "orders of a customer": "/api/orders/",
    }
    for path in measured.values():
        assert client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200, path
    rates = {
        name: per_second(lambda path=path: client.get(path, headers={"Authorization": f"Bearer {token}"}))  # type: ignore[misc]
        for name, path in measured.items()
    }
    base = next(iter(rates.values()))
    print(f"{'path':28}{'req/s':>9}{'of empty':>10}")
    for name, rate in rates.items():
        print(f"{name:28}{rate:9.0f}{rate / base:10.0%}")


if __name__ == "__main__":
    main()
