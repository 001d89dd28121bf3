"""Programs on terminals: bounded in what one look takes in, whole in what they showed, and refusals told in words."""

from __future__ import annotations

import errno
import os
import pty
import select
import shutil
import signal
import sys
import tempfile

import pytest

from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.observe.evidence import Shown
from wirelab.stage import actors, namespace
from wirelab.stage.actors import Program
from wirelab.stage.recorder import Recorder
from wirelab.stage.worker import Worker

NOBODY = 65534


def shown(recorder: Recorder) -> int:
    return sum(len(event.data) for event in recorder.events if isinstance(event, Shown))


def to_its_end(program: Program) -> None:
    deadline = Deadline.after(SECONDS)
    while program.exited is None and not deadline.passed:
        select.select(program.descriptors, [], [], deadline.left())
        program.service()


def much_output() -> dict[str, object]:
    namespace.contain()
    recorder = Recorder()
    program = Program("alice", "client", "submission", recorder)
    line = "import os; [os.write(1, b'x' * 1000) for _ in range(1000)]"
    program.start([sys.executable, "-S", "-c", line], namespace.base_environment(), "/")
    most = 0
    deadline = Deadline.after(SECONDS)
    while program.exited is None and not deadline.passed:
        select.select(program.descriptors, [], [], deadline.left())
        before = shown(recorder)
        program.service()
        most = max(most, shown(recorder) - before) if program.exited is None else most
    return {"most": most, "all": shown(recorder), "status": program.exited and program.exited.status}


def test_one_look_at_a_terminal_takes_a_bounded_time_and_nothing_is_missed_at_the_end():
    seen = play(much_output)
    assert 0 < seen["most"] < 2 * actors.AT_ONCE
    assert (1_000_000, 0) == (seen["all"], seen["status"])


def interrupted_child() -> dict[str, object]:
    """A Ctrl-C between fork and exec: ptyprocess lets it out of the child."""
    namespace.contain()
    drop = namespace.drop_capabilities

    def interrupt() -> None:
        raise KeyboardInterrupt

    namespace.drop_capabilities = interrupt
    program = Program("alice", "client", "submission", Recorder())
    program.start(["/bin/true"], namespace.base_environment(), "/")
    namespace.drop_capabilities = drop
    to_its_end(program)
    return {"status": program.exited and program.exited.status}


def test_a_child_that_cannot_become_the_program_never_goes_on_as_its_parent():
    assert {"status": 127} == play(interrupted_child)  # a second copy would have answered, too


def closed_folder() -> list[str]:
    folder = tempfile.mkdtemp()
    inner = os.path.join(folder, "inner")
    os.mkdir(inner)
    return [folder, inner]


def into_a_closed_folder() -> dict[str, str]:
    namespace.contain()
    told = {}
    for folder in os.environ["FOLDERS"].split(":"):
        program = Program("alice", "client", "submission", Recorder())
        try:
            program.start(["./client"], namespace.base_environment(), folder)
        except EnvironmentFault as fault:
            told[folder] = f"{fault.key} {fault.values['folder']}"
    return told


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may not read others' files inside the network")
def test_a_folder_of_another_user_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch):
    folders = closed_folder()
    try:
        os.chown(folders[0], NOBODY, NOBODY)
        os.chmod(folders[0], 0o700)
        monkeypatch.setenv("FOLDERS", ":".join(folders))
        assert {folder: f"actor.closed-folder {folders[0]}" for folder in folders} == play(into_a_closed_folder)
    finally:
        shutil.rmtree(folders[0])


def test_a_process_that_cannot_be_forked_leaves_no_trace(monkeypatch: pytest.MonkeyPatch):
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    mask, files = signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.listdir("/proc/self/fd")
    with pytest.raises(EnvironmentFault, match="Resource temporarily unavailable"):
        Worker(lambda parent: parent)
    assert (mask, files) == (signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.listdir("/proc/self/fd"))


def interrupted_spawn() -> dict[str, object]:
    """A Ctrl-C right after the fork, when pexpect has only half of what it needs."""
    namespace.contain()
    fork = pty.fork

    def interrupted() -> tuple[int, int]:
        child = fork()
        if child[0]:
            os.kill(os.getpid(), signal.SIGINT)
        return child

    pty.fork = interrupted
    program = Program("alice", "client", "submission", Recorder())
    complaints: list[object] = []
    sys.unraisablehook = complaints.append
    struck = False
    try:
        program.start(["/bin/sleep", "100"], namespace.base_environment(), "/")
    except KeyboardInterrupt:
        struck = True
    pty.fork = fork
    program.end()
    return {"struck": struck, "status": program.exited and program.exited.status, "complaints": len(complaints)}


def test_an_interrupt_while_a_program_starts_waits_until_it_can_be_ended():
    assert {"struck": True, "status": -signal.SIGKILL, "complaints": 0} == play(interrupted_spawn)
