"""Says in V1's own answers that it is going away, once it has been decided (RFC 9745, RFC 8594)."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date

from core.contracts import V1


class DeprecationMiddleware:
    """Adds `Deprecation` and `Sunset` to V1's answers, refusals too; nothing while neither date is set."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(V1.prefixes):
            if settings.V1_DEPRECATED_ON:
                response["Deprecation"] = f"@{_seconds(settings.V1_DEPRECATED_ON)}"
            if settings.V1_SUNSET_ON:
                response["Sunset"] = http_date(_seconds(settings.V1_SUNSET_ON))
        return response


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
