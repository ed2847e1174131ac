"""Texts through Bulk SMS BD: one POST, answered with a code of its own in JSON, mostly under status 200."""

from http import HTTPStatus
from typing import Any

import requests
import structlog

from apps.accounts.errors import NumberCannotReceive, TextNotSent, TextRefused
from apps.accounts.punctual_http import Punctual
from apps.accounts.texts import PATIENCE_SECONDS
from core.errors import DomainError

log = structlog.get_logger(__name__)

# https://bulksmsbd.com/bulksms-api-bangladesh.php
_ACCEPTED, _INVALID_NUMBER, _INTERNAL_ERROR = "202", "1001", "1005"
_HOME = "+880"


class BulkSmsTexts:
    """Its own API's address, key and approved sender."""

    name = "bulksms"

    def __init__(self, url: str, api_key: str, sender_id: str) -> None:
        self._url = url
        # In the body: addresses are logged on their way, by proxies and by the party itself.
        self._account = {"api_key": api_key, "senderid": sender_id, "type": "text"}
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, Punctual(PATIENCE_SECONDS))

    def send(self, *, phone: str, body: str) -> str:
        fields = {**self._account, "number": phone.removeprefix("+"), "message": body}
        try:
            answer = self._session.post(self._url, data=fields, allow_redirects=False)
            said = _read(answer)
        except (requests.RequestException, ValueError) as error:
            log.warning("bulksms_unreachable", error=type(error).__name__)
            raise TextNotSent from None
        code = str(said.get("response_code", ""))[:10]
        if code != _ACCEPTED:
            raise _meaning(answer.status_code, code, phone)
        return str(said.get("message_id") or "")


def _read(answer: requests.Response) -> dict[str, Any]:
    """What it said; nothing when that is no JSON object, which a broken or redirected address answers."""
    if not answer.ok or answer.is_redirect:
        return {}
    said = answer.json()
    return said if isinstance(said, dict) else {}


def _meaning(status: int, code: str, phone: str) -> DomainError:
    # It knows the numbers of its own country only: what it calls invalid abroad may well be a phone.
    if code == _INVALID_NUMBER and phone.startswith(_HOME):
        return NumberCannotReceive(param="phone")
    is_passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    is_passing = is_passing or code == _INTERNAL_ERROR
    log.warning("bulksms_failed" if is_passing else "bulksms_refused", status=status, error=code)
    return TextNotSent() if is_passing else TextRefused()
