"""The HTTP process. Without DJANGO_SETTINGS_MODULE or ENVIRONMENT this is production.

`application` is plain WSGI; `front` is what our own server calls, with bodies read and threads given out before it.
"""

import os

from django.core.wsgi import get_wsgi_application

from config.env import SWITCHES

_named = any(os.environ.get(name) for name in SWITCHES)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings" if _named else "config.settings.production")

application = get_wsgi_application()

from apps.operations.web_front import Front  # both need the apps to be loaded
from config import companions

front = Front(application)
companions.start()
