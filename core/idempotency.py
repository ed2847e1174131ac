"""`Idempotency-Key`: a request sent again is answered again, and done once.

What the request does, and the answer that is kept, are one transaction: after a crash there are both or neither.
Only what succeeded is kept; a refusal is worked out anew. So this is for services whose refusals leave no evidence
behind (a count of wrong guesses would be rolled back with them).
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import Any

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Schema, Status

from core.clock import now
from core.errors import DomainError
from core.housekeeping import Stale, chore
from core.locks import lock, try_lock
from core.models import IdempotentAnswer
from core.sealing import InvalidToken, seal, unseal

VALID = timedelta(hours=24)
MOST_CHARACTERS = 255
LONGEST_RUN = timedelta(minutes=1)
TAKEN = 0  # in place of an answer's status: there is none yet
_SEAL = "answer"

View = Callable[..., Any]


class InvalidIdempotencyKey(DomainError):
    status = 400
    code = "invalid_idempotency_key"
    message = "An Idempotency-Key has 1 to 255 printable characters."


class IdempotencyKeyReused(DomainError):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key belongs to another request. Use a new one."


class RequestInProgress(DomainError):
    status = 409
    code = "request_in_progress"
    message = "The first request with this Idempotency-Key is still being worked on. Try again in a moment."


def idempotent(shape: type[Schema], *, status: int = 200, apart: bool = False) -> Callable[[View], View]:
    """Let clients repeat the endpoint below with an Idempotency-Key for a day; it answers `status` with a `shape`.

    With `apart` it runs in no transaction of ours: for what asks an outside party, whose answers must outlive a refusal
    and under which no row may be locked. It must be safe to run twice, for after a crash it is.

    Keys belong to the person signed in, and to the path; without one, to whoever sends the same body again.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if "Idempotency-Key" not in request.headers:
                return view(request, *args, **kwargs)
            run = _apart if apart else _once
            return run(request, lambda: _rendered(shape, view(request, *args, **kwargs)), status)

        return answer

    return decorate


@chore("answers", "answers to requests with an Idempotency-Key, after a day")
def stale_answers(days: int | None) -> Iterator[Stale]:
    before = now() - (VALID if days is None else timedelta(days=max(days, 1)))  # clients may count on the day
    yield Stale(IdempotentAnswer.objects.filter(created_at__lt=before), along="created_at")


def _once(request: HttpRequest, make: Callable[[], bytes], status: int) -> HttpResponse:
    key, fingerprint = _key(request), hashlib.sha256(request.body).digest()
    with transaction.atomic():
        if not try_lock(f"idempotent:{key.hex()}"):
            raise RequestInProgress(retry_after=1)
        kept = IdempotentAnswer.objects.filter(pk=key, created_at__gt=now() - VALID).first()
        if kept:
            return _again(kept, fingerprint)
        content = make()
        _keep(key, fingerprint, status, seal(content, kind=_SEAL))
    return HttpResponse(content, status=status, content_type="application/json")


def _apart(request: HttpRequest, make: Callable[[], bytes], status: int) -> HttpResponse:
    """The key is taken first, in a moment; whoever took it and died lets go of it after a minute."""
    key, fingerprint = _key(request), hashlib.sha256(request.body).digest()
    with transaction.atomic():
        lock(f"idempotent:{key.hex()}")
        kept = IdempotentAnswer.objects.filter(pk=key, created_at__gt=now() - VALID).first()
        if kept and (kept.status != TAKEN or bytes(kept.fingerprint) != fingerprint):
            return _again(kept, fingerprint)
        if kept and kept.created_at > now() - LONGEST_RUN:
            raise RequestInProgress(retry_after=1)
        _keep(key, fingerprint, TAKEN, b"")
    content = b""
    try:
        content = make()
    finally:
        if not content:  # refused: the key is free again
            IdempotentAnswer.objects.filter(pk=key, status=TAKEN).delete()
    _keep(key, fingerprint, status, seal(content, kind=_SEAL))
    return HttpResponse(content, status=status, content_type="application/json")


def _keep(key: bytes, fingerprint: bytes, status: int, sealed: bytes) -> None:
    IdempotentAnswer.objects.update_or_create(
        pk=key, defaults={"fingerprint": fingerprint, "status": status, "sealed": sealed, "created_at": now()}
    )


def _again(kept: IdempotentAnswer, fingerprint: bytes) -> HttpResponse:
    if bytes(kept.fingerprint) != fingerprint:
        raise IdempotencyKeyReused
    try:
        content = unseal(bytes(kept.sealed), kind=_SEAL)
    except InvalidToken:  # SECRET_KEY changed: it was done, and cannot be told again
        raise IdempotencyKeyReused from None
    response = HttpResponse(content, status=kept.status, content_type="application/json")
    response["Idempotency-Replayed"] = "true"
    return response


def _key(request: HttpRequest) -> bytes:
    given = request.headers["Idempotency-Key"]
    if not (0 < len(given) <= MOST_CHARACTERS and given.isascii() and given.isprintable()):
        raise InvalidIdempotencyKey
    person = getattr(getattr(request, "auth", None), "pk", None)
    return hashlib.sha256(f"{person}\n{request.method}\n{request.path}\n{given}".encode()).digest()


def _rendered(shape: type[Schema], result: Any) -> bytes:
    """The bytes the endpoint would have answered by itself."""
    said = result.value if isinstance(result, Status) else result
    return orjson.dumps(shape.model_validate(said).model_dump(), default=str)
