"""What staff may do, over the API as in the console."""

from apps.accounts.models import User
from core.errors import NotAllowed, SecondFactorNeeded


def require_permission(user: User, permission: str) -> None:
    """Raises `NotAllowed` without the permission, and `SecondFactorNeeded` this side of the second door."""
    if not (user.is_staff and user.has_perm(permission)):
        raise NotAllowed
    if not user.acts_as_staff:
        raise SecondFactorNeeded
