"""Input that cannot be: one clear message on standard error, the right exit status, nothing on disk lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.edge.command import ALICE, BEGIN, BY_PEER, HEAD, PYTHON, Command, Done, inside, steps
from wirelab.observe.pcap import read_capture, write_pcapng

USAGE, DATA, NO_INPUT, UNAVAILABLE = 64, 65, 66, 69
GOOD = HEAD + ALICE + steps(BEGIN)


def refused(done: Done, status: int, *words: str) -> None:
    """The command said in one message what is wrong, in terms of what was asked, and nothing of its own insides."""
    assert status == done.status, done.err
    assert 1 == done.err.count("wirelab: "), done.err
    assert "Traceback" not in done.err + done.out
    for word in words:
        assert word in done.err


@pytest.mark.usefixtures("here")
def test_nothing_asked(capsys: pytest.CaptureFixture[str]):
    refused(inside(capsys, "run"), USAGE, "--list")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("word", "meant"), [("nothing", ""), ("hartbeat", "heartbeat"), ("messaging/one-lin", "messaging/one-line")]
)
def test_a_scenario_that_is_not_there(capsys: pytest.CaptureFixture[str], word: str, meant: str):
    refused(inside(capsys, "run", word), USAGE, word, meant)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "words",
    [
        ("run", "@"),
        ("run", "1-messaging", "@"),
        ("run", "messaging/one-line", "--client", "python3 -c @", "--watch"),
        ("grade", "1-messaging", "@", "-o", "graded"),
        ("lint", "@"),
        ("judge", "@"),
        ("open", "@"),
        ("dissector", "@"),
        ("analyze", "@"),
    ],
    ids=" ".join,
)
def test_a_word_that_is_too_long_for_a_path(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]):
    done = inside(capsys, *(word.replace("@", "x" * 300) for word in words))
    assert done.status in (USAGE, NO_INPUT)
    refused(done, done.status, "x" * 300)


def test_a_folder_without_scenarios(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "empty").mkdir()
    refused(inside(capsys, "run", "empty"), USAGE, "empty")


UNREADABLE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "no YAML": (b"scenario: [\n", ("case.yaml:",)),
    "a tab": (b"scenario: x\n\ttitle: y\n", ("case.yaml:2:",)),
    "an alias bomb": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: *b\n", ("case.yaml:",)),
    "no text": (b"\xff\xfe\x00\x01", ("case.yaml",)),
    "nothing": (b"", ("case.yaml",)),
    "a list": (b"- 1\n- 2\n", ("case.yaml:",)),
    "an unknown actor": ((GOOD + "  - {alcie: type, text: hi}\n").encode(), ("case.yaml:8:", "alcie", "alice")),
    "an unknown actor to start": ((GOOD + "  - {start: bob}\n").encode(), ("case.yaml:8:", "bob")),
    "an unknown protocol": (("protocol: lin\n" + GOOD).encode(), ("case.yaml:1", "lin", "line")),
    "control characters": ((GOOD + '  - {"\\e]0;owned\\a": type}\n').encode(), ("case.yaml:8:", "⟨ESC⟩")),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("verb", ["run", "lint"])
def test_a_scenario_with_mistakes(here: Path, capsys: pytest.CaptureFixture[str], name: str, verb: str):
    content, words = UNREADABLE[name]
    (here / "case.yaml").write_bytes(content)
    done = inside(capsys, verb, "case.yaml")
    assert done.status in (DATA, NO_INPUT)
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err
    assert not any(char < " " for char in done.err if char != "\n")


def test_all_mistakes_are_told_at_once(here: Path, capsys: pytest.CaptureFixture[str]):
    mistakes = "  - {alcie: type}\n  - {wait: x}\n  - {alice: press, key: ctrl-q}\n"
    (here / "case.yaml").write_text(GOOD + mistakes, encoding="utf-8")
    done = inside(capsys, "run", "case.yaml")
    assert DATA == done.status
    for line in (8, 9, 10):
        assert f"case.yaml:{line}:" in done.err


def test_a_file_that_cannot_be_read(command: Command):
    if os.geteuid() == 0:
        (command.folder / "case.yaml").symlink_to("/proc/self/mem")  # root may open anything, but this reads as EIO
    else:
        command.write("case.yaml", GOOD).chmod(0)
    refused(command("run", "case.yaml"), NO_INPUT, "case.yaml")


PROGRAMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "missing": ("./missing", ("./missing",)),
    "missing in the PATH": ("no-such-program", ("no-such-program",)),
    "not executable": ("./plain", ("chmod +x ./plain",)),
    "no first line": ("./mute", ("./mute", "#!")),
    "no interpreter": ("./strange", ("./strange", "#!")),
    "a folder": ("./folder", ("./folder",)),
    "shell syntax": ("cd sub && ./client", ("'&&'", "sh -c")),
    "a variable": ("MODE=1 ./client", ("env MODE=1",)),
    "quoting": ('python3 "client.py', ('"client.py',)),
    "empty": ("", ("client",)),
    "no such source": ("python3 cleint.py", ("cleint.py",)),
    "no such source behind options": (f"{PYTHON} -u cleint.py --verbose", ("cleint.py",)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_cannot_be_started(command: Command, name: str):
    line, words = PROGRAMS[name]
    command.write("case.yaml", GOOD)
    (command.folder / "folder").mkdir()
    command.write("plain", "#!/bin/sh\n")
    for file, content in {"mute": "hello\n", "strange": "#!/no/such/interpreter\n"}.items():
        command.write(file, content).chmod(0o755)
    refused(command("run", "case.yaml", "--quiet", "--client", line, "-o", "kept"), USAGE, *words)
    assert not (command.folder / "kept").exists()


def test_a_command_for_the_role_that_is_not_tested(command: Command):
    command.write("case.yaml", GOOD)
    refused(command("run", "case.yaml", "--server", PYTHON), USAGE, "--client")


def test_a_port_that_another_actor_has_taken(command: Command):
    cast = ALICE.replace("cast: {", "cast: {other: {role: server, peer: true}, ")
    command.write("case.yaml", HEAD + cast + steps(BEGIN, "- {start: other}"))
    refused(command("run", "case.yaml", "--quiet"), USAGE, "other", "12001")


# --- where a run is kept


def occupied(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("three years", encoding="utf-8")


def a_file(folder: Path) -> None:
    folder.write_text("three years", encoding="utf-8")


def below_a_file(folder: Path) -> None:
    folder.parent.joinpath("thesis.txt").write_text("three years", encoding="utf-8")
    folder.symlink_to("thesis.txt/below")


def someone_elses_recording(folder: Path) -> None:
    folder.mkdir()
    (folder / "talk.cast").write_text("three years", encoding="utf-8")


def not_to_be_written(folder: Path) -> None:
    folder.symlink_to("/proc/self/fd/kept")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("prepare", [occupied, a_file, below_a_file, someone_elses_recording, not_to_be_written])
def test_a_folder_that_a_run_cannot_be_kept_in(command: Command, prepare: Callable[[Path], None]):
    command.write("case.yaml", GOOD)
    prepare(command.folder / "kept")
    before = contents(command.folder)
    done = command("run", "case.yaml", "-o", "kept")
    refused(done, NO_INPUT if done.status == NO_INPUT else USAGE, "kept")
    assert "" == done.out  # it is known before anything is played
    assert before == contents(command.folder)


def test_a_run_is_replaced_by_the_next_and_an_empty_folder_is_filled(command: Command):
    (command.folder / "kept").mkdir()
    both = HEAD + ALICE.replace("alice:", "bob:") + steps(BEGIN.replace("alice", "bob"))
    assert 0 == command("run", command.write("bob.yaml", both), "--quiet", "-o", "kept").status
    (command.folder / "kept" / "run.json.partial").write_text("{", encoding="utf-8")  # as a killed command leaves it
    assert 0 == command("run", command.write("case.yaml", GOOD), "--quiet", "-o", "kept").status
    names = {path.name for path in (command.folder / "kept").iterdir()}
    assert {"run.json", "capture.pcapng", "server.cast", "alice.cast", "report.html"} == names
    assert 0 == command("judge", "kept").status


def test_several_runs_are_not_kept_inside_a_run(command: Command):
    one, two = command.write("one.yaml", GOOD), command.write("two.yaml", GOOD)
    (command.folder / "kept").mkdir()
    (command.folder / "kept" / "run.json").write_text("{}", encoding="utf-8")
    before = contents(command.folder)
    done = command("run", one, two, "-o", "kept")
    refused(done, USAGE, "kept holds something else (run.json)")
    assert "" == done.out
    assert before == contents(command.folder)


# --- a run folder that is no longer what was written


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with peers, programs and every kind of file."""
    command = Command(tmp_path_factory.mktemp("stored"))
    script = steps(
        """
        - {start: server}
        - {start: alice, until: Connected to}
        - {server: sends, text: HEARTBEAT 1}
        - {server: expects, text: HEARTBEAT-ACK 1}
        - {alice: type, text: hello}
        - {server: expects, text: MSG hello}
        - {alice: type, text: /quit}
        - {server: expects, end: fin}
        - {server: closes}
        - {alice: exits, status: 0}
        """
    )
    command.write("case.yaml", HEAD + BY_PEER + script)
    assert 0 == command("run", "case.yaml", "--quiet", "-o", "kept").status
    return command.folder / "kept"


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "run.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        change(document)
        path.write_text(json.dumps(document), encoding="utf-8")

    return damage


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return damage


def cut(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) * 2 // 3])

    return damage


def another_capture(folder: Path) -> None:
    """Whole, but of another time."""
    path = folder / "capture.pcapng"
    capture = read_capture(path.read_bytes(), path.name)
    packets = [packet._replace(time=packet.time - 10**12) for packet in capture.packets]
    path.write_bytes(write_pcapng(packets, capture.linktype, application="tests"))


def shorter_capture(folder: Path) -> None:
    path = folder / "capture.pcapng"
    capture = read_capture(path.read_bytes(), path.name)
    path.write_bytes(write_pcapng(list(capture.packets)[:-1], capture.linktype, application="tests"))


def event(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(item for item in document["events"] if item["event"] == kind)


DAMAGE: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "no run.json": (lambda folder: (folder / "run.json").unlink(), NO_INPUT, "run.json"),
    "run.json cut": (cut("run.json"), NO_INPUT, "run.json"),
    "run.json empty": (put("run.json", b""), NO_INPUT, "run.json"),
    "run.json nested": (put("run.json", b"[" * 100_000), NO_INPUT, "run.json"),
    "run.json no text": (put("run.json", b"\xff\xfe"), NO_INPUT, "run.json"),
    "run.json other JSON": (put("run.json", b'{"a": 1}'), NO_INPUT, "run.json"),
    "version": (edit(lambda run: run.update(version=99)), NO_INPUT, "99"),
    "no events": (edit(lambda run: run.pop("events")), NO_INPUT, "run.json"),
    "unknown event": (edit(lambda run: run["events"].append({"event": "dance", "time": 1})), NO_INPUT, "run.json"),
    "event without time": (edit(lambda run: run["events"][0].pop("time")), NO_INPUT, "run.json"),
    "time as text": (edit(lambda run: run["events"][0].update(time="now")), NO_INPUT, "run.json"),
    "time for ever": (edit(lambda run: run["events"][0].update(time=10**40)), NO_INPUT, "run.json"),
    "step that is not": (edit(lambda run: event(run, "stepended").update(index=99)), NO_INPUT, "run.json"),
    "step below 0": (edit(lambda run: event(run, "stepbegan").update(index=-99)), NO_INPUT, "run.json"),
    "unknown outcome": (edit(lambda run: event(run, "stepended").update(outcome="dunno")), NO_INPUT, "run.json"),
    "unknown actor": (edit(lambda run: event(run, "exited").update(actor="eve")), NO_INPUT, "run.json"),
    "path as actor": (edit(lambda run: event(run, "started").update(actor="../../etc")), NO_INPUT, "run.json"),
    "scenario": (edit(lambda run: run["scenario"].update(source="x: [")), DATA, "run.json"),
    "protocol": (edit(lambda run: run["protocol"].update(source="x: 1")), DATA, "run.json"),
    "no capture": (lambda folder: (folder / "capture.pcapng").unlink(), NO_INPUT, "capture.pcapng"),
    "capture cut": (cut("capture.pcapng"), NO_INPUT, "capture.pcapng"),
    "capture empty": (put("capture.pcapng", b""), NO_INPUT, "capture.pcapng"),
    "capture foreign": (put("capture.pcapng", b"\x89PNG\r\n\x1a\n"), NO_INPUT, "capture.pcapng"),
    "another capture": (another_capture, NO_INPUT, "capture.pcapng"),
    "shorter capture": (shorter_capture, NO_INPUT, "capture.pcapng"),
    "no cast": (lambda folder: (folder / "alice.cast").unlink(), NO_INPUT, "alice.cast"),
    "cast cut": (cut("alice.cast"), NO_INPUT, "alice.cast"),
    "cast no text": (put("alice.cast", b"\xff\xfe"), NO_INPUT, "alice.cast"),
    "cast other JSON": (put("alice.cast", b'{"version": 2}\n{"a": 1}\n'), NO_INPUT, "alice.cast"),
    "cast for ever": (put("alice.cast", b'{"version": 2}\n[1e999, "o", "x"]\n'), NO_INPUT, "alice.cast"),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("option", ["--json", "--ladder"])
def test_a_damaged_run_folder(here: Path, stored: Path, capsys: pytest.CaptureFixture[str], name: str, option: str):
    damage, status, file = DAMAGE[name]
    shutil.copytree(stored, here / "kept")
    damage(here / "kept")
    before = contents(here)
    done = inside(capsys, "judge", "kept", option)
    refused(done, status, file)
    assert "" == done.out
    assert before == contents(here)


@pytest.mark.parametrize("name", ["nowhere", "case.yaml"])
def test_a_run_folder_that_is_none(here: Path, capsys: pytest.CaptureFixture[str], name: str):
    (here / "case.yaml").write_text(GOOD, encoding="utf-8")
    refused(inside(capsys, "judge", name), NO_INPUT, name)


def test_a_pattern_that_takes_for_ever_on_what_a_program_shows(command: Command):
    show = command.program("client", f"print('Connected to', flush=True); print('{'a' * 90}b', flush=True); input()")
    slow = command.write("slow.yaml", HEAD + ALICE + steps(BEGIN, "- {alice: shows, pattern: '(?:a|aa)+$'}"))
    refused(command("run", slow, "--client", show), DATA, "/(?:a|aa)+$/", "They begin 'Connected to", "possessive")
    command.gone()
