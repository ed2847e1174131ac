"""Kill tests 7, 10 and 25 of the mission against running servers, and the drill of the signing key."""

import itertools
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import jwt
import psycopg
import pytest

from tests.chaos.conftest import DEVELOPMENT
from tests.chaos.doors import fresh_phone, until
from tests.processes import Served
from tests.races import race

V2 = "/api/v2/auth/"


def counter_of(sql, phone):
    found = sql(
        "SELECT s.counter FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id WHERE phone = %s", phone
    )
    return found[0][0]


def test_a_lost_answer_is_given_again_an_hour_later_by_another_worker(staging, sql):
    """Kill test 7: the request arrives, the answer does not."""
    phone = fresh_phone()
    parent = staging.sign_in(phone)["refresh"]
    with staging.line_to_each() as lines:
        one, other = lines.values()
        body = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
        one.request("POST", "/api/users/token/refresh/", json.dumps({"refresh": parent}), body)
        until(lambda: counter_of(sql, phone) == 1, "the refresh was not done")
        one.close()  # and nobody ever reads what it says
        sql("UPDATE accounts_session SET refreshed_at = refreshed_at - interval '1 h' WHERE counter = 1")
        status, again = staging.refresh(parent, line=other)
        assert status == 200
        assert staging.refresh(parent)[1]["refresh"] == again["refresh"]
        assert counter_of(sql, phone) == 1
        assert staging.me(again["access"])[0] == 200
        assert staging.refresh(again["refresh"], line=other)[0] == 200
    assert counter_of(sql, phone) == 2


def test_a_grandparent_ends_the_session_in_every_worker_and_is_written_down(staging, sql):
    """Kill test 7: somebody has a copy."""
    phone = fresh_phone()
    grandparent = staging.sign_in(phone)["refresh"]
    parent = staging.refresh(grandparent)[1]
    newest = staging.refresh(parent["refresh"])[1]
    assert staging.refresh(grandparent)[0] == 401
    with staging.line_to_each() as lines:
        for line in lines.values():
            for pair in (parent, newest):
                assert staging.refresh(pair["refresh"], line=line)[0] == 401
                assert staging.me(pair["access"], line=line)[0] == 401
    written = sql(
        "SELECT action FROM accounts_auditevent e JOIN accounts_user u ON u.id = e.user_id "
        "WHERE phone = %s AND action IN ('token_reused', 'session_ended') ORDER BY e.id",
        phone,
    )
    assert written == [("token_reused",), ("session_ended",)]


def test_twenty_parallel_refreshes_all_succeed_on_one_chain(staging, sql):
    """Kill test 7: ten at each of two workers."""
    phone = fresh_phone()
    parent = staging.sign_in(phone)["refresh"]
    answers = race(lambda _: staging.refresh(parent), threads=20)
    assert [status for status, _ in answers] == [200] * 20
    (successor,) = {answer["refresh"] for _, answer in answers}
    assert counter_of(sql, phone) == 1
    assert staging.refresh(successor)[0] == 200


def test_after_logout_no_token_of_the_session_opens_anything(staging):
    """Kill test 7: replay."""
    first = staging.sign_in(fresh_phone())
    second = staging.refresh(first["refresh"])[1]
    assert staging.ask("POST", "/api/users/logout/", {}, token=second["access"])[0] == 200
    with staging.line_to_each() as lines:
        for line, pair in itertools.product(lines.values(), (first, second)):
            assert staging.refresh(pair["refresh"], line=line)[0] == 401
            assert staging.me(pair["access"], line=line)[0] == 401


CHANGES = [(method, old) for method in ("POST", "PUT") for old in ("old", "current")]
SECRETS = {
    "passcode": ["836251", "947135", "268413", "751946", "390584"],
    "pin": ["8362", "9471", "2684", "7519", "3905"],
}


def set_up(web, kind, token):
    body = {kind: SECRETS[kind][0], f"{kind}_confirmation": SECRETS[kind][0]}
    status, answer = web.ask("POST", f"{V2}{kind}/setup", body, token=token)
    assert status == 200, answer


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_changed_by_post_and_put_in_both_spellings(staging, kind):
    """Kill test 10."""
    token = staging.sign_in(fresh_phone())["access"]
    set_up(staging, kind, token)
    for (method, old), (is_, becomes) in zip(CHANGES, itertools.pairwise(SECRETS[kind]), strict=True):
        body = {f"{old}_{kind}": is_, f"new_{kind}": becomes, f"new_{kind}_confirmation": becomes}
        status, answer = staging.ask(method, f"{V2}{kind}/change", body, token=token)
        assert status == 200, (method, old, answer)
        assert answer["data"]["is_restricted"] is True
        assert staging.ask("POST", f"{V2}{kind}/verify", {kind: becomes}, token=token)[0] == 200
        assert staging.ask("POST", f"{V2}{kind}/verify", {kind: is_}, token=token)[0] == 400


@pytest.mark.parametrize("kind", SECRETS)
def test_a_locked_secret_leaves_the_way_in_by_phone_open(staging, kind):
    """Kill test 10."""
    phone = fresh_phone()
    token = staging.sign_in(phone)["access"]
    set_up(staging, kind, token)
    tries = [staging.ask("POST", f"{V2}{kind}/verify", {kind: SECRETS[kind][1]}, token=token)[0] for _ in range(5)]
    assert tries == [400] * 5
    assert staging.ask("POST", f"{V2}{kind}/verify", {kind: SECRETS[kind][0]}, token=token)[0] == 429
    again = staging.sign_in(phone)
    assert staging.me(again["access"])[0] == 200
    assert staging.ask("POST", f"{V2}{kind}/verify", {kind: SECRETS[kind][0]}, token=again["access"])[0] == 429


def keep_calling(call, stop):
    """The statuses of one call after another."""
    seen = []
    while not stop.is_set():
        seen.append(call())
    return seen


def command(tmp_path, environ, *arguments):
    class Command(Served):
        command = ("manage.py", *arguments)

    return Command(tmp_path / "-".join(arguments), **environ)


def said(process):
    """What a command printed, once it has ended well."""
    assert process.process.wait(timeout=30) == 0, process.log.read_text()
    return process.log.read_text()


def test_a_rotation_of_the_signing_key_fails_no_request(laptop, open_door, environ, sql, tmp_path):
    """The drill, under load; then a server that signs with the new key, beside two workers that have not looked yet."""
    people = [laptop.sign_in(fresh_phone()) for _ in range(4)]
    stop = threading.Event()

    def live(person):
        tokens = [person]

        def call():
            status, answer = laptop.refresh(tokens[-1]["refresh"])
            tokens.append(answer)
            stop.wait(0.02)  # the command needs a share of the machine too
            return status, laptop.me(answer["access"])[0], laptop.me(person["access"])[0]

        return keep_calling(call, stop), tokens[-1]

    with ThreadPoolExecutor(4) as pool:
        lives = [pool.submit(live, person) for person in people]
        try:
            assert "good until they expire" in said(command(tmp_path, environ, "rotate_signing_key"))
            newcomer = open_door("newcomer")
        finally:
            stop.set()
    calls = [call for life in lives for call in life.result()[0]]
    assert set(calls) == {(200, 200, 200)}
    assert len(calls) > 20
    renewed = newcomer.refresh(lives[0].result()[1]["refresh"])[1]["access"]
    assert [(jwt.get_unverified_header(renewed)["kid"],)] == sql(
        "SELECT kid FROM accounts_signingkey WHERE retired_at IS NULL"
    )
    assert newcomer.me(people[0]["access"])[0] == 200
    with laptop.line_to_each() as lines:
        assert [laptop.me(renewed, line=line)[0] for line in lines.values()] == [200, 200]


DEAD = """
    INSERT INTO accounts_session (id, user_id, key, counter, user_agent, created_at, refreshed_at, expires_at,
                                  ended_at, end_reason)
    SELECT gen_random_uuid(), (SELECT id FROM accounts_user WHERE phone = %s), '\\x00', 0, 'dead',
           now() - interval '70 d', now() - interval '70 d', now() - interval '40 d',
           CASE WHEN n %% 2 = 0 THEN now() - interval '20 d' - n * interval '1 s' END,
           CASE WHEN n %% 2 = 0 THEN 'signed_out' ELSE '' END
    FROM generate_series(1, 20000) n
"""
# Half way, a batch waits for the test, rows in hand: what a slow disk does, at a moment of our choice.
PAUSE = """
    CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM accounts_session WHERE user_agent = 'dead') <= 10000 THEN
            PERFORM pg_advisory_xact_lock(25);
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER pause AFTER DELETE ON accounts_session FOR EACH STATEMENT EXECUTE FUNCTION pause()
"""
WAITS = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 25 AND NOT granted"


@pytest.fixture
def pause(database, sql):
    """Holds the batch back until it is called."""
    sql(PAUSE)
    with psycopg.connect(database.url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(25)")
        yield lambda: holder.execute("SELECT pg_advisory_unlock(25)")
    sql("DROP FUNCTION pause CASCADE")


@pytest.fixture(scope="session")
def impatient(open_door, environ):
    """A server none of whose statements waits for a lock longer than 100 ms."""
    return open_door(
        "impatient", **{**DEVELOPMENT, "DATABASE_URL": f"{environ['DATABASE_URL']}&options=-c%20lock_timeout%3D100ms"}
    )


@pytest.fixture
def refreshing(impatient, sql):
    """Somebody beside 20,000 dead sessions who refreshes all the time: the statuses, and the tokens, so far."""
    tokens, statuses, stop = [impatient.sign_in(phone := fresh_phone())], [], threading.Event()
    sql(DEAD, phone)

    def live():
        while not stop.wait(0.01):
            status, answer = impatient.refresh(tokens[-1]["refresh"])
            statuses.append(status)
            tokens.append(answer)

    with ThreadPoolExecutor(1) as pool:
        life = pool.submit(live)
        yield statuses, tokens
        stop.set()
        life.result()


def test_housekeeping_is_stopped_half_way_and_finished_later_and_no_refresh_waits(
    impatient, refreshing, pause, environ, sql, tmp_path
):
    """Kill test 25, with a fiftieth of its rows; `bench/cleaning.py` has all of them."""
    statuses, tokens = refreshing
    dry_run = said(command(tmp_path, environ, "cleanup_refresh_tokens", "--dry-run"))
    assert "20000 session(s) would be deleted." in dry_run
    cleaning = command(tmp_path, environ, "cleanup_refresh_tokens")
    until(lambda: sql(WAITS), "no batch came half way")
    before = len(statuses)
    until(lambda: len(statuses) > before + 10, "a refresh waits for the batch")
    cleaning.process.send_signal(signal.SIGTERM)
    pause()
    assert "10000 session(s) deleted; stopped before the end." in said(cleaning)
    assert left(sql) == 10_000
    assert "10000 session(s) deleted." in said(command(tmp_path, environ, "cleanup_refresh_tokens"))
    assert left(sql) == 0
    assert set(statuses) == {200}
    assert impatient.me(tokens[-1]["access"])[0] == 200


def left(sql):
    return sql("SELECT count(*) FROM accounts_session WHERE user_agent = 'dead'")[0][0]
