"""Where errors nobody expected are told, besides the log: to whoever listens, and to nobody by default."""

from collections.abc import Callable

_listeners: list[Callable[[BaseException], None]] = []


def listen_for_errors(listener: Callable[[BaseException], None]) -> None:
    """Tell this listener of every error from now on."""
    _listeners.append(listener)


def report_error(error: BaseException) -> None:
    """Tell of an error that was caught, answered or put off, and still is one."""
    for listener in _listeners:
        listener(error)
