"""Locks that the kernel lets go of together with their holder, so that no kill -9 leaves one behind."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PAUSE_SECONDS = 0.005


def try_lock(lock: int, mode: int) -> bool:
    try:
        fcntl.flock(lock, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def opened(path: Path) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR)
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def exclusive(path: Path, *, seconds: float) -> Iterator[None]:
    """Raises TimeoutError when the lock is not granted: a holder that was suspended must not hang us too."""
    with opened(path) as lock:
        if not wait_for(lambda: try_lock(lock, fcntl.LOCK_EX), seconds=seconds):
            raise TimeoutError(errno.ETIMEDOUT, "held by another process", str(path))
        yield


def wait_for(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
