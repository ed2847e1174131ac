"""Who the server runs as: ourselves, or, because PostgreSQL refuses to be root, somebody else."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.embedded_postgres.binaries import bin_dir
from config.embedded_postgres.errors import EmbeddedPostgresUnavailable

# Bits of the capability sets in /proc/self/status, the weaker power first.
CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}
KEPT_VARIABLES = "PATH", "LD_LIBRARY_PATH"
READ, EXECUTE = 4, 1


class Program(subprocess.Popen[bytes]):
    """A child that may outlive us on purpose, which Python would warn about."""

    def __del__(self) -> None:
        pass


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def own(self, path: Path) -> None:
        """Hands over what we made as root, so that the server, or its owner's next run, can use it."""
        if os.geteuid() == 0 and path.lstat().st_uid != self.uid:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, *command: str, reaching: Sequence[Path], log: IO[bytes], lock: int | None = None) -> bool:
        program = self.start(*command, reaching=reaching, log=log, lock=lock)
        try:
            return program.wait() == 0
        finally:  # Ctrl-C; otherwise it has ended
            program.kill()
            program.wait()

    def start(self, *command: str, reaching: Sequence[Path], log: IO[bytes], lock: int | None = None) -> Program:
        """In a session of its own, so that Ctrl-C does not reach it; with `lock`, without our environment."""
        capability = None if self.is_ours else self._missing_capability(bin_dir() / "postgres", *reaching)
        drops_root_itself = not self.is_ours and capability is None
        try:
            return Program(
                [*self._demotion(capability), *command],
                user=self.uid if drops_root_itself else None,
                group=self.gid if drops_root_itself else None,
                extra_groups=() if drops_root_itself else None,
                cwd="/",
                env={"LC_ALL": "C"} | {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=() if lock is None else (lock,),
                start_new_session=True,
            )
        except OSError as error:
            raise EmbeddedPostgresUnavailable(
                f"PostgreSQL cannot be run as user {self.uid} ({error}): run as another user, "
                "or set DATABASE_URL to a PostgreSQL server."
            ) from error

    def _demotion(self, capability: str | None) -> Sequence[str]:
        if capability is None:
            return ()
        return (
            *("setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"),
            *(f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"),
            # Without this access(2) forgets the capability, and initdb asks it whether `postgres` may be run.
            *("--securebits=+no_setuid_fixup", "--"),
        )

    def _missing_capability(self, program: Path, *places: Path) -> str | None:
        """A project under /root is closed to the account: its program needs one of root's powers to enter."""
        is_runnable = self._may(program, READ | EXECUTE)
        on_the_way = {folder for place in (program, *places) for folder in place.parents}
        if is_runnable and all(self._may(folder, EXECUTE) for folder in on_the_way):
            return None
        for name, bit in CAPABILITIES.items():
            if _effective_capabilities() >> bit & 1 and (is_runnable or name == "dac_override"):
                return name
        raise EmbeddedPostgresUnavailable(
            f"PostgreSQL refuses to run as root, and no other user can reach {places[0]}: "
            "run as a normal user, or set DATABASE_URL to a PostgreSQL server."
        )

    def _may(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return status.st_mode >> shift & wanted == wanted


def account_for(home: Path, cluster: Path) -> Account:
    """Ourselves; for root the owner of the cluster, else of the project, else `nobody`."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if cluster.exists() and (owner := _owner_of(cluster)).uid != 0:
        return owner
    for place in (home, *home.parents[:3]):
        if place.exists() and (user := _named_owner(place)) and user.pw_uid != 0:
            return Account(user.pw_uid, user.pw_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def make_folder(folder: Path) -> None:
    """What root adds to somebody's project belongs to them."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _owner_of(folder.parent).own(folder)


def make_file(file: Path) -> None:
    """Belongs to whom its folder belongs; never to `nobody`, who could put a link in its place for root to follow."""
    file.touch(mode=0o600)
    _owner_of(file.parent).own(file)


def _owner_of(folder: Path) -> Account:
    status = folder.stat()
    return Account(status.st_uid, status.st_gid)


def _named_owner(place: Path) -> pwd.struct_passwd | None:
    """None for a folder mounted into a container from outside: initdb insists that its user has a name."""
    try:
        return pwd.getpwuid(place.stat().st_uid)
    except KeyError:
        return None


def _effective_capabilities() -> int:
    """Zero where there is no /proc, hence no such powers to pass on."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return 0
    return int(status.partition("CapEff:")[2].split()[0], 16)
