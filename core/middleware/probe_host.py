"""Probes and scrapes come by address, with a Host header that names no site of ours."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_PROBED = ("/health", "/metrics")


class ProbeHostMiddleware:
    """Answers probes whatever host they name: nothing in those answers depends on it, everything else refuses it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_PROBED):
            request.get_host = lambda: "localhost"  # type: ignore[method-assign]
        return self.get_response(request)
