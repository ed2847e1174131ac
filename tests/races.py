"""Many threads through one door at the same moment, each with a database connection of its own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction


def race(call: Callable[[int], Any], threads: int = 50) -> list[Any]:
    """What each thread got: a value, or the exception it met."""
    gate = threading.Barrier(threads)

    def run(number: int) -> Any:
        try:
            gate.wait(timeout=60)
            return call(number)
        except Exception as error:  # noqa: BLE001  # the outcome is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def queue(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """What `second` got, which had to wait for a lock until `first`, that held it, was committed."""

    def run() -> Any:
        try:
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            later = pool.submit(run)
            _wait_until_blocking()
        return later.result(timeout=60)


def _wait_until_blocking() -> None:
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while not cursor.execute(
            "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        ).fetchone():
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)
