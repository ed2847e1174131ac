"""Where every path leads. Order matters: documentation before the contracts that own its prefix."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from apps.accounts.texts import TWILIO_REPORTS
from apps.accounts.views import OwnPasswordView, inbox
from apps.accounts.webhooks import twilio_report
from apps.payments.gateway import WEBHOOK
from apps.payments.webhooks import gateway_webhook, provider_webhook
from config import views
from config.api import MOUNTED

admin.site.index_title = "Today"

urlpatterns = [
    path("", views.start, name="start"),
    path("shop/", views.storefront, name="storefront"),
    path("", include("apps.health.urls")),
    path(f"{settings.ADMIN_PATH}password_change/", admin.site.admin_view(OwnPasswordView.as_view())),
    path(settings.ADMIN_PATH, admin.site.urls),
    path("inbox/", inbox, name="inbox"),
    # Pages people type; the contracts' own paths answer exactly as they are written.
    *(
        path(page, RedirectView.as_view(url=f"/{page}/"))
        for page in (settings.ADMIN_PATH.rstrip("/"), "inbox", "shop", "api/docs", "api/schema")
    ),
    path("media/<path:path>", views.media),
    path("api/docs/", views.docs, name="docs"),
    path("api/docs/redoc/", views.redoc),
    path("api/schema/", views.schema, name="schema"),
    path("api/schema/<slug:contract>/", views.schema, name="contract-schema"),
    path(TWILIO_REPORTS.removeprefix("/"), twilio_report),
    path(WEBHOOK.removeprefix("/"), gateway_webhook),
    path("api/payments/webhook/<slug:provider>/", provider_webhook),
    *(path(prefix, api.urls) for prefix, api in MOUNTED),
]
