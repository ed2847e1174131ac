"""How the console looks and what its sidebar holds."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

# Terracotta, light to dark.
_PRIMARY = {
    "50": "#fbf4ef", "100": "#f6e5da", "200": "#edcab5", "300": "#e1a886", "400": "#d3845a", "500": "#c06a3f",
    "600": "#a8502d", "700": "#8a3f25", "800": "#703423", "900": "#5c2d20", "950": "#32160f",
}  # fmt: skip


def unfold_settings() -> dict[str, Any]:
    """django-unfold's settings."""
    return {
        "SITE_TITLE": "Hanout",
        "SITE_HEADER": "Hanout",
        "SITE_SUBHEADER": "Shop console",
        "SITE_SYMBOL": "storefront",
        "SITE_URL": "/",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("hanout/icon.svg")}],
        "SHOW_HISTORY": True,
        "BORDER_RADIUS": "8px",
        "LOGIN": {"form": "apps.accounts.forms.ConsoleSignInForm"},
        "COLORS": {"primary": _PRIMARY},
        "ACCOUNT": {"navigation": "apps.accounts.second_door.account_links"},
        "DASHBOARD_CALLBACK": "apps.operations.console.front_page",
        "SIDEBAR": {"show_search": True, "navigation": _navigation()},
    }


def _navigation() -> list[dict[str, Any]]:
    return [
        _group("", ("Today", "today", "admin:index")),
        _shop(),
        _group(
            "Campaigns",
            ("Campaigns", "campaign", "admin:campaigns_campaign_changelist"),
            ("Sites", "pin_drop", "admin:campaigns_campaignsite_changelist"),
            ("Imports", "upload_file", "admin:campaigns_importrun_changelist"),
        ),
        _group(
            "People",
            ("People", "group", "admin:accounts_user_changelist"),
            ("Groups", "badge", "admin:auth_group_changelist"),
            ("Sessions", "devices", "admin:accounts_session_changelist"),
            ("Companies", "domain", "admin:accounts_company_changelist"),
            ("Invitations", "mail", "admin:accounts_invitation_changelist"),
        ),
        _group(
            "At the door",
            ("Audit", "policy", "admin:accounts_auditevent_changelist"),
            ("Codes sent", "sms", "admin:accounts_codesend_changelist"),
            ("Lockouts", "lock_clock", "admin:accounts_lockout_changelist"),
        ),
        _group(
            "Operations",
            ("Jobs", "schedule", "admin:core_outboxjob_changelist"),
            ("Webhooks", "webhook", "admin:payments_webhookevent_changelist"),
            ("Schedule", "event_repeat", "admin:django_celery_beat_periodictask_changelist"),
        ),
    ]


def _shop() -> dict[str, Any]:
    return _group(
        "Shop",
        ("Orders", "receipt_long", "admin:orders_order_changelist"),
        ("Payments", "credit_card", "admin:payments_payment_changelist"),
        ("Refunds", "undo", "admin:payments_refund_changelist"),
        ("Products", "sell", "admin:products_product_changelist"),
        ("Reviews", "reviews", "admin:products_productreview_changelist"),
        ("Categories", "category", "admin:products_category_changelist"),
        ("Tags", "label", "admin:products_tag_changelist"),
        ("Stock", "inventory_2", "admin:products_stockitem_changelist"),
        ("Stock ledger", "swap_vert", "admin:products_stockmovement_changelist"),
        ("Receive goods", "add_box", "admin:products_stockmovement_add"),
    )


def _group(title: str, *items: tuple[str, str, str]) -> dict[str, Any]:
    links = [{"title": name, "icon": icon, "link": reverse_lazy(view)} for name, icon, view in items]
    return {"title": title, "separator": bool(title), "items": links}
