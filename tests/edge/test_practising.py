"""Labs from the command line: begin a submission, play a lab with it, read the points."""

from __future__ import annotations

import json
import shutil
import signal
import textwrap
from pathlib import Path

import pytest

from tests.edge.command import BEGIN, HEAD, PATIENCE, Command, first_line
from wirelab.compose import kit, labs

REFERENCE = Path(kit.reference_program("client")).read_text(encoding="utf-8")
MUTE = 'import socket, sys\nsocket.create_connection((sys.argv[1], int(sys.argv[2])))\nprint("Connected to", flush=True)\ninput()\n'
LAB = """\
lab: tiny
title: {en: A tiny lab, zh: 小实验}
hours: 1
hands_in: [client]
objectives: [{en: To say hello, zh: 问好}]
shown: [test/hello, messaging/server-absent]
hidden: [test/secret]
rubric:
  - {points: 60, title: {en: Says hello, zh: 问好}, of: [{scenario: test/hello, check: messages}]}
  - {points: 20, title: {en: Ends, zh: 结束}, of: [{scenario: messaging/server-absent}]}
  - {points: 20, title: {en: Unseen, zh: 未见}, of: [{scenario: test/secret}]}
"""
HELLO = (
    HEAD.replace("test/case", "test/hello")
    + "tests: client\ncast: {server: {role: server}, alice: {role: client}}\nscript:\n"
    + textwrap.indent(BEGIN + "- {alice: type, text: hello}\n- {alice: type, text: /quit}\n", "  ")
    + "  - {alice: exits, status: 0}\nexpect:\n  - {messages: alice, sent: [hello]}\n"
)


def write_in(command: Command, folder: str, name: str, text: str) -> None:
    (command.folder / folder).mkdir(exist_ok=True)
    command.write(f"{folder}/{name}", text)


@pytest.fixture
def lab(command: Command) -> Path:
    folder = command.folder / "tiny"
    for name, text in {
        "lab.yaml": LAB,
        "scenarios/test/hello.yaml": HELLO,
        "scenarios/test/secret.yaml": HELLO.replace("test/hello", "test/secret"),
        "handout.md": "# A tiny lab\n",
        "handout.zh.md": "# 小实验\n",
        "starter/client.py": MUTE,
        "starter/data/words.txt": "hello\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_from_the_starter_to_all_points(command: Command, lab: Path):
    made = command("new", "submission", "tiny", "mine")
    assert (0, "") == (made.status, made.err)
    assert "HANDOUT.md, client.py, data/words.txt" in made.out
    assert "wirelab run tiny mine" in made.out
    assert "# A tiny lab\n" == (command.folder / "mine" / "HANDOUT.md").read_text("utf-8")

    first = command("run", "tiny", "mine", "--quiet")
    assert (1, "") == (first.status, first.err)
    assert "✗ 0/60   Says hello" in first.out
    whole, brief = first.out.split("\n\n")[1:3]
    assert whole.startswith("test/hello: ")
    assert "    WL201  expected alice to send 'hello'" in whole
    assert brief.splitlines() == [
        "✗ messaging/server-absent: Without a server the client says so and ends",
        "    WL606  the program printed a crash report",
        "    more: wirelab explain WL606",
    ]
    assert first.out.endswith("live: wirelab run tiny mine --only messaging/server-absent\n")
    assert "grading plays 1 more scenarios" in first.out
    assert "20 more points are for them alone" in first.out
    assert "test/secret" not in first.out

    (command.folder / "mine" / "client.py").write_text(REFERENCE, encoding="utf-8")
    last = command("run", "tiny", "mine", "--lang", "zh", "-o", "kept")
    assert (0, "") == (last.status, last.err)
    assert "80 分中得到 80 分" in last.out
    assert {"test-hello", "messaging-server-absent"} == {path.name for path in (command.folder / "kept").iterdir()}
    assert 0 == command("judge", "kept/test-hello").status
    command.gone()


def test_as_json(command: Command, lab: Path):
    command.write("client.py", REFERENCE)
    done = command("run", "tiny", "--client", "python3 client.py", "--json")
    document = json.loads(done.out)
    assert (0, "tiny", 80, 80) == (done.status, document["lab"], document["points"], document["of"])
    assert ["test/hello", "messaging/server-absent"] == [each["scenario"] for each in document["judgements"]]
    assert "secret" not in done.out


def test_a_lab_of_which_nothing_can_be_played_is_not_passed(command: Command, lab: Path):
    (lab / "lab.yaml").write_text(LAB.replace("hands_in: [client]", "hands_in: [client, server]"), encoding="utf-8")
    command.write("server.py", "pass\n")
    done = command("run", "tiny", "--server", "python3 server.py")
    assert 64 == done.status
    assert "nothing that the lab tiny shows tests --server" in done.err


def test_one_scenario_of_it_live(command: Command, lab: Path):
    write_in(command, "mine", "client.py", REFERENCE)
    done = command("run", "tiny", "mine", "--only", "test/hello")
    assert 0 == done.status
    assert "MSG hello" in done.out
    assert 64 == command("run", "tiny", "mine", "--only", "test/secret").status
    assert 64 == command("run", "messaging/one-line", "--only", "test/hello").status


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("run", "tiny"), 64, "say what to play the lab with"),
        (("run", "tiny", "a", "b"), 64, "one folder holds one submission"),
        (("run", "tiny", "nowhere"), 66, "there is no folder"),
        (("run", "tiny", "tiny/scenarios"), 64, "there is no client: looked in"),
        (("new", "submission", "tinny", "x"), 64, "there is no lab 'tinny'"),
        (("new", "submission", "tiny", "tiny"), 64, "exists already and is not empty"),
        (("new",), 64, "usage"),
    ],
)
def test_what_cannot_be_is_told(command: Command, lab: Path, words: tuple[str, ...], status: int, said: str):
    done = command(*words)
    assert status == done.status
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("messaging/server-absent", "messaging/server-abset", "tiny/lab.yaml:6: there is no scenario"),
        ("check: messages", "check: mesages", "has no check 'mesages' (did you mean 'messages'?)"),
        (
            "check: messages",
            "check: messages, actor: bob",
            "tiny/lab.yaml:9: the scenario 'test/hello' has no actor 'bob'",
        ),
    ],
)
def test_mistakes_in_a_lab_are_told(command: Command, lab: Path, old: str, new: str, said: str):
    (lab / "lab.yaml").write_text(LAB.replace(old, new), encoding="utf-8")
    done = command("run", "tiny", "mine")
    assert 65 == done.status
    assert said in done.err


def test_scenarios_whose_runs_would_lie_in_each_other_are_told(command: Command, lab: Path):
    path = lab / "scenarios/test/hello/again.yaml"
    path.parent.mkdir()
    path.write_text(HELLO.replace("test/hello", "test/hello/again"), encoding="utf-8")
    (lab / "lab.yaml").write_text(LAB.replace("test/secret", "test/hello/again"), encoding="utf-8")
    done = command("run", "tiny", "mine")
    assert 65 == done.status
    assert "tiny/lab.yaml:7: the scenarios 'test/hello/again' and 'test/hello' cannot both be in one lab" in done.err


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc")
def test_a_program_that_must_be_built(command: Command, lab: Path):
    write_in(command, "mine", "client.c", "int main(void) { return oops; }\n")
    done = command("run", "tiny", "mine")
    assert 64 == done.status
    assert "building failed with status 1: cc -O1 -g -pthread -o client client.c" in done.err
    assert "oops" in done.err


def test_an_interrupt_ends_all_that_is_played_side_by_side(command: Command, lab: Path):
    stubborn = 'import socket, sys, signal, time\nsignal.signal(2, signal.SIG_IGN)\nprint("Connected to", flush=True)\ntime.sleep(600)\n'
    write_in(command, "mine", "client.py", stubborn)
    process = command.begin("run", "tiny", "mine")
    assert first_line(process, [b"tiny: "])
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE)
    command.gone()
    assert (130, 1) == (process.returncode, errors.count(b"interrupted"))


def test_the_kits_own_labs_are_found_by_name():
    assert {"1-messaging", "2-heartbeat", "3-broadcast", "4-locking", "5-teardown", "heartbeat-client"} <= set(
        labs.names()
    )
    assert kit.lab_folder("2-heartbeat") == kit.labs_root() / "2-heartbeat"
    assert kit.lab_folder("labs/2-heartbeat/") in (Path("labs/2-heartbeat"), kit.labs_root() / "2-heartbeat")
    assert None is kit.lab_folder("nothing") is kit.lab_folder("../labs/2-heartbeat/x")
