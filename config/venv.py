"""Fills `.venv` with what requirements/NAME.txt pins, for the Makefile: `python3 config/venv.py dev`.

Nothing is installed yet when this runs, and the Python may be anybody's: standard library only, and valid
on 3.6, so that a Python that is too old is told so in a sentence and not in a traceback.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

OLDEST = (3, 11)
# What the list on the left needs is also in the lists on the right.
INCLUDED_IN: Dict[str, Tuple[str, ...]] = {
    "base": ("embedded", "production", "dev"),
    "embedded": ("dev",),
    "production": ("dev",),
}
INTERRUPTED = {"list": "interrupted"}
IDENTITY = "import pip, sys; print('%d.%d %s' % (sys.version_info[:2] + (sys.base_prefix,)), end='')"
COLLECTING = "Collecting"
BAR_WIDTH = 30
TICK_SECONDS = 0.2
PATIENCE_SECONDS = 5

DISK_FULL = "The disk is full: make some room"
UNKNOWN = "The packages could not be installed: mend what is said below"
UNWRITABLE = "The project folder cannot be written to: make it writable"
# The first whose pattern is in the last words of pip or venv is told, with "and run make again."
EXPLANATIONS = (
    ("No space left on device|Disk quota exceeded", DISK_FULL),
    (
        "ensurepip|No module named '?venv",
        "This Python cannot make virtual environments: install its venv module (apt install python3-venv)",
    ),
    ("Permission denied|Read-only file system", UNWRITABLE),
    (
        "after connection broken by|ConnectTimeout|ReadTimeout|ConnectionError|SSLError|ProxyError",
        "The packages cannot be fetched: check the network and its proxy",
    ),
    ("DO NOT MATCH THE HASHES", "A package is not the one that was tested: check the mirror it came from"),
    ("No matching distribution", "A package is not made for this Python and platform: take another Python"),
    ("", UNKNOWN),
)
OS_EXPLANATIONS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EACCES: UNWRITABLE,
    errno.EPERM: UNWRITABLE,
    errno.EROFS: UNWRITABLE,
}


class NotInstalled(Exception):
    """The message is shown to a person as it is."""


class Progress:
    """A bar on a terminal, a plain line elsewhere."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.is_bar = sys.stdout.isatty()
        if not self.is_bar:
            print("Installing what Hanout needs (about a minute the first time)...", flush=True)

    def show(self, label: str, done: int) -> None:
        if self.is_bar:
            done = min(done, self.total)
            filled = BAR_WIDTH * done // max(self.total, 1)
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            print("\r%-11s [%s]  %d/%d " % (label, bar, done, self.total), end="", flush=True)

    def clear(self) -> None:
        if self.is_bar:
            print("\r" + " " * (BAR_WIDTH + 30) + "\r", end="", flush=True)


class Environment:
    """The project's `.venv`; its stamp says which list, of which content, is installed for which Python."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.folder = self.root / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed.json"
        self.log = self.folder / "install.log"

    def requirements(self, name: str) -> Path:
        return self.root / "requirements" / (name + ".txt")

    def has(self, name: str) -> bool:
        stamp = self._read_stamp()
        lists = (name, *INCLUDED_IN.get(name, ()))
        return os.access(str(self.python), os.X_OK) and any(
            self.requirements(each).exists() and stamp == self._stamp_of(each) for each in lists
        )

    def install(self, name: str, lock: int) -> None:
        """Killed at any moment, it leaves a stamp that says so, and the next call begins anew."""
        pinned = re.findall(r"^\w", self.requirements(name).read_text(encoding="utf-8"), re.MULTILINE)
        progress = Progress(len(pinned))
        try:
            progress.show("Preparing", 0)
            if self._is_usable():
                self.log.write_bytes(b"")
            else:
                self._build(lock)
            self._run_pip(name, lock, progress)
            self._write_stamp(self._stamp_of(name))
        finally:
            progress.clear()

    def _stamp_of(self, name: str) -> Dict[str, str]:
        digest = hashlib.sha256(self.requirements(name).read_bytes()).hexdigest()
        # The programs in .venv/bin name their Python by its full path: a project that moved needs new ones.
        return {"list": name, "sha256": digest, "python": _identity(), "root": str(self.root)}

    def _read_stamp(self) -> Dict[str, str]:
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except OSError:
            return {}
        except ValueError:
            return INTERRUPTED
        return stamp if isinstance(stamp, dict) else INTERRUPTED

    def _write_stamp(self, stamp: Dict[str, str]) -> None:
        fresh = self.folder / "installed.json.new"
        fresh.write_text(json.dumps(stamp), encoding="utf-8")
        fresh.replace(self.stamp)

    def _is_usable(self) -> bool:
        """Also when it was made by hand, without a stamp, by the Python that runs us."""
        stamp = self._read_stamp()
        if stamp and (stamp.get("python"), stamp.get("root")) != (_identity(), str(self.root)):
            return False
        try:
            asked = subprocess.run(
                [str(self.python), "-I", "-c", IDENTITY],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except OSError:
            return False
        return asked.stdout.decode(errors="replace") == _identity()

    def _build(self, lock: int) -> None:
        self.folder.mkdir(exist_ok=True)
        self._write_stamp(INTERRUPTED)
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
            elif path != self.stamp:
                path.unlink()
        # Called from inside .venv, we have just deleted our own executable.
        python = getattr(sys, "_base_executable", sys.executable)
        self._run([python, "-I", "-m", "venv", str(self.folder)], lock, lambda: None)

    def _run_pip(self, name: str, lock: int, progress: Progress) -> None:
        options = ["--disable-pip-version-check", "--no-input", "--no-user", "--progress-bar=off"]
        pip = [str(self.python), "-I", "-m", "pip", "install", "--require-hashes", *options]
        before = self._read_stamp()
        self._write_stamp(INTERRUPTED)
        try:
            self._run([*pip, "--requirement", str(self.requirements(name))], lock, lambda: progress.show(*self._seen()))
        except (NotInstalled, KeyboardInterrupt):
            if self._seen()[0] == COLLECTING:  # nothing was touched yet: what was there is as good as before
                self._write_stamp(before)
            raise

    def _seen(self) -> Tuple[str, int]:
        """What pip is at and how many packages it has seen to: it only says so while it collects them."""
        said = self.log.read_text(encoding="utf-8", errors="replace")
        if "\nInstalling collected packages" in said:
            return "Installing", len(list(self.folder.glob("lib/python*/site-packages/*.dist-info")))
        known = r"^(?:Collecting|Requirement already satisfied:|Ignoring) ([\w.-]+)"
        return COLLECTING, len(set(re.findall(known, said, re.MULTILINE)))

    def _run(self, command: List[str], lock: int, tick: Callable[[], None]) -> None:
        """The child holds the lock too: should we be killed, nobody touches .venv before it has ended."""
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PIP_RETRIES": "3", **os.environ},
                pass_fds=(lock,),
                start_new_session=True,
            )
        try:
            while child.poll() is None:
                tick()
                with suppress(subprocess.TimeoutExpired):
                    child.wait(TICK_SECONDS)
        finally:
            _end(child)
        if child.returncode != 0:
            raise NotInstalled(self._explanation())

    def _explanation(self) -> str:
        said = self.log.read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last_words = "\n".join(lines[-30:])
        sentence = next(told for pattern, told in EXPLANATIONS if re.search(pattern, last_words))
        errors = [line for line in lines if line.startswith("ERROR: ")] or lines
        log = "The whole log is in %s" % self.log
        return "\n  ".join([sentence + " and run make again.", *errors[-2:], log])


@contextmanager
def _locked(root: Path) -> Iterator[int]:
    """The project folder is its own lock: a file in .venv would go away with it."""
    lock = os.open(str(root), os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another make to finish installing...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ctrl-C reaches us alone: pip gets time to tidy up, and whatever it started ends with it."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            with suppress(subprocess.TimeoutExpired):
                child.wait(PATIENCE_SECONDS)


def _identity() -> str:
    return "%d.%d %s" % (*sys.version_info[:2], sys.base_prefix)


def _ensure(root: Path, names: List[str]) -> None:
    environment = Environment(root)
    known = sorted(path.stem for path in (root / "requirements").glob("*.txt"))
    if len(names) != 1 or names[0] not in known:
        raise NotInstalled("Say which list of requirements to install: one of %s." % ", ".join(known))
    if environment.has(names[0]):
        return
    with _locked(root) as lock:
        if not environment.has(names[0]):
            environment.install(names[0], lock)


def main(arguments: List[str], root: Path) -> int:
    if sys.version_info < OLDEST:
        told = (*OLDEST, *sys.version_info[:3], *OLDEST)
        print(
            "Hanout needs Python %d.%d or newer; this is %d.%d.%d. "
            "Install it and run: make run PYTHON=python%d.%d" % told,
            file=sys.stderr,
        )
        return 1
    try:
        _ensure(root, arguments)
    except KeyboardInterrupt:
        return 130
    except NotInstalled as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        sentence = OS_EXPLANATIONS.get(error.errno or 0, UNKNOWN)
        print("%s and run make again.\n  %s" % (sentence, error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))
