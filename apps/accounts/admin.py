"""People in the console."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import UserCreationForm

from apps.accounts.forms import ConsolePasswordForm, PersonForm
from apps.accounts.models import Session, User

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """What a kind of colleague may do in the console."""


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold is untyped
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = ConsolePasswordForm
    list_display = ("__str__", "full_name", "phone", "role_state", "is_staff", "is_active", "created_at")
    list_filter = ("role_state", "is_staff", "is_active")
    search_fields = ("email", "phone", "first_name", "last_name")
    ordering = ("-pk",)
    readonly_fields = ("public_id", "phone_verified_at", "created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "phone", "first_name", "last_name", "username", "password")}),
        ("Standing", {"fields": ("role_state", "is_active", "is_staff", "is_superuser", "groups")}),
        ("Record", {"fields": ("public_id", "phone_verified_at", "created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "password1", "password2", "is_staff", "groups")}),
    )
    filter_horizontal = ("groups",)


@admin.register(Session)
class SessionAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Who is signed in where; made by signing in, never by hand."""

    list_display = ("user", "address", "created_at", "refreshed_at", "expires_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__phone", "address")
    fields = readonly_fields = (
        "user",
        "address",
        "user_agent",
        "created_at",
        "refreshed_at",
        "expires_at",
        "ended_at",
        "end_reason",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
