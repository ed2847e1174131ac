"""Evidence of checks that take minutes, kept for the commit it was found at."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from apps.operations.preflight.who import who_is_here
from core.clock import now

_FIELDS = {"check", "commit", "at", "seconds", "counts", "by"}


@dataclass(frozen=True)
class Kept:
    """That a check was passed: when, by whom, and what was counted."""

    commit: str
    at: datetime
    seconds: float
    counts: Mapping[str, int]
    by: str

    @property
    def age(self) -> timedelta:
        return now() - self.at


def keep_evidence(
    folder: Path, *, name: str, commit: str, seconds: float, counts: Mapping[str, int], by: str = ""
) -> Path:
    """Write down that the check was passed at a commit whose tree was clean; there whole, or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder, name, commit)
    told = {
        "check": name,
        "commit": commit,
        "at": now().isoformat(),
        "seconds": round(seconds, 1),
        "counts": dict(counts),
        "by": by or who_is_here(),
    }
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(told, indent=2) + "\n")
    unfinished.replace(path)
    return path


def kept_evidence(folder: Path, *, name: str, commit: str) -> Kept | None:
    """What was kept for this commit; nothing where it cannot be read or says another commit."""
    try:
        told: Any = json.loads(_path(folder, name, commit).read_text())
        if set(told) < _FIELDS or (told["check"], told["commit"]) != (name, commit):
            return None
        counts = {str(key): int(value) for key, value in told["counts"].items()}
        at = datetime.fromisoformat(told["at"])
        return Kept(commit, at, float(told["seconds"]), counts, str(told["by"])) if at.tzinfo else None
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None


def forget_evidence(folder: Path, *, name: str, commit: str) -> None:
    """What failed today counts as passed no more."""
    _path(folder, name, commit).unlink(missing_ok=True)


def _path(folder: Path, name: str, commit: str) -> Path:
    return folder / f"{name}-{commit[:12]}.json"
