"""Each rule of docs/preflight.md: what breaks a client is found, what does not is let pass."""

import copy
import json

import pytest

from apps.operations.preflight.contracts.comparing import broken_promises
from apps.operations.preflight.contracts.rules import RULES
from config.env import ROOT

CONTRACTS = sorted((ROOT / "docs" / "openapi").glob("*.json"))
ORDER_IN = {
    "type": "object",
    "properties": {
        "note": {"type": "string", "maxLength": 200},
        "count": {"type": "integer", "minimum": 1, "default": 1},
        "speed": {"type": "string", "enum": ["slow", "fast"]},
        "gift": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "price": {"type": "number"},
    },
    "required": ["count"],
}
ORDER_OUT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["open", "paid"]},
        "total": {"type": "integer"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/OrderOut"}},
    },
    "required": ["id", "state", "total"],
}
SHOP = {
    "openapi": "3.1.0",
    "paths": {
        "/orders": {
            "get": {
                "parameters": [{"in": "query", "name": "page", "schema": {"type": "integer", "maximum": 100}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}},
            },
            "post": {
                "security": [{"Bearer": []}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderIn"}}},
                },
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/OrderOut"}}}},
                    "409": {"description": "Out of stock"},
                },
            },
        },
    },
    "components": {
        "schemas": {"OrderIn": ORDER_IN, "OrderOut": ORDER_OUT},
        "securitySchemes": {
            "Bearer": {"type": "http", "scheme": "bearer"},
            "Guest": {"type": "apiKey", "in": "header", "name": "X-Cart-Token"},
        },
    },
}


def changed(change):
    """The shop's contract after a change: of the paths, the input, or the output."""
    after = copy.deepcopy(SHOP)
    schemas = after["components"]["schemas"]
    orders = after["paths"]["/orders"]
    change(
        {
            "paths": after["paths"],
            "get": orders["get"],
            "post": orders["post"],
            "orders": orders,
            "in": schemas["OrderIn"],
            "sent": schemas["OrderIn"]["properties"],
            "out": schemas["OrderOut"],
            "read": schemas["OrderOut"]["properties"],
        }
    )
    return after


def becomes(*path, to):
    def change(parts):
        *way, last = path
        node = parts
        for key in way:
            node = node[key]
        node[last] = to

    return change


def loses(*path):
    def change(parts):
        *way, last = path
        node = parts
        for key in way:
            node = node[key]
        del node[last]

    return change


BREAKING = [
    ("removed-path", "/orders", loses("paths", "/orders")),
    ("removed-method", "GET /orders", loses("orders", "get")),
    ("removed-status", "POST /orders 409", loses("post", "responses", "409")),
    ("added-success", "POST /orders 202", becomes("post", "responses", "202", to={})),
    ("removed-content", "POST /orders body", becomes("post", "requestBody", "content", to={"text/csv": {}})),
    ("changed-auth", "POST /orders", becomes("post", "security", to=[{"Guest": []}])),
    ("changed-auth", "GET /orders", becomes("get", "security", to=[{"Bearer": []}])),
    ("changed-auth", "POST /orders", loses("post", "security")),
    ("removed-input", "GET /orders query page", becomes("get", "parameters", to=[])),
    ("removed-input", "POST /orders body.note", loses("sent", "note")),
    ("removed-input", "POST /orders body", loses("post", "requestBody")),
    ("required-input", "POST /orders body.note", becomes("in", "required", to=["count", "note"])),
    ("required-input", "GET /orders query page", becomes("get", "parameters", 0, "required", to=True)),
    ("required-input", "GET /orders body", becomes("get", "requestBody", to={"required": True, "content": {}})),
    ("narrowed-input", "POST /orders body.price", becomes("sent", "price", "type", to="integer")),
    ("narrowed-input", "POST /orders body.gift", becomes("sent", "gift", to={"type": "string"})),
    ("narrowed-input", "POST /orders body.note", becomes("sent", "note", "format", to="date")),
    ("removed-choice", "POST /orders body.speed", becomes("sent", "speed", "enum", to=["fast"])),
    ("removed-choice", "POST /orders body.note", becomes("sent", "note", "enum", to=["a"])),
    ("tighter-bound", "POST /orders body.note", becomes("sent", "note", "maxLength", to=100)),
    ("tighter-bound", "POST /orders body.note", becomes("sent", "note", "pattern", to="^[a-z]+$")),
    ("tighter-bound", "POST /orders body.count", becomes("sent", "count", "minimum", to=2)),
    ("tighter-bound", "GET /orders query page", becomes("get", "parameters", 0, "schema", "maximum", to=50)),
    ("tighter-bound", "POST /orders body", becomes("in", "additionalProperties", to=False)),
    ("changed-default", "POST /orders body.count", becomes("sent", "count", "default", to=2)),
    ("removed-field", "POST /orders 201.total", loses("read", "total")),
    ("optional-field", "POST /orders 201.total", becomes("out", "required", to=["id", "state"])),
    ("widened-output", "POST /orders 201.total", becomes("read", "total", "type", to="number")),
    ("widened-output", "POST /orders 201.state", becomes("read", "state", "type", to=["string", "null"])),
    ("widened-output", "POST /orders 201.id", loses("read", "id", "format")),
    ("removed-value", "POST /orders 201.state", becomes("read", "state", "enum", to=["paid"])),
]  # fmt: skip
HARMLESS = {
    "a new path": becomes("paths", "/carts", to={"get": {"responses": {}}}),
    "a new method": becomes("orders", "delete", to={"responses": {"204": {}}}),
    "a new optional parameter": becomes(
        "get",
        "parameters",
        to=[*SHOP["paths"]["/orders"]["get"]["parameters"], {"in": "query", "name": "q", "schema": {}}],
    ),
    "a new optional field": becomes("sent", "color", to={"type": "string"}),
    "a new field of an answer": becomes("read", "color", to={"type": "string"}),
    "a new refusal": becomes("post", "responses", "429", to={}),
    "one more way in": becomes("post", "security", to=[{"Bearer": []}, {"Guest": []}]),
    "an input no longer required": becomes("in", "required", to=[]),
    "a looser bound": becomes("sent", "note", "maxLength", to=500),
    "no bound": loses("sent", "count", "minimum"),
    "one more choice": becomes("sent", "speed", "enum", to=["slow", "fast", "now"]),
    "a wider input": becomes("sent", "note", to={"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    "an answer that is never null": becomes("read", "note", to={"type": "string"}),
    "a narrower answer": becomes("out", "required", to=["id", "state", "total", "note"]),
    "one more value of an answer": becomes("read", "state", "enum", to=["open", "paid", "sent"]),
    "other words": becomes("sent", "note", "description", to="What the courier should know."),
}


@pytest.mark.parametrize(("rule", "where", "change"), BREAKING)
def test_what_breaks_a_client_is_found_by_its_rule(rule, where, change):
    found = broken_promises(SHOP, changed(change))
    assert [(one.rule, one.where) for one in found] == [(rule, where)]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_breaks_nobody_is_let_pass(name):
    assert broken_promises(SHOP, changed(HARMLESS[name])) == []


def test_every_rule_is_shown_here_or_by_the_check():
    shown = {rule for rule, _, _ in BREAKING} | {"frozen-contract", "removed-contract"}
    assert shown == set(RULES)


def test_the_page_explains_every_rule():
    text = (ROOT / "docs" / "preflight.md").read_text()
    assert [rule for rule in RULES if f"`{rule}`" not in text] == []


@pytest.mark.parametrize("change", ["a new path", "a new field of an answer", "a looser bound"])
def test_of_a_frozen_contract_nothing_changes(change):
    found = broken_promises(SHOP, changed(HARMLESS[change]), is_frozen=True)
    assert [one.rule for one in found] == ["frozen-contract"]


def test_the_words_of_a_frozen_contract_may_change():
    assert broken_promises(SHOP, changed(HARMLESS["other words"]), is_frozen=True) == []


def test_a_field_that_is_called_like_a_word_is_a_field():
    titled = changed(becomes("read", "title", to={"type": "string"}))
    assert [one.rule for one in broken_promises(titled, SHOP)] == ["removed-field"]
    assert [one.rule for one in broken_promises(SHOP, titled, is_frozen=True)] == ["frozen-contract"]


def test_what_is_deep_inside_is_named_with_its_way():
    nested = changed(
        becomes("read", "parts", to={"type": "array", "items": {"type": "object", "properties": {"a": {}}}})
    )
    after = copy.deepcopy(nested)
    del after["components"]["schemas"]["OrderOut"]["properties"]["parts"]["items"]["properties"]["a"]
    assert [one.where for one in broken_promises(nested, after)] == ["POST /orders 201.parts[].a"]


def test_a_schema_moved_behind_all_of_is_the_same_schema():
    after = copy.deepcopy(SHOP)
    after["components"]["schemas"]["Whole"] = after["components"]["schemas"]["OrderIn"]
    after["components"]["schemas"]["OrderIn"] = {"allOf": [{"$ref": "#/components/schemas/Whole"}]}
    assert broken_promises(SHOP, after) == []
    del after["components"]["schemas"]["Whole"]["properties"]["note"]
    assert [one.rule for one in broken_promises(SHOP, after)] == ["removed-input"]


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_our_own_contracts_keep_their_promises_to_themselves_and_break_when_anything_is_taken_away(path):
    contract = json.loads(path.read_text())
    assert broken_promises(contract, json.loads(path.read_text()), is_frozen=True) == []
    for name in contract["paths"]:
        less = {**contract, "paths": {key: value for key, value in contract["paths"].items() if key != name}}
        assert [one.text for one in broken_promises(contract, less)] == [f"removed-path: {name}"]
