"""Customers of a shop that was just booted: they register on the web and on the phone, by V1, V2 and a texted code."""

import html
import json
import re
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from apps.operations.migrating.checkouts import Checkout, tail
from apps.operations.migrating.visiting import NotAsItShouldBe, Visitor
from core.redaction import redact

ANSWER_SECONDS, JOBS_SECONDS = 20, 60
V1, V2 = "/api/v1/onboarding/", "/api/v2/auth/"
OK, WRONG, REFUSED = HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED
NAMES = {"first_name": "Pre", "last_name": "Flight"}
SECRETS = (("passcode", "481592", "730418"), ("pin", "4815", "7304"))

Act = Callable[[], object]


def everybody(code: Checkout, visitor: Visitor) -> Iterator[tuple[str, Act]]:
    """Every step in its order, by name; each raises `NotAsItShouldBe`."""
    yield from ((f"texted code: {name}", act) for name, act in visitor.acts.items())
    for prefix, acts in (("V1", _on_the_web(Customer(code))), ("V2", _on_the_phone(Customer(code)))):
        yield from ((f"{prefix}: {name}", act) for name, act in acts)


class Customer:
    """Somebody nobody knows yet, and what they have learned so far."""

    def __init__(self, code: Checkout) -> None:
        self._code = code
        self._base = f"http://127.0.0.1:{code.environ['PORT']}"
        self.email = f"{secrets.token_hex(6)}@preflight.test"
        self.phone = f"+96655{secrets.randbelow(10**7):07d}"
        self.password = secrets.token_urlsafe(16)
        self.session, self.access, self.refresh = "", "", ""

    def send(self, method: str, path: str, body: Mapping[str, str] | None = None, *, wanted: int = OK) -> Any:
        """The answer, decoded; raises `NotAsItShouldBe` when its status is another."""
        status, text = self._call(method, path, body)
        if status != wanted:
            told = f"{status or 'nothing'} instead of {int(wanted)}"
            raise NotAsItShouldBe(f"{method} {path} answered {told}: {redact(text)[:300]}")
        try:
            return json.loads(text)
        except ValueError:
            return text

    def mailed(self, pattern: str) -> str:
        """What the newest mail to this customer holds; raises `NotAsItShouldBe` when none came."""
        done = self._code.run("manage.py", "run_jobs", "--once", seconds=JOBS_SECONDS)
        page = html.unescape(str(self.send("GET", "/inbox/")))
        ours = [card for card in re.findall(r"<li.*?</li>", page, re.DOTALL) if self.email in card]
        for card in ours:
            if found := re.search(pattern, re.sub(r"<time.*?</time>", "", card, flags=re.DOTALL)):
                return found[1]
        why = f" The jobs said: {tail(done.stderr)}" if done.returncode else ""
        raise NotAsItShouldBe(f"No mail with what was asked for reached {self.email}.{why}")

    def _call(self, method: str, path: str, body: Mapping[str, str] | None) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        if self.access:
            headers["Authorization"] = f"Bearer {self.access}"
        content = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self._base}{path}", content, headers, method=method)  # noqa: S310  # ours
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as reply:  # noqa: S310
                return reply.status, reply.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, type(error).__name__


def _on_the_web(who: Customer) -> Iterator[tuple[str, Act]]:
    """V1: email proved by a code, then the form, the activation link, and a sign-in."""
    yield "register/initiate", lambda: _begin(who)
    yield "register/verify-otp", lambda: _prove(who)
    yield "register/complete", lambda: who.send("POST", f"{V1}register/complete", _form(who))
    yield "register/email/activation", lambda: _activate(who)
    yield "login", lambda: _log_in(who)
    yield "a wrong password is refused", lambda: who.send("POST", f"{V1}login", _login(who, "x" * 12), wanted=WRONG)


def _begin(who: Customer) -> None:
    person = {"email": who.email, "phone": who.phone, **NAMES}
    who.session = _part(who.send("POST", f"{V1}register/initiate", person), "data", "session_id")


def _prove(who: Customer) -> None:
    proof = {"session_id": who.session, "otp": who.mailed(r"\b(\d{6})\b")}
    who.send("POST", f"{V1}register/verify-otp", proof)


def _form(who: Customer) -> dict[str, str]:
    address = {"country": "Saudi Arabia", "state": "Riyadh", "address": "1 King Fahd Road", "dob": "1990-05-17"}
    return {"session_id": who.session, "password": who.password, "device_id": "preflight", **address}


def _activate(who: Customer) -> None:
    who.send("POST", f"{V1}register/email/activation", {"token": who.mailed(r"token=([\w=-]+)")})


def _log_in(who: Customer) -> None:
    _part(who.send("POST", f"{V1}login", _login(who, who.password)), "data", "token", "access")


def _login(who: Customer, password: str) -> dict[str, str]:
    return {"email": who.email, "phone": "", "password": password, "login_with": "email"}


def _on_the_phone(who: Customer) -> Iterator[tuple[str, Act]]:
    """V2: signup and signin, tokens refreshed, passcode and PIN set and changed, and out."""
    yield "signup", lambda: _sign_up(who)
    yield "signin", lambda: _take_tokens(who, f"{V2}signin", {"email": who.email, "password": who.password})
    yield "refresh", lambda: _refresh(who)
    for kind, first, second in SECRETS:
        change = {f"current_{kind}": first, f"new_{kind}": second, f"new_{kind}_confirmation": second}
        steps = (
            ("POST", f"{kind}/setup", {kind: first, f"{kind}_confirmation": first}),
            ("PUT", f"{kind}/change", change),
            ("POST", f"{kind}/verify", {kind: second}),
        )
        for method, path, body in steps:
            yield path, partial(who.send, method, f"{V2}{path}", body)
    yield "logout", lambda: who.send("POST", f"{V2}logout", {"refresh_token": who.refresh})
    yield "its token is refused then", lambda: who.send("GET", f"{V2}pin/status", wanted=REFUSED)


def _sign_up(who: Customer) -> None:
    passwords = {"password": who.password, "password_confirmation": who.password}
    _take_tokens(who, f"{V2}signup", {"email": who.email, "phone": who.phone, **NAMES, **passwords})


def _take_tokens(who: Customer, path: str, body: Mapping[str, str]) -> None:
    answer = who.send("POST", path, body)
    who.access = _part(answer, "data", "tokens", "access_token")
    who.refresh = _part(answer, "data", "tokens", "refresh_token")


def _refresh(who: Customer) -> None:
    answer = who.send("POST", f"{V2}refresh", {"refresh": who.refresh})
    who.access, who.refresh = _part(answer, "access"), _part(answer, "refresh")


def _part(answer: Any, *keys: str) -> str:
    """A text inside an answer; raises `NotAsItShouldBe` when it is not there."""
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(answer, str) or not answer:
        raise NotAsItShouldBe(f"The answer has no {'.'.join(keys)}.")
    return answer
