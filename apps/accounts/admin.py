"""People, their companies, and what happened at the door, in the console."""

from copy import copy
from functools import partial
from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.accounts import services
from apps.accounts.callers import caller
from apps.accounts.forms import ConsolePasswordForm, NewPersonForm, PersonForm
from apps.accounts.models import AuditEvent, CodeSend, Company, Invitation, Lockout, Membership, Session, User
from apps.accounts.second_factor_admin import remove_second_factors
from apps.accounts.services.audit import Action, note
from apps.accounts.services.second_factor import second_factor_of

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """What a kind of colleague may do in the console."""


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold is untyped
    """People; colleagues' records and what makes one are for superusers, or any colleague could become one."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = ConsolePasswordForm
    list_display = ("__str__", "full_name", "phone", "role_state", "is_staff", "is_active", "created_at")
    list_filter = ("role_state", "is_staff", "is_active")
    search_fields = ("email", "phone", "first_name", "last_name")
    ordering = ("-pk",)
    readonly_fields = (
        "public_id", "phone_verified_at", "email_verified_at", "created_at", "last_login", "second_factor",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "phone", "first_name", "last_name", "username", "password")}),
        ("Standing", {"fields": ("role_state", "is_active", "is_staff", "is_superuser", "groups")}),
        ("Record", {"fields": readonly_fields}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "password1", "password2", "is_staff", "groups")}),
    )
    filter_horizontal = ("groups",)
    actions = (remove_second_factors,)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        return self.readonly_fields + (() if _sees_all(request) else ("is_staff", "is_superuser", "groups"))

    def has_superuser_permission(self, request: HttpRequest) -> bool:
        return _sees_all(request)

    @display(description="second factor")  # type: ignore[untyped-decorator]
    def second_factor(self, person: User) -> str:
        factor = second_factor_of(person)
        return f"since {factor.created_at:%Y-%m-%d}, last given {factor.used_at:%Y-%m-%d}" if factor else "none"

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _is_within_reach(request, obj) and bool(super().has_view_permission(request, obj))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _is_within_reach(request, obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return _is_within_reach(request, obj) and bool(super().has_delete_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's
        super().save_model(request, obj, form, change)
        if change and form.moves_email:
            operator = request.user.pk
            note(Action.EMAIL_CHANGED, caller=caller(request), user=obj, subject=obj.email or "", operator=operator)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page, with a form that knows who fills it in."""
        page = copy(self)
        page.change_password_form = partial(ConsolePasswordForm, request=request)  # type: ignore[assignment]
        response: HttpResponse = DjangoUserAdmin.user_change_password(page, request, id, form_url)
        return response


@admin.register(Session)
class SessionAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Who is signed in where; made by signing in, never by hand."""

    list_display = ("user", "address", "created_at", "refreshed_at", "expires_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__phone", "address")
    actions = ("end_these",)
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

    @admin.action(description="End these sessions", permissions=["change"])
    def end_these(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        """At once, access tokens included; ended ones are passed over."""
        alive = list(chosen.filter(ended_at=None))
        for session in alive:
            services.end_session(session=session.pk, reason=services.REVOKED, caller=caller(request))
            self.log_change(request, session, "Ended.")
        self.message_user(request, f"{len(alive)} session(s) ended.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class _Record(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Written by what happened, and by nobody's hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class MemberInline(TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Membership
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Company)
class CompanyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Tenants of the campaign analytics; a company with campaigns cannot be deleted."""

    list_display = ("name", "created_at", "confirmed_at")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter),)
    search_fields = ("name",)
    readonly_fields = ("confirmed_at",)
    inlines = (MemberInline,)
    actions = ("confirm",)

    @admin.action(description="Confirm: they are who their name says", permissions=["change"])
    def confirm(self, request: HttpRequest, chosen: QuerySet[Company]) -> None:
        """Deliveries name a company by its name only after that: anybody may register under any."""
        for company in chosen:
            services.confirm_company(company=company, by=cast("User", request.user), caller=caller(request))
            self.log_change(request, company, "Confirmed.")
        self.message_user(request, f"{len(chosen)} company(ies) confirmed.")

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's
        super().save_model(request, obj, form, change)
        if not change:
            services.confirm_company(company=obj, by=cast("User", request.user), caller=caller(request))


@admin.register(Invitation)
class InvitationAdmin(_Record):
    list_display = ("email", "company", "role", "invited_by", "created_at", "is_open")
    list_filter = ("role", "company")
    list_select_related = ("company", "invited_by", "link")
    search_fields = ("email", "company__name")
    fields = ("email", "company", "role", "invited_by", "created_at", "is_open")

    @display(description="open", boolean=True)  # type: ignore[untyped-decorator]
    def is_open(self, invitation: Invitation) -> bool:
        return invitation.link.is_open()


@admin.register(AuditEvent)
class AuditEventAdmin(_Record):
    """Who proved what, when and from where."""

    list_display = ("at", "action", "user", "subject", "address")
    list_filter = ("action",)
    list_select_related = ("user",)
    search_fields = ("subject", "address", "user__email", "user__phone")
    date_hierarchy = "at"
    show_full_result_count = False
    fields = ("at", "action", "user", "subject", "address", "user_agent", "details")


@admin.register(CodeSend)
class CodeSendAdmin(_Record):
    """What became of each code that left; whole phones and addresses are for superusers."""

    list_filter = ("state", "provider", "country", "purpose")
    show_full_result_count = False
    ordering = ("-pk",)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return (_recipient(request), "purpose", "state", "provider", "country", "error", "created_at", "settled_at")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return (*self.get_list_display(request), "reference", *(("address",) if _sees_all(request) else ()))

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Finding a phone by typing it would tell who has none whether it is there."""
        return ("recipient", "address", "reference") if _sees_all(request) else ("reference",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Neither by the address of the list: ?recipient=… would be a search by another name."""
        is_telling = lookup.startswith(("recipient", "address", "number_range", "code"))
        return bool(super().lookup_allowed(lookup, value, request)) and (_sees_all(request) or not is_telling)

    @display(description="recipient")  # type: ignore[untyped-decorator]
    def masked_recipient(self, send: CodeSend) -> str:
        name, at, domain = send.recipient.partition("@")
        return f"{name[:1]}•••@{domain}" if at else f"{name[:4]}•••{name[-2:]}"


@admin.register(Lockout)
class LockoutAdmin(_Record):
    """Secrets that were tried wrongly; deleting a row lets its person try again at once."""

    list_display = ("kind", "subject", "is_familiar", "tries", "expires_at")
    list_filter = ("kind", "is_familiar")
    search_fields = ("subject",)
    search_help_text = "The person's whole email or phone."
    ordering = ("-expires_at",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lockout], search_term: str
    ) -> tuple[QuerySet[Lockout], bool]:
        """Rows name nobody in the clear, so what is typed is looked for as they write it."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(subject__in=services.subjects_of(search_term)), False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(ModelAdmin.has_delete_permission(self, request, obj))


def _sees_all(request: HttpRequest) -> bool:
    return request.user.is_superuser


def _is_within_reach(request: HttpRequest, person: User | None) -> bool:
    return person is None or _sees_all(request) or not (person.is_staff or person.is_superuser)


def _recipient(request: HttpRequest) -> str:
    return "recipient" if _sees_all(request) else "masked_recipient"
