"""`python -m bench.serving`: answers per second of the served process, one worker, over real connections.

The same machine makes the requests, so read the figures as ratios within one run.
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from config import embedded_postgres
from config.env import ROOT

PATHS = ("/health/live/", "/health/ready/", "/api/products/")
CONNECTIONS = (1, 16, 64)
SECONDS = 2.0
PORT = 18765


def per_second(port: int, path: str, connections: int) -> tuple[float, float]:
    """Answers per second and the 99th percentile in milliseconds; each connection asks again at once."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    waiting = selectors.DefaultSelector()
    for _ in range(connections):
        line = socket.create_connection(("127.0.0.1", port))
        line.sendall(request)
        waiting.register(line, selectors.EVENT_READ, [b"", time.perf_counter()])
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        for key, _ in waiting.select(1):
            asked, state = key.fileobj, key.data
            assert isinstance(asked, socket.socket)
            state[0] += asked.recv(1 << 18)
            if is_whole(state[0]):
                times.append(time.perf_counter() - state[1])
                state[:] = [b"", time.perf_counter()]
                asked.sendall(request)
    for key in list(waiting.get_map().values()):
        waiting.unregister(key.fileobj)
        assert isinstance(key.fileobj, socket.socket)
        key.fileobj.close()
    return len(times) / SECONDS, sorted(times)[int(len(times) * 0.99)] * 1000


def is_whole(answer: bytes) -> bool:
    """Whether an answer, which must be a 200 that says its length, has arrived."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    assert head.startswith(b"HTTP/1.1 200 "), head
    return len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


@contextlib.contextmanager
def served() -> Iterator[int]:
    """The port of a server with the demo shop, on a database that ends with it."""
    with tempfile.TemporaryDirectory() as folder:
        database = embedded_postgres.join(Path(folder) / "postgres")
        given = {"DATABASE_URL": database.url, "PORT": str(PORT), "HANOUT_DATA_DIR": folder, "LOG_LEVEL": "ERROR"}
        environ = {**os.environ, **given, "ENVIRONMENT": "development", "DEBUG": "0"}
        try:
            for name in ("migrate", "seed"):
                assert command(name, environ).wait() == 0
            server = command("serve", environ)
            try:
                wait_until_open()
                yield PORT
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(timeout=10)
        finally:
            database.leave()


def command(name: str, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    arguments = [sys.executable, "manage.py", name]
    return subprocess.Popen(arguments, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603  # our own


def wait_until_open() -> None:
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", PORT)):
            return
        time.sleep(0.05)


def main() -> None:
    with served() as port:
        print(f"{'path':18}{'connections':>12}{'per second':>12}{'p99 ms':>9}")
        for path in PATHS:
            for connections in CONNECTIONS:
                rate, slow = per_second(port, path, connections)
                print(f"{path:18}{connections:12}{rate:12.0f}{slow:9.1f}")


if __name__ == "__main__":
    main()
