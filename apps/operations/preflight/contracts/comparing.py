"""Two releases of one contract: every promise of the old one that the new one breaks."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from apps.operations.preflight.contracts import rules
from apps.operations.preflight.contracts.rules import Break
from apps.operations.preflight.contracts.schemas import Comparison, Side

Document = Mapping[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_WORDS = frozenset({"title", "description", "summary", "tags", "operationId"})
_OPEN: list[Any] = [{}]


def broken_promises(old: Document, new: Document, *, is_frozen: bool = False) -> list[Break]:
    """In the order of the paths. A frozen contract may change its wording and nothing else."""
    comparer = _Comparer(old, new)
    found = list(dict.fromkeys(comparer.broken()))
    if is_frozen and not found and _meaning(old) != _meaning(new):
        return [Break(rules.FROZEN, "the contract", "something was added: give it to the next version instead")]
    return found


class _Comparer:
    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self.sides = (_side(old), _side(new))

    def broken(self) -> Iterator[Break]:
        for path, was in self.old["paths"].items():
            now = self.new["paths"].get(path)
            if now is None:
                yield Break(rules.REMOVED_PATH, path)
                continue
            for method in (name for name in METHODS if name in was):
                where = f"{method.upper()} {path}"
                if method in now:
                    yield from self._operation(where, was[method], now[method])
                else:
                    yield Break(rules.REMOVED_METHOD, where)

    def _operation(self, where: str, old: Document, new: Document) -> Iterator[Break]:
        yield from self._auth(where, old, new)
        yield from self._parameters(where, old, new)
        yield from self._body(where, old.get("requestBody"), new.get("requestBody"))
        yield from self._answers(where, old["responses"], new["responses"])

    def _auth(self, where: str, old: Document, new: Document) -> Iterator[Break]:
        """Whoever had the right credentials still has them, and what was closed is not open."""
        was = _ways_in(old.get("security", self.old.get("security")) or _OPEN, self.old)
        now = _ways_in(new.get("security", self.new.get("security")) or _OPEN, self.new)
        if not was <= now or (frozenset() in now) != (frozenset() in was):
            yield Break(rules.CHANGED_AUTH, where, f"{_told(was)} → {_told(now)}")

    def _parameters(self, where: str, old: Document, new: Document) -> Iterator[Break]:
        was, now = _parameters(old), _parameters(new)
        for key in was:
            if key not in now:
                yield Break(rules.REMOVED_INPUT, f"{where} {key}")
            else:
                yield from self._compare(f"{where} {key}", was[key]["schema"], now[key]["schema"], is_input=True)
        for key in now:
            if now[key].get("required") and not was.get(key, {}).get("required"):
                yield Break(rules.REQUIRED_INPUT, f"{where} {key}")

    def _body(self, where: str, old: Document | None, new: Document | None) -> Iterator[Break]:
        if new and new.get("required") and not (old and old.get("required")):
            yield Break(rules.REQUIRED_INPUT, f"{where} body")
        if old and not new:
            yield Break(rules.REMOVED_INPUT, f"{where} body")
        if old and new:
            yield from self._content(f"{where} body", old, new, is_input=True)

    def _answers(self, where: str, old: Document, new: Document) -> Iterator[Break]:
        for status in old:
            if status not in new:
                yield Break(rules.REMOVED_STATUS, f"{where} {status}")
            else:
                yield from self._content(f"{where} {status}", old[status], new[status], is_input=False)
        for status in new:
            if status not in old and str(status).startswith("2"):
                yield Break(rules.ADDED_SUCCESS, f"{where} {status}")

    def _content(self, where: str, old: Document, new: Document, *, is_input: bool) -> Iterator[Break]:
        was, now = old.get("content", {}), new.get("content", {})
        for kind in was:
            if kind not in now:
                yield Break(rules.REMOVED_CONTENT, where, kind)
            elif "schema" in was[kind] and "schema" in now[kind]:
                yield from self._compare(where, was[kind]["schema"], now[kind]["schema"], is_input=is_input)

    def _compare(self, where: str, old: Document, new: Document, *, is_input: bool) -> Iterator[Break]:
        return Comparison(*self.sides, is_input=is_input, where=where).broken(old, new)


def _side(document: Document) -> Side:
    return Side(document.get("components", {}).get("schemas", {}))


def _parameters(operation: Document) -> dict[str, Any]:
    return {f"{one['in']} {one['name']}": one for one in operation.get("parameters", ())}


def _ways_in(security: list[Mapping[str, Any]], document: Document) -> set[frozenset[str]]:
    """Each way as the set of credentials it takes, described so that a renamed scheme is the same scheme."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    return {frozenset(_scheme(schemes.get(name, {"type": name})) for name in way) for way in security}


def _scheme(scheme: Mapping[str, Any]) -> str:
    return " ".join(str(scheme[key]) for key in ("type", "scheme", "in", "name") if key in scheme)


def _told(ways: set[frozenset[str]]) -> str:
    return " or ".join(sorted(" and ".join(sorted(way)) or "nobody needs any" for way in ways))


def _meaning(document: Document) -> str:
    """Everything but its words."""
    return json.dumps(_without_words(document), sort_keys=True)


def _without_words(node: Any, *, is_names: bool = False) -> Any:
    if isinstance(node, Mapping):
        kept = node if is_names else {key: value for key, value in node.items() if key not in _WORDS}
        return {
            key: _without_words(value, is_names=key == "properties" and not is_names) for key, value in kept.items()
        }
    return [_without_words(one) for one in node] if isinstance(node, list) else node
