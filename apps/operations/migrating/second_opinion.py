"""The one file that asks django-migration-linter, a tool of development that production does not install.

`linting.py` loads it by name where it is there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django_migration_linter.migration_linter import MigrationLinter
from django_migration_linter.sql_analyser.analyser import analyse_sql_statements
from django_migration_linter.sql_analyser.postgresql import PostgresqlAnalyser

# Its codes in our words; where one of ours says more, ours stands.
_CODES = {
    "RENAME_TABLE": "rename-table",
    "RENAME_COLUMN": "rename-column",
    "DROP_COLUMN": "drop-column",
    "DROP_TABLE": "drop-table",
    "ALTER_COLUMN": "alter-type",
    "ADD_UNIQUE": "add-unique",
    "CREATE_INDEX": "add-index",
    "CREATE_INDEX_EXCLUSIVE": "add-index",
    "DROP_INDEX": "drop-index",
    "REINDEX": "lock-table",
}


def opinion_on_sql(statements: Sequence[str]) -> Iterator[str]:
    """The rules it sees broken by statements about live tables."""
    errors, _, warnings = analyse_sql_statements(PostgresqlAnalyser, list(statements), [])
    for issue in (*errors, *warnings):
        if issue.code == "NOT_NULL":
            adds = any("ADD COLUMN" in statement.upper() for statement in statements)
            yield "add-column-default" if adds else "set-not-null"
        else:
            yield _CODES[issue.code]


def opinion_on_code(code: Callable[..., Any]) -> Iterator[str]:
    """The rules it sees broken by a data migration's function."""
    if MigrationLinter.get_runpython_model_import_issues(code):
        yield "model-import"
