"""Sending a text: the protocol every provider fits, and the development inbox."""

from typing import Protocol

import structlog
from django.conf import settings

from apps.accounts.errors import TextNotSent
from apps.accounts.models import DevelopmentText
from core.redaction import conceal

log = structlog.get_logger(__name__)


class SmsProvider(Protocol):
    """A party that delivers texts. `send` returns once it was accepted and raises `TextNotSent` otherwise."""

    def send(self, *, phone: str, body: str) -> None: ...


class DevelopmentInbox:
    """Keeps texts where a developer can read them (/inbox/)."""

    def send(self, *, phone: str, body: str) -> None:
        DevelopmentText.objects.create(phone=phone, body=body)


class NoProvider:
    """Outside development with no provider set up: nothing can leave, and that is said."""

    def send(self, *, phone: str, body: str) -> None:
        conceal(body)
        log.error("text_provider_missing")
        raise TextNotSent


def sms_provider() -> SmsProvider:
    """The provider of this environment."""
    return DevelopmentInbox() if settings.ENVIRONMENT == "development" else NoProvider()
