"""`python -m bench.backups [megabytes]`: what knowing that a backup is whole costs, against not knowing it.

Bare: pg_dump into a file, pg_restore into a new database. Ours: `manage.py backup` and `backup verify`, which also
count and add up every row on both sides, seal the file, compare everything and drop the copy. Both in turns, on one
server that writes to disk as it does in earnest (fsync), with data that compresses as sessions and sealed answers do.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from bench.parties import database, run
from config import embedded_postgres

ROUNDS = 2
ROWS_OF_A_MEGABYTE = 3200
SESSIONS = """
    INSERT INTO accounts_session (id, user_id, key, counter, user_agent, created_at, refreshed_at, expires_at,
                                  end_reason)
    SELECT gen_random_uuid(), (SELECT max(id) FROM accounts_user), sha256(n::text::bytea), n % 100,
           'Mozilla/5.0 (Linux; Android ' || n % 15 || ') Mobile/' || md5((n % 5000)::text), now() - n * interval '1 s',
           now() - n * interval '1 s', now() + interval '20 d', ''
    FROM generate_series(1, {rows}) n
"""
ANSWERS = """
    INSERT INTO core_idempotentanswer (key, fingerprint, status, sealed, created_at)
    SELECT sha256(n::text::bytea), sha256((n + 1)::text::bytea), 201,
           sha256(n::text::bytea) || sha256((n * 7)::text::bytea) || sha256((n * 11)::text::bytea), now()
    FROM generate_series(1, {rows}) n
"""
SOMEBODY = "from apps.accounts.models import User; User.objects.create_user(phone='+966500001000')"


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url:
        environ = {"DATABASE_URL": url, "HANOUT_DATA_DIR": folder, "LOG_LEVEL": "ERROR", "DEBUG": "0"}
        fill(environ, url, megabytes)
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append([seconds(dump, url, folder), seconds(restore, url, folder)])
            ours.append([seconds(run, environ, "backup"), seconds(run, environ, "backup", "verify")])
        for name, times in {"bare pg_dump + pg_restore": bare, "backup + verify": ours}.items():
            told = "; ".join(f"{first:.1f} + {second:.1f} s" for first, second in times)
            print(f"{name:28}{told}")
        ratio = sum(map(sum, ours)) / sum(map(sum, bare))
        print(f"{'ratio':28}{ratio:.2f} (starting Python and Django counts as ours; at most 1.3 is promised)")


def fill(environ: dict[str, str], url: str, megabytes: int) -> None:
    run(environ, "shell", "--no-imports", "-v", "0", "-c", SOMEBODY)
    with psycopg.connect(url, autocommit=True) as connection:
        rows = megabytes * ROWS_OF_A_MEGABYTE // 2
        for statement in (SESSIONS, ANSWERS):
            connection.execute(statement.format(rows=rows))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        ((size,),) = connection.execute("SELECT pg_database_size(current_database())").fetchall()
        print(f"database: {size / 1e6:.0f} MB, {2 * rows} rows in its two largest tables")


def seconds(work: Callable[..., object], *given: object) -> float:
    begun = time.perf_counter()
    work(*given)
    return time.perf_counter() - begun


def dump(url: str, folder: str) -> None:
    program("pg_dump", "--format=custom", f"--file={folder}/bare.dump", f"--dbname={url}")


def restore(url: str, folder: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare TEMPLATE template0")
        program("pg_restore", "--no-owner", f"--dbname={url.replace('/hanout?', '/bare?')}", f"{folder}/bare.dump")
        connection.execute("DROP DATABASE bare")


def program(name: str, *arguments: str) -> None:
    path = str(embedded_postgres.bin_dir() / name)
    subprocess.run([path, *arguments], check=True, env={"PATH": os.environ["PATH"]})  # noqa: S603  # the embedded one


if __name__ == "__main__":
    main()
