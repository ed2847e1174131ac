"""Many threads through one door at the same moment, each with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def race(call: Callable[[int], Any], threads: int = 50) -> list[Any]:
    """What each thread got: a value, or the exception it met."""
    gate = threading.Barrier(threads)

    def run(number: int) -> Any:
        try:
            gate.wait(timeout=30)
            return call(number)
        except Exception as error:  # noqa: BLE001  # the outcome is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))
