"""Proving an email, and getting back in by it.

A mail gets somebody in only where the email was proved before, or where nothing of the account was: an email that
stands unproved beside a proved phone may be a slip of the pen, and its owner is then a stranger.
"""

from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import CodeRejected, LinkRejected, TooManyMails
from apps.accounts.models import Code, Link, Session, User
from apps.accounts.queries import resettable_person
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.code_limits import HOUR
from apps.accounts.services.codes import verify_code
from apps.accounts.services.links import make_link, use_link
from apps.accounts.services.mailing import mail_link, require_mail
from apps.accounts.services.passwords import change_password, require_good_password
from apps.accounts.services.sessions import end_sessions_of
from core.clock import now
from core.locks import lock

MOST_MAILS_AN_HOUR = 5


def send_verification(*, user: User, caller: Caller) -> None:
    """Mail a link that proves the person's email; raises `MailNotSent` where no mail server is set up."""
    _send_link(Link.Purpose.VERIFY_EMAIL, user.email or "", caller)


def verify_email(*, token: str, caller: Caller = NOBODY) -> Link:
    """Spend the link: its email is proved, if it is still somebody's. Raises `LinkRejected`."""
    with transaction.atomic():
        link = use_link(token=token, purpose=Link.Purpose.VERIFY_EMAIL)
        user = User.objects.filter(email=link.email).first()
        if user and user.email_verified_at is None:
            user.email_verified_at = now()
            user.save(update_fields=["email_verified_at"])
        note(Action.EMAIL_VERIFIED, caller=caller, user=user, subject=link.email)
        return link


def request_password_reset(*, email: str, caller: Caller) -> None:
    """Mail a link to set a new password; an email nobody has is treated the same, and gets no mail."""
    _send_link(Link.Purpose.RESET_PASSWORD, email, caller)


def reset_password(*, token: str, password: str, caller: Caller) -> None:
    """Set a new password by the mailed link; every session ends. Raises `LinkRejected`, `InvalidInput`."""
    with transaction.atomic():
        link = use_link(token=token, purpose=Link.Purpose.RESET_PASSWORD)
        user = resettable_person(link.email)
        if user is None:
            raise LinkRejected(param="token")
        require_good_password(password, user=user, field="new_password")
        _let_in(user, password, caller)


def reset_password_with_code(*, email: str, guess: str, password: str, caller: Caller) -> None:
    """Set a new password by the mailed code (V1); every session ends. Raises as `verify_code` does."""
    user = resettable_person(email)
    require_good_password(password, user=user, field="new_password")
    verify_code(recipient=email, purpose=Code.Purpose.RESET, guess=guess, caller=caller)
    if user is None:
        raise CodeRejected(param="code")
    with transaction.atomic():
        _let_in(user, password, caller)


def take_over(user: User) -> None:
    """The email is proved now. If it was not before, a stranger may have set the account up: no key of theirs stays."""
    if user.email_verified_at is None:
        user.email_verified_at = now()
        user.passcode = user.pin = ""
        user.google_uid = user.claimed_phone = None
        user.set_unusable_password()
        user.save(update_fields=["email_verified_at", "passcode", "pin", "google_uid", "claimed_phone", "password"])
        end_sessions_of(user=user, reason=Session.EndReason.PASSWORD_CHANGED)


def _let_in(user: User, password: str, caller: Caller) -> None:
    take_over(user)
    change_password(user=user, password=password, caller=caller)


def _send_link(purpose: Link.Purpose, email: str, caller: Caller) -> None:
    require_mail()
    with transaction.atomic():
        lock(f"link:{purpose}:{email}")
        recent = Link.objects.filter(email=email, purpose=purpose, created_at__gt=now() - HOUR)
        if recent.count() >= MOST_MAILS_AN_HOUR:
            raise TooManyMails(retry_after=int(HOUR.total_seconds()))
        mail_link(make_link(purpose=purpose, email=email))
