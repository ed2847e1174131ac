"""The database the release goes to: read through a session that cannot write."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from django.utils.module_loading import import_string

from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.given import Given

READ_ONLY = "-c default_transaction_read_only=on"
UNNAMED = (
    "No database is named: set DATABASE_URL to the target's, give its settings by --env-file, or look at the rest with "
    "--repository-only."
)


def target_entry(given: Given) -> Mapping[str, Any]:
    """Django's entry for the target, in sessions that cannot write; raises `CannotCheck` where none is named."""
    described = connections.settings[DEFAULT_DB_ALIAS]
    if given.is_file:
        ours = {name: value for name, value in described.items() if name != "EMBEDDED"}
        described = {**ours, **import_string("config.database.database")(given.loaded())}
    if _is_nowhere(described):
        raise CannotCheck(UNNAMED)
    options = described["OPTIONS"]
    # Last, because the last one counts.
    limited = {**options, "options": f"{options.get('options', '')} {READ_ONLY}".strip()}
    return {**described, "OPTIONS": limited, "CONN_MAX_AGE": 0}


def _is_nowhere(entry: Mapping[str, Any]) -> bool:
    """The embedded server that was never started: looking at it would make it."""
    env = entry.get("EMBEDDED")
    return env is not None and not env.testing and not (settings.DATA_DIR / "postgres" / "cluster").exists()


def target_shown(entry: Mapping[str, Any]) -> str:
    """For people: what and where, without a password."""
    return f"{entry['NAME']} on {entry['HOST'] or 'this machine'}"


@contextmanager
def reading(entry: Mapping[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """Make the target `default` for this thread, until the end; raises `CannotCheck` when it is out of reach."""
    own = load_backend(entry["ENGINE"]).DatabaseWrapper(dict(entry), DEFAULT_DB_ALIAS)
    ordinary = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = own
    try:
        try:
            own.ensure_connection()
        except (OperationalError, InterfaceError, RuntimeError) as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise CannotCheck(f"The database {target_shown(entry)} cannot be reached. {said}") from None
        yield own
    finally:
        own.close()
        connections[DEFAULT_DB_ALIAS] = ordinary


def is_empty(connection: BaseDatabaseWrapper) -> bool:
    """Nothing of ours is there yet, as before a first deployment."""
    with connection.cursor() as cursor:
        return "django_migrations" not in connection.introspection.table_names(cursor)
