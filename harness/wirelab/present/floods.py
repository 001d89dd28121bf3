"""Who says too much at once is counted instead of shown. Knows sources and numbers, nothing of what is said."""

from __future__ import annotations

from collections import Counter


class Floods:
    """Lets each source show ``limit`` lines a second; what is more is hidden, and its number kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._second = 0
        self._shown: Counter[str] = Counter()
        self._hidden: Counter[str] = Counter()

    def turn(self, second: int) -> list[tuple[str, int]]:
        """It is now this second of the time axis (never an earlier one): (source, hidden) of those that are over."""
        if second <= self._second:
            return []
        self._second = second
        over = [(source, count) for source, count in self._hidden.items() if count]
        self._shown.clear()
        self._hidden.clear()
        return over

    def hides(self, source: str, *, marked: bool = False) -> bool:
        """Whether one more is too much now; it is then counted. What is marked may be as much again."""
        if self._shown[source] < (2 * self._limit if marked else self._limit):
            return False
        self._hidden[source] += 1
        return True

    def shows(self, source: str, lines: int) -> None:
        """So many lines of this source are shown."""
        self._shown[source] += lines

    def so_far(self, source: str) -> int:
        """How much of this source is hidden and not told yet; it counts as told from now on."""
        return self._hidden.pop(source, 0)
