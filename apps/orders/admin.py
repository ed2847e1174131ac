"""Orders in the console: read, mark as paid, cancel. Amounts and states are never typed in."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from apps.orders import services
from apps.orders.models import Order, OrderEvent, OrderLine
from core.console import ReadOnly
from core.money import major, with_currency


def _lines(address: dict[str, str]) -> str:
    """An address as one would write it on a parcel; escaped, for customers typed it."""
    wanted = (
        "full_name",
        "address_line1",
        "address_line2",
        "postal_code",
        "city",
        "state",
        "country",
        "phone",
        "email",
    )
    return format_html_join(
        mark_safe("<br>"), "{}", ((address[name],) for name in wanted if address.get(name))
    )  # a constant


class LineInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = OrderLine
    extra = 0
    can_delete = False
    hide_title = True
    fields = ("product_name", "product_sku", "quantity", "shown_price", "shown_total")
    readonly_fields = ("shown_price", "shown_total")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderLine]:
        rows: QuerySet[OrderLine] = super().get_queryset(request).select_related("order")
        return rows

    @display(description="unit price")  # type: ignore[untyped-decorator]
    def shown_price(self, line: OrderLine) -> str:
        return major(line.unit_price, line.order.currency)

    @display(description="total")  # type: ignore[untyped-decorator]
    def shown_total(self, line: OrderLine) -> str:
        return major(line.total_price, line.order.currency)


class EventInline(ReadOnly, TabularInline):  # type: ignore[misc]  # unfold is untyped
    model = OrderEvent
    extra = 0
    can_delete = False
    hide_title = True
    fields = readonly_fields = ("created_at", "status", "note", "actor")


@admin.register(Order)
class OrderAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    list_display = ("number", "user", "shown_status", "shown_payment", "shown_total", "created_at")
    list_filter = ("status", "payment_status")
    list_select_related = ("user",)
    search_fields = ("number", "user__phone", "user__email")
    date_hierarchy = "created_at"
    inlines = [LineInline, EventInline]
    fields = (
        ("number", "user"),
        ("shown_status", "shown_payment"),
        ("shown_subtotal", "shown_tax"),
        ("shown_shipping", "shown_total"),
        ("shown_delivery", "shown_invoice"),
        ("customer_notes", "reserved_until"),
        ("shipped_at", "delivered_at", "returned_at", "tracking_number"),
    )
    readonly_fields = tuple(name for row in fields for name in row)
    actions = ["mark_paid", "ship", "deliver", "take_back", "fill", "cancel"]

    @display(  # type: ignore[untyped-decorator]
        description="status",
        ordering="status",
        label={
            "pending": "warning",
            "processing": "info",
            "shipped": "info",
            "delivered": "success",
            "cancelled": "danger",
        },
    )
    def shown_status(self, order: Order) -> str:
        return order.status

    @display(description="payment", label={"paid": "success", "pending": "warning", "failed": "danger"})  # type: ignore[untyped-decorator]
    def shown_payment(self, order: Order) -> str:
        return order.payment_status

    @display(description="total", ordering="total")  # type: ignore[untyped-decorator]
    def shown_total(self, order: Order) -> str:
        return with_currency(order.total, order.currency)

    @display(description="subtotal")  # type: ignore[untyped-decorator]
    def shown_subtotal(self, order: Order) -> str:
        return major(order.subtotal, order.currency)

    @display(description="tax")  # type: ignore[untyped-decorator]
    def shown_tax(self, order: Order) -> str:
        return major(order.tax_amount, order.currency)

    @display(description="shipping")  # type: ignore[untyped-decorator]
    def shown_shipping(self, order: Order) -> str:
        return major(order.shipping_cost, order.currency)

    @display(description="deliver to")  # type: ignore[untyped-decorator]
    def shown_delivery(self, order: Order) -> str:
        return _lines(order.shipping_address)

    @display(description="bill to")  # type: ignore[untyped-decorator]
    def shown_invoice(self, order: Order) -> str:
        return _lines(order.billing_address)

    @admin.action(description="Mark as paid (money arrived outside the shop)", permissions=["act"])
    def mark_paid(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, partial(services.mark_paid, note="Marked as paid in the console"), "marked as paid")

    @admin.action(description="Mark as shipped", permissions=["act"])
    def ship(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, services.ship_order, "is on its way")

    @admin.action(description="Mark as delivered", permissions=["act"])
    def deliver(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, services.deliver_order, "was delivered")

    @admin.action(description="Put goods that came back on the shelf", permissions=["act"])
    def take_back(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, services.take_back_order, "is back on the shelf")

    @admin.action(description="Set goods aside for a backorder", permissions=["act"])
    def fill(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, services.fill_backorder, "has its goods")

    @admin.action(description="Cancel, put the goods back, pay the money back", permissions=["act"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Order]) -> None:
        self._each(request, chosen, partial(services.cancel_order, note="Cancelled in the console"), "cancelled")

    def _each(self, request: HttpRequest, chosen: QuerySet[Order], act: Callable[..., Any], done: str) -> None:
        self.act_on_each(request, chosen, lambda order: act(order_id=order.pk, actor=request.user), done)
