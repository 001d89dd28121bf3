"""Scenarios: every mistake an author can make is told, all at once; and what a right one becomes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from wirelab.base.errors import AuthorError
from wirelab.base.texts import LANGUAGES, catalogue
from wirelab.declare import steps
from wirelab.declare.expectations import EXPECTATIONS, TeardownExpected, TraceExpected
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.declare.trace import lines_of

ROOT = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted(path for path in ROOT.glob("*/*.yaml") if path.parent.name != "protocols")

WHOLE = """\
scenario: a/b
title: {en: T, zh: 题}
tests: client
env: {HEARTBEAT_INTERVAL: 0.2, NAME: x, COUNT: 3}
cast:
  server: {role: server}
  alice: {role: client, env: {LANG: C}}
  bob: {role: client, peer: true, answers: true}
  carol: {role: client, plays: reference}
script:
  - {start: server, until: Listening on}
  - {start: alice}
  - {start: bob}
  - {start: carol}
  - {alice: type, text: hi}
expect:
  - {handshake: alice}
"""
STEP = "  - {alice: type, text: hi}\n"
CHECK = "  - {handshake: alice}\n"


def parse(text: str) -> Scenario:
    return parse_scenario(text, "a/b.yaml", path_name="a/b")


def problems(text: str) -> list[tuple[str, str, str]]:
    """Place, key and English text of every mistake; each is one line in both languages."""
    with pytest.raises(AuthorError) as raised:
        parse(text)
    for language in LANGUAGES:
        lines = raised.value.text(language).splitlines()
        assert len(raised.value.problems) == len(lines)
        assert all("{}" not in line and "None" not in line for line in lines)
    found = raised.value.problems
    return [(f"{problem.place.line}:{problem.place.column}", problem.key, problem.text("en")) for problem in found]


def with_step(step: str) -> str:
    return WHOLE.replace(STEP, f"  - {step}\n")


def with_check(check: str) -> str:
    return WHOLE.replace(CHECK, f"  - {check}\n")


# --- what a right one becomes


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_scenario_is_right_and_named_as_its_path(path: Path):
    name = f"{path.parent.name}/{path.stem}"
    scenario = parse_scenario(path.read_text("utf-8"), str(path), path_name=name)
    assert name == scenario.name
    assert path.read_text("utf-8") == scenario.text
    lines = path.read_text("utf-8").splitlines()
    assert all(step.written.splitlines()[0] in lines[step.line - 1] for step in scenario.script)
    assert "submission" in {scenario.part(actor) for actor in scenario.cast}


@pytest.mark.parametrize(("line", "amplified"), [("", False), ("amplify: true\n", True), ("amplify: false\n", False)])
def test_races_are_amplified_only_where_the_head_says_so(line: str, amplified: bool):
    assert amplified == parse(WHOLE.replace("tests: client\n", "tests: client\n" + line)).amplify


def test_every_scenario_about_locking_amplifies_races_and_no_other():
    found = {path: parse_scenario(path.read_text("utf-8"), str(path)).amplify for path in SHIPPED}
    assert [path for path in SHIPPED if path.parent.name == "locking"] == [path for path in SHIPPED if found[path]]


def test_ten_scenarios_at_least_are_shipped_over_four_topics():
    assert len(SHIPPED) >= 10
    assert {"messaging", "heartbeat", "broadcast", "teardown"} <= {path.parent.name for path in SHIPPED}


def test_what_a_scenario_holds():
    scenario = parse(WHOLE)
    assert ("a/b", "client", "line", 12001) == (scenario.name, scenario.tests, scenario.protocol, scenario.port)
    assert ("T", "题") == (scenario.title.en, scenario.title.zh)
    assert {"HEARTBEAT_INTERVAL": "0.2", "NAME": "x", "COUNT": "3"} == scenario.env
    assert ("alice", "bob", "carol") == scenario.clients
    first, last = scenario.script[0], scenario.script[-1]
    assert (0, 11, None, "{start: server, until: Listening on}") == (
        first.index,
        first.line,
        first.actor,
        first.written,
    )
    assert (4, 15, "alice", "{alice: type, text: hi}") == (last.index, last.line, last.actor, last.written)
    assert steps.Type(text="hi") == last.action
    assert (17, "{handshake: alice}") == (scenario.expect[0].line, scenario.expect[0].written)


@pytest.mark.parametrize(
    ("tests", "parts"),
    [
        ("client", {"server": "reference", "alice": "submission", "bob": "peer", "carol": "reference"}),
        ("server", {"server": "submission", "alice": "reference", "bob": "peer", "carol": "reference"}),
        ("both", {"server": "submission", "alice": "submission", "bob": "peer", "carol": "reference"}),
    ],
)
def test_who_plays_whom(tests: str, parts: dict[str, str]):
    scenario = parse(WHOLE.replace("tests: client", f"tests: {tests}"))
    assert parts == {actor: scenario.part(actor) for actor in scenario.cast}


def test_a_scenario_is_frozen():
    scenario = parse(WHOLE)
    with pytest.raises(FrozenInstanceError):
        scenario.port = 1  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        scenario.script[0].line = 1  # type: ignore[misc]
    for model in (scenario.title, scenario.cast["alice"], scenario.script[0].action, scenario.expect[0].expectation):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(model, type(model).__struct_fields__[0], "x")


def test_steps_may_be_written_over_several_lines():
    scenario = parse(with_step("alice: type\n    text: hi\n    enter: false  # half a line\n  # done"))
    assert "alice: type\n    text: hi\n    enter: false" == scenario.script[-1].written
    assert steps.Type(text="hi", enter=False) == scenario.script[-1].action


STEPS = [
    "{wait: 0.5}",
    "{cut: all}",
    "{cut: alice}",
    "{heal: all}",
    "{drop: FIN, from: client}",
    "{drop: DATA, from: server, of: alice, nth: 3, after: FIN}",
    "{inject: RST, to: alice}",
    "{inject: RST, to: server, of: alice}",
    "{alice: type, text: hi, enter: false, every: 0.1}",
    "{alice: type, text: hi, repeat: 40}",
    "{alice: press, key: ctrl-c}",
    r"{alice: press, key: ctrl-\}",
    "{alice: shows, text: hi, within: 1}",
    "{alice: shows, pattern: 'h.'}",
    "{alice: never shows, text: hi}",
    "{alice: exits}",
    "{alice: exits, status: 0, within: 2}",
    "{alice: signal, name: STOP}",
    "{alice: closes terminal}",
    "{bob: sends, text: MSG hi, pieces: bytes, pause: 0.01, repeat: 2}",
    "{bob: sends, text: [MSG a, MSG b], pieces: [1, 2]}",
    r'{bob: sends, raw: "MSG a\n"}',
    "{bob: sends, hex: 4d 53 47}",
    "{bob: expects, text: HEARTBEAT 1}",
    "{bob: expects, pattern: 'H.*'}",
    "{bob: expects, end: fin, within: 3}",
    "{bob: half-closes}",
    "{bob: closes}",
    "{bob: resets}",
    "{bob: stops reading}",
    "{bob: reads again}",
]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_can_be_written(step: str):
    assert step == parse(with_step(step)).script[-1].written


def test_every_verb_is_among_them():
    played = {type(parse(with_step(step)).script[-1].action) for step in STEPS} | {steps.Start}
    assert set(steps.BY_VERB.values()) == played


@pytest.mark.parametrize(
    "check",
    [
        "{handshake: alice}",
        "{messages: bob, sent: []}",
        "{heartbeat: alice, at_least: 0, answered_within: 0.5}",
        "{broadcast: news, to: [alice, bob], not_to: [carol]}",
        "{teardown: alice, first: server, style: any}",
        "trace: |\n      alice > server SYN\n      ...",
    ],
)
def test_every_expectation_can_be_written(check: str):
    assert check == parse(with_check(check)).expect[0].written


def test_every_expectation_is_among_them():
    words = {model.check for model in EXPECTATIONS}
    assert {"handshake", "messages", "heartbeat", "broadcast", "teardown", "trace"} == words
    expectation = parse(with_check("{teardown: alice}")).expect[0].expectation
    assert TeardownExpected(teardown="alice", first=None, style="orderly") == expectation


# --- what is wrong with it

MISTAKES: list[tuple[str, str, str, str]] = [
    # key of the text, what is wrong, where, and what is said of it
    ("actor-name", WHOLE.replace("carol", "Carol"), "9:3", "'Carol' cannot be an actor's name"),
    ("actor-name", WHOLE.replace("carol", "all"), "9:3", "'all' cannot be an actor's name"),
    ("actor-name", WHOLE.replace("carol", "text"), "9:3", "'text' cannot be an actor's name"),
    ("unknown-actor", with_step("{cut: alise}"), "15:11", "no actor 'alise' in the cast (did you mean 'alice'?)"),
    ("unknown-actor", with_step("{inject: RST, to: nobody}"), "15:23", "the cast is: server, alice, bob, carol"),
    ("unknown-actor", with_check("{handshake: alise}"), "17:17", "did you mean 'alice'?"),
    ("unknown-actor", with_check("{teardown: alice, first: sever}"), "17:30", "did you mean 'server'?"),
    ("unknown-actor", with_check("{broadcast: x, to: [alice, dave]}"), "17:32", "no actor 'dave'"),
    ("unknown-step", with_step("{alise: type, text: hi}"), "15:6", "unknown step 'alise' (did you mean 'alice'?)"),
    ("unknown-step", with_step("{wiat: 1}"), "15:6", "unknown step 'wiat' (did you mean 'wait'?)"),
    (
        "unknown-verb",
        with_step("{alice: types, text: hi}"),
        "15:13",
        "'alice' cannot do 'types' (did you mean 'type'?)",
    ),
    ("unknown-verb", with_step("{alice: [a]}"), "15:13", "'alice' cannot do 'a list'"),
    ("unknown-verb", with_step("{alice: wait}"), "15:13", "'alice' cannot do 'wait'"),
    ("unknown-verb", with_step("{alice: }"), "15:", "'alice' cannot do 'nothing'"),
    ("step-shape", with_step("wait"), "15:5", "found wait"),
    ("step-shape", with_step("[wait, 1]"), "15:5", "found a list"),
    ("step-shape", with_step("{}"), "15:5", "found { }"),
    ("step-shape", with_step("null"), "15:5", "found nothing"),
    ("step-shape", with_check("handshake"), "17:5", "found handshake"),
    (
        "unknown-check",
        with_check("{handshak: alice}"),
        "17:6",
        "unknown expectation 'handshak' (did you mean 'handshake'?)",
    ),
    (
        "not-started",
        WHOLE.replace("  - {start: alice}\n", "", 1).replace(CHECK, "  - {handshake: bob}\n"),
        "14:6",
        "alice",
    ),
    (
        "not-started",
        WHOLE.replace("  - {start: carol}\n", "").replace(CHECK, "  - {teardown: carol}\n"),
        "16:16",
        "carol",
    ),
    ("started-twice", with_step("{start: alice}"), "15:13", "'alice' is started here a second time"),
    ("needs-program", with_step("{bob: type, text: hi}"), "15:11", "peers can: sends, expects"),
    ("needs-peer", with_step("{alice: sends, text: hi}"), "15:13", "(cast: {alice: {role: …, peer: true}})"),
    ("peer-until", WHOLE.replace("{start: bob}", "{start: bob, until: x}"), "13:18", "'bob' is a scripted peer"),
    ("whose", with_step("{inject: RST, to: server}"), "15:23", "its clients: alice, bob, carol"),
    ("one-of", with_step("{alice: shows}"), "15:5", "exactly one of text, pattern"),
    ("one-of", with_step("{alice: shows, text: a, pattern: b}"), "15:5", "exactly one of text, pattern"),
    ("one-of", with_step("{bob: sends}"), "15:5", "exactly one of text, raw, hex"),
    ("one-of", with_step("{bob: expects, text: a, end: fin}"), "15:5", "exactly one of text, pattern, end"),
    ("not-client", with_step("{cut: server}"), "15:11", "'server' is the server"),
    ("not-client", with_step("{bob: sends, text: x, to: server}"), "15:31", "'server' is the server"),
    ("not-client", with_check("{messages: server, sent: []}"), "17:16", "its client: alice, bob, carol"),
    ("trace-block", with_check("{trace: alice > server SYN}"), "17:13", "written as a block"),
    ("trace-block", with_check("trace: >\n      alice > server SYN"), "17:12", "'- trace: |', and its lines below"),
    ("trace-sides", with_check("trace: |\n\n      bob > alice SYN"), "19:13", "'bob' and 'alice' are both clients"),
    (
        "not-started",
        WHOLE.replace("  - {start: carol}\n", "").replace(CHECK, "  - trace: |\n      server > carol SYN\n"),
        "17:16",
        "'carol' is used here before a step starts it",
    ),
    (
        "no-part",
        WHOLE.replace("alice: {role: client", "alice: {role: client, peer: true").replace(STEP, ""),
        "3:8",
        "client",
    ),
    *(
        ("interval", WHOLE.replace("0.2", value), "4:27", f"above 0 as HEARTBEAT_INTERVAL, not '{value}'")
        for value in ("fast", "0", "-1", "1000000.0", "1e-05")
    ),
    (
        "interval",
        WHOLE.replace("server: {role: server", "server: {role: server, env: {HEARTBEAT_INTERVAL: x}"),
        "6:",
        "which 'server' is",
    ),
    (
        "interval",
        WHOLE.replace("tests: client", "tests: both")
        .replace("role: server", "role: server, plays: reference")
        .replace("0.2", "fast"),
        "4:",
        "which 'server' is",
    ),
    ("name", WHOLE.replace("a/b", "a/c"), "1:11", "the scenario is called 'a/c' but its file is 'a/b'"),
]


@pytest.mark.parametrize(("key", "text", "place", "said"), MISTAKES, ids=[f"{item[0]}-{item[2]}" for item in MISTAKES])
def test_every_mistake_is_told_with_its_place(key: str, text: str, place: str, said: str):
    found = problems(text)
    assert [f"scenario.{key}"] == [problem[1] for problem in found]
    assert found[0][0].startswith(place)
    assert said in found[0][2]


@pytest.mark.parametrize(
    "text",
    [
        WHOLE.replace("tests: client", "tests: server").replace("0.2", "fast"),
        WHOLE.replace("{role: server", "{role: server, peer: true")
        .replace("0.2", "a")
        .replace(", until: Listening on", ""),
        WHOLE.replace("0.2", "fast").replace("{role: server", "{role: server, env: {HEARTBEAT_INTERVAL: 1}"),
        WHOLE.replace("{role: client, env: {", "{role: client, env: {HEARTBEAT_INTERVAL: x, "),
    ],
    ids=["submission", "peer", "own", "client"],
)
def test_an_interval_that_no_reference_server_gets_may_be_anything(text: str):
    assert "server" in parse(text).cast


def test_every_text_of_the_catalogue_is_produced():
    assert {key for key in catalogue() if key.startswith("scenario.")} == {f"scenario.{item[0]}" for item in MISTAKES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            with_step("{alice: type, txt: hi}"),
            ["15:5 'text' is missing", "15:19 unknown key 'txt' (did you mean 'text'?)"],
        ),
        (with_step("{wait: soon}"), ["15:12 'wait' must be a number, found 'soon'"]),
        (with_step("{wait: -1}"), ["15:12 'wait' must be at least 0, found -1"]),
        (
            with_step("{alice: type, text: hi, repeat: 0}"),
            ["15:37 'repeat' must be at least 1, found 0"],
        ),
        (with_step("{alice: type, text: hi, repeat: 1001}"), ["15:37 'repeat' must be at most 1000, found 1001"]),
        (with_step("{alice: type, text: hi, repeat: often}"), ["15:37 'repeat' must be a whole number, found 'often'"]),
        (with_step("{wait: 1, until: x}"), ["15:15 unknown key 'until'; known here: wait"]),
        (with_step("{alice: press, key: ctrl-x}"), ["15:25 'key' must be one of ctrl-c, "]),
        (
            with_step("{bob: sends, hex: 4d5}"),
            ["15:23 'hex' must be pairs of hexadecimal digits, as in 4d 53 47, found '4d5'"],
        ),
        (
            with_step("{bob: sends, text: 1}"),
            ["15:24 'text' must be text (put it in quotes) or a list in [ ], found 1"],
        ),
        (
            with_step("{bob: sends, text: a, pieces: halves}"),
            ["15:35 'pieces' must be one of whole, bytes, found 'halves'"],
        ),
        (with_check("{heartbeat: alice, at_last: 2}"), ["17:24 unknown key 'at_last' (did you mean 'at_least'?)"]),
        (with_check("{teardown: alice, style: polite}"), ["17:30 'style' must be one of orderly, reset, any"]),
        (
            WHOLE.replace("NAME: x", "NAME: true"),
            ["4:38 'NAME' must be text (put it in quotes) or a whole number or a num"],
        ),
        (
            WHOLE.replace("NAME: x", "A=B: x"),
            ["4:32 'A=B' must be letters, digits and _, not beginning with a digit, found"],
        ),
        (
            WHOLE.replace("role: server", "rol: server"),
            ["6:11 'role' is missing", "6:12 unknown key 'rol' (did you mean 'role'?)"],
        ),
        (WHOLE.replace("{en: T, zh: 题}", "{en: T}"), ["2:8 'zh' is missing"]),
        (
            WHOLE.replace("tests: client", "tests: cleint"),
            ["3:8 'tests' must be one of client, server, both, found 'cleint' (did"],
        ),
        ("[]", ["1:1 'a/b.yaml' must be a mapping in { }, found a list"]),
        ("just words", ["1:1 'a/b.yaml' must be a mapping in { }, found 'just words'"]),
    ],
)
def test_a_wrong_key_or_value_is_told_once(text: str, expected: list[str]):
    found = [f"{place} {said.split(': ', 1)[1]}" for place, _, said in problems(text)]
    assert expected == [line[: len(start)] for line, start in zip(found, expected, strict=False)]
    assert len(expected) == len(found)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = WHOLE.replace("题", "''").replace("role: server", "role: sever").replace("a/b", "a/c", 1)
    text = text.replace(STEP, "  - {alise: type, text: hi}\n  - {alice: shows}\n  - {wait: soon}\n")
    text = text.replace(CHECK, "  - {handshake: alise}\n  - {teardwn: alice}\n")
    found = problems(text)
    assert ["2", "6", "15", "16", "17", "19", "20"] == [place.split(":")[0] for place, _, _ in found]


def test_a_wrong_cast_member_does_not_bring_further_complaints():
    """Of a peer whose ``peer`` is mistyped it is not said as well that it cannot send."""
    text = with_step("{bob: sends, text: hi}").replace("peer: true", "peeer: true")
    assert [("8:23", "source.unknown-key")] == [problem[:2] for problem in problems(text)]


def test_a_right_cast_is_used_even_where_the_head_is_wrong():
    text = with_step("{bob: type, text: hi}").replace("tests: client", "tests: nobody")
    assert ["source.choice", "scenario.needs-program"] == [problem[1] for problem in problems(text)]


def test_a_name_that_no_actor_can_have_is_told_though_the_head_is_wrong():
    text = WHOLE.replace("carol", "Bob Smith").replace("bob:", "all:").replace("tests: client", "tests: nobody")
    expected = [("3:8", "source.choice"), ("8:3", "scenario.actor-name"), ("9:3", "scenario.actor-name")]
    assert expected == [problem[:2] for problem in problems(text)][:3]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{bob: sends, text: a, hex: 4d5}", [("15:5", "scenario.one-of"), ("15:32", "source.range")]),
        ("{alice: shows, within: soon}", [("15:5", "scenario.one-of"), ("15:28", "source.type")]),
        ("{drop: FINN, from: client, of: alise}", [("15:12", "source.choice"), ("15:36", "scenario.unknown-actor")]),
        ("{inject: FIN, to: server}", [("15:14", "source.choice"), ("15:23", "scenario.whose")]),
        ("{alice: shows, pattern: '(', within: 0}", [("15:29", "pattern.regex"), ("15:42", "source.range")]),
        ("{alice: shows, pattern: '(a+)+b', within: 0}", [("15:29", "pattern.nested"), ("15:47", "source.range")]),
        ("{bob: press, key: x}", [("15:11", "scenario.needs-program"), ("15:23", "source.choice")]),
        # What is misspelt is told once: it is not said as well that it is not there.
        ("{alice: shows, txt: hi}", [("15:20", "source.unknown-key")]),
        ("{inject: RST, to: server, off: alice}", [("15:31", "source.unknown-key")]),
    ],
)
def test_one_mistake_in_a_step_does_not_hide_another(step: str, expected: list[tuple[str, str]]):
    assert expected == [problem[:2] for problem in problems(with_step(step))]


def test_one_mistake_in_an_expectation_does_not_hide_another():
    expected = ["scenario.unknown-actor", "source.choice"]
    assert expected == [key for _, key, _ in problems(with_check("{teardown: alise, style: polite}"))]
    expected = ["source.type", "scenario.unknown-actor"]
    assert expected == [key for _, key, _ in problems(with_check("{broadcast: x, to: bob, not_to: [alise]}"))]


def test_a_key_given_twice_does_not_hide_the_rest():
    text = WHOLE.replace("tests: client\n", "tests: client\ntests: nobody\n")
    text = text.replace(STEP, "  - {alice: shows, text: a, text: b}\n  - {wait: soon}\n")
    found = [problem[:2] for problem in problems(text)]
    assert [("4:1", "source.duplicate"), ("16:29", "source.duplicate"), ("17:12", "source.type")] == found


def test_in_chinese_a_word_that_is_not_stands_between_spaces():
    with pytest.raises(AuthorError) as raised:
        parse(with_step("{alice: type, text: 1, enter: 2}"))
    first, second = raised.value.text("zh").splitlines()
    assert first.endswith("'text' 应为文字（请加引号），这里是 1")
    assert second.endswith("'enter' 应为 true 或 false，这里是 2")


TRACE = """\
trace: |
      # the opening
      alice > server   SYN      seq=x
      server > alice   SYN,ACK  seq=y    ack=x+1
      ...
"""


def test_a_trace_is_read_with_the_places_of_the_file():
    scenario = parse(with_check(TRACE))
    (item,) = scenario.expect
    assert item.trace is not None
    assert (17, "alice > server   SYN      seq=x") == (item.line, next(lines_of(item.trace.items)).text)
    assert [(19, 7), (20, 7), (21, 7)] == [(part.place.line, part.place.column) for part in item.trace.items]
    assert {"alice": "client", "server": "server"} == scenario.sides(item.trace)
    assert TraceExpected(trace=item.trace.text) == item.expectation


@pytest.mark.parametrize(
    ("trace", "places"),
    [
        (TRACE.replace("seq=x\n", "sqe=x\n"), ["19:33"]),
        (TRACE.replace("trace: |", "trace: |2-").replace("      ", "       "), []),  # 1 beyond the indentation told
        (
            TRACE.replace("trace: |", "trace: |1-  # so").replace("  SYN ", "  SYM ").replace("      ", "     "),
            ["19:23"],
        ),
        (TRACE.replace("alice", "alise"), ["19:7", "20:16"]),
        (TRACE.replace("      ", "   \t ").replace("seq", "sqe"), None),  # a tab cannot indent a block
        ("trace: |\n", ["18:1"]),
        ("trace: 3", ["17:12"]),
        ("{trace: [a]}", ["17:13"]),
        (TRACE + "    also: 1\n", ["22:5"]),
        (TRACE.replace("alice > server", "bob > bob"), ["19:13"]),
    ],
)
def test_mistakes_in_a_trace_are_told_where_they_stand_in_the_file(trace: str, places: list[str] | None):
    text = with_check(trace)
    if not places:
        if places is None:
            assert ["source.tab"] == [key for _, key, _ in problems(text)]
        else:
            parse(text)
        return
    assert places == [place for place, _, _ in problems(text)]


def test_mistakes_of_a_trace_and_of_the_rest_are_told_together():
    text = with_check(TRACE.replace("ack=x+1", "akc=x+1")).replace("tests: client", "tests: cleint")
    assert ["3:8", "20:42"] == [place for place, _, _ in problems(text)]


def test_the_place_decides_the_name_only_where_there_is_one():
    assert "a/b" == parse_scenario(WHOLE, "elsewhere.yaml").name
