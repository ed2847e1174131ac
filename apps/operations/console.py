"""The console's front page: what needs a hand today."""

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
from apps.products.models import Product
from apps.products.queries import with_stock
from core.clock import now
from core.models import OutboxJob
from core.money import major

RECENT = 8


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's hook: adds the figures and the newest orders to the page."""
    newest = Order.objects.select_related("user").order_by("-created_at")[:RECENT]
    context |= {
        "figures": figures(),
        "newest_orders": {
            "headers": ["Order", "Customer", "Status", "Total", "Placed"],
            "rows": [_order_row(order) for order in newest],
        },
    }
    return context


def _order_row(order: Order) -> list[str]:
    url = reverse("admin:orders_order_change", args=[order.pk])
    return [
        format_html('<a href="{}" class="font-medium">{}</a>', url, order.number),
        order.user.full_name or str(order.user),
        order.get_status_display(),
        f"{major(order.total, order.currency)} {order.currency}",
        f"{timesince(order.created_at, depth=1)} ago",
    ]


def figures() -> list[dict[str, Any]]:
    """Each figure with the list it was counted from, so that a click shows the rows behind it."""
    orders = Order.objects
    week = orders.filter(payment_status="paid", created_at__gte=now() - timedelta(days=7)).aggregate(sum=Sum("total"))
    short = with_stock(Product.objects.filter(is_active=True)).filter(stock_state__in=["low", "sold out"]).count()
    dead = OutboxJob.objects.filter(state=OutboxJob.State.DEAD).count()
    flagged = Campaign.objects.filter(status="flagged").count()
    order_list, currency = reverse("admin:orders_order_changelist"), settings.SHOP_CURRENCY
    return [
        _figure(
            "Paid in seven days", f"{major(week['sum'] or 0, currency)} {currency}", f"{order_list}?payment_status=paid"
        ),
        _figure("Waiting for payment", orders.filter(status="pending").count(), f"{order_list}?status__exact=pending"),
        _figure("Ready to ship", orders.filter(status="processing").count(), f"{order_list}?status__exact=processing"),
        _figure("Low or sold out", short, reverse("admin:products_product_changelist")),
        _figure(
            "Campaigns with a flag", flagged, f"{reverse('admin:campaigns_campaign_changelist')}?status__exact=flagged"
        ),
        _figure("Jobs that gave up", dead, f"{reverse('admin:core_outboxjob_changelist')}?state__exact=dead"),
    ]


def _figure(title: str, value: object, url: str) -> dict[str, Any]:
    return {"title": title, "value": value, "url": url}
