"""The database as a migrator reaches it: directly, patient with its own work and impatient with locks."""

from typing import Any

from config.database import database
from config.env import Env


def migration_database(env: Env) -> dict[str, Any]:
    """The `default` entry of DATABASES while `migrate_safely` runs."""
    direct = env.migration_database_url
    entry = database(env.model_copy(update={"database_url": direct}) if direct.get_secret_value() else env)
    limits = (
        f"-c statement_timeout={env.migration_statement_timeout_ms}",
        f"-c lock_timeout={env.migration_lock_timeout_ms}",
        # A migrator that was killed must not go on inside the server.
        "-c client_connection_check_interval=1s",
    )
    # Last, because the last one counts.
    entry["OPTIONS"] = {**entry["OPTIONS"], "options": " ".join((entry["OPTIONS"]["options"], *limits))}
    return {**entry, "CONN_MAX_AGE": None}
