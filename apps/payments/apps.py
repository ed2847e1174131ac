from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Charges, refunds, disputes, and what the gateways tell of them."""

    name = "apps.payments"
    verbose_name = "Payments"
