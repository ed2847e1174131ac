"""How much of the shop one caller may have, whatever they ask for; each door counts on its own besides."""

import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse

from apps.accounts.tokens import subject_of
from core.breaker import Breaker
from core.client_address import client_address, limit_key
from core.contracts import error_response
from core.errors import DomainError, TooManyRequests
from core.middleware.contract_errors import is_page
from core.throttle import Rate, Standing, throttle

WINDOW_SECONDS = 60
# Whoever probes or scrapes must never be told to wait; files cost nothing worth counting, and a page has dozens.
UNCOUNTED = ("/static/", "/media/", "/health", "/metrics")
# After the cache was away, that long nobody waits for it again.
PAUSE_SECONDS = 5.0


class CallBudgetMiddleware:
    """Answers 429 to an address, or to the person of a valid token, that calls more often than the settings say.

    An invalid token counts as none, or making tokens up would be a way around.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._breaker = Breaker(PAUSE_SECONDS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            self._count(request)
        except TooManyRequests as refused:
            return _refusal(request, refused)
        return self.get_response(request)

    def _count(self, request: HttpRequest) -> None:
        is_counted = settings.ANONYMOUS_CALLS_PER_MINUTE or settings.PERSON_CALLS_PER_MINUTE
        if not is_counted or request.path.startswith(UNCOUNTED):
            return
        scope, caller, limit = _payer(request)
        if not limit or not self._breaker.allows():
            return
        standing = None
        try:
            standing = throttle(scope, caller, Rate(limit, WINDOW_SECONDS))
        except TooManyRequests as refused:
            standing = Standing(limit, 0, int(time.time()) + (refused.retry_after or 0))
            raise
        finally:
            # RequestContextMiddleware shows it, unless the door that is knocked at says more.
            request.rate_limit = standing  # type: ignore[attr-defined]
            self._breaker.note(worked=standing is not None)


def _payer(request: HttpRequest) -> tuple[str, str, int]:
    """Whose budget this call is of: the person's, or the address's."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        try:
            return "person", str(subject_of(token.strip())), settings.PERSON_CALLS_PER_MINUTE
        except (DomainError, DatabaseError):  # who cannot be told apart pays by address
            pass
    return "address", limit_key(client_address(request)), settings.ANONYMOUS_CALLS_PER_MINUTE


def _refusal(request: HttpRequest, refused: TooManyRequests) -> HttpResponse:
    if not is_page(request):
        return error_response(request, refused)
    response = HttpResponse(refused.text, status=refused.status, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(max(1, refused.retry_after or 0))
    return response
