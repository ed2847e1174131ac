"""The console's way to help an operator whose phone is gone."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.callers import caller
from apps.accounts.models import User
from apps.accounts.services.second_factor import remove_second_factor


@admin.action(description="Remove the second factor", permissions=["superuser"])
def remove_second_factors(page: Any, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
    """After one more question: whoever asks on the phone may not be who they say."""
    people = list(chosen.filter(second_factor__isnull=False))
    if not people:
        page.message_user(request, "None of these has a second factor.")
        return None
    if "confirmed" not in request.POST:
        context = {
            **admin.site.each_context(request),
            "title": "Remove the second factor?",
            "opts": page.opts,
            "people": people,
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }
        return render(request, "accounts/second_factor/remove.html", context)
    for person in people:
        remove_second_factor(user=person, caller=caller(request), operator=request.user.pk)
        page.log_change(request, person, "Second factor removed.")
    page.message_user(request, f"{len(people)} removed. They set up another when they sign in next.")
    return None
