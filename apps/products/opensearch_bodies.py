"""What is sent to OpenSearch: how documents are indexed, and how they are searched."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from apps.products.search_index import Wanted

# More than anybody pages through; the counts of a search stop there.
MOST_FOUND = 1000
LANGUAGES = ("arabic", "english", "spanish")


def _text() -> dict[str, Any]:
    """A text as it is, and once more by the stems of each language: a name says nothing of the language it is in."""
    stems = {language: {"type": "text", "analyzer": f"in_{language}"} for language in LANGUAGES}
    return {"type": "text", "analyzer": "folded", "fields": stems}


def _analyzer(*filters: str) -> dict[str, Any]:
    return {"type": "custom", "tokenizer": "words", "filter": ["lowercase", "decimal_digit", *filters]}


_BODY: Mapping[str, Any] = {
    "settings": {
        "index": {
            "number_of_shards": 1,
            "auto_expand_replicas": "0-1",
            "max_result_window": 10_000,
        },
        "analysis": {
            # The same words as `listing.words_of` makes of a search.
            "tokenizer": {"words": {"type": "pattern", "pattern": r"[^\p{L}\p{N}\p{M}]+"}},
            "filter": {
                "stem_arabic": {"type": "stemmer", "language": "arabic"},
                "stem_english": {"type": "stemmer", "language": "english"},
                "stem_spanish": {"type": "stemmer", "language": "light_spanish"},
            },
            "normalizer": {"any_case": {"type": "custom", "filter": ["lowercase"]}},
            "analyzer": {
                "folded": _analyzer("arabic_normalization", "asciifolding"),
                "in_arabic": _analyzer("arabic_normalization", "stem_arabic", "asciifolding"),
                "in_english": _analyzer("stem_english", "asciifolding"),
                "in_spanish": _analyzer("stem_spanish", "asciifolding"),
            },
        },
    },
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "product_id": {"type": "keyword"},
            "is_shown": {"type": "boolean"},
            "name": _text(),
            "sku": {"type": "text", "analyzer": "folded"},
            "description": _text(),
            "category": _text(),
            "tags": _text(),
            "category_id": {"type": "keyword"},
            "category_slug": {"type": "keyword"},
            "category_name": {"type": "keyword", "normalizer": "any_case"},
            "price": {"type": "long"},
            "is_on_sale": {"type": "boolean"},
            "is_in_stock": {"type": "boolean"},
            "digest": {"type": "keyword", "index": False},
        },
    },
}
# How it was made, kept with the index: after a release that makes it otherwise, the next repair builds a new one.
META = {"made": hashlib.sha256(repr(_BODY).encode()).hexdigest()[:16]}
INDEX_BODY = {**_BODY, "mappings": {**_BODY["mappings"], "_meta": META}}

_WEIGHTS = {"name": 8, "sku": 8, "category": 3, "tags": 3, "description": 1}
_PLAIN = [f"{name}^{weight}" for name, weight in _WEIGHTS.items()]
_STEMS = [f"{name}.{language}^{weight}" for name, weight in _WEIGHTS.items() if name != "sku" for language in LANGUAGES]


def search_body(wanted: Wanted) -> dict[str, Any]:
    """Ids only. All words must be there, each as the beginning of one, by its stem, or nearly right."""
    return {
        "query": {
            "bool": {"must": [_word(word) for word in wanted.words], "filter": list(_filters(wanted.filters))},
        },
        "sort": [{"_score": "desc"}, {"product_id": "asc"}],
        "size": MOST_FOUND,
        "timeout": "120ms",
        "track_total_hits": False,
        "_source": False,
    }


def _word(word: str) -> dict[str, Any]:
    ways: list[dict[str, Any]] = [
        {"query": word, "fields": _PLAIN, "type": "phrase_prefix", "boost": 2},
        {"query": word, "fields": _STEMS, "type": "best_fields"},
        {"query": word, "fields": _PLAIN, "type": "best_fields", "fuzziness": "AUTO", "prefix_length": 1, "boost": 0.2},
    ]
    return {"dis_max": {"queries": [{"multi_match": way} for way in ways]}}


def _filters(filters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """They only keep the list short: the database judges again what is found."""
    yield {"term": {"is_shown": True}}
    edges = {"gte": filters.get("min_price"), "lte": filters.get("max_price")}
    if given := {edge: price for edge, price in edges.items() if price is not None}:
        yield {"range": {"price": given}}
    for name, field in (("is_on_sale", "is_on_sale"), ("in_stock", "is_in_stock")):
        if filters.get(name) is not None:
            yield {"term": {field: filters[name]}}
    if filters.get("category_id") is not None:
        yield {"term": {"category_id": str(filters["category_id"])}}
    if (category := filters.get("category")) is not None:
        either = [{"term": {"category_slug": category}}, {"term": {"category_name": category}}]
        yield {"bool": {"should": either, "minimum_should_match": 1}}
