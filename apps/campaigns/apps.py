from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Out-of-home campaigns: import, reconciliation, measures."""

    name = "apps.campaigns"
    verbose_name = "Campaigns"
