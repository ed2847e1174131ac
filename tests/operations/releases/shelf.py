"""Migrations of `parcels` written by a test, loaded without installing the app anywhere."""

import sys
from importlib import import_module, invalidate_caches
from itertools import count

from django.db.migrations.loader import MigrationLoader

from apps.operations.migrating.linting import lint
from apps.operations.migrating.releases import Baseline

IMPORTS = """\
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import *
from django.db import migrations, models
from core.backfills import backfill
class Migration(migrations.Migration):
"""
BASE = """\
operations = [
    migrations.CreateModel("Depot", [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=60)),
    ]),
    migrations.CreateModel("Parcel", [
        ("id", models.BigAutoField(primary_key=True)),
        ("code", models.CharField(max_length=20)),
        ("note", models.TextField()),
        ("weight", models.IntegerField(null=True)),
        ("priority", models.IntegerField(db_default=0)),
        ("fax", models.CharField(max_length=20, null=True)),
    ]),
    migrations.AddIndex("parcel", models.Index(fields=["weight"], name="parcel_weight")),
]
"""
_numbers = count()


class Loader(MigrationLoader):
    """Knows the shelf's migrations and no others."""

    def __init__(self, connection, modules):
        self.modules = modules
        super().__init__(connection)

    def load_disk(self):
        self.disk_migrations = {
            ("parcels", name): module.Migration(name, "parcels") for name, module in self.modules.items()
        }
        self.migrated_apps, self.unmigrated_apps = {"parcels"}, set()


class Shelf:
    """`add` writes a migration after the last one; `release` makes all of them a release."""

    def __init__(self, folder, monkeypatch, base=BASE):
        self.package = f"shelf_{next(_numbers)}"
        self.folder = folder / self.package
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()
        monkeypatch.syspath_prepend(folder)
        self.modules, self.released = {}, frozenset()
        self.add(base)
        self.release()

    def add(self, body):
        name = f"{len(self.modules) + 1:04}_step"
        last = f"[('parcels', '{list(self.modules)[-1]}')]" if self.modules else "[]"
        lines = [f"    {line}" if line else "" for line in f"dependencies = {last}\n{body}".splitlines()]
        (self.folder / f"m{name}.py").write_text(IMPORTS + "\n".join(lines) + "\n")
        invalidate_caches()
        self.modules[name] = import_module(f"{self.package}.m{name}")
        return name

    def release(self):
        self.released = frozenset(("parcels", name) for name in self.modules)

    def lint(self, connection, **options):
        baseline = Baseline("1.0.0", self.released)
        loader = Loader(None, self.modules)
        return lint(connection=connection, loader=loader, baseline=baseline, wanted=lambda _: True, **options)

    def rules(self, connection):
        return {finding.rule for finding in self.lint(connection).findings}

    def forget(self):
        """Its modules leave this process."""
        for name in [name for name in sys.modules if name.startswith(self.package)]:
            del sys.modules[name]
