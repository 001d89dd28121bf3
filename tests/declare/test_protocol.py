"""Profiles: what the shipped ones say, and what an author is told who makes a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirelab.base.errors import AuthorError
from wirelab.base.texts import LANGUAGES
from wirelab.declare.protocol import load_profile
from wirelab.observe.framing import Framing
from wirelab.observe.messages import MessageSpec

SHIPPED = Path(__file__).parents[2] / "scenarios" / "protocols"

HEAD = """\
protocol: mine
framing: {kind: line}
messages:
  - {name: ask, from: server, pattern: 'ASK (?P<n>[0-9]+)', template: 'ASK {n}'}
"""
UNFRAMED = HEAD.replace("line", "none")


def mistakes(text: str) -> list[str]:
    with pytest.raises(AuthorError) as raised:
        load_profile(text, "mine.yaml")
    for language in LANGUAGES:
        assert len(raised.value.problems) == len(raised.value.text(language).splitlines())
    return str(raised.value).splitlines()


def test_a_key_given_twice_does_not_hide_the_rest():
    text = HEAD.replace("ASK {n}", "ASK {m}").replace("protocol: mine", "protocol: mine\nprotocol: yours")
    doubled, meaning = mistakes(text)
    assert doubled.startswith("mine.yaml:2:1: the key 'protocol' stands here a second time (first in line 1)")
    assert meaning.startswith("mine.yaml:5:")
    assert "(?P<m>…)" in meaning
    both = mistakes(text.replace("framing", "framming"))
    assert doubled in both
    assert any(line.startswith("mine.yaml:3:1: unknown key 'framming'") for line in both)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_profiles_are_right(path: Path):
    profile = load_profile(path.read_text(encoding="utf-8"), path.name)
    assert path.stem == profile.name
    assert {"message", "heartbeat", "heartbeat-ack", "broadcast"} == {spec.name for spec in profile.messages}
    answer = profile.spec("heartbeat-ack")
    assert answer is not None
    assert ("client", "heartbeat") == (answer.sender, answer.answers)


def test_three_profiles_are_shipped():
    assert ["bare.yaml", "length.yaml", "line.yaml"] == sorted(path.name for path in SHIPPED.iterdir())


@pytest.mark.parametrize(
    ("name", "message", "wire"),
    [
        ("line", "message", b"MSG hi\n"),
        ("length", "message", b"\0\0\0\6MSG hi"),
        ("bare", "message", b"hi"),
        ("line", "broadcast", b"BROADCAST hi\n"),
        ("line", "heartbeat", b"HEARTBEAT 3\n"),
        ("line", "heartbeat-ack", b"HEARTBEAT-ACK 3\n"),
        ("length", "heartbeat", b"\0\0\0\x0bHEARTBEAT 3"),
        ("bare", "heartbeat", b"HEARTBEAT"),
        ("bare", "heartbeat-ack", b"HEARTBEAT_ACK"),
    ],
)
def test_what_the_shipped_profiles_put_on_the_wire(name: str, message: str, wire: bytes):
    profile = load_profile((SHIPPED / f"{name}.yaml").read_text(encoding="utf-8"), name)
    assert wire == profile.encode(message, text="hi", n="3")


@pytest.mark.parametrize("text", ["MSG", "MSG "])
def test_an_empty_line_typed_may_be_written_in_two_ways(text: str):
    profile = load_profile((SHIPPED / "line.yaml").read_text(encoding="utf-8"), "line.yaml")
    found = profile.recognise("client", text)
    assert found is not None
    assert ("message", {"text": ""}) == (found[0].name, found[1])
    assert profile.recognise("client", "MSGx") is None


def test_everything_written_arrives_in_the_profile():
    text = """\
protocol: mine
framing: {kind: length-prefix, width: 2, order: little, limit: 100}
encoding: gb18030
messages:
  - {name: ask, from: server, pattern: '\\{"ask": (?P<n>[0-9a-f]{3})\\}', template: '{"ask": {n}}', example: {n: abc}}
  - {name: told, from: client, literal: 'OK. (really)', answers: ask}
"""
    profile = load_profile(text, "mine.yaml")
    assert ("mine", "gb18030") == (profile.name, profile.encoding)
    assert Framing("length-prefix", 100, 2, "little") == profile.framing
    assert (
        MessageSpec("ask", "server", '\\{"ask": (?P<n>[0-9a-f]{3})\\}', '{"ask": {n}}'),
        MessageSpec("told", "client", r"OK\.\ \(really\)", "OK. (really)", "ask"),
    ) == profile.messages
    assert profile.encode("told") == b"\x0c\0OK. (really)"
    assert profile.encode("ask", n="1ff") == b'\x0c\0{"ask": 1ff}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("protocol: mine\nframing: {kind: line}\n", "mine.yaml:1:1: 'messages' is missing"),
        (
            HEAD.replace("line", "lines"),
            "mine.yaml:2:17: 'kind' must be one of line, length-prefix, none, found 'lines' (did you mean",
        ),
        (HEAD.replace("line}", "line, width: 2}"), "mine.yaml:2:23: 'width' belongs to 'kind: length-prefix'"),
        (UNFRAMED.replace("none}", "none, limit: 9}"), "mine.yaml:2:23: framing 'none' has no frames to limit"),
        (
            HEAD.replace("line}", "length-prefix, limit: 4}"),
            "mine.yaml:2:39: the limit counts the length field as well",
        ),
        (HEAD + "  - {name: b, from: client}\n", "mine.yaml:5:5: a message needs either 'pattern' with 'template', or"),
        (HEAD + "  - {name: b, from: client, pattern: B}\n", "mine.yaml:5:5: a message needs either"),
        (HEAD + "  - {name: b, from: client, literal: B, raw: true}\n", "mine.yaml:5:5: a message needs either"),
        (
            HEAD + "  - {name: b, from: client, pattern: 'B (', template: B}\n",
            "mine.yaml:5:41: not a regular expression: missing ), unterminated subpattern",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: B**, template: B}\n",
            "mine.yaml:5:40: not a regular expression: multiple repeat",
        ),
        (
            HEAD
            + '  - {name: b, from: client, pattern: "\\\\w\\\\", template: B}\n',  # escaped: columns do not match up
            "mine.yaml:5:38: not a regular expression: bad escape (end of pattern)",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: '[[a]', template: B}\n",
            "mine.yaml:5:38: not a regular expression: Possible nested",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: 'B{99999999999}', template: B}\n",
            "mine.yaml:5:38: not a regular expression: the rep",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: 'B (\\w+\\s*)+', template: B a}\n",
            "mine.yaml:5:49: a repetition inside a repetition",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: 'B (?P<text>.*)', template: 'B {txt}'}\n",
            "mine.yaml:5:66: the template uses {txt} but the pattern has no group of that name (did you mean 'text'?); "
            "write (?P<txt>…) in the pattern",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: 'B: (?P<text>.*)', template: 'B {text}'}\n",
            "mine.yaml:5:67: the pattern does not recognise what the template makes of text='7': 'B 7'",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: A, template: B}\n",
            "mine.yaml:5:51: the pattern does not recognise",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: '(?P<n>..) .*', template: '{n} ', example: {n: '123'}}\n",
            "mine.yaml:5:64: the pattern does not recognise what the template makes of n='123'",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: '(?P<no>.)', template: '{no}', example: {on: a}}\n",
            "mine.yaml:5:79: the template has no {on}",
        ),
        (
            HEAD + '  - {name: b, from: client, literal: "B\\n"}\n',
            "mine.yaml:5:38: 'B\\n' cannot be sent with this framing",
        ),
        (
            HEAD + "  - {name: b, from: client, literal: 心跳}\nencoding: latin-1\n",
            "mine.yaml:5:38: '心跳' cannot be sent with this framing and encoding",
        ),
        (
            UNFRAMED + "  - {name: b, from: client, pattern: 'B (?P<t>.*)', template: 'B {t}'}\n",
            "mine.yaml:5:38: without framing the pattern must say where the message ends; this one also takes",
        ),
        (
            HEAD
            + "  - {name: all, from: server, pattern: '.*', template: all}\n  - {name: b, from: server, literal: B}\n",
            "mine.yaml:6:12: 'b' would never be seen: 'all' stands before it and takes 'B' first",
        ),
        (
            UNFRAMED + "  - {name: a, from: client, literal: AB}\n  - {name: b, from: client, literal: ABC}\n",
            "mine.yaml:6:12: 'b' would never be seen: 'a' stands before it and takes 'ABC' first",
        ),
        (HEAD + "  - {name: ask, from: client, literal: B}\n", "mine.yaml:5:12: there is already a message 'ask'"),
        (HEAD + "  - {name: b, from: client, raw: true}\n", "mine.yaml:5:29: 'raw' is for framing 'none'"),
        (
            UNFRAMED + "  - {name: a, from: client, raw: true}\n  - {name: b, from: client, raw: true}\n",
            "mine.yaml:6:29: 'a' is already the raw text of the client",
        ),
        (
            HEAD + "  - {name: b, from: client, literal: B, answers: aks}\n",
            "mine.yaml:5:50: there is no message 'aks' (did you mean 'ask'?); the other side's messages: ask",
        ),
        (
            HEAD + "  - {name: b, from: server, literal: B, answers: ask}\n",
            "mine.yaml:5:50: 'ask' is sent by the server too",
        ),
        (HEAD + "  - {name: b, from: client, literal: B, by: n}\n", "mine.yaml:5:41: 'by' needs 'answers'"),
        (
            HEAD + "  - {name: b, from: client, literal: B, answers: ask, by: n}\n",
            "mine.yaml:5:59: 'b' has no group 'n'; 'by' must be a group of both messages",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: '(?P<nn>.)', template: '{nn}', answers: ask, by: nn}\n",
            "mine.yaml:5:87: 'ask' has no group 'nn' (did you mean",
        ),
        (
            HEAD + "  - {name: heartbeat, from: client, pattern: '(?P<nn>.)', template: '{nn}', counts: n}\n",
            "mine.yaml:5:85: 'heartbeat' has no group 'n' (did you mean 'nn'?) that could count",
        ),
        (
            HEAD + "  - {name: b, from: client, pattern: '(?P<n>.)', template: '{n}', counts: n}\n",
            "mine.yaml:5:67: only 'heartbeat' messages are counted, not 'b'; remove 'counts'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: str):
    [mistake] = mistakes(text)
    assert expected == mistake[: len(expected)]


def test_a_mistyped_key_is_told_with_what_was_meant():
    missing, unknown = mistakes(HEAD + "  - {name: b, form: client, literal: B}\n")
    assert "mine.yaml:5:5: 'from' is missing" == missing
    assert unknown.startswith(
        "mine.yaml:5:15: unknown key 'form' (did you mean 'from'?); known here: name, from, pattern"
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file():
    text = (
        HEAD
        + "  - {name: ask, from: client, literal: B, by: n}\n  - {name: c, from: client, raw: true, answers: nobody}\n"
    )
    assert ["mine.yaml:5:12", "mine.yaml:5:43", "mine.yaml:6:29", "mine.yaml:6:49"] == [
        line.split(": ")[0] for line in mistakes(text)
    ]


@pytest.mark.parametrize("pattern", ["(a+)*", "(?:a|b*)+", "((a{2,5})x)+", "(?P<x>a*)*", "([a+]*){30}", "(a+){2,}"])
def test_a_repetition_in_a_repetition_is_refused(pattern: str):
    [mistake] = mistakes(HEAD + f"  - {{name: b, from: client, pattern: '{pattern}', template: B}}\n")
    assert "a repetition inside a repetition" in mistake


@pytest.mark.parametrize(
    "pattern", ["(B++)*", "[(B+]+", r"\(?B\)*", "(?:B|[)]{3})+", "(B+)?", "(?=B*)B+", "(B{2}|B)+", "(B+){1}"]
)
def test_harmless_repetitions_are_not_refused(pattern: str):
    assert load_profile(
        HEAD + f"  - {{name: b, from: client, pattern: '{pattern}', template: B}}\n", "mine.yaml"
    ).messages
