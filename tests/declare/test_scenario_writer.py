"""A scenario that is written reads back as the same values, whatever its texts hold; and reads well where it can."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.declare import steps
from wirelab.declare.expectations import (
    BroadcastExpected,
    Expectation,
    HandshakeExpected,
    HeartbeatExpected,
    MessagesExpected,
    TeardownExpected,
    TraceExpected,
)
from wirelab.declare.head import CastMember, Title
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.scenario_writer import Draft, as_yaml, scalar, write_scenario
from wirelab.declare.source import read_yaml

CAST = {"server": CastMember(role="server"), "alice": CastMember(role="client"), "bob": CastMember(role="client")}
STARTS = tuple((None, steps.Start(start=name)) for name in CAST)
TRACE = """\
alice > server  SYN      seq=x
server > alice  SYN,ACK  seq=y    ack=x+1
alice > server  ACK      seq=x+1  ack=y+1
...
either
  alice > server  FIN
or
  nothing
end
"""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "true",
        "Null",
        "~",
        "12",
        "1e3",
        "-",
        "- a",
        "a: b",
        "a #b",
        "&a",
        "*a",
        "!x",
        "|",
        "{",
        "]",
        ",",
        " a",
        "a ",
        "'",
        '"',
    ]
)
WORDS = TEXTS.filter(bool)
SECONDS = st.floats(0.001, 600, allow_nan=False) | st.integers(1, 600)
CLIENTS = st.sampled_from(["alice", "bob"])
ACTORS = st.sampled_from(list(CAST))
ACTED = st.one_of(
    st.tuples(st.none(), st.builds(steps.Wait, wait=SECONDS)),
    st.tuples(
        ACTORS,
        st.one_of(
            st.builds(steps.Type, text=TEXTS, enter=st.booleans(), every=st.floats(0, 10), repeat=st.integers(1, 1000)),
            st.builds(steps.Press, key=st.sampled_from(["ctrl-c", "ctrl-\\", "enter", "up"])),
            st.builds(steps.Shows, text=WORDS, within=SECONDS),
            st.builds(steps.NeverShows, text=WORDS, within=SECONDS),
            st.builds(steps.Exits, status=st.none() | st.integers(0, 255), within=SECONDS),
            st.builds(steps.SendSignal, name=st.sampled_from(["TERM", "KILL"])),
            st.builds(steps.CloseTerminal),
        ),
    ),
)
EXPECTED: st.SearchStrategy[Expectation] = st.one_of(
    st.builds(HandshakeExpected, handshake=CLIENTS, refused=st.booleans()),
    st.builds(MessagesExpected, messages=CLIENTS, sent=st.lists(TEXTS, max_size=3).map(tuple)),
    st.builds(HeartbeatExpected, heartbeat=CLIENTS, at_least=st.integers(0, 99), answered_within=st.floats(0.01, 60)),
    st.builds(BroadcastExpected, broadcast=TEXTS, to=st.just(("alice",)), not_to=st.sampled_from([(), ("bob",)])),
    st.builds(TeardownExpected, teardown=CLIENTS, first=st.none() | ACTORS, style=st.sampled_from(["orderly", "any"])),
    st.just(TraceExpected(trace=TRACE)),
)
DRAFTS = st.builds(
    Draft,
    st.sampled_from(["a", "heartbeat/my-first", "true", "12"]),
    st.builds(Title, en=WORDS, zh=WORDS),
    st.sampled_from(["client", "server", "both"]),
    st.just(CAST),
    st.lists(ACTED, max_size=5).map(lambda some: (*STARTS, *some)),
    st.lists(EXPECTED, max_size=4).map(tuple),
    st.sampled_from(["line", "my-own"]),
    st.integers(1024, 65535),
    st.dictionaries(st.sampled_from(["HEARTBEAT", "X", "true"]), TEXTS | st.integers(-9, 9) | st.floats(-1, 1)),
    st.booleans(),
    st.lists(TEXTS, max_size=2).map(tuple),
)


@given(DRAFTS)
def test_what_is_written_reads_back_as_the_same(draft: Draft) -> None:
    read = parse_scenario(write_scenario(draft), "t.yaml")
    assert (draft.name, draft.title, draft.tests) == (read.name, read.title, read.tests)
    assert (draft.protocol, draft.port, draft.amplify) == (read.protocol, read.port, read.amplify)
    assert {key: str(value) for key, value in draft.env.items()} == read.env
    assert draft.cast == read.cast
    assert draft.script == tuple((step.actor, step.action) for step in read.script)
    assert draft.expect == tuple(item.expectation for item in read.expect)


@given(TEXTS)
def test_a_text_stays_that_text_inside_braces(text: str) -> None:
    assert {"key": text, "after": 1} == read_yaml(f"{{key: {scalar(text)}, after: 1}}", "t").data


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Listening on", "Listening on"),
        ("/quit", "/quit"),
        ("half a ", '"half a "'),
        ("true", '"true"'),
        ("12", '"12"'),
        ("a, b", '"a, b"'),
        ("你好", '"你好"'),
        ("\x1b[2J\u202e", '"\\u001b[2J\\u202e"'),
        ("", '""'),
    ],
)
def test_what_is_plain_stays_plain_and_nothing_hides(text: str, written: str) -> None:
    assert written == scalar(text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.00001, "0.00001"),
        (1e22, "10000000000000000000000"),
        ({"A, B": 1, "true": None, "x: y": [True, "a: b"]}, '{"A, B": 1, "true": null, "x: y": [true, "a: b"]}'),
    ],
)
def test_a_value_is_one_line_of_yaml(value: object, written: str) -> None:
    assert written == as_yaml(value)


def test_a_scenario_reads_well() -> None:
    script = (
        (None, steps.Start(start="server", until="Listening on")),
        (None, steps.Start(start="alice", until="Connected to")),
        ("alice", steps.Type(text="half a", enter=False)),
        (None, steps.Wait(wait=1.5)),
        ("alice", steps.Press(key="ctrl-d")),
        ("alice", steps.Exits(status=0)),
    )
    expect = (HeartbeatExpected(heartbeat="alice", at_least=3), TraceExpected(trace="alice > server  SYN\n...\n"))
    cast = {name: CAST[name] for name in ("server", "alice")}
    draft = Draft("a/b", Title(en="One, two", zh="一"), "client", cast, script, expect, env={"HEARTBEAT_INTERVAL": 0.5})
    expected = """\
# made\x20
scenario: a/b
title: {en: "One, two", zh: "一"}
tests: client
env: {HEARTBEAT_INTERVAL: 0.5}
cast:
  server: {role: server}
  alice: {role: client}
script:
  - {start: server, until: Listening on}
  - {start: alice, until: Connected to}
  - {alice: type, text: half a, enter: false}
  - {wait: 1.5}
  - {alice: press, key: ctrl-d}
  - {alice: exits, status: 0}
expect:
  - {heartbeat: alice, at_least: 3}
  - trace: |
      alice > server  SYN
      ...
""".replace("made\x20", "made scenario: no")
    assert expected == write_scenario(replace(draft, remarks=("made\nscenario: no",)))
