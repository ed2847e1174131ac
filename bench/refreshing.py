"""`python -m bench.refreshing`: refreshes per second of one core, beside an empty answer in the same run.

The web process has one core for itself; PostgreSQL, Redis and the client share another. Twice: in development, where
no address is limited, and behind a proxy as in production, where each call also counts its address in Redis.
"""

import contextlib
import json
import os
import selectors
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.parties import database, ended, redis, run, started
from bench.serving import is_whole

CONNECTIONS = 8
SECONDS, ROUNDS = 4.0, 3
PORT = 18766
EMPTY, REFRESH = "/health/live/", "/api/users/token/refresh/"
HEAD = "Host: localhost\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: {address}\r\n"


@dataclass
class Line:
    """A kept connection; a refreshing one always sends the token it was last given."""

    socket: socket.socket
    token: str = ""
    came: bytes = b""
    times: list[float] = field(default_factory=list)
    asked: float = 0.0
    count: int = 0

    def ask(self) -> None:
        self.count += 1
        # An address may ask sixty times a minute: each second call comes from another.
        address = f"10.{self.socket.fileno()}.{self.count >> 9 & 255}.{self.count >> 1 & 255}"
        head = HEAD.format(address=address)
        if self.token:
            body = f'{{"refresh":"{self.token}"}}'
            head = f"POST {REFRESH} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        else:
            head, body = f"GET {EMPTY} HTTP/1.1\r\n{head}", ""
        self.came, self.asked = b"", time.perf_counter()
        self.socket.sendall(f"{head}\r\n{body}".encode())

    def read(self) -> None:
        self.came += self.socket.recv(1 << 16)
        if is_whole(self.came):
            self.times.append(time.perf_counter() - self.asked)
            if self.token:
                self.token = self.came.rpartition(b'"refresh":"')[2].partition(b'"')[0].decode()
            self.ask()


def hammer(tokens: list[str]) -> list[float]:
    """The time of each answer, with a connection for each token; an empty one asks for the empty answer."""
    waiting, lines = selectors.DefaultSelector(), []
    for token in tokens:
        lines.append(Line(socket.create_connection(("127.0.0.1", PORT)), token))
        waiting.register(lines[-1].socket, selectors.EVENT_READ, lines[-1])
        lines[-1].ask()
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        for key, _ in waiting.select(1):
            key.data.read()
    for line in lines:
        line.socket.close()
    return [seconds for line in lines for seconds in line.times]


@contextlib.contextmanager
def web(environ: dict[str, str], core: int) -> Iterator[int]:
    """The worker of a served Hanout on one core, by its process id."""
    process = started(environ, "serve")
    os.sched_setaffinity(process.pid, {core})
    try:
        for _ in range(200):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", PORT)):
                break
            time.sleep(0.05)
        yield children(process.pid)[0]
    finally:
        ended(process)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def stat(pid: int) -> list[str]:
    """The numbers of /proc/<pid>/stat after the name: state, parent, …; user and system time are 11 and 12."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def cpu(pids: list[int]) -> float:
    """Seconds of CPU these have used."""
    return sum(int(stat(pid)[11]) + int(stat(pid)[12]) for pid in pids) / os.sysconf("SC_CLK_TCK")


def server_of(url: str) -> list[int]:
    """All processes of this PostgreSQL but the one asked."""
    with psycopg.connect(url) as connection:
        backend = connection.info.backend_pid
        return [pid for pid in children(int(stat(backend)[1])) if pid != backend]


def measure(name: str, environ: dict[str, str], url: str, core: int) -> None:
    tokens = json.loads(run(environ, "shell", "--no-imports", "-v", "0", "-c", SIGN_IN))
    before = counted(url)
    refreshed, rates, empty, busy = 0, [], [], []
    with web(environ, core) as worker:
        for _ in range(ROUNDS):
            empty.append(len(hammer([""] * CONNECTIONS)) / SECONDS)
            postgres = server_of(url)
            at = cpu([worker]), cpu(postgres)
            times = hammer(tokens)
            tokens = json.loads(run(environ, "shell", "--no-imports", "-v", "0", "-c", SIGN_IN))
            busy.append([(cpu([worker]) - at[0]) / len(times), (cpu(postgres) - at[1]) / len(times)])
            rates.append(len(times) / SECONDS)
            refreshed += len(times)
    after = counted(url)
    slow = statistics.quantiles(times, n=100)[98] * 1000
    rate, base = statistics.median(rates), statistics.median(empty)
    web_cpu, database_cpu = (statistics.median(column) * 1e6 for column in zip(*busy, strict=True))
    told = ", ".join(f"{found / refreshed:.2f} {what}" for what, found in difference(before, after).items())
    print(f"{name:24}{base:9.0f}{rate:12.0f}{rate / base:10.0%}{slow:9.1f}{web_cpu:9.0f}{database_cpu:9.0f}")
    print(f"{'':24}rounds: {', '.join(f'{found:.0f}' for found in rates)}; each refresh: {told}")


SIGN_IN = f"""
import json
from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
people = [User.objects.get_or_create(phone=f"+96650000100{{n}}")[0] for n in range({CONNECTIONS})]
print(json.dumps([start_session(user=user, caller=Caller("127.0.0.1", "bench")).refresh for user in people]))
"""


def counted(url: str) -> dict[str, int]:
    """What the database has done so far."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT d.xact_commit, t.n_tup_upd, t.n_tup_hot_upd FROM pg_stat_database d, pg_stat_user_tables t "
            "WHERE d.datname = current_database() AND t.relname = 'accounts_session'"
        ).fetchone()
    assert row is not None
    return dict(zip(("transactions", "rows updated", "of them in place (HOT)"), row, strict=True))


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after}


def main() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("This needs two cores: one for the web process, one for everything else.")
    os.sched_setaffinity(0, {cores[1]})
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url, redis(Path(folder)) as cache:
        common = {"DATABASE_URL": url, "PORT": str(PORT), "HANOUT_DATA_DIR": folder, "LOG_LEVEL": "ERROR", "DEBUG": "0"}
        print(f"{'':24}{'empty/s':>9}{'refreshes/s':>12}{'of empty':>10}{'p99 ms':>9}{'web µs':>9}{'pg µs':>9}")
        measure("development", {**common, "ENVIRONMENT": "development"}, url, cores[0])
        proxied = {"ENVIRONMENT": "staging", "TRUSTED_PROXY_COUNT": "1", "REDIS_URL": cache, "COLLECT_STATIC": "0"}
        proxied |= {"ANONYMOUS_CALLS_PER_MINUTE": "0", "PERSON_CALLS_PER_MINUTE": "0"}
        measure("staging, with Redis", {**common, **proxied, "SECRET_KEY": "bench" * 12}, url, cores[0])


if __name__ == "__main__":
    main()
