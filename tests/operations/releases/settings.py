"""A process with one small app: whichever release of `parcels` stands first on its path."""

from config.settings.tests import *  # noqa: F403

INSTALLED_APPS = ["parcels"]
