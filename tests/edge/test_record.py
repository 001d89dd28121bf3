"""A person at a terminal records a scenario: it passes with what is right and fails with what is not; and whatever
happens meanwhile, the terminal comes back as it was and nothing is left running."""

from __future__ import annotations

import argparse
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pexpect import EOF, TIMEOUT, fdpexpect

from tests.edge.command import PATIENCE, PYTHON, Command, inside
from wirelab.compose.record import Made, Wanted, blank
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.declare.schema import schema_text
from wirelab.edge.record import _one_line, _tell, _title
from wirelab.edge.record_arguments import add_record
from wirelab.judge.verdict import Judgement, Verdict

ROOT = Path(__file__).parents[2]
PREFIX = "\x1d"
MENU = " help ──"
READY = "Enter message to send: "


@dataclass
class Person:
    """Somebody at a terminal on which a command runs."""

    command: Command
    process: subprocess.Popen[bytes]
    screen: Any
    before: list[Any]  # the terminal's attributes
    slave: int

    def types(self, keys: str, *until: str) -> None:
        self.screen.send(keys)
        for words in until:
            self.screen.expect_exact(words)

    def turns_to(self, number: int, name: str) -> None:
        self.types(PREFIX, MENU)
        self.types(str(number), f"your keys go to {name}")

    def ends(self) -> int:
        """The command's exit status, once everything has been put right."""
        while self.process.poll() is None:  # what it still prints must not hold it up
            self.screen.expect([TIMEOUT, EOF, r".+"], timeout=0.05)
        self.is_restored()
        return self.process.returncode

    def is_restored(self) -> None:
        assert self.before == termios.tcgetattr(self.slave)
        self.command.gone()


@contextmanager
def recording(command: Command, *words: object) -> Iterator[Person]:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(
        command.argv("record", *words),
        cwd=command.folder,
        env=command.env | {"TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    screen = fdpexpect.fdspawn(
        master, encoding="utf-8", codec_errors="replace", timeout=PATIENCE, searchwindowsize=4000
    )
    try:
        yield Person(command, process, screen, before, slave)
    finally:
        process.kill()
        process.wait()
        command.gone()
        os.close(slave)
        if not screen.closed:
            screen.close()


def folder_of(kind: str, name: str, role: str) -> str:
    return shlex.join([sys.executable, "-S", "-E", str(ROOT / "tests" / kind / name / f"{role}.py")])


def steps_of(scenario: Scenario) -> list[str]:
    return [step.written for step in scenario.script]


def test_what_comes_out_passes_with_what_is_right_and_fails_with_what_is_not(command: Command) -> None:
    with recording(command, "messaging/mine", "--heartbeat", "0.2", "--title", "Two lines") as person:
        person.types("", "Connected to", READY)
        person.types("helli\x7fo\r", "): hello")
        person.types("你好, {you}: #1\r", "): 你好, {you}: #1")
        person.turns_to(1, "server")
        person.types("good morning\r", "alice", "Broadcast: good morning")
        person.turns_to(2, "alice")
        person.types(PREFIX, MENU)
        person.types("e", "expected of alice: Broadcast: good morning")
        person.screen.expect([TIMEOUT], timeout=1.3)  # a person who thinks
        person.types("\x04", "exits by itself with status 0")
        person.turns_to(1, "server")
        person.types("\x03", "all programs have ended", "it passes", "wirelab run mine.yaml")
        assert 0 == person.ends()

    scenario = parse_scenario((command.folder / "mine.yaml").read_text("utf-8"), "mine.yaml")
    assert ("messaging/mine", "Two lines", "client") == (scenario.name, scenario.title.en, scenario.tests)
    written = [line for line in steps_of(scenario) if not line.startswith("{wait")]
    assert [
        "{start: server, until: Listening on}",
        "{start: alice, until: Connected to}",
        "{alice: type, text: hello}",
        "{server: shows, text: hello}",
        '{alice: type, text: "你好, {you}: #1"}',
        '{server: shows, text: "你好, {you}: #1"}',
        "{server: type, text: good morning}",
        "{alice: shows, text: good morning}",
        '{alice: shows, text: "Broadcast: good morning"}',
        "{alice: press, key: ctrl-d}",
        "{alice: exits, status: 0}",
        "{server: press, key: ctrl-c}",
        "{server: exits, status: 0}",
    ] == written
    assert {"handshake", "messages", "heartbeat", "broadcast", "teardown", "trace"} == {
        item.expectation.check for item in scenario.expect
    }
    assert "files: 1, mistakes: 0\n" in command("lint", "mine.yaml").out
    for client, status in (
        (None, 0),
        (folder_of("variants", "asyncio-client", "client"), 0),
        (folder_of("mutants", "heartbeat-wrong-number", "client"), 1),
        (folder_of("mutants", "missing-newline-framing", "client"), 1),
    ):
        done = command("run", "mine.yaml", "--quiet", *([] if client is None else ["--client", client]))
        assert (status, "") == (done.status, done.err), done.out


def test_several_clients_for_a_server_one_of_them_killed(command: Command) -> None:
    server = shlex.join([sys.executable, "-S", "-E", str(ROOT / "reference" / "server.py")])
    with recording(command, "broadcast/ours", "--server", server, "--clients", "2", "--heartbeat", "60") as person:
        person.types("", "your keys go to bob", READY)
        person.turns_to(1, "server")
        person.types("to both\r", "Broadcast: to both", "Broadcast: to both")  # in whichever order
        person.types(PREFIX, MENU)
        person.types("s", "your keys go to carol", READY)
        person.turns_to(1, "server")
        person.types("to three\r", *["Broadcast: to three"] * 3)
        person.turns_to(3, "bob")
        person.types(PREFIX, MENU)
        person.types("k", "t TERM")
        person.types("k", "bob", "has ended")
        person.types(PREFIX, MENU)
        person.types("q", "in one line?")
        person.types("Three clients\r", "it passes")
        assert 0 == person.ends()
    text = (command.folder / "ours.yaml").read_text("utf-8")
    scenario = parse_scenario(text, "ours.yaml")
    assert ("server", "Three clients") == (scenario.tests, scenario.title.en)
    assert {"{start: carol, until: Connected to}", "{bob: signal, name: KILL}"} <= set(steps_of(scenario))
    assert "  - {broadcast: to three, to: [alice, bob, carol]}\n" in text
    mutant = folder_of("mutants", "broadcast-first-client-only", "server")
    assert 1 == command("run", "ours.yaml", "--quiet", "--server", mutant).status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_leaves_a_terminal_as_it_was_and_nothing_else(command: Command, number: int) -> None:
    with recording(command, "a/b") as person:
        person.types("", READY)
        assert person.before != termios.tcgetattr(person.slave)  # raw
        person.process.send_signal(number)
        assert 130 == person.ends()
    assert not (command.folder / "b.yaml").exists()


def finished(person: Person) -> None:
    """A recording of one line, in which a slip was mended, up to the question for its title."""
    person.types("", READY)
    person.types("seconx\x7fd\r", "): second")
    person.types(PREFIX, MENU)
    person.types("e", f"expected of alice: {READY}second ")
    person.types(PREFIX, MENU)
    person.types("q", "in one line?")


UNPLAYED = [
    "{start: server, until: Listening on}",
    "{start: alice, until: Connected to}",
    "{alice: type, text: second}",
    "{server: shows, text: second}",
    f'{{alice: shows, text: "{READY}second"}}',
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_at_its_title_it_keeps_what_was_recorded(command: Command, number: int) -> None:
    with recording(command, "a/b") as person:
        finished(person)
        person.process.send_signal(number)
        person.types("", "is kept in b.yaml; it was not played back")
        assert 130 == person.ends()
    text = (command.folder / "b.yaml").read_text("utf-8")
    assert UNPLAYED == [step for step in steps_of(parse_scenario(text, "b.yaml")) if not step.startswith("{wait")]
    assert "but not played back" in text


def test_a_terminal_that_is_closed_at_its_title_loses_nothing(command: Command) -> None:
    with recording(command, "a/b") as person:
        finished(person)
        person.screen.close()
        assert person.process.wait(PATIENCE) not in (0, 1)
        command.gone()
    assert UNPLAYED[-1] in (command.folder / "b.yaml").read_text("utf-8")


def test_interrupted_while_it_is_played_back_it_keeps_what_was_recorded(command: Command) -> None:
    with recording(command, "a/b", "--replays", "20") as person:
        finished(person)
        person.types("A line\r", "played 1 of 21")
        person.process.send_signal(signal.SIGINT)
        person.types("", "is kept in b.yaml; it was not played back")
        assert 130 == person.ends()
    assert "A line" == parse_scenario((command.folder / "b.yaml").read_text("utf-8"), "b.yaml").title.en


def test_a_title_in_another_encoding_is_read_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"caf\xe9 au lait\n")
    os.close(writing)
    with open(reading, encoding="utf-8", errors="strict") as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        title = _title(argparse.Namespace(title=None, title_zh=None), "a/b", "en")
    assert ("caf\ufffd au lait", "caf\ufffd au lait") == (title.en, title.zh)


def test_a_title_is_what_can_be_read_of_it() -> None:
    assert 'a: {b} "c" # 中文 tail' == _one_line('a: {b}  "c"\t# \u202e中文\x1b[A \x07tail\x9b\n')
    assert "?" == _one_line("\ud800")


def test_a_mended_slip_spoils_nothing_that_is_expected(command: Command) -> None:
    with recording(command, "a/b", "--heartbeat", "0.2", "--replays", "2") as person:
        finished(person)
        person.types("A line\r", "it passes")
        assert 0 == person.ends()
    text = (command.folder / "b.yaml").read_text("utf-8")
    assert UNPLAYED == [step for step in steps_of(parse_scenario(text, "b.yaml")) if not step.startswith("{wait")]
    assert "Left out" not in text


def test_a_terminal_that_is_closed_ends_it(command: Command) -> None:
    with recording(command, "a/b") as person:
        person.types("", READY)
        person.screen.close()
        assert 130 == person.process.wait(PATIENCE)
        command.gone()
    assert not (command.folder / "b.yaml").exists()


def test_a_terminal_that_is_closed_while_it_records_loses_nothing(command: Command) -> None:
    with recording(command, "a/b") as person:
        person.types("", READY)
        person.types("hello\r", "): hello")
        person.screen.close()
        assert 130 == person.process.wait(PATIENCE)
        command.gone()
    text = (command.folder / "b.yaml").read_text("utf-8")
    assert "but not played back" in text
    assert "{alice: type, text: hello}" in steps_of(parse_scenario(text, "b.yaml"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_while_it_records_it_keeps_what_was_done(command: Command, number: int) -> None:
    with recording(command, "a/b") as person:
        person.types("", READY)
        person.types("hello\r", "): hello")
        person.process.send_signal(number)
        person.types("", "is kept in b.yaml; it was not played back")
        assert 130 == person.ends()
    steps = steps_of(parse_scenario((command.folder / "b.yaml").read_text("utf-8"), "b.yaml"))
    assert "{alice: type, text: hello}" in steps
    assert not any("exits" in step for step in steps), "that the harness ended a program is no step"


@pytest.mark.parametrize(
    "numbers",
    [(signal.SIGHUP,), (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)],
    ids=["one signal", "several at once"],
)
def test_a_whole_process_group_that_is_interrupted_keeps_what_was_done(
    command: Command, numbers: tuple[signal.Signals, ...]
) -> None:
    """As a terminal that closes, timeout(1) and shells do it: whoever waits and whoever records get each of them."""
    with recording(command, "a/b") as person:
        person.types("", READY)
        person.types("hello\r", "): hello")
        for number in numbers:
            os.killpg(person.process.pid, number)
        person.types("", "is kept in b.yaml; it was not played back")
        assert 130 == person.ends()
    assert "{alice: type, text: hello}" in steps_of(
        parse_scenario((command.folder / "b.yaml").read_text("utf-8"), "b.yaml")
    )


def test_what_happened_until_it_was_broken_off_is_kept(command: Command) -> None:
    with recording(command, "a/b") as person:
        person.types("", READY)
        person.types("hello\r", "): hello")
        person.types("/quit\r", "exits by itself")
        os.killpg(person.process.pid, signal.SIGHUP)
        person.types("", "is kept in b.yaml; it was not played back")
        assert 130 == person.ends()
    steps = steps_of(parse_scenario((command.folder / "b.yaml").read_text("utf-8"), "b.yaml"))
    assert any(step.startswith("{alice: exits") for step in steps)


def test_a_program_that_floods_ends_it(command: Command) -> None:
    client = command.program("flood", "while True: print('x' * 4000)")
    with recording(command, "a/b", "--client", client) as person:
        person.types("", "recording ends here", "no scenario can be made")
        assert 66 == person.ends()
    assert not (command.folder / "b.yaml").exists()


def test_a_program_that_dies_is_recorded_as_it_is(command: Command) -> None:
    client = command.program("dies", "print('no server today'); raise SystemExit(3)")
    with recording(command, "a/b", "--client", client, "--title", "It dies", "--replays", "1") as person:
        person.types("", "status 3")
        person.types("x", "takes no keys any more")
        person.types(PREFIX, MENU)
        person.types("q", "it passes")
        assert 0 == person.ends()
    text = (command.folder / "b.yaml").read_text("utf-8")
    assert "  - {start: alice, until: no server today}\n  - {alice: exits, status: 3}\n" in text
    assert "# Not expected, as it was not there, or not the same every time: the handshake of alice.\n" in text


def test_what_does_not_pass_is_written_and_says_so(command: Command) -> None:
    client = command.program("crashes", "input('name? ')")
    with recording(command, "a/b", "--client", client, "--title", "Crashes", "--replays", "1") as person:
        person.types("", "name? ")
        person.types("\x03", "alice", "ended")
        person.types(PREFIX, MENU)
        person.types("q", "it does not pass", "WL606")
        assert 1 == person.ends()
    text = (command.folder / "b.yaml").read_text("utf-8")
    assert "# IT DOES NOT PASS with the programs that it was recorded with: see `wirelab run`.\n" in text
    assert "  - {start: alice, until: name?" in text.replace('"', "")
    assert 0 == command("lint", "b.yaml").status


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict.PASS, "it passes\n"),
        (Verdict.FAIL, "it does not pass with the programs"),
        (Verdict.INCONCLUSIVE, "whether it passes could not be decided:\n"),
    ],
)
def test_how_the_last_run_ended_is_told(verdict: Verdict, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = Wanted("a/b", "client", {}, Path(), 1)
    draft = blank(wanted)
    _tell(Made(draft, Judgement("a/b", (), verdict)), Path("b.yaml"), wanted, "en")
    assert f"b.yaml: {len(draft.script)} steps, 0 expectations; {says}" in capsys.readouterr().out


def test_what_the_program_prints_cannot_act_on_the_terminal(command: Command) -> None:
    tricks = r"import sys; sys.stdout.write('\x1b]0;title\x07\x1b[6n\x1b[?1049h\x1b[31mred\x1b[2J' + chr(0x9b) + '6n'); input()"
    with recording(command, "a/b", "--client", command.program("tricks", tricks)) as person:
        person.screen.logfile_read = log = _Log()
        person.types("", "red")
        person.types(PREFIX, MENU)
        person.types("?", "All other keys")
        person.process.send_signal(signal.SIGINT)
        assert 130 == person.ends()
    shown = "".join(log.pieces)
    assert "\x1b[31mred" in shown
    for trick in ("title", "\x1b[6n", "\x1b[?1049h", "\x1b[2J", "\x9b"):
        assert trick not in shown.replace("tricks", "")


class _Log:
    def __init__(self) -> None:
        self.pieces: list[str] = []

    def write(self, text: str) -> None:
        self.pieces.append(text)

    def flush(self) -> None:
        pass


def test_without_a_terminal_it_says_so(command: Command) -> None:
    done = command("record", "a/b")
    assert 64 == done.status
    assert done.err.startswith("wirelab: recording needs a terminal")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Mine"], "'Mine' cannot be a scenario's name"),
        (["a/b", "--clients", "9"], "--clients takes 1 to 8, not 9"),
        (["a/b", "--replays", "0"], "--replays takes 1 to 20, not 0"),
        (["a/b", "--heartbeat", "nan"], "--heartbeat takes 0.05 to 600, not nan"),
        (["a/b", "--tests", "server", "--client", "x"], "tests the server"),
        (["a/b", "-o", "there.yaml"], "there.yaml exists already"),
        (["a/b", "-o", "no/b.yaml"], "there is no folder no"),
        (["a/b", "-o", "scenarios/c/b.yaml"], "'c/b', not 'a/b'"),
    ],
)
def test_what_cannot_be_is_said_before_anybody_works_for_it(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    (here / "there.yaml").write_text("mine\n", encoding="utf-8")
    done = inside(capsys, "record", *words)
    assert 64 == done.status
    assert said in done.err
    assert "mine\n" == (here / "there.yaml").read_text("utf-8")


@pytest.mark.parametrize("file", ["a-folder", "circle.yaml", f"{'x' * 300}.yaml"])
def test_where_nothing_can_be_written_is_said_before_anybody_works_for_it(
    here: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    (here / "a-folder").mkdir()
    (here / "circle.yaml").symlink_to("circle.yaml")
    for words in (["record", "a/b"], ["new", "scenario", "a/b"]):
        done = inside(capsys, *words, "-o", file, "--force")
        assert 66 == done.status
        assert f"cannot write {file}" in done.err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_new_scenario_is_sound_and_passes(command: Command, language: str) -> None:
    done = command("new", "scenario", "messaging/my-first", "--lang", language)
    assert (0, "") == (done.status, done.err)
    assert 0 == command("lint", "my-first.yaml").status
    assert (
        0
        == command("run", "my-first.yaml", "--quiet", "--client", f"{PYTHON} {ROOT / 'reference' / 'client.py'}").status
    )
    again = command("new", "scenario", "messaging/my-first")
    assert 64 == again.status
    assert "--force" in again.err
    assert 0 == command("new", "scenario", "messaging/my-first", "--force").status
    head = (command.folder / "my-first.yaml").read_text("utf-8").split("\n")[0]
    assert "# yaml-language-server: $schema=scenario.schema.json" == head
    assert schema_text("scenario") == (command.folder / "scenario.schema.json").read_text("utf-8")


def test_a_schema_that_is_there_is_used(command: Command) -> None:
    below = command.folder / "scenarios" / "messaging"
    below.mkdir(parents=True)
    (command.folder / "scenarios" / "schema.json").write_text("{}", encoding="utf-8")
    assert 0 == command("new", "scenario", "messaging/mine", "-o", below / "mine.yaml").status
    assert "# yaml-language-server: $schema=../schema.json" == (below / "mine.yaml").read_text("utf-8").split("\n")[0]
    assert ["mine.yaml"] == [path.name for path in below.iterdir()]


def test_the_page_says_the_same_in_both_languages_and_names_every_option() -> None:
    english, chinese = ((ROOT / "docs" / name).read_text("utf-8") for name in ("record.md", "record.zh.md"))
    assert english.split("```")[1::2] == chinese.split("```")[1::2]
    parser = argparse.ArgumentParser()
    add_record(parser.add_subparsers(), argparse.ArgumentParser(add_help=False), lambda *_: 0)
    (record,) = parser._subparsers._group_actions[0].choices.values()  # type: ignore[union-attr]
    options = {word for action in record._actions for word in action.option_strings if word not in ("-h", "--help")}
    for page in (english, chinese):
        assert options - {"--output"} <= set(re.findall(r"--?[a-z][a-z-]*", page))
        assert set("nsekqp") <= set(re.findall(r"`(\w)`", page))
