"""Logs: readable lines in development, one JSON object a line elsewhere; nothing secret in either.

Event names are constant, values ride in keywords, so that lines can be counted. Redaction runs on the finished
line, after tracebacks are rendered: nothing a library logs can go around it.
"""

import logging
import logging.config
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.redaction import redact

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    structlog.processors.CallsiteParameterAdder(
        {
            structlog.processors.CallsiteParameter.PATHNAME,
            structlog.processors.CallsiteParameter.LINENO,
            structlog.processors.CallsiteParameter.FUNC_NAME,
        }
    ),
)


class OnlyUnexpected(logging.Filter):
    """Django's record of a 5xx without a traceback repeats what we logged where it was raised."""

    def filter(self, record: logging.LogRecord) -> bool:
        return bool(record.exc_info)


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Masks secrets in the line as it will be written."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def logging_config(*, level: str, environment: str, readable: bool) -> dict[str, Any]:
    """The dictionary `configure` takes; `readable` for people, otherwise JSON with S2's keys."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _formatter, "readable": readable, "environment": environment}},
        "filters": {"unexpected": {"()": OnlyUnexpected}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Refusals are counted by code in core.contracts; Django would warn about each 4xx a second time.
            "django.request": {"level": "ERROR", "filters": ["unexpected"]},
            "django.server": {"handlers": [], "propagate": True},
        },
    }


def configure(config: Mapping[str, Any]) -> None:
    """Django's LOGGING_CONFIG hook: set up the standard library and structlog on one formatter."""
    logging.config.dictConfig(dict(config))
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _formatter(*, readable: bool, environment: str) -> RedactingFormatter:
    last: list[Processor] = (
        [_readable]
        if readable
        else [
            partial(_seed_keys, environment),
            structlog.processors.JSONRenderer(),
        ]
    )
    return RedactingFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _failure(event: EventDict) -> dict[str, str] | None:
    """The exception as S2's readers expect it: type, message, traceback."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return None
    trace = "".join(traceback.format_exception(error))
    return {"type": type(error).__name__, "message": str(error), "traceback": trace}


def _readable(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`14:03:22 warning  event key=value …`, with any traceback below."""
    clock, level = event["timestamp"][11:19], event["level"]
    if event["logger"] == "access":
        return f"{clock} {event['method']} {event['path']} {event['status']} in {event['ms']} ms"
    facts = " ".join(f"{key}={value}" for key, value in event.items() if key not in _MACHINE_KEYS)
    trace = structlog.processors.format_exc_info(_, __, event).get("exception", "")
    return f"{clock} {level:8} {event['event']} {facts}".rstrip() + (f"\n{trace}" if trace else "")


_MACHINE_KEYS = {
    "timestamp",
    "level",
    "logger",
    "event",
    "message",
    "pathname",
    "lineno",
    "func_name",
    "exc_info",
    "request",
}


_TOP_LEVEL = {"timestamp", "level", "logger", "message", "request_id", "location", "exception"}


def _seed_keys(environment: str, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """S2's keys; what is not one of them goes into `extra`."""
    event["message"] = event.pop("event")
    event["location"] = {
        "file": event.pop("pathname", None),
        "line": event.pop("lineno", None),
        "function": event.pop("func_name", None),
    }
    if failure := _failure(event):
        event["exception"] = failure
    extra = {key: event.pop(key) for key in list(event) if key not in _TOP_LEVEL}
    return {**event, "service": "hanout", "environment": environment, "extra": extra}
