"""Connections of a migrator: `default` under its own limits, and one beside it that watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.operations.migrating.errors import CannotMigrate

POOLED = (
    "DATABASE_URL leads through a pooler that hands out its sessions by transaction: neither the one-migrator lock nor "
    "the timeouts would hold. Set MIGRATION_DATABASE_URL to the database's direct address."
)


@contextmanager
def migrating_connection() -> Iterator[BaseDatabaseWrapper]:
    """`default` as a migrator uses it, also for the code of data migrations; raises `CannotMigrate`."""
    ordinary, described = connections[DEFAULT_DB_ALIAS], connections.settings[DEFAULT_DB_ALIAS]
    connections.settings[DEFAULT_DB_ALIAS] = {**described, **settings.MIGRATION_DATABASE}
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = own
    try:
        reach(own)
        yield own
    finally:
        own.close()
        connections.settings[DEFAULT_DB_ALIAS] = described
        connections[DEFAULT_DB_ALIAS] = ordinary


def reach(connection: BaseDatabaseWrapper) -> None:
    """Connect, or say in a sentence why not; raises `CannotMigrate`."""
    try:
        connection.ensure_connection()
    except (OperationalError, RuntimeError) as error:
        raise CannotMigrate(f"The database cannot be reached. {str(error).splitlines()[0]}") from None


@contextmanager
def watching_connection(connection: BaseDatabaseWrapper, *, name: str) -> Iterator["psycopg.Connection[Any]"]:
    """A second session to the same database, outside Django and its transactions; raises `CannotMigrate`."""
    parameters = connection.get_connection_params()
    for unwanted in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(unwanted, None)
    try:
        line = psycopg.connect(**{**parameters, "autocommit": True, "application_name": name, "keepalives_idle": 30})
    except psycopg.OperationalError as error:
        raise CannotMigrate(f"The database gave one connection but no second. {str(error).splitlines()[0]}") from None
    with line:
        yield line


def backend_pid(line: "psycopg.Connection[Any]") -> int:
    """The server process behind the session, as of now."""
    return int(line.execute("SELECT pg_backend_pid()").fetchall()[0][0])


def require_own_sessions(line: "psycopg.Connection[Any]", connection: BaseDatabaseWrapper) -> None:
    """Two sessions that share a server process, or change it, are a pooler's; raises `CannotMigrate`."""
    before = backend_pid(line)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        other = cursor.fetchone()[0]
        after = backend_pid(line)
    if other == before or after != before:
        raise CannotMigrate(POOLED)
