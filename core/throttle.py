"""Coarse limits per caller, counted atomically in the shared cache; the fine ones live with what they guard."""

import time
from dataclasses import dataclass
from functools import lru_cache

import structlog
from django.conf import settings
from django.core.cache import cache
from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError

from core.errors import TooManyRequests

log = structlog.get_logger(__name__)
OPEN = Counter("hanout_throttle_open_total", "Calls let through because the cache was away.", ["scope"])


@dataclass(frozen=True)
class Rate:
    """At most `limit` calls in each window of `seconds`."""

    limit: int
    seconds: int


@dataclass(frozen=True)
class Standing:
    """Where a caller stands in the present window; `resets_at` in seconds since 1970."""

    limit: int
    remaining: int
    resets_at: int


def throttle(scope: str, caller: str, rate: Rate) -> Standing | None:
    """Count this call and say where that leaves the caller; raise `TooManyRequests` past the limit.

    A cache that is down lets the call through: what is scarce (codes) is counted again in the database.
    """
    window, passed = divmod(int(time.time()), rate.seconds)
    key = f"throttle:{scope}:{caller}:{window}"
    try:
        count = _count(key, rate.seconds + 5)
    except RedisError as error:
        OPEN.labels(scope=scope).inc()
        log.warning("throttle_open", scope=scope, error=type(error).__name__)
        return None
    if count > rate.limit:
        raise TooManyRequests(retry_after=rate.seconds - passed)
    return Standing(rate.limit, rate.limit - count, (window + 1) * rate.seconds)


def _count(key: str, seconds: int) -> int:
    """One more, and how many that makes; in one round trip, where the cache's own verbs take three."""
    if not settings.REDIS_URL:
        cache.add(key, 0, timeout=seconds)
        return cache.incr(key)
    with _redis(settings.REDIS_URL).pipeline(transaction=False) as pipeline:
        pipeline.incr(f"hanout:{key}")
        pipeline.expire(f"hanout:{key}", seconds)
        return int(pipeline.execute()[0])


@lru_cache(maxsize=1)
def _redis(url: str) -> Redis:
    """Made when first needed, so that each worker has connections of its own."""
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
