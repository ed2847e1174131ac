"""The place BACKUP_TARGET names, in the words of backups; what goes wrong there becomes a sentence."""

import errno
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from apps.operations.backups.sealing import Source
from apps.operations.backups.stores import Store
from apps.operations.errors import NoSuchBackup, TargetFull, TargetUnreachable

SUFFIX = ".backup"
EVIDENCE = ".verified.json"
LATEST = "latest"
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"hanout-(\d{8}T\d{6}Z)\.backup")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Stored:
    """A complete backup at the target."""

    name: str
    size: int

    @property
    def taken_at(self) -> datetime:
        return _taken_at(self.name)


@dataclass(frozen=True)
class Target:
    store: Store

    @property
    def where(self) -> str:
        return self.store.where

    def stored(self) -> list[Stored]:
        """The complete backups, the oldest first; other people's files are passed over."""
        with self._explained("read"):
            names = self.store.names()
        return sorted((Stored(name, size) for name, size in names.items() if _is_ours(name)), key=lambda one: one.name)

    def find(self, name: str) -> Stored:
        """A backup by its name, or `latest`; raises `NoSuchBackup`."""
        stored = self.stored()
        if name == LATEST and stored:
            return stored[-1]
        for one in stored:
            if one.name in {name, f"{name}{SUFFIX}"}:
                return one
        known = f"The newest is {stored[-1].name}." if stored else "It holds none; `manage.py backup` makes one."
        raise NoSuchBackup(f"{self.where} holds no backup {name!r}. {known} `manage.py backup list` shows all.")

    def write(self, name: str, content: Iterable[bytes]) -> None:
        """There when complete, or not at all."""
        with self._explained("written"):
            self.store.put(name, content)

    @contextmanager
    def reading(self, name: str) -> Iterator[Source]:
        with self._explained("read"), self.store.get(name) as source:
            yield source

    def evidence(self, name: str) -> Mapping[str, Any]:
        """What the last verification wrote beside a backup; empty if there was none, or nobody can read it."""
        try:
            with self._explained("read"), self.store.get(name + EVIDENCE) as source:
                found = json.loads(source.read(100_000))
        except (NoSuchBackup, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_evidence(self, name: str, evidence: Mapping[str, Any]) -> None:
        self.write(name + EVIDENCE, [json.dumps(evidence, indent=2).encode() + b"\n"])

    def delete(self, name: str) -> None:
        """The backup first: evidence without a backup misleads nobody."""
        with self._explained("changed"):
            self.store.delete(name)
            self.store.delete(name + EVIDENCE)

    def sweep(self) -> None:
        with self._explained("changed"):
            self.store.sweep()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise NoSuchBackup(f"{self.where} does not hold it (any more): {error}.") from None
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in _FULL:
                raise TargetFull(
                    f"{self.where} is full ({reason}): nothing was kept of this backup. Make room, or lower "
                    "BACKUP_KEEP_DAYS and run `manage.py backup prune`."
                ) from None
            raise TargetUnreachable(
                f"{self.where} cannot be {what}: {reason}. Check BACKUP_TARGET, and the AWS_* variables for a bucket."
            ) from None


def configured_target() -> Target:
    """The place the settings name; raises `TargetUnreachable` where they name none, or its library is missing."""
    chosen: dict[str, Any] = settings.BACKUP_STORE
    if not chosen["BACKEND"]:
        raise TargetUnreachable(
            "BACKUP_TARGET is not set: name a folder that outlives this machine, or s3://bucket/prefix."
        )
    try:
        kind = import_string(chosen["BACKEND"])
    except ImportError:
        raise TargetUnreachable(
            "BACKUP_TARGET is a bucket, and boto3 is not installed: pip install -r requirements/production.txt."
        ) from None
    return Target(kind(**chosen["OPTIONS"]))


def name_for(moment: datetime) -> str:
    return f"hanout-{moment.astimezone(UTC):{_STAMP}}{SUFFIX}"


def _is_ours(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _taken_at(name: str) -> datetime:
    found = _NAME.fullmatch(name)
    return datetime.strptime(found[1] if found else "", _STAMP).replace(tzinfo=UTC)
