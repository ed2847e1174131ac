"""Where worker processes share their counters.

prometheus_client decides at import whether a process counts alone or into shared files, so this runs before Django.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LOCK = "owner.lock"


def open_metrics_files(within: Path) -> None:
    """Give this process and its children a fresh folder for their counters; it goes when this process ends."""
    if os.environ.get(_VARIABLE):
        return
    try:
        within.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(within)
        folder = _locked_folder(within)
    except OSError:  # the command itself says what is wrong with the folder
        return
    os.environ[_VARIABLE] = str(folder)
    atexit.register(_remove, folder, os.getpid())


def _locked_folder(within: Path) -> Path:
    """A folder whose lock is held from the moment it can be found, for as long as this process or a fork lives."""
    unfinished = Path(tempfile.mkdtemp(prefix=".metrics-", dir=within))
    lock = os.open(unfinished / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # closed by the system, which frees the lock
    fcntl.flock(lock, fcntl.LOCK_EX)
    return unfinished.rename(within / unfinished.name.removeprefix("."))


def _sweep(within: Path) -> None:
    """Remove the folders of processes that were killed; one without our lock is somebody else's."""
    for path in within.glob(f"metrics-*/{_LOCK}"):
        try:
            with path.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # still in use, or not ours
            continue


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # forked workers inherit this handler
        shutil.rmtree(folder, ignore_errors=True)
