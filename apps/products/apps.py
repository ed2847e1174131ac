from django.apps import AppConfig


class ProductsConfig(AppConfig):
    """Catalogue, prices, stock, search."""

    name = "apps.products"
    verbose_name = "Catalogue"
