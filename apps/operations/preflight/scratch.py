"""Databases to rehearse on: a throwaway server of this machine, gone when preflight ends; never the target's."""

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.utils.module_loading import import_string
from psycopg import sql

from apps.operations.migrating.checkouts import CannotProve, Checkout, check_out
from apps.operations.migrating.visiting import NotAsItShouldBe
from apps.operations.preflight.children import last_lines
from apps.operations.preflight.errors import CannotCheck

MIGRATE_SECONDS = 300


@dataclass(frozen=True)
class Migrated:
    """A database that the code of `refs`, one after the other, brought to its schema."""

    name: str
    refs: tuple[str, ...]
    migrations: int
    seconds: float


class Scratch:
    """Makes databases when they are asked for, and drops all of them in `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[str] = []
        self._migrated: dict[tuple[str, ...], Migrated | NotAsItShouldBe] = {}

    @cached_property
    def _server(self) -> str:
        try:
            return str(import_string("config.embedded_postgres.throwaway")(settings.DATA_DIR / "throwaway").url)
        except RuntimeError as error:  # EmbeddedPostgresUnavailable
            raise CannotCheck(
                f"There is no PostgreSQL here to rehearse on: pip install -r requirements/dev.txt. {error}"
            ) from None

    @cached_property
    def version(self) -> str:
        """Which PostgreSQL that is."""
        with psycopg.connect(self._server, autocommit=True) as line:
            ((told,),) = line.execute("SHOW server_version").fetchall()
        return str(told)

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._server)._replace(path=f"/{name}"))

    def migrated(self, *refs: str) -> Migrated:
        """A database brought to the schema of each ref in turn, once a run.

        Raises `CannotCheck`, and `NotAsItShouldBe` when a migration fails.
        """
        with self._lock:
            if refs not in self._migrated:
                self._migrated[refs] = self._migrate(refs)
            found = self._migrated[refs]
        if isinstance(found, NotAsItShouldBe):
            raise found
        return found

    @contextmanager
    def copied(self, migrated: Migrated, *, is_for_tests: bool = False) -> Iterator[str]:
        """The address of a copy that may be written to; tests ask for one they are let loose on, which is empty."""
        with self._lock:
            name = self._create(like=migrated.name, prefix="test_" if is_for_tests else "")
        yield self.url(name)

    def close(self) -> None:
        with suppress(psycopg.Error):  # a server that is gone took its databases along
            while self._made:
                self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", self._made.pop())

    def _migrate(self, refs: tuple[str, ...]) -> Migrated | NotAsItShouldBe:
        name, begun = self._create(like="template1"), time.monotonic()
        for ref in refs:
            with checked_out(ref, self.url(name)) as code:
                # Only how the new one migrates is what is rehearsed; an old release may know no better way.
                command = ("migrate_safely",) if ref == refs[-1] else ("migrate", "--no-input")
                try:
                    done = code.run("manage.py", *command, seconds=MIGRATE_SECONDS)
                except NotAsItShouldBe as late:
                    return late
            if done.returncode:
                said = " ".join(last_lines(done.stderr or done.stdout, 3))
                return NotAsItShouldBe(f"The migrations of {ref} fail. {said}")
        with psycopg.connect(self.url(name), autocommit=True) as line:
            ((count,),) = line.execute("SELECT count(*) FROM django_migrations").fetchall()
        return Migrated(name, refs, int(count), time.monotonic() - begun)

    def _create(self, *, like: str, prefix: str = "") -> str:
        name = f"{prefix}preflight_{os.getpid()}_{id(self) % 10000}_{len(self._made) + 1}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, like)
        self._made.append(name)
        return name

    def _run(self, statement: Any, *names: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as line:
            line.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def checked_out(ref: str, database_url: str) -> Iterator[Checkout]:
    """The files of a commit in a folder of their own, on that database; raises `CannotCheck`."""
    with tempfile.TemporaryDirectory(prefix="hanout-preflight-") as folder:
        try:
            code = check_out(ref=ref, home=Path(folder), database_url=database_url)
        except CannotProve as error:
            raise CannotCheck(str(error)) from None
        yield code
