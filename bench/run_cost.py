"""What a run costs: a student's wait, and CPU against the same two programs run bare.

Prints the start-up of ``wirelab --help``, the time of a run beyond the script's own waits (start-up of the command
included), and the CPU of a run in a warm harness (as grading does it) as a ratio to the same server and
client, with the same lines typed at the same moments, run without terminal, namespace, capture or judge.
Every number comes from this machine, now; medians.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from wirelab.compose import kit, library
from wirelab.compose.play import play
from wirelab.compose.programs import REFERENCE_PYTHON, castings
from wirelab.declare.scenario import Scenario
from wirelab.declare.steps import Wait
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Verdict
from wirelab.observe.messages import Profile

SCENARIO = "heartbeat/answers-while-typing"
ROUNDS = 9
HELP_LIMIT, WAIT_LIMIT, CPU_LIMIT = 0.2, 0.4, 1.5


def main() -> None:
    """Measure and print; always exits 0, because a number is not a test."""
    path = library.find([SCENARIO])[0]
    waits = sum(step.action.wait for step in library.load(path).script if isinstance(step.action, Wait))
    command = [sys.executable, "-m", "wirelab"]
    helped = [_wall([*command, "--help"]) for _ in range(ROUNDS)]
    runs = [_wall([*command, "run", SCENARIO, "--quiet"]) - waits for _ in range(ROUNDS)]
    scenario = library.load(path)
    profile, _ = library.profile_for(scenario, path)
    # By turns, so that a machine that is busy for a while is so for both.
    pairs = [(_bare(), _in_harness(scenario, profile)) for _ in range(ROUNDS)]
    bare, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"wirelab --help                          {statistics.median(helped):6.3f} s    (limit {HELP_LIMIT})")
    print(f"a run beyond the script's {waits:g} s of waits {statistics.median(runs):6.3f} s    (limit {WAIT_LIMIT})")
    print(f"CPU of the bare programs                {bare * 1e3:6.1f} ms")
    print(f"CPU of a run, warm, judged              {ours * 1e3:6.1f} ms")
    print(f"ratio                                   {ours / bare:6.2f}      (limit {CPU_LIMIT})")


def _wall(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def _cpu() -> float:
    """CPU seconds of this process and of all children it has waited for, and theirs."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _bare() -> float:
    """The same programs, the same lines at the same moments, on pipes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"HEARTBEAT_INTERVAL": "0.2"}
    address = ["127.0.0.1", "0"]
    server = _start("server", address, environment)
    assert server.stdout is not None
    port = server.stdout.readline().split()[-1].rpartition(b":")[2].decode()
    client = _start("client", ["127.0.0.1", port], environment)
    assert client.stdout is not None
    client.stdout.readline()
    time.sleep(1.1)
    client.communicate(b"half a line\n", timeout=20)
    server.communicate(b"", timeout=20)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def _start(role: str, address: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    program = kit.reference_program("client" if role == "client" else "server")
    pipe = subprocess.PIPE
    return subprocess.Popen([*REFERENCE_PYTHON, str(program), *address], stdin=pipe, stdout=pipe, env=environment)


def _in_harness(scenario: Scenario, profile: Profile) -> float:
    before = _cpu()
    evidence = play(scenario, profile, castings(scenario, {}, Path.cwd()))
    verdict = judge(scenario, profile, evidence).verdict
    used = _cpu() - before
    assert verdict is Verdict.PASS, verdict
    return used


if __name__ == "__main__":
    main()
