"""Errors from outside an endpoint, in the shape of the contract the path belongs to."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core import errors
from core.contracts import as_domain_error, error_response

_PLAIN = {
    400: errors.MalformedRequest,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    500: errors.InternalError,
}


class ContractErrorsMiddleware:
    """Gives unknown addresses, wrong methods and refused bodies the contract's JSON; pages keep their HTML."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        kind = _PLAIN.get(response.status_code)
        if kind is None or _is_ours(request, response):
            return response
        rendered = error_response(request, kind())
        if allow := response.headers.get("Allow"):
            rendered["Allow"] = allow
        return rendered

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """An exception of a plain view; Django's own pages stay where people look at them."""
        return None if is_page(request) else error_response(request, as_domain_error(exception))


def is_page(request: HttpRequest) -> bool:
    """Whether the path is one people browse rather than clients call."""
    return request.path.startswith((f"/{settings.ADMIN_PATH}", "/static/", "/media/"))


def _is_ours(request: HttpRequest, response: HttpResponse) -> bool:
    return is_page(request) or response.headers.get("Content-Type", "").startswith("application/json")
