"""The development inbox: texts that would have been sent."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.models import DevelopmentText

SHOWN = 50


def inbox(request: HttpRequest) -> HttpResponse:
    """The newest texts; exists in development only."""
    if not settings.IS_DEVELOPMENT:
        raise Http404
    return render(request, "accounts/inbox.html", {"texts": DevelopmentText.objects.all()[:SHOWN]})
