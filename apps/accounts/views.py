"""Pages about people: the development inbox, and an operator's own password."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy

from apps.accounts.forms import OwnPasswordForm
from apps.accounts.models import DevelopmentMessage
from apps.accounts.second_door import ask_again

SHOWN = 50


class OwnPasswordView(PasswordChangeView):
    """The console's page for one's own password; unfold's would not end the other sessions."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")
    template_name = "registration/password_change_form.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        ask_again(self.request, leads_to=str(self.success_url))
        return response

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**{**admin.site.each_context(self.request), **context})


def inbox(request: HttpRequest) -> HttpResponse:
    """The newest texts and mails; exists in development only."""
    if not settings.IS_DEVELOPMENT:
        raise Http404
    return render(request, "accounts/inbox.html", {"messages": DevelopmentMessage.objects.all()[:SHOWN]})
