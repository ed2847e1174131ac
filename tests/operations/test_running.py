"""`manage.py run` as a person uses it: real processes, real signals."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import psycopg
import pytest

from apps.operations.services.seeding import ORDERS
from config import embedded_postgres
from config.env import ROOT
from tests.processes import Shop, free_port, postgres_of


@pytest.fixture
def shop(tmp_path):
    """A shop of this test's own, to be stopped or killed."""
    running = Shop(tmp_path / "data")
    yield running.wait_until_open()
    if running.process.poll() is None:
        running.interrupt()


@pytest.fixture(scope="module")
def open_shop(tmp_path_factory):
    """One shop for all tests that only use it."""
    running = Shop(tmp_path_factory.mktemp("shop") / "data")
    yield running.wait_until_open()
    running.interrupt()


def sign_in(shop, phone="+801719159900"):
    code = shop.call("/api/users/send-otp/", {"phone": phone})[1]["otp"]
    return shop.call("/api/users/verify-otp/", {"phone": phone, "otp": code})[1]["tokens"]["access"]


ADDRESS = {"full_name": "A", "address_line1": "B", "city": "C", "country": "SA"}


SLOW = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "encodings.idna":  # what resolving any host name imports
            time.sleep(1)
sys.meta_path.insert(0, Slow())
"""


def test_a_worker_is_forked_before_anything_else_of_the_process_imports(tmp_path):
    """One forked while a thread held an import's lock waited for it forever: its payments never answered."""
    patched = tmp_path / "patched"
    patched.mkdir()
    (patched / "sitecustomize.py").write_text(SLOW)
    Shop(tmp_path / "data").wait_until_open().interrupt()  # a first start imports more in its main thread
    shop = Shop(tmp_path / "data", PYTHONPATH=str(patched)).wait_until_open()
    try:
        asked = {"client_secret": "x", "agrees": False}
        assert shop.call("/api/payments/sandbox/0/authenticate/", asked)[0] == 404
    finally:
        shop.interrupt()


def test_a_stranger_walks_from_code_to_order_and_sees_stock_fall(open_shop):
    token = sign_in(open_shop)
    assert open_shop.call("/api/accounts/me/", token=token)[1]["phone"] == "+801719159900"
    product = next(row for row in open_shop.call("/api/products/")[1]["results"] if row["stock_quantity"] > 5)
    order = {"items": [{"product_id": product["id"], "quantity": 2}], "shipping_address": ADDRESS}
    status, placed = open_shop.call("/api/orders/", order, token)
    assert status == 201
    assert placed["status"] == "pending"
    left = open_shop.call(f"/api/products/{product['id']}/")[1]["stock_quantity"]
    assert left == product["stock_quantity"] - 2


def test_it_says_where_everything_is_in_ten_calm_lines(open_shop):
    said = [line for line in open_shop.log.read_text().splitlines() if line.strip() and not line.endswith(" ms")]
    assert len(said) <= 10
    assert f"http://localhost:{open_shop.port}/admin/" in open_shop.log.read_text()
    password = json.loads((open_shop.folder / "operator.json").read_text())["password"]
    assert password in open_shop.log.read_text()
    login = open_shop.call("/api/auth/login/", {"email": "operator@hanout.test", "password": password})
    assert login[0] == 200
    assert open_shop.call("/campaigns/", token=login[1]["access"])[1]["total"] >= 6


def test_ctrl_c_stops_everything_within_five_seconds(shop):
    started = shop.everything()
    assert len(started) >= 3
    before = time.monotonic()
    shop.interrupt()
    assert time.monotonic() - before < 5
    assert shop.process.returncode == 0
    assert [pid for pid in started if psutil.pid_exists(pid)] == []
    assert shop.log.read_text().endswith("Stopped.\n")
    assert not list(shop.folder.glob("metrics-*"))


def test_jobs_run_in_the_same_process(open_shop):
    token = sign_in(open_shop, "+801719159901")
    product = next(row for row in open_shop.call("/api/products/")[1]["results"] if row["stock_quantity"] > 5)
    order = {"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS}
    number = open_shop.call("/api/orders/", order, token)[1]["order_number"]
    for _ in range(100):
        if number in open_shop.text("/inbox/"):
            return
        time.sleep(0.1)
    raise AssertionError("the order was not announced within ten seconds")


def keep_ordering(shop, stop, phone):
    """A customer who orders until told to stop; connections that break are what the test is about."""
    token = sign_in(shop, phone)
    shelf = shop.call("/api/products/?page_size=50")[1]["results"]
    product = max(shelf, key=lambda row: row["stock_quantity"])
    order = {"items": [{"product_id": product["id"], "quantity": 1}], "shipping_address": ADDRESS}
    while not stop.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError):
            placed = shop.call("/api/orders/", order, token)[1]
            shop.call(f"/api/orders/{placed['id']}/cancel/", {}, token)  # five may wait for payment


HALF_DONE = """
    SELECT 'order without a line', count(*) FROM orders_order o
        WHERE NOT EXISTS (SELECT FROM orders_orderline l WHERE l.order_id = o.id)
    UNION ALL SELECT 'order without an event', count(*) FROM orders_order o
        WHERE NOT EXISTS (SELECT FROM orders_orderevent e WHERE e.order_id = o.id)
    UNION ALL SELECT 'item whose ledger differs', count(*) FROM products_stockitem i
        WHERE (i.on_hand, i.reserved, i.allocated)
        <> (SELECT sum(on_hand_change), sum(reserved_change), sum(allocated_change)
            FROM products_stockmovement m WHERE m.item_id = i.id)
    UNION ALL SELECT 'unpaid order whose goods are not kept', count(*) FROM orders_order o WHERE o.status = 'pending'
        AND NOT EXISTS (SELECT FROM products_stockmovement m WHERE m.reference = o.number AND m.kind = 'reserve')
"""


def test_killed_in_the_middle_of_orders_it_starts_again_with_nothing_half_done(shop):
    stop = threading.Event()
    phones = ("+801719159998", "+801719159999")
    customers = [threading.Thread(target=keep_ordering, args=(shop, stop, phone)) for phone in phones]
    for customer in customers:
        customer.start()
    time.sleep(1.5)
    for pid in shop.everything():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    stop.set()
    for customer in customers:
        customer.join()
    again = Shop(shop.folder, shop.port).wait_until_open()
    with psycopg.connect(embedded_postgres.join(shop.folder / "postgres").url) as connection:
        placed = connection.execute("SELECT count(*) FROM orders_order").fetchone()[0]
        assert placed > len(ORDERS)
        assert {what: count for what, count in connection.execute(HALF_DONE) if count} == {}
    embedded_postgres.join(shop.folder / "postgres").leave()
    assert again.call("/api/products/")[1]["count"] == 30
    again.interrupt()
    assert postgres_of(shop.folder) == []


def test_a_server_killed_alone_frees_its_port(shop):
    os.kill(shop.process.pid, signal.SIGKILL)
    shop.process.wait()
    for _ in range(40):
        if not shop.answers("/health/live/"):
            break
        time.sleep(0.1)
    again = Shop(shop.folder, shop.port).wait_until_open()
    again.interrupt()
    assert postgres_of(shop.folder) == []


def refused(folder, port=None):
    shop = Shop(folder, port)
    shop.process.wait(timeout=30)
    assert shop.process.returncode == 1
    said = shop.log.read_text().strip().splitlines()
    assert len(said) == 1, said
    return said[0]


def test_a_second_run_says_where_the_first_one_is(open_shop):
    log = open_shop.log.read_text()
    second = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HANOUT_DATA_DIR": str(open_shop.folder), "PORT": str(free_port()), "TESTING": ""},
    )
    assert f"already runs from this folder at http://localhost:{open_shop.port}/" in second.stderr
    assert second.returncode == 1
    assert open_shop.call("/health/ready/")[0] == 200
    assert "Stopped" not in log


def test_a_taken_port_is_named_with_a_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"PORT={port + 1} make run" in refused(tmp_path / "data", port)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    assert "Cannot write to" in refused(tmp_path / "data")
