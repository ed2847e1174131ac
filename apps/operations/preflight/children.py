"""Other programs, run beside us with as little of our environment as they need.

A test run or a rehearsal that inherited DATABASE_URL would use, and empty, the database the release is meant for.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from apps.operations.preflight.errors import CannotCheck

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "USER", "VIRTUAL_ENV")
TOLD_LINES, TOLD_CHARACTERS = 12, 300

Done = subprocess.CompletedProcess[str]


def run_python(root: Path, *arguments: str, seconds: int, environ: Mapping[str, str] | None = None) -> Done:
    """A Python program of this checkout, to its end; raises `CannotCheck` where that takes too long."""
    return run_program(root, sys.executable, *arguments, seconds=seconds, environ=environ)


def run_program(
    root: Path, program: str, *arguments: str, seconds: int, environ: Mapping[str, str] | None = None
) -> Done:
    """Any program, with the bare environment and `environ`; raises `CannotCheck`."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    shown = " ".join((Path(program).name, *arguments[:3]))
    try:
        return subprocess.run(  # noqa: S603  # the programs are the checks' own
            [program, *arguments],
            cwd=root,
            env={**kept, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotCheck(f"`{shown}` did not end within {seconds} seconds.") from None
    except OSError as error:
        raise CannotCheck(f"`{shown}` cannot be run: {error.strerror}.") from None


def last_lines(text: str, count: int = TOLD_LINES) -> tuple[str, ...]:
    """The end of what a program said, for the evidence."""
    lines = [line.rstrip()[:TOLD_CHARACTERS] for line in text.strip().splitlines()]
    return tuple(line for line in lines if line)[-count:]
