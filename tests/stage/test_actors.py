"""Programs on terminals: bounded in what one look takes in, whole in what they showed, and refusals told in words."""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import sys
import tempfile

import pytest

from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.base.errors import AuthorError, EnvironmentFault, Place, Problem
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


def what_a_program_finds() -> dict[str, str]:
    """Started by a process with ignored and blocked signals, capabilities, and a descriptor that a shell handed on."""
    handed_on = os.dup2(os.open("/dev/null", os.O_RDONLY), 77)
    namespace.seal()
    namespace.contain()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    recorder = Recorder()
    program = Program("alice", "client", "submission", recorder)
    line = (
        "grep -E '^(Sig(Blk|Ign)|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status; pwd; stty size; ls /proc/self/fd;"
        " cut -d ' ' -f 5-8 /proc/self/stat"
    )
    program.start(["/bin/sh", "-c", line], namespace.base_environment(), "/usr")
    to_its_end(program)
    assert os.get_inheritable(handed_on) is False
    return {"text": program.transcript.text, "here": os.getcwd()}


def test_a_program_starts_with_a_terminal_of_its_own_and_nothing_of_ours():
    seen = play(what_a_program_finds)
    lines = [line.strip() for line in seen["text"].splitlines()]
    status = {name: int(value, 16) for name, value in (line.split(":") for line in lines[:7])}
    assert 1 == status.pop("NoNewPrivs")
    # Signals 32 and 33 are glibc's own (nptl(7)); it lets nobody change them, and a launcher may leave them blocked.
    assert {0} == {value & ~(0b11 << 31) for value in status.values()}
    assert ["/usr", "40 120"] == lines[7:9]
    assert "/usr" != seen["here"]
    assert "77" not in seen["text"].split()
    *_, group, session, terminal, foreground = seen["text"].split()
    assert foreground == group == session
    assert os.major(int(terminal)) in range(136, 144)  # /dev/pts/*, Documentation/admin-guide/devices.txt


def in_no_folder() -> str:
    namespace.contain()
    program = Program("alice", "client", "submission", Recorder())
    try:
        program.start(["/bin/true"], namespace.base_environment(), "/no/such/folder")
    except EnvironmentFault as fault:
        return fault.key
    return ""


def test_a_folder_that_is_gone_is_not_blamed_on_the_program():
    assert "actor.not-started" == play(in_no_folder)


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


def test_an_authors_mistakes_are_handed_over_whole():
    problem = Problem(Place("here.yaml", 3, 1), "source.too-long", {"limit": 7})

    def mistaken(_parent: int) -> None:
        raise AuthorError((problem,))

    with pytest.raises(AuthorError) as caught:
        Worker(mistaken).result()
    assert (problem,) == caught.value.problems


def test_a_process_that_cannot_be_forked_leaves_no_trace(monkeypatch: pytest.MonkeyPatch):
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    mask, files = signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.listdir("/proc/self/fd")
    with pytest.raises(EnvironmentFault, match="Resource temporarily unavailable"):
        Worker(lambda parent: parent)
    assert (mask, files) == (signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.listdir("/proc/self/fd"))


def interrupted_spawn() -> dict[str, object]:
    """A Ctrl-C when the program has just been started, and pexpect has only half of what it needs."""
    namespace.contain()
    spawn = os.posix_spawn

    def interrupted(*arguments: object, **options: object) -> int:
        pid = spawn(*arguments, **options)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGINT)
        return pid

    os.posix_spawn = interrupted
    program = Program("alice", "client", "submission", Recorder())
    complaints: list[object] = []
    sys.unraisablehook = complaints.append
    struck = False
    try:
        program.start(["/bin/sleep", "100"], namespace.base_environment(), "/")
    except KeyboardInterrupt:
        struck = True
    os.posix_spawn = spawn
    program.end()
    return {"struck": struck, "status": program.exited and program.exited.status, "complaints": len(complaints)}


def test_an_interrupt_while_a_program_starts_waits_until_it_can_be_ended():
    assert {"struck": True, "status": -signal.SIGKILL, "complaints": 0} == play(interrupted_spawn)
