"""An email belongs to whoever followed the link that was mailed there.

A new email waits as `pending_email` while the old one goes on to count, so that a slip of the pen gives an account to
nobody; and an email nobody has proved yields to the first proof of it.
"""

from contextlib import suppress

from django.db import transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import LinkRejected, TooManyMails
from apps.accounts.mails import can_mail
from apps.accounts.models import Link, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.code_limits import HOUR
from apps.accounts.services.links import make_link, use_link
from apps.accounts.services.mailing import Notice, mail_link, notify, require_mail
from core.clock import now
from core.locks import lock

MOST_MAILS_AN_HOUR = 5


def send_verification(*, user: User) -> None:
    """Mail a link that proves the email the person asked for last.

    Raises `MailNotSent` where no mail server is set up, `TooManyMails` after five an hour to the address or by the
    person, whatever addresses they name.
    """
    send_link(purpose=Link.Purpose.VERIFY_EMAIL, email=user.any_email or "", user=user)


def offer_verification(*, user: User) -> None:
    """Mail the link if it can be: what was asked for besides counts for more, and it can be asked for again."""
    if can_mail():
        with suppress(TooManyMails):
            send_verification(user=user)


def ask_for_email(*, user: User, email: str | None, caller: Caller) -> None:
    """Let the person's email move once its link is followed; nothing clears it at once.

    Part of the caller's transaction, with the person's row locked.
    """
    if email in (user.email, user.pending_email) and email:
        user.pending_email = "" if email == user.email else email
        user.save(update_fields=["pending_email"])
        return
    if not email:
        notify(user, Notice.EMAIL_CHANGED)
        user.email = user.email_verified_at = None
    user.pending_email = email or ""
    user.save(update_fields=["email", "email_verified_at", "pending_email"])
    note(Action.EMAIL_CHANGED, caller=caller, user=user, subject=email or "", asked=bool(email))
    if email:
        offer_verification(user=user)


def verify_email(*, token: str, caller: Caller = NOBODY) -> Link:
    """Spend the link: the email is proved for the person who asked for it, and for nobody else.

    A link of V1's registration names no person yet; its app does the rest. Raises `LinkRejected`.
    """
    with transaction.atomic():
        link = use_link(token=token, purpose=Link.Purpose.VERIFY_EMAIL)
        if link.user_id is not None:
            user = User.objects.select_for_update(no_key=True).get(pk=link.user_id)
            if not user.is_active or link.email not in (user.email, user.pending_email):
                raise LinkRejected(param="token")
            prove_email(user=user, email=link.email, caller=caller)
        return link


def prove_email(*, user: User, email: str, caller: Caller) -> None:
    """The person received what was mailed there; part of the caller's transaction, with the person's row locked.

    Raises `LinkRejected` if somebody else proved the same address before.
    """
    lock(f"email:{email}")
    yield_email(email, to=user, caller=caller)
    if user.email != email:
        notify(user, Notice.EMAIL_CHANGED)
        note(Action.EMAIL_CHANGED, caller=caller, user=user, subject=email, was=user.email or "")
    user.email, user.pending_email, user.email_verified_at = email, "", now()
    user.save(update_fields=["email", "pending_email", "email_verified_at"])
    note(Action.EMAIL_VERIFIED, caller=caller, user=user, subject=email)


def yield_email(email: str, *, to: User | None, caller: Caller) -> None:
    """Take an unproved email from who holds it, for somebody who proves it; raises `LinkRejected` if it is proved."""
    holders = User.objects.select_for_update(no_key=True).filter(email=email)
    holder = (holders.exclude(pk=to.pk) if to else holders).first()
    if holder is None:
        return
    if holder.email_verified_at:
        raise LinkRejected(param="token")
    holder.email = None
    holder.save(update_fields=["email"])
    note(Action.EMAIL_CHANGED, caller=caller, user=holder, subject="", was=email, proved_by_another=True)


def send_link(*, purpose: Link.Purpose, email: str, user: User | None = None) -> None:
    """Mail a link; raises `MailNotSent`, or `TooManyMails` after five an hour to one address or by one person."""
    require_mail()
    with transaction.atomic():
        lock(f"link:{purpose}:{email}")
        recent = Link.objects.filter(purpose=purpose, created_at__gt=now() - HOUR)
        counts = [recent.filter(email=email).count(), recent.filter(user=user).count() if user else 0]
        if max(counts) >= MOST_MAILS_AN_HOUR:
            raise TooManyMails(retry_after=int(HOUR.total_seconds()))
        mail_link(make_link(purpose=purpose, email=email, user=user))
