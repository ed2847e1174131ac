"""The console's forms about people; they go through the same services as the API."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm, AuthenticationForm, UserChangeForm
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import limits, services
from apps.accounts.callers import caller
from apps.accounts.models import User
from apps.accounts.phones import MAX_PHONE_CHARACTERS, canonical_phone
from core.errors import DomainError


class ConsoleSignInForm(AuthenticationForm):  # type: ignore[misc]  # unfold is untyped
    """The console's door, with the limits of the API's."""

    def clean(self) -> dict[str, Any]:
        request: HttpRequest = self.request
        try:
            limits.limit_by_address(request, "login", limits.SIGN_INS)
            self.user_cache = services.check_password(
                email=self.cleaned_data.get("username", ""),
                password=self.cleaned_data.get("password", ""),
                caller=caller(request),
            )
        except DomainError as error:
            raise forms.ValidationError(error.text) from None
        self.confirm_login_allowed(self.user_cache)
        return dict(self.cleaned_data)


class PersonForm(UserChangeForm):  # type: ignore[misc]  # unfold is untyped
    """A person's record; a phone is canonical here too, and a new one is not verified."""

    phone = forms.CharField(max_length=MAX_PHONE_CHARACTERS, required=False, widget=UnfoldAdminTextInputWidget)

    class Meta(UserChangeForm.Meta):  # type: ignore[misc]  # unfold is untyped
        model = User
        # Django's username field cannot be empty, and ours may.
        field_classes: ClassVar[dict[str, Any]] = {}

    def clean_phone(self) -> str | None:
        written = self.cleaned_data.get("phone")
        try:
            return canonical_phone(written) if written else None
        except DomainError as error:
            raise forms.ValidationError(error.text) from None

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        if "phone" in self.changed_data:
            self.instance.phone_verified_at = None
        user: User = super().save(commit=commit)
        return user


class _EndsSessions:
    """Saving a new password ends the person's sessions."""

    user: User
    cleaned_data: dict[str, Any]
    typed_in = "password1"

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        services.change_password(user=self.user, password=self.cleaned_data[self.typed_in])
        return self.user


class ConsolePasswordForm(_EndsSessions, AdminPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """An operator sets somebody's password."""


class OwnPasswordForm(_EndsSessions, AdminOwnPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """An operator changes their own."""

    typed_in = "new_password1"
