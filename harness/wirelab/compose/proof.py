"""Makes the sandbox that a class is graded in, and tries it before. Grades nothing."""

from __future__ import annotations

import select
import tempfile
from pathlib import Path

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.compose import kit
from wirelab.compose.programs import words_of
from wirelab.stage.actors import Program
from wirelab.stage.build import build
from wirelab.stage.observer import Observer
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import PLAIN, Sandbox
from wirelab.stage.worker import Worker
from wirelab.stage.world import here

_REFUSED = {"namespace": "sandbox.refused", "loopback": "users.refused"}
PROVED = 30.0  # seconds that the sandbox may take, on the busiest of machines


def proved(*private: Path) -> Sandbox:
    """A sandbox from which the kit and what is ``private`` cannot be seen, tried. Raises EnvironmentFault."""
    kits = (kit.labs_root(), kit.scenarios_root(), kit.reference_program("client").parent, Path(__file__).parents[1])
    box = here().sandbox([str(path.absolute()) for path in (*kits, *private)])
    prove(box)
    return box


def prove(box: Sandbox) -> None:
    """Try whether this machine lets the sandbox be made, to build in and on the stage of a run: where it does not, no
    submission may be blamed. Raises EnvironmentFault with what was said."""
    with tempfile.TemporaryDirectory(prefix="wirelab-") as folder:
        try:
            build("true", Path(folder), sandbox=box)
        except UsageError as error:
            raise EnvironmentFault(_REFUSED[here().tier], said=error.values.get("output") or error) from None
        playing = Worker(lambda parent: _refusal(box, folder, parent))
        said = playing.result()
        playing.wait()
    if said is not None:
        raise EnvironmentFault(_REFUSED[here().tier], said=said.strip() or "-")


def _refusal(box: Sandbox, folder: str, parent: int) -> str | None:
    """What is said when a program that does nothing is started in the sandbox, as a run starts it; None when all is well."""
    with here().held(parent, 0, ours=False):
        end = here().enter(parent, box)
        try:
            return _said(box, folder)
        finally:
            end()


def _said(box: Sandbox, folder: str) -> str | None:
    program, deadline = Program("proof", "client", "submission", Recorder()), Deadline.after(PROVED)
    # The Python that submissions are run by, which may lie where others are not let in.
    words = words_of("python3 -c pass", "client", Path(folder))
    sandboxed, user = here().wrapped(box, Observer(notes=False), words, folder, PLAIN)
    with sandboxed:
        program.start(words, PLAIN, folder, sandboxed, user=user)
    while program.exited is None and not deadline.passed:
        select.select(program.descriptors, [], [], deadline.left())
        program.service()
    program.end()
    return None if program.exited is not None and program.exited.status == 0 else program.transcript.text
