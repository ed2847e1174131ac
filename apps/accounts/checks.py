"""What `manage.py check --deploy` says about signing in."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  # Django's names

from apps.accounts.mails import can_mail
from apps.accounts.switches import TESTING_SWITCHES
from apps.accounts.texts import providers


@register(Tags.security, deploy=True)
def check_ways_out(**_: Any) -> list[CheckMessage]:
    """A shop may open without texts or mails, and answers 503 where it would need them; nobody should find out then."""
    found: list[CheckMessage] = []
    if not providers():
        found.append(
            Warning(
                "No text provider is set up: signing in with a phone answers 503.",
                hint="Set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_PHONE_NUMBER, or the three BULKSMS_*.",
                id="accounts.W001",
            )
        )
    if not can_mail():
        found.append(
            Warning(
                "No mail server is set up: registering and resetting a password by mail answer 503.",
                hint="Set EMAIL_HOST, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD and DEFAULT_FROM_EMAIL.",
                id="accounts.W002",
            )
        )
    if settings.TWILIO_ACCOUNT_SID and not settings.PUBLIC_URL:
        found.append(
            Warning(
                "Twilio cannot report what became of a text.",
                hint="Set PUBLIC_URL to the https address this API has in the world.",
                id="accounts.W003",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_console(**_: Any) -> list[CheckMessage]:
    """Both are a shop's own choice, for a while; neither should be one nobody knows of."""
    found: list[CheckMessage] = []
    if not (settings.CONSOLE_SECOND_FACTOR or settings.IS_DEVELOPMENT):
        found.append(
            Warning(
                "A password alone opens the console.",
                hint="Unset CONSOLE_SECOND_FACTOR: operators then set up an authenticator app when they sign in next.",
                id="console.W001",
            )
        )
    if settings.ANONYMOUS_CALLS_PER_MINUTE and not settings.TRUSTED_PROXY_COUNT:
        found.append(
            Warning(
                "Calls are limited by client address and no proxy is trusted: behind one, all clients share a budget.",
                hint="Set TRUSTED_PROXY_COUNT to the number of proxies in front; 0 is right only without any.",
                id="console.W002",
            )
        )
    return found


@register(Tags.security, deploy=True)
def check_no_testing_switch(**_: Any) -> list[CheckMessage]:
    """Settings refuse these variables before anything is checked; this is for settings that did not come from ours."""
    if settings.ENVIRONMENT != "production":
        return []
    names = sorted(name for name, value in os.environ.items() if name.startswith(TESTING_SWITCHES) and value.strip())
    return [Error(f"{name} opens sign-in for testing.", hint="Unset it.", id="accounts.E001") for name in names]
