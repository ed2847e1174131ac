"""Who is calling: the socket's address, or what our own proxies vouch for (design 5.12)."""

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

IPV6 = 6
_WIDTH = {4: 24, IPV6: 48}


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


def limit_key(address: str) -> str:
    """What limits count by: an IPv4 address, or the /64 of an IPv6 one, which belongs to one customer line."""
    if not _is_address(address):
        return ""
    parsed = ip_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or ip_network((int(parsed), 64), strict=False).network_address)


def network_of(address: str) -> str:
    """The neighbourhood of an address: its /24, or its /48 in IPv6; nothing for no address."""
    if not _is_address(address):
        return ""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return str(
        ip_network((int(parsed) if parsed.version == IPV6 else str(parsed), _WIDTH[parsed.version]), strict=False)
    )


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
