"""Counts and times every request by route template, never by raw path: labels stay few."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

REQUESTS = Counter("hanout_http_requests_total", "HTTP requests.", ["method", "route", "status"])
SECONDS = Histogram(
    "hanout_http_request_seconds",
    "Time to answer, in seconds.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class MetricsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match else "unknown"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method=method, route=route, status=response.status_code).inc()
        SECONDS.labels(route=route).observe(time.perf_counter() - started)
        return response
