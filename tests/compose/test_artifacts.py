"""Run folders: what is written can be read, judges the same, and no damage gets further than an InputError."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judge import runs
from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import LANGUAGES, Text
from wirelab.compose.artifacts import Run, as_json, check_parent, read_run, write_run
from wirelab.declare.scenario import parse_scenario
from wirelab.judge.verdict import CheckResult, Finding, Judgement, Said, Verdict
from wirelab.observe.evidence import (
    Bounded,
    Called,
    Doing,
    Ending,
    Event,
    Evidence,
    Exited,
    Owned,
    Peered,
    Sampled,
    Shown,
    SocketSeen,
    SourceLine,
    Started,
    StepBegan,
    StepEnded,
    ThreadSeen,
    Typed,
    Wire,
    Witnessed,
)
from wirelab.observe.pcap import read_capture
from wirelab.observe.segments import RAW_IP

LINE = SourceLine("/home/学生/client.py", 52, "receiver")
WITNESSED = Witnessed(
    runs.at(0.85),
    "alice",
    "missed",
    0.004,
    (
        ThreadSeen(7, "MainThread", "waiting", "futex", stack=(LINE, LINE), waits_for="receiver"),
        ThreadSeen(8, "receiver", "receiving", "recvfrom", 40000, 12001, (LINE,)),
    ),
    (SocketSeen(40000, 12001, "CLOSE-WAIT", 3, 0),),
)

SCENARIO = parse_scenario(
    """\
scenario: t
title: {en: T, zh: 题}
tests: client
cast: {server: {role: server}, alice: {role: client}, bob: {role: client, peer: true}}
script:
  - {start: server}
  - {start: alice}
  - {start: bob}
expect:
  - {handshake: alice}
  - {messages: alice, sent: [心跳 ❤]}
  - {teardown: alice}
""",
    "t.yaml",
)
PROTOCOL = (runs.PROTOCOLS / "line.yaml").read_text("utf-8")
WIRE = runs.HELLO + 'alice > s "MSG 心跳 ❤\\n"\nalice > s RST,ACK\n'


def run_of(evidence: Evidence) -> Run:
    return Run(SCENARIO, PROTOCOL, runs.PROFILES["line"], evidence)


def sample() -> Run:
    """A run with every kind of event."""
    events: tuple[Event, ...] = (
        Shown(runs.at(0.2), "server", "Listening on 127.0.0.1:12001\r\n"),
        Typed(runs.at(0.3), "alice", "心跳 ❤⏎"),
        Shown(runs.at(0.4), "alice", "\x1b[1mEnter\x1b[0m\x07 message to send: \u2028 \x85 \x00 🙂\r\n"),
        Wire(runs.at(0.5), "cut", "alice"),
        Peered(runs.at(0.6), "bob", "sends", b"\xff\x00MSG"),
        Bounded(runs.at(0.7), "alice", 1000, "bytes"),
        Sampled(runs.at(0.8), "alice", 0.125, 0.25),
        WITNESSED,
        Called(runs.at(0.86), "alice", "receiver", "recv", 40000, 12001, LINE, 17),
        Called(runs.at(0.87), "alice", "MainThread", "close", 40000, 12001, LINE, unread=3, linger=0),
        StepEnded(runs.at(0.9), 2, "missed", {"run_delay": 0.5, "status": None, "again": True, "why": "x", "n": 1}),
        *runs.killed(9.5, "alice"),
    )
    return run_of(runs.evidence(SCENARIO, WIRE, *events, lost=2))


def write(folder: Path, run: Run) -> Path:
    write_run(folder, run, run.judged(), "en")
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("stored"), sample())


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    """A run folder to be damaged."""
    return Path(shutil.copytree(stored, tmp_path / "run"))


# --- there and back


def test_what_is_written_is_read_again(stored: Path):
    run = sample()
    found = read_run(stored)
    assert run.evidence.events == found.evidence.events
    assert run == found
    assert run.judged() == found.judged()


def test_every_kind_of_event_is_in_the_sample():
    assert set(Event.__args__) == {type(event) for event in sample().evidence.events}


def test_what_a_run_folder_holds(stored: Path):
    assert {"alice.cast", "capture.pcapng", "run.json", "server.cast"} == {path.name for path in stored.iterdir()}
    document = json.loads((stored / "run.json").read_text("utf-8"))
    assert ("wirelab-run", 2) == (document["format"], document["version"])
    assert SCENARIO.text == document["scenario"]["source"]
    assert "inconclusive" == document["judgement"]["verdict"]
    assert set(LANGUAGES) == set(document["judgement"]["checks"][0]["summary"])


def test_the_page_of_the_docs_names_every_key_and_no_other(stored: Path):
    """docs/run-folder.md: the tables of run.json and of its events, the sentences about threads, sockets and lines."""
    text = (Path(__file__).parents[2] / "docs" / "run-folder.md").read_text(encoding="utf-8")
    rows = {cells[0].strip(): cells[1] for line in text.splitlines() if len(cells := line.split("|")[1:-1]) == 2}
    document = json.loads((stored / "run.json").read_text("utf-8"))
    told = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    events = {event["event"]: set(event) - {"event", "time"} for event in document["events"]}
    assert told == {*document, *events}
    for name, keys in events.items():
        (row,) = (about for key, about in rows.items() if f"`{name}`" in key)
        assert keys == set(re.findall(r"`(\w+)`", row)), name
    seen = text[text.index("Of each of the `threads`") :].replace("\n", " ")
    parts = re.split(r"Of each of the `sockets`|A line of source is", seen)
    for part, kind in zip(parts, (ThreadSeen, SocketSeen, SourceLine), strict=True):
        fields = {field.name for field in dataclasses.fields(kind)}
        assert fields == set(re.findall(r"`(\w+)`", part)) - {"threads"}, kind


def test_frames_that_findings_name_have_their_comments(stored: Path):
    capture = read_capture((stored / "capture.pcapng").read_bytes(), "capture")
    assert 2 == capture.lost
    assert ["WL502"] == [comment.split()[0] for comment in capture.comments.values()]


def test_a_terminal_is_a_recording_that_any_player_plays(stored: Path):
    lines = (stored / "alice.cast").read_text("utf-8").split("\n")
    header = json.loads(lines[0])
    assert (2, 120, 40) == (header["version"], header["width"], header["height"])
    moment, kind, data = json.loads(lines[1])
    assert (0.0204, "o") == (moment, kind)
    assert data.startswith("\x1b[1mEnter")


def test_a_run_without_events_or_packets_is_kept_too(tmp_path: Path):
    run = run_of(Evidence((), (), RAW_IP))
    assert run == read_run(write(tmp_path / "deep" / "run", run))


odd = st.sampled_from('\x00\x1b\r\n\x07\x0b\x0c\x1c\x7f\x85\u2028\u2029\ufeff🙂心"\\')
terminal_text = st.lists(odd | st.characters(codec="utf-8"), max_size=20).map("".join)
names = st.sampled_from(["server", "alice"])
details = st.dictionaries(
    st.sampled_from(["status", "why", "run_delay", "again"]),
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | terminal_text | st.floats(-1e6, 1e6),
)
numbers = st.none() | st.integers(0, 2**40)
lines = st.builds(SourceLine, terminal_text, st.integers(0, 2**31), terminal_text)
sockets = st.builds(SocketSeen, st.integers(0, 65535), st.just(0), terminal_text, st.integers(0, 2**40), st.just(0))
threads = st.builds(
    ThreadSeen,
    st.integers(1, 2**22),
    terminal_text,
    st.sampled_from(get_args(Doing)),
    terminal_text,
    numbers,
    numbers,
    st.lists(lines, max_size=3).map(tuple),
    st.none() | terminal_text,
)
makers: st.SearchStrategy[Callable[[int], Event]] = st.one_of(
    st.builds(lambda who, data: lambda time: Shown(time, who, data), names, terminal_text),
    st.builds(lambda who, keys: lambda time: Typed(time, who, keys), names, terminal_text),
    st.builds(
        lambda who, status: lambda time: Exited(time, who, status, "itself"), names, st.none() | st.integers(-64, 255)
    ),
    st.builds(lambda who: lambda time: Ending(time, who, "script", "SIGTERM"), names),
    st.builds(lambda text: lambda time: StepBegan(time, 1, text), terminal_text),
    st.builds(lambda found: lambda time: StepEnded(time, 1, "done", found), details),
    st.builds(lambda about: lambda time: Wire(time, "drop", about), terminal_text),
    st.builds(lambda data: lambda time: Peered(time, "bob", "sends", data), st.binary(max_size=9)),
    st.builds(lambda port: lambda time: Owned(time, "alice", port), st.integers(1, 65535)),
    st.builds(lambda delay: lambda time: Sampled(time, "alice", delay), st.floats(0, 1e6)),
    st.builds(lambda who: lambda time: Bounded(time, who, 5, "packets"), st.none() | names),
    st.builds(
        lambda who, cpu, seen: lambda time: Witnessed(time, who, "end", cpu, *seen),
        names,
        st.floats(0, 64),
        st.tuples(st.lists(threads, max_size=3).map(tuple), st.lists(sockets, max_size=3).map(tuple)),
    ),
    st.builds(
        lambda who, line, left: lambda time: Called(time, who, "main", "close", 1, 0, line, 1, *left),
        names,
        lines,
        st.tuples(numbers, numbers),
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 10**12), makers), max_size=12),
    st.lists(terminal_text, max_size=3).map(tuple),
    st.integers(0, 9),
)
def test_any_run_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, given: list[tuple[int, Any]], command: tuple[str, ...], lost: int
):
    time = runs.at(0)
    events: list[Event] = [Started(time, "server", "server", "reference", ("s",), 1)]
    events.append(Started(time + 1, "alice", "client", "submission", command, None))
    for after, maker in given:
        time = events[-1].time + after
        events.append(maker(time))
    evidence = Evidence(tuple(events), runs.evidence(SCENARIO, WIRE).packets, RAW_IP, lost, 12001, {"cores": "2"})
    folder = tmp_path_factory.mktemp("run")
    assert evidence == read_run(write(folder, run_of(evidence))).evidence
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "event",
    [
        Shown(runs.at(1), "alice", "caf\udce9"),
        Started(runs.at(1), "alice", "client", "submission", ("./caf\udce9",)),
    ],
    ids=["terminal", "command"],
)
def test_bytes_that_are_no_text_come_back_too(tmp_path: Path, event: Event):
    """As Python names them: ``surrogateescape``."""
    run = run_of(runs.evidence(SCENARIO, WIRE, event))
    assert run == read_run(write(tmp_path, run))


# --- how it is written


def test_the_document_is_put_in_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    placed: list[str] = []
    replace = os.replace

    def watched(source: Path, target: Path) -> None:
        placed.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    write(tmp_path, sample())
    assert "run.json" == placed[-1]
    assert set(placed) == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("replaced", [0, 1, 2, 3])
def test_a_run_that_could_not_be_written_whole_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch, replaced: int):
    """Also where the folder held an earlier run: its document must not vouch for the half of a later one."""
    replace, left = os.replace, [replaced]

    def full(source: Path, target: Path) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(InputError, match="No space left"):
            write(folder, sample())
    refused(folder, "run.json")
    write(folder, sample())  # what is left does not stand in the way of the next


@pytest.mark.parametrize("name", ["capture.pcapng", "alice.cast"])
def test_somebodys_own_file_is_never_replaced(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UsageError, match=name) as raised:
        write(tmp_path, sample())
    assert "run.occupied" == raised.value.key
    assert [b"mine"] == [path.read_bytes() for path in tmp_path.iterdir()]


@pytest.mark.parametrize("names", [("capture.pcapng", "run.json.partial"), ("capture.pcapng.partial",), ("run.json",)])
def test_what_a_killed_command_left_is_replaced(tmp_path: Path, names: tuple[str, ...]):
    for name in names:
        (tmp_path / name).write_bytes({"run.json": b'{\n "format": "wirelab-run",\n'}.get(name, b'{\n "for'))
    run = sample()
    write(tmp_path, run)
    write(tmp_path, run)  # and a whole run is
    assert run == read_run(tmp_path)


@pytest.mark.parametrize("document", ["run.json", "run.json.partial"])
def test_somebody_elses_file_of_that_name_is_not_replaced(tmp_path: Path, document: str):
    mine = {document: b'{"format": "mine"}', "capture.pcapng": b"mine"}
    for name, data in mine.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as raised:
        write(tmp_path, sample())
    assert "run.occupied" == raised.value.key
    assert mine == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", ["run.json", "capture.pcapng"])
def test_a_run_holds_no_other_runs(tmp_path: Path, name: str):
    check_parent(tmp_path / "new")
    (tmp_path / "notes.txt").touch()
    check_parent(tmp_path)
    (tmp_path / name).touch()
    with pytest.raises(UsageError) as raised:
        check_parent(tmp_path)
    assert all(name in raised.value.text(language) for language in LANGUAGES)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as raised:
        write(tmp_path / "file" / "run", sample())
    assert "run.unwritable" == raised.value.key


# --- versions


def test_a_run_of_version_1_is_read(folder: Path):
    change(folder, lambda document: document.update(version=1))
    assert sample() == read_run(folder)


def test_the_cause_of_a_finding_is_in_the_judgement():
    said = Said(Text("{n} there", "{n} 那里"), {"n": 1})
    symptom = Finding("WL601", "alice", said, said, cause=Finding("WL652", "alice", said, said, (3,)))
    judgement = Judgement("t", (CheckResult("exits", "alice", 1, "", Verdict.FAIL, said, (symptom,)),), Verdict.FAIL)
    document: Any = as_json(judgement)
    (finding,) = document["checks"][0]["findings"]
    assert ("WL652", [3], {"en": "1 there", "zh": "1 那里"}) == tuple(
        finding["cause"][key] for key in ("code", "frames", "rationale")
    )
    assert "cause" not in finding["cause"]


# --- damage

THREAD = {"tid": 1, "name": "a", "doing": "running"}
WITNESS = {"event": "witnessed", "time": 1, "actor": "alice", "why": "end", "cpu": 0, "threads": [THREAD]}


def refused(folder: Path, name: str) -> str:
    """Why a folder is not read; the message names the file in both languages."""
    with pytest.raises(InputError) as raised:
        read_run(folder).judged()
    assert all(name in raised.value.text(language) for language in LANGUAGES)
    return str(raised.value)


def change(folder: Path, edit: Callable[[Any], object]) -> None:
    path = folder / "run.json"
    document = json.loads(path.read_text("utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_no_folder_or_another_is_no_run_folder(tmp_path: Path):
    assert "not a run folder" in refused(tmp_path, "run.json")
    assert "not a run folder" in refused(tmp_path / "nowhere", "run.json")
    (tmp_path / "file").touch()
    assert "not a run folder" in refused(tmp_path / "file", "run.json")


@pytest.mark.parametrize("name", ["capture.pcapng", "alice.cast", "server.cast", "run.json"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str):
    (folder / name).unlink()
    refused(folder, name)


@pytest.mark.parametrize("name", ["capture.pcapng", "alice.cast", "run.json"])
def test_a_folder_in_place_of_a_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    (folder / name).mkdir()
    refused(folder, name)


@pytest.mark.parametrize("name", ["capture.pcapng", "alice.cast", "run.json"])
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"nonsense\n" * 20], ids=repr)
def test_a_file_with_other_content_is_named(folder: Path, name: str, content: bytes):
    (folder / name).write_bytes(content)
    refused(folder, name)


def test_a_document_that_was_cut_anywhere_is_refused(stored: Path, folder: Path):
    whole = (stored / "run.json").read_bytes()
    for length in range(0, len(whole) - 2, max(1, len(whole) // 60)):
        (folder / "run.json").write_bytes(whole[:length])
        refused(folder, "run.json")


def test_a_capture_that_was_cut_anywhere_is_refused_unless_all_packets_are_there(stored: Path, folder: Path):
    whole, run = (stored / "capture.pcapng").read_bytes(), sample()
    for length in range(len(whole) - 1):
        (folder / "capture.pcapng").write_bytes(whole[:length])
        try:
            found = read_run(folder)
        except InputError as error:
            assert "capture.pcapng" in error.text("zh")  # noqa: PT017 - most lengths, but not all
        else:
            assert run == found


def test_a_recording_that_was_cut_inside_a_line_is_refused(stored: Path, folder: Path):
    whole = (stored / "alice.cast").read_bytes()
    second = whole.index(b"\n") + 1
    for length in range(second + 1, len(whole) - 1):
        (folder / "alice.cast").write_bytes(whole[:length])
        refused(folder, "alice.cast")


@pytest.mark.parametrize("version", [0, 3, True, "1", None, [1]])
def test_another_version_is_told(folder: Path, version: object):
    change(folder, lambda document: document.update(version=version))
    assert "version" in refused(folder, "run.json")


@pytest.mark.parametrize(
    "document", [None, 1, [], {}, {"format": "asciicast"}, {"format": "wirelab-run", "version": 1}], ids=repr
)
def test_another_document_is_told(folder: Path, document: object):
    (folder / "run.json").write_text(json.dumps(document), encoding="utf-8")
    refused(folder, "run.json")


def test_a_document_nested_without_end_is_refused(folder: Path):
    (folder / "run.json").write_text("[" * 100_000, encoding="utf-8")
    refused(folder, "run.json")


@pytest.mark.parametrize(
    "key", ["scenario", "protocol", "machine", "port", "lost", "start", "events", "format", "version"]
)
@pytest.mark.parametrize("value", ["x", None, [1]], ids=repr)
def test_a_part_of_another_type_is_refused(folder: Path, key: str, value: object):
    change(folder, lambda document: document.update({key: value}))
    refused(folder, "run.json")


@pytest.mark.parametrize("key", ["scenario", "protocol"])
def test_a_source_with_mistakes_is_refused(folder: Path, key: str):
    change(folder, lambda document: document[key].update(source="a: [1"))
    with pytest.raises(WirelabError, match=r"run\.json"):
        read_run(folder)


@pytest.mark.parametrize(
    "event",
    [
        {"event": "exited", "time": "soon", "actor": "alice", "status": 0, "by": "itself"},
        {"event": "exited", "time": 1, "actor": 5, "status": 0, "by": "itself"},
        {"event": "exited", "time": 1, "actor": "alice", "status": "0", "by": "itself"},
        {"event": "exited", "time": 1, "actor": "alice", "status": 0, "by": "nobody"},
        {"event": "exited", "time": 1, "actor": "alice", "by": "itself"},
        {"event": "exited", "time": 1, "actor": "alice", "status": 0, "by": "itself", "more": 1},
        {"event": "started", "time": 1, "actor": "alice", "role": "client", "part": "peer", "command": 5, "pid": None},
        {
            "event": "started",
            "time": 1,
            "actor": "alice",
            "role": "client",
            "part": "peer",
            "command": [5],
            "pid": None,
        },
        {"event": "peered", "time": 1, "actor": "bob", "what": "sends", "data": "xyz"},
        {"event": "sampled", "time": 1, "actor": "alice", "run_delay": "long"},
        {"event": "stepbegan", "time": 1, "index": 99, "text": "{}"},
        {"event": "stepbegan", "time": 1, "index": -1, "text": "{}"},
        {"event": "stepended", "time": 1, "index": 0, "outcome": "done", "detail": [1]},
        {"event": "wire", "time": 1, "what": "bite", "about": "alice"},
        {"event": "exploded", "time": 1},
        WITNESS | {"threads": "abc"},
        WITNESS | {"threads": [5]},
        WITNESS | {"threads": [THREAD | {"doing": "dreaming"}]},
        WITNESS | {"threads": [THREAD | {"port": "40000"}]},
        WITNESS | {"threads": [THREAD | {"mood": 1}]},
        WITNESS | {"threads": [THREAD | {"stack": [["client.py", 1, "f"]]}]},
        WITNESS | {"threads": [THREAD | {"stack": [{"file": "client.py", "line": "1", "function": "f"}]}]},
        WITNESS | {"sockets": [{"port": 1, "peer": 2, "state": "LISTEN", "unread": None, "unsent": 0}]},
        WITNESS | {"cpu": float("nan")},
        {
            "event": "called",
            "time": 1,
            "actor": "alice",
            "thread": "a",
            "call": "recv",
            "port": 1,
            "peer": 2,
            "line": 3,
        },
        {"time": 1},
        "exited",
        None,
    ],
    ids=repr,
)
def test_an_event_that_cannot_be_is_refused(folder: Path, event: object):
    change(folder, lambda document: document["events"].append(event))
    refused(folder, "run.json")


def test_an_actor_of_another_name_cannot_lead_out_of_the_folder(folder: Path):
    (folder.parent / "outside.cast").write_text("{}\n", encoding="utf-8")
    started = {"event": "started", "time": 1, "actor": "../outside", "role": "client", "part": "submission"}
    change(folder, lambda document: document["events"].append(started | {"command": [], "pid": None}))
    refused(folder, "run.json")


@pytest.mark.parametrize("line", ["[1.0]", '["x", "o", "y"]', '[Infinity, "o", "y"]', '[NaN, "o", "y"]', "{}", "x"])
def test_a_broken_line_of_a_recording_is_refused(folder: Path, line: str):
    with (folder / "alice.cast").open("a", encoding="utf-8") as cast:
        cast.write(line + "\n")
    refused(folder, "alice.cast")
