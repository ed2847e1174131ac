"""A shop in a database of its own, because a backup sees only what is committed; and a place for its backups."""

import os
import secrets
import subprocess
import sys
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection

from apps.accounts.models import User
from apps.operations.backups.address import live_address
from apps.operations.backups.stores import FolderStore
from apps.operations.backups.targets import Target
from apps.operations.services.backups import make_backup
from apps.orders import services as orders
from config.env import ROOT
from tests.factories.products import ProductFactory

KEY = bytes(range(32))
ADDRESS = {"full_name": "Layla", "phone": "+966500000000", "city": "Riyadh", "country": "SA", "address_line1": "1"}


@pytest.fixture(scope="session")
def migrated(django_db_setup, django_db_blocker):
    """A database to copy: the tests' own, or another where no test of this run wanted that one."""
    with django_db_blocker.unblock():
        if "django_migrations" not in connection.introspection.table_names():
            call_command("migrate", verbosity=0)
        connection.close()
        return connection.settings_dict["NAME"]


@pytest.fixture(scope="module")
def shop(migrated, django_db_blocker):
    """The default connection leads to a copy of the test database with a product, an order and Arabic in it."""
    with django_db_blocker.unblock():
        name = f"shop_{secrets.token_hex(4)}"
        connection.close()
        run(f'CREATE DATABASE "{name}" TEMPLATE "{migrated}"')
        connection.settings_dict["NAME"] = name
        try:
            fill()
            yield name
        finally:
            connection.close()
            connection.settings_dict["NAME"] = migrated
            for left in databases(name):
                run(f'DROP DATABASE "{left}" WITH (FORCE)')


def fill():
    product = ProductFactory(name='كوب "قهوة"', stock=5)
    user = User.objects.create_user(phone="+966500000000")
    orders.place_order(
        user=user,
        basket=[orders.BasketLine(product.pk, None, 2)],
        addresses=orders.Addresses(ADDRESS, ADDRESS),
    )


def server():
    """A connection to the server that is in nobody's way."""
    return live_address().to("postgres").connect()


def run(statement, *values):
    with server() as admin:
        found = admin.execute(statement, values or None)
        return found.fetchall() if found.description else []


def databases(beginning):
    return sorted(name for (name,) in run("SELECT datname FROM pg_database WHERE datname LIKE %s", beginning + "%"))


def asked(database, question):
    with live_address().to(database).connect() as reader:
        reader.execute("SET search_path = public")
        return reader.execute(question).fetchall()


def url():
    """How a process of its own reaches the shop."""
    params = live_address().params
    return f"postgres://{params['user']}@/{params['dbname']}?host={params['host']}&port={params['port']}"


def environ(**given):
    """What a process of its own needs to reach the shop."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "DATABASE_URL": url(), "LOG_LEVEL": "ERROR", **given}


def start(*command, **given):
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environ(**given),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run_in_shop(*statements):
    with live_address().connect() as line:
        for statement in statements:
            line.execute(statement)


@pytest.fixture
def target(shop, settings, tmp_path):
    """An empty folder for backups, and no key."""
    folder = tmp_path / "backups"
    settings.BACKUP_STORE = {
        "BACKEND": "apps.operations.backups.stores.FolderStore",
        "OPTIONS": {"folder": folder},
    }
    settings.BACKUP_KEY, settings.BACKUP_KEYS = b"", []
    return Target(FolderStore(folder))


@pytest.fixture
def key(settings, target):
    settings.BACKUP_KEY, settings.BACKUP_KEYS = KEY, [KEY]
    return KEY


@dataclass
class Files:
    """One backup, made once a module, to be laid out and damaged by each test."""

    plain: bytes
    encrypted: bytes
    name: str = "hanout-20261121T020000Z.backup"

    def lay_out(self, target, content, name=""):
        target.store.put(name or self.name, [content])
        return name or self.name


@pytest.fixture(scope="module")
def files(shop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    store = {"BACKEND": "apps.operations.backups.stores.FolderStore", "OPTIONS": {"folder": folder}}
    made = {}
    for key in (b"", KEY):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.conf.settings.BACKUP_STORE", store)
            patch.setattr("django.conf.settings.BACKUP_KEY", key)
            patch.setattr("django.conf.settings.BACKUP_KEYS", [key] if key else [])
            made[key] = (folder / make_backup().stored.name).read_bytes()
    return Files(made[b""], made[KEY])
