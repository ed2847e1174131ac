"""The doors of staff over the API: what each may do in the console, and behind the same second factor."""

from django.http import HttpRequest

from apps.accounts.auth import BearerAuth
from apps.accounts.models import User
from apps.accounts.services import require_permission


class StaffAuth(BearerAuth):
    """`bearer`, for staff with a permission; a customer is known, and not allowed."""

    def __init__(self, permission: str) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> User:
        user = super().authenticate(request, token)
        require_permission(user, self.permission)
        return user
