"""A real PostgreSQL that belongs to the project folder, for laptops and tests; production brings its own.

The server is shared by every process that asks for it and ends with the last of them, however they end.
"""

from config.embedded_postgres.binaries import bin_dir
from config.embedded_postgres.errors import EmbeddedPostgresUnavailable
from config.embedded_postgres.membership import Membership, join, throwaway

__all__ = ["EmbeddedPostgresUnavailable", "Membership", "bin_dir", "join", "throwaway"]
