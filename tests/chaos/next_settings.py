"""The next release's settings: staging's, and one more app."""

from config.settings.staging import *  # noqa: F403  # a settings module is its base plus differences
from config.settings.staging import INSTALLED_APPS as NOW

INSTALLED_APPS = [*NOW, "tests.chaos.next_release"]
