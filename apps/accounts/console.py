"""The console's site in place of Django's; named in INSTALLED_APPS."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default_site = "apps.accounts.console_site.ConsoleSite"
