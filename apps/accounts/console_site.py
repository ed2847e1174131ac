"""The console: unfold's, with a second door behind the password.

`has_permission` guards every page of every model, so it is the one place where the second factor is asked for.
"""

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from apps.accounts import second_factor_views as steps
from apps.accounts.second_door import wait, waiting


class ConsoleSignIn(LoginView):
    """The password's page; it signs in only where no second factor is asked for."""

    template_name = "admin/login.html"

    def form_valid(self, form: Form) -> HttpResponse:
        user = form.get_user()  # type: ignore[attr-defined]  # ConsoleSignInForm
        if not settings.CONSOLE_SECOND_FACTOR:
            return super().form_valid(form)  # type: ignore[arg-type]
        wait(self.request, user, leads_to=self.get_redirect_url())
        return redirect("admin:second_factor")


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # unfold is untyped
    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and request.user.acts_as_staff  # type: ignore[union-attr]

    def get_urls(self) -> list[URLPattern]:
        """The steps of the second door stand before it; each looks for itself at who waits."""
        return [
            path("second-factor/", never_cache(steps.second_factor), name="second_factor"),
            path("second-factor/set-up/", never_cache(steps.set_up), name="second_factor_set_up"),
            path("second-factor/leave/", never_cache(steps.leave), name="second_factor_leave"),
            *super().get_urls(),
        ]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and self.has_permission(request):
            return redirect("admin:index")
        if request.method == "GET" and waiting(request):
            return redirect("admin:second_factor")
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            "next": reverse("admin:index"),
        }
        request.current_app = self.name
        view = ConsoleSignIn.as_view(authentication_form=self.login_form, extra_context=context | (extra_context or {}))
        return cast("HttpResponse", view(request))
