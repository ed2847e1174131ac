"""The refresh token as a cookie (S4), and whose pages may use it.

Outside development its name begins with `__Host-`: a browser then takes it only over TLS, from this very host and for
all of its paths, so that no neighbouring subdomain can plant one. Browsers refuse such a cookie without TLS, so
development has one of the plain name. Only the name of the environment is read: reading both would let a neighbour
plant the plain one after all.
"""

from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host

from apps.accounts.errors import ForeignOrigin

DEVELOPMENT_NAME = "refresh_token"
NAME = f"__Host-{DEVELOPMENT_NAME}"


def refresh_cookie(request: HttpRequest) -> str:
    """The refresh token this browser holds, or nothing."""
    return request.COOKIES.get(_name(), "")


def set_refresh_cookie(request: HttpRequest, response: HttpResponse, token: str, *, seconds: int) -> None:
    """Have the browser keep the token as long as its session can live."""
    response.set_cookie(
        _name(),
        token,
        max_age=seconds,
        path="/",
        secure=not settings.IS_DEVELOPMENT,
        httponly=True,
        samesite=_same_site(request),
    )


def clear_refresh_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """Have the browser forget it; Django marks the deletion `Secure` as the name demands."""
    response.delete_cookie(_name(), path="/", samesite=_same_site(request))


def require_own_page(request: HttpRequest) -> None:
    """Raise `ForeignOrigin` for a request that a page of a site nobody listed made its visitor's browser send.

    Browsers name the page's origin with every POST; those that kept it back still say that it is of another site.
    Programs send neither, and hold no cookie they were not given.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            raise ForeignOrigin
    elif not _is_known(origin, request):
        raise ForeignOrigin


def _is_known(origin: str, request: HttpRequest) -> bool:
    if origin == f"{request.scheme}://{request.get_host()}":
        return True
    return origin in settings.CORS_ALLOWED_ORIGINS or any(
        _fits(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def _fits(origin: str, trusted: str) -> bool:
    """Django lets these name all subdomains at once: https://*.shop.test."""
    scheme, separator, host = trusted.partition("://*")
    if not separator:
        return origin == trusted
    given, _, offered = origin.partition("://")
    return given == scheme and offered.endswith(host) and offered != host


def _same_site(request: HttpRequest) -> Literal["Lax", "None"]:
    """`None` only where a listed front end is, for all we can tell, of another site: it could not refresh otherwise."""
    if settings.IS_DEVELOPMENT:
        return "Lax"
    own = urlsplit(f"//{request.get_host()}").hostname or ""
    hosts = [urlsplit(origin).hostname or "" for origin in settings.CORS_ALLOWED_ORIGINS]
    is_near = all(validate_host(host, [f".{own}"]) or validate_host(own, [f".{host}"]) for host in hosts)
    return "Lax" if is_near else "None"


def _name() -> str:
    return DEVELOPMENT_NAME if settings.IS_DEVELOPMENT else NAME
