"""The bodies in which each document's clients expect an error."""

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


def _lists(error: DomainError) -> Body:
    return {name: list(messages) for name, messages in error.fields.items()}


def _facts(error: DomainError) -> Body:
    return {"details": error.details} if error.details else {}
