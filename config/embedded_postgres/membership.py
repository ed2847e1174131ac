"""Who uses a server: a lock each process shares and loses when it ends; the last one out stops the server."""

import atexit
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from config.embedded_postgres.account import make_file, make_folder
from config.embedded_postgres.errors import EmbeddedPostgresUnavailable
from config.embedded_postgres.listener import PORT
from config.embedded_postgres.locks import exclusive, opened, try_lock
from config.embedded_postgres.options import DATABASE, USER
from config.embedded_postgres.server import START_SECONDS, Server

LEAVE_SECONDS = 3.0

_memberships: dict[Path, "Membership"] = {}
_guard = threading.RLock()


class Membership:
    """Keeps others from stopping the server; should it crash, joining again restarts it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """The folder is in the query, because URL parsers change a host to small letters."""
        host = quote(os.fsencode(self._server.socket_folder), safe="")
        return f"postgresql://{USER}@/{DATABASE}?host={host}&port={PORT}"

    def params(self) -> dict[str, str]:
        return {"host": str(self._server.socket_folder), "port": PORT, "user": USER, "dbname": DATABASE}

    def enter(self) -> None:
        """May be repeated, and then restarts a server that crashed."""
        with exclusive(self._server.start_lock, seconds=START_SECONDS), ExitStack() as undo:
            self.hold()
            undo.callback(self._let_go)
            undo.callback(self._stop_if_alone)
            self._server.ensure_running()
            undo.pop_all()

    def leave(self) -> None:
        """Stops the server unless somebody else uses it; leaving twice is leaving once."""
        with _guard, ExitStack() as undo:
            undo.callback(self._let_go)
            # Whoever keeps us from this lock is a member, and a deleted folder has nothing left to stop.
            with suppress(OSError), exclusive(self._server.start_lock, seconds=LEAVE_SECONDS):
                self._stop_if_alone()

    def hold(self) -> None:
        if not self._is_current():
            self._let_go()
            self._lock = os.open(self._server.members_lock, os.O_RDWR)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            _memberships[self._server.home] = self

    def bequeath(self) -> None:
        """Leaves our lock to a child just forked and takes another, so that each of us leaves alone."""
        bequest = self._lock
        with suppress(OSError):
            self._lock = os.open(self._server.members_lock, os.O_RDWR)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            if bequest is not None:
                os.close(bequest)

    def _let_go(self) -> None:
        if self._lock is not None:
            del _memberships[self._server.home]
            os.close(self._lock)
            self._lock = None

    def _stop_if_alone(self) -> None:
        if self._lock is not None and self._is_current() and try_lock(self._lock, fcntl.LOCK_EX):
            self._server.stop()
            if self._server.is_disposable:
                self._server.delete()

    def _is_current(self) -> bool:
        """A folder that was deleted and made anew has a server we are no member of."""
        if self._lock is None:
            return False
        return os.path.samestat(os.fstat(self._lock), self._server.members_lock.stat())


def join(home: Path) -> Membership:
    """Starts the server whose files live in `home`, or joins it; a process has one membership per server."""
    with _guard, _explained(home):
        server = Server(home.resolve())
        server.prepare()
        membership = _memberships.get(server.home) or Membership(server)
        membership.enter()
        return membership


def throwaway(parent: Path) -> Membership:
    """A fast server for tests, one per process and `parent`, deleted when left, or later if it was killed."""
    with _guard, _explained(parent):
        parent = parent.resolve()
        ours = [membership for home, membership in _memberships.items() if home.parent == parent]
        membership = ours[0] if ours else _new_throwaway(parent)
        membership.enter()
        return membership


def _new_throwaway(parent: Path) -> Membership:
    make_folder(parent)
    sweep_lock = parent / "sweep.lock"
    make_file(sweep_lock)
    with exclusive(sweep_lock, seconds=START_SECONDS):
        for debris in parent.glob("server-*"):
            _sweep(Server(debris, is_disposable=True))
        server = Server(parent / f"server-{secrets.token_hex(4)}", is_disposable=True)
        server.prepare()
        membership = Membership(server)
        membership.hold()
        return membership


def _sweep(server: Server) -> None:
    with suppress(FileNotFoundError), opened(server.members_lock) as lock:
        if not try_lock(lock, fcntl.LOCK_EX):
            return
        server.stop()
    server.delete()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise EmbeddedPostgresUnavailable(
            f"Another process has been busy with {error.filename} for a minute: end it and try again."
        ) from error
    except OSError as error:
        raise EmbeddedPostgresUnavailable(
            f"PostgreSQL cannot keep its files in {folder} ({error.strerror}: {error.filename}): "
            "make the folder writable, or set DATABASE_URL to a PostgreSQL server."
        ) from error


def _leave_all() -> None:
    for membership in list(_memberships.values()):
        membership.leave()


_parting: list[tuple[int, int]] = []


def _before_fork() -> None:
    _guard.acquire()
    if _memberships:
        _parting.append(os.pipe())


def _part_from_child() -> None:
    for membership in _memberships.values():
        membership.bequeath()
    for end in _parting.pop() if _parting else ():
        os.close(end)  # tells the child
    _guard.release()


def _part_from_parent() -> None:
    """Until the parent has taken a lock of its own, ours is both's, and leaving would look like leaving alone."""
    if _parting:
        reading, writing = _parting.pop()
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
    _guard.release()


atexit.register(_leave_all)
os.register_at_fork(before=_before_fork, after_in_parent=_part_from_child, after_in_child=_part_from_parent)
