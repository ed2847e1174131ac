"""The steps behind the password: give a code, set up an app, keep recovery codes."""

from base64 import b64encode
from typing import Any, cast

import qrcode
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from qrcode.image.svg import SvgPathImage

from apps.accounts import limits
from apps.accounts.callers import caller
from apps.accounts.models import SecondFactor, User
from apps.accounts.second_door import allow_replacing, let_in, may_replace, offered_secret, waiting
from apps.accounts.second_factor_forms import CodeForm
from apps.accounts.services.second_factor import (
    add_second_factor,
    address_for_apps,
    prove_second_factor,
    renew_recovery_codes,
    second_factor_of,
    typed_form,
)
from core.errors import DomainError

FEW_CODES = 3


@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask who waits for a code; whoever is through sees what they have, and may replace it."""
    if not settings.CONSOLE_SECOND_FACTOR:
        return redirect("admin:index")
    if person := waiting(request):
        factor = second_factor_of(person.user)
        return _ask(request, person.user, person.leads_to) if factor else redirect("admin:second_factor_set_up")
    if admin.site.has_permission(request):
        return _show(request, cast("User", request.user))
    return redirect("admin:login")


@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show a QR code and take one code of it; for who has no app yet, or has just given a code of the old one."""
    person = waiting(request) if settings.CONSOLE_SECOND_FACTOR else None
    if person is None and not admin.site.has_permission(request):
        return redirect("admin:login")
    user = person.user if person else cast("User", request.user)
    factor = second_factor_of(user)
    is_allowed = factor is None if person else factor is not None and may_replace(request, factor)
    if not is_allowed:
        return redirect("admin:second_factor")
    return _set_up(request, user, replaces=factor, leads_to=person.leads_to if person else "")


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Forget the password that was right; the next person begins at the first door."""
    logout(request)
    return redirect("admin:login")


def _ask(request: HttpRequest, user: User, leads_to: str) -> HttpResponse:
    form = CodeForm(request.POST or None, takes_recovery_codes=True)
    factor = _proved(request, form, user)
    if factor is None:
        return _page(request, "ask", "Your second factor", form=form, person=user)
    let_in(request, factor)
    if not factor.is_readable:
        allow_replacing(request, factor)
        return redirect("admin:second_factor_set_up")
    if (left := factor.recovery_codes.count()) <= FEW_CODES:
        messages.warning(request, f"{left} recovery code(s) left. Make new ones: your name, then Second factor.")
    return redirect(leads_to or "admin:index")


def _show(request: HttpRequest, user: User) -> HttpResponse:
    form = CodeForm(request.POST or None, takes_recovery_codes=True)
    factor = _proved(request, form, user)
    if factor is None:
        return _page(request, "show", "Second factor", form=form, factor=second_factor_of(user))
    if request.POST.get("then") == "app":
        allow_replacing(request, factor)
        return redirect("admin:second_factor_set_up")
    return _codes(request, renew_recovery_codes(factor=factor, caller=caller(request)), "")


def _set_up(request: HttpRequest, user: User, *, replaces: SecondFactor | None, leads_to: str) -> HttpResponse:
    form, secret = CodeForm(request.POST or None), offered_secret(request)
    if form.is_valid():
        try:
            limits.limit_by_address(request, "second-factor", limits.SIGN_INS)
            typed = form.cleaned_data["code"]
            factor, codes = add_second_factor(
                user=user, secret=secret, typed=typed, caller=caller(request), replaces=replaces
            )
        except DomainError as error:
            form.add_error(None, error.text)
        else:
            let_in(request, factor)
            return _codes(request, codes, leads_to)
    facts = {"qr": _picture(address_for_apps(user=user, secret=secret)), "secret": typed_form(secret), "person": user}
    return _page(request, "set_up", "Set up your second factor", form=form, replaces=replaces, **facts)


def _proved(request: HttpRequest, form: CodeForm, user: User) -> SecondFactor | None:
    """The factor, if the form holds a right code of it; otherwise the form says why not."""
    if not form.is_valid():
        return None
    try:
        limits.limit_by_address(request, "second-factor", limits.SIGN_INS)
        return prove_second_factor(user=user, typed=form.cleaned_data["code"], caller=caller(request))
    except DomainError as error:
        form.add_error(None, error.text)
        return None


def _codes(request: HttpRequest, codes: list[str], leads_to: str) -> HttpResponse:
    return _page(request, "codes", "Your recovery codes", codes=codes, leads_to=leads_to)


def _picture(address: str) -> str:
    """The QR code as the address of an image: the page's policy lets nothing be drawn by a script."""
    svg = qrcode.make(address, image_factory=SvgPathImage, box_size=10, border=2).to_string()
    return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"


def _page(request: HttpRequest, step: str, title: str, **facts: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **facts}
    return render(request, f"accounts/second_factor/{step}.html", context)
