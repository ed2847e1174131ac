"""Kill test 9 of the mission against running servers: their workers are killed (-9) while people register."""

import contextlib
import itertools
import json
import os
import random
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import psycopg
import pytest

from config.env import ROOT
from tests.chaos.conftest import DEVELOPMENT
from tests.chaos.doors import fresh_phone, until
from tests.contracts.replay import masked
from tests.processes import Served

V1 = "/api/v1/onboarding/"
GOLDEN = ROOT / "tests" / "contracts" / "v1" / "registration.json"
# Where one registration writes.
WRITTEN = [
    "accounts_user",
    "accounts_profile",
    "accounts_knownnetwork",
    "onboarding_registration",
    "accounts_device",
    "accounts_session",
]
_numbers = itertools.count(1)


class Worker(Served):
    command = ("manage.py", "run_jobs")


@pytest.fixture(scope="session")
def mailed(environ, tmp_path_factory):
    """Jobs are run, so that mails arrive."""
    worker = Worker(tmp_path_factory.mktemp("jobs") / "data", **environ)
    yield worker
    worker.interrupt()


@pytest.fixture
def mortal(open_door, mailed):
    """Starts a server whose workers die, each of the first generation once: one that dies twice ends the server."""
    doors = []

    def start(workers):
        doors.append(open_door("mortal", **DEVELOPMENT, WEB_CONCURRENCY=str(workers)))
        return doors[-1]

    yield start
    for door in doors:
        door.end()


@pytest.fixture
def golden():
    """The recorded last form, and the recorded answer to it."""
    pairs = json.loads(GOLDEN.read_text())
    return next(pair for pair in pairs if pair["request"].endswith("register/complete") and pair["status"] == 200)


class Registration:
    """Somebody who has proved their email and has the last form before them."""

    def __init__(self, web, sql):
        self.email, self.phone = f"nora{next(_numbers)}@shop.test", fresh_phone()
        self.sql = sql
        form = {"email": self.email, "phone": self.phone, "first_name": "Nora", "last_name": "Haddad"}
        status, answer = web.ask("POST", f"{V1}register/initiate", form)
        assert status == 200, answer
        self.session = answer["data"]["session_id"]

    def prove(self, web):
        mails = "SELECT body FROM accounts_developmentmessage WHERE recipient = %s"
        found = until(lambda: self.sql(mails, self.email), "no mail arrived")
        body = {"session_id": self.session, "otp": re.search(r"\b\d{6}\b", found[0][0]).group()}
        assert web.ask("POST", f"{V1}register/verify-otp", body)[0] == 200
        return self

    def traces(self):
        """What there is of the account: people, profiles, devices, sessions; whether the registration is done."""
        return self.sql(
            "SELECT count(DISTINCT u.id), count(DISTINCT p.user_id), count(DISTINCT d.id), count(DISTINCT s.id) > 0, "
            "count(r.completed_at) > 0 FROM onboarding_registration r LEFT JOIN accounts_user u ON u.email = r.email "
            "LEFT JOIN accounts_profile p ON p.user_id = u.id LEFT JOIN accounts_device d ON d.user_id = u.id "
            "LEFT JOIN accounts_session s ON s.user_id = u.id WHERE r.id = %s",
            self.session,
        )[0]

    def form(self, golden):
        return {**golden["body"], "session_id": self.session}

    def as_recorded(self, answer):
        """The answer, had the recorded person registered."""
        text = masked(json.dumps(answer, separators=(",", ":")))
        return text.replace(self.email, "new@shop.test").replace(self.phone, "+966512345678")


NOTHING, ALL = (0, 0, 0, False, False), (1, 1, 1, True, True)


def proved(web, sql, count):
    begun = [Registration(web, sql) for _ in range(count)]
    return [registration.prove(web) for registration in begun]


def complete(web, registration, golden, line=None):
    return web.ask("POST", f"{V1}register/complete", registration.form(golden), line=line)


@contextlib.contextmanager
def nobody_writes(database, table):
    with psycopg.connect(database.url) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        yield


WAITS = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ %s AND query ~ '^(INSERT|UPDATE)'"

LIVES = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"


def test_a_worker_killed_at_any_write_leaves_nothing_and_the_repetition_everything(mortal, database, sql, golden):
    """Kill test 9: each table in turn is the one it was writing to."""
    web = mortal(len(WRITTEN))
    first_generation = [worker.pid for worker in web.workers()]
    registrations = proved(web, sql, len(WRITTEN))
    with web.line_to_each(first_generation) as lines, ThreadPoolExecutor(1) as client:
        for table, registration, (pid, line) in zip(WRITTEN, registrations, lines.items(), strict=True):
            with nobody_writes(database, table):
                lost = client.submit(complete, web, registration, golden, line)
                [(backend,)] = until(lambda table=table: sql(WAITS, table), f"nobody writes to {table}")
                os.kill(pid, signal.SIGKILL)
                with pytest.raises((OSError, HTTPException)):
                    lost.result(timeout=60)
            until(lambda backend=backend: not sql(LIVES, backend), "the killed worker's connection stays")
            assert registration.traces() == NOTHING, table
            _, status, answer, _ = insist(web, registration, golden)
            assert (status, registration.as_recorded(answer)) == (200, golden["answer"])
            assert registration.traces() == ALL


def insist(web, registration, golden):
    """The answer, and how often the form was sent in vain."""
    vain = 0
    while True:
        try:
            return registration, *complete(web, registration, golden), vain
        except (OSError, HTTPException):
            vain += 1
            assert registration.traces() in {NOTHING, ALL}
            time.sleep(0.02)


def kill_one_by_one(pids):
    for pid in pids:
        time.sleep(random.uniform(0.02, 0.2))
        os.kill(pid, signal.SIGKILL)


def test_workers_killed_at_random_moments_lose_no_registration_and_halve_none(mortal, sql, golden):
    """Kill test 9: eight clients who repeat the form until it is answered, while all three workers die."""
    web = mortal(3)
    first_generation = [worker.pid for worker in web.workers()]
    registrations = proved(web, sql, 24)
    with ThreadPoolExecutor(9) as pool:
        killing = pool.submit(kill_one_by_one, first_generation)
        answers = list(pool.map(lambda registration: insist(web, registration, golden), registrations))
        killing.result()
    assert sum(vain for *_, vain in answers) > 0, "no request met a kill"
    for registration, status, answer, _ in answers:
        assert (status, registration.as_recorded(answer)) == (200, golden["answer"])
        assert registration.traces() == ALL
