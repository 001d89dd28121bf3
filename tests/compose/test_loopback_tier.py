"""Runs on the machine's own loopback give the verdicts that they give in a private network: every scenario with the
reference as a submission, and programs with one fault each. In containers without namespaces, topics side by side."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.compose.test_autograder_container import write_lab
from tests.mutants import table
from tests.stage import container
from wirelab.base.errors import EnvironmentFault
from wirelab.compose import kit, library
from wirelab.compose.artifacts import Run, as_json, read_run, write_run
from wirelab.compose.play import begin, unplayable
from wirelab.compose.programs import castings
from wirelab.compose.side_by_side import TRIES
from wirelab.judge.judge import judge
from wirelab.observe.evidence import Called
from wirelab.stage.users import BLOCK, Users

TOPICS = ("messaging", "heartbeat", "broadcast", "teardown", "locking")
FAULTS = ("simultaneous-close", "syn-lost", "first-fin-lost", "last-ack-lost", "wire-cut-and-healed")
# One for each thing that is another on this loopback: what can be seen of threads, how much fits into buffers, whose
# connection it is, what is left of the run before.
MUTANTS = (
    "ctrl-c-ignored",
    "close-while-recv",
    "one-slow-client",
    "sends-under-the-lock",
    "no-reuseaddr",
    "heartbeat-shared-counter",
    "wrong-port",
)


SCENARIOS = {"sends-under-the-lock": "broadcast/slow-client"}  # and not one that it brings along


def played(name: str, commands: dict[str, str], folder: Path) -> tuple[str, list[str]]:
    """The verdict and the codes of one scenario; again where it is inconclusive, as in grading: the machine may be busy."""
    for _ in range(TRIES):
        verdict, codes = played_once(name, commands, folder)
        if verdict != "inconclusive":
            break
    return verdict, codes


def played_once(name: str, commands: dict[str, str], folder: Path) -> tuple[str, list[str]]:
    (path,) = library.find([name])
    scenario = library.load(path)
    profile, source = library.profile_for(scenario, path)
    programs = castings(scenario, commands, folder)
    try:
        playing = begin(scenario, profile, programs, sandbox=Users("/bin/sh"))
        evidence = playing.result()
        playing.wait()
    except EnvironmentFault as fault:
        assert unplayable(scenario) is not None
        return fault.key, []
    assert "loopback" == evidence.machine["tier"]
    assert any(isinstance(event, Called) for event in evidence.events)  # all of these are in Python, and were observed
    ours = all(one.reference for member, one in programs.items() if scenario.cast[member].role == "server")
    assert ours == (evidence.port == scenario.port)  # a server may mind that the port was used a moment ago
    assert 0 == evidence.lost
    judgement = judge(scenario, profile, evidence)
    with tempfile.TemporaryDirectory() as kept:
        write_run(Path(kept, "run"), Run(scenario, source, profile, evidence), judgement, "en")
        assert judgement == read_run(Path(kept, "run")).judged()
    return judgement.verdict.value, table.codes(json.loads(json.dumps(as_json(judgement))))


def reference() -> Any:
    topic = os.environ["TOPIC"]
    commands = {"client": "python3 client.py", "server": "python3 server.py"}
    folder = kit.reference_program("client").parent
    names = [name for name in library.names() if name.startswith(f"{topic}/")]
    return {name: played(name, commands, folder) for name in names}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_reference_passes_whatever_can_be_played(topic: str, tmp_path: Path) -> None:
    found = container.play(reference, tmp_path, TOPIC=topic)
    assert found
    wrong = {name: told for name, told in found.items() if told != ["pass", ["pass"]]}
    lost = {f"teardown/{name}": ["loopback.no-faults", []] for name in FAULTS} if topic == "teardown" else {}
    assert lost == wrong


def mutants() -> Any:
    found = {}
    for mutant in table.mutants():
        if mutant.name in MUTANTS:
            folder = Path(shutil.copytree(table.HERE / mutant.name, f"/opt/{mutant.name}"))
            if mutant.build is not None:
                subprocess.run(shlex.split(mutant.build), cwd=folder, check=True)
            scenario = SCENARIOS.get(mutant.name, mutant.scenario)
            found[mutant.name] = played(scenario, {mutant.role: mutant.command}, folder)
    return found


def test_programs_with_a_fault_are_found_out_as_in_a_private_network(tmp_path: Path) -> None:
    found = container.play(mutants, tmp_path)
    for mutant in table.mutants():
        if mutant.name in MUTANTS:
            verdict, codes = found[mutant.name]
            assert "fail" == verdict
            if mutant.name == "wrong-port":  # where to cannot be seen: the tap keeps to the run's port
                assert {code.partition(":")[0] for code in codes} >= set(mutant.codes)
            elif mutant.name in SCENARIOS:
                assert table.kept()[mutant.name][SCENARIOS[mutant.name]] == codes
            else:
                assert [] == table.amiss(mutant, {mutant.scenario: codes})


DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.argv[:] = sys.argv[1:]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def without_a_sandbox() -> Any:
    """As `wirelab run` plays: the programs are root's, like whoever plays them."""
    (path,) = library.find(["messaging/one-line"])
    scenario = library.load(path)
    folder = Path("/opt/mine")
    folder.mkdir()
    (folder / "mine.py").write_text(DAEMON, encoding="utf-8")
    command = f"python3 mine.py {kit.reference_program('client')}"
    profile, _ = library.profile_for(scenario, path)
    playing = begin(scenario, profile, castings(scenario, {"client": command}, folder))
    evidence = playing.result()
    playing.wait()
    names = [Path(f"/proc/{pid}/comm").read_text().strip() for pid in os.listdir("/proc") if pid.isdecimal()]
    return [judge(scenario, profile, evidence).verdict.value, names]


def test_what_forked_away_from_ones_own_program_ends_with_the_run(tmp_path: Path) -> None:
    assert ["pass", [Path(container.PYTHON).name]] == container.play(without_a_sandbox, tmp_path)


def test_what_cannot_be_played_is_left_out_and_said(tmp_path: Path) -> None:
    if missing := container.lacks():
        pytest.skip(missing)
    environment = {"PYTHONPATH": f"{container.CHECKOUT}/harness:{container.SITE}"}
    command = [container.PYTHON, "-m", "wirelab", "run", "teardown/quit", "teardown/syn-lost"]
    done = container.run(tmp_path, command, {}, environment)
    assert (2, "") == (done.returncode, done.stderr)
    assert "? teardown/syn-lost is not played: Segments can be lost" in done.stdout
    assert "2 scenarios: 1 pass, 0 fail, 1 inconclusive" in done.stdout
    alone = container.run(tmp_path, [*command[:4], "teardown/syn-lost"], {}, environment)
    assert EnvironmentFault.exit_status == alone.returncode
    assert "Segments can be lost" in alone.stderr


def test_of_a_lab_the_rest_is_played(tmp_path: Path) -> None:
    if missing := container.lacks():
        pytest.skip(missing)
    environment = {"PYTHONPATH": f"{container.CHECKOUT}/harness:{container.SITE}"}
    write_lab(tmp_path / "opt" / "tiny")
    words = [container.PYTHON, "-m", "wirelab", "run", "/opt/tiny", f"{container.CHECKOUT}/reference"]
    done = container.run(tmp_path, words, {}, environment)
    assert (2, "") == (done.returncode, done.stderr)
    assert "? test/lost is not played: Segments can be lost" in done.stdout
    assert "✓ pass  test/hello  (2 of 2)" in done.stdout


def test_nobody_plays_under_an_id_that_means_somebody() -> None:
    assert len(BLOCK) >= 32
    assert BLOCK[0] > 1000
    assert BLOCK[-1] < 60_000
