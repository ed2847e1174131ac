from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OperationsConfig(AppConfig):
    """Runs the house: start, demo data, and later preflight, backup and restore."""

    name = "apps.operations"
    label = "operations"

    def ready(self) -> None:
        autodiscover_modules("tasks")
