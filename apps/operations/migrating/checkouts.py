"""Another commit of this repository, unpacked and run beside us on this interpreter."""

import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from apps.operations.migrating.errors import CannotLint
from apps.operations.migrating.releases import git_bytes
from apps.operations.migrating.visiting import NotAsItShouldBe, Visitor

STOP_SECONDS = 10
LOG_LINES = 5
# Of what surrounds us only this: a provider's key would let the other release text and charge people.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")


class CannotProve(Exception):
    """The other release could not even be put in place; shown to a person as it is."""


@dataclass(frozen=True)
class Checkout:
    """A commit's files in a folder, and what its processes are given."""

    home: Path
    commit: str
    environ: dict[str, str]

    def run(self, *arguments: str, seconds: int) -> "subprocess.CompletedProcess[str]":
        """A Python program of the checkout, to its end; raises `NotAsItShouldBe` where that takes too long."""
        try:
            return subprocess.run(  # noqa: S603  # our own code, at another commit
                [sys.executable, *arguments],
                cwd=self.home / "code",
                env=self.environ,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NotAsItShouldBe(f"`{' '.join(arguments[:3])}` did not end within {seconds} seconds.") from None

    @contextmanager
    def served(self) -> Iterator[Visitor]:
        """Its own `manage.py serve`; ended with everything it started, whatever happens."""
        log = self.home / "serve.log"
        with log.open("w") as out:
            process = subprocess.Popen(  # our own code, at another commit
                [sys.executable, "manage.py", "serve"],
                cwd=self.home / "code",
                env=self.environ,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield Visitor(f"http://127.0.0.1:{self.environ['PORT']}", why_gone=lambda: _why_gone(process, log))
        finally:
            _end(process)


def check_out(*, ref: str, home: Path, database_url: str) -> Checkout:
    """The files of a commit without its repository, in development mode; raises `CannotProve`."""
    try:
        commit = git_bytes("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}").decode().strip()
        archive = git_bytes("archive", "--format=tar", commit)
    except CannotLint as error:
        raise CannotProve(f"The release {ref} is not in this repository. {error}") from None
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(home / "code", filter="data")
    environ = {key: os.environ[key] for key in KEPT if key in os.environ} | {
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database_url,
        "HANOUT_DATA_DIR": str(home / "data"),
        "PORT": str(_free_port()),
    }
    return Checkout(home, commit, environ)


def tail(text: str) -> str:
    """The last lines, in one."""
    return " / ".join(text.strip().splitlines()[-LOG_LINES:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _why_gone(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Its last words, once it has ended by itself."""
    return tail(log.read_text(errors="replace")) if process.poll() is not None else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
