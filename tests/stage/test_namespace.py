"""The private world: isolated, harmless to the program's identity, and gone when it should be."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.stage.inside import SECONDS, command, environment, play, skip_if_refused, start
from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, HarnessBug
from wirelab.stage import namespace

PORT = 12001
DAEMON = """
import os, signal, sys
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
os.write(int(sys.argv[1]), b"up")
while True:
    signal.pause()
"""
"""Forks away twice, leaves its session, ignores every signal it can, and holds the pipe whose end tells of its end."""


def awaited(descriptor: int) -> bytes:
    """The next bytes of a pipe, b"" at its end; fails rather than wait for ever."""
    ready, _, _ = select.select([descriptor], [], [], SECONDS)
    assert ready, "nothing came through the pipe: whoever holds it still runs"
    return os.read(descriptor, 16)


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        for end in (reading, writing):
            with suppress(OSError):
                os.close(end)


def hold_port() -> None:
    with socket.create_server(("127.0.0.1", PORT)):
        print("bound", flush=True)
        sys.stdin.read()


def test_two_networks_bind_the_same_port_at_once():
    with start(hold_port) as one, start(hold_port) as other:
        try:
            said = [process.stdout.readline() for process in (one, other) if process.stdout]
            ended = [process.communicate(timeout=SECONDS) for process in (one, other)]
        finally:
            one.kill()
            other.kill()
    skip_if_refused(one.returncode, ended[0][1])
    assert ["bound\n", "bound\n"] == said
    assert [0, 0] == [one.returncode, other.returncode]


def look_around() -> dict[str, object]:
    with socket.create_server(("127.0.0.1", PORT)), socket.create_connection(("127.0.0.1", PORT)) as client:
        mss = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    with socket.socket() as outward:
        outward.settimeout(SECONDS)
        beyond = outward.connect_ex(("192.0.2.1", 80))
    return {"mss": mss, "beyond": beyond, "uid": os.getuid(), "gid": os.getgid()}


def test_it_is_an_ethernet_that_leads_nowhere():
    seen = play(look_around)
    assert 1448 == seen["mss"]  # 1500 less IP and TCP headers, less the timestamps option
    assert errno.ENETUNREACH == seen["beyond"]
    assert (os.getuid(), os.getgid()) == (seen["uid"], seen["gid"])


def student_status() -> dict[str, str]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    namespace.seal()
    done = subprocess.run(
        ["cat", "/proc/self/status"],
        preexec_fn=namespace.restore_signals,
        capture_output=True,
        text=True,
        check=True,
        restore_signals=False,
    )
    return dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)


def test_a_program_gets_no_capability_and_clean_signals():
    status = play(student_status)
    assert {"0" * 16} == {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}
    # Signals 32 and 33 are glibc's own (nptl(7)); it lets nobody change them, and a launcher may leave them blocked.
    assert {0} == {int(status[name], 16) & ~(0b11 << 31) for name in ("SigIgn", "SigBlk")}
    assert "1" == status["NoNewPrivs"]
    assert [str(os.getuid())] * 4 == status["Uid"].split()


def end_a_daemon() -> dict[str, object]:
    with pipe() as (reading, writing):
        world = namespace.contain()
        empty = world.members()
        starter = subprocess.Popen([sys.executable, "-c", DAEMON, str(writing)], pass_fds=[writing])
        up = awaited(reading)
        status = starter.wait(SECONDS)
        deadline = Deadline.after(SECONDS)
        while len(left := world.members()) > 1 and not deadline.passed:
            os.sched_yield()  # the daemon's own parent may still be on its way out
        unwaited = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        unwaited.returncode = 0  # end() waits for it, Popen must not
        os.close(writing)
        statuses = world.end()
        gone = awaited(reading)
    return {
        "empty": empty,
        "up": up.decode(),
        "status": status,
        "left": len(left),
        "outer pids": all(pid != starter.pid and pid > 2 for pid in left),
        "killed": {str(pid == unwaited.pid): os.waitstatus_to_exitcode(status) for pid, status in statuses.items()},
        "again": world.end() == statuses,
        "gone": gone.decode(),
        "childless": _childless(),
    }


def _childless() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


def test_what_a_program_leaves_behind_is_seen_and_ended():
    assert {
        "empty": [],
        "up": "up",
        "status": 0,
        "left": 1,
        "outer pids": True,
        "killed": {"True": -signal.SIGKILL},
        "again": True,
        "gone": "",
        "childless": True,
    } == play(end_a_daemon)


def keep_a_daemon(writing: int) -> None:
    namespace.contain()
    subprocess.run([sys.executable, "-c", DAEMON, str(writing)], pass_fds=[writing], check=True)
    sys.stdin.read()


def test_killing_the_run_leaves_nothing():
    with pipe() as (reading, writing), start(keep_a_daemon, [writing]) as run:
        try:
            os.close(writing)
            up = awaited(reading)
        finally:
            run.kill()
        _, errors = run.communicate(timeout=SECONDS)
        skip_if_refused(run.returncode, errors)
        assert b"up" == up, errors
        assert b"" == awaited(reading)


def test_killing_the_parent_of_the_run_leaves_nothing():
    parent = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:], close_fds=False))"
    with pipe() as (reading, writing):
        line = [sys.executable, "-c", parent, *command(keep_a_daemon), str(writing)]
        with subprocess.Popen(
            line, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[writing], env=environment()
        ) as process:
            try:
                os.close(writing)
                up = awaited(reading)
            finally:
                process.kill()
            _, errors = process.communicate(timeout=SECONDS)
        if not up:
            skip_if_refused(EnvironmentFault.exit_status if "private network" in errors else None, errors)
        assert b"up" == up, errors
        assert b"" == awaited(reading)


def test_a_run_whose_parent_is_gone_ends_at_once():
    line = "import os; from wirelab.stage import namespace; namespace.enter(os.getpid()); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", line], env=environment(), capture_output=True, timeout=SECONDS, check=False
    )
    assert (-signal.SIGKILL, b"") == (done.returncode, done.stdout)


def descriptors_of_init() -> list[str]:
    with pipe() as (_, writing):
        os.set_inheritable(writing, True)
        world = namespace.contain()
        deadline = Deadline.after(SECONDS)
        held: list[str] = []
        while held != ["0", "1", "2"] and not deadline.passed:  # a program closes what it inherits as it begins
            held = sorted(os.listdir(f"/proc/{world.init}/fd"))
        world.end()
        return held


def test_init_holds_nothing_of_its_makers():
    assert ["0", "1", "2"] == play(descriptors_of_init)


def enter_again() -> str:
    try:
        namespace.enter(os.getppid())
    except HarnessBug as bug:
        return bug.key
    return ""


def test_entering_twice_is_a_bug():
    assert "namespace.misuse" == play(enter_again)


def privileged_helpers() -> dict[str, str]:
    world = namespace.contain()
    answers = {"status": namespace.run_privileged(["cat", "/proc/self/status"], package="coreutils")}
    answers["echo"] = namespace.run_privileged(["cat"], "as it was\n", package="coreutils")
    for name, argv, timeout in (
        ("missing", ["no-such-command-here"], SECONDS),
        ("failing", ["sh", "-c", "echo no such table >&2; exit 1"], SECONDS),
        ("hanging", ["sleep", "1000"], 0.1),
    ):
        try:
            namespace.run_privileged(argv, package="some-package", timeout=timeout)
        except EnvironmentFault as fault:
            answers[name] = str(fault)
    world.end()
    return answers


def test_helpers_run_with_the_networks_capabilities_and_their_faults_are_told():
    answers = play(privileged_helpers)
    status = dict(line.split(":\t", 1) for line in answers["status"].splitlines() if ":\t" in line)
    wanted = 1 << 12 | 1 << 13  # CAP_NET_ADMIN, CAP_NET_RAW
    assert wanted == wanted & int(status["CapEff"], 16)
    assert wanted == int(status["CapAmb"], 16)
    assert "as it was\n" == answers["echo"]
    assert "no-such-command-here" in answers["missing"]
    assert "apt install some-package" in answers["missing"]
    assert "no such table" in answers["failing"]
    assert "0.1 s" in answers["hanging"]


def test_no_helper_runs_on_the_machines_own_network():
    with pytest.raises(HarnessBug):
        namespace.run_privileged(["true"], package="coreutils")


@pytest.mark.parametrize(
    ("number", "settings", "key", "remedy"),
    [
        (
            errno.EPERM,
            {"kernel.apparmor_restrict_unprivileged_userns": "1", "seccomp": "0"},
            "namespace.apparmor",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            errno.EPERM,
            {"kernel.unprivileged_userns_clone": "0"},
            "namespace.userns-clone",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1",
        ),
        (
            errno.ENOSPC,
            {"user.max_net_namespaces": "100", "user.max_user_namespaces": "0"},
            "namespace.limit",
            "sudo sysctl -w user.max_user_namespaces=15000",
        ),
        (errno.EPERM, {"seccomp": "2"}, "namespace.seccomp", "--security-opt seccomp=unconfined"),
        (errno.EPERM, {"kernel.unprivileged_userns_clone": "1", "seccomp": "0"}, "namespace.refused", ""),
        (errno.EINVAL, {"seccomp": "2"}, "namespace.refused", ""),
        (errno.ENOSPC, {}, "namespace.refused", ""),
    ],
)
def test_a_refusal_names_step_errno_and_remedy(number, settings, key, remedy):
    fault = namespace.refusal("lo up", number, settings)
    assert key == fault.key
    for text in (fault.text("en"), fault.text("zh")):
        assert "lo up" in text
        assert errno.errorcode[number] in text
        assert remedy in text
