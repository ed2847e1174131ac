"""Texts through Twilio: the only file that imports `twilio`."""

import logging

import structlog
from django.http import QueryDict
from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from apps.accounts.errors import CountryNotServed, NumberCannotReceive, TextNotSent, TextRefused
from apps.accounts.models import CodeSend
from apps.accounts.punctual_http import Punctual
from apps.accounts.texts import PATIENCE_SECONDS, TWILIO_REPORTS, Report
from core.errors import DomainError

log = structlog.get_logger(__name__)
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)  # or each text is ten lines of headers

# https://www.twilio.com/docs/api/errors
_NUMBER_IS_THE_REASON = frozenset({
    21211,  # not a valid number
    21214,  # cannot be reached
    21217,  # does not appear valid
    21265,  # a short code
    21266,  # our own number
    21268,  # premium rate
    21610,  # the person answered STOP
    21612,  # cannot be reached from our number
    21614,  # not a mobile
    21635,  # a landline
})  # fmt: skip
# Somebody closed the region in Twilio's console, against fraud most likely; another provider must not go around that.
_REGION_NOT_ENABLED = 21408
_TOO_MANY_REQUESTS = 429

_STATES = {
    "delivered": CodeSend.State.DELIVERED,
    "read": CodeSend.State.DELIVERED,
    # Lost after Twilio had accepted it. "Failed" is our word for what never left, which counts against no limit.
    "undelivered": CodeSend.State.UNDELIVERED,
    "failed": CodeSend.State.UNDELIVERED,
    "canceled": CodeSend.State.UNDELIVERED,
}


class TwilioTexts:
    """Twilio's messages API; `sender` is a number (E.164) or a messaging service's id (MG…)."""

    name = "twilio"

    def __init__(
        self, account_sid: str, auth_token: str, sender: str, public_url: str, http: TwilioHttpClient | None = None
    ) -> None:
        self.public_url = public_url
        self._client = Client(account_sid, auth_token, http_client=http or http_client())
        self._validator = RequestValidator(auth_token)
        self._options = {"messaging_service_sid" if sender.startswith("MG") else "from_": sender}
        if public_url:
            self._options["status_callback"] = f"{public_url}{TWILIO_REPORTS}"

    def send(self, *, phone: str, body: str) -> str:
        try:
            sid = self._client.messages.create(to=phone, body=body, **self._options).sid
        except (TwilioRestException, TwilioServiceException) as error:
            # Not chained, here and below: what Twilio says names the number.
            raise _meaning(error) from None
        except (RequestException, TwilioException, ValueError) as error:
            log.warning("twilio_unreachable", error=type(error).__name__)
            raise TextNotSent from None
        if not sid:
            log.warning("twilio_unreachable", error="no sid")
            raise TextNotSent
        return str(sid)

    def read_report(self, *, address: str, fields: QueryDict, signature: str) -> Report | None:
        if not self._validator.validate(f"{self.public_url}{address}", fields, signature):
            return None
        return Report(
            reference=fields.get("MessageSid", "") or "",
            state=_STATES.get(fields.get("MessageStatus", "") or ""),
            error=fields.get("ErrorCode", "") or "",
        )


def http_client() -> TwilioHttpClient:
    """The SDK's own client, which on its own would wait for each step of a call anew."""
    client = TwilioHttpClient()
    client.session.mount("https://", Punctual(PATIENCE_SECONDS))
    return client


def _meaning(error: TwilioRestException | TwilioServiceException) -> DomainError:
    if error.code in _NUMBER_IS_THE_REASON:
        return NumberCannotReceive(param="phone")
    if error.code == _REGION_NOT_ENABLED:
        return CountryNotServed(param="phone")
    is_passing = error.status >= 500 or error.status == _TOO_MANY_REQUESTS  # noqa: PLR2004  # a server's own failure
    log.warning("twilio_failed" if is_passing else "twilio_refused", status=error.status, error=error.code)
    return TextNotSent() if is_passing else TextRefused()
