"""The five documents' error shapes over one hierarchy, and the NinjaAPI each contract hangs on.

A contract is known by its path prefix, so an error raised before routing (a body too large, an unknown
address) is answered in the shape its client understands.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as NinjaValidationError
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from prometheus_client import Counter
from psycopg.errors import ForeignKeyViolation
from pydantic import ValidationError

from core import errors
from core.error_shapes import (
    Body,
    detail_shape,
    mobile_shape,
    onboarding_shape,
    shop_shape,
    validation_list_shape,
)
from core.errors import DomainError, InvalidInput
from core.reporting import report_error

log = structlog.get_logger(__name__)
REFUSALS = Counter("hanout_refusals_total", "Requests refused, by error code and contract.", ["code", "contract"])


@dataclass(frozen=True, kw_only=True)
class Contract:
    """How one family of clients is answered. `renames` maps our input names to the document's."""

    name: str
    title: str
    prefixes: tuple[str, ...]
    render: Callable[[DomainError, int, str], Body]
    invalid_status: int = 400
    renames: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)  # where the document wants another than ours, by code
    messages: Mapping[str, str] = field(default_factory=dict)  # the same for the words

    def status_of(self, error: DomainError) -> int:
        return self.invalid_status if isinstance(error, InvalidInput) else self.statuses.get(error.code, error.status)


S0 = Contract(
    name="accounts",
    title="Phone sign-in (S0)",
    prefixes=("/api/accounts/",),
    render=detail_shape,
)
S2 = Contract(name="shop", title="Shop (S2)", prefixes=("/api/",), render=shop_shape)
S3 = Contract(
    name="users",
    title="One-time passwords (S3)",
    prefixes=("/api/users/",),
    render=detail_shape,
    renames={"code": "otp"},
)
S4 = Contract(
    name="campaigns",
    title="Campaign analytics (S4)",
    prefixes=("/campaigns", "/auth", "/"),
    render=validation_list_shape,
    invalid_status=422,
    messages={
        "already_registered": "Email already registered",
        "invalid_credentials": "Incorrect username or password",
        **dict.fromkeys(("not_authenticated", "token_rejected", "token_expired"), "Could not validate credentials"),
    },
)
V1 = Contract(
    name="v1",
    title="Web onboarding, frozen (S1, V1)",
    prefixes=("/api/v1/",),
    render=onboarding_shape,
    invalid_status=422,
    renames={"code": "otp"},
    statuses={"invalid_credentials": 400, "account_inactive": 400},
)
V2 = Contract(
    name="v2",
    title="Mobile sign-in (S1, V2)",
    prefixes=("/api/v2/",),
    render=mobile_shape,
    invalid_status=422,
)
CONTRACTS = (S0, V1, V2, S2, S3, S4)


def contract_for(path: str) -> Contract:
    """The contract whose prefix fits the path best; S4 owns the root."""
    fitting = (
        (len(prefix), contract) for contract in CONTRACTS for prefix in contract.prefixes if path.startswith(prefix)
    )
    return max(fitting, key=lambda pair: pair[0], default=(0, S4))[1]


def error_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer an error in the shape of the contract the path belongs to."""
    contract = contract_for(request.path)
    status = contract.status_of(error)
    body = contract.render(_reworded(error, contract), status, getattr(request, "request_id", ""))
    REFUSALS.labels(code=error.code, contract=contract.name).inc()
    response = HttpResponse(orjson.dumps(body, default=str), status=status, content_type="application/json")
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = str(len(response.content))
    if error.retry_after is not None:
        response["Retry-After"] = str(max(1, error.retry_after))
    if status == errors.NotAuthenticated.status:
        response["WWW-Authenticate"] = "Bearer"
    return response


def _reworded(error: DomainError, contract: Contract) -> DomainError:
    error.text = contract.messages.get(error.code, error.text)
    if error.param is not None:
        error.param = contract.renames.get(error.param, error.param)
    if isinstance(error, InvalidInput):
        return InvalidInput({contract.renames.get(name, name): found for name, found in error.errors.items()})
    return error


def as_domain_error(error: Exception) -> DomainError:
    """What an exception from Django or ninja means in our hierarchy; anything unknown is our mistake."""
    refused = error.__cause__ if isinstance(error, HttpError) else error  # ninja wraps what the parser refused
    if isinstance(refused, DomainError):
        return refused
    if isinstance(error, NinjaValidationError):
        return InvalidInput(_messages_by_field(error.errors))
    for kinds, meaning in _MEANINGS:
        if isinstance(error, kinds):
            return meaning()
    if isinstance(error.__cause__, ForeignKeyViolation):
        log.warning("key_without_row", exc_info=error)
        return errors.ChangedMeanwhile()  # keys are checked at the commit, where no service can answer for it
    if isinstance(error, OperationalError | InterfaceError) or _hides_lost_database(error):
        log.error("database_unavailable", exc_info=error)
        return errors.DatabaseUnavailable(retry_after=1)
    log.error("unhandled_exception", exc_info=error)
    report_error(error)
    return errors.InternalError()


_MEANINGS: tuple[tuple[tuple[type[Exception], ...], type[DomainError]], ...] = (
    ((RequestDataTooBig,), errors.BodyTooLarge),
    ((Http404,), errors.NotFound),
    ((PermissionDenied,), errors.NotAllowed),
    ((AuthenticationError,), errors.NotAuthenticated),
    ((HttpError, BadRequest, SuspiciousOperation, RawPostDataException, MultiPartParserError), errors.MalformedRequest),
)


def _hides_lost_database(error: Exception) -> bool:
    """Whether a row's relation could not be read while the answer was written: Pydantic keeps only the words of it."""
    return isinstance(error, ValidationError) and any(
        str(item.get("ctx", {}).get("error", "")).startswith(("OperationalError:", "InterfaceError:"))
        for item in error.errors(include_input=False, include_url=False)
    )


def _messages_by_field(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Pydantic's list as messages per field; `loc` starts with where the value came from and its parameter."""
    messages: dict[str, list[str]] = {}
    for item in found:
        # Which of several shapes was meant is our word (a union's tag), and no part of what was sent.
        names = [name for part in item.get("loc", ()) if not (name := str(part)).startswith("shape:")]
        path = names[2:] if names[:1] == ["body"] else names[1:]
        messages.setdefault(".".join(path) or "body", []).append(
            str(item.get("msg", "Invalid value.")).removeprefix("Value error, ")
        )
    return messages


_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # behind an escaped backslash it is plain text


class JsonRenderer(BaseRenderer):
    """orjson: several times the speed of the standard encoder on lists."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str)


class JsonParser(Parser):
    """Strict JSON: NUL characters, which PostgreSQL cannot store, and lone surrogates are refused at the door."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json" and "Origin" in request.headers:
            # A page may send such a body across sites without asking first; a program without an Origin may not care.
            raise errors.UnsupportedMediaType
        if _NUL.search(request.body):
            raise errors.MalformedRequest("The request contains a NUL character.")
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise errors.MalformedRequest("The request body is not valid JSON.") from None
        if not isinstance(body, dict):  # ninja would read it as an empty object where every field is optional
            raise errors.MalformedRequest("The request body is not a JSON object.")
        return body


def build_api(contract: Contract, *, description: str) -> NinjaAPI:
    """The NinjaAPI of one contract, answering every error in its shape."""
    api = NinjaAPI(
        title=contract.title,
        version="1.0.0",
        description=description,
        urls_namespace=contract.name,
        docs_url=None,
        openapi_url=None,
        renderer=JsonRenderer(),
        parser=JsonParser(),
    )

    def answer(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        return error_response(request, as_domain_error(error if isinstance(error, Exception) else error()))

    for kind in (DomainError, NinjaValidationError, AuthenticationError, HttpError, Http404, Exception):
        api.add_exception_handler(kind, answer)
    return api
