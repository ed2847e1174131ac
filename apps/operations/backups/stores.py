"""Where files of backups are kept: a folder here; `core.object_archive` has the bucket."""

import errno
import fcntl
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Protocol

from apps.operations.backups.sealing import Source

PARTIAL = ".partial"


class Store(Protocol):
    """Names and bytes. Everything raises `OSError`; FileNotFoundError for a name that is not there."""

    where: str

    def names(self) -> dict[str, int]:
        """The complete files, with their sizes."""

    def put(self, name: str, content: Iterable[bytes]) -> None:
        """There under its name once all of it is safe, or not at all; replaces what was there."""

    def get(self, name: str) -> AbstractContextManager[Source]: ...

    def delete(self, name: str) -> None: ...

    def sweep(self) -> None:
        """Remove what killed processes left half-written."""


def _is_partial(name: str) -> bool:
    return name.endswith(PARTIAL)


class FolderStore:
    """A folder of this machine, for its owner's eyes alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.where = str(folder)

    def names(self) -> dict[str, int]:
        try:
            found = list(os.scandir(self._folder))
        except FileNotFoundError:  # made by the first backup
            return {}
        return {entry.name: entry.stat().st_size for entry in found if entry.is_file() and not _is_partial(entry.name)}

    def put(self, name: str, content: Iterable[bytes]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._folder / f"{name}{PARTIAL}"
        with ExitStack() as undo:
            handle = os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
            file = undo.enter_context(os.fdopen(handle, "wb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # tells a sweep that somebody is at it
            undo.callback(partial.unlink, missing_ok=True)
            file.truncate(0)
            for piece in content:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            partial.rename(self._folder / name)
            self._settle()

    def get(self, name: str) -> AbstractContextManager[Source]:
        return (self._folder / name).open("rb")

    def delete(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def sweep(self) -> None:
        for path in self._folder.glob(f"*{PARTIAL}"):
            with suppress(BlockingIOError, FileNotFoundError), path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()

    def _settle(self) -> None:
        """A name is safe once its folder is on the disk too."""
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some network file systems have no such thing
                raise
        finally:
            os.close(handle)
