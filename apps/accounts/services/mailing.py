"""Mails and notices: written down with what causes them, sent by jobs on the queue "email".

A job carries ids and addresses; codes and tokens are made when the mail is, so that the table of jobs opens nothing.
Whatever counts for nothing any more by then is passed over.
"""

import re
from datetime import datetime

import structlog
from django.conf import settings
from django.db import models

from apps.accounts.callers import Caller
from apps.accounts.errors import CountryNotServed, NumberCannotReceive
from apps.accounts.mails import MailRefused, can_mail, require_mail, send_mail
from apps.accounts.models import Code, CodeSend, Invitation, Link, User
from apps.accounts.queries import holder_of_email
from apps.accounts.services.audit import Action, note
from apps.accounts.services.codes import CODES, digits_of
from apps.accounts.services.links import token_of
from apps.accounts.texts import send_text
from core.clock import now
from core.outbox import enqueue
from core.redaction import conceal

__all__ = ["Notice", "mail_link", "notify", "require_mail", "send_code_mail", "send_link_mail", "send_notice"]

log = structlog.get_logger(__name__)

PHONE_CHANGED = "Your Hanout account uses another phone number now. If that was not you, contact the shop at once."
_LONGEST_NAME = 60
_LINKABLE = re.compile(r"(?<=\S)([.:/@])(?=\S)")


class Notice(models.TextChoices):
    """What a person is told of afterwards; mostly in case it was somebody else."""

    WELCOME = "welcome"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a name
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGED = "phone_changed"
    PASSCODE_CHANGED = "passcode_changed"
    PIN_CHANGED = "pin_changed"
    ACCOUNT_DELETED = "account_deleted"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"


def mail_link(link: Link) -> None:
    """Mail this link once the caller's transaction commits; call `require_mail` before anything is promised."""
    enqueue("accounts.mail_link", link=str(link.pk))


def notify(user: User, notice: str, *, old_phone: str = "") -> None:
    """Tell the person once the caller's transaction commits: by mail to a verified address, by text to `old_phone`.

    The address is taken now: a deleted account has none later, and who changed it must not receive the warning.
    """
    channels = [{"phone": old_phone}] if old_phone else []
    if user.email and user.email_verified_at and can_mail():
        channels.append({"email": user.email})
    for channel in channels:
        enqueue("accounts.notify", user=user.pk, notice=Notice(notice).value, at=now().isoformat(), to=channel)


def send_code_mail(send_id: int) -> None:
    """Mail a code that still opens something; a mail that can never arrive counts as one that never left."""
    send = CodeSend.objects.select_related("code").filter(pk=send_id, state=CodeSend.State.QUEUED).first()
    if send is None:
        return
    code = send.code
    digits = digits_of(code) if code.is_open() else ""
    if not digits:
        _settle(send, CodeSend.State.FAILED, "closed")
        return
    if send.purpose == Code.Purpose.RESET and holder_of_email(send.recipient) is None:
        # Counted like any other, or the limits would tell who has an account.
        _settle(send, CodeSend.State.SENT, "nobody")
        return
    minutes = round((code.expires_at - now()).total_seconds() / 60) or 1
    try:
        send_mail("code", to=send.recipient, facts={"code": digits, "purpose": code.purpose, "minutes": minutes})
    except MailRefused as error:
        _settle(send, CodeSend.State.FAILED, str(error))
        note(
            Action.CODE_NOT_SENT,
            caller=Caller(send.address or ""),
            subject=send.recipient,
            purpose=send.purpose,
            why=str(error),
        )
    else:
        _settle(send, CodeSend.State.SENT)
        note(
            Action.CODE_SENT,
            caller=Caller(send.address or ""),
            subject=send.recipient,
            purpose=send.purpose,
            provider="smtp",
        )


def send_link_mail(link_id: str) -> None:
    """Mail a link that still opens something."""
    link = Link.objects.select_related("invitation__company", "invitation__invited_by").filter(pk=link_id).first()
    if link is None or not link.is_open():
        return
    if link.purpose == Link.Purpose.INVITATION and not Invitation.objects.filter(link=link).exists():
        return  # its company was deleted meanwhile
    if link.purpose == Link.Purpose.RESET_PASSWORD and holder_of_email(link.email) is None:
        return
    facts = {"url": conceal(_address_of(link)), "until": link.expires_at, **_names(link)}
    _send_or_give_up(link.purpose, to=link.email, facts=facts)


def send_notice(*, notice: str, at: datetime, email: str = "", phone: str = "") -> None:
    """One notice by one channel, so that a text which fails does not repeat the mail."""
    if email:
        _send_or_give_up(notice, to=email, facts={"at": at})
    if phone:
        try:
            send_text(phone=phone, body=PHONE_CHANGED)
        except (NumberCannotReceive, CountryNotServed) as error:
            log.info("notice_not_texted", notice=notice, why=error.code)


def _send_or_give_up(mail: str, *, to: str, facts: dict[str, object]) -> None:
    try:
        send_mail(mail, to=to, facts=facts)
    except MailRefused as error:
        log.warning("mail_given_up", mail=mail, why=str(error))


def _settle(send: CodeSend, state: CodeSend.State, error: str = "") -> None:
    send.state, send.error, send.provider = state, error, "smtp"
    send.settled_at = now() if state == CodeSend.State.FAILED else None
    send.save(update_fields=["state", "error", "provider", "settled_at"])
    outcome = "sent" if state == CodeSend.State.SENT else "not_sent"
    CODES.labels(purpose=send.purpose, outcome=outcome, country=send.country).inc()


def _address_of(link: Link) -> str:
    leads_to = {
        Link.Purpose.VERIFY_EMAIL: settings.ACTIVATION_URL,
        Link.Purpose.RESET_PASSWORD: f"{settings.FRONTEND_URL}/reset-password?token=",
        Link.Purpose.INVITATION: f"{settings.FRONTEND_URL}/invitation?token=",
    }
    return f"{leads_to[Link.Purpose(link.purpose)]}{token_of(link)}"


def _names(link: Link) -> dict[str, str]:
    """Who invites, and where to. Nobody's own name stands in other mails: anybody could have typed it."""
    if link.purpose != Link.Purpose.INVITATION:
        return {}
    invitation = link.invitation
    return {"company": harmless(invitation.company.name), "inviter": harmless(invitation.invited_by.full_name)}


def harmless(name: str) -> str:
    """A name somebody chose, short and on one line, in which no mail program sees an address to click on."""
    printable = "".join(character for character in " ".join(name.split()) if character.isprintable())
    return _LINKABLE.sub(r"\1 ", printable)[:_LONGEST_NAME]
