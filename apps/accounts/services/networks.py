"""Networks a person signed in from.

Every budget at the door exists twice: once for callers from a network its person was seen in, once for everybody
else together. A stranger can spend the second and never the first, so that limits which hold under attack do not
lock the owner out (OWASP ASVS 5.0, 6.1.1). Neither answer nor limit differs for phones nobody knows.
"""

from datetime import timedelta

from apps.accounts.callers import Caller
from apps.accounts.models import KnownNetwork, User
from core.clock import now

REMEMBERED = timedelta(days=90)


def remember_network(*, user: User, caller: Caller) -> None:
    """The person has just proved who they are from there."""
    if network := caller.network:
        KnownNetwork.objects.bulk_create(
            [KnownNetwork(user=user, network=network, seen_at=now())],
            update_conflicts=True,
            unique_fields=["user", "network"],
            update_fields=["seen_at"],
        )


def is_familiar(caller: Caller, **person: object) -> bool:
    """Whether the person found by these fields (`phone=…`, `email=…`, `pk=…`) was seen in the caller's network."""
    about = {f"user__{name}": value for name, value in person.items()}
    seen = KnownNetwork.objects.filter(network=caller.network, seen_at__gt=now() - REMEMBERED, **about)
    return bool(caller.network) and seen.exists()
