"""New validation: what a schema of an input refuses now and took before."""

from collections.abc import Iterator, Mapping
from typing import Any

_AT_LEAST = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_AT_MOST = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_EXACT = ("pattern", "multipleOf", "uniqueItems")
_MEANS_NOTHING = {"minLength": 0, "minItems": 0, "minProperties": 0, "uniqueItems": False}


def tighter_bounds(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Each in words. A pattern that changed may be wider; nobody can tell, so it counts."""
    for name in (*_AT_LEAST, *_AT_MOST, *_EXACT):
        was, now = old.get(name), new.get(name)
        if now is None or now == was or now == _MEANS_NOTHING.get(name):
            continue
        is_wider = (name in _AT_LEAST and was is not None and now < was) or (
            name in _AT_MOST and was is not None and now > was
        )
        if not is_wider:
            yield f"{name} {'none' if was is None else was} → {now}"
