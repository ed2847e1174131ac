"""How the schema is brought to a release (`manage.py migrate_safely`, docs/migrations.md)."""

from pydantic import SecretStr

from config.variables.naming import Variables, named


class MigrationVariables(Variables):
    run_migrations: bool = named(
        True,
        "RUN_MIGRATIONS",
        help="The container applies waiting migrations before it serves; 0 where a step before the deployment does.",
    )
    migration_database_url: SecretStr = named(
        SecretStr(""),
        "MIGRATION_DATABASE_URL",
        help="The database's direct address, for migrations alone: needed where DATABASE_URL leads through a pooler.",
    )
    migration_lock_timeout_ms: int = named(
        5_000,
        "MIGRATION_LOCK_TIMEOUT_MS",
        help="How long a migration waits for a lock, and so how long traffic may queue behind it.",
        ge=50,
        le=60_000,
    )
    migration_statement_timeout_ms: int = named(
        3_600_000, "MIGRATION_STATEMENT_TIMEOUT_MS", help="The longest one statement of a migration may take.", ge=1_000
    )
    migration_attempts: int = named(
        10, "MIGRATION_ATTEMPTS", help="How often a migration that got no lock is tried.", ge=1, le=100
    )
    migration_wait_seconds: int = named(
        600, "MIGRATION_WAIT_SECONDS", help="How long a second migrator waits for the first one.", ge=0, le=86_400
    )
