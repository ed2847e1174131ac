"""Migrations judged before anybody runs them, against the tables that the last release uses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration, RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils.module_loading import import_string

from apps.operations.migrating.concurrent import parts, sql_of
from apps.operations.migrating.judging import CLEARED, JUDGES, Bench
from apps.operations.migrating.releases import Baseline, is_ours
from apps.operations.migrating.rules import Accepted, Finding
from apps.operations.migrating.sources import Source
from apps.operations.migrating.statements import Statement, Step, Tables, statements_of, tables_of
from apps.operations.migrating.step_rules import SERIES_RULES, VALIDATE, Broken

LIBRARY = "django_migration_linter"

Wanted = Callable[[Migration], bool]


@dataclass(frozen=True)
class Report:
    """What linting read and found."""

    baseline: str
    read: tuple[Migration, ...]
    findings: tuple[Finding, ...]
    accepted: tuple[Accepted, ...]


def is_library_here() -> bool:
    """Whether django-migration-linter is installed, as it is in development."""
    return find_spec(LIBRARY) is not None


def lint(
    *,
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    baseline: Baseline,
    wanted: Wanted,
    is_each: bool = False,
) -> Report:
    """Judge the wanted migrations that `baseline` lacks; with `is_each`, every one as if it were a release."""
    state = baseline.state(loader)
    released: Tables = tables_of(state)
    read, findings, accepted = [], [], []
    for migration in _unreleased(loader, baseline):
        released = tables_of(state) if is_each else released
        is_read = is_ours(migration) and wanted(migration)
        steps = list(_steps(connection, migration, state, released if is_read else {}))
        if is_read:
            read.append(migration)
            unvalidated = _unvalidated(loader, migration)
            broken = [*_by_statement(connection, steps, unvalidated), *_by_series(steps), *_by_library(steps)]
            found, answered = _answered(migration, broken)
            findings += found
            accepted += answered
    return Report(baseline.name, tuple(read), tuple(findings), tuple(accepted))


def _unreleased(loader: MigrationLoader, baseline: Baseline) -> Iterator[Migration]:
    seen = set(baseline.nodes)
    for leaf in loader.graph.leaf_nodes():
        for node in loader.graph.forwards_plan(leaf):
            if node not in seen:
                seen.add(node)
                yield loader.graph.nodes[node]


def _steps(
    connection: BaseDatabaseWrapper, migration: Migration, state: ProjectState, released: Tables
) -> Iterator[Step]:
    """Walks `state` over the migration; without live tables there is no SQL to look at."""
    source = Source(migration)
    for operation, span in zip(migration.operations, source.spans, strict=True):
        before = state.clone() if released else state
        operation.state_forwards(migration.app_label, state)
        statements = statements_of(connection, migration, operation, (before, state)) if released else ()
        yield Step(migration, operation, span, before, statements, released)


def _by_statement(
    connection: BaseDatabaseWrapper, steps: Sequence[Step], unvalidated: frozenset[str]
) -> Iterator[Broken]:
    for step in steps:
        bench = Bench(connection, step, unvalidated)
        unsuspected = []
        for statement in step.live:
            rules = [rule for judge in JUDGES if (rule := judge(bench, statement))]
            for rule in rules:
                yield step, rule, _about(statement)
            if not rules and not CLEARED.search(statement.text):
                unsuspected.append(statement.text)
        if unsuspected and is_library_here():
            for rule in import_string("apps.operations.migrating.second_opinion.opinion_on_sql")(unsuspected):
                yield step, rule, f"says {LIBRARY}"


def _about(statement: Statement) -> str:
    return ".".join(part for part in (statement.table, statement.column) if part)


def _by_series(steps: Sequence[Step]) -> Iterator[Broken]:
    for rule in SERIES_RULES:
        yield from rule(steps)


def _by_library(steps: Sequence[Step]) -> Iterator[Broken]:
    if not is_library_here():
        return
    opinion: Callable[[Any], Iterator[str]] = import_string("apps.operations.migrating.second_opinion.opinion_on_code")
    for step in steps:
        for part in parts(step.operation):
            if isinstance(part, RunPython):
                for rule in opinion(part.code):
                    yield step, rule, getattr(part.code, "__name__", "")


def _unvalidated(loader: MigrationLoader, migration: Migration) -> frozenset[str]:
    """Constraints that an earlier migration added NOT VALID and none validated."""
    added: set[str] = set()
    validated: set[str] = set()
    itself = (migration.app_label, migration.name)
    for node in loader.graph.forwards_plan(itself):
        for operation in loader.graph.nodes[node].operations if node != itself else ():
            for part in parts(operation):
                if isinstance(part, AddConstraintNotValid):
                    added.add(part.constraint.name)
                elif isinstance(part, ValidateConstraint):
                    validated.add(part.name)
                elif isinstance(part, RunSQL):
                    validated |= {name for sql in sql_of(part) for name in VALIDATE.findall(sql)}
    return frozenset(added - validated)


def _answered(migration: Migration, broken: Sequence[Broken]) -> tuple[list[Finding], list[Accepted]]:
    """Findings that the file answers for move to the other list; what answers nothing is a finding itself."""
    source = Source(migration)
    findings: dict[tuple[int, str], Finding] = {}
    accepted: dict[tuple[int, str], Accepted] = {}
    used = set()
    for step, rule, detail in broken:
        finding = Finding(migration, source.shown, step.span.first, rule, detail)
        answers = [one for one in source.suppressions if one.rule == rule and not one.fault]
        answer = next((one for one in answers if source.covers(one, step.span)), None)
        key = (step.span.first, rule)
        if answer is None:
            findings.setdefault(key, finding)
        else:
            used.add(answer)
            accepted.setdefault(key, Accepted(finding, answer.reason))
    for one in source.suppressions:
        if fault := one.fault or ("" if one in used else "it silences nothing here"):
            findings[one.line, "suppression"] = Finding(migration, source.shown, one.line, "suppression", fault)
    return sorted(findings.values(), key=lambda one: one.line), list(accepted.values())
