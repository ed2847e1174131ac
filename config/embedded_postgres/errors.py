"""Why there is no embedded PostgreSQL, in words that say what to do about it."""


class EmbeddedPostgresUnavailable(RuntimeError):
    """The message is shown to a person as it is."""
