"""What a run is told and what its checks share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.operations.preflight.given import Given
from apps.operations.preflight.repository import Release, Repository, last_release
from apps.operations.preflight.scratch import Scratch

EVIDENCE_HOURS, BACKUP_HOURS = 24.0, 26.0


@dataclass
class Flight:
    """One run of preflight. `target` is the entry of the database it goes to; None, with `no_target` saying why."""

    repository: Repository
    given: Given
    folder: Path
    target: Mapping[str, Any] | None = None
    no_target: str = ""
    url: str = ""
    since: str = ""
    is_fresh: bool = False
    evidence_age: timedelta = timedelta(hours=EVIDENCE_HOURS)
    backup_age: timedelta = timedelta(hours=BACKUP_HOURS)
    scratch: Scratch = field(default_factory=Scratch)

    @property
    def root(self) -> Path:
        return self.repository.root

    @cached_property
    def release(self) -> Release:
        """The release that runs now; raises `CannotCheck`."""
        return last_release(self.repository, version=settings.VERSION, since=self.since)
