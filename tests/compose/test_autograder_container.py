"""The autograder's zip in a container as hosted graders give it: ``setup.sh`` and ``run_autograder``, really run as root
with Docker's default capabilities, where no namespace can be made. Runs are played on the container's own loopback, and
submissions as users of their own.

Only ``apt-get`` is not the real one: it looks whether what it is asked for is installed. Nothing is fetched.
"""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.compose.test_autograder import make_wheel, opened
from tests.stage import container
from wirelab.compose import kit, labs
from wirelab.compose.autograder import autograder
from wirelab.stage import users

LAB = """\
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives: [{en: To say hello, zh: 问好}]
shown: [test/hello, test/lost]
hidden: [test/s3cr3t]
rubric:
  - {points: 40, title: {en: Says hello, zh: 问好}, of: [{scenario: test/hello, check: messages}]}
  - {points: 30, title: {en: Leaves, zh: 离开}, of: [{scenario: test/s3cr3t, check: teardown}]}
  - {points: 30, title: {en: Leaves again, zh: 再次离开}, of: [{scenario: test/lost, check: teardown}]}
"""
SCENARIO = """\
scenario: test/hello
title: {en: A line, zh: 一行}
tests: client
cast: {server: {role: server}, alice: {role: client}}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to}
  - {alice: type, text: hello}
  - {alice: type, text: /quit}
  - {alice: exits, status: 0}
expect:
  - {messages: alice, sent: [hello]}
  - {teardown: alice, first: alice}
"""
LOST = "  - {drop: FIN, from: client}\n  - {alice: type, text: /quit}"

# Every attack that succeeds is told; who told none goes on as the correct client.
ATTACKS = """\
import ctypes, glob, os, signal, socket, subprocess, sys

def told(what):
    print("BROKEN OUT:", what, flush=True)
    os._exit(3)

if os.getuid() < 1000 or os.getgid() < 1000 or os.getgroups():
    told("rights")
for path in ["/autograder/source", "/autograder/source/lab/tiny/lab.yaml", "/closed/checkout/labs", "/proc/1/environ",
             "/run/wirelab-loopback", *glob.glob("/tmp/tmp.*"), *glob.glob("/autograder/wirelab/lib/*")]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).read()
    except OSError:
        continue
    told("read " + path)
for path in ["/autograder/results/results.json", "/autograder/run_autograder", "/autograder/source/run_autograder",
             "/autograder/results/mine", "/etc/mine", "/usr/bin/python3", "/run/mine"]:
    try:
        open(path, "a").close()
    except OSError:
        continue
    told("wrote " + path)
libc = ctypes.CDLL(None)
for call in (lambda: libc.unshare(0x10000000), lambda: libc.setuid(0), lambda: libc.ptrace(16, os.getppid(), 0, 0)):
    if call() == 0:
        told("a call")
try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    told("packets")
except OSError:
    pass
for folder in ("/tmp", "/var/tmp", "/dev/shm"):
    os.makedirs(folder + "/left/behind", exist_ok=True)
    open(folder + "/left/behind/file", "w").close()
    os.chmod(folder + "/left/behind", 0)
libc.shmget(4711, 4096, 0o1666)
os.kill(-1, signal.SIGKILL)  # everything that it may, but itself
if os.fork() == 0:  # a daemon that holds the ports of the runs to come
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in range(1, 200):
        signal.signal(number, signal.SIG_IGN) if number in (1, 2, 3, 13, 15) else None
    held = []
    for port in range(int(sys.argv[2]) + 1, int(sys.argv[2]) + 50):
        one = socket.socket()
        one.bind(("", port))
        one.listen()
        held.append(one)
    libc.prctl(4, 0, 0, 0, 0)  # no longer dumpable: its /proc looks like root's
    while True:
        signal.pause()
"""


class Grader:
    """An image of Gradescope's, as a folder that becomes a container's root."""

    def __init__(self, home: Path) -> None:
        self.root = home / "root"
        self.home = self.root / "autograder"
        source = self.home / "source"
        lab = write_lab(home / "tiny")
        wheel = make_wheel(home, f"{container.CHECKOUT}/harness", container.SITE)
        with opened(autograder(labs.load(lab, hidden=True), wheel, "en")) as archive:
            for info in archive.infolist():
                Path(archive.extract(info, source)).chmod(stat.S_IMODE(info.external_attr >> 16))
        apt = '#!/bin/sh\n[ "$1" = update ] || dpkg -s $(printf "%s\\n" "$@" | grep -v "^-\\|^install$") >/dev/null\n'
        write(self.root / "opt/bin/apt-get", apt).chmod(0o755)
        shutil.copy(source / "run_autograder", self.home)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return container.run(self.root, command, {}, {"PIP_NO_INDEX": "1", "PYTHON": container.PYTHON})

    def grade(self, client: str) -> dict[str, Any]:
        """results.json for this client; nothing of it is left in the container."""
        for name in ("submission", "results"):
            shutil.rmtree(self.home / name, ignore_errors=True)
            (self.home / name).mkdir()
        write(self.home / "submission/client.py", client)
        done = self.run("bash", "-c", "cd /autograder && ./run_autograder; status=$?; " + LEFT + "; exit $status")
        result = json.loads((self.home / "results/results.json").read_text(encoding="utf-8"))
        assert 0 == done.returncode, done.stdout + done.stderr + json.dumps(result)
        printed, _, left = done.stdout.partition("LEFT\n")
        assert "" == left, printed
        assert "" == done.stderr
        return dict(result)


LEFT = (
    "echo LEFT; ps -e -o user:20,args --no-headers | grep -v ^root; "
    f"find / -xdev -uid +{users.FIRST - 1} -uid -{users.KEEPER + 1}; find /dev/shm /tmp /var/tmp -mindepth 1; "
    "tail -n +2 /proc/sysvipc/shm"
)


def write_lab(folder: Path) -> Path:
    hidden = SCENARIO.replace("test/hello", "test/s3cr3t").replace("hello", "psst")
    lost = SCENARIO.replace("test/hello", "test/lost").replace("  - {alice: type, text: /quit}", LOST)
    for name, text in {"hello": SCENARIO, "lost": lost, "s3cr3t": hidden}.items():
        write(folder / "scenarios" / "test" / f"{name}.yaml", text)
    for name, text in {"lab.yaml": LAB, "handout.md": "# Tiny\n", "starter/client.py": "\n"}.items():
        write(folder / name, text)
    return folder


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    if lacks := container.lacks():
        pytest.skip(lacks)
    grader = Grader(tmp_path_factory.mktemp("container"))
    done = grader.run("/autograder/source/setup.sh")
    assert 0 == done.returncode, done.stdout + done.stderr
    return grader


def scores(results: dict[str, Any]) -> dict[str, float | None]:
    """What each item of the rubric got; None where that is undecided."""
    return {test["name"]: test.get("score") for test in results["tests"]}


def test_there_are_no_namespaces_in_there(grader: Grader) -> None:
    for words in ("-Ur", "-n", "-m", "-p"):
        done = grader.run("unshare", words, "true")
        assert (1, True) == (done.returncode, "not permitted" in done.stderr)
    told = json.loads(grader.run("/autograder/wirelab/bin/wirelab", "doctor", "--json").stdout)
    assert (2, True, False, []) == (told["tier"], told["runs"], told["faults"], told["mend"])


def test_a_correct_program_gets_every_point_that_can_be_decided(grader: Grader) -> None:
    results = grader.grade(kit.reference_program("client").read_text(encoding="utf-8"))
    assert {"Says hello": 40, "Leaves": 30, "Leaves again": None} == scores(results)
    assert 100 == results["score"]  # what this machine cannot play costs nothing
    assert "30 points could not be decided" in results["output"]
    assert "psst" not in json.dumps(results)


def test_a_wrong_program_loses_what_it_must(grader: Grader) -> None:
    mutant = Path(__file__).parents[1] / "mutants" / "no-shutdown-rst" / "client.py"
    results = grader.grade(mutant.read_text(encoding="utf-8"))
    assert {"Says hello": 40, "Leaves": 10, "Leaves again": None} == scores(results)
    assert 100 * 50 / 70 == pytest.approx(results["score"], abs=0.1)


def test_what_attacks_gets_nowhere_and_leaves_nothing(grader: Grader) -> None:
    client = kit.reference_program("client").read_text(encoding="utf-8")
    future = "from __future__ import annotations\n"
    results = grader.grade(future + ATTACKS + client.replace(future, ""))
    assert {"Says hello": 40, "Leaves": 30, "Leaves again": None} == scores(results), results
    assert 100 == results["score"]
