"""The next release's settings: those of now, and one more app."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as NOW

INSTALLED_APPS = [*NOW, "tests.chaos.next_release"]
