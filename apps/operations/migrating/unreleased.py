"""The linter over this repository: what to judge, and against which release."""

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.exceptions import NodeNotFoundError
from django.db.migrations.loader import MigrationLoader

from apps.operations.migrating.errors import CannotLint
from apps.operations.migrating.linting import Report, lint
from apps.operations.migrating.releases import NOTHING, Baseline, last_release, release_at
from apps.operations.migrating.sessions import reach


def lint_unreleased(
    *, connection: BaseDatabaseWrapper, app: str = "", name: str = "", since: str = "", is_each: bool = False
) -> Report:
    """Judge what the last release lacks: that of `docs/releases/`, or a git reference. `is_each` judges everything.

    Raises `CannotLint`; `CannotMigrate` without a database, whose version decides on some of the SQL.
    """
    loader = open_loader()
    if app and app not in {config.label for config in apps.get_app_configs()}:
        raise CannotLint(f"There is no app {app}.")
    baseline = _baseline(loader, since=since, is_each=is_each)
    reach(connection)

    def wanted(migration: Migration) -> bool:
        return app in {"", migration.app_label} and migration.name.startswith(name)

    return lint(connection=connection, loader=loader, baseline=baseline, wanted=wanted, is_each=is_each)


def _baseline(loader: MigrationLoader, *, since: str, is_each: bool) -> Baseline:
    if since:
        return release_at(ref=since, loader=loader)
    return NOTHING if is_each else last_release(loader=loader)


def open_loader() -> MigrationLoader:
    """All migrations on disk; raises `CannotLint`."""
    try:
        return MigrationLoader(None, ignore_no_migrations=True)
    except NodeNotFoundError as error:
        raise CannotLint(f"The migrations do not fit together. {error}") from None
