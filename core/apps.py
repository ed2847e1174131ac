from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The kernel all apps stand on; its only table is the outbox."""

    name = "core"
    verbose_name = "Background jobs"
