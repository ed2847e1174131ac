"""The web server: granian, serving Django as WSGI."""

import os
from pathlib import Path

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

THREADS = 16
BACKLOG = 1024
WATCHED_PARENT = "HANOUT_PARENT_PID"


def web_server(*, host: str, port: int, workers: int, grace_seconds: int = 3) -> MPServer:
    """A server that is ready to `serve()`; its workers end with this process even if it is killed."""
    os.environ[WATCHED_PARENT] = str(os.getpid())  # see config/wsgi.py
    return MPServer(
        "config.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        backlog=BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_enabled=True,
        log_level=LogLevels.error,
        respawn_failed_workers=True,
        workers_kill_timeout=grace_seconds,
        websockets=False,
        working_dir=Path(__file__).resolve().parents[2],
    )
