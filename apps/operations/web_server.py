"""The web server: granian, with Django as WSGI behind our own front (`web_front.py`)."""

import os
import resource
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

BACKLOG = 1024
CONNECTIONS = 4096  # per worker; open connections cost no thread
# What the worker reads in config/companions.py.
WATCHED_PARENT = "HANOUT_PARENT_PID"
RUNS_JOBS = "HANOUT_RUN_JOBS"


def web_server(*, host: str, port: int, workers: int, grace_seconds: int = 3) -> MPServer:
    """A server that is ready to `serve()`; its workers end with this process even if it is killed."""
    os.environ[WATCHED_PARENT] = str(os.getpid())
    _allow_open_files(2 * CONNECTIONS)
    return MPServer(
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
        workers_kill_timeout=grace_seconds,
        websockets=False,
        working_dir=Path(__file__).resolve().parents[2],
    )


def _allow_open_files(wanted: int) -> None:
    """As many as the system lets us, up to `wanted`: a connection is an open file, and 1024 is a common default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
