"""Not asking, for a while, what did not answer a moment ago."""

import threading
import time


class Breaker:
    """After a failure nobody tries for a while; then one does, for all others to see."""

    def __init__(self, rest_seconds: float) -> None:
        self._rest_seconds = rest_seconds
        self._guard = threading.Lock()
        self._is_broken, self._next_try = False, 0.0

    def allows(self) -> bool:
        """Whether to try now; while broken, one caller a rest is told yes."""
        with self._guard:
            if not self._is_broken:
                return True
            moment = time.monotonic()
            if moment < self._next_try:
                return False
            self._next_try = moment + self._rest_seconds
            return True

    def note(self, *, worked: bool) -> None:
        """Remember how the try went."""
        with self._guard:
            self._is_broken = not worked
            self._next_try = time.monotonic() + self._rest_seconds
