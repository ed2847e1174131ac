"""Whole databases: made, dropped and exchanged, from a connection to another one of the same server."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from apps.operations.backups.address import Address, first_line
from apps.operations.backups.reading import Reader
from apps.operations.errors import DatabaseRefused, NotSwapped, RestoreRefused

LONGEST_NAME = 63
_ENCODED = "SELECT to_jsonb(d), pg_encoding_to_char(encoding) FROM pg_database d WHERE datname = %s"
_LEFT_OVER = "SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = %s"
# An administrator's session is not ours to end; the rename will say that it is in the way.
_SHOW_OUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datid = ANY(%s) AND backend_type = 'client backend' AND pg_has_role(usesysid, 'MEMBER')
"""


@contextmanager
def maintenance(live: Address) -> Iterator[Reader]:
    """A connection to a database that is none of the shop's; raises `DatabaseRefused`."""
    elsewhere = live.to(settings.BACKUP_MAINTENANCE_DATABASE)
    if elsewhere.database == live.database:
        raise DatabaseRefused(
            f"BACKUP_MAINTENANCE_DATABASE names the shop's own database, {live.database}: name another one of that "
            "server, such as postgres."
        )
    with elsewhere.connect() as admin:
        yield admin


def exists(admin: Reader, database: str) -> bool:
    return bool(admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchall())


def major(admin: Reader) -> int:
    return admin.info.server_version // 10000


def create(admin: Reader, database: str, *, like: str) -> None:
    """An empty database with the encoding and letters of another one; raises `RestoreRefused`, `DatabaseRefused`."""
    if len(database.encode()) > LONGEST_NAME:
        raise RestoreRefused(f"{database} is too long for a database's name: {LONGEST_NAME} bytes are the most.")
    found = admin.execute(_ENCODED, [like]).fetchall()
    options = _locale(*found[0]) if found else sql.SQL("ENCODING 'UTF8'")
    try:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(sql.Identifier(database), options))
    except psycopg.errors.DuplicateDatabase:
        raise RestoreRefused(
            f"The database {database} exists already, and a backup is only ever restored into a new one: choose "
            "another name for --into, or leave it out. --swap puts the restored one into the live one's place."
        ) from None
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseRefused(
            f"The role {admin.info.user} may not create databases, which restoring needs. As an administrator: "
            f'ALTER ROLE "{admin.info.user}" CREATEDB.'
        ) from None
    except psycopg.Error as error:
        raise DatabaseRefused(f"The database {database} cannot be created. {first_line(error)}") from None


def _locale(row: Mapping[str, Any], encoding: str) -> sql.Composed:
    provider = {"i": "icu", "b": "builtin", "c": "libc"}.get(row.get("datlocprovider", ""))
    named = {"ENCODING": encoding, "LC_COLLATE": row["datcollate"], "LC_CTYPE": row["datctype"]}
    if provider:  # from PostgreSQL 15 on
        named["LOCALE_PROVIDER"] = provider
        locale = row.get("datlocale") or row.get("daticulocale")
        named |= {"icu": {"ICU_LOCALE": locale}, "builtin": {"BUILTIN_LOCALE": locale}}.get(provider, {})
    parts = [sql.SQL("{} {}").format(sql.SQL(name), sql.Literal(value)) for name, value in named.items()]
    return sql.SQL(" ").join(parts)


def drop(admin: Reader, database: str) -> None:
    """Drop a copy, whoever is connected to it."""
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


class Copy:
    """A database being filled."""

    def __init__(self, admin: Reader, address: Address) -> None:
        self._admin, self.address = admin, address
        self.is_kept = False

    def mark(self, words: str) -> None:
        """What an administrator reads beside its name (psql's l+), and what tells a copy from all others."""
        named = sql.Identifier(self.address.database)
        self._admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(named, sql.Literal(words)))

    def keep(self, words: str) -> None:
        """It is complete, and stays."""
        self.mark(words)
        self.is_kept = True


@contextmanager
def copy(live: Address, name: str) -> Iterator[Copy]:
    """A new, empty database: gone afterwards unless it is kept; should we be killed, at the next call."""
    with maintenance(live) as admin:
        _drop_left_over(admin, live)
        admin.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])  # until this connection ends
        create(admin, name, like=live.database)
        made = Copy(admin, live.to(name))
        try:
            made.mark(_mark(live))
            yield made
        finally:
            if not made.is_kept:
                _drop_copy(admin, name)


def _drop_copy(admin: Reader, name: str) -> None:
    try:
        drop(admin, name)
    except psycopg.Error as error:
        raise DatabaseRefused(
            f"The server went away, or would not drop the copy {name}: {first_line(error)} The next run drops it."
        ) from None


def _drop_left_over(admin: Reader, live: Address) -> None:
    """Only what carries the mark of an unfinished copy, and whose maker let go of its lock by ending."""
    for (name,) in admin.execute(_LEFT_OVER, [_mark(live)]).fetchall():
        ((is_free,),) = admin.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name]).fetchall()
        if is_free:
            drop(admin, name)


def _mark(live: Address) -> str:
    return f"Hanout: an unfinished copy of {live.database}; dropped by the next verification or restore"


def swap(live: Address, *, restored: str, aside: str) -> bool:
    """Put one database into another's place, which goes on under the name `aside`; whether there was another.

    Both renames are one transaction: whoever kills us, or pulls the plug, leaves either the old order or the new.
    The first rename waits for others to leave and lets nobody enter, while they are shown out from beside it.
    Raises `NotSwapped`.
    """
    with maintenance(live) as admin, maintenance(live) as usher:
        renames = [(live.database, aside)] if exists(admin, live.database) else []
        is_over = threading.Event()
        showing = threading.Thread(target=_show_out, args=(usher, [live.database, restored], is_over), daemon=True)
        showing.start()
        try:
            with admin.transaction():
                for old, new in (*renames, (restored, live.database)):
                    admin.execute(
                        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
                    )
        except psycopg.Error as error:
            raise NotSwapped(
                f"{live.database} is still the live database, unchanged: {first_line(error)} The restored one is "
                f"{restored}."
            ) from None
        finally:
            is_over.set()
            showing.join()
    return bool(renames)


def _show_out(usher: Reader, databases: list[str], is_over: threading.Event) -> None:
    """End the sessions in these databases, as they are called now, until nobody comes any more."""
    found = usher.execute("SELECT oid FROM pg_database WHERE datname = ANY(%s)", [databases]).fetchall()
    oids = [oid for (oid,) in found]
    while not is_over.is_set():
        with suppress(psycopg.Error):  # what is in the way, the rename says
            usher.execute(_SHOW_OUT, [oids])
        is_over.wait(0.1)
