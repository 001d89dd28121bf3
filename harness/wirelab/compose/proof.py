"""Tries the sandbox before a class is graded in it. Grades nothing."""

from __future__ import annotations

import select
import tempfile
from pathlib import Path

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.stage import namespace
from wirelab.stage.actors import Program
from wirelab.stage.build import build
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import PLAIN, Sandbox
from wirelab.stage.worker import Worker

PROVED = 30.0  # seconds that the sandbox may take, on the busiest of machines


def prove(sandbox: Sandbox) -> None:
    """Try whether this machine lets the sandbox be made, to build in and on the stage of a run: where it does not, no
    submission may be blamed. Raises EnvironmentFault with bubblewrap's own words."""
    with tempfile.TemporaryDirectory(prefix="wirelab-") as folder:
        try:
            build("true", Path(folder), sandbox=sandbox)
        except UsageError as error:
            raise EnvironmentFault("sandbox.refused", said=error.values.get("output") or error) from None
        playing = Worker(lambda parent: _refusal(sandbox, folder, parent))
        said = playing.result()
        playing.wait()
    if said is not None:
        raise EnvironmentFault("sandbox.refused", said=said.strip() or "-")


def _refusal(sandbox: Sandbox, folder: str, parent: int) -> str | None:
    """What is said when a program that does nothing is started in the sandbox, as a run starts it; None when all is well."""
    namespace.enter(parent)
    namespace.seal()
    namespace.keep_to_itself()
    program, deadline = Program("proof", "client", "submission", Recorder()), Deadline.after(PROVED)
    with sandbox.command(("true",), folder, PLAIN) as sandboxed:
        program.start(("true",), PLAIN, folder, sandboxed)
    while program.exited is None and not deadline.passed:
        select.select(program.descriptors, [], [], deadline.left())
        program.service()
    program.end()
    return None if program.exited is not None and program.exited.status == 0 else program.transcript.text
