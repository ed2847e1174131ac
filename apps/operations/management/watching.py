"""A progress bar for each phase of a long command."""

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from apps.operations.progress import Progress


class Watching:
    """Call it with the phase, what is done and how much there is; each phase has its bar, one at a time."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._phase, self._bar = "", Progress("")
        self._lock = threading.Lock()  # tables are counted by two threads

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __call__(self, phase: str, done: int, total: int) -> None:
        with self._lock:
            if phase != self._phase:
                self._open.close()
                self._phase, self._bar = phase, self._open.enter_context(Progress(phase))
            self._bar.step(done, total)
