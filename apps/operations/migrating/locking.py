"""One migrator at a time, and who keeps it waiting.

The lock lives in a session of its own, so that an error in a migration cannot lose it and the death of the process
cannot keep it. A killed migrator's statement may run on in the server for a moment: its session holds a second lock,
and the next migrator waits for that one too. Waiting means asking again: a session that waits inside PostgreSQL holds a
snapshot, and CREATE INDEX CONCURRENTLY would wait for it in turn.
"""

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.operations.migrating.errors import CannotMigrate, MigrationStopped
from apps.operations.migrating.narrating import Narrator
from apps.operations.migrating.sessions import require_own_sessions, watching_connection

MIGRATOR, WORK = "hanout.migrator", "hanout.migrating"
ASK_AGAIN_SECONDS = 0.5
FIRST_LOOK_SECONDS, LATER_LOOK_SECONDS = 0.02, 0.5
SHOWN_CHARACTERS = 80

_TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_HOLDER = """
    SELECT a.pid, a.application_name, extract(epoch FROM now() - a.backend_start)::int
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
        AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(%s, 0)
"""
_BLOCKERS = """
    SELECT pid, application_name, state, extract(epoch FROM clock_timestamp() - xact_start)::int, query
    FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY xact_start
"""
_UNSAID = re.compile(r"/\*.*?(\*/|$)|--[^\n]*|\$(\w*)\$.*?(\$\2\$|$)|'(?:[^']|'')*('|$)|\b\d[\d.]*", re.DOTALL)


class Watch:
    """The session that holds the one-migrator lock and looks at what holds up the other one."""

    def __init__(self, line: "psycopg.Connection[Any]") -> None:
        self._line = line

    def confirm(self) -> None:
        """The lock is still ours; raises `MigrationStopped` where its session was cut."""
        try:
            self._line.execute("SELECT 1")
        except psycopg.Error:
            raise MigrationStopped(
                "The session that held the one-migrator lock was cut, so another migrator may run. "
                "What is listed above is applied. Run it again."
            ) from None

    @contextmanager
    def looking_at(self, pid: int) -> Iterator[Callable[[], str]]:
        """While the block runs, remember who keeps `pid` waiting; the call returns it in words."""
        seen: list[tuple[Any, ...]] = []
        is_over = threading.Event()
        looker = threading.Thread(target=self._look, args=(pid, seen, is_over), daemon=True)
        looker.start()
        try:
            yield lambda: _in_words(seen)
        finally:
            is_over.set()
            looker.join()

    def _look(self, pid: int, seen: list[tuple[Any, ...]], is_over: threading.Event) -> None:
        pause = FIRST_LOOK_SECONDS
        while not is_over.wait(pause):
            pause = min(2 * pause, LATER_LOOK_SECONDS)  # looking stops PostgreSQL's lock table for a moment
            try:
                rows = self._line.execute(_BLOCKERS, [pid]).fetchall()
            except psycopg.Error:
                return  # `confirm` says so
            if rows:
                seen[:] = rows


@contextmanager
def only_migrator(connection: BaseDatabaseWrapper, *, wait_seconds: float, narrator: Narrator) -> Iterator[Watch]:
    """Hold the one-migrator lock; wait so long for whoever has it, and say who that is. Raises `CannotMigrate`."""
    name = f"hanout migrate_safely {socket.gethostname()[:24]} {os.getpid()}"
    with watching_connection(connection, name=name) as line:
        require_own_sessions(line, connection)
        deadline = time.monotonic() + wait_seconds
        _take(lambda: _tried(line, MIGRATOR), line, MIGRATOR, deadline, narrator)
        with connection.cursor() as cursor:
            _take(lambda: _tried(cursor, WORK), line, WORK, deadline, narrator)
        yield Watch(line)


def _tried(cursor: Any, name: str) -> bool:
    return bool(cursor.execute(_TRY, [name]).fetchone()[0])


def _take(
    is_taken: Callable[[], bool],
    line: "psycopg.Connection[Any]",
    name: str,
    deadline: float,
    narrator: Narrator,
) -> None:
    if is_taken():
        return
    holder = _holder(line, name)
    narrator.say(f"Another migrator is at work: {holder}. Waiting for it.")
    with narrator.busy("Waiting for the other migrator"):
        while not is_taken():
            if time.monotonic() > deadline:
                raise CannotMigrate(
                    f"Another migrator is still at work: {_holder(line, name)}. Nothing was changed. Wait for it and "
                    "run this again; MIGRATION_WAIT_SECONDS says how long it waits by itself."
                )
            time.sleep(ASK_AGAIN_SECONDS)


def _holder(line: "psycopg.Connection[Any]", name: str) -> str:
    for pid, application, seconds in line.execute(_HOLDER, [name]).fetchall():
        return f"{application or 'unnamed'}, connected for {seconds} s, PostgreSQL process {pid}"
    return "it has just ended"


def _in_words(rows: list[tuple[Any, ...]]) -> str:
    """Who blocks, without what they wrote: literals of a query are customers' data."""
    return "; ".join(
        f"PostgreSQL process {pid} ({application or 'unnamed'}, {state}, in its transaction for {seconds} s: "
        f"{without_literals(query)})"
        for pid, application, state, seconds, query in rows
    )


def without_literals(query: str | None) -> str:
    """The shape of a query: no texts, no numbers, no comments, and no more than a line."""
    shape = " ".join(_UNSAID.sub("?", query or "").split())
    return shape if len(shape) <= SHOWN_CHARACTERS else f"{shape[:SHOWN_CHARACTERS]}…"
