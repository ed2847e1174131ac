"""Two instances are replaced by two of the next release, over an expand migration, while people shop: nothing fails."""

import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException

import pytest

from config import embedded_postgres
from tests.chaos.conftest import STAGING
from tests.chaos.doors import Door, fresh_address, until
from tests.processes import manage

NEXT = {"DJANGO_SETTINGS_MODULE": "tests.chaos.next_settings"}
SHOPPERS = 6


class Balancer:
    """Sends each visitor to an instance that was ready a moment ago, as a load balancer does, over kept connections."""

    def __init__(self):
        self.doors, self.ready, self.over = [], set(), threading.Event()
        self.thread = threading.Thread(target=self.probe)
        self.thread.start()

    def probe(self):
        while not self.over.wait(0.2):
            for door in list(self.doors):
                status = 0
                with suppress(OSError, HTTPException):
                    status = door.ask("GET", "/health/ready/")[0]
                (self.ready.add if status == 200 else self.ready.discard)(door)

    def end(self):
        self.over.set()
        self.thread.join()


class Shopper:
    """Looks and fills a cart without end; one try a request, as a browser would."""

    def __init__(self, balancer):
        self.balancer, self.lines, self.failures, self.served, self.cart = balancer, {}, [], {}, ""

    def shop(self, over):
        shelf = self.ask("GET", "/api/products/?in_stock=true&page_size=20")["results"]
        goods = [row["id"] for row in shelf if not self.ask("GET", f"/api/products/{row['id']}/")["variants"]]
        while not over.is_set():
            product = random.choice(goods)
            self.ask("GET", f"/api/products/{product}/")
            cart = self.ask("POST", "/api/orders/cart/add_item/", {"product_id": product, "quantity": 1})
            self.cart = cart.get("token") or self.cart
            self.ask("POST", "/api/orders/cart/clear/")
            time.sleep(0.01)
        for line in self.lines.values():
            line.close()

    def ask(self, method, path, body=None):
        door = random.choice(sorted(self.balancer.ready, key=id))
        for gone in [known for known in self.lines if known not in self.balancer.ready]:
            self.lines.pop(gone).close()
        line = self.lines.setdefault(door, door.line())
        headers = {"X-Cart-Token": self.cart} if self.cart else {}
        try:
            status, answer = door.ask(method, path, body, line=line, headers=headers, address=fresh_address())
        except (OSError, HTTPException, ValueError) as error:
            self.failures.append((method, path, repr(error)))
            self.lines.pop(door).close()
            return {}
        if status >= 400:
            self.failures.append((method, path, status, answer))
        self.served[door] = self.served.get(door, 0) + 1
        return answer


@pytest.fixture
def fleet(environ, tmp_path):
    """A database of its own, filled, and instances on it."""
    server = embedded_postgres.join(tmp_path / "database")
    given = {**environ, **STAGING, "DATABASE_URL": server.url, "SHUTDOWN_DELAY_SECONDS": "1.5"}
    for command in ("migrate", "seed"):
        manage(tmp_path / command, command, **{**environ, "DATABASE_URL": server.url})
    started = []

    def start(name, **more):
        started.append(Door(tmp_path / name, **given, **more))
        return started[-1]

    yield start, {**given, **NEXT}
    for door in started:
        door.end()
    server.leave()


def replace(old, start, balancer, next_release, folder):
    """Schema first, then one instance after the other."""
    early = start("too-early", **NEXT)
    until(early.listens, "the next release does not start")
    assert early.ask("GET", "/health/ready/")[0] == 503, "it is ready on a schema it does not know"
    early.end()
    manage(folder / "migrate-next", "migrate_safely", **next_release)
    new = []
    for number, leaving in enumerate(old):
        new.append(start(f"new-{number}", **NEXT).wait_until_open())
        balancer.doors.append(new[-1])
        until(lambda: new[-1] in balancer.ready, "the next release is not ready")
        leaving.process.send_signal(signal.SIGTERM)
        assert leaving.process.wait(timeout=60) == 0
    time.sleep(1)
    return new


@pytest.mark.slow
def test_no_request_fails_while_a_release_takes_the_place_of_another(fleet, tmp_path):
    start, next_release = fleet
    balancer, over = Balancer(), threading.Event()
    old = balancer.doors[:] = [start(f"old-{number}").wait_until_open() for number in range(2)]
    shoppers = [Shopper(balancer) for _ in range(SHOPPERS)]
    try:
        until(lambda: len(balancer.ready) == 2, "the old release is not ready")
        with ThreadPoolExecutor(SHOPPERS) as pool:
            visits = [pool.submit(shopper.shop, over) for shopper in shoppers]
            try:
                new = replace(list(old), start, balancer, next_release, tmp_path)
            finally:
                over.set()
            for visit in visits:
                visit.result()
    finally:
        balancer.end()
    assert [failure for shopper in shoppers for failure in shopper.failures] == []
    served = {door: sum(shopper.served.get(door, 0) for shopper in shoppers) for door in [*old, *new]}
    assert all(count > 20 for count in served.values()), served.values()
