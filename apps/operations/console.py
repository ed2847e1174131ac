"""The console's front page: what needs a hand today."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.timesince import timesince

from apps.campaigns.models import Campaign
from apps.orders.models import Order
from apps.payments.models import Payment, Refund
from apps.products.models import Product
from apps.products.queries import with_stock
from core.clock import now
from core.models import OutboxJob
from core.money import with_currency

RECENT = 8


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: adds the figures and newest orders this operator may see."""
    user = request.user
    newest = Order.objects.select_related("user").order_by("-created_at")[:RECENT]
    context["figures"] = [figure for permission, count in FIGURES if user.has_perm(permission) for figure in count()]
    context["may_see_orders"] = user.has_perm("orders.view_order")
    context["newest_orders"] = {
        "headers": ["Order", "Customer", "Status", "Total", "Placed"],
        "rows": [_order_row(order) for order in newest] if context["may_see_orders"] else [],
    }
    return context


def _order_row(order: Order) -> list[str]:
    url = reverse("admin:orders_order_change", args=[order.pk])
    return [
        format_html('<a href="{}" class="font-medium">{}</a>', url, order.number),
        order.user.full_name or str(order.user),
        order.get_status_display(),
        with_currency(order.total, order.currency),
        f"{timesince(order.created_at, depth=1)} ago",
    ]


def _order_figures() -> list[dict[str, Any]]:
    orders, page = Order.objects, reverse("admin:orders_order_changelist")
    week = orders.filter(payment_status="paid", paid_at__gte=now() - timedelta(days=7)).exclude(status="cancelled")
    taken = with_currency(week.aggregate(sum=Sum("total"))["sum"] or 0, settings.SHOP_CURRENCY)
    return [
        _figure("Paid in seven days", taken, f"{page}?payment_status__exact=paid"),
        _figure("Waiting for payment", orders.filter(status="pending").count(), f"{page}?status__exact=pending"),
        _figure(
            "Ready to ship", orders.to_ship().count(), f"{page}?status__exact=processing&payment_status__exact=paid"
        ),
        _figure(
            "Refunds due", orders.refund_due().count(), f"{page}?status__exact=cancelled&payment_status__exact=paid"
        ),
    ]


def _payment_figures() -> list[dict[str, Any]]:
    asked, disputed = Refund.objects.filter(status="pending"), Payment.objects.filter(dispute="open")
    return [
        _figure(
            "Refunds to decide", asked.count(), f"{reverse('admin:payments_refund_changelist')}?status__exact=pending"
        ),
        _figure("Disputes", disputed.count(), f"{reverse('admin:payments_payment_changelist')}?dispute__exact=open"),
    ]


def _stock_figures() -> list[dict[str, Any]]:
    short = with_stock(Product.objects.filter(is_active=True)).filter(stock_state__in=["low", "sold out"])
    return [_figure("Low or sold out", short.count(), reverse("admin:products_product_changelist"))]


def _campaign_figures() -> list[dict[str, Any]]:
    flagged, page = Campaign.objects.filter(status="flagged"), reverse("admin:campaigns_campaign_changelist")
    return [_figure("Campaigns with a flag", flagged.count(), f"{page}?status__exact=flagged")]


def _job_figures() -> list[dict[str, Any]]:
    dead, page = OutboxJob.objects.filter(state=OutboxJob.State.DEAD), reverse("admin:core_outboxjob_changelist")
    return [_figure("Jobs that gave up", dead.count(), f"{page}?state__exact=dead")]


def _figure(title: str, value: object, url: str) -> dict[str, Any]:
    return {"title": title, "value": value, "url": url}


# What a figure counts, and the permission its list asks for: nobody learns here what they may not look up there.
FIGURES: tuple[tuple[str, Callable[[], list[dict[str, Any]]]], ...] = (
    ("orders.view_order", _order_figures),
    ("payments.view_payment", _payment_figures),
    ("products.view_product", _stock_figures),
    ("campaigns.view_campaign", _campaign_figures),
    ("core.view_outboxjob", _job_figures),
)
