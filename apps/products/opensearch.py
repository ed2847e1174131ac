"""OpenSearch as a search index: the only file that knows its client.

`products` answers, `products-building` stands beside it during a rebuild. Both are aliases and written to only as such
(`require_alias`), so that a write which comes late makes no index of its own. Nothing is deleted: OpenSearch would
make an index for a delete all the same, and forgets after a minute what it deleted; what is gone leaves a mark that
no search finds and no older copy replaces.
The one being built is written first. Where it is missing, either nothing is being built, and a rebuild that starts
later reads the change itself, or it has become the one that answers, which is written next.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from opensearchpy import NotFoundError, OpenSearch
from opensearchpy.exceptions import OpenSearchException

from apps.products.opensearch_bodies import INDEX_BODY, META, MOST_FOUND, search_body
from apps.products.search_index import Copy, Document, SearchUnavailable, Wanted
from core.clock import now

FIND_SECONDS = 0.15
WRITE_SECONDS = 20
_NOT_FOUND, _CONFLICT = 404, 409
# OpenSearch's own limit for one answer.
MOST_COPIES = 10_000
_MOMENT = re.compile(r"\d{20}")

# It tells of every request, and at lower levels of what was in it; what fails is ours to tell.
logging.getLogger("opensearch").setLevel(logging.CRITICAL)

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _translated(method: Callable[_P, _R]) -> Callable[_P, _R]:
    """The client's errors, and an answer that lacks what it should have, as ours."""

    @wraps(method)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return method(*args, **kwargs)
        except (OpenSearchException, KeyError, TypeError, ValueError) as error:
            raise SearchUnavailable(type(error).__name__) from error

    return asked


class OpenSearchIndex:
    def __init__(self, url: str, name: str) -> None:
        self._live, self._building = name, f"{name}-building"
        # Nothing is repeated by the client: a search has its budget, a write its job.
        self._client = OpenSearch([url], timeout=WRITE_SECONDS, max_retries=0, pool_maxsize=32)

    @_translated
    def find(self, wanted: Wanted) -> list[UUID]:
        # The same words ask the same copies of the shards, whose scores differ a little: pages stay in order.
        params = {"request_timeout": FIND_SECONDS, "preference": " ".join(wanted.words)}
        answer = self._client.search(
            index=self._live, body=search_body(wanted), params=params | {"allow_partial_search_results": "false"}
        )
        if answer["timed_out"]:
            raise SearchUnavailable("timed_out")
        return [UUID(hit["_id"]) for hit in answer["hits"]["hits"]][:MOST_FOUND]

    @_translated
    def write(self, documents: Mapping[UUID, Document | None], *, version: int) -> None:
        for alias in (self._building, self._live):
            self._bulk(alias, documents, version, passed_over={_CONFLICT, _NOT_FOUND})

    @_translated
    def fill(self, documents: Mapping[UUID, Document], *, version: int) -> None:
        self._bulk(self._building, documents, version, passed_over={_CONFLICT})

    @_translated
    def is_built(self) -> bool:
        try:
            found = self._client.indices.get_mapping(index=self._live)
        except NotFoundError:
            return False
        return all(index["mappings"].get("_meta") == META for index in found.values())

    @_translated
    def start_building(self) -> str:
        live = set(self._behind(self._live))
        for leftover in self._all():
            if leftover not in live:
                self._client.indices.delete(index=leftover)
        name = f"{self._live}-{now():%Y%m%d%H%M%S%f}"
        self._client.indices.create(index=name, body={**INDEX_BODY, "aliases": {self._building: {}}})
        return name

    @_translated
    def finish_building(self, name: str) -> None:
        self._client.indices.refresh(index=name)
        old = self._behind(self._live)
        moves = [
            *({"remove": {"index": index, "alias": self._live}} for index in old),
            {"remove": {"index": name, "alias": self._building}},
            {"add": {"index": name, "alias": self._live}},
        ]
        self._client.indices.update_aliases(body={"actions": moves})
        for index in old:
            self._client.indices.delete(index=index)

    @_translated
    def copies(self, *, after: UUID | None, upto: UUID | None) -> dict[UUID, Copy]:
        edges = {"gt": str(after) if after else None, "lte": str(upto) if upto else None}
        body = {
            "query": {"range": {"product_id": {edge: value for edge, value in edges.items() if value}}},
            "sort": [{"product_id": "asc"}],
            "size": MOST_COPIES,
            "version": True,
            "_source": ["digest"],
            "track_total_hits": False,
        }
        answer = self._client.search(index=self._live, body=body, params={"allow_partial_search_results": "false"})
        hits = answer["hits"]["hits"]
        return {UUID(hit["_id"]): Copy(hit["_source"]["digest"], hit["_version"]) for hit in hits}

    def _bulk(
        self, alias: str, documents: Mapping[UUID, Document | None], version: int, *, passed_over: set[int]
    ) -> None:
        """A conflict says that a newer copy is there; not found, that there is no such alias."""
        if not documents:
            return
        body = list(_bulk_lines(documents, version))
        answer = self._client.bulk(index=alias, body=body, params={"require_alias": "true"})
        for item in answer["items"] if answer["errors"] else ():
            status = next(iter(item.values()))["status"]
            if status not in {200, 201} | passed_over:
                raise SearchUnavailable(f"refused with {status}")

    def _behind(self, alias: str) -> list[str]:
        try:
            return sorted(self._client.indices.get_alias(name=alias))
        except NotFoundError:
            return []

    def _all(self) -> list[str]:
        """Our indices by their name: the alias and a moment."""
        found = self._client.indices.get(index=f"{self._live}-*", params={"allow_no_indices": "true"})
        return sorted(name for name in found if _MOMENT.fullmatch(name.removeprefix(f"{self._live}-")))


def _bulk_lines(documents: Mapping[UUID, Document | None], version: int) -> Iterator[dict[str, Any]]:
    for product_id, document in documents.items():
        named = {"_id": str(product_id), "version": version, "version_type": "external"}
        yield {"index": named}
        yield (
            {"is_shown": False, "product_id": str(product_id), "digest": ""}
            if document is None
            else ({**document, "is_shown": True})
        )
