"""What one SQL statement does to a live table, judged by its words and by what the last release knows."""

import re
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import NOT_PROVIDED, CheckConstraint, Q

from apps.operations.migrating.statements import Statement, Step, tables_of

_SIZED = re.compile(r"(\w[\w ]*?)\s*(?:\((\d+)(?:,\s*(\d+))?\))?$")
_VOLATILE = r"\b(?:gen_random_uuid|uuidv4|uuidv7|uuid_generate\w*|random|clock_timestamp|timeofday|nextval)\s*\("
_UNIQUE = r"\bADD\s+(?:CONSTRAINT\s+\S+\s+)?(?:UNIQUE|PRIMARY\s+KEY)\b(?!\s+USING\s+INDEX)"
_ADD_COLUMN, _ALTER_COLUMN = r"^ALTER\s+TABLE\b.*\bADD\s+COLUMN\b", r"^ALTER\s+TABLE\b.*\bALTER\s+COLUMN\b"

# A judge names the rule a statement breaks, or nothing.
Judge = Callable[["Bench", Statement], str]


class Bench:
    """One step under judgement, with what a judge may want to look up."""

    def __init__(self, connection: BaseDatabaseWrapper, step: Step, unvalidated: frozenset[str]) -> None:
        self.connection, self.step, self.unvalidated = connection, step, unvalidated

    def field(self, statement: Statement, tables: Any = None) -> Any:
        """The field behind the statement's column, None where the release or state has none."""
        known = self.step.released if tables is None else tables
        return known.get(statement.table, {}).get(statement.column)

    def type_before(self, statement: Statement) -> str:
        field = self.field(statement, tables_of(self.step.before))
        return (field.db_type(self.connection) or "") if field else ""

    def is_checked(self, statement: Statement) -> bool:
        """Whether a validated CHECK already says that the column has no NULL, so that PostgreSQL need not look."""
        for model in self.step.before.apps.get_models():
            options = model._meta  # noqa: SLF001
            if options.db_table != statement.table:
                continue
            names = {field.name for field in options.local_concrete_fields if field.column == statement.column}
            conditions = [Q(**{f"{name}__isnull": False}) for name in names]
            return any(
                isinstance(constraint, CheckConstraint)
                and constraint.name not in self.unvalidated
                and constraint.condition in conditions
                for constraint in options.constraints
            )
        return False


def adds_column(bench: Bench, statement: Statement) -> str:
    if not statement.has(_ADD_COLUMN):
        return ""
    drops = rf'ALTER\s+COLUMN\s+"?{statement.column}"?\s+DROP\s+DEFAULT'
    is_kept = statement.has(r"\bDEFAULT\b") and not any(other.has(drops) for other in bench.step.statements)
    if statement.has(r"\bGENERATED\b"):
        return "rewrite-table"
    if statement.has(r"\bNOT\s+NULL\b") and not is_kept:
        return "add-column-default"
    if statement.has(r"\bREFERENCES\b"):
        return "foreign-key"
    if statement.has(r"\b(?:UNIQUE|PRIMARY\s+KEY)\b"):
        return "add-unique"
    return "rewrite-table" if statement.has(r"\bDEFAULT\b") and statement.has(_VOLATILE) else ""


def drops_default(bench: Bench, statement: Statement) -> str:
    if not statement.has(_ALTER_COLUMN + r".*\bDROP\s+DEFAULT\b"):
        return ""
    field = bench.field(statement)
    relies = field is not None and not field.null and getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
    return "drop-default" if relies else ""


def drops(bench: Bench, statement: Statement) -> str:
    """A column or table that the last release no longer knows may go."""
    if statement.has(r"^ALTER\s+TABLE\b.*\bDROP\s+COLUMN\b"):
        return "drop-column" if bench.field(statement) is not None else ""
    return "drop-table" if statement.has(r"^DROP\s+TABLE\b") else ""


def renames(bench: Bench, statement: Statement) -> str:
    if statement.has(r"^ALTER\s+TABLE\b.*\bRENAME\s+(?:COLUMN\b|\S+\s+TO\b)"):
        column = re.search(r'RENAME\s+(?:COLUMN\s+)?"?(\w+)"?\s+TO', statement.text, re.IGNORECASE)
        is_known = column is not None and column[1] in bench.step.released.get(statement.table, {})
        return "rename-column" if is_known else ""
    return "rename-table" if statement.has(r"^ALTER\s+TABLE\b.*\bRENAME\s+TO\b") else ""


def alters_type(bench: Bench, statement: Statement) -> str:
    found = re.search(
        r"\bALTER\s+COLUMN\s+\S+\s+(?:SET\s+DATA\s+)?TYPE\s+(.+?)(?:\s+USING\b|;|$)", statement.text, re.IGNORECASE
    )
    if found is None:
        return ""
    return "" if is_widened(bench.type_before(statement), found[1].strip()) else "alter-type"


def is_widened(before: str, after: str) -> bool:
    """Changes that PostgreSQL makes without touching a row."""
    old, new = _SIZED.fullmatch(before.lower().strip()), _SIZED.fullmatch(after.lower().strip())
    if old is None or new is None:
        return False
    if old[1] == "varchar" and new[1] in {"text", "varchar"}:
        return new[2] is None or (old[2] is not None and int(new[2]) >= int(old[2]))
    if old[1] == new[1] == "numeric" and old[2] and new[2]:
        return int(new[2]) >= int(old[2]) and new[3] == old[3]
    return False


def sets_not_null(bench: Bench, statement: Statement) -> str:
    if not statement.has(_ALTER_COLUMN + r".*\bSET\s+NOT\s+NULL\b"):
        return ""
    return "" if bench.is_checked(statement) else "set-not-null"


def constrains(bench: Bench, statement: Statement) -> str:
    if not statement.has(r"^ALTER\s+TABLE\b.*\bADD\s+(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b"):
        return ""
    if statement.has(_UNIQUE):
        return "add-unique"
    if statement.has(r"\bNOT\s+VALID\b") or statement.has(r"\bUSING\s+INDEX\b"):
        return ""
    return "foreign-key" if statement.has(r"\bFOREIGN\s+KEY\b") else "add-constraint"


def indexes(bench: Bench, statement: Statement) -> str:
    if statement.has(r"\bINDEX\s+CONCURRENTLY\b"):
        return "concurrent-in-transaction" if bench.step.migration.atomic else ""
    if statement.has(r"^CREATE\s+UNIQUE\s+INDEX\b"):
        return "add-unique"
    if statement.has(r"^CREATE\s+INDEX\b"):
        return "add-index"
    return "drop-index" if statement.has(r"^DROP\s+INDEX\b") else ""


def locks(bench: Bench, statement: Statement) -> str:
    by_hand = r"^(?:LOCK\b|CLUSTER\b|TRUNCATE\b|VACUUM\s.*\bFULL\b|REINDEX\b(?!.*\bCONCURRENTLY\b))"
    return "lock-table" if statement.has(by_hand) else ""


def changes_rows(bench: Bench, statement: Statement) -> str:
    is_bulk = statement.has(r"^(?:UPDATE|DELETE)\b") or statement.has(r"^INSERT\b.*\bSELECT\b")
    return "data-in-one-go" if is_bulk else ""


JUDGES: tuple[Judge, ...] = (
    adds_column,
    drops_default,
    drops,
    renames,
    alters_type,
    sets_not_null,
    constrains,
    indexes,
    locks,
    changes_rows,
)
# What a judge looked at and let pass; a second opinion that knows less is not asked about it.
CLEARED = re.compile(
    r"\bDROP\s+COLUMN\b|\bRENAME\b|\bTYPE\b|\bSET\s+NOT\s+NULL\b|\bUSING\s+INDEX\b|\bCONCURRENTLY\b", re.IGNORECASE
)
