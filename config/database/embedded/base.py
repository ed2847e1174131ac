"""PostgreSQL's engine, which starts or joins the embedded server at the first connection."""

from typing import Any

from django.db.backends.postgresql import base

from config import embedded_postgres


class DatabaseWrapper(base.DatabaseWrapper):
    """Connecting is the moment the server is needed: commands that never connect never start one."""

    def get_connection_params(self) -> dict[str, Any]:
        env = self.settings_dict["EMBEDDED"]
        if env.testing:
            server = embedded_postgres.throwaway(env.data_dir / "throwaway")
        else:
            server = embedded_postgres.join(env.data_dir / "postgres")
        return {**super().get_connection_params(), **server.params(), "dbname": self._dbname()}

    def _dbname(self) -> str:
        return self.settings_dict["NAME"] or "postgres"
