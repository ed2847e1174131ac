"""Hanout as real processes: started, called over HTTP, interrupted and killed."""

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
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from config.env import ROOT

SHOWN = re.compile(r"Hanout is open\..*?Stop with Ctrl-C\.", re.DOTALL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """A command that serves HTTP, in a process group of its own."""

    command = ("manage.py", "serve")

    def __init__(self, folder: Path, port: int | None = None, **environ: str) -> None:
        self.port = port or free_port()
        self.folder = folder
        self.log = folder.parent / f"{folder.name}.log"
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        kept |= {"HANOUT_DATA_DIR": str(folder), "PORT": str(self.port), **environ}
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, *self.command], cwd=ROOT, env=kept, stdout=out, stderr=out, start_new_session=True
            )

    def is_open(self) -> bool:
        return self.answers("/health/live/")

    def wait_until_open(self) -> Self:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.is_open():
                return self
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def answers(self, path: str) -> bool:
        try:
            return self.call(path)[0] == 200
        except OSError:
            return False

    def call(self, path, body=None, token=""):
        """Status and decoded JSON; with a body it is a POST."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def text(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as reply:
            return reply.read().decode()

    def raw(self, request: bytes) -> bytes:
        """What comes back for bytes no HTTP library would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            line.sendall(request)
            return line.recv(65536)

    def everything(self):
        """All processes that should be gone once this one has ended."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [self.process.pid, *(child.pid for child in children), *postgres_of(self.folder)]

    def interrupt(self):
        """Ctrl-C reaches the whole foreground group, as in a terminal."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=60)


def manage(folder, *words, **environ):
    """Run a command of `manage.py` to its end, which has to be a good one."""

    class Command(Served):
        command = ("manage.py", *words)

    command = Command(folder, **environ)
    assert command.process.wait(timeout=120) == 0, command.log.read_text()


class Shop(Served):
    """`manage.py run`; open once it has said so."""

    command = ("manage.py", "run")

    def is_open(self) -> bool:
        return bool(SHOWN.search(self.log.read_text()))


class CeleryWorker(Served):
    """`celery -A config worker`; what it is started with beyond that, in `options`."""

    options = ("--concurrency=2",)

    @property
    def command(self):
        return ("-m", "celery", "-A", "config", "worker", "-l", "info", *self.options)

    def is_open(self) -> bool:
        return "ready." in self.log.read_text()

    def crew(self):
        """The main process and the children that run the jobs."""
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def kill(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=60)


class CeleryBeat(CeleryWorker):
    """Beat, as S2 starts it."""

    @property
    def command(self):
        scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
        return ("-m", "celery", "-A", "config", "beat", "-l", "info", "--scheduler", scheduler)

    def is_open(self) -> bool:
        return "beat: Starting..." in self.log.read_text()


def postgres_of(folder):
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "name"])
        if process.info["name"] == "postgres" and str(folder) in " ".join(process.info["cmdline"] or [])
    ]
