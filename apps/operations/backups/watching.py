"""Who watches: told the phase, how much of it is done, and how much there is."""

from collections.abc import Callable

Watch = Callable[[str, int, int], None]


def unwatched(phase: str, done: int, total: int) -> None:
    """For jobs and tests, where nobody looks."""
