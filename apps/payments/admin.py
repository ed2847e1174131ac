"""Payments in the console: read; refunds are sent, agreed to and declined. Amounts and states are never typed in."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.payments import services
from apps.payments.forms import RefundForm
from apps.payments.models import Payment, Refund, Transaction, WebhookEvent
from core.console import ReadOnly
from core.money import with_currency


class TransactionInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = Transaction
    extra = 0
    can_delete = False
    hide_title = True
    fields = readonly_fields = ("created_at", "kind", "shown_amount", "reference")

    @display(description="amount")  # type: ignore[untyped-decorator]
    def shown_amount(self, transaction: Transaction) -> str:
        return with_currency(transaction.amount, transaction.payment.currency)


@admin.register(Payment)
class PaymentAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("order", "shown_status", "shown_amount", "shown_back", "card", "shown_dispute", "created_at")
    list_filter = ("status", "dispute", "gateway")
    list_select_related = ("order",)
    search_fields = ("order__number", "intent", "charge", "user__phone", "user__email")
    date_hierarchy = "created_at"
    inlines = [TransactionInline]
    fields = (
        ("order", "user"),
        ("shown_status", "shown_dispute"),
        ("shown_amount", "shown_back"),
        ("gateway", "method", "card"),
        ("intent", "charge"),
        ("failure_code", "failure_message"),
        ("charged_at", "checked_at"),
        "shown_refund",
    )
    readonly_fields = ("shown_status", "shown_dispute", "shown_amount", "shown_back", "shown_refund")
    actions = ["look_again"]

    @display(  # type: ignore[untyped-decorator]
        description="status",
        ordering="status",
        label={"succeeded": "success", "failed": "danger", "pending": "warning", "processing": "info"},
    )
    def shown_status(self, payment: Payment) -> str:
        return payment.status

    @display(description="dispute", label={"open": "danger", "lost": "danger", "won": "success"})  # type: ignore[untyped-decorator]
    def shown_dispute(self, payment: Payment) -> str:
        return payment.dispute or "-"

    @display(description="amount", ordering="amount")  # type: ignore[untyped-decorator]
    def shown_amount(self, payment: Payment) -> str:
        return with_currency(payment.amount, payment.currency)

    @display(description="paid back")  # type: ignore[untyped-decorator]
    def shown_back(self, payment: Payment) -> str:
        return with_currency(payment.amount_refunded, payment.currency)

    @display(description="refund")  # type: ignore[untyped-decorator]
    def shown_refund(self, payment: Payment) -> str:
        left = payment.refundable()
        if not left:
            return "Nothing is left to pay back."
        address = reverse("admin:payments_refund_add", query={"payment": payment.pk})
        return format_html('<a href="{}">Pay back up to {}</a>', address, with_currency(left, payment.currency))

    @admin.action(description="Ask the gateway what became of it", permissions=["act"])
    def look_again(self, request: HttpRequest, chosen: QuerySet[Payment]) -> None:
        self.act_on_each(
            request, chosen, lambda payment: services.check_payment(payment_id=payment.pk), "is up to date"
        )


@admin.register(Refund)
class RefundAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("payment", "shown_status", "shown_amount", "reason", "requested_by", "created_at", "settled_at")
    list_filter = ("status", "reason")
    list_select_related = ("payment__order", "requested_by")
    search_fields = ("payment__order__number", "reference")
    fields = (
        "payment",
        "shown_amount",
        "reason",
        "description",
        "shown_status",
        "failure",
        "reference",
        "requested_by",
    )
    readonly_fields = ("shown_amount", "shown_status")
    actions = ["process", "decline"]

    def get_form(self, request: HttpRequest, obj: Refund | None = None, **kwargs: Any) -> Any:
        return RefundForm if obj is None else super().get_form(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Refund | None = None) -> Any:
        return ("payment", "amount", "reason", "description") if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Refund | None = None) -> Any:
        return () if obj is None else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Refund, form: RefundForm, change: object) -> None:
        """The service writes the row: what is left is checked again there, under lock."""
        typed = form.cleaned_data
        sent = services.refund_payment(
            payment_id=typed["payment"].pk,
            amount=typed["amount"],
            reason=typed["reason"],
            why=typed["description"],
            actor=request.user,  # type: ignore[arg-type]  # the console lets operators in only
        )
        obj.__dict__.update(sent.__dict__)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(ModelAdmin.has_add_permission(self, request))

    @display(  # type: ignore[untyped-decorator]
        description="status",
        ordering="status",
        label={"succeeded": "success", "failed": "danger", "pending": "warning", "processing": "info"},
    )
    def shown_status(self, refund: Refund) -> str:
        return refund.status

    @display(description="amount", ordering="amount")  # type: ignore[untyped-decorator]
    def shown_amount(self, refund: Refund) -> str:
        return with_currency(refund.amount, refund.payment.currency)

    @admin.action(description="Pay it back", permissions=["act"])
    def process(self, request: HttpRequest, chosen: QuerySet[Refund]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda refund: services.process_refund(refund_id=refund.pk, actor=request.user),  # type: ignore[arg-type]
            "is on its way",
        )

    @admin.action(description="Decline it", permissions=["act"])
    def decline(self, request: HttpRequest, chosen: QuerySet[Refund]) -> None:
        self.act_on_each(
            request,
            chosen,
            lambda refund: services.decline_refund(refund_id=refund.pk, actor=request.user),  # type: ignore[arg-type]
            "was declined",
        )


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("kind", "event_id", "provider", "shown_state", "note", "received_at", "applied_at")
    list_filter = ("state", "provider", "kind")
    search_fields = ("event_id", "intent")
    date_hierarchy = "received_at"
    fields = ("kind", "event_id", "provider", "intent", "shown_state", "note", "received_at", "applied_at", "body")
    readonly_fields = ("shown_state",)
    actions = ["replay"]

    @display(description="state", label={"applied": "success", "received": "warning", "ignored": "info"})  # type: ignore[untyped-decorator]
    def shown_state(self, event: WebhookEvent) -> str:
        return event.state

    @admin.action(description="Apply again", permissions=["act"])
    def replay(self, request: HttpRequest, chosen: QuerySet[WebhookEvent]) -> None:
        self.act_on_each(request, chosen, lambda event: services.apply_event(event=event.pk, force=True), "was applied")
