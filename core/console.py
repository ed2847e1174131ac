"""What pages of the console share."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from core.errors import DomainError


class ReadOnly:
    """Rows that services write and nobody types in, before unfold's ModelAdmin or an inline.

    Actions with `permissions=["act"]` are for those who might otherwise have changed them.
    """

    message_user: Callable[..., None]  # ModelAdmin's

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_change_permission(request))  # type: ignore[misc]  # ModelAdmin's

    def act_on_each(self, request: HttpRequest, chosen: QuerySet[Any], act: Callable[[Any], Any], done: str) -> None:
        """Do it to each, and say of each what came of it."""
        for row in chosen:
            try:
                act(row)
            except DomainError as error:
                self.message_user(request, f"{row}: {error.text}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {done}.", messages.SUCCESS)
