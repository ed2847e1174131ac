"""What git says of the code that is to be released."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apps.operations.preflight.errors import CannotCheck

GIT_SECONDS = 30
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Commit:
    id: str
    author: str
    at: str
    subject: str

    @property
    def short(self) -> str:
        return self.id[:10]


class Repository:
    """A checkout. Every question may raise `CannotCheck`: an image has the code, and no history."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def head(self) -> Commit:
        return self._commits("-1")[0]

    @cached_property
    def branch(self) -> str:
        return self.git("rev-parse", "--abbrev-ref", "HEAD").strip()

    def changes(self) -> list[str]:
        """What differs from the commit, new files too; asked anew each time."""
        return self.git("status", "--porcelain", "--untracked-files=normal").splitlines()

    def since(self, ref: str) -> list[Commit]:
        """The commits a release brings, the newest first; all of them where `ref` is empty."""
        return self._commits(f"{ref}..HEAD" if ref else "HEAD")

    def commit_of(self, ref: str) -> str:
        """The full id behind a tag, branch or id; raises `CannotCheck` when there is none."""
        return self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()

    def has(self, ref: str) -> bool:
        try:
            return bool(self.commit_of(ref))
        except CannotCheck:
            return False

    def files(self, ref: str, folder: str) -> list[str]:
        """The files that were in a folder at a commit."""
        return self.git("ls-tree", "-r", "--name-only", self.commit_of(ref), "--", folder).splitlines()

    def text(self, ref: str, path: str) -> str:
        return self.git("show", f"{self.commit_of(ref)}:{path}")

    def _commits(self, *which: str) -> list[Commit]:
        told = self.git("log", "--no-show-signature", "--format=%H%x1f%an%x1f%cI%x1f%s", *which)
        return [Commit(*line.split("\x1f", 3)) for line in told.splitlines()]

    def git(self, *arguments: str) -> str:
        """What git answers; raises `CannotCheck`."""
        program = shutil.which("git")
        if program is None:
            raise CannotCheck("git is not installed here: run preflight from a checkout, with the target's settings.")
        command = [program, "-C", str(self.root), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotCheck(f"git {arguments[0]} did not answer: {type(error).__name__}.") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise CannotCheck(f"git {arguments[0]}: {said[0] if said else 'there is no such thing'}.")
        return done.stdout.decode(errors="replace")


@dataclass(frozen=True)
class Release:
    """The release that runs now, as git knows it; without a version before the first one."""

    version: str
    ref: str

    @property
    def name(self) -> str:
        return self.version or self.ref

    def __bool__(self) -> bool:
        return bool(self.ref)


FIRST = Release("", "")


def last_release(repository: Repository, *, version: str, since: str = "") -> Release:
    """The newest of `docs/releases/` that is not the one being made; `FIRST` before there is any.

    `since` is a git reference that stands for it. Raises `CannotCheck` where its tag is missing.
    """
    if since:
        repository.commit_of(since)
        return Release("", since)
    for found in reversed(_recorded(repository.root)):
        ref = f"v{found}"
        if repository.has(ref):
            if repository.commit_of(ref) != repository.head.id:
                return Release(found, ref)
        elif found != version:
            raise CannotCheck(f"The tag {ref} of the last release is not in this repository: git fetch --tags.")
    return FIRST


def _recorded(root: Path) -> list[str]:
    names = [path.stem for path in (root / "docs" / "releases").glob("*.json")]
    return sorted((name for name in names if _VERSION.fullmatch(name)), key=lambda name: [*map(int, name.split("."))])
