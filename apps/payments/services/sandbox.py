"""Where the shop pays in the sandbox."""

from apps.payments.gateway import gateway
from core.errors import NotFound


def require_sandbox() -> None:
    """Raise `NotFound` where payments are real: the sandbox's doors are not even there."""
    if gateway().name != "sandbox":
        raise NotFound
