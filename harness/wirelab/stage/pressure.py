"""How many runs the machine bears at once: more while its processors have room, fewer while programs wait for them.

Programs under test mostly wait, so how many fit depends on what they do. Linux says for what part of the time some
process was ready to run and had no processor (PSI, Documentation/accounting/psi.rst); where it does not, a fixed number
is used. Decides only when runs begin: what a run's own lateness means is measured in the run itself.
"""

from __future__ import annotations

from wirelab.base.clock import Deadline, now_ns
from wirelab.stage import processes

EVERY = 0.25  # seconds between two looks
# Parts of the time in which somebody waited: below the first one more run, above the other one less. That somebody waits
# is common long before the processors are full, as programs wake up together: measured with `bench/grade_cost.py`.
ROOM, CROWD = 0.9, 0.98
_FILE = "/proc/pressure/cpu"


class Gate:
    """``allowed`` says how many runs may be under way now; at least one for each processor, at most ``most``."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._least = min(processes.cpus(), most)
        self._level = min(4 * processes.cpus(), most)
        self._look = Deadline.after(EVERY)
        self._seen = stalled(), now_ns()

    def allowed(self) -> int:
        """How many may be under way; looks at the machine at most every ``EVERY`` seconds."""
        if self._look.passed:
            self._look = Deadline.after(EVERY)
            before, then = self._seen
            self._seen = now, at = stalled(), now_ns()
            if before is not None and now is not None and at > then:
                share = (now - before) * 1000 / (at - then)
                step = 1 if share < ROOM else -1 if share > CROWD else 0
                self._level = max(self._least, min(self.most, self._level + step))
        return self._level


def stalled() -> int | None:
    """Microseconds, since the machine started, in which some process waited for a processor; None when Linux does not
    say."""
    fields = processes.read(_FILE).split()[:5]
    word = fields[4] if len(fields) == 5 else ""  # "some avg10=… avg60=… avg300=… total=…"
    return int(word.removeprefix("total=")) if word.startswith("total=") else None
