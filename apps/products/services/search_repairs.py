"""The index as a whole: built anew beside the one that answers, or compared with the shop and put right."""

from collections.abc import Callable, Iterator
from uuid import UUID

import structlog
from django.db import transaction

from apps.products.models import Product
from apps.products.search_index import RebuildRunning, SearchIndex, search_index
from apps.products.services.indexing import BATCH, documents, draw_version, send
from core.locks import try_lock

log = structlog.get_logger(__name__)
StepShown = Callable[[int, int], None]


def _unseen(done: int, total: int) -> None:
    """Nobody watches."""


@transaction.atomic
def rebuild_index(*, on_step: StepShown = _unseen) -> int:
    """Fill a new index beside the one that answers, then let it answer; how many products were read.

    Changes made meanwhile go to both, so nothing is missing when it takes over. One that was killed leaves a half
    index, which answers nobody and is removed by the next. After a restore of the database this is needed: the index
    knows higher versions than the sequence, and would refuse what it is sent.

    Raises `RebuildRunning` and `SearchUnavailable`.
    """
    index = search_index()
    if index is None:
        return 0
    if not try_lock("products.search-rebuild"):
        raise RebuildRunning("The search index is being rebuilt by another process.")
    name = index.start_building()
    done, total = 0, Product.objects.count()
    for ids in _all_ids():
        version = draw_version()  # before the products are read: see `search_index`
        index.fill(documents(ids), version=version)
        done += len(ids)
        on_step(done, max(done, total))
    index.finish_building(name)
    log.info("search_index_rebuilt", index=name, products=done)
    return done


def repair_index(*, on_step: StepShown = _unseen) -> int:
    """Compare every copy in the index with the shop and replace what differs; return how many did.

    Builds a new one where there is none, where another release made it, or where it knows versions that were never
    drawn. Raises `RebuildRunning` and `SearchUnavailable`.
    """
    index = search_index()
    if index is None:
        return 0
    if not index.is_built():
        return rebuild_index(on_step=on_step)
    done, repaired, total = 0, 0, Product.objects.count()
    after: UUID | None = None
    for ids in [*_all_ids(), []]:
        upto = ids[-1] if ids else None
        differing = _differing(index, ids, after=after, upto=upto)
        if differing is None:
            log.error("search_index_ahead_of_database")
            return rebuild_index(on_step=on_step)
        repaired += _sent(index, differing)
        after, done = upto, done + len(ids)
        if ids:
            on_step(done, max(done, total))
    return repaired


def _all_ids() -> Iterator[list[UUID]]:
    """Ids in order, a batch at a time; what is added behind us while we walk is a change, and told as one."""
    ids = list(Product.objects.order_by("pk").values_list("pk", flat=True)[:BATCH])
    while ids:
        yield ids
        ids = list(Product.objects.filter(pk__gt=ids[-1]).order_by("pk").values_list("pk", flat=True)[:BATCH])


def _differing(index: SearchIndex, ids: list[UUID], *, after: UUID | None, upto: UUID | None) -> list[UUID] | None:
    """Which copies of this stretch are missing, stale or too many; None if the index is ahead of the database."""
    copies = index.copies(after=after, upto=upto)
    drawn = draw_version()
    if any(copy.version > drawn for copy in copies.values()):
        return None
    wanted = {product_id: str(document["digest"]) for product_id, document in documents(ids).items()}
    held = {product_id: copy.digest for product_id, copy in copies.items() if copy.digest}
    return sorted(key for key in wanted.keys() | held.keys() if wanted.get(key) != held.get(key))


def _sent(index: SearchIndex, product_ids: list[UUID]) -> int:
    for start in range(0, len(product_ids), BATCH):
        send(index, product_ids[start : start + BATCH])
    return len(product_ids)
