import pytest
from prometheus_client import REGISTRY
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from core.client_address import limit_key
from core.errors import TooManyRequests
from core.throttle import Rate, throttle
from tests.races import race

RATE = Rate(limit=5, seconds=60)


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_do_not_slip_past_the_limit():
    outcomes = race(lambda _: throttle("door", "caller", RATE), threads=20)
    let_in = [outcome for outcome in outcomes if not isinstance(outcome, TooManyRequests)]
    assert sorted(standing.remaining for standing in let_in) == [0, 1, 2, 3, 4]


def test_callers_and_doors_are_counted_apart():
    for caller, door in (("a", "x"), ("b", "x"), ("a", "y")):
        for _ in range(5):
            throttle(door, caller, RATE)


def test_a_lost_cache_lets_the_call_through_and_is_counted(monkeypatch):
    def gone(*args, **kwargs):
        raise RedisGone

    monkeypatch.setattr("core.throttle.cache.add", gone)
    before = REGISTRY.get_sample_value("hanout_throttle_open_total", {"scope": "door"}) or 0
    throttle("door", "caller", RATE)
    assert REGISTRY.get_sample_value("hanout_throttle_open_total", {"scope": "door"}) == before + 1


def test_redis_counts_for_all_processes_and_forgets_the_window(redis_server, settings):
    settings.REDIS_URL = redis_server.url
    standings = [throttle("door", "caller", RATE) for _ in range(5)]
    assert [standing.remaining for standing in standings] == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyRequests):
        throttle("door", "caller", RATE)
    with Redis.from_url(redis_server.url) as client:
        (key,) = client.keys("hanout:throttle:door:*")
        assert int(client.get(key)) == 6
        assert 0 < client.ttl(key) <= RATE.seconds + 5


def test_a_lost_redis_lets_the_call_through(redis_server, settings):
    settings.REDIS_URL = redis_server.url
    throttle("door", "caller", RATE)
    redis_server.stop()
    assert throttle("door", "caller", RATE) is None


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"), ("", ""), ("nonsense", ""),
    ],
)  # fmt: skip
def test_limits_count_an_ipv6_line_as_one(address, key):
    assert limit_key(address) == key
