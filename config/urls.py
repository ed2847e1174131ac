"""Where every path leads. Order matters: documentation before the contracts that own its prefix."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from apps.accounts.views import inbox
from config import views
from config.api import MOUNTED

admin.site.index_title = "Today"

urlpatterns = [
    path("", views.start, name="start"),
    path("", include("apps.health.urls")),
    path("admin/", admin.site.urls),
    path("inbox/", inbox, name="inbox"),
    path("api/docs/", views.docs, name="docs"),
    path("api/docs/redoc/", views.redoc),
    path("api/schema/", views.schema, name="schema"),
    path("api/schema/<slug:contract>/", views.schema, name="contract-schema"),
    *(path(prefix, api.urls) for prefix, api in MOUNTED),
]
if settings.IS_DEVELOPMENT:
    urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
