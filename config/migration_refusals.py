"""Settings of migrations that cannot be right."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit


def migration_problems(values: Mapping[str, str]) -> Iterator[str]:
    """The direct address, where one is given, is PostgreSQL's; it holds a password and stays out of the sentence."""
    if not (given := values.get("MIGRATION_DATABASE_URL", "")):
        return
    try:
        parts = urlsplit(given)
        is_right = parts.scheme in {"postgres", "postgresql"} and (parts.port is None or parts.port > 0)
    except ValueError:
        is_right = False
    if not is_right:
        yield (
            "MIGRATION_DATABASE_URL is no address of PostgreSQL: write it as "
            "postgresql://user:password@host:5432/name; or leave it unset where DATABASE_URL is direct."
        )
