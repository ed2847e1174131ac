"""A checkout of the small app `parcels` in a folder, with processes that run from it on a database of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from apps.operations.migrating.errors import CannotLint
from apps.operations.migrating.releases import git_bytes
from config import embedded_postgres
from config.env import ROOT

HERE = Path(__file__).resolve().parent


def _has_history():
    try:
        return bool(git_bytes("rev-parse", "HEAD"))
    except CannotLint:
        return False


needs_history = pytest.mark.skipif(not _has_history(), reason="no git, or not a checkout: no earlier release to take")


class Database:
    """A database on the server that this test process has anyway; empty, or a copy of another one."""

    def __init__(self, name, like="template1"):
        self.name = name
        membership = embedded_postgres.throwaway(settings.DATA_DIR / "throwaway")
        self.parameters, server = membership.params(), membership.url
        with psycopg.connect(server, autocommit=True) as line:
            line.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            line.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        self.url = server.replace("/hanout?", f"/{name}?")

    def connect(self, **options):
        return psycopg.connect(self.url, **{"autocommit": True, **options})

    def ask(self, sql, *values):
        with self.connect() as line:
            answer = line.execute(sql, values)
            return answer.fetchall() if answer.description else []

    def wait_for(self, sql, *values):
        """Until the query has rows."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if rows := self.ask(sql, *values):
                return rows
            time.sleep(0.02)
        raise AssertionError(f"never: {sql}")

    def applied(self):
        return [name for (name,) in self.ask("SELECT name FROM django_migrations ORDER BY id")]

    def columns(self):
        return {
            name
            for (name,) in self.ask(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'parcels_parcel'::regclass "
                "AND attnum > 0 AND NOT attisdropped"
            )
        }


class Checkout:
    """One state of the code: a release's models, and migrations up to a number."""

    def __init__(self, folder, database, *, release="first", upto=1):
        self.folder, self.database = folder, database
        self.package = folder / "parcels"
        (self.package / "migrations").mkdir(parents=True)
        for path in (self.package, self.package / "migrations"):
            (path / "__init__.py").touch()
        for source in (HERE / release).glob("*.py"):
            shutil.copy(source, self.package)
        for source in sorted((HERE / "migrations").glob("0*.py"))[:upto]:
            shutil.copy(source, self.package / "migrations")

    def migration(self, name, operations, *, after="0001_initial", atomic=True):
        """Adds a migration of these operations, given as source."""
        (self.package / "migrations" / f"{name}.py").write_text(
            "import os\n"
            "from django.contrib.postgres.operations import *\n"
            "from django.db import migrations, models\n"
            "from django.db.migrations import *\n"
            "class Migration(migrations.Migration):\n"
            f"    atomic = {atomic}\n"
            f"    dependencies = [('parcels', '{after}')]\n"
            f"    operations = [{operations}]\n"
        )

    def start(self, program, *arguments, **environ):
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        kept |= {
            "PYTHONPATH": f"{self.folder}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "tests.operations.releases.settings",
            "DATABASE_URL": self.database.url,
            "HANOUT_DATA_DIR": str(self.folder / "data"),
            **environ,
        }
        pipe = subprocess.PIPE
        command = [sys.executable, str(HERE / program), *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=kept, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def migrate(self, *arguments, **environ):
        """`migrate_safely` to its end: exit code and everything said."""
        process = self.start("manage.py", "migrate_safely", *arguments, **environ)
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err


@cache
def release_n():
    """The name of a database that holds release N, made once in a test process."""
    with tempfile.TemporaryDirectory() as folder:
        made = Checkout(Path(folder) / "code", Database("release_n"))
        status, said = made.migrate()
        assert status == 0, said
    return made.database.name
