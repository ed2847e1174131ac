"""Where a request comes from, as the services need to know it."""

from dataclasses import dataclass

from django.http import HttpRequest

from core.client_address import client_address, limit_key, network_of


@dataclass(frozen=True)
class Caller:
    """The client's address and its own description of itself; `device_*` only where a contract sends them."""

    address: str = ""
    user_agent: str = ""
    device_id: str = ""
    device_name: str = ""
    device_type: str = ""

    @property
    def limit_key(self) -> str:
        """What limits per address count: the address, or its /64."""
        return limit_key(self.address)

    @property
    def network(self) -> str:
        """The neighbourhood somebody keeps when their address changes: /24, or /48 in IPv6."""
        return network_of(self.address)


def caller(request: HttpRequest) -> Caller:
    """Who is calling, before any token is looked at."""
    return Caller(client_address(request), request.headers.get("User-Agent", "")[:255])
