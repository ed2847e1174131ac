"""The door of staff."""

from django.http import HttpRequest

from apps.accounts.auth import BearerAuth
from apps.accounts.models import User
from core.errors import NotAllowed


class StaffAuth(BearerAuth):
    """`bearer`, for people who may use the console; a customer is known, and not allowed."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        user = super().authenticate(request, token)
        if not user.is_staff:
            raise NotAllowed
        return user


staff = StaffAuth()
