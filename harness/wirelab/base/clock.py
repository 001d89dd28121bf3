"""The only reader of clocks. Evidence carries wall-clock nanoseconds, waiting uses the monotonic clock.

Packets are stamped by the kernel with CLOCK_REALTIME, so everything else that is
recorded (terminals, steps) is stamped with the same clock: all evidence then lies
on one axis. Deadlines never use it, because it may be set while a run is on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

NANOSECONDS = 1_000_000_000


def now_ns() -> int:
    """Wall-clock time in nanoseconds since the epoch, the clock that stamps packets."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock.

    >>> Deadline.after(5).left() <= 5
    True
    """

    moment: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment that lies ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds that remain, never negative."""
        return max(0.0, self.moment - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return time.monotonic() >= self.moment
