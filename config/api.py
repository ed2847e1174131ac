"""Assembles the contracts: which routers each document's clients reach, and under which path."""

from functools import cache
from typing import Any

from ninja import NinjaAPI

from apps.accounts.api_accounts import router as accounts
from apps.accounts.api_auth import router as auth
from apps.accounts.api_companies import router as companies
from apps.accounts.api_people import router as people
from apps.accounts.api_users import router as users
from apps.accounts.api_v2 import router as mobile
from apps.accounts.api_v2 import sessions as mobile_sessions
from apps.campaigns.api import router as campaigns
from apps.onboarding.api_v1 import router as onboarding
from apps.orders.api import router as orders
from apps.orders.api_cart import router as cart
from apps.payments.api import router as payments
from apps.payments.api_sandbox import router as sandbox
from apps.products.api_reviews import router as reviews
from apps.products.api_search import router as search
from apps.products.api_staff import router as products
from apps.products.api_wishlist import router as wishlist
from core.contracts import CONTRACTS, S0, S2, S3, S4, V1, V2, build_api
from core.error_shapes import SCHEMAS

s0 = build_api(S0, description="Sign-in by texted code. Ask for a code, exchange it for tokens, use the access token.")
s0.add_router("", accounts)

v1 = build_api(V1, description="Web onboarding. Frozen: nothing here changes any more.")
v1.add_router("/onboarding/", onboarding)

v2 = build_api(V2, description="Mobile sign-in: password, passcode, PIN, sessions.")
v2.add_router("/auth/", mobile)
v2.add_router("/profile/", mobile_sessions)

s2 = build_api(S2, description="The shop: accounts, products, cart, orders and payments.")
s2.add_router("/auth/", auth)
s2.add_router("/auth/", people)
s2.add_router("/products/", search)  # before the ids
s2.add_router("/products/reviews/", reviews)
s2.add_router("/products/wishlist/", wishlist)
s2.add_router("/products/", products)
s2.add_router("/orders/cart/", cart)
s2.add_router("/orders/", orders)
s2.add_router("/payments/sandbox/", sandbox)
s2.add_router("/payments/", payments)

s3 = build_api(S3, description="One-time passwords by text.")
s3.add_router("", users)

s4 = build_api(S4, description="What out-of-home campaigns delivered.")
s4.add_router("/campaigns/", campaigns)
s4.add_router("/auth", companies)

# Most specific prefix first: S2 owns /api/, and within it S0 and S3 own their corner.
MOUNTED: tuple[tuple[str, NinjaAPI], ...] = (
    ("api/accounts/", s0),
    ("api/users/", s3),
    ("api/v1/", v1),
    ("api/v2/", v2),
    ("api/", s2),
    ("", s4),
)


_SHAPES = {contract.name: contract.render for contract in CONTRACTS}
_REFUSED = {
    "description": "Refused, or not possible now; docs/errors.md lists the codes.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


@cache
def contract_schema(api: NinjaAPI) -> dict[str, Any]:
    """The OpenAPI document of one contract; whatever an operation does not list is an error in the contract's shape."""
    document = dict(api.get_openapi_schema())
    document["components"]["schemas"]["Error"] = SCHEMAS[_SHAPES[api.urls_namespace or ""]]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] |= {"default": _REFUSED}
    return document


@cache
def merged_schema() -> dict[str, Any]:
    """One OpenAPI document of all contracts; component names carry their contract, so that none collide."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Hanout", "version": "1.0.0", "description": "Every contract this server answers."},
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    for _, api in MOUNTED:
        document = _with_prefixed_names(contract_schema(api), api.urls_namespace or "")
        merged["paths"] |= document["paths"]
        merged["components"]["schemas"] |= document["components"].get("schemas", {})
        merged["components"]["securitySchemes"] |= document["components"].get("securitySchemes", {})
    return merged


def _with_prefixed_names(node: Any, prefix: str) -> Any:
    """A copy of the document in which every schema is called `<contract>_<name>`."""
    start = "#/components/schemas/"
    match node:
        case {"$ref": str(target)} if target.startswith(start):
            return {**node, "$ref": f"{start}{prefix}_{target.removeprefix(start)}"}
        case {"schemas": dict(schemas), **rest}:
            renamed = {f"{prefix}_{name}": _with_prefixed_names(schema, prefix) for name, schema in schemas.items()}
            return {"schemas": renamed, **rest}
        case dict():
            return {key: _with_prefixed_names(value, prefix) for key, value in node.items()}
        case list():
            return [_with_prefixed_names(value, prefix) for value in node]
    return node
