"""Rules about a whole step or a whole migration, beyond its single statements."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db.migrations import RemoveField, RunPython, RunSQL
from django.db.migrations.operations import SeparateDatabaseAndState

from apps.operations.migrating.concurrent import parts
from apps.operations.migrating.statements import Step

# A step, the rule it breaks, and by what.
Broken = tuple[Step, str, str]
SeriesRule = Callable[[Sequence[Step]], Iterable[Broken]]

_NOT_VALID = re.compile(r'ADD\s+CONSTRAINT\s+"?(\w+)"?.*\bNOT\s+VALID\b', re.IGNORECASE | re.DOTALL)
VALIDATE = re.compile(r'VALIDATE\s+CONSTRAINT\s+"?(\w+)"?', re.IGNORECASE)


def cannot_be_taken_back(steps: Sequence[Step]) -> Iterator[Broken]:
    for step in steps:
        for part in parts(step.operation):
            if isinstance(part, RunPython | RunSQL) and not part.reversible:
                yield step, "no-reverse", type(part).__name__


def forgets_columns(steps: Sequence[Step]) -> Iterator[Broken]:
    """Only the models forget; the column stays, and must be able to do without."""
    for step in steps:
        if not (step.released and isinstance(step.operation, SeparateDatabaseAndState)):
            continue
        state = step.before.clone()
        for change in step.operation.state_operations:
            if isinstance(change, RemoveField):
                model = state.apps.get_model(step.migration.app_label, change.model_name)._meta  # noqa: SLF001
                field = model.get_field(change.name)
                if model.db_table in step.released and _must_be_given(field):
                    yield step, "forget-column", f"{change.model_name}.{change.name}"
            change.state_forwards(step.migration.app_label, state)


def _must_be_given(field: Any) -> bool:
    """Whether an INSERT without it fails."""
    fills_itself = field.null or field.has_db_default() or field.generated
    return bool(field.concrete and not field.many_to_many and not fills_itself)


def validates_at_once(steps: Sequence[Step]) -> Iterator[Broken]:
    added: set[str] = set()
    for step in steps:
        for statement in step.live if step.migration.atomic else ():
            if found := _NOT_VALID.search(statement.text):
                added.add(found[1])
            elif (found := VALIDATE.search(statement.text)) and found[1] in added:
                yield step, "validate-apart", found[1]


def mixes_rows_and_schema(steps: Sequence[Step]) -> Iterator[Broken]:
    schema = [step for step in steps if any(not _is_about_rows(statement.text) for statement in step.live)]
    for step in steps:
        is_data = step.runs_python or any(_is_about_rows(statement.text) for statement in step.live)
        if step.migration.atomic and is_data and any(other is not step for other in schema):
            yield step, "data-with-schema", ""


def _is_about_rows(text: str) -> bool:
    return bool(re.match(r"(?:INSERT|UPDATE|DELETE|WITH|SELECT)\b", text, re.IGNORECASE))


def touches_two_tables(steps: Sequence[Step]) -> Iterator[Broken]:
    first = ""
    for step in steps:
        tables = [statement.table for statement in step.live if statement.table]
        first = first or next(iter(tables), "")
        if others := sorted({table for table in tables if table != first}):
            yield step, "one-model", f"{', '.join(others)} beside {first}"
            return


def cannot_be_repeated(steps: Sequence[Step]) -> Iterator[Broken]:
    at_work = [step for step in steps if step.live or step.runs_python]
    if at_work and not at_work[0].migration.atomic:
        count = sum(len(step.live) or 1 for step in at_work)
        if count > 1:
            yield at_work[min(1, len(at_work) - 1)], "one-step", f"{count} of them"


SERIES_RULES: tuple[SeriesRule, ...] = (
    cannot_be_taken_back,
    forgets_columns,
    validates_at_once,
    mixes_rows_and_schema,
    touches_two_tables,
    cannot_be_repeated,
)
