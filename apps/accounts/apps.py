from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who a person is: phone codes, passwords, sessions and tokens."""

    name = "apps.accounts"
    verbose_name = "People"
