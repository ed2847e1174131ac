"""What every endpoint answers to input nobody should send: 4xx in the contract's shape, never 500."""

from urllib.parse import quote

import pytest
from django.urls import reverse

from config.api import MOUNTED, contract_schema

NUL = "\x00"
LONG = "x" * 10_000


def operations():
    for _, api in MOUNTED:
        for path, methods in contract_schema(api)["paths"].items():
            for method, operation in methods.items():
                yield pytest.param(method.upper(), path, operation, id=f"{method.upper()} {path}")


OPERATIONS = list(operations())
WITH_BODY = [one for one in OPERATIONS if "requestBody" in one.values[2]]
WITH_ID = [one for one in OPERATIONS if "{" in one.values[1] and "requestBody" not in one.values[2]]
WITH_QUERY = [one for one in OPERATIONS if any(it["in"] == "query" for it in one.values[2].get("parameters", []))]


def filled(path, value):
    for name in ("product_id", "order_id", "slug", "name"):
        path = path.replace(f"{{{name}}}", value)
    return path


def assert_refused(reply, *statuses):
    assert reply.status_code in (statuses or range(400, 500)), (reply.status_code, reply.content[:300])
    assert {"code", "request_id"} <= set(reply.json())


@pytest.fixture
def staff(sign_in, operator):
    return sign_in(operator)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY)
@pytest.mark.parametrize(
    "body", ["{", "[1, 2", '{"phone": NaN}', '"text"', "[]", "null", '{"phone": "\\u0000"}', '{"a": "\\ud800"}']
)
def test_a_body_that_is_not_what_it_should_be_is_refused(staff, method, path, operation, body):
    reply = staff.generic(method, filled(path, "x"), body, content_type="application/json")
    assert_refused(reply)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_ID)
@pytest.mark.parametrize(
    "value",
    ["not-a-uuid", "0", "-1", "9" * 40, LONG[:3000], "%00", "..%2f..", "😀", "00000000-0000-0000-0000-000000000000"],
)
def test_an_id_that_names_nothing_is_not_found(staff, method, path, operation, value):
    assert_refused(staff.send(method, filled(path, value)), 400, 404, 422)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_QUERY)
def test_every_query_parameter_survives_nonsense(staff, method, path, operation):
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "query":
            continue
        for value in (NUL, LONG[:5000], "-1", "1e999", "9" * 30, "", "'; --", "٣", "nan"):
            reply = staff.generic(method, filled(path, "x"), QUERY_STRING=f"{parameter['name']}={quote(value)}")
            assert reply.status_code < 500, (parameter["name"], value)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_a_huge_body_is_too_large(staff, method, path, operation):
    reply = staff.generic(
        method, filled(path, "x"), '"' + "x" * (1024 * 1024 + 10) + '"', content_type="application/json"
    )
    assert_refused(reply, 413)


@pytest.mark.parametrize(("method", "path", "operation"), WITH_BODY)
def test_a_field_of_ten_thousand_characters_is_refused(staff, method, path, operation):
    fields = dict.fromkeys(
        (
            "phone",
            "code",
            "otp",
            "email",
            "password",
            "refresh",
            "refresh_token",
            "customer_notes",
            "product_id",
            "name",
            "preferred_language",
        ),
        LONG,
    )
    assert_refused(staff.send(method, filled(path, "x"), fields))


def test_a_query_string_without_end_is_refused(api):
    assert_refused(api.generic("GET", "/api/products/", QUERY_STRING="a=" + LONG), 400)


def test_a_form_that_lacks_a_field_names_it(api, db):
    assert api.post("/auth/token", {"password": "x"}).json()["errors"] == {"username": ["Field required"]}


def test_a_backslash_before_u0000_is_text_and_no_nul(shopper):
    body = r'{"first_name": "Nora", "username": "C:\\u0000"}'
    reply = shopper.generic("PATCH", "/api/accounts/me/", body, content_type="application/json")
    assert "username" in reply.json(), "refused as a username, and not as a NUL"


@pytest.mark.parametrize("name", ["a" * 255, "a" * 256, "a" * 3000, "a/b/../c"])
def test_a_picture_that_is_not_there_is_not_found_however_long_its_name(api, db, name):
    assert api.get(f"/media/{name}").status_code == 404


def test_head_answers_as_get_does_without_the_body(api, db):
    for path in ("/api/products/", "/health/live/", "/api/schema/shop/"):
        asked, got = api.head(path), api.get(path)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked["Content-Length"] == str(len(got.content))
    assert_refused(api.send("GET", "/api/orders/"), 401)
    assert api.head("/api/orders/").status_code == 401
    wrong = api.send("DELETE", "/api/products/")
    assert {"HEAD", "GET"} <= set(wrong["Allow"].split(", "))
    assert api.head("/api/users/send-otp/").status_code == 405


def test_an_unknown_address_and_a_wrong_method_have_the_contracts_shape(api):
    assert_refused(api.send("GET", "/api/nothing/here"), 404)
    wrong = api.send("DELETE", "/api/users/send-otp/")
    assert_refused(wrong, 405)
    assert wrong["Allow"] == "POST"


def test_the_start_page_is_html_for_people_and_json_for_clients(api, db):
    assert api.get(reverse("start")).json() == {"message": "Welcome to Campaign Analytics API"}
    assert b"<h1>" in api.get("/", headers={"Accept": "text/html"}).content
