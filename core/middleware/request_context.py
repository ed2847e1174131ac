"""The first and last to see a request: its id in and out, its log context, its access line."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from core.ids import request_id
from core.redaction import forget_concealed

log = structlog.get_logger("access")


class RequestContextMiddleware:
    """Reads or makes X-Request-ID, echoes it, and binds it to every log line of the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        forget_concealed()
        chosen = request_id(request.headers.get("X-Request-ID", ""))
        request.request_id = chosen  # type: ignore[attr-defined]  # the request is where Django lets us carry it
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=chosen)
        response = self.get_response(request)
        seconds = time.perf_counter() - started
        response["X-Request-ID"] = chosen
        response["X-Response-Time"] = f"{seconds:.3f}s"
        _show_rate_limit(request, response)
        # Probes every few seconds would drown the log. The query string stays out: it may carry secrets.
        if not request.path.startswith("/health"):
            log.info(
                "request",
                method=request.method,
                path=request.path[:200],
                status=response.status_code,
                ms=round(seconds * 1000),
            )
        return response


def _show_rate_limit(request: HttpRequest, response: HttpResponse) -> None:
    """Where the caller stands at the door it knocked at, for the doors that count (S1)."""
    if standing := getattr(request, "rate_limit", None):
        response["X-RateLimit-Limit"] = str(standing.limit)
        response["X-RateLimit-Remaining"] = str(standing.remaining)
        response["X-RateLimit-Reset"] = str(standing.resets_at)
