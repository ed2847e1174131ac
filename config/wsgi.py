"""The HTTP process. Without DJANGO_SETTINGS_MODULE or ENVIRONMENT this is production."""

import os

from django.core.wsgi import get_wsgi_application

_named = any(os.environ.get(name) for name in ("ENVIRONMENT", "ENV", "DJANGO_ENV"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings" if _named else "config.settings.production")

application = get_wsgi_application()

from config import companions  # needs the apps to be loaded

companions.start()
