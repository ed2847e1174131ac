"""The shop is closed for a while: a word in the shared cache that every process reads within seconds (S2)."""

import time
from dataclasses import dataclass

import structlog
from django.core.cache import cache
from redis import RedisError

log = structlog.get_logger(__name__)
KEY = "maintenance_mode"
REMEMBERED_SECONDS = 5
LONGEST_SECONDS = 24 * 3600
SAID = "The shop is closed for maintenance. Please come back in a little while."


@dataclass(frozen=True)
class Closure:
    """What visitors are told, and when (Unix time) the shop opens again by itself."""

    message: str
    until: float

    @property
    def seconds_left(self) -> int:
        return max(1, round(self.until - time.time()))


class _Memory:
    """What was read last, so that a request does not cost a round trip."""

    read_at = -float(REMEMBERED_SECONDS)
    closure: Closure | None = None


def close_shop(*, message: str = SAID, seconds: int) -> Closure:
    """Answer visitors with 503 from now on, for so long at most; raises `RedisError` if nobody could be told."""
    closure = Closure(message, time.time() + min(seconds, LONGEST_SECONDS))
    cache.set(KEY, {"message": closure.message, "until": closure.until}, timeout=closure.seconds_left)
    forget()
    log.warning("shop_closed", seconds=closure.seconds_left)
    return closure


def open_shop() -> bool:
    """Let visitors in again; False if nobody kept them out."""
    was_closed = bool(cache.delete(KEY))
    forget()
    log.warning("shop_opened", was_closed=was_closed)
    return was_closed


def read_closure() -> Closure | None:
    """What the cache says; S2's operators set its key to anything true."""
    found = cache.get(KEY)
    if not found:
        return None
    if not isinstance(found, dict):
        return Closure(SAID, time.time() + 5 * 60)
    return Closure(str(found.get("message") or SAID), float(found.get("until") or time.time() + 5 * 60))


def closure() -> Closure | None:
    """What was read within the last seconds; a cache that is away closes no shop."""
    if time.monotonic() - _Memory.read_at >= REMEMBERED_SECONDS:
        _Memory.read_at = time.monotonic()
        try:
            _Memory.closure = read_closure()
        except RedisError:
            _Memory.closure = None
    return _Memory.closure


def forget() -> None:
    """Read the cache again at the next question."""
    _Memory.read_at = -float(REMEMBERED_SECONDS)
