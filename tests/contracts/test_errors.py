import pytest

from config.api import MOUNTED
from core import errors
from core.contracts import CONTRACTS, S0, S2, S3, S4, V1, V2, contract_for
from core.errors import DomainError


def family(kind):
    for child in kind.__subclasses__():
        yield child
        yield from family(child)


def test_every_error_has_a_code_of_its_own():
    codes = [kind.code for kind in family(DomainError)]
    assert MOUNTED
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("path", "contract"),
    [
        ("/api/accounts/me/", S0),
        ("/api/users/send-otp/", S3),
        ("/api/products/", S2),
        ("/api/unknown/", S2),
        ("/api/v1/onboarding/login", V1),
        ("/api/v2/auth/signin", V2),
        ("/campaigns/", S4),
        ("/auth/token", S4),
        ("/nowhere", S4),
    ],
)
def test_a_path_belongs_to_the_contract_with_the_longest_prefix(path, contract):
    assert contract_for(path) is contract


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_every_shape_carries_code_and_request_id(contract):
    body = contract.render(errors.NotFound(), 404, "req_1")
    assert (body["code"].lower(), body["request_id"]) == ("not_found", "req_1")
    assert body["code"].isupper() == (contract is V2)


def test_the_shapes_are_the_documents(api, db):
    missing = api.send("GET", "/api/products/nothing/").json()
    assert missing["error"] is True
    assert missing["status_code"] == 404
    assert set(missing) >= {"message", "errors"}
    detail = api.send("POST", "/api/accounts/otp/verify/", {"phone": "+966512345678"})
    assert detail.status_code == 400
    assert detail.json()["code"] == "invalid_input"
    assert "detail" in detail.json()
    assert api.send("POST", "/api/users/verify-otp/", {"phone": "+966512345678", "otp": "123456"}).json()["otp"]


def test_a_form_reading_client_finds_its_field(api, db):
    body = api.send("POST", "/api/users/send-otp/", {"phone": "hello"}).json()
    assert body["phone"] == [body["detail"]]
    assert body["code"] == "invalid_phone"
