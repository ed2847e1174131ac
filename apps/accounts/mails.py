"""Sending a mail, and the mail backends for where no SMTP server is named."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.template.loader import render_to_string
from prometheus_client import Counter

from apps.accounts.errors import MailNotSent
from apps.accounts.models import DevelopmentMessage

log = structlog.get_logger(__name__)
MAILS = Counter("hanout_mails_total", "Mails handed to the mail server, by what it answered.", ["mail", "outcome"])
NO_BACKEND = "apps.accounts.mails.NoBackend"
_BLANK_LINES = re.compile(r"\n{3,}")


class MailRefused(Exception):
    """No server will ever take this mail, however often it is tried; says the reply code and nothing else."""


class DevelopmentBackend(BaseEmailBackend):
    """Keeps mails where a developer can read them (/inbox/)."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for mail in email_messages:
            for recipient in mail.recipients():
                DevelopmentMessage.objects.create(recipient=recipient, subject=str(mail.subject), body=str(mail.body))
        return len(email_messages)


class NoBackend(BaseEmailBackend):
    """Outside development with no server set up: nothing can leave, and that is said."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        log.error("mail_server_missing")
        raise MailNotSent


def can_mail() -> bool:
    """Whether a mail written down now has anywhere to go."""
    return settings.EMAIL_BACKEND != NO_BACKEND


def require_mail() -> None:
    """Raise `MailNotSent` where no mail server is set up: before a mail is promised that could never leave."""
    if not can_mail():
        log.error("mail_server_missing")
        raise MailNotSent


def send_mail(mail: str, *, to: str, facts: Mapping[str, Any]) -> None:
    """Send one of templates/accounts/mails/ to one person, in plain text and HTML.

    Raises `MailRefused` when trying again is useless; `MailNotSent` or what the connection raised when it is not.
    """
    message = compose(mail, to=to, facts=facts)
    try:
        message.send()
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        # Not chained: what the server says names the address.
        code = _reply_code(error)
        is_final = code >= HTTPStatus.INTERNAL_SERVER_ERROR  # SMTP counts as HTTP does
        MAILS.labels(mail=mail, outcome="refused" if is_final else "not_sent").inc()
        log.warning("mail_refused" if is_final else "mail_put_off", mail=mail, reply=code)
        raise (MailRefused(f"smtp {code}") if is_final else MailNotSent()) from None
    except OSError:  # smtplib's own errors are of this kind too
        MAILS.labels(mail=mail, outcome="not_sent").inc()
        raise
    MAILS.labels(mail=mail, outcome="taken").inc()


def compose(mail: str, *, to: str, facts: Mapping[str, Any]) -> EmailMultiAlternatives:
    """The mail as it leaves: each template is read three times, as subject, text and HTML, so the words stand once."""
    try:
        validate_email(to)
    except ValidationError:
        raise MailRefused("not an address") from None
    subject, text, html = (
        render_to_string(f"accounts/mails/{mail}.html", {**facts, "base": f"accounts/mails/base.{kind}"})
        for kind in ("subject.txt", "txt", "html")
    )
    message = EmailMultiAlternatives(
        # One line, whatever the names in it hold: a line break would begin another header.
        subject=" ".join(subject.split()),
        body=_BLANK_LINES.sub("\n\n", text).strip() + "\n",
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    message.attach_alternative(html, "text/html")
    return message


def _reply_code(error: SMTPRecipientsRefused | SMTPDataError) -> int:
    """A mail has one recipient, so one answer."""
    if isinstance(error, SMTPDataError):
        return error.smtp_code
    return max((code for code, _ in error.recipients.values()), default=0)
