"""Backups become databases: for minutes, to prove that they can, or in earnest."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections

from apps.operations.backups import servers
from apps.operations.backups.address import Address, first_line, live_address
from apps.operations.backups.archive import Archive
from apps.operations.backups.comparing import differences, missing_migrations, unknown_migrations
from apps.operations.backups.manifest import Contents, Manifest
from apps.operations.backups.programs import load, major_of, program
from apps.operations.backups.stores import FolderStore
from apps.operations.backups.targets import Stored, Target, configured_target
from apps.operations.backups.watching import Watch, unwatched
from apps.operations.errors import BackupDamaged, BackupFailed, DatabaseRefused, RestoreRefused
from apps.operations.services.evidence import remember_backups, write_evidence
from core.clock import now

_STAMP = "%Y%m%dT%H%M%SZ"
_MB = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """What a restored backup was found to be."""

    stored: Stored
    where: str
    differences: list[str]
    notes: list[str]
    seconds: float
    tables: int
    rows: int


@dataclass(frozen=True)
class Restored:
    database: str
    live: str
    verdict: Verdict


def verify_backup(*, name: str, watch: Watch = unwatched) -> Verdict:
    """Restore a backup into an empty database, compare everything, drop it again, and write down what was found.

    Damage is a verdict. What kept us from finding out is raised, as `BackupRefused` in one of its forms.
    """
    target = configured_target()
    stored = target.find(name)
    live = live_address()
    try:
        with _explained(live), servers.copy(live, f"{live.database[:40]}_verify_{secrets.token_hex(4)}") as scratch:
            verdict = _restore(target, stored, scratch.address, watch)
    except (BackupDamaged, BackupFailed) as error:
        verdict = Verdict(stored, target.where, [str(error)], [], 0, 0, 0)
    write_evidence(target=target, stored=stored, seconds=verdict.seconds, differences=verdict.differences)
    return verdict


def restore_backup(
    *, name: str, into: str = "", allow_major_change: bool = False, watch: Watch = unwatched
) -> Restored:
    """Restore a backup into a new database and compare everything; kept only if nothing differs.

    Raises `BackupRefused` in one of its forms; then the new database is gone and no other was touched.
    """
    target = configured_target()
    stored = target.find(name)
    live = live_address()
    database = into or f"{live.database[:40]}_restored_{now():{_STAMP}}"
    with _explained(live):
        if not allow_major_change:
            _require_same_major(live, _manifest(target, stored))
        with servers.copy(live, database) as made:
            verdict = _restore(target, stored, made.address, watch)
            if verdict.differences:
                listed = "\n".join(f"  - {difference}" for difference in verdict.differences[:20])
                raise BackupFailed(
                    f"What was restored from {stored.name} is not what was backed up; it was dropped again:\n{listed}"
                )
            with made.address.connect() as fresh:
                fresh.execute("ANALYZE")  # without statistics the first hour of a restored shop would be slow
            made.keep(f"Hanout: restored from {stored.name} and verified, {now():%Y-%m-%d %H:%M} UTC")
    return Restored(database, live.database, verdict)


def require_own_backup(*, name: str) -> None:
    """Raises `RestoreRefused` for a backup of a database that is called otherwise than the live one."""
    target = configured_target()
    taken_of, live = _manifest(target, target.find(name)).database, live_address().database
    if taken_of != live:
        raise RestoreRefused(
            f"The backup is of a database called {taken_of}, and the live one is {live}. Nothing was changed. If that "
            "is what you want, say --from-another-database; or leave out --swap and look at it first."
        )


def swap_in(*, restored: Restored) -> str:
    """Put a restored database into the live one's place; the name under which the old one is kept.

    Empty where there was no live one. Raises `NotSwapped`, and everything is as before.
    """
    live = live_address()
    connections.close_all()
    aside = f"{live.database[:40]}_before_{now():{_STAMP}}"
    with _explained(live):
        was_there = servers.swap(live, restored=restored.database, aside=aside)
    remember_backups(target=configured_target())
    return aside if was_there else ""


def extract_dump(*, name: str, file: Path) -> int:
    """Write the dump in a backup to a file that pg_restore reads, unencrypted; its size. Raises `RestoreRefused`."""
    target = configured_target()
    stored = target.find(name)
    if file.exists():
        raise RestoreRefused(f"{file} exists already; nothing was written. Name another file.")
    folder = FolderStore(file.absolute().parent)
    with target.reading(stored.name) as source:
        archive = Archive(source, keys=settings.BACKUP_KEYS)
        Target(folder).write(file.name, archive.dump())
    return file.stat().st_size


def _restore(target: Target, stored: Stored, address: Address, watch: Watch) -> Verdict:
    begun = time.monotonic()
    with target.reading(stored.name) as source:
        archive = Archive(source, keys=settings.BACKUP_KEYS)
        least = major_of(archive.manifest.pg_dump)
        chosen = program("pg_restore", least_major=least, reason=f"pg_dump {least} made this backup")
        load(chosen, address, _watched(archive, stored, watch))
    manifest, contents = archive.manifest, archive.contents
    found = differences(address, manifest, contents, watch=watch)
    seconds = time.monotonic() - begun
    notes = _notes(manifest, contents)
    return Verdict(stored, target.where, found, notes, seconds, len(contents.tables), contents.rows)


def _watched(archive: Archive, stored: Stored, watch: Watch) -> Iterator[bytes]:
    done, total = 0, max(1, stored.size // _MB)
    for piece in archive.dump():
        yield piece
        done += len(piece)
        watch("Restoring, MB", min(done // _MB, total), total)


def _manifest(target: Target, stored: Stored) -> Manifest:
    """Only the beginning of the file is read."""
    with target.reading(stored.name) as source:
        return Archive(source, keys=settings.BACKUP_KEYS).manifest


def _require_same_major(live: Address, manifest: Manifest) -> None:
    with servers.maintenance(live) as admin:
        server = servers.major(admin)
    if server != manifest.postgres_major:
        raise RestoreRefused(
            f"The backup was taken from PostgreSQL {manifest.postgres_major}, and this server is PostgreSQL {server}. "
            "Nothing was changed. To restore across major versions, say --allow-major-change."
        )


def _notes(manifest: Manifest, contents: Contents) -> list[str]:
    """What is worth knowing and no fault of the backup."""
    unknown, missing = unknown_migrations(manifest.migrations), missing_migrations(manifest.migrations)
    notes = [f"It was made by release {manifest.version} on PostgreSQL {manifest.postgres}."]
    if unknown:
        notes.append(f"Migrations this release does not know: {', '.join(unknown)}. A later release made it.")
    if missing:
        notes.append(f"{len(missing)} migrations of this release are still to be applied: `manage.py migrate`.")
    return [*notes, *(f"As in the shop when it was backed up: {complaint}" for complaint in contents.complaints)]


@contextmanager
def _explained(live: Address) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise DatabaseRefused(f"PostgreSQL stopped answering, or refused: {first_line(error)} ({live.shown})") from None
