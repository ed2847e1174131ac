"""From an accepted code to a person with a session."""

from dataclasses import dataclass

from django.db import transaction

from apps.accounts.errors import AccountInactive
from apps.accounts.models import Code, User
from apps.accounts.services.codes import verify_code
from apps.accounts.services.sessions import SignedIn, start_session
from core.clock import now


@dataclass(frozen=True)
class Profile:
    """What a client may tell about a new person while signing in (S3)."""

    first_name: str = ""
    last_name: str = ""


def sign_in_with_code(
    *,
    phone: str,
    guess: str,
    address: str,
    user_agent: str,
    profile: Profile = Profile(),  # frozen
) -> tuple[SignedIn, bool]:
    """Spend the code, find or create its owner, open a session; the flag says whether the person is new."""
    verify_code(phone=phone, purpose=Code.Purpose.SIGN_IN, guess=guess)
    with transaction.atomic():
        user, is_new = User.objects.get_or_create(
            phone=phone,
            defaults={
                "role_state": User.RoleState.PHONE_ONLY,
                "first_name": profile.first_name,
                "last_name": profile.last_name,
                "phone_verified_at": now(),
                "password": "!",
            },
        )
        if not user.is_active:
            raise AccountInactive
        if not is_new:
            _note_verified(user)
        return start_session(user=user, address=address, user_agent=user_agent), is_new


def _note_verified(user: User) -> None:
    """A code proves the phone, whoever wrote it into the record; the role only ever rises."""
    if user.phone_verified_at is None:
        user.phone_verified_at = now()
        if user.role_state == User.RoleState.VISITOR:
            user.role_state = User.RoleState.PHONE_ONLY
        user.save(update_fields=["phone_verified_at", "role_state"])
