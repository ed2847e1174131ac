from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who a person is: phone codes, passwords, sessions and tokens."""

    name = "apps.accounts"
    verbose_name = "People"

    def ready(self) -> None:
        import_module("apps.accounts.checks")  # it needs the models, which are not there when this file is read
