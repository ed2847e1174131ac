"""A search index outside the database, as the rest of the shop sees it.

It holds copies and is never believed about more than the order of ids: what is shown is read from the database. Each
copy carries a version, drawn from a sequence *before* the product is read. Whoever draws after a change was
committed also reads that change, so of two copies the one with the higher version is never the older one, however
late it arrives; the index keeps the higher and refuses the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

Document = Mapping[str, Any]


class SearchUnavailable(Exception):
    """The index did not answer, or not as it should; its text holds no address and no password."""


class RebuildRunning(Exception):
    """Somebody else is building the index anew."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody looks for; prices in minor units."""

    words: Sequence[str]
    filters: Mapping[str, Any]


class Copy(NamedTuple):
    """What the index holds of a product: its document's digest, empty for one taken away, and the version."""

    digest: str
    version: int


class SearchIndex(Protocol):
    """Every method raises `SearchUnavailable` and leaves the rest to whoever asked."""

    def find(self, wanted: Wanted) -> list[UUID]:
        """Ids of the best matches, best first, in an order that stays."""

    def write(self, documents: Mapping[UUID, Document | None], *, version: int) -> None:
        """Put these in place of older ones, None takes away: in the index that answers and in one being built."""

    def fill(self, documents: Mapping[UUID, Document], *, version: int) -> None:
        """The same into the index being built, and only there: the one that answers may be of an older make."""

    def is_built(self) -> bool:
        """Whether there is an index to answer from, made as this release makes it."""

    def start_building(self) -> str:
        """Make an empty index beside the one that answers, which `write` reaches from now on; returns its name."""

    def finish_building(self, name: str) -> None:
        """Let that one answer, in one step, and delete all others."""

    def copies(self, *, after: UUID | None, upto: UUID | None) -> dict[UUID, Copy]:
        """What the index that answers holds between two ids, the first excluded."""


def search_index() -> SearchIndex | None:
    """The index of this installation, if it has one."""
    if not settings.ELASTICSEARCH_URL:
        return None
    return _connected(settings.ELASTICSEARCH_URL, settings.ELASTICSEARCH_INDEX)


@cache
def _connected(url: str, name: str) -> SearchIndex:
    """By name: a shop without an index does not load the client of one."""
    index: SearchIndex = import_string("apps.products.opensearch.OpenSearchIndex")(url, name)
    return index
