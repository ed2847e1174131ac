"""PostgreSQL's own programs: which one, and how its end is told."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from apps.operations.backups.address import Address
from apps.operations.errors import BackupFailed, ProgramMissing

PIECE_BYTES = 256 * 1024
# Said by a pg_restore of 17 or later to a server before 17, and the one thing it says there without need.
_HARMLESS = re.compile(r"^Command was: SET transaction_timeout = 0;$", re.MULTILINE)
_FAILURE = re.compile(r"^pg_restore: error: ", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    path: Path
    version: str

    @property
    def major(self) -> int:
        return major_of(self.version)


def major_of(version: str) -> int:
    """17 of '17.5 (Debian 17.5-1)' and of '17beta1'."""
    return int(re.split(r"\D", version, maxsplit=1)[0])


def program(name: str, *, least_major: int, reason: str) -> Program:
    """The nearest that is new enough, one in PG_BIN_DIR before all others; raises `ProgramMissing`, saying what is."""
    found = list(_candidates(name))
    for candidate in found:
        if candidate.major >= least_major:
            return candidate
    seen = ", ".join(f"{one.path} is {one.version}" for one in found) or f"there is no {name} here"
    raise ProgramMissing(
        f"{name} {least_major} or later is needed, because {reason}; {seen}. Install postgresql-client-{least_major} "
        "(apt.postgresql.org has every version), or name the folder of its programs in PG_BIN_DIR."
    )


def _candidates(name: str) -> Iterator[Program]:
    """In the order they are preferred."""
    if settings.PG_BIN_DIR and (chosen := _program_at(Path(settings.PG_BIN_DIR) / name)):
        yield chosen
    on_path = shutil.which(name)
    places = [Path(on_path)] if on_path else []
    places += [Path(folder) / name for folder in settings.PG_BIN_DIRS]
    others = [one for place in places if (one := _program_at(place))]
    yield from sorted(others, key=lambda one: one.major)


def _program_at(path: Path) -> Program | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\(PostgreSQL\) (\d\S*)", said)
    return Program(path, found[1]) if found else None


def dumped(chosen: Program, address: Address, *, snapshot: str) -> Iterator[bytes]:
    """What pg_dump writes of that snapshot, piece by piece; raises `BackupFailed` when it fails."""
    command = [str(chosen.path), "--format=custom", "--no-password", "--lock-wait-timeout=60s"]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603  # the program was chosen above
            [*command, f"--snapshot={snapshot}", f"--dbname={address.conninfo}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=address.environ,
        )
        with _ended(child):
            output = _pipe(child.stdout)
            while piece := output.read(PIECE_BYTES):
                yield piece
            if child.wait() != 0:
                raise BackupFailed(f"pg_dump {chosen.version} failed. {_told(said)}")


def load(chosen: Program, address: Address, pieces: Iterable[bytes]) -> None:
    """Feed a dump to pg_restore; raises `BackupFailed` when it fails, and whatever reading the pieces raises."""
    # Owners, grants, tablespaces and replication belong to a server; a copy must neither need nor start them.
    left_out = ("owner", "privileges", "tablespaces", "publications", "subscriptions")
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603  # the program was chosen by its caller
            [chosen.path, *(f"--no-{what}" for what in left_out), "--no-password", f"--dbname={address.conninfo}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=address.environ,
        )
        with _ended(child):
            _feed(_pipe(child.stdin), pieces)
            if child.wait() != 0 and not _is_harmless(said):
                raise BackupFailed(f"pg_restore {chosen.version} failed. {_told(said)}")


def _feed(entry: IO[bytes], pieces: Iterable[bytes]) -> None:
    """To the last piece, even when pg_restore ended early: only then is it known whether the file is whole."""
    is_open = True
    for piece in pieces:
        try:
            if is_open:
                entry.write(piece)
        except BrokenPipeError:
            is_open = False
    with suppress(BrokenPipeError):
        entry.close()


@contextmanager
def _ended(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    """However we leave: no program goes on, no pipe stays open."""
    try:
        yield
    finally:
        child.kill()
        for pipe in (child.stdin, child.stdout):
            _close(pipe)
        child.wait()


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):  # what was still buffered for a program that is gone
        if pipe:
            pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("The program was started without this pipe.")
    return pipe


def _is_harmless(said: IO[bytes]) -> bool:
    text = _text(said)
    return len(_FAILURE.findall(text)) == len(_HARMLESS.findall(text)) > 0


def _told(said: IO[bytes]) -> str:
    """Its own last words; a statement that failed may quote a row, so only its messages are repeated."""
    lines = [line for line in _text(said).splitlines() if re.match(r"pg_(dump|restore): ", line)]
    return " ".join(lines[:2])[:400] or "It said nothing."


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace")
