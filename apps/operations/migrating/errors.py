"""Why migrating or linting ended early; each message is shown to a person as it is."""


class CannotMigrate(Exception):
    """Nothing was begun and nothing was changed."""


class MigrationStopped(Exception):
    """A migration failed; what was applied before it stays applied."""


class CannotLint(Exception):
    """The migrations could not be judged, which is not the same as finding nothing."""
