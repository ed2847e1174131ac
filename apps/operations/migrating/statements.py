"""The SQL a step will send, and the tables of the last release it touches."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from apps.operations.migrating.concurrent import parts
from apps.operations.migrating.sources import Span

_NAME = r'(?:"?\w+"?\.)?"?(?P<table>\w+)"?'
_TABLE = re.compile(
    r"^\s*(?:ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?"
    r"|DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?"
    r"|CREATE\s+(?:UNIQUE\s+)?INDEX\s+.*?\sON\s+(?:ONLY\s+)?"
    r"|UPDATE\s+(?:ONLY\s+)?|DELETE\s+FROM\s+(?:ONLY\s+)?|INSERT\s+INTO\s+|TRUNCATE\s+(?:TABLE\s+)?"
    r"|LOCK\s+(?:TABLE\s+)?(?:ONLY\s+)?|CLUSTER\s+|VACUUM\s+(?:\([^)]*\)\s*)?(?:FULL\s+)?"
    r"|REINDEX\s+(?:\([^)]*\)\s*)?TABLE\s+)" + _NAME,
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(r'(?:ADD|ALTER|DROP)\s+COLUMN\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?(?P<column>\w+)"?', re.IGNORECASE)
_NO_TABLE = re.compile(r"^\s*(?:DROP\s+INDEX|REINDEX|ALTER\s+INDEX|VACUUM|CLUSTER)\b", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)

_ALTERED = re.compile(r'^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:"?\w+"?\.)?"?\w+"?\s', re.IGNORECASE)
_BARE_COLUMN = re.compile(
    r"^(ADD|DROP|ALTER)\s+(?!(?:COLUMN|CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE|NOT)\b)", re.IGNORECASE
)

Tables = Mapping[str, Mapping[str, Any]]


def tables_of(state: ProjectState) -> Tables:
    """Table → column → field, also of the tables between many and many."""
    return {
        model._meta.db_table: {str(field.column): field for field in model._meta.local_concrete_fields}  # noqa: SLF001
        for model in state.apps.get_models(include_auto_created=True)
        if not model._meta.proxy  # noqa: SLF001
    }


@dataclass(frozen=True)
class Statement:
    """One statement, without its comments."""

    text: str

    @property
    def table(self) -> str:
        found = _TABLE.match(self.text)
        return found["table"] if found else ""

    @property
    def column(self) -> str:
        found = _COLUMN.search(self.text)
        return found["column"] if found else ""

    @property
    def names_no_table(self) -> bool:
        return not self.table and bool(_NO_TABLE.match(self.text))

    def has(self, pattern: str) -> bool:
        """Whether the words occur, whatever the case."""
        return bool(re.search(pattern, self.text, re.IGNORECASE | re.DOTALL))


@dataclass(frozen=True)
class Step:
    """An operation, the schema before it, what it sends, and what the last release knows."""

    migration: Migration
    operation: Operation
    span: Span
    before: ProjectState
    statements: tuple[Statement, ...] = ()
    released: Tables = field(default_factory=dict)

    @property
    def live(self) -> list[Statement]:
        """The statements about tables that a released version uses."""
        return [
            statement
            for statement in self.statements
            if statement.table in self.released or (statement.names_no_table and self.released)
        ]

    @property
    def runs_python(self) -> bool:
        return any(isinstance(part, RunPython) for part in parts(self.operation))


def statements_of(
    connection: BaseDatabaseWrapper,
    migration: Migration,
    operation: Operation,
    states: tuple[ProjectState, ProjectState],
) -> tuple[Statement, ...]:
    """Django's own SQL for the operation; code cannot be written as SQL and has none."""
    if any(isinstance(part, RunPython) for part in parts(operation)):
        return ()
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(migration.app_label, editor, *states)
    sent = (_COMMENT.sub(" ", str(text)).strip().rstrip(";") for text in editor.collected_sql or ())
    return tuple(Statement(text) for whole in sent for text in apart(whole) if text)


def apart(text: str) -> list[str]:
    """ALTER TABLE with several actions is several statements, and COLUMN may be left out of it."""
    head = _ALTERED.match(text)
    if head is None:
        return [text]
    actions = [_BARE_COLUMN.sub(r"\1 COLUMN ", action.strip()) for action in _at_commas(text[head.end() :])]
    return [f"{head[0].strip()} {action}" for action in actions]


def _at_commas(text: str) -> Iterator[str]:
    """Splits at the commas outside parentheses and quotes."""
    depth, quote, start = 0, "", 0
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "," and not depth:
            yield text[start:place]
            start = place + 1
        else:
            depth += (sign == "(") - (sign == ")")
    yield text[start:]
