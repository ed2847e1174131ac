"""Where texts and mails of a test go: parties on this machine, and a log that can be read."""

import io
import logging

import pytest

from apps.accounts import texts
from tests.parties import Party


@pytest.fixture
def party():
    server = Party()
    yield server
    server.stop()


@pytest.fixture
def written():
    """All that is logged, at every level, by us and by libraries."""
    root, stream = logging.getLogger(), io.StringIO()
    handler, level = root.handlers[0], root.level
    before = handler.setStream(stream)
    root.setLevel(logging.DEBUG)
    yield stream.getvalue
    root.setLevel(level)
    handler.setStream(before)


@pytest.fixture
def deployed(settings):
    """Outside development, with nobody to text through yet."""
    settings.IS_DEVELOPMENT = False
    settings.ENVIRONMENT = "staging"
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER", "PUBLIC_URL"):
        setattr(settings, name, "")
    for name in ("BULKSMS_API_URL", "BULKSMS_API_KEY", "BULKSMS_SENDER_ID"):
        setattr(settings, name, "")
    yield settings
    texts._provider.cache_clear()
