"""Maintenance at the door: visitors are told when to come back, staff and probes pass."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.accounts.auth import bearer
from apps.operations.services.maintenance import Closure, closure
from core.contracts import error_response
from core.errors import DomainError, UnderMaintenance

# Staff must get in to sign in and give their second factor, and whoever restarts or measures the process is no visitor.
OPEN = ("/static/", "/health", "/metrics", "/api/accounts/second-factor/")


class MaintenanceMiddleware:
    """Answers 503 with `Retry-After` while the shop is closed, but to staff (S2)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found = None if request.path.startswith((f"/{settings.ADMIN_PATH}", *OPEN)) else closure()
        if found is None or _is_staff(request):
            return self.get_response(request)
        return _refusal(request, found)


def _is_staff(request: HttpRequest) -> bool:
    """By the console's session, or by the token of an app."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        try:
            return bearer.authenticate(request, token.strip()).acts_as_staff
        except DomainError:
            return False
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def _refusal(request: HttpRequest, found: Closure) -> HttpResponse:
    error = UnderMaintenance(found.message, retry_after=found.seconds_left)
    return error_response(request, error)
