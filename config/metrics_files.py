"""Where worker processes share their counters.

prometheus_client decides at import whether a process counts alone or into shared files, so this runs before Django.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def open_metrics_files(within: Path) -> None:
    """Give this process and its children a fresh folder for their counters; it goes when this process ends."""
    if os.environ.get(_VARIABLE):
        return
    try:
        within.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="metrics-", dir=within)
    except OSError:  # the command itself says what is wrong with the folder
        return
    os.environ[_VARIABLE] = folder
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # forked workers inherit this handler
        shutil.rmtree(folder, ignore_errors=True)
