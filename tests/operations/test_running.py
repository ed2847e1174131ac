"""`manage.py run` as a person uses it: real processes, real signals."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from config.env import ROOT

SHOWN = re.compile(r"Hanout is open\..*?Stop with Ctrl-C\.", re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Shop:
    """One `manage.py run` with a folder of its own."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        environ = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        environ |= {"HANOUT_DATA_DIR": str(folder), "PORT": str(self.port)}
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=ROOT,
                env=environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait_until_open(self) -> "Shop":
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if SHOWN.search(self.log.read_text()):
                return self
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def call(self, path, body=None, token=""):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def everything(self):
        return [
            self.process.pid,
            *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True)),
            *postgres_of(self.folder),
        ]

    def interrupt(self):
        """Ctrl-C reaches the whole foreground group, as in a terminal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=10)


def postgres_of(folder):
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] == "postgres" and str(folder) in " ".join(process.info["cmdline"] or [])
    ]


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
    said = [line for line in open_shop.log.read_text().splitlines() if line.strip() and " GET " not in line]
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
        with urllib.request.urlopen(f"http://127.0.0.1:{open_shop.port}/inbox/", timeout=5) as page:
            if number in page.read().decode():
                return
        time.sleep(0.1)
    raise AssertionError("the order was not announced within ten seconds")


def test_killed_without_warning_it_starts_again_with_nothing_half_done(shop):
    token = sign_in(shop)
    os.kill(shop.process.pid, signal.SIGKILL)
    shop.process.wait()
    again = Shop(shop.folder, shop.port).wait_until_open()
    assert again.call("/api/accounts/me/", token=token)[0] == 200
    assert again.call("/api/products/")[1]["count"] == 30
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
