"""Bounds on what may come in at all, before anything looks at it (OWASP ASVS 5.0, 2.2 and 4.1)."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.contracts import error_response
from core.errors import BodyTooLarge, DomainError, MalformedRequest

MAX_QUERY_CHARACTERS = 8_000


class InputBoundsMiddleware:
    """Refuses bodies that are too large, NUL bytes in addresses, and text that is not UTF-8."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            self._check_length(request)
            self._check_address(request)
        except DomainError as error:
            # Django turns what a middleware raises into a 500 before an outer one could render it.
            return error_response(request, error)
        return self.get_response(request)

    def _check_length(self, request: HttpRequest) -> None:
        is_upload = request.headers.get("Content-Type", "").startswith("multipart/")
        limit: int = settings.MAX_UPLOAD_BYTES if is_upload else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = str(request.META.get("CONTENT_LENGTH") or 0)
        if not length.isdecimal():
            raise MalformedRequest
        if int(length) > limit:
            raise BodyTooLarge(max_bytes=limit)

    def _check_address(self, request: HttpRequest) -> None:
        query = str(request.META.get("QUERY_STRING", ""))
        if len(query) > MAX_QUERY_CHARACTERS:
            raise MalformedRequest("The query string is too long.")
        decoded = unquote_to_bytes(query.replace("+", " "))
        if b"\x00" in decoded or "\x00" in request.path:
            raise MalformedRequest("The address contains a NUL character.")
        try:
            decoded.decode()
            request.path.encode()
        except UnicodeError:
            raise MalformedRequest("The address is not valid UTF-8.") from None
