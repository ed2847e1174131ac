from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Carts become orders; the order's life."""

    name = "apps.orders"
    verbose_name = "Orders"
