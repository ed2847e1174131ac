"""A customer who visits a shop that has just booted: looks around, gets a code, signs in."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

OPEN_SECONDS, ANSWER_SECONDS = 60, 10


class NotAsItShouldBe(Exception):
    """An answer other than expected, in words."""


class Visitor:
    """Uses the oldest addresses of the contracts, which every release has, as development answers them."""

    def __init__(self, base: str, *, why_gone: Callable[[], str]) -> None:
        self._base, self._why_gone = base, why_gone
        self._phone = f"+96650{secrets.randbelow(10**7):07d}"
        self._code = ""

    @property
    def acts(self) -> Mapping[str, Callable[[], str]]:
        """What it does, in order; each says what it saw or raises `NotAsItShouldBe`."""
        return {
            "opens": self._waits_until_open,
            "is ready": self._asks_whether_ready,
            "lists products": self._lists_products,
            "sends a code": self._asks_for_code,
            "signs in": self._signs_in,
        }

    def _waits_until_open(self) -> str:
        deadline = time.monotonic() + OPEN_SECONDS
        while self._call("/health/live/")[0] != HTTPStatus.OK:
            if last_words := self._why_gone():
                raise NotAsItShouldBe(f"It ended by itself: {last_words}")
            if time.monotonic() > deadline:
                raise NotAsItShouldBe(f"It did not answer within {OPEN_SECONDS} seconds.")
            time.sleep(0.1)
        return "It answers."

    def _asks_whether_ready(self) -> str:
        self._get("/health/ready/", must_have="components")
        return "Readiness is 200 on this schema."

    def _lists_products(self) -> str:
        return f"The list has {self._get('/api/products/', must_have='count')['count']} products."

    def _asks_for_code(self) -> str:
        self._code = self._get("/api/users/send-otp/", {"phone": self._phone}, must_have="otp")["otp"]
        return "A code was written down and sent to the development inbox."

    def _signs_in(self) -> str:
        body = {"phone": self._phone, "otp": self._code}
        tokens = self._get("/api/users/verify-otp/", body, must_have="tokens")["tokens"]
        person = self._get("/api/accounts/me/", token=tokens["access"], must_have="phone")
        if person["phone"] != self._phone:
            raise NotAsItShouldBe("The page of the customer who signed in is somebody else's.")
        return "A new customer signed in and read their own page."

    def _get(self, path: str, body: Mapping[str, str] | None = None, *, must_have: str, token: str = "") -> Any:
        status, answer = self._call(path, body, token)
        if status != HTTPStatus.OK or not isinstance(answer, dict) or must_have not in answer:
            detail = f": {answer['errors']}" if isinstance(answer, dict) and answer.get("errors") else ""
            raise NotAsItShouldBe(f"{path} answered {status or 'nothing'}{detail}. {self._why_gone()}".strip())
        return answer

    def _call(self, path: str, body: Mapping[str, str] | None = None, token: str = "") -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._base}{path}", data, headers)  # noqa: S310  # our own machine
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as reply:  # noqa: S310
                return reply.status, _decoded(reply.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())
        except OSError:
            return 0, None


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
