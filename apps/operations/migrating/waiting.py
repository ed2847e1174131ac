"""Which migrations of this release the database has not seen."""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor

from apps.operations.migrating.errors import CannotMigrate


def named(migration: Migration) -> str:
    """As `manage.py migrate` takes it apart: app and name."""
    return f"{migration.app_label}.{migration.name}"


def open_executor(connection: BaseDatabaseWrapper) -> MigrationExecutor:
    """Django's executor over a history that makes sense; raises `CannotMigrate`."""
    try:
        executor = MigrationExecutor(connection)
        executor.loader.check_consistent_history(connection)
    except (InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise CannotMigrate(f"The migrations do not fit together. {error}") from None
    if conflicts := executor.loader.detect_conflicts():
        listed = "; ".join(f"{app}: {', '.join(names)}" for app, names in sorted(conflicts.items()))
        raise CannotMigrate(f"Two last migrations in one app ({listed}): merge them with makemigrations --merge.")
    return executor


def waiting(executor: MigrationExecutor) -> list[Migration]:
    """In the order they will run."""
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
