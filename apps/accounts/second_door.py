"""Between password and code: who waits there, kept in a session that signs nobody in."""

import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from django_otp import login as note_factor

from apps.accounts.callers import caller
from apps.accounts.models import SecondFactor, User
from apps.accounts.services.passwords import note_console_sign_in
from apps.accounts.services.second_factor import new_secret
from core.sealing import InvalidToken, seal, unseal

WAITS_SECONDS = 600
_WAITING, _SECRET, _MAY_REPLACE = "second_door", "second_factor_secret", "second_factor_may_replace"
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_SEAL = "hanout.totp.new"


@dataclass(frozen=True)
class Waiting:
    """Somebody whose password was right a moment ago, and where they wanted to go."""

    user: User
    leads_to: str


class SecondDoorMiddleware:
    """Takes a session that gave no second factor for nobody's: what asks for staff elsewhere is closed to it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(partial(_known, request.user))  # type: ignore[assignment]
        return self.get_response(request)


def _known(user: Any) -> Any:
    user.gave_second_factor = getattr(user, "otp_device", None) is not None  # a removed or replaced one is None
    return user if user.gave_second_factor or not settings.CONSOLE_SECOND_FACTOR else AnonymousUser()


def wait(request: HttpRequest, user: User, *, leads_to: str) -> None:
    """Begin a session that knows whose password was right, and opens nothing."""
    request.session.flush()
    request.session[_WAITING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "until": time.time() + WAITS_SECONDS,
        "leads_to": leads_to,
    }


def waiting(request: HttpRequest) -> Waiting | None:
    """Who waits in this session; nobody after ten minutes, or once the password was changed."""
    kept = request.session.get(_WAITING)
    if not kept or kept["until"] < time.time():
        return None
    user = User.objects.filter(pk=kept["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(kept["password"], user.get_session_auth_hash()):
        return None
    return Waiting(user, kept["leads_to"])


def let_in(request: HttpRequest, factor: SecondFactor) -> None:
    """Sign in who gave their second factor; a session already signed in changes to the new factor."""
    if _WAITING in request.session:
        note_console_sign_in(user=factor.user, caller=caller(request))
    login(request, factor.user, backend=_BACKEND)
    for name in (_WAITING, _SECRET, _MAY_REPLACE):
        request.session.pop(name, None)
    note_factor(request, factor)
    factor.user.gave_second_factor = True


def ask_again(request: HttpRequest, *, leads_to: str) -> None:
    """Let the session give its second factor anew: it was signed in with a password that is no more."""
    if settings.CONSOLE_SECOND_FACTOR:
        wait(request, cast("User", request.user), leads_to=leads_to)


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """What the console's menu of one's own account holds besides the password."""
    if not settings.CONSOLE_SECOND_FACTOR:
        return []
    return [{"title": "Second factor", "link": reverse("admin:second_factor")}]


def offered_secret(request: HttpRequest) -> bytes:
    """The secret this session's QR code shows; nobody else's session may show or confirm it."""
    if sealed := request.session.get(_SECRET):
        try:
            return unseal(b64decode(sealed), kind=_SEAL)
        except InvalidToken:
            pass  # SECRET_KEY changed between two pages: another QR code
    secret = new_secret()
    request.session[_SECRET] = b64encode(seal(secret, kind=_SEAL)).decode()
    return secret


def allow_replacing(request: HttpRequest, factor: SecondFactor) -> None:
    """Who has just given a code may set up another app, for ten minutes."""
    request.session[_MAY_REPLACE] = {"factor": factor.pk, "until": time.time() + WAITS_SECONDS}


def may_replace(request: HttpRequest, factor: SecondFactor) -> bool:
    """Whether this session gave a code of this factor, for this purpose, in the last ten minutes."""
    kept = request.session.get(_MAY_REPLACE) or {"factor": None, "until": 0}
    return bool(kept["factor"] == factor.pk and kept["until"] > time.time())
