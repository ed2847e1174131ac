"""The web server: granian, with Django as WSGI behind our own front (`web_front.py`)."""

import os
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from core.lifecycle import STOPPING_SIGNAL

BACKLOG = 1024
CONNECTIONS = 4096  # per worker; open connections cost no thread
# What the worker reads in config/companions.py.
WATCHED_PARENT = "HANOUT_PARENT_PID"
RUNS_JOBS = "HANOUT_RUN_JOBS"


class WebServer(MPServer):
    """Told to end by SIGTERM, it first says so to those who ask whether it is ready, and serves on for a while.

    A load balancer hears of the end by the next probe only; what it sends until then must be answered. Whoever keeps
    a connection is told to leave it (RFC 9112, 9.6). Ctrl-C, and a second signal, end it without waiting.
    """

    def __init__(self, *args: Any, lame_seconds: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lame_seconds = lame_seconds
        self._is_lame = False
        self.when_forked: Callable[[], None] = lambda: None

    def startup(self, *args: Any, **options: Any) -> None:
        """Workers first: forked beside a thread of ours, one would wait forever for a lock that thread held then."""
        super().startup(*args, **options)  # type: ignore[no-untyped-call]  # granian is half typed
        self.when_forked()

    def signal_handler_interrupt(self, *args: Any, **options: Any) -> None:
        if args[:1] == (signal.SIGTERM,) and self._lame_seconds and not self._is_lame:
            self._is_lame = True
            for worker in self.wrks:
                with suppress(ProcessLookupError):  # one that died this moment
                    os.kill(worker.inner.pid, STOPPING_SIGNAL)
            end = threading.Timer(self._lame_seconds, super().signal_handler_interrupt)
            end.daemon = True
            end.start()
        else:
            super().signal_handler_interrupt(*args, **options)  # type: ignore[no-untyped-call]  # granian is half typed


def web_server(*, host: str, port: int, workers: int, grace_seconds: float = 3, lame_seconds: float = 0) -> WebServer:
    """A server that is ready to `serve()`; its workers end with this process even if it is killed.

    From SIGTERM to its end at most `grace_seconds` pass; for the first `lame_seconds` of them it serves on, unready.
    """
    os.environ[WATCHED_PARENT] = str(os.getpid())
    signal.signal(STOPPING_SIGNAL, signal.SIG_IGN)  # inherited: a worker that does not listen yet must not die of it
    _allow_open_files(2 * CONNECTIONS)
    return WebServer(
        "config.wsgi:front",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # its reading deadline covers every connection from the first byte
        workers=workers,
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_enabled=True,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=grace_seconds - lame_seconds,
        lame_seconds=lame_seconds,
        websockets=False,
        working_dir=Path(__file__).resolve().parents[2],
    )


def _allow_open_files(wanted: int) -> None:
    """As many as the system lets us, up to `wanted`: a connection is an open file, and 1024 is a common default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
