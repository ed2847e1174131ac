"""What a migrator says while it works: calm lines, and a bar where someone watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from apps.operations.progress import Progress


class Narrator:
    """Lines go to `write`; the bar steps aside for them."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._bar: Progress | None = None
        self._title, self._done, self._total = "", 0, 0

    @contextmanager
    def busy(self, title: str, done: int = 0, total: int = 0) -> Iterator[None]:
        """Show a bar while the block runs."""
        self._title, self._done, self._total = title, done, total
        self._show()
        try:
            yield
        finally:
            self._hide()

    def say(self, line: str) -> None:
        """One line, also while a bar is shown."""
        was_shown = self._bar is not None
        self._hide()
        self._write(line)
        if was_shown:
            self._show()

    def _show(self) -> None:
        self._bar = Progress(self._title)
        self._bar.__enter__()
        if self._total:
            self._bar.step(self._done, self._total)

    def _hide(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
