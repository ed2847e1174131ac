"""What every page of ours may show."""

from django.conf import settings
from django.http import HttpRequest

USUAL = "admin/"


def console(request: HttpRequest) -> dict[str, str]:
    """Where the console is; nothing once it was moved, or moving it would have been pointless."""
    path: str = settings.ADMIN_PATH
    return {"console": f"/{path}" if path == USUAL or settings.IS_DEVELOPMENT else ""}
