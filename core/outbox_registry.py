"""The jobs the code knows, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from core.celery_config import PRIORITIES

DEFAULT_QUEUE = "default"
# From when on a due job counts as late; the alert in deploy/prometheus/alerts.yml says the same.
JOBS_LATE = timedelta(minutes=5)
Handler = Callable[..., None]


@dataclass(frozen=True)
class Job:
    """A handler by its name; `every` or `daily_at` (UTC) puts it on the schedule."""

    name: str
    handler: Handler
    queue: str = DEFAULT_QUEUE
    every: timedelta | None = None
    daily_at: time | None = None

    @property
    def period(self) -> timedelta | None:
        """The time between two runs; none for a job that runs when it is enqueued."""
        return timedelta(days=1) if self.daily_at else self.every

    def next_run(self, *, anchor: datetime, after: datetime) -> datetime:
        """The next moment of a fixed grid: a late run moves no other one, and of many missed runs one is made."""
        if self.period is None:
            raise ValueError(f"{self.name} is not on the schedule.")
        if self.daily_at:
            anchor = datetime.combine(anchor.astimezone(UTC), self.daily_at, UTC)
        return anchor + self.period * ((after - anchor) // self.period + 1)


_registry: dict[str, Job] = {}


def job(
    name: str, *, queue: str = DEFAULT_QUEUE, every: timedelta | None = None, daily_at: time | None = None
) -> Callable[[Handler], Handler]:
    """Register a handler under the name `enqueue` uses; apps do this in `tasks.py`."""
    if queue not in PRIORITIES:
        raise ValueError(f"{name}: there is no queue {queue!r}; use one of {', '.join(PRIORITIES)}.")
    if every and daily_at:
        raise ValueError(f"{name}: say every or daily_at, not both.")
    if every and (every < timedelta(seconds=1) or every.microseconds):
        raise ValueError(f"{name}: the schedule counts in whole seconds.")

    def register(handler: Handler) -> Handler:
        _registry[name] = Job(name, handler, queue, every, daily_at)
        return handler

    return register


def registered_jobs() -> dict[str, Job]:
    """All known jobs by name."""
    return dict(_registry)
