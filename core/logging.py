"""Logs: readable lines in development, one JSON object a line elsewhere; nothing secret in either.

Event names are constant, values ride in keywords, so that lines can be counted. Redaction is the last step before
rendering and sees every value, ours or a library's, tracebacks included: nothing can go around it, and nothing in a
value can bend the line.
"""

import logging
import logging.config
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.redaction import mask_tokens, redact, redact_key, redact_shapes, redact_value

_SHARED: tuple[Processor, ...] = (
    structlog.stdlib.ExtraAdder(),  # first, so that no `extra` replaces what we say about a line ourselves
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
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
    """The last resort behind `_redacted`: tokens, which cannot be part of a line's structure."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_tokens(super().format(record))


class CarefulHandler(logging.StreamHandler[TextIO]):
    """Where a record cannot be formatted, the standard library prints its arguments in clear. This says only where."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library's name
        about = ("name", "levelno", "levelname", "pathname", "lineno", "funcName")
        spare = {key: getattr(record, key) for key in about}
        spare |= {"msg": "log_record_unreadable", "error": type(sys.exc_info()[1]).__name__}
        with suppress(OSError, ValueError):  # a closed stream: nobody is left to tell
            self.stream.write(self.format(logging.makeLogRecord(spare)) + self.terminator)
            self.flush()


def logging_config(*, level: str, environment: str, readable: bool) -> dict[str, Any]:
    """The dictionary `configure` takes; `readable` for people, otherwise JSON with S2's keys."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": _formatter, "readable": readable, "environment": environment}},
        "filters": {"unexpected": {"()": OnlyUnexpected}},
        "handlers": {"stderr": {"()": CarefulHandler, "formatter": "line"}},
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
    return RedactingFormatter(foreign_pre_chain=_SHARED, processors=[_redacted, *last])


def _redacted(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Every value masked; what we word ourselves is kept, so that no client can blank it with a secret of its own."""
    record, is_ours = event.pop("_record"), event.pop("_from_structlog")
    failure = _failure(event.pop("exc_info", None))
    kept = _MADE_HERE if hasattr(record, "request_id") else _MADE_HERE | {"request_id"}
    worded = _worded(event) if is_ours else frozenset[str]()
    clean: EventDict = {}
    for key, value in event.items():
        if key in kept:
            clean[key] = value
        elif key in worded:
            clean[key] = redact_shapes(str(value))
        else:
            clean[redact_key(key)] = redact_value(value, key)
    if failure:
        clean["exc_info"] = failure
    return clean


def _worded(event: EventDict) -> frozenset[str]:
    """The keys of our own event whose values are words of ours: its name, and which endpoint was asked for."""
    if event["logger"] == "access" and event["event"] == "request":
        return frozenset({"event", "method", "path"})
    return frozenset({"event"} if _EVENT_NAME.fullmatch(str(event["event"])) else ())


def _failure(error: Any) -> dict[str, str] | None:
    """The exception as S2's readers expect it: type, message, traceback; never local variables."""
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return None
    trace = "".join(traceback.format_exception(error))
    return {"type": type(error).__name__, "message": redact(str(error)), "traceback": redact(trace)}


def _readable(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`14:03:22 warning  event key=value …`, with any traceback below."""
    clock, level = event["timestamp"][11:19], event["level"]
    if event["logger"] == "access" and event.keys() >= {"method", "path", "status", "ms"}:
        return f"{clock} {event['method']} {_shown(event['path'])} {event['status']} in {event['ms']} ms"
    facts = " ".join(f"{key}={_shown(value)}" for key, value in event.items() if key not in _MACHINE_KEYS)
    trace = event.get("exc_info", {}).get("traceback", "").rstrip()
    return f"{clock} {level:8} {event['event']} {facts}".rstrip() + (f"\n{trace}" if trace else "")


def _shown(value: Any) -> str:
    """On one line, whatever it holds: a line break in a value must not pass for a line of the log."""
    text = str(value)
    return text if text.isprintable() else repr(text)


def _seed_keys(environment: str, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """S2's keys; what is not one of them goes into `extra`."""
    line: dict[str, Any] = {
        "timestamp": event["timestamp"],
        "level": event["level"],
        "logger": event["logger"],
        "message": str(event["event"]),
        "service": "hanout",
        "environment": environment,
        "location": {"file": event["pathname"], "line": event["lineno"], "function": event["func_name"]},
        "extra": {key: value for key, value in event.items() if key not in _SEEDED},
    }
    for key, shown_as in (("request_id", "request_id"), ("exc_info", "exception")):
        if key in event:
            line[shown_as] = event[key]
    return line


_EVENT_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")
_MADE_HERE = frozenset({"timestamp", "level", "logger", "pathname", "lineno", "func_name"})
_SEEDED = _MADE_HERE | {"event", "exc_info", "request_id"}
_MACHINE_KEYS = _MADE_HERE | {"event", "message", "exc_info", "request"}
