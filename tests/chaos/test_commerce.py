"""Kill test 11 of the mission: a rush for the last goods while web and job processes are killed (-9).

Buyers speak HTTP alone and repeat whatever was not answered. What is due later (sweeps, lapsing orders, second
attempts) is made due in SQL, for nobody waits half an hour here.
"""

import itertools
import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException

import psutil
import pytest

from tests.chaos.doors import Door, until
from tests.chaos.test_identity_registration import LIVES, WAITS, nobody_writes
from tests.processes import CeleryWorker, Served

UNITS, BUYERS, PATIENCE = 10, 200, 3
GOOD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 0002"
HOME = {"full_name": "Nora", "address_line1": "1 Palm Street", "city": "Riyadh", "country": "SA"}
# Passing: the process that answers is full, or the first request with this key is still being worked on.
PASSING = {"overloaded", "request_in_progress"}
SWEEPS = ["payments.plan_checks", "orders.plan_expiries"]
SEED = """
import json
from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
from tests.factories.products import CategoryFactory, ProductFactory
category = CategoryFactory(slug="rush-{name}")
named = dict(name="The last", slug="rush-{name}", sku="RUSH-{name}")
product = ProductFactory(**named, category=category, price=6000, stock={units})
people = [User.objects.create_user(phone=f"+96657{{n:07}}") for n in range({first}, {first} + {people})]
tokens = [start_session(user=one, caller=Caller("127.0.0.1", "rush")).access for one in people]
print(json.dumps([str(product.pk), [one.pk for one in people], tokens]))
"""
_firsts = itertools.count(0, 1000)


class Worker(Served):
    command = ("manage.py", "run_jobs")


class TwoAtOnce(CeleryWorker):
    options = ("--concurrency=2",)


class Command(Served):
    """One of Hanout's own commands, to its end."""

    def __init__(self, folder, *words, **environ):
        self.command = ("manage.py", *words)
        super().__init__(folder, **environ)
        self.code = self.process.wait(timeout=60)
        self.said = self.log.read_text()


class Rush:
    """A shop with a few units of one thing, its buyers, and the processes that serve them."""

    def __init__(self, folder, environ, sql, people, workers, units=UNITS):
        self.folder, self.environ, self.sql = folder, environ, sql
        first = next(_firsts)
        script = SEED.format(name=first, units=units, first=first, people=people)
        seeded = self.run("shell", "--no-imports", "-v", "0", "-c", script)
        assert seeded.code == 0, seeded.said
        self.product, self.people, self.tokens = json.loads(seeded.said.splitlines()[-1])
        self.vain, self.surprises, self.kills, self.started = 0, [], [], []
        self.deadline = time.monotonic() + 240
        self.web = self.start(Door, WEB_CONCURRENCY=str(workers)).wait_until_open()
        self.jobs = []

    def start(self, kind, port=None, **given):
        folder = self.folder / f"{kind.__name__}-{len(self.started)}"
        self.started.append(kind(folder, port, **{**self.environ, **given}))
        return self.started[-1]

    def run(self, *words):
        return Command(self.folder / f"command-{time.monotonic_ns()}", *words, **self.environ)

    def insist(self, method, path, body=None, **more):
        """The answer to a request that is repeated until it is answered."""
        while time.monotonic() < self.deadline:
            with suppress(OSError, HTTPException, ValueError):
                status, answer = self.web.ask(method, path, body, **more)
                if answer.get("code") not in PASSING:
                    if status >= 500:
                        self.surprises.append((path, status, answer))
                    return status, answer
            self.vain += 1
            time.sleep(random.uniform(0.05, 0.2))
        raise AssertionError(f"{path} was not answered")

    def keep_alive(self):
        """What ended is started again: `serve` ends by itself when a worker of it dies twice in a few seconds."""
        if self.web.process.poll() is not None:
            self.web = self.start(Door, self.web.port, WEB_CONCURRENCY="3")
        for number, job in enumerate(self.jobs):
            if job.process.poll() is not None:
                self.jobs[number] = self.start(type(job), self.web.port)

    def kill(self, victim):
        """A worker or a child loses one of a crew; the others their whole process group."""
        with suppress(psutil.NoSuchProcess, ProcessLookupError, IndexError):
            if victim == "worker":
                random.choice(self.web.workers()).kill()
            elif victim == "child":
                random.choice(self.jobs[1].crew()[1:]).kill()
            else:
                doomed = {"web": self.web, "jobs": self.jobs[0], "celery": self.jobs[1]}[victim]
                os.killpg(doomed.process.pid, signal.SIGKILL)
            self.kills.append(victim)

    def be_killed(self, over, until):
        for victim in itertools.cycle(VICTIMS):
            if over.wait(random.uniform(0.3, 1.0)):
                return
            if time.monotonic() < until:
                self.kill(victim)
            self.keep_alive()

    def grow_old(self, over):
        while not over.wait(0.3):
            self.hasten()

    def hasten(self, *, lapse=False):
        """A minute passes for sweeps and for keys whose request died; `lapse`: enough for orders and retries too."""
        if lapse:
            self.sql("UPDATE orders_order SET reserved_until = now() - interval '1 s' WHERE status = 'pending'")
            self.sql(
                # Attempts are for longer than a shop takes to start again; hastened, its start would spend them.
                "UPDATE core_outboxjob SET due_at = now(), attempts = 0 WHERE state = 'waiting' AND due_at > now() "
                "AND repeats_every IS NULL"
            )
            self.sql("UPDATE payments_refund SET created_at = created_at - interval '11 min'")
        self.sql("UPDATE payments_payment SET checked_at = checked_at - interval '1 min'")
        self.sql(
            "UPDATE core_idempotentanswer SET created_at = created_at - interval '1 min' "
            "WHERE status = 0 AND created_at < now() - interval '3 s'"
        )
        self.sql("UPDATE core_outboxjob SET due_at = now() WHERE name = ANY(%s) AND due_at > now()", SWEEPS)

    def until_quiet(self):
        """Jobs and sweeps run until a round of them finds nothing to do."""
        left = None
        while left != (0, 0, 0, 0):
            assert time.monotonic() < self.deadline, left
            self.keep_alive()
            self.web.wait_until_open()  # what it is told again at once, it must be there to hear: attempts are counted
            self.hasten(lapse=True)
            until(self.swept, "sweeps do not run")
            [left] = self.sql(
                "SELECT (SELECT count(*) FROM core_outboxjob WHERE state = 'waiting' AND repeats_every IS NULL "
                "AND name ~ '^(payments|orders)'), "
                "(SELECT count(*) FROM orders_order WHERE status = 'pending'), "
                "(SELECT count(*) FROM payments_payment WHERE charged_at IS NULL AND status <> 'cancelled'), "
                "(SELECT count(*) FROM payments_refund WHERE status NOT IN ('succeeded', 'failed', 'cancelled'))"
            )

    def swept(self):
        return self.sql("SELECT count(*) FROM core_outboxjob WHERE name = ANY(%s) AND due_at > now()", SWEEPS) == [(2,)]

    def lapse(self, order, seconds):
        """Time is up for an order. So long at most is waited until that is noticed: some pay after it, some before."""
        self.sql("UPDATE orders_order SET reserved_until = now() WHERE id = %s AND status = 'pending'", order)
        over = time.monotonic() + seconds
        kept = "SELECT 1 FROM orders_order WHERE id = %s AND lapsed_at IS NULL"
        while time.monotonic() < over and self.sql(kept, order):
            time.sleep(0.1)

    def stock(self):
        of = "SELECT on_hand, reserved, allocated FROM products_stockitem WHERE product_id = %s"
        return self.sql(of, self.product)[0]

    def end(self):
        for process in self.started:
            with suppress(ProcessLookupError):
                os.killpg(process.process.pid, signal.SIGKILL)
            process.process.wait(timeout=60)


@pytest.fixture
def rush(environ, sql, tmp_path_factory):
    """Starts the shop; its processes end with the test."""
    begun = []

    def start(people, workers):
        begun.append(Rush(tmp_path_factory.mktemp("rush"), environ, sql, people, workers))
        return begun[-1]

    yield start
    for one in begun:
        one.end()


class Buyer:
    """Somebody who wants one; `habit` says how they go about it."""

    def __init__(self, rush, number, habit):
        self.rush, self.habit = rush, habit
        self.user, self.token = rush.people[number], rush.tokens[number]
        self.orders, self.paid, self.is_served, self.patience = [], [], False, PATIENCE

    def post(self, path, body=None, key=""):
        headers = {"Idempotency-Key": key} if key else {}
        return self.rush.insist("POST", f"/api/{path}", body, token=self.token, headers=headers)

    def shop(self):
        order = self.order()
        if order is None:
            return
        begun = self.begin(order)
        if self.habit in {"looks", "hesitates"}:
            self.rush.lapse(order, seconds=random.uniform(0, 4) if self.habit == "hesitates" else 0)
        if self.habit != "looks" and self.pay(begun):
            self.receive(order, begun)

    def receive(self, order, begun):
        """What they do once they have paid, as far as they know."""
        if self.habit == "vanishes":
            return
        if self.habit != "regrets":
            self.confirm(begun)
        if self.habit in {"regrets", "returns"}:
            self.post(f"orders/{order}/cancel/", key=f"cancel-{order}")
        status, order = self.rush.insist("GET", f"/api/orders/{order}/", token=self.token)
        assert status == 200, order
        self.is_served = order["status"] == "processing"

    def confirm(self, begun):
        status, payment = self.post("payments/confirm/", {"payment_intent_id": begun["payment_intent_id"]})
        assert status == 200, payment
        assert payment["status"] in {"succeeded", "refunded"}

    def order(self):
        """Its id; None if again and again there is none to be had."""
        body = {"items": [{"product_id": self.rush.product, "quantity": 1}], "shipping_address": HOME}
        for _ in range(self.patience):
            status, answer = self.post("orders/", body, key="the one")
            if status == 201:
                self.orders.append(answer["id"])
                return answer["id"]
            assert (status, answer["code"]) == (409, "out_of_stock"), answer
            time.sleep(random.uniform(0.2, 0.8))
        return None

    def begin(self, order):
        """The payment and its secret, with which they pay whatever becomes of the order meanwhile."""
        status, begun = self.post("payments/create_intent/", {"order_id": order}, key=order)
        assert status == 200, begun
        return begun

    def pay(self, begun):
        """Whether the gateway took a card; who errs types another one first."""
        return self.tried(begun, DECLINED if self.habit == "errs" else GOOD) or self.tried(begun, GOOD)

    def tried(self, begun, card):
        """What the device says to the gateway, and hears."""
        body = {"client_secret": begun["client_secret"], "card_number": card}
        status, answer = self.post(f"payments/sandbox/{begun['payment_intent_id']}/confirm/", body)
        assert status == 200, answer
        if answer["status"] == "succeeded":
            self.paid.append(begun["payment_intent_id"])
        return answer["status"] == "succeeded"


# In this order, over and over; when is chance. "web", "jobs" and "celery" are whole process groups.
VICTIMS = ["worker", "child", "worker", "jobs", "worker", "child", "worker", "celery", "worker", "child", "web", "jobs"]
HABITS = ["hesitates", "regrets", "returns", "looks", "errs", "vanishes", "stays"]


def habits():
    """In the order they come. Of the first most give the goods back again, so that the last still find some."""
    early = random.choices(HABITS, weights=[8, 8, 8, 8, 1, 1, 1], k=BUYERS * 3 // 4)
    return early + random.choices(HABITS, weights=[2, 1, 1, 1, 2, 4, 6], k=BUYERS - len(early))


def come(rush, buyers, seconds, threads=40):
    """They come one after the other; meanwhile something is killed all the time, and what died is started again."""
    began, over = time.monotonic(), threading.Event()

    def enter(numbered):
        number, buyer = numbered
        time.sleep(max(0.0, began + seconds * number / len(buyers) - time.monotonic()))
        buyer.shop()

    with ThreadPoolExecutor(2) as fate, ThreadPoolExecutor(threads) as pool:
        fates = [fate.submit(rush.be_killed, over, began + seconds), fate.submit(rush.grow_old, over)]
        try:
            list(pool.map(enter, enumerate(buyers)))
        finally:
            over.set()
        for one in fates:
            one.result()


MONEY = """
    SELECT o.number, o.status, o.payment_status, o.total, coalesce(sum(i.amount - i.refunded), 0) AS kept,
           count(i.id) FILTER (WHERE i.amount > i.refunded) AS charges,
           (SELECT count(*) FROM payments_payment p WHERE p.order_id = o.id AND p.pays_order) AS paying
    FROM orders_order o
    LEFT JOIN payments_sandboxintent i ON i.metadata->>'hanout_order' = o.id::text AND i.status = 'succeeded'
    WHERE o.user_id = ANY(%s) GROUP BY o.id
"""
BOOKS = """
    SELECT p.id FROM payments_payment p LEFT JOIN payments_sandboxintent i ON i.id = p.intent
    LEFT JOIN LATERAL (SELECT sum(CASE kind WHEN 'charge' THEN amount ELSE -amount END) AS kept
        FROM payments_transaction t WHERE t.payment_id = p.id) moved ON true
    WHERE p.user_id = ANY(%s) AND (
        (p.charged_at IS NOT NULL) IS DISTINCT FROM (i.status = 'succeeded')
        OR p.amount_refunded <> i.refunded
        OR (p.charged_at IS NOT NULL AND p.amount - p.amount_refunded IS DISTINCT FROM moved.kept))
"""


def check_books(rush):
    """Nobody was charged without an order or a refund, and every book agrees with every other."""
    for number, status, standing, total, kept, charges, paying in rush.sql(MONEY, rush.people):
        is_paid = (status, standing) == ("processing", "paid")
        assert is_paid or status == "cancelled", (number, status, standing)
        assert (kept, charges) == ((total, 1) if is_paid else (0, 0)), number
        assert paying == 1 if is_paid else paying <= 1, number
    assert rush.sql(BOOKS, rush.people) == []
    assert (
        rush.sql("SELECT name, last_error FROM core_outboxjob WHERE state = 'dead' AND name ~ '^(payment|order)'") == []
    )
    checked = rush.run("check_stock")
    assert checked.code == 0, checked.said


def check_promises(rush, buyers):
    """Whatever was answered before a kill still holds after it, and what was repeated was done once."""
    orders = {str(pk) for (pk,) in rush.sql("SELECT id FROM orders_order WHERE user_id = ANY(%s)", rush.people)}
    assert orders == {order for buyer in buyers for order in buyer.orders}
    charged = {pk for (pk,) in rush.sql("SELECT id FROM payments_sandboxintent WHERE status = 'succeeded'")}
    assert charged >= {intent for buyer in buyers for intent in buyer.paid}
    paid = "SELECT user_id FROM orders_order WHERE payment_status = 'paid' AND status = 'processing'"
    assert {pk for (pk,) in rush.sql(paid)} >= {buyer.user for buyer in buyers if buyer.is_served}


@pytest.mark.slow
def test_two_hundred_buyers_ten_units_and_processes_that_die_sell_ten_and_charge_nobody_else(rush):
    """Kill test 11."""
    shop = rush(BUYERS, workers=3)
    shop.jobs = [shop.start(kind, shop.web.port) for kind in (Worker, TwoAtOnce)]
    shop.jobs[1].wait_until_open()
    buyers = [Buyer(shop, number, habit) for number, habit in enumerate(habits())]
    come(shop, buyers, seconds=16)
    shop.until_quiet()
    check_books(shop)
    # What was let go is sold to those who come back, now that nothing dies.
    again = [buyer for buyer in buyers if buyer.habit == "stays" and not buyer.orders]
    for buyer in again:
        buyer.patience = 1
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Buyer.shop, again))
    shop.until_quiet()
    check_books(shop)
    check_promises(shop, buyers)
    assert shop.stock() == (UNITS, 0, UNITS)
    paid = "SELECT count(*) FROM orders_order WHERE user_id = ANY(%s) AND payment_status = 'paid'"
    assert shop.sql(paid, shop.people) == [(UNITS,)]
    assert shop.surprises == []
    assert shop.vain > 0, "no request met a kill"
    assert len(shop.kills) > 8


# Where a charge is written once the gateway has answered.
WRITTEN = [
    "payments_transaction",
    "orders_order",
    "orders_orderevent",
    "products_stockitem",
    "products_stockmovement",
]
SAVE = (
    "INSERT INTO payments_savedmethod (id, user_id, gateway, reference, brand, last4, exp_month, exp_year, is_default, "
    "created_at) VALUES (gen_random_uuid(), %s, 'sandbox', 'pm_sandbox_4242424242424242', 'visa', '4242', 12, 2040, "
    "true, now()) RETURNING id::text"
)
STANDING = (
    "SELECT i.status, o.status, o.payment_status, p.status, (SELECT count(*) FROM payments_transaction t "
    "WHERE t.payment_id = p.id) FROM payments_payment p JOIN orders_order o ON o.id = p.order_id "
    "JOIN payments_sandboxintent i ON i.id = p.intent WHERE p.intent = %s"
)
CHARGED_ONLY = ("succeeded", "pending", "pending", "pending", 0)
WHOLE = ("succeeded", "processing", "paid", "succeeded", 1)


def intent_with_saved_card(buyer):
    """A payment that is charged by the next confirmation."""
    [(method,)] = buyer.rush.sql(SAVE, buyer.user)
    status, begun = buyer.post("payments/create_intent/", {"order_id": buyer.order(), "payment_method_id": method})
    assert status == 200, begun
    return begun["payment_intent_id"]


@pytest.mark.slow
def test_a_charge_whose_process_dies_before_it_is_written_becomes_an_order_without_any_event(rush, database, sql):
    """Kill test 11: a saved card is charged, and the worker dies in each of the writes that follow."""
    shop = rush(len(WRITTEN), workers=len(WRITTEN))
    intents = [intent_with_saved_card(Buyer(shop, number, "stays")) for number in range(len(WRITTEN))]
    workers = [worker.pid for worker in shop.web.workers()]
    with shop.web.line_to_each(workers) as lines, ThreadPoolExecutor(1) as client:
        for table, intent, token, (pid, line) in zip(WRITTEN, intents, shop.tokens, lines.items(), strict=True):
            body = {"payment_intent_id": intent}
            with nobody_writes(database, table):
                lost = client.submit(shop.web.ask, "POST", "/api/payments/confirm/", body, token=token, line=line)
                [(backend,)] = until(lambda table=table: sql(WAITS, table), f"nobody writes to {table}")
                os.kill(pid, signal.SIGKILL)
                with pytest.raises((OSError, HTTPException)):
                    lost.result(timeout=60)
            until(lambda backend=backend: not sql(LIVES, backend), "the killed worker's connection stays")
            assert sql(STANDING, intent) == [CHARGED_ONLY], table
    sql("DELETE FROM core_outboxjob WHERE name = 'payments.sandbox_tell'")
    shop.jobs = [shop.start(Worker, shop.web.port)]
    until(shop.swept, "the schedule is not planned")
    shop.hasten()
    until(lambda: all(sql(STANDING, intent) == [WHOLE] for intent in intents), "a charge is not written")
    shop.until_quiet()
    check_books(shop)
    assert shop.stock() == (UNITS, 0, len(WRITTEN))
