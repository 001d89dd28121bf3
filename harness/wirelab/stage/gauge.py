"""What programs have of the processors and the memory while they run: recorded, and bounded in a sandbox.

Knows no script and no packets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from wirelab.base.clock import now_ns
from wirelab.observe.evidence import Bounded, Sampled
from wirelab.stage import processes
from wirelab.stage.actors import Program
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import Limits

EVERY_NS = 250_000_000  # between two looks at a program; each at two of them costs a run 0.3 ms
EVENTFUL_NS = (
    100_000_000  # the same, of a submission, when something happened: what came late was, perhaps, not its fault
)
ALMOST = 0.9  # of the processes it may have: at the limit it can no longer do what it would be judged by


class Gauge:
    """Looks at programs from time to time, and ends one that takes more than ``limits``, if there are any."""

    def __init__(self, recorder: Recorder, limits: Limits | None) -> None:
        self._recorder, self._limits = recorder, limits
        self._looked: dict[int, int] = {}  # by pid, when
        self._scheduled: dict[int, tuple[processes.Threads, float, float]] = {}  # as seen last; kept and cpu so far

    def sample(self, programs: Iterable[Program], *, eventful: bool) -> None:
        """Record how long each living program was kept from a CPU so far, and had one, if it is time to.

        That is the sum of what, from each look to the next, its worst-off thread waited beyond what the program's other
        threads had of the CPUs (who burns them keeps its own threads waiting): it never falls.
        """
        now = now_ns()
        for program in programs:
            every = EVENTFUL_NS if eventful and program.part == "submission" else EVERY_NS
            if program.exited is not None or now - self._looked.get(program.pid, 0) < every:
                continue
            self._looked[program.pid] = now
            before, kept, cpu = self._scheduled.get(program.pid, ({}, 0.0, 0.0))
            threads = processes.threads(program.pid)
            had = processes.between(before, threads)
            kept, cpu = kept + had.kept(processes.cpus()), cpu + had.cpu
            self._scheduled[program.pid] = threads, kept, cpu
            self._recorder.add(Sampled(now_ns(), program.name, round(kept, 6), round(cpu, 6)))
            if self._limits is not None and program.part == "submission":
                self._bound(program, len(threads), self._limits)

    def _bound(self, program: Program, threads: int, limits: Limits) -> None:
        """End a program that takes too much. What bounds each of its processes is the kernel's affair; root's have no
        bound to their number, and nothing bounds the memory of all together."""
        unit: Literal["processes", "memory"]
        if threads >= ALMOST * limits.processes:
            unit, limit = "processes", limits.processes
        elif processes.memory(program.pid) > limits.memory:
            unit, limit = "memory", limits.memory
        else:
            return
        self._recorder.add(Bounded(now_ns(), program.name, limit, unit))
        program.end()
