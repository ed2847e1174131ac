"""Two schemas compared, for what clients send or for what they read.

What is sent may only become more permissive, what is answered only more exact.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.operations.preflight.contracts import rules
from apps.operations.preflight.contracts.bounds import tighter_bounds
from apps.operations.preflight.contracts.rules import Break

Schema = Mapping[str, Any]
ANYTHING = "anything"
NULL = "null"
# A type, and those that hold every value of it.
_WIDER = {"integer": {"number"}}


@dataclass(frozen=True)
class Side:
    """A document's schemas, with its references followed."""

    components: Mapping[str, Any]
    # Kept, so that a schema is one object however often it is come by: that is how schemas that hold themselves end.
    _known: dict[int, Schema] = field(default_factory=dict, compare=False)

    def followed(self, schema: Schema) -> Schema:
        """Without `$ref` and `allOf`: siblings of a reference only describe it."""
        while "$ref" in schema:
            schema = self.components[schema["$ref"].removeprefix("#/components/schemas/")]
        if "allOf" not in schema:
            return schema
        if id(schema) not in self._known:
            merged: Schema = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, self.followed(part))
            self._known[id(schema)] = merged
        return self._known[id(schema)]

    def forms(self, schema: Schema) -> list[Schema]:
        """The alternatives, each of one type; null apart from the rest."""
        schema = self.followed(schema)
        if union := schema.get("anyOf") or schema.get("oneOf"):
            return [form for one in union for form in self.forms(one)]
        if isinstance(schema.get("type"), list):
            return [{**schema, "type": name} for name in schema["type"]]
        return [schema]


def _merged(schema: Schema, part: Schema) -> Schema:
    both = {"properties": {**part.get("properties", {}), **schema.get("properties", {})}}
    required = sorted({*part.get("required", ()), *schema.get("required", ())})
    return {**part, **schema, **(both if both["properties"] else {}), **({"required": required} if required else {})}


@dataclass(frozen=True)
class Comparison:
    """Where we are in both documents; `seen` ends schemas that hold themselves."""

    old: Side
    new: Side
    is_input: bool
    where: str
    seen: frozenset[tuple[int, int]] = field(default=frozenset())

    def at(self, name: str) -> "Comparison":
        return replace(self, where=f"{self.where}{name}")

    def broken(self, old: Schema, new: Schema) -> Iterator[Break]:
        """Everything that whoever relies on `old` would trip over in `new`."""
        old, new = self.old.followed(old), self.new.followed(new)
        if (id(old), id(new)) in self.seen:
            return
        deeper = replace(self, seen=self.seen | {(id(old), id(new))})
        if self.is_input and old.get("default") != new.get("default") and "default" in old:
            was, now = old.get("default"), new.get("default", "nothing")
            yield Break(rules.CHANGED_DEFAULT, self.where, f"{was!r} → {now!r}")
        yield from deeper.forms_broken(self.old.forms(old), self.new.forms(new))

    def forms_broken(self, old: Sequence[Schema], new: Sequence[Schema]) -> Iterator[Break]:
        """Each form that must still be held by the other side is held by its likeliest partner."""
        holding, held = (new, old) if self.is_input else (old, new)
        rule = rules.NARROWED_INPUT if self.is_input else rules.WIDENED_OUTPUT
        for form in held:
            partners = [one for one in holding if _holds(one, form)]
            if not partners:
                yield Break(rule, self.where, f"{_kinds(old)} → {_kinds(new)}")
                return
            tried = [list(self._form(*((form, one) if self.is_input else (one, form)))) for one in partners]
            yield from min(tried, key=len)

    def _form(self, old: Schema, new: Schema) -> Iterator[Break]:
        yield from self._format(old, new)
        yield from self._values(old, new)
        if self.is_input:
            yield from (Break(rules.TIGHTER_BOUND, self.where, told) for told in tighter_bounds(old, new))
        yield from self._fields(old, new)
        for name, key in (("[]", "items"), (".*", "additionalProperties")):
            if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
                yield from self.at(name).broken(old[key], new[key])

    def _format(self, old: Schema, new: Schema) -> Iterator[Break]:
        was, now = old.get("format"), new.get("format")
        if was != now and (now if self.is_input else was):
            rule = rules.NARROWED_INPUT if self.is_input else rules.WIDENED_OUTPUT
            yield Break(rule, self.where, f"format {was or 'any'} → {now or 'any'}")

    def _values(self, old: Schema, new: Schema) -> Iterator[Break]:
        was, now = _choices(old), _choices(new)
        if now is None or (was is None and not self.is_input):
            return
        gone = [value for value in was or () if value not in now]
        rule = rules.REMOVED_CHOICE if self.is_input else rules.REMOVED_VALUE
        if was is None:
            yield Break(rule, self.where, f"only {now} any more")
        for value in gone:
            yield Break(rule, self.where, repr(value))

    def _fields(self, old: Schema, new: Schema) -> Iterator[Break]:
        was, now = old.get("properties", {}), new.get("properties", {})
        required_then, required_now = set(old.get("required", ())), set(new.get("required", ()))
        gone = rules.REMOVED_INPUT if self.is_input else rules.REMOVED_FIELD
        yield from (Break(gone, f"{self.where}.{name}") for name in was if name not in now)
        if self.is_input:
            yield from (Break(rules.REQUIRED_INPUT, f"{self.where}.{name}") for name in required_now - required_then)
            if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
                yield Break(rules.TIGHTER_BOUND, self.where, "unknown fields are refused")
        else:
            maybe = (required_then - required_now) & set(now)
            yield from (Break(rules.OPTIONAL_FIELD, f"{self.where}.{name}") for name in maybe)
        for name in was.keys() & now.keys():
            yield from self.at(f".{name}").broken(was[name], now[name])


def _kind(form: Schema) -> str:
    if "type" in form:
        return str(form["type"])
    if "const" in form:
        return {str: "string", bool: "boolean", int: "integer", float: "number"}.get(type(form["const"]), NULL)
    return "object" if "properties" in form else ANYTHING


def _kinds(forms: Sequence[Schema]) -> str:
    return " or ".join(dict.fromkeys(map(_kind, forms)))


def _holds(wide: Schema, narrow: Schema) -> bool:
    """Whether the one may hold what the other holds, by type alone."""
    kind, other = _kind(wide), _kind(narrow)
    return kind in {ANYTHING, other} or kind in _WIDER.get(other, ())


def _choices(form: Schema) -> list[Any] | None:
    if "const" in form:
        return [form["const"]]
    return form.get("enum")
