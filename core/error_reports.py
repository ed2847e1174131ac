"""Unexpected errors on their way to Sentry; the only file that knows its library.

What leaves is what the log says too: the error and where it happened, by request id. No body, cookie, header or
address goes along, people are hashes, and every text passes the log's own redaction.
"""

import hashlib
import re
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from core.redaction import redact_value
from core.reporting import listen_for_errors

_OF_A_REQUEST = ("method", "url")
_QUERIES = frozenset({"http.query", "http.fragment"})
_MAIL = re.compile(r"[^\s@<>()\"'=,;:]+@[^\s@<>()\"'=,;:]+")


def start_error_reports() -> None:
    """Report from now on; nobody waits for a Sentry that is away."""
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.VERSION,
        send_default_pii=False,
        auto_session_tracking=False,
        send_client_reports=False,
        include_local_variables=False,  # they hold codes, tokens and phones under any name
        max_request_body_size="never",
        traces_sample_rate=settings.SENTRY_TRACES_RATE,
        # Named one by one: what is found installed must not begin to report by itself. Of the log, errors alone.
        default_integrations=True,
        auto_enabling_integrations=False,
        integrations=[
            DjangoIntegration(middleware_spans=False, signals_spans=False),
            CeleryIntegration(),
            LoggingIntegration(level=None, event_level=None),
        ],
        before_send=scrub,
        before_send_transaction=scrub,
    )
    listen_for_errors(_report)


def _report(error: BaseException) -> None:
    sentry_sdk.capture_exception(error)


def scrub(event: Any, hint: dict[str, Any]) -> Any:
    """The event without what must never be read; `before_send` of the library."""
    request = event.get("request", {})
    event["request"] = {name: str(request[name]).partition("?")[0] for name in _OF_A_REQUEST if name in request}
    if "id" in (user := event.get("user", {})):
        event["user"] = {"id": hashlib.sha256(f"{settings.SHOP_ID}:{user['id']}".encode()).hexdigest()[:16]}
    else:
        event.pop("user", None)
    for name in ("breadcrumbs", "server_name", "modules", "extra"):
        event.pop(name, None)
    for part in ("exception", "logentry", "message", "request", "transaction", "tags", "spans"):
        if part in event:
            event[part] = _redacted(event[part], part)
    return event


def _redacted(part: Any, name: str) -> Any:
    """The structure is the library's and stays; its texts are ours and pass the log's redaction.

    PostgreSQL's DETAIL quotes the row, and mail servers quote whom they refuse.
    """
    if isinstance(part, dict):
        return {key: _redacted(held, key) for key, held in part.items() if key not in _QUERIES}
    if isinstance(part, list):
        return [_redacted(held, name) for held in part]
    if not isinstance(part, str):
        return part
    return _MAIL.sub("[mail]", redact_value(part.partition("DETAIL:")[0], name))
