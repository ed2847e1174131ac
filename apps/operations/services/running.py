"""Everything the shop needs in one terminal: database, migrations, demo data, server, jobs."""

import contextlib
import fcntl
import os
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from apps.operations.services.preparing import load_shop
from apps.operations.services.seeding import operator
from apps.operations.web_server import RUNS_JOBS, web_server

READY_WITHIN_SECONDS = 60


def run() -> None:
    """Serve until Ctrl-C; every reason not to start is one sentence."""
    port: int = settings.ENV.port
    if not settings.IS_DEVELOPMENT:
        raise CommandError("`run` is for development. In production start `manage.py serve` and `manage.py run_jobs`.")
    with _only_one(settings.DATA_DIR, port):
        _check_port(port)
        load_shop()
        email, password = operator()
        os.environ[RUNS_JOBS] = "1"
        connections.close_all()  # the worker is forked: it must not inherit an open connection
        _serve(port, console=f"{email} · {password}")


@contextlib.contextmanager
def _only_one(folder: Path, port: int) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it however this process ends."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (folder / "run.lock").open("a+")
    except OSError as error:
        raise CommandError(
            f"Cannot write to {folder}: {error.strerror}. Make the folder writable and try again."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Hanout already runs from this folder{_where(file)}. Stop it there with Ctrl-C first."
            ) from None
        file.truncate(0)
        file.write(f"http://localhost:{port}/")
        file.flush()
        yield


def _where(file: IO[str]) -> str:
    file.seek(0)
    address = file.read(100)
    return f" at {address}" if address else ""


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"Port {port} is taken by another program. Choose another: PORT={port + 1} make run"
            ) from None


def _serve(port: int, *, console: str) -> None:
    """Blocks until a signal; granian forks the worker that answers and runs the jobs."""
    server = web_server(host="127.0.0.1", port=port, workers=1)
    server.when_forked = threading.Thread(target=_greet, args=(port, console), name="greeting", daemon=True).start
    with contextlib.suppress(SystemExit):  # granian exits 1 when Ctrl-C reached its worker first
        server.serve()
    sys.stdout.write("Stopped.\n")


def _greet(port: int, console: str) -> None:
    """Once the shop answers, say where; at most ten calm lines."""
    base = f"http://localhost:{port}"
    if not _answers(f"http://127.0.0.1:{port}/health/live/"):
        sys.stderr.write(f"The server did not answer within {READY_WITHIN_SECONDS} seconds.\n")
        return
    sys.stdout.write(
        "\nHanout is open.\n"
        f"  Shop      {base}/\n"
        f"  API       {base}/api/docs/\n"
        f"  Console   {base}/{settings.ADMIN_PATH}   {console}\n"
        f"  Texts     {base}/inbox/\n"
        "Stop with Ctrl-C.\n\n"
    )
    sys.stdout.flush()


def _answers(url: str) -> bool:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310  # our own address
                return True
        except OSError:
            time.sleep(0.05)
    return False
