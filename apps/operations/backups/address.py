"""Where a database is, in libpq's words: as Django reaches it, or another one on the same server."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo
from psycopg.types.json import Jsonb

from apps.operations.errors import DatabaseRefused

# Texts are compared across servers, so nobody's preferences may shape them; and no limit of the web's ends a backup.
_SESSION = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "60s",
    "timezone": "UTC",
    "datestyle": "ISO,YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "search_path": "pg_catalog",
    "row_security": "off",
}
_PLACE = ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
_SET = "SELECT set_config(key, value, false) FROM jsonb_each_text(%s)"
_KEYWORDS = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Address:
    """A database; never printed, because it holds a password."""

    params: Mapping[str, str]

    @property
    def database(self) -> str:
        return self.params["dbname"]

    @property
    def shown(self) -> str:
        """For people: what and where, without password."""
        return f"{self.database} on {self.params.get('host') or 'this machine'}"

    def to(self, database: str) -> "Address":
        """Another database of the same server."""
        return Address({**self.params, "dbname": database})

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection of its own, in autocommit; raises `DatabaseRefused`."""
        try:
            opened = psycopg.connect(make_conninfo("", **self.params), autocommit=True)
        except psycopg.Error as error:
            raise DatabaseRefused(f"The database {self.shown} cannot be reached. {first_line(error)}") from None
        opened.execute(_SET, [Jsonb(_SESSION)])
        return opened

    @property
    def conninfo(self) -> str:
        """For a program's command line, which everybody on the machine may read: without the password."""
        return make_conninfo("", **{name: value for name, value in self.params.items() if name != "password"})

    @property
    def environ(self) -> dict[str, str]:
        """For a program of PostgreSQL: the password, and nothing of ours that it does not need."""
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        password = {"PGPASSWORD": self.params["password"]} if self.params.get("password") else {}
        return {**kept, **password, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}


def live_address() -> Address:
    """The shop's own database, as the settings name it; starts the embedded server where that is meant."""
    try:
        given = _direct().get_connection_params()
    except RuntimeError as error:  # EmbeddedPostgresUnavailable
        raise DatabaseRefused(str(error)) from None
    return Address({name: str(value) for name, value in given.items() if name in _KEYWORDS and value not in {None, ""}})


def _direct() -> Any:
    """The way past a pooler, where one is named: a session that changes hands keeps neither locks nor settings."""
    if not settings.ENV.migration_database_url.get_secret_value():
        return connection
    return DatabaseWrapper({**connection.settings_dict, **{name: settings.MIGRATION_DATABASE[name] for name in _PLACE}})


def first_line(error: BaseException) -> str:
    """What PostgreSQL said, short."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
