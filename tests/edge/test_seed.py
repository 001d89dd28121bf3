"""`wirelab run --seed`: a run whose races are amplified names its seed when it fails, and pauses alike with it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.edge.command import ALICE, BEGIN, HEAD, Command, Done, expect, inside, steps
from wirelab.compose.artifacts import read_run
from wirelab.compose.play import SEEDS, seed_of
from wirelab.observe.evidence import Shown
from wirelab.stage.observer import AMPLIFY

CLIENT = """\
import os, socket, sys
environment = open("/proc/self/environ").read().split(chr(0))
wire = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("Connected to", flush=True)
print(*(each for each in environment if each.startswith("WIRELAB_AMPLIFY=")), flush=True)
wire.sendall(b"MSG %s\\n" % input().encode()[:OF])
wire.shutdown(socket.SHUT_WR)
while wire.recv(4096):
    pass
"""
SCRIPT = steps(BEGIN, "- {alice: type, text: hello}", "- {alice: exits, status: 0, within: 5}")
CASE = HEAD + "amplify: true\n" + ALICE + SCRIPT + expect("{messages: alice, sent: [hello]}")
NAMED = re.compile(r"add (.*)--seed (\d+) to `wirelab run …`")
LAB = """\
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives: [{en: To say hello, zh: 问好}]
shown: [test/case, test/calm]
rubric: [{points: 60, title: {en: Says hello, zh: 问好}, of: [{scenario: test/case}, {scenario: test/calm}]}]
"""


@pytest.fixture
def case(command: Command) -> Command:
    """A scenario that amplifies, and a client that cuts what it sends: ``bad.py``; ``good.py`` does not."""
    command.write("case.yaml", CASE)
    command.write("bad.py", CLIENT.replace("OF", "2"))
    command.write("good.py", CLIENT.replace("OF", "20"))
    return command


def run(command: Command, *options: object, client: str = "bad") -> Done:
    done = command("run", "case.yaml", "--quiet", "-o", "kept", "--client", f"{sys.executable} {client}.py", *options)
    assert "" == done.err
    return done


def pauses(folder: Path) -> set[str]:
    """What the client of the run kept in a folder was told of its pauses."""
    events = read_run(folder).evidence.events
    shown = "".join(event.data for event in events if isinstance(event, Shown) and event.actor == "alice")
    return set(re.findall(rf"{AMPLIFY}=(.+)\r", shown))


def test_a_failed_run_names_its_seed_and_the_seed_brings_its_pauses_back(case: Command):
    first = run(case)
    assert 1 == first.status
    ((others, seed),) = NAMED.findall(first.out)
    assert ("", seed) == (others, seed_of(read_run(case.folder / "kept").evidence))
    assert "the same outcome is likely, not certain" in first.out
    before = pauses(case.folder / "kept")
    assert 1 == len(before)

    again = run(case, "--seed", seed)
    assert [("", seed)] == NAMED.findall(again.out)
    assert before == pauses(case.folder / "kept")
    chinese = case("judge", "kept", "--lang", "zh")
    assert f"在 `wirelab run …` 后面加上 --seed {seed}；" in chinese.out
    assert "结果很可能相同，但不能保证" in chinese.out

    assert [("", str(SEEDS - 1))] == NAMED.findall(run(case, "--seed", SEEDS - 1).out)
    assert before.isdisjoint(pauses(case.folder / "kept"))


def test_who_passes_is_told_nothing_of_it(case: Command):
    done = run(case, "--seed", 0, client="good")
    assert (0, []) == (done.status, NAMED.findall(done.out))
    assert "0" == seed_of(read_run(case.folder / "kept").evidence)


def test_of_a_lab_the_scenario_is_named_as_well(case: Command):
    folder = case.folder / "tiny" / "scenarios" / "test"
    folder.mkdir(parents=True)
    shutil.copy(case.folder / "case.yaml", folder / "case.yaml")
    (folder / "calm.yaml").write_text(CASE.replace("amplify: true\n", "").replace("test/case", "test/calm"), "utf-8")
    (case.folder / "tiny" / "lab.yaml").write_text(LAB, encoding="utf-8")
    client = ("--client", f"{sys.executable} {os.path.join(case.folder, 'bad.py')}")
    done = case("run", "tiny", *client)
    assert (1, "") == (done.status, done.err)
    ((others, seed),) = NAMED.findall(done.out)  # once: the other scenario fails without any pauses
    assert "--only test/case " == others
    again = case("run", "tiny", *client, *others.split(), "--seed", seed, "--quiet")
    assert (1, [("", seed)]) == (again.status, NAMED.findall(again.out))

    for words, said in (
        (("--seed", 1), "say with --only"),
        (("--only", "test/calm", "--seed", 1), "none of these does"),
    ):
        refused = case("run", "tiny", *client, *words)
        assert 64 == refused.status
        assert said in refused.err


@pytest.mark.parametrize("word", [-1, SEEDS, "x", "", "1.5", "0x10", "٣", "9" * 5000])
def test_a_seed_that_no_run_can_have_named(capsys: pytest.CaptureFixture[str], word: object):
    done = inside(capsys, "run", "locking", "--client", "true", "--seed", word)
    assert (64, "") == (done.status, done.out)
    assert f"--seed takes a whole number from 0 to {SEEDS - 1}" in done.err


def test_a_seed_where_nothing_is_amplified(capsys: pytest.CaptureFixture[str]):
    done = inside(capsys, "run", "messaging/one-line", "--client", "true", "--seed", 7, "--lang", "zh")
    assert (64, "") == (done.status, done.out)
    assert "都不放大竞争：messaging/one-line" in done.err
