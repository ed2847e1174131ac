"""Kill test 19 of the mission: the database and Redis die and come back while people order."""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException

import psycopg
import pytest

from config import embedded_postgres
from tests.chaos.doors import until
from tests.chaos.test_commerce import HOME, Rush
from tests.conftest import RedisServer
from tests.processes import manage

BUYERS, NOTICED_WITHIN = 6, 1.5


class Watch:
    """Asks, over and over, whether the shop is alive and whether it is ready."""

    def __init__(self, door):
        self.door, self.over, self.seen, self.dead = door, threading.Event(), [], []
        self.threads = [threading.Thread(target=self.ask, args=(kind,)) for kind in ("ready", "live")]
        for thread in self.threads:
            thread.start()

    def ask(self, kind):
        while not self.over.wait(0.05):
            asked, status = time.monotonic(), None
            with suppress(OSError, HTTPException):
                status, _ = self.door.ask("GET", f"/health/{kind}/")
            if kind == "ready":
                self.seen.append((time.monotonic(), status))
            elif status != 200:
                self.dead.append((asked, status))

    def turns(self, to, since):
        """How long after `since` readiness became `to`."""
        until(lambda: any(at > since and status == to for at, status in list(self.seen)), f"readiness stays off {to}")
        return next(at for at, status in self.seen if at > since and status == to) - since

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Parts:
    """A database and a Redis of the test's own, that it may kill."""

    def __init__(self, folder):
        self.home = folder / "database"
        self.database = embedded_postgres.join(self.home)
        self.redis = RedisServer(folder)

    def sql(self, statement, *values):
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def kill_database(self):
        os.kill(int((self.home / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start_database(self):
        self.database = embedded_postgres.join(self.home)

    def end(self):
        self.database.leave()
        self.redis.stop()


@pytest.fixture
def parts(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    started = Parts(folder)
    yield started
    started.end()


@pytest.fixture
def shop(parts, environ, tmp_path):
    own = {**environ, "DATABASE_URL": parts.database.url, "REDIS_URL": parts.redis.url}
    manage(tmp_path / "migrate", "migrate", DATABASE_URL=parts.database.url)
    folder = tmp_path / "shop"
    folder.mkdir()
    shop = Rush(folder, own, parts.sql, BUYERS, 2, units=100_000)
    yield shop
    shop.end()


def order_without_end(shop, token, over, kept):
    """Order after order; what was acknowledged is remembered."""
    body = {"items": [{"product_id": shop.product, "quantity": 1}], "shipping_address": HOME}
    while not over.is_set():
        with suppress(OSError, HTTPException, ValueError, psycopg.Error):
            status, answer = shop.web.ask("POST", "/api/orders/", body, token=token)
            assert status in {201, 429, 503}, answer
            if status == 201:
                kept.append(answer["id"])
                # A customer may leave only so many unpaid.
                shop.sql("UPDATE orders_order SET status = 'cancelled' WHERE id = %s", answer["id"])
        time.sleep(0.02)


def outage(kill, start, watch, kept):
    """How long readiness took to notice the loss, and the return; people order again afterwards."""
    killed = time.monotonic()
    kill()
    lost = watch.turns(503, killed)
    start()
    back = watch.turns(200, time.monotonic())
    before = len(kept)
    until(lambda: len(kept) > before + 10, "nobody orders any more")
    return lost, back


@pytest.mark.slow
def test_readiness_follows_what_dies_liveness_does_not_and_nothing_acknowledged_is_lost(shop, parts):
    crew = [shop.web.process.pid, *(worker.pid for worker in shop.web.workers())]
    watch, over, kept = Watch(shop.web), threading.Event(), []
    with ThreadPoolExecutor(BUYERS) as pool:
        buyers = [pool.submit(order_without_end, shop, token, over, kept) for token in shop.tokens]
        try:
            until(lambda: len(kept) > 10, "nobody orders")
            assert watch.turns(200, 0)
            for kill, start in (
                (parts.kill_database, parts.start_database),
                (parts.redis.stop, parts.redis.start),
            ):
                # Three times, of which one counts: whatever else this machine does is not the shop's slowness.
                delays = [outage(kill, start, watch, kept) for _ in range(3)]
                assert min(lost for lost, _ in delays) < NOTICED_WITHIN, delays
                assert min(back for _, back in delays) < NOTICED_WITHIN, delays
        finally:
            over.set()
        watch.end()
        for buyer in buyers:
            buyer.result()
    assert watch.dead == []
    assert [shop.web.process.pid, *(worker.pid for worker in shop.web.workers())] == crew
    there = {str(pk) for (pk,) in parts.sql("SELECT id FROM orders_order")}
    assert set(kept) <= there
