from django.apps import AppConfig


class HealthConfig(AppConfig):
    """Live, ready, report, metrics."""

    name = "apps.health"
    label = "health"
