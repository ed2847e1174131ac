"""The variables of `migrate_safely`."""

import pytest

from config.database import STATEMENT_TIMEOUT_MS
from config.database.migrating import migration_database
from config.env import Env
from config.refusals import SettingsRefused


def test_migrations_have_limits_of_their_own_which_count_because_they_come_last():
    env = Env.load({"DATABASE_URL": "postgresql://shop@db.internal/shop?options=-c%20lock_timeout%3D1"})
    options = migration_database(env)["OPTIONS"]["options"]
    assert options.startswith(f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout=1 ")
    assert options.endswith("-c statement_timeout=3600000 -c lock_timeout=5000 -c client_connection_check_interval=1s")


def test_the_direct_address_replaces_the_other_one_for_migrations_alone():
    env = Env.load(
        {
            "DATABASE_URL": "postgresql://shop@pooler.internal:6432/shop",
            "MIGRATION_DATABASE_URL": "postgresql://owner:pa%40ss@db.internal:5433/shop",
        }
    )
    entry = migration_database(env)
    assert (entry["HOST"], entry["PORT"], entry["USER"], entry["PASSWORD"]) == ("db.internal", "5433", "owner", "pa@ss")


def test_without_an_address_the_embedded_server_is_migrated():
    assert migration_database(Env.load({}))["ENGINE"] == "config.database.embedded"


@pytest.mark.parametrize("given", ["mysql://hunter2@db/shop", "hunter2", "postgresql://a:hunter2@db:port/shop"])
def test_an_address_that_is_none_of_postgresql_is_refused_without_being_shown(given):
    with pytest.raises(SettingsRefused) as refused:
        Env.load({"MIGRATION_DATABASE_URL": given})
    assert "MIGRATION_DATABASE_URL is no address of PostgreSQL" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIGRATION_LOCK_TIMEOUT_MS", "0"),  # PostgreSQL would wait for ever
        ("MIGRATION_LOCK_TIMEOUT_MS", "120000"),
        ("MIGRATION_STATEMENT_TIMEOUT_MS", "0"),
        ("MIGRATION_ATTEMPTS", "0"),
        ("MIGRATION_WAIT_SECONDS", "-1"),
        ("RUN_MIGRATIONS", "perhaps"),
    ],
)
def test_a_limit_that_is_none_is_refused(name, value):
    with pytest.raises(SettingsRefused, match=name):
        Env.load({name: value})
