"""What a program in a sandbox can see and reach: its own files and its run's network, and nothing besides.

Each attack is one line of Python, played with others by one program in a sandbox; what became of it is what it printed.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import wirelab
from tests.stage.inside import SECONDS, play
from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.compose import kit
from wirelab.observe.evidence import Exited
from wirelab.stage import namespace
from wirelab.stage.actors import Program
from wirelab.stage.build import build
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import FEW, HOME, MIB, PLAIN, Limits, Sandbox, exit_status, sandbox
from wirelab.stage.syscall_filter import FILTER, SHARED_BYTES

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
filtered = pytest.mark.skipif(not FILTER, reason="needs a kind of machine whose system calls are known")
LIMITS = Limits(memory=512 * MIB, processes=64, disk=2 * MIB)
CORE = "/proc/sys/kernel/core_pattern"  # through it the kernel starts programs outside of any sandbox
REFUSED = ("PermissionError", "FileNotFoundError", "OSError", "ProcessLookupError", "ValueError")

BEGIN = """
import ctypes, json, os, resource, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    return [getattr(libc, name)(*arguments), ctypes.get_errno()]
def read(path):
    with open(path, "rb") as file:
        return file.read(100_000).decode(errors="replace")
def write(path):
    os.close(os.open(path, os.O_WRONLY))
def fill(pattern, size=1_000_000, most=50):
    written = 0
    try:
        for number in range(most):
            with open(pattern % number, "wb") as file:
                written += file.write(bytes(size))
    finally:
        for number in range(most):
            if os.path.exists(pattern % number):
                os.unlink(pattern % number)
        told["filled " + pattern] = written
def connect(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as attempt:
        attempt.settimeout(5)
        attempt.connect(address)
        attempt.send(b"x")
def writable():
    found = []
    for root, folders, files in os.walk("/"):
        if root == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() and name not in ("self", "thread-self")]
        folders[:] = [name for name in folders if root != "/" or name != "usr"]
        for path in [root, *(os.path.join(root, name) for name in files)]:
            if os.access(path, os.W_OK) and not os.path.islink(path):
                found.append(path)
    return found
told = {}
def attempt(name, attack):
    try:
        told[name] = attack()
    except BaseException as error:
        told[name] = type(error).__name__
"""
ATTACKS = {
    "tmp": "os.listdir('/tmp')",
    "root": "sorted(os.listdir('/'))",
    "users": "read('/etc/passwd').splitlines()",
    "shadow": "read('/etc/shadow')",
    "home": "[os.getcwd(), sorted(os.listdir('.'))]",
    "own": "read('own.txt')",
    "siblings": "read(OUTSIDE + '/sibling/client.py')",
    "through a link": "read('link')",
    "through its parent": "os.listdir(HOME + '/../..')",
    "deep": "os.listdir(HOME + '/deep/er')",
    "change what was handed in": "write('/submission/own.txt')",
    "results": "write(OUTSIDE + '/gradebook.csv')",
    "rubric": "read(RUBRIC)",
    "scenarios": "os.listdir(SCENARIOS)",
    "kit": "os.listdir(KIT)",
    "import": "__import__('wirelab')",
    "environment": "dict(os.environ)",
    "environment of others": "[read(f'/proc/{pid}/environ') for pid in os.listdir('/proc') if pid.isdigit() and int(pid) != os.getpid()]",
    "processes": "[int(pid) for pid in os.listdir('/proc') if pid.isdigit()]",
    "command line of others": "read('/proc/1/cmdline')",
    "descriptors": "[os.readlink(f'/proc/self/fd/{fd}') for fd in range(3, 1024) if os.path.exists(f'/proc/self/fd/{fd}')]",
    "descriptors of others": "[os.readlink(f'/proc/1/fd/{fd}') for fd in os.listdir('/proc/1/fd')]",
    "kill all": "os.kill(-1, 0)",
    "kill parents": "[os.kill(pid, 9) for pid in (1,)]",
    "kill outside": "os.kill(OUTER, 9)",
    "core pattern": "write('/proc/sys/kernel/core_pattern')",
    "writable": "writable()",
    "capabilities": "[line.split()[1] for line in read('/proc/self/status').splitlines() if line.startswith('Cap')]",
    "no new privileges": "'NoNewPrivs:\\t1' in read('/proc/self/status')",
    "user namespace": "call('unshare', 0x10000000)",
    "network namespace": "call('unshare', 0x40000000)",
    "mount": "call('mount', b'none', b'/tmp', b'tmpfs', 0, None)",
    "ptrace of parents": "call('ptrace', 16, OUTER, 0, 0)",
    "device": "os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))",
    "raw packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "raw sockets": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 6)",
    "tcp": "connect(socket.AF_INET, ('192.0.2.1', 80))",
    "udp": "connect(socket.AF_INET, ('192.0.2.1', 53), socket.SOCK_DGRAM)",
    "dns": "socket.getaddrinfo('www.example.org', 80)",
    "ipv6": "connect(socket.AF_INET6, ('2001:db8::1', 80))",
    "interfaces": "[name for _, name in socket.if_nameindex()]",
    "port": "[socket.create_server(('127.0.0.1', 12001)).getsockname()[1]]",
    "large file": "fill('/tmp/%d', 3_000_000, 1)",
    "home full": "fill('/home/student/%d')",
    "tmp full": "fill('/tmp/%d')",
    "shm full": "fill('/dev/shm/%d')",
    "root full": "fill('/%d')",
    "dev full": "fill('/dev/%d')",
    "memory": "len(bytes(600 * 1024 * 1024))",
    "raise a limit": "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40))",
    "core": "resource.getrlimit(resource.RLIMIT_CORE)[1]",
    "victim": "int(read('/proc/self/oom_score_adj'))",
}
FILTERED = {
    "memory without a process": "os.memfd_create('x')",
    "segments": "call('shmget', 0, SHARED + 1, 0o1600)",
    "large segments": "call('shmget', 0, ctypes.c_size_t(1 << 32), 0o1600)",
    "small segments": "call('shmget', 0, SHARED, 0o1600)",
    "host of the machine": "socket.socket(40, socket.SOCK_STREAM)",
    "kernel's ciphers": "socket.socket(38, socket.SOCK_SEQPACKET)",
    "sockets that are needed": "[socket.socket(family).close() for family in (1, 2, 10)]",
    "other numbers": "call('syscall', 0x40000000 + 319, b'x', 0)",
    "rings": "call('syscall', 425, 1, None)",
    "keys": "call('syscall', 250 if os.uname().machine == 'x86_64' else 219, 0, -3, 0)",
}


def run(box: Sandbox, argv: list[str], folder: Path, environment: Mapping[str, str] = PLAIN) -> tuple[Exited, str]:
    """Run a command in a sandbox to its end: how it ended, and all that it showed."""
    recorder = Recorder()
    program = Program("alice", "client", "submission", recorder)
    with box.command(argv, str(folder), environment) as sandboxed:
        program.start(argv, environment, str(folder), sandboxed)
    deadline = Deadline.after(SECONDS)
    while program.exited is None and not deadline.passed:
        select.select(program.descriptors, [], [], deadline.left())
        program.service()
    program.end()
    assert program.exited is not None
    return program.exited, program.transcript.text


def attacks(files: int = 0) -> dict[str, Any]:
    """A class's folder, and one submission in it that tries everything. It has so many ``files`` more."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["WLTEST_SECRET"] = "of the harness"
        outside = Path(name)
        own = outside / "attacker"
        for folder in (own, outside / "sibling"):
            folder.mkdir()
            (folder / "client.py").write_text("secret")
        (own / "own.txt").write_text("mine")
        (own / "link").symlink_to(outside / "sibling" / "client.py")
        (own / "deep" / "er").mkdir(parents=True)
        for number in range(files):
            (own / "deep" / "er" / f"{number}.txt").write_text(str(number))
        (outside / "gradebook.csv").write_text("marks")
        known = {
            "OUTSIDE": name,
            "HOME": HOME,
            "OUTER": os.getpid(),
            "RUBRIC": str(kit.labs_root() / "1-messaging" / "lab.yaml"),
            "SCENARIOS": str(kit.scenarios_root()),
            "KIT": str(Path(wirelab.__file__).parent),
            "SHARED": SHARED_BYTES,
        }
        source = BEGIN + "".join(f"{key} = {value!r}\n" for key, value in known.items())
        every = ATTACKS | (FILTERED if FILTER else {})
        source += "".join(f"attempt({name!r}, lambda: {attack})\n" for name, attack in every.items())
        (own / "client.py").write_text(source + "sys.stderr.write(json.dumps(told))\n")
        namespace.seal()
        hidden = [str(kit.labs_root()), str(kit.scenarios_root()), str(Path(wirelab.__file__).parent), name]
        exited, text = run(sandbox(hidden, LIMITS), ["python3", "client.py"], own)
        assert exited.status == 0, text
        left = {path.name: path.read_text() for path in outside.iterdir() if path.is_file()}
        return {"told": json.loads(text), "left": left, "core": Path(CORE).read_text(), "own": sorted(os.listdir(own))}


def attacks_with_many_files() -> dict[str, Any]:
    return attacks(files=FEW + 1)


@cache
def told(scene: Callable[[], dict[str, Any]] = attacks) -> dict[str, Any]:
    seen: dict[str, Any] = play(scene)
    return seen


SCENES = pytest.mark.parametrize("scene", [attacks, attacks_with_many_files])


@pytest.mark.parametrize(
    "attack",
    [
        *("shadow", "siblings", "through a link", "change what was handed in", "results", "rubric", "scenarios", "kit"),
        *("core pattern", "device", "raw packets", "raw sockets", "tcp", "udp", "ipv6", "kill outside"),
        *("large file", "home full", "tmp full", "shm full", "root full", "dev full", "raise a limit"),
    ],
)
@SCENES
def test_refused(attack: str, scene: Callable[[], dict[str, Any]]):
    assert told(scene)["told"][attack] in REFUSED


@SCENES
def test_nothing_of_it_was_done(scene: Callable[[], dict[str, Any]]):
    seen = told(scene)
    assert {"gradebook.csv": "marks"} == seen["left"]
    assert ["client.py", "deep", "link", "own.txt"] == seen["own"]
    assert Path(CORE).read_text() == seen["core"]


@SCENES
def test_its_home_is_a_copy_of_its_files_and_all_else_is_the_systems(scene: Callable[[], dict[str, Any]]):
    seen = told(scene)["told"]
    assert [HOME, ["client.py", "deep", "link", "own.txt"]] == seen["home"]
    assert [f"{number}.txt" for number in range(FEW + 1)] * (scene is not attacks) == sorted(
        seen["deep"], key=lambda name: int(name.removesuffix(".txt"))
    )
    assert "mine" == seen["own"]
    assert ["run"] not in seen["root"]
    assert set(seen["root"]) <= set(
        "bin dev etc home lib lib32 lib64 libx32 proc root run sbin submission tmp usr".split()
    )
    assert set(seen["root"]) == set(seen["through its parent"])
    assert [] == seen["tmp"]
    assert ["student:x"] == [line.rpartition(":x:")[0] + ":x" for line in seen["users"]]


def test_it_may_write_to_its_home_and_nowhere_else():
    places = (HOME, "/tmp", "/dev/shm", "/dev/pts", "/proc/self")
    devices = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "console")}
    assert [] == [path for path in told()["told"]["writable"] if path not in devices and not path.startswith(places)]


def test_nothing_of_the_harness_is_in_sight():
    seen = told()["told"]
    assert "ModuleNotFoundError" == seen["import"]
    assert {"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "PWD", "TERM", "TMPDIR", "USER"} == set(seen["environment"])
    assert "of the harness" not in json.dumps(told())
    assert [] == [text for text in seen["environment of others"] if text]
    assert [1, 2] == seen["processes"]
    assert "attacker" not in seen["command line of others"]
    assert [] == seen["descriptors"]
    assert [] == [name for name in seen["descriptors of others"] if not name.startswith(("/dev/pts/", "anon_inode:"))]


def test_it_has_no_power():
    seen = told()["told"]
    assert {0} == {int(mask, 16) for mask in seen["capabilities"]}
    assert seen["no new privileges"]
    for attack in ("user namespace", "network namespace", "mount", "ptrace of parents"):
        assert -1 == seen[attack][0], attack
    assert ["lo"] == seen["interfaces"]
    assert "gaierror" == seen["dns"]
    assert [12001] == seen["port"]


def test_killing_all_and_the_first_changes_nothing():
    seen = told()["told"]
    assert seen["kill all"] in ("ProcessLookupError", None)  # itself is left out, and the first is not asked, kill(2)
    assert [None] == seen["kill parents"]  # sent, and not heard, pid_namespaces(7)


def test_what_it_may_fill_is_bounded():
    seen = told()["told"]
    for place in ("/home/student", "/tmp", "/dev/shm"):
        assert seen[f"filled {place}/%d"] <= LIMITS.disk
    assert 0 == seen["filled //%d".replace("//", "/")] == seen["filled /dev/%d"]
    assert "MemoryError" == seen["memory"]
    assert 0 == seen["core"]
    assert 1000 == seen["victim"]


@filtered
def test_what_no_limit_bounds_is_refused():
    seen = told()["told"]
    for attack in ("memory without a process", "host of the machine", "kernel's ciphers"):
        assert "OSError" == seen[attack], attack
    for attack in ("segments", "large segments", "other numbers", "rings", "keys"):
        assert -1 == seen[attack][0], attack
    assert seen["small segments"][0] >= 0
    assert [None] * 3 == seen["sockets that are needed"]


def ends() -> list[object]:
    """How programs end in a sandbox: by themselves, by a signal, with whatever they left running."""
    namespace.seal()
    box = sandbox([], LIMITS)
    lines = (
        "exit 7",
        "kill -9 $$",
        "kill -9 -1; exit 5",
        "(trap '' HUP TERM INT; setsid sleep 600 </dev/null >/dev/null 2>&1 &) ; exit 3",
        "exec no-such-program",
    )
    with tempfile.TemporaryDirectory() as folder:
        return [run(box, ["/bin/sh", "-c", line], Path(folder))[0].status for line in lines]


def test_how_it_ended_is_told():
    assert [7, -9, 5, 3, 127] == play(ends)
    assert [0, 1, 128, -6, -11, 129, 130, 143] == [
        exit_status(status) for status in (0, 1, 128, 134, 139, 129, 130, 143)
    ]


def refusals() -> list[object]:
    """What becomes of a program, and of a build, when bubblewrap cannot make a sandbox any more; and of a program that
    ends as bubblewrap would then."""
    namespace.seal()
    box = sandbox([], LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        told: list[object] = [run(box, ["/bin/sh", "-c", "echo bwrap: no; exit 1"], Path(folder))[0].status]
        for attempt in (
            lambda: run(Sandbox("/bin/false"), ["true"], Path(folder)),
            lambda: build("true", Path(folder), sandbox=Sandbox("/bin/false")),
        ):
            try:
                attempt()
            except EnvironmentFault as fault:
                told.append(fault.key)
    return told


def test_a_sandbox_that_cannot_be_made_is_the_machines_fault():
    assert [1, "sandbox.refused", "sandbox.refused"] == play(refusals)


SANITIZED = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    int *words = malloc(2 * sizeof *words);
    printf("%d\\n", words[argc]);
    free(words);
    return 0;
}
"""


def sanitized() -> list[object]:
    """A program that writes beyond its memory, and one that does not, both built with AddressSanitizer."""
    namespace.seal()
    box = sandbox([], LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "words.c").write_text(SANITIZED)
        line = "cc -g -fsanitize=address -o words words.c"
        if subprocess.run(line, shell=True, cwd=folder, capture_output=True, check=False).returncode:
            return []
        right, wrong = run(box, ["./words"], Path(folder)), run(box, ["./words", "2"], Path(folder))
        return [right[0].status, wrong[0].status, "heap-buffer-overflow" in wrong[1]]


def test_a_sanitizer_can_be_used():
    """Though it reserves more memory than there is."""
    seen = play(sanitized)
    if not seen:
        pytest.skip("needs cc with AddressSanitizer")
    assert [0, 1, True] == seen


def test_without_bubblewrap_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault) as caught:
        sandbox([])
    assert "sandbox.missing" == caught.value.key
    for words in ("apt install bubblewrap", "--no-sandbox"):
        assert words in caught.value.text("en")
        assert words in caught.value.text("zh")


def test_a_home_is_never_shown_because_a_tool_lies_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """``~/bin/node`` and ``~/.local/bin/node`` are files that some have; what lies around them is theirs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in (tmp_path / "bin", tmp_path / ".local" / "bin"):
        folder.mkdir(parents=True)
        (folder / "node").write_text("#!/bin/sh\n")
        (folder / "node").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        assert not [
            path for path in sandbox([]).readable if str(tmp_path).startswith(path) or path.startswith(str(tmp_path))
        ]
