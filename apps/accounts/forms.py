"""The console's forms about people; they go through the same services as the API."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest
from unfold.forms import (
    AdminOwnPasswordChangeForm,
    AdminPasswordChangeForm,
    AuthenticationForm,
    UserChangeForm,
    UserCreationForm,
)
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.accounts import limits, services
from apps.accounts.callers import caller
from apps.accounts.emails import canonical_email
from apps.accounts.models import User
from apps.accounts.phones import MAX_PHONE_CHARACTERS, canonical_phone
from apps.accounts.services.passwords import MOST_CHARACTERS, disable_password, note_console_sign_in
from core.errors import DomainError


class ConsoleSignInForm(AuthenticationForm):  # type: ignore[misc]  # unfold is untyped
    """The console's door, with the limits of the API's."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _shorten(self, "password")

    def clean(self) -> dict[str, Any]:
        request: HttpRequest = self.request
        if not {"username", "password"} <= self.cleaned_data.keys():
            return dict(self.cleaned_data)
        try:
            limits.limit_by_address(request, "login", limits.SIGN_INS)
            self.user_cache = services.check_password(
                email=self.cleaned_data["username"],
                password=self.cleaned_data["password"],
                caller=caller(request),
            )
        except DomainError as error:
            raise forms.ValidationError(error.text) from None
        self.confirm_login_allowed(self.user_cache)
        if not settings.CONSOLE_SECOND_FACTOR:  # or nobody is signed in yet
            note_console_sign_in(user=self.user_cache, caller=caller(request))
        return dict(self.cleaned_data)


class PersonForm(UserChangeForm):  # type: ignore[misc]  # unfold is untyped
    """A person's record; phones and emails are canonical here too, and new ones are not verified."""

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

    def clean_email(self) -> str | None:
        written = self.cleaned_data.get("email")
        return _canonical(written) if written else None

    @property
    def moves_email(self) -> bool:
        """Whether the record names another mailbox now, and not the same one in other letters."""
        return "email" in self.cleaned_data and self.cleaned_data["email"] != self.initial.get("email")

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        if "phone" in self.changed_data:
            self.instance.phone_verified_at = None
        if self.moves_email:
            self.instance.email_verified_at, self.instance.pending_email = None, ""
        user: User = super().save(commit=commit)
        return user


class NewPersonForm(UserCreationForm):  # type: ignore[misc]  # unfold is untyped
    """Somebody an operator enters; the email is canonical, the password no longer than sign-in takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _shorten(self, "password1")

    def clean_email(self) -> str | None:
        written = self.cleaned_data.get("email")
        return _canonical(written) if written else None


class _EndsSessions:
    """Saving a new password ends the person's sessions, and notes which operator did it from where."""

    user: User
    cleaned_data: dict[str, Any]
    typed_in = "password1"

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        _shorten(self, self.typed_in)

    def save(self, commit: bool = True) -> User:  # noqa: FBT001, FBT002  # Django's signature
        by: dict[str, Any] = {"user": self.user, "caller": caller(self.request), "operator": self.request.user.pk}
        if self.cleaned_data.get("set_usable_password", True):
            services.change_password(password=self.cleaned_data[self.typed_in], **by)
        else:
            disable_password(**by)
        return self.user


class ConsolePasswordForm(_EndsSessions, AdminPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """An operator sets somebody's password, or takes it away."""


class OwnPasswordForm(_EndsSessions, AdminOwnPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """An operator changes their own."""

    typed_in = "new_password1"


def _shorten(form: Any, field: str) -> None:
    """Ask of a password field what every other door asks: nothing longer is hashed, or could be typed there."""
    form.fields[field].validators.append(MaxLengthValidator(MOST_CHARACTERS))


def _canonical(email: str) -> str:
    try:
        return canonical_email(email)
    except ValueError as error:
        raise forms.ValidationError(str(error)) from None
