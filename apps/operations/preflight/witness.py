"""Somebody else ran the whole suite: what they saw counts as evidence, if the code stood still meanwhile."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.kept import forget_evidence, keep_evidence
from apps.operations.preflight.repository import Repository

TESTS = "tests"


class Witness:
    """Called when a run of all tests begins; `sign` when it ends. Silent where there is no git, or no clean tree."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder, self._begun = root, folder, time.monotonic()
        self._commit = self._clean_commit()

    def sign(self, *, is_green: bool, counts: Mapping[str, int]) -> Path | None:
        """Keep the evidence of a green run, and forget what a red one disproves; the file, if there is one now."""
        if not self._commit or self._clean_commit() != self._commit:
            return None
        if not is_green or not counts.get("passed"):
            forget_evidence(self._folder, name=TESTS, commit=self._commit)
            return None
        seconds = time.monotonic() - self._begun
        return keep_evidence(self._folder, name=TESTS, commit=self._commit, seconds=seconds, counts=counts)

    def _clean_commit(self) -> str:
        repository = Repository(self._root)
        with suppress(CannotCheck, OSError):
            return "" if repository.changes() else repository.head.id
        return ""
