"""Sending a text: the protocol every provider fits, the development inbox, and failover from one to the next."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as once_per_process
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import QueryDict
from django.utils.module_loading import import_string
from prometheus_client import Counter
from redis.exceptions import RedisError

from apps.accounts.errors import TextNotSent, TextRefused
from apps.accounts.models import CodeSend, DevelopmentMessage
from core.errors import DomainError
from core.redaction import conceal

log = structlog.get_logger(__name__)
TEXTS = Counter("hanout_texts_total", "Texts handed to a provider, by what it answered.", ["provider", "outcome"])

PATIENCE_SECONDS = 5  # with each provider: who waits for a code hears within ten that none took it
DISTRUST_SECONDS = 30
TWILIO_REPORTS = "/api/webhooks/texts/twilio/"


@dataclass(frozen=True)
class Taken:
    """A text some provider accepted, and the name it knows it by."""

    provider: str
    reference: str


@dataclass(frozen=True)
class Report:
    """What a provider says became of a text it had accepted; `state` is none while it is still on its way."""

    reference: str
    state: CodeSend.State | None
    error: str = ""


class SmsProvider(Protocol):
    """A party that delivers texts.

    `send` returns the party's reference once it was accepted, within `PATIENCE_SECONDS`. It raises `TextNotSent` when
    the party could not be reached or failed, `TextRefused` when it declined; another provider may do better then.
    `NumberCannotReceive` and `CountryNotServed` say that none is to be tried.
    """

    name: str

    def send(self, *, phone: str, body: str) -> str: ...


class ReportingProvider(SmsProvider, Protocol):
    """A provider that calls back about each text."""

    def read_report(self, *, address: str, fields: QueryDict, signature: str) -> Report | None:
        """The report in a request to `address` (path and query); None if the provider did not sign it."""


class DevelopmentInbox:
    """Keeps texts where a developer can read them (/inbox/)."""

    name = "inbox"

    def send(self, *, phone: str, body: str) -> str:
        DevelopmentMessage.objects.create(recipient=phone, body=body)
        return ""


class StagingSilence:
    """Takes texts and sends none: testers have no provider, and read the code elsewhere or need none (S0)."""

    name = "staging"

    def send(self, *, phone: str, body: str) -> str:
        log.info("text_kept", phone=phone)
        return ""


def send_text(*, phone: str, body: str) -> Taken:
    """Hand a text to the first provider that takes it; raises as `SmsProvider.send` does when none did."""
    conceal(body)
    failures: list[TextNotSent] = []
    for provider in _trusted_first(providers()):
        try:
            reference = provider.send(phone=phone, body=body)
        except DomainError as error:
            TEXTS.labels(provider=provider.name, outcome=error.code).inc()
            if not isinstance(error, TextNotSent):
                raise
            _distrust(provider)
            failures.append(error)
        else:
            TEXTS.labels(provider=provider.name, outcome="taken").inc()
            return Taken(provider.name, reference)
    if not failures:
        log.error("text_provider_missing")
        raise TextNotSent
    # A refusal says more than a line that was dead.
    raise next((error for error in failures if isinstance(error, TextRefused)), failures[0])


def providers() -> list[SmsProvider]:
    """The providers of this environment, the preferred one first; development never texts a real phone."""
    if settings.IS_DEVELOPMENT:
        return [DevelopmentInbox()]
    named = list(_named_in_settings())
    return named or ([StagingSilence()] if settings.OTP_TEST_KEY or settings.OTP_APP_BYPASS else [])


def twilio() -> ReportingProvider | None:
    """Twilio, where it is set up and told to report here."""
    if settings.IS_DEVELOPMENT or not settings.PUBLIC_URL:
        return None
    return next((_provider(path, *options) for path, options in _twilio_options()), None)


def _named_in_settings() -> Iterator[SmsProvider]:
    bulksms = (settings.BULKSMS_API_URL, settings.BULKSMS_API_KEY, settings.BULKSMS_SENDER_ID)
    for path, options in _twilio_options():
        yield _provider(path, *options)
    if all(bulksms):
        yield _provider("apps.accounts.bulksms_texts.BulkSmsTexts", *bulksms)


def _twilio_options() -> Iterator[tuple[str, tuple[str, ...]]]:
    account = (settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_PHONE_NUMBER)
    if all(account):
        yield "apps.accounts.twilio_texts.TwilioTexts", (*account, settings.PUBLIC_URL)


@once_per_process
def _provider(path: str, *options: str) -> Any:
    """Imported by name: a process that texts nobody does not pay for the parties' libraries."""
    return import_string(path)(*options)


def _trusted_first(found: list[SmsProvider]) -> list[SmsProvider]:
    """Who failed within the last seconds comes last, so that not everybody waits for a party that is down."""
    if len(found) < 2:  # noqa: PLR2004  # nothing to choose
        return found
    try:
        failed = cache.get_many([_failure_key(provider) for provider in found])
    except RedisError as error:
        log.warning("text_trust_unknown", error=type(error).__name__)
        return found
    return sorted(found, key=lambda provider: _failure_key(provider) in failed)


def _distrust(provider: SmsProvider) -> None:
    try:
        cache.set(_failure_key(provider), 1, timeout=DISTRUST_SECONDS)
    except RedisError as error:
        log.warning("text_trust_unknown", error=type(error).__name__)


def _failure_key(provider: SmsProvider) -> str:
    return f"text-provider-failed:{provider.name}"
