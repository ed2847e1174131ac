"""Servers to attack: real processes on one PostgreSQL and one Redis, started when first asked for, then shared."""

import hashlib

import psycopg
import pytest

from config import embedded_postgres
from tests.chaos.doors import TESTERS, Door
from tests.conftest import RedisServer
from tests.processes import manage

BYPASSED = "+966599000001"
(KEY,) = TESTERS.values()
STAGING = {
    "ENVIRONMENT": "staging",
    "TRUSTED_PROXY_COUNT": "1",
    "OTP_TEST_MODE": "1",
    "OTP_TEST_KEY": KEY,
    "OTP_COOLDOWN_SECONDS": "0",  # nobody waits a minute here, the attacker least of all
    "COLLECT_STATIC": "0",
    "ANONYMOUS_CALLS_PER_MINUTE": "0",  # what is attacked are the limits behind it
    "PERSON_CALLS_PER_MINUTE": "0",
}
DEVELOPMENT = {"OTP_TEST_MODE": "1", "OTP_TEST_KEY": KEY, "OTP_COOLDOWN_SECONDS": "0", "OTP_IP_HOURLY_LIMIT": "0"}


@pytest.fixture(scope="session")
def database(tmp_path_factory):
    server = embedded_postgres.join(tmp_path_factory.mktemp("database"))
    manage(tmp_path_factory.mktemp("migrate") / "data", "migrate", DATABASE_URL=server.url)
    yield server
    server.leave()


@pytest.fixture(scope="session")
def redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sql(database):
    """Rows of a statement, seen and changed behind the servers' backs."""
    with psycopg.connect(database.url, autocommit=True) as connection:

        def run(statement, *values):
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture(scope="session")
def environ(database, redis):
    """What every process of these tests is given."""
    return {
        "DATABASE_URL": database.url,
        "REDIS_URL": redis.url,
        "SECRET_KEY": hashlib.sha512(b"one key, so that all read each other's tokens").hexdigest(),
    }


@pytest.fixture(scope="session")
def open_door(environ, tmp_path_factory):
    """Starts servers by name; all end with the session."""
    started = []

    def start(name, **given):
        started.append(Door(tmp_path_factory.mktemp(name) / "data", **{**environ, **given}))
        return started[-1].wait_until_open()

    yield start
    for door in started:
        door.end()


@pytest.fixture(scope="session")
def staging(open_door):
    """Two workers behind a proxy, with the testers' header, and the bypass for one phone."""
    bypass = {"OTP_APP_BYPASS": "1", "OTP_APP_BYPASS_ALLOWLIST": f"00{BYPASSED[1:]}"}
    return open_door("staging", **STAGING, **bypass, WEB_CONCURRENCY="2")


@pytest.fixture(scope="session")
def generous(open_door):
    """Like staging, where a phone is texted as often as anybody likes."""
    unlimited = ("OTP_PHONE_HOURLY_LIMIT", "OTP_PHONE_DAILY_LIMIT", "OTP_BLOCKED_RANGE_LEAST_TEXTS")
    return open_door("generous", **STAGING, **dict.fromkeys(unlimited, "0"))


@pytest.fixture(scope="session")
def at_home(open_door):
    """Like staging, where national numbers are understood."""
    return open_door("at-home", **STAGING, PHONE_REGION="SA")


@pytest.fixture(scope="session")
def exposed(open_door):
    """Reached directly: nobody vouches for X-Forwarded-For."""
    plain = {"TRUSTED_PROXY_COUNT": "0", "DJANGO_SETTINGS_MODULE": "tests.chaos.without_tls"}
    return open_door("exposed", **{**STAGING, **plain}, OTP_IP_HOURLY_LIMIT="3")


@pytest.fixture(scope="session")
def laptop(open_door):
    """Two workers in development, where nothing limits an address."""
    return open_door("laptop", **DEVELOPMENT, WEB_CONCURRENCY="2")
