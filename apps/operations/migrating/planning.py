"""What `migrate_safely` would do, for people to read first."""

from dataclasses import dataclass

from apps.operations.migrating.linting import lint
from apps.operations.migrating.releases import Baseline
from apps.operations.migrating.sessions import migrating_connection
from apps.operations.migrating.waiting import named, open_executor, waiting


@dataclass(frozen=True)
class Plan:
    """The waiting migrations by name, and in full: their steps and what the linter has against them."""

    names: tuple[str, ...]
    lines: tuple[str, ...]


def waiting_names() -> tuple[str, ...]:
    """The waiting migrations in their order; raises `CannotMigrate`."""
    with migrating_connection() as connection:
        return tuple(named(migration) for migration in waiting(open_executor(connection)))


def plan_waiting() -> Plan:
    """Judged against what this database holds, which is what runs on it. Raises `CannotMigrate`."""
    with migrating_connection() as connection:
        executor = open_executor(connection)
        plan = waiting(executor)
        applied = frozenset(node for node in executor.loader.applied_migrations if node in executor.loader.graph.nodes)
        report = lint(
            connection=connection,
            loader=executor.loader,
            baseline=Baseline("this database", applied),
            wanted=lambda migration: migration in plan,
        )
        lines: list[str] = []
        for migration in plan:
            lines.append(named(migration))
            lines += [f"  {operation.describe()}" for operation in migration.operations]
            lines += [f"  ! {finding.text}" for finding in report.findings if finding.migration == migration]
            lines += [f"  ~ {one.text}" for one in report.accepted if one.finding.migration == migration]
        return Plan(tuple(named(migration) for migration in plan), tuple(lines))
