"""Threads that live beside the web worker when `manage.py run` or `serve` asks for them."""

import os
import signal
import threading
import time

from apps.operations.web_server import RUNS_JOBS, WATCHED_PARENT
from core.lifecycle import listen_for_the_end
from core.outbox import work


def start() -> None:
    """Start what the environment of this process asks for."""
    if parent := os.environ.get(WATCHED_PARENT):
        listen_for_the_end()
        threading.Thread(target=_end_with, args=(int(parent),), name="parent-watch", daemon=True).start()
    if os.environ.get(RUNS_JOBS):
        # `run` alone: jobs and schedule in the web worker. A deployment runs `manage.py run_jobs` beside it.
        threading.Thread(target=work, args=(threading.Event(),), name="jobs", daemon=True).start()


def _end_with(parent: int) -> None:
    """A worker whose server was killed would keep the port; it ends itself instead."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)
