"""What several tests of operations stand on."""

import pytest

from config import embedded_postgres
from tests.conftest import RedisServer
from tests.operations.releases.shelf import Shelf
from tests.production import GOOD


@pytest.fixture(scope="module")
def _database(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def shelf(_database, tmp_path, monkeypatch):
    made = Shelf(tmp_path, monkeypatch)
    yield made
    made.forget()


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    database = embedded_postgres.join(tmp_path_factory.mktemp("database"))
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    yield database, redis
    redis.stop()
    database.leave()


@pytest.fixture(scope="module")
def environ(parts):
    """All production demands, and nothing it forbids."""
    database, redis = parts
    return {
        "PRODUCTION": "true",
        **GOOD,
        "ALLOWED_HOSTS": "shop.test",
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "TRUSTED_PROXY_COUNT": "1",
        "HEALTH_STARTUP_GATE": "1",
        "SHUTDOWN_DELAY_SECONDS": "0",
    }
