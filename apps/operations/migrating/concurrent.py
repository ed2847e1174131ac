"""Steps with CONCURRENTLY: they stop no traffic, may wait for long, and leave a broken index when they fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_BUILT = re.compile(
    r'CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)"?\s+ON\s+(?:ONLY\s+)?"?(\w+)"?',
    re.IGNORECASE,
)
_LEFT = """
    SELECT c.relname, i.indisvalid FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN unnest(%s::text[], %s::text[]) AS built(name, home) ON c.relname = built.name AND t.relname = built.home
    WHERE pg_table_is_visible(t.oid) ORDER BY c.relname
"""


@dataclass(frozen=True)
class Left:
    """An index that a step is about to build and that is there."""

    name: str
    is_whole: bool


def parts(operation: Operation) -> Iterator[Operation]:
    """The operations that reach the database, out of their wrapping."""
    if isinstance(operation, SeparateDatabaseAndState):
        for part in operation.database_operations:
            yield from parts(part)
    else:
        yield operation


def sql_of(operation: RunSQL) -> list[str]:
    """Its statements as they are written; parameters stay out."""
    given = [operation.sql] if isinstance(operation.sql, str) else operation.sql
    return [one if isinstance(one, str) else str(one[0]) for one in given]


def is_concurrent(operation: Operation) -> bool:
    """Whether nothing queues behind it while it waits for a lock."""
    return all(
        isinstance(part, AddIndexConcurrently | RemoveIndexConcurrently)
        or (isinstance(part, RunSQL) and all("CONCURRENTLY" in sql.upper() for sql in sql_of(part)))
        for part in parts(operation)
    )


def indexes_left(connection: BaseDatabaseWrapper, app: str, operation: Operation, state: ProjectState) -> list[Left]:
    """What an earlier try left of the indexes that a concurrent step builds: by name, and on its table."""
    built: list[tuple[str, str]] = []
    for part in parts(operation):
        if isinstance(part, AddIndexConcurrently):
            table = state.apps.get_model(app, part.model_name)._meta.db_table  # noqa: SLF001
            built.append((str(part.index.name), table))
        elif isinstance(part, RunSQL):
            built += [found for sql in sql_of(part) for found in _BUILT.findall(sql)]
    if not built:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [list(column) for column in zip(*built, strict=True)])
        return [Left(*row) for row in cursor.fetchall()]


def drop_index(connection: BaseDatabaseWrapper, name: str) -> None:
    """Without stopping traffic; outside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {connection.ops.quote_name(name)}")
