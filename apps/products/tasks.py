"""The catalogue's jobs."""

from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from apps.products import services
from apps.products.search_index import RebuildRunning, SearchUnavailable
from apps.products.services.indexing import BATCH, index_changes, refresh_words
from apps.products.services.search_repairs import repair_index
from apps.products.services.wishlists import forget_wishlists
from core.breaker import Breaker
from core.outbox import enqueue, job

log = structlog.get_logger(__name__)
UNSENT = Counter("hanout_search_index_failures_total", "Times the search index could not be told of changes.")
_breaker = Breaker(rest_seconds=10)


@job("products.index")
def index_noted() -> None:
    """Tell the index of what changed. While it is away this does nothing: the next job keeps trying, and says so."""
    if not _breaker.allows():
        return
    try:
        index_changes()
    except SearchUnavailable as error:
        _breaker.note(worked=False)
        UNSENT.inc()
        log.warning("search_index_not_told", why=str(error))
    else:
        _breaker.note(worked=True)


@job("products.index_rest", every=timedelta(minutes=1))
def index_rest() -> None:
    """What the jobs of single changes left behind while the index was away."""
    while index_changes() == BATCH:
        pass


@job("products.refresh_words", queue="low_priority")
def refresh_described() -> None:
    """A batch a job: its rows are locked for a moment, not for as long as the whole catalogue takes."""
    if refresh_words() == BATCH:
        enqueue("products.refresh_words")


@job("products.repair_search", queue="low_priority", every=timedelta(minutes=15))
def repair_search() -> None:
    """What no service announced: rows changed by hand, a category renamed, an index that was lost."""
    enqueue("products.refresh_words")
    try:
        repair_index()
    except RebuildRunning:
        log.info("search_index_left_to_its_rebuild")


@job("products.delete_file")
def delete_file(file: str) -> None:
    services.delete_file(name=file)


@job("products.mark_bought")
def mark_bought(user_id: int, product_ids: list[str]) -> None:
    """What orders enqueue once they are delivered."""
    services.mark_verified_buyer(user_id=user_id, product_ids=[UUID(product_id) for product_id in product_ids])


@job("products.forget_owner")
def forget_owner(user: int) -> None:
    """Their reviews stay, by a "Customer": an author's name is looked up where it is shown, and never copied."""
    forget_wishlists(user_id=user)
