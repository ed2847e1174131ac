"""Backups: made in one snapshot, counted only once they were restored and compared, removed when they are old."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from apps.operations.backups.address import Address, first_line, live_address
from apps.operations.backups.archive import written
from apps.operations.backups.comparing import is_of_this_release
from apps.operations.backups.counting import counted
from apps.operations.backups.manifest import Contents, Manifest
from apps.operations.backups.programs import Program, dumped, program
from apps.operations.backups.reading import (
    Reader,
    Table,
    migrations_of,
    objects_of,
    schema_of,
    sequences_of,
    tables_of,
)
from apps.operations.backups.smoke import complaints
from apps.operations.backups.targets import Stored, Target, configured_target, name_for
from apps.operations.backups.watching import Watch, unwatched
from apps.operations.errors import BackupFailed, BackupRunning
from apps.operations.services.evidence import remember_backups
from core.clock import now

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('operations.backup', 0))"


@dataclass(frozen=True)
class Made:
    stored: Stored
    where: str
    is_encrypted: bool
    tables: int
    rows: int
    seconds: float


def make_backup(*, watch: Watch = unwatched) -> Made:
    """Write a backup of the shop's database to the target: there whole, or not at all.

    Raises `BackupRefused` in one of its forms.
    """
    begun = time.monotonic()
    target = configured_target()
    live = live_address()
    with _snapshot(live) as (reader, tables, snapshot):
        server = reader.info.server_version // 10000
        chosen = program("pg_dump", least_major=server, reason=f"the server is PostgreSQL {server}")
        taken_at = _free_moment(target)
        manifest = _manifest(live, reader, tables, chosen, taken_at)
        found: list[Contents] = []
        with counted(live, tables, watch=watch, snapshot=snapshot) as figures:
            low = sequences_of(reader)

            def contents() -> Iterator[Contents]:
                found.append(_contents(live, reader, tables, figures(), low))
                yield found[0]

            dump = dumped(chosen, live, snapshot=snapshot)
            target.write(name_for(taken_at), written(manifest, dump, contents(), key=settings.BACKUP_KEY or None))
    remember_backups(target=target)
    stored = target.find(name_for(taken_at))
    seconds = time.monotonic() - begun
    return Made(stored, target.where, bool(settings.BACKUP_KEY), len(tables), found[0].rows, seconds)


@contextmanager
def _snapshot(live: Address) -> Iterator[tuple[Reader, Sequence[Table], str]]:
    """A transaction that sees one moment, and whose snapshot others may share for as long as it is open.

    The tables are locked, as pg_dump does, before that moment: TRUNCATE and rewrites of a table would show through.
    """
    try:
        with live.connect() as reader:
            ((is_ours,),) = reader.execute(_LOCK).fetchall()
            if not is_ours:
                raise BackupRunning("Another backup is being made right now: wait for it, and nothing is missing.")
            before = tables_of(reader)
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if before:
                named = sql.SQL(", ").join(table.identifier for table in before)
                reader.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(named))
            ((snapshot,),) = reader.execute("SELECT pg_export_snapshot()").fetchall()
            yield reader, tables_of(reader), snapshot
            reader.rollback()
    except psycopg.Error as error:
        raise BackupFailed(f"The database {live.shown} stopped answering, or refused. {first_line(error)}") from None


def _manifest(live: Address, reader: Reader, tables: Sequence[Table], chosen: Program, taken_at: datetime) -> Manifest:
    ((version,),) = reader.execute("SHOW server_version").fetchall()
    return Manifest(
        taken_at=taken_at,
        version=settings.VERSION,
        commit=getattr(settings, "COMMIT", ""),
        database=live.database,
        postgres=version,
        postgres_major=reader.info.server_version // 10000,
        pg_dump=chosen.version,
        migrations=migrations_of(reader, tables),
    )


def _contents(live: Address, reader: Reader, tables: Sequence[Table], figures: Any, low: dict[str, int]) -> Contents:
    """Sequences are read again, outside the snapshot and after pg_dump has: it saw each somewhere in between."""
    high = sequences_of(reader)
    told: list[str] = []
    if is_of_this_release(migrations_of(reader, tables)):
        told = complaints(reader, schema=schema_of(tables))
    bounds = {name: (min(low[name], at), max(low[name], at)) for name, at in high.items() if name in low}
    return Contents(figures, bounds, objects_of(reader), tuple(told))


def _free_moment(target: Target) -> datetime:
    """Now, to the second; a second later for the second backup within one."""
    moment = now().replace(microsecond=0)
    taken = {stored.name for stored in target.stored()}
    while name_for(moment) in taken:
        moment += timedelta(seconds=1)
    return moment


def prune_backups() -> list[Stored]:
    """Delete backups older than BACKUP_KEEP_DAYS, and what killed processes left half-written.

    The newest stays, and the newest that was verified, whatever their age.
    """
    target = configured_target()
    target.sweep()
    stored = target.stored()
    verified = [one for one in stored if target.evidence(one.name).get("result") == "verified"]
    kept = {one.name for one in (*stored[-1:], *verified[-1:])}
    oldest = now() - timedelta(days=settings.BACKUP_KEEP_DAYS)
    gone = [one for one in stored if one.taken_at < oldest and one.name not in kept]
    for one in gone:
        target.delete(one.name)
    remember_backups(target=target)
    return gone
