"""`python -m bench.cleaning [rows]`: a million dead sessions are deleted while somebody refreshes without pause.

The command runs as operators run it; the server that refreshes waits 100 ms at most for any lock, and says so with a
status other than 200. PostgreSQL writes to disk as it does in earnest (fsync).
"""

import http.client
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from bench.parties import database, ended, run, started

PORT = 18767
DEAD = """
    INSERT INTO accounts_session (id, user_id, key, counter, user_agent, created_at, refreshed_at, expires_at,
                                  ended_at, end_reason)
    SELECT gen_random_uuid(), (SELECT max(id) FROM accounts_user), '\\x00', 0, 'dead', now() - interval '70 d',
           now() - interval '70 d', now() - interval '40 d' - random() * interval '20 d',
           CASE WHEN n % 2 = 0 THEN now() - interval '10 d' - random() * interval '30 d' END,
           CASE WHEN n % 2 = 0 THEN 'signed_out' ELSE '' END
    FROM generate_series(1, {rows}) n
"""
SIGN_IN = """
from apps.accounts.callers import Caller
from apps.accounts.models import User
from apps.accounts.services import start_session
user = User.objects.get_or_create(phone="+966500001000")[0]
print(start_session(user=user, caller=Caller("127.0.0.1", "bench")).refresh)
"""


class Refreshing(threading.Thread):
    """One client: the token it was given last, again and again."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token, self.stop = token, threading.Event()
        self.times: list[float] = []
        self.refused = 0

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        while not self.stop.is_set():
            begun = time.perf_counter()
            body = json.dumps({"refresh": self.token})
            line.request("POST", "/api/users/token/refresh/", body, {"Content-Type": "application/json"})
            answer = line.getresponse()
            said = json.loads(answer.read())
            self.times.append((time.perf_counter() - begun) * 1000)
            self.refused += answer.status != 200
            self.token = said.get("refresh", self.token)
        line.close()

    def told(self) -> str:
        """How they went so far; the list starts anew."""
        times, self.times = self.times, []
        slowest = statistics.quantiles(times, n=1000)[998], max(times)
        figures = (statistics.median(times), *slowest)
        return "{} refreshes; median {:.1f} ms, p99.9 {:.1f} ms, slowest {:.1f} ms".format(len(times), *figures)


def wait_until_open() -> None:
    for _ in range(200):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", PORT)):
            return
        time.sleep(0.05)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url:
        environ = {"DATABASE_URL": url, "HANOUT_DATA_DIR": folder, "LOG_LEVEL": "ERROR", "DEBUG": "0"}
        client = Refreshing(run(environ, "shell", "--no-imports", "-v", "0", "-c", SIGN_IN).strip())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(DEAD.format(rows=rows))
            connection.execute("ANALYZE accounts_session")
        impatient = {**environ, "DATABASE_URL": f"{url}&options=-c%20lock_timeout%3D100ms", "PORT": str(PORT)}
        web = started({**impatient, "ENVIRONMENT": "development"}, "serve")
        try:
            wait_until_open()
            client.start()
            clean(environ, client, rows)
        finally:
            client.stop.set()
            client.join()
            ended(web)
        print(f"refused:    {client.refused} (one whose lock took 100 ms would be)")


def clean(environ: dict[str, str], client: Refreshing, rows: int) -> None:
    time.sleep(5)
    print(f"before:     {client.told()}")
    print(f"dry run:    {run(environ, 'cleanup_refresh_tokens', '--dry-run').strip()}")
    client.told()
    begun = time.perf_counter()
    said = run(environ, "cleanup_refresh_tokens").strip()
    seconds = time.perf_counter() - begun
    print(f"the run:    {said} {seconds:.1f} s, {rows / seconds:.0f} rows a second, its start included")
    print(f"meanwhile:  {client.told()}")


if __name__ == "__main__":
    main()
