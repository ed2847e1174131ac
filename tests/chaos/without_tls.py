"""Staging with nothing in front of it at all, as only a test is: plain HTTP, every header the client's own."""

from config.settings.staging import *  # noqa: F403  # a settings module is its base plus differences

SECURE_SSL_REDIRECT = False
