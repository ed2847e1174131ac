"""Who is calling: the socket's address, or what our own proxies vouch for (design 5.12)."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's IP address; X-Forwarded-For counts only through TRUSTED_PROXY_COUNT proxies.

    Each trusted proxy appends the address it saw, so the client is that many entries from the right;
    whatever stands further left was written by the client itself.
    """
    remote = str(request.META.get("REMOTE_ADDR", ""))
    trusted: int = settings.TRUSTED_PROXY_COUNT
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    if not trusted or len(hops) < trusted:
        return remote
    return hops[-trusted] if _is_address(hops[-trusted]) else remote


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
