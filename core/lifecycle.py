"""What this process knows of its own life: whether it has been ready once, and whether it is about to end."""

import signal
import threading
from types import FrameType

# Sent by the server to its workers before the signal that ends them: load balancers must hear of it first.
STOPPING_SIGNAL = signal.SIGUSR1

_stopping = threading.Event()
_was_ready = threading.Event()


def is_stopping() -> bool:
    """Whether this process serves on for a moment only, and wants no new visitors."""
    return _stopping.is_set()


def was_ready() -> bool:
    """Whether all this process needs has been there once since it started."""
    return _was_ready.is_set()


def note_ready() -> None:
    """All it needs is there."""
    _was_ready.set()


def listen_for_the_end() -> None:
    """Turn `is_stopping` on when the server says so; call it from the main thread."""
    signal.signal(STOPPING_SIGNAL, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    _stopping.set()
