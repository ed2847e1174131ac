"""The OpenAPI documents describe what is really sent and answered."""

from typing import get_args

import jsonschema
import pytest
from pydantic import BaseModel

from config.api import MOUNTED, contract_schema
from core.contracts import CONTRACTS
from core.errors import InvalidInput, NotFound

APIS = [pytest.param(api, id=api.urls_namespace) for _, api in MOUNTED]


def operations(api):
    for _, router in api._routers:
        for view in router.path_operations.values():
            yield from view.operations


def schemas_in(annotation):
    """Every schema a type is made of, to the leaves."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from schemas_in(field.annotation)
    for part in get_args(annotation):
        yield from schemas_in(part)


def schemas_of(api):
    for operation in operations(api):
        for model in [*operation.models, *operation.response_models.values()]:
            yield from schemas_in(model)


@pytest.mark.parametrize("api", APIS)
def test_no_two_schemas_of_a_contract_share_a_name(api):
    """Of two, the document keeps one, and describes the other's bodies by it."""
    found = {}
    for schema in schemas_of(api):
        if schema.__module__.startswith(("apps.", "core.")):
            found.setdefault(schema.__name__, set()).add(f"{schema.__module__}.{schema.__qualname__}")
    assert len(found) > 3
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


@pytest.mark.parametrize("error", [NotFound(), InvalidInput({"phone": ["Field required"]}), NotFound(most=3)], ids=str)
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_an_error_is_what_its_contract_documents(contract, error):
    (api,) = (api for _, api in MOUNTED if api.urls_namespace == contract.name)
    documented = contract_schema(api)["components"]["schemas"]["Error"]
    jsonschema.validate(contract.render(error, 404, "req_1"), documented)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"oops": True}, documented)


@pytest.mark.parametrize("api", APIS)
def test_every_operation_documents_its_refusals(api):
    answers = [one["responses"] for path in contract_schema(api)["paths"].values() for one in path.values()]
    assert answers
    assert all("default" in answer for answer in answers)
