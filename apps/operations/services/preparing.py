"""An empty database becomes a shop: migrated, then filled."""

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.operations.progress import Progress
from apps.operations.services.seeding import Loaded, seed_demo


def load_shop() -> Loaded:
    """Bring the database to this release and load what of the demo shop is missing; raises `CommandError`."""
    try:
        connection.ensure_connection()
    except (OperationalError, RuntimeError) as error:
        raise CommandError(f"The database cannot be reached. {str(error).splitlines()[0]}") from None
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with Progress("Preparing the database"):
            call_command("migrate", verbosity=0, interactive=False)
    with Progress("Loading the demo shop") as progress:
        return seed_demo(on_step=progress.step)
