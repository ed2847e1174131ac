"""The bodies in which each document's clients expect an error."""

from collections.abc import Callable
from typing import Any

from core.errors import DomainError, InvalidInput

Body = dict[str, Any]


def detail_shape(error: DomainError, status: int, request_id: str) -> Body:
    """S0, S3, S4: `detail`, with the messages per field beside it, as form-reading clients expect."""
    fields = {name: list(messages) for name, messages in error.fields.items() if name not in {"detail", "code"}}
    return {**fields, "detail": error.text, "code": error.code, "request_id": request_id, **_facts(error)}


def validation_list_shape(error: DomainError, status: int, request_id: str) -> Body:
    """S4: as above; without field keys at the top, which its clients never had."""
    return {
        "detail": error.text,
        "code": error.code,
        "request_id": request_id,
        "errors": _lists(error),
        **_facts(error),
    }


def shop_shape(error: DomainError, status: int, request_id: str) -> Body:
    """S2: `error`, `message`, `status_code`, `errors`."""
    return {
        "error": True,
        "code": error.code,
        "message": error.text,
        "status_code": status,
        "errors": _lists(error),
        "request_id": request_id,
        **_facts(error),
    }


def onboarding_shape(error: DomainError, status: int, request_id: str) -> Body:
    """S1, V1: the keys of all three envelopes its clients ever met."""
    message = "validation failed" if isinstance(error, InvalidInput) else error.text
    return {
        "status": False,
        "success": False,
        "message": message,
        "detail": message,
        "errors": _lists(error),
        "error": {"code": error.code, "message": message, "data": _lists(error) or None},
        "code": error.code,
        "request_id": request_id,
        **_facts(error),
    }


def mobile_shape(error: DomainError, status: int, request_id: str) -> Body:
    """S1, V2: as V1, with the codes its document names."""
    code = MOBILE_CODES.get(error.code, error.code.upper())
    body = onboarding_shape(error, status, request_id)
    return {**body, "code": code, "error": {**body["error"], "code": code}}


MOBILE_CODES = {
    "invalid_credentials": "AUTH_INVALID_CREDENTIALS",
    "not_authenticated": "AUTH_TOKEN_INVALID",
    "token_rejected": "AUTH_TOKEN_INVALID",
    "token_expired": "AUTH_TOKEN_EXPIRED",
    "invalid_input": "VALIDATION_ERROR",
}


def _object(**properties: Body) -> Body:
    """An object with all of these, and perhaps what the error has to say besides."""
    required = list(properties)
    return {"type": "object", "required": required, "properties": {**properties, "details": {"type": "object"}}}


_TEXT = {"type": "string"}
_MESSAGES = {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}}
_DETAIL = _object(detail=_TEXT, code=_TEXT, request_id=_TEXT)
_ONBOARDING = _object(
    status={"const": False},
    success={"const": False},
    message=_TEXT,
    detail=_TEXT,
    errors=_MESSAGES,
    error=_object(code=_TEXT, message=_TEXT, data={"anyOf": [_MESSAGES, {"type": "null"}]}),
    code=_TEXT,
    request_id=_TEXT,
)
# What OpenAPI says of each shape.
SCHEMAS: dict[Callable[[DomainError, int, str], Body], Body] = {
    detail_shape: {**_DETAIL, "additionalProperties": _MESSAGES["additionalProperties"]},
    validation_list_shape: _object(detail=_TEXT, code=_TEXT, request_id=_TEXT, errors=_MESSAGES),
    shop_shape: _object(
        error={"const": True},
        code=_TEXT,
        message=_TEXT,
        status_code={"type": "integer"},
        errors=_MESSAGES,
        request_id=_TEXT,
    ),
    onboarding_shape: _ONBOARDING,
    mobile_shape: _ONBOARDING,
}


def _lists(error: DomainError) -> Body:
    return {name: list(messages) for name, messages in error.fields.items()}


def _facts(error: DomainError) -> Body:
    return {"details": error.details} if error.details else {}
