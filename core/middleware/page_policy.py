"""What a browser may do with an answer (OWASP ASVS 5.0, 3.4): nothing comes from elsewhere, nothing runs inline."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_DATA = "default-src 'none'; frame-ancestors 'none'"
_PAGE = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
# The console's Alpine evaluates its attributes, and its charts and colours are styled inline. Only staff see it.
_CONSOLE = _PAGE | {"script-src": "'self' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}
_UNUSED = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class PagePolicyMiddleware:
    """Sets `Content-Security-Policy` on every answer, and `Permissions-Policy` on pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        pictures = settings.PICTURE_ORIGIN
        self._page, self._console = (_written(policy, pictures) for policy in (_PAGE, _CONSOLE))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            is_console = request.path.startswith(f"/{settings.ADMIN_PATH}")
            response["Content-Security-Policy"] = self._console if is_console else self._page
            response["Permissions-Policy"] = _UNUSED
        else:
            response["Content-Security-Policy"] = _DATA
        return response


def _written(policy: dict[str, str], pictures: str) -> str:
    chosen = policy | {"img-src": f"{policy['img-src']} {pictures}".strip()}
    return "; ".join(f"{directive} {sources}" for directive, sources in chosen.items())
