"""Identifiers: random, prefixed where people quote them."""

import re
import secrets
from uuid import UUID

from core.errors import NotFound

_REQUEST_ID = re.compile(r"^[A-Za-z0-9_.-]{8,64}$")


def request_id(offered: str = "") -> str:
    """The caller's id when it is a harmless token, else a new one: it is echoed and logged."""
    return offered if _REQUEST_ID.match(offered) else f"req_{secrets.token_hex(12)}"


def is_uuid(value: str) -> bool:
    """Whether it has the form of one of our ids."""
    try:
        UUID(value)
    except ValueError:
        return False
    return True


def uuid_or_not_found(value: str) -> UUID:
    """A path's id; a malformed one names nothing, so it is answered like an unknown one."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound from None
