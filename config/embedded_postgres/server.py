"""One cluster on disk and the PostgreSQL that serves it."""

import fcntl
import os
import shutil
import signal
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from config.embedded_postgres.account import Account, Program, account_for, make_file, make_folder
from config.embedded_postgres.binaries import MAJOR, bin_dir
from config.embedded_postgres.errors import EmbeddedPostgresUnavailable
from config.embedded_postgres.listener import PORT, listener_pid, make_socket_folder, socket_folder
from config.embedded_postgres.locks import opened, try_lock, wait_for
from config.embedded_postgres.options import (
    DATABASE,
    INITDB_OPTIONS,
    INITDB_OPTIONS_UNSAFE,
    SETTINGS,
    UNSAFE,
    USER,
)

LOG_MAX_BYTES = 5_000_000
LOG_TAIL_LINES = 6
START_SECONDS = 60.0
ORPHAN_SECONDS = 5.0
FAST_STOP_SECONDS = 3.0
IMMEDIATE_STOP_SECONDS = 1.0


class Server:
    """Lives in `home`; whoever calls more than `prepare` holds `start_lock`, so nobody else moves.

    PostgreSQL itself holds `alive_lock`: it inherits the lock from whoever starts it, its backends from it.
    So the kernel tells whether any of it is alive, whatever the pid file says and whoever was killed.
    """

    def __init__(self, home: Path, *, is_disposable: bool = False) -> None:
        self.home = home
        self.is_disposable = is_disposable
        self._process: Program | None = None

    @cached_property
    def account(self) -> Account:
        return account_for(self.home, self.cluster)

    @cached_property
    def socket_folder(self) -> Path:
        return socket_folder(self.home, self.account)

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def database_made(self) -> Path:
        """Inside the cluster, so that it comes and goes with it."""
        return self.cluster / "hanout.made"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def start_lock(self) -> Path:
        return self.home / "start.lock"

    @property
    def members_lock(self) -> Path:
        return self.home / "members.lock"

    @property
    def alive_lock(self) -> Path:
        return self.home / "alive.lock"

    def prepare(self) -> None:
        """Makes what must be there before any lock can be taken."""
        make_folder(self.home)
        for file in (self.start_lock, self.members_lock, self.alive_lock, self.log):
            make_file(file)

    def is_gone(self) -> bool:
        with opened(self.alive_lock) as lock:
            return try_lock(lock, fcntl.LOCK_SH)

    def is_ready(self) -> bool:
        try:
            status = (self.cluster / "postmaster.pid").read_bytes().splitlines()[7:8]
        except FileNotFoundError:
            return False
        return status == [b"ready   "] and listener_pid(self.socket_folder) is not None

    def ensure_running(self) -> None:
        """Joins what runs, waits for what is starting or ending, and starts what is gone."""
        if not self._settles(within=ORPHAN_SECONDS) and listener_pid(self.socket_folder) is None:
            self._end_orphans()
        if not self._settles(within=START_SECONDS):
            raise EmbeddedPostgresUnavailable(
                f"The PostgreSQL in {self.home} neither answers nor ends: end its processes and try again."
            )
        if self.is_gone():
            self._start()
        elif not self.database_made.exists() and not self._has_database():
            # Whoever started it was killed in between, and the server went on without them.
            raise EmbeddedPostgresUnavailable(f"The PostgreSQL in {self.home} cannot make a database: see {self.log}.")

    def stop(self) -> None:
        """Cuts open connections; what would take too long is left to crash recovery."""
        wait_for(lambda: self.is_gone() or listener_pid(self.socket_folder) is not None, seconds=1)
        pid = listener_pid(self.socket_folder)
        steps = {signal.SIGINT: FAST_STOP_SECONDS, signal.SIGQUIT: IMMEDIATE_STOP_SECONDS}
        if self.is_disposable:
            del steps[signal.SIGINT]
        for number, patience in steps.items():
            if pid and not self.is_gone():  # 0 is a process in a container we cannot see into
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                wait_for(self.is_gone, seconds=patience)
        if self.is_gone():
            self._bury()
        if self.socket_folder.parent != self.home:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def _bury(self) -> None:
        """The zombie would stay as long as we do."""
        if self._process:
            self._process.wait()

    def delete(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def _settles(self, *, within: float) -> bool:
        return wait_for(lambda: self.is_ready() or self.is_gone(), seconds=within)

    def _end_orphans(self) -> None:
        """A busy query outlives its killed server, and no other could start for as long as it runs."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                is_postgres = (process / "exe").readlink().name == "postgres"
                if is_postgres and (process / "cwd").samefile(self.cluster):
                    os.kill(int(process.name), signal.SIGKILL)

    def _start(self) -> None:
        if self.log.stat().st_size > LOG_MAX_BYTES:
            os.truncate(self.log, 0)
        log_start = self.log.stat().st_size
        # Twice, because the first may be killed as well.
        if not (self._is_up_after_launch() or self._is_up_after_launch()):
            lines = self.log.read_bytes()[log_start:].decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
            raise EmbeddedPostgresUnavailable(
                f"PostgreSQL did not start: mend what its log, {self.log}, says, or set DATABASE_URL to another "
                + "\n  ".join(["server. The log ends with:", *lines])
            )

    def _is_up_after_launch(self) -> bool:
        if not wait_for(self.is_gone, seconds=ORPHAN_SECONDS):
            return False
        self._bury()
        with opened(self.alive_lock) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._has_cluster(lock):
                return False
            self._launch(lock)
        return self._settles(within=START_SECONDS) and self.is_ready() and self._has_database()

    def _has_cluster(self, lock: int) -> bool:
        """Made under another name first: a cluster is complete or not there."""
        if not self.cluster.exists():
            fresh = self.home / "cluster.new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            self.account.own(fresh)
            unsafe = INITDB_OPTIONS_UNSAFE if self.is_disposable else ()
            if not self._run("initdb", f"--pgdata={fresh}", *INITDB_OPTIONS, *unsafe, lock=lock):
                return False
            fresh.rename(self.cluster)
        self._adopt()
        return True

    def _adopt(self) -> None:
        """Undoes what copying, chown and chmod did to a cluster PostgreSQL would otherwise refuse."""
        made_by = (self.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
        if made_by != MAJOR:
            raise EmbeddedPostgresUnavailable(
                f"{self.cluster} was made by PostgreSQL {made_by} and this is {MAJOR}: "
                "move the folder away to start empty, or set DATABASE_URL to a PostgreSQL server."
            )
        if self.cluster.stat().st_uid != self.account.uid:
            for path in (self.cluster, *self.cluster.rglob("*")):
                self.account.own(path)
        self.cluster.chmod(0o700)

    def _launch(self, lock: int) -> None:
        make_socket_folder(self.socket_folder, self.account)
        # The kernel says that nobody is alive; the pid in this file may have become anybody's.
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        settings = SETTINGS | (UNSAFE if self.is_disposable else {})
        with self.log.open("ab") as log:
            self._process = self.account.start(
                str(bin_dir() / "postgres"),
                *("-D", str(self.cluster), "-k", str(self.socket_folder), "-p", PORT),
                *(f"--{name}={value}" for name, value in settings.items()),
                reaching=(self.cluster, self.socket_folder),
                log=log,
                lock=lock,
            )

    def _has_database(self) -> bool:
        address = f"--host={self.socket_folder}", f"--port={PORT}", f"--username={USER}", "--no-password"
        is_there = self._run("psql", *address, "--no-psqlrc", "--command=", DATABASE) or self._run(
            "createdb", *address, DATABASE
        )
        if is_there:
            self.database_made.touch()
            self.account.own(self.database_made)
        return is_there

    def _run(self, program: str, *arguments: str, lock: int | None = None) -> bool:
        path = str(bin_dir() / program)
        with self.log.open("ab") as log:
            return self.account.run(path, *arguments, reaching=(self.cluster, self.socket_folder), log=log, lock=lock)
