"""The one hierarchy of refusals; each contract renders it in its own shape (`core/contracts.py`)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class DomainError(Exception):
    """An outcome the business expects; a client acts on its `code`, which never changes.

    `param` names the offending input, `details` carries machine-readable facts, `retry_after` is in seconds.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "refused"
    message: ClassVar[str] = "This cannot be done."

    def __init__(
        self,
        message: str | None = None,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        **details: Any,
    ) -> None:
        self.text = message or self.message
        super().__init__(self.text)
        self.param = param
        self.retry_after = retry_after
        self.details = details

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        """The error per input field, as form-shaped contracts want it."""
        return {self.param: [self.text]} if self.param else {}


class InvalidInput(DomainError):
    """The request does not have the form the contract asks for; one message per field."""

    status = 422
    code = "invalid_input"
    message = "Some of the values sent are not valid."

    def __init__(self, errors: Mapping[str, Sequence[str]], message: str | None = None) -> None:
        first = next(iter(errors.items()), None)
        super().__init__(message or (f"{first[0]}: {first[1][0]}" if first else None))
        self.errors = errors

    @property
    def fields(self) -> Mapping[str, Sequence[str]]:
        return self.errors


class MalformedRequest(DomainError):
    status = 400
    code = "malformed_request"
    message = "The request could not be read."


class NotAuthenticated(DomainError):
    status = 401
    code = "not_authenticated"
    message = "Sign in first: send an access token as 'Authorization: Bearer …'."


class NotAllowed(DomainError):
    status = 403
    code = "not_allowed"
    message = "This account may not do that."


class ChangedMeanwhile(DomainError):
    code = "changed_meanwhile"
    message = "What this request refers to was changed at the same moment. Nothing was done; look again."


class SecondFactorNeeded(NotAllowed):
    code = "second_factor_needed"
    message = (
        "Give your second factor first: POST /api/accounts/second-factor/ with a code of your authenticator app, "
        "which is set up in the console."
    )


class NotFound(DomainError):
    status = 404
    code = "not_found"
    message = "There is nothing here."


class MethodNotAllowed(DomainError):
    status = 405
    code = "method_not_allowed"
    message = "This address does not answer that method."


class SlowBody(DomainError):
    status = 408
    code = "request_timeout"
    message = "The request body did not arrive in time."


class UnsupportedMediaType(DomainError):
    status = 415
    code = "unsupported_media_type"
    message = "Send the body as JSON, with Content-Type: application/json."


class BodyTooLarge(DomainError):
    status = 413
    code = "body_too_large"
    message = "The request is larger than this address accepts."


class TooManyRequests(DomainError):
    """Carries `retry_after`, which becomes the Retry-After header."""

    status = 429
    code = "too_many_requests"
    message = "Too many requests. Try again later."


class InternalError(DomainError):
    """Our own mistake: nothing but the request id is shown."""

    status = 500
    code = "internal_error"
    message = "Something went wrong on our side. Quote the request id when you report it."


class Overloaded(DomainError):
    """More wait for an answer than can be given one soon; nothing was started."""

    status = 503
    code = "overloaded"
    message = "The shop is too busy to answer right now. Nothing was changed; try again in a moment."


class UnderMaintenance(DomainError):
    """The operators closed the shop for a while."""

    status = 503
    code = "under_maintenance"
    message = "The shop is closed for maintenance. Please come back in a little while."


class DatabaseUnavailable(DomainError):
    """The database is away, restarting, busy, or took too long."""

    status = 503
    code = "database_unavailable"
    message = "The shop's database is away or busy. Look whether it worked, or try again in a moment."


class OutsidePartyUnavailable(DomainError):
    status = 503
    code = "outside_party_unavailable"
    message = "A service this needs cannot be reached. Try again later."
