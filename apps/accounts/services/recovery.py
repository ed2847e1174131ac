"""Getting back in by mail.

Who receives a mail to an address may set the password of the account that proved it, or of one that proved nothing at
all. An unproved email beside a proved phone or Google account was a slip of the pen, or a trap: it is taken from that
account, and who proved it gets one of their own.
"""

from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected, LinkRejected
from apps.accounts.models import Code, Link, Membership, Session, User
from apps.accounts.queries import holder_of_email
from apps.accounts.services.codes import verify_code
from apps.accounts.services.email_proofs import send_link, yield_email
from apps.accounts.services.links import use_link
from apps.accounts.services.passwords import change_password, require_good_password
from apps.accounts.services.people import NewPerson, register_person
from apps.accounts.services.secrets import RESTRICTED_FOR
from apps.accounts.services.sessions import end_sessions_of
from core.clock import now
from core.locks import lock


def request_password_reset(*, email: str) -> None:
    """Mail a link to set a new password; an email nobody has is treated the same, and gets no mail."""
    send_link(purpose=Link.Purpose.RESET_PASSWORD, email=email)


def reset_password(*, token: str, password: str, caller: Caller) -> None:
    """Set a new password by the mailed link; every session ends. Raises `LinkRejected`, `InvalidInput`."""
    with transaction.atomic():
        link = use_link(token=token, purpose=Link.Purpose.RESET_PASSWORD)
        if holder_of_email(link.email) is None:
            raise LinkRejected(param="token")
        _let_in(link.email, password, caller)


def reset_password_with_code(*, email: str, guess: str, password: str, caller: Caller) -> None:
    """Set a new password by the mailed code (V1); every session ends. Raises as `verify_code` does.

    The password is held against the person only after the code: before, its refusal would tell who is known.
    """
    require_good_password(password, field="new_password")
    verify_code(recipient=email, purpose=Code.Purpose.RESET, guess=guess, caller=caller)
    with transaction.atomic():
        if holder_of_email(email) is None:
            raise CodeRejected(param="code")
        _let_in(email, password, caller)


def take_over(user: User) -> None:
    """Leave nothing a stranger may have put into an account that proved nothing; its row is locked by the caller."""
    _clear_secrets(user)
    user.email_verified_at = now()
    user.google_uid = user.claimed_phone = None
    user.set_unusable_password()
    user.save(update_fields=["email_verified_at", "google_uid", "claimed_phone", "password"])
    Membership.objects.filter(user=user).delete()
    end_sessions_of(user=user, reason=Session.EndReason.PASSWORD_CHANGED)


def proves_nothing(user: User) -> bool:
    """Neither an email nor a phone nor a Google account stands behind it."""
    return not (user.email_verified_at or user.phone_verified_at or user.google_uid)


def _let_in(email: str, password: str, caller: Caller) -> None:
    lock(f"email:{email}")
    user = User.objects.select_for_update(no_key=True).filter(email=email, is_active=True).get()
    if proves_nothing(user):
        take_over(user)
    elif user.email_verified_at is None:
        yield_email(email, to=None, caller=caller)
        user = register_person(person=NewPerson(email=email), password=password, caller=caller)
        user.email_verified_at = now()
        user.save(update_fields=["email_verified_at"])
    require_good_password(password, user=user, field="new_password")
    _clear_secrets(user)
    _spend_other_ways(email)
    change_password(user=user, password=password, caller=caller)


def _clear_secrets(user: User) -> None:
    """Who lost the password may have lost the others too; set anew, they cost a day of lower limits like any change."""
    if user.passcode or user.pin:
        user.passcode = user.pin = ""
        user.limits_restricted_until = now() + RESTRICTED_FOR
        user.save(update_fields=["passcode", "pin", "limits_restricted_until"])


def _spend_other_ways(email: str) -> None:
    Link.objects.filter(email=email, purpose=Link.Purpose.RESET_PASSWORD, used_at=None).update(used_at=now())
    codes = Code.objects.filter(recipient=email, purpose=Code.Purpose.RESET, used_at=None)
    codes.update(used_at=now(), sealed=None)
