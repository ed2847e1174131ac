from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string


class CoreConfig(AppConfig):
    """The kernel all apps stand on."""

    name = "core"
    verbose_name = "Background jobs"

    def ready(self) -> None:
        if settings.SENTRY_DSN:  # its library takes a moment to load, and is not needed elsewhere
            import_string("core.error_reports.start_error_reports")()
