"""The notation of traces: what every construct becomes, and every mistake at its place."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from wirelab.base.errors import AuthorError
from wirelab.base.texts import LANGUAGES, catalogue
from wirelab.declare.protocol import load_profile
from wirelab.declare.trace import (
    AnyOrder,
    Bound,
    Either,
    Gap,
    Line,
    MessageMatch,
    Place,
    Trace,
    Value,
    Variation,
    lines_of,
)
from wirelab.declare.trace_block import unknown_messages
from wirelab.declare.trace_line import FLAGS
from wirelab.declare.trace_reader import MAX_COLUMNS, MAX_LINES, MAX_MISTAKES, read_trace

TEXTBOOK = """\
alice > server   SYN      seq=x
server > alice   SYN,ACK  seq=y    ack=x+1
alice > server   ACK      seq=x+1  ack=y+1
...
alice > server   FIN      seq=u
server > alice   ACK               ack=u+1
server > alice   FIN      seq=w
alice > server   ACK      seq=u+1  ack=w+1
"""

EVERYTHING = """\
strict piggyback, retransmission
alice > server      SYN          seq=x                    win=65535                                      # opens
server > alice      SYN,ACK      seq=y    ack=x+1                       within 200ms as answer
alice > server      ACK          seq=x+1  ack=y+1
any order
  alice > server    DATA                                  len=n         "MSG 你好\\n"
  in order
    server > alice  DATA         seq=y+1                  "HEARTBEAT 1\\n" after 0.5s within 1.5s of answer
    alice > server  *            ack=*                    message heartbeat-ack n=1 text="a \\"b\\""
  end
end
either
  server > alice    RST          seq=0xffff_ffff as over
or
  ...
  alice > server    FIN,PSH,URG  seq=x+n+1
or
  nothing
end
"""


def line(text: str, **actors: Any) -> Line:
    """The only line of a trace."""
    (item,) = read_trace(text, **actors).items
    assert isinstance(item, Line)
    return item


def problems(text: str, **where: Any) -> list[tuple[str, str, str]]:
    """Place, key and English text of every mistake; each is one line in both languages."""
    with pytest.raises(AuthorError) as raised:
        read_trace(text, **where)
    found = raised.value.problems
    for language in LANGUAGES:
        lines = raised.value.text(language).split("\n")
        assert len(found) == len(lines)
        assert all("{}" not in shown and "None" not in shown for shown in lines)
    return [(f"{problem.place.line}:{problem.place.column}", problem.key, problem.text("en")) for problem in found]


def bare(value: Any) -> Any:
    """A trace without places and texts, in which alone what is read and what is written may differ."""
    if isinstance(value, tuple):
        return tuple(bare(part) for part in value)
    if isinstance(value, Trace):
        value = dataclasses.replace(value, text="", items=bare(value.items))
    if isinstance(value, Line):
        return dataclasses.replace(value, place=Place(0, 0), text="")
    if isinstance(value, Gap):
        return Gap(Place(0, 0))
    if isinstance(value, Either):
        return Either(Place(0, 0), bare(value.branches))
    if isinstance(value, AnyOrder):
        return AnyOrder(Place(0, 0), bare(value.units))
    return value


# --- what each construct becomes


def test_the_textbook_trace():
    trace = read_trace(TEXTBOOK)
    assert ("alice", "server") == trace.actors
    assert frozenset() == trace.strict
    assert TEXTBOOK == trace.text
    assert [1, 2, 3, 4, 5, 6, 7, 8] == [item.place.line for item in trace.items]
    assert Gap(Place(4, 1)) == trace.items[3]
    assert trace.items[1] == Line(
        place=Place(2, 1),
        text="server > alice   SYN,ACK  seq=y    ack=x+1",
        sender="server",
        receiver="alice",
        flags=frozenset({"SYN", "ACK"}),
        seq=Value(("y",)),
        ack=Value(("x",), 1),
    )


@pytest.mark.parametrize(
    ("flags", "expected", "data"),
    [
        ("SYN", {"SYN"}, False),
        ("FIN,ACK", {"FIN", "ACK"}, False),
        ("SYN,ACK,FIN,RST,PSH,URG,ECE,CWR", set(FLAGS), False),
        ("DATA", set(), True),
        ("PSH,DATA", {"PSH"}, True),
        ("*", None, False),
        ("*,DATA", None, True),
        ("-", set(), False),
        ('"x"', set(), True),
        ('FIN "x"', {"FIN"}, True),
        ("message heartbeat", set(), True),
        ('* "x"', None, True),
    ],
)
def test_flags(flags: str, expected: set[str] | None, data: bool):
    found = line(f"a > b {flags}")
    assert (expected, data) == (found.flags, found.data)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", Value((), 0)),
        ("4294967295", Value((), 0xFFFFFFFF)),
        ("3_911_204_771", Value((), 3911204771)),
        ("0xFF_ff", Value((), 0xFFFF)),
        ("x", Value(("x",))),
        ("x+1", Value(("x",), 1)),
        ("x-1", Value(("x",), -1)),
        ("1+x", Value(("x",), 1)),
        ("10-3", Value((), 7)),
        ("x+1+1-3", Value(("x",), -1)),
        ("报文_2+0x10", Value(("报文_2",), 16)),
        ("*", None),
    ],
)
@pytest.mark.parametrize("name", ["seq", "ack", "len"])
def test_values(name: str, written: str, expected: Value | None):
    found = line(f"a > b ACK {name}={written}")
    assert expected == {"seq": found.seq, "ack": found.ack, "len": found.length}[name]
    assert dataclasses.replace(found, text="") == dataclasses.replace(line(f"a > b ACK {name} = {written}"), text="")


def test_a_sum_of_symbols_and_the_window():
    trace = read_trace("a > b DATA seq=x len=n win=w\nb > a ACK ack=x+n+1 win=0")
    first, second = lines_of(trace.items)
    assert (Value(("n",)), Value(("w",))) == (first.length, first.window)
    assert (Value(("x", "n"), 1), Value()) == (second.ack, second.window)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r'"MSG hi\n"', b"MSG hi\n"),
        (r'"\r\t\\\""', b'\r\t\\"'),
        (r'"\x00\xfF7"', b"\x00\xff7"),
        ('"你好 # > ="', "你好 # > =".encode()),
    ],
)
def test_payloads(written: str, expected: bytes):
    assert expected == line(f"a > b DATA {written} # {written}").payload


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("message heartbeat", MessageMatch("heartbeat")),
        ("message heartbeat-ack n=1", MessageMatch("heartbeat-ack", (("n", "1"),))),
        (r'message m text="a \"b\" 你\n" n=*', MessageMatch("m", (("text", 'a "b" 你\n'),))),
        ('message m text="*" ack=7', MessageMatch("m", (("text", "*"),))),
        ("message m message.seq=7 seq=9", MessageMatch("m", (("seq", "7"),))),
    ],
)
def test_messages(written: str, expected: MessageMatch):
    assert expected == line(f"a > b {written}").message


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("within 200ms", (Bound(None, 200_000_000),)),
        ("after 1s", (Bound(1_000_000_000),)),
        ("after 1.5us within 0.25s", (Bound(1500, 250_000_000),)),
        ("within 2s after 1s of first", (Bound(None, 2_000_000_000), Bound(1_000_000_000, None, "first"))),
        ("within 2s of first after 1s of first", (Bound(1_000_000_000, 2_000_000_000, "first"),)),
    ],
)
def test_time_bounds(written: str, expected: tuple[Bound, ...]):
    _, second = lines_of(read_trace(f"a > b SYN as first\nb > a SYN,ACK {written} as second").items)
    assert (expected, "second") == (second.bounds, second.label)


def test_blocks():
    trace = read_trace(EVERYTHING)
    assert frozenset({Variation.PIGGYBACK, Variation.RETRANSMISSION}) == trace.strict
    order, either = trace.items[3:]
    assert isinstance(order, AnyOrder)
    assert isinstance(either, Either)
    assert [1, 2] == [len(unit) for unit in order.units]
    assert [1, 2, 0] == [len(branch) for branch in either.branches]
    assert (Place(5, 1), Place(12, 1)) == (order.place, either.place)
    assert [2, 3, 4, 6, 8, 9, 13, 16] == [found.place.line for found in lines_of(trace.items)]
    assert Place(8, 5) == next(item.place for item in order.units[1])


@pytest.mark.parametrize(
    ("head", "strict"),
    [
        ("strict", set(Variation)),
        ("strict  # really", set(Variation)),
        ("strict delayed-ack", {Variation.DELAYED_ACK}),
        ("strict window keep-alive\nstrict simultaneous,resegmented , duplicate-ack", set(Variation) - {
            Variation.PIGGYBACK, Variation.RETRANSMISSION, Variation.DELAYED_ACK}),
    ],
)  # fmt: skip
def test_strict(head: str, strict: set[Variation]):
    assert strict == read_trace(f"\n# a trace\n{head}\n...\na > b RST").strict


def test_words_of_the_notation_may_be_names():
    trace = read_trace("strict > end SYN seq=either as or\nend > strict ACK ack=either+1 within 1s of or")
    assert ("strict", "end") == trace.actors


def test_lines_end_as_on_any_system():
    assert bare(read_trace(TEXTBOOK)) == bare(read_trace(TEXTBOOK.replace("\n", "\r\n")))
    assert bare(read_trace(TEXTBOOK)) == bare(read_trace(TEXTBOOK.replace("\n", "\r")))


def test_places_are_those_of_the_file_around_it():
    where: dict[str, Any] = {"source": "a.yaml", "first_line": 20, "first_column": 7, "actors": ["alice", "server"]}
    trace = read_trace(EVERYTHING, **where)
    assert Place(21, 7) == trace.items[0].place
    with pytest.raises(AuthorError) as raised:
        read_trace("...\n" + TEXTBOOK.replace("seq=w", "seq=7x"), **where)
    assert ["a.yaml:27:37"] == [str(problem.place) for problem in raised.value.problems]


# --- what is wrong with it

MISTAKES: list[tuple[str, str, str, str]] = [
    # key of the text, what is wrong, where, and what is said of it
    ("empty", "", "1:1", "no line here that describes a segment"),
    ("empty", "# nothing\n...\n", "1:1", "no line here"),
    ("too-many", "...\n" * MAX_LINES + "a > b SYN", "1001:1", "at most 1000 lines"),
    ("too-long", "a > b SYN " + " " * MAX_COLUMNS, "1:1", "at most 10000 characters"),
    ("depth", "any order\n" * 21 + "a > b SYN\n" + "end\n" * 21, "21:1", "more than 20 deep"),
    ("more", "a\n" * 51, "51:1", "more than 50 mistakes"),
    ("unknown-line", "a > b SYN\neiter\n", "2:1", "'eiter' begins no line (did you mean 'either'?)"),
    ("unknown-line", "….\na > b SYN", "1:1", "'….' begins no line (did you mean '...'?)"),
    ("unknown-line", "any\na > b SYN", "1:1", "'any' begins no line"),
    ("unknown-line", "in ordr\na > b SYN", "1:1", "did you mean 'in order'?"),
    ("unknown-line", '"x"\na > b SYN', "1:1", "begins no line"),
    ("unknown-line", "> b SYN\na > b SYN", "1:1", "a line is 'sender > receiver FLAGS …'"),
    ("arrow", "a -> b SYN", "1:3", "stands '>' alone, found '->'"),
    ("arrow", "a → b SYN", "1:3", "found '→'"),
    ("arrow", "b < a SYN", "1:3", "who sends stands first"),
    ("rest", "a > b SYN\n... SYN", "2:5", "nothing may follow '...' in its line"),
    ("rest", "any order of\na > b SYN\nend", "1:11", "nothing may follow 'any order'"),
    ("strict-late", "a > b SYN\nstrict", "2:1", "before the first line"),
    ("variation", "strict window, pigyback\na > b SYN", "1:16", "(did you mean 'piggyback'?); known: piggyback, simul"),
    ("stray", "a > b SYN\nend", "2:1", "'end' belongs to no block here"),
    ("stray", "a > b SYN\nany order\na > b ACK\nor\na > b ACK\nend", "4:1", "('any order' is open, from line 2)"),
    ("no-end", "either\n a > b SYN\nor\n nothing\n", "1:1", "'either' has no 'end'"),
    ("no-or", "either\n a > b SYN\nend", "1:1", "one branch only"),
    ("empty-branch", "either\n a > b SYN\nor\nend", "4:1", "write 'nothing'"),
    ("empty-block", "a > b SYN\nany order\nend", "2:1", "nothing in 'any order'"),
    ("empty-block", "any order\na > b SYN\nin order\nend\nend", "3:1", "nothing in 'in order'"),
    ("nothing", "nothing\na > b SYN", "1:1", "alone in a branch"),
    ("nothing", "either\na > b SYN\nnothing\nor\na > b ACK\nend", "3:1", "alone in a branch"),
    ("in-order", "in order\na > b SYN\nend", "1:1", "within 'any order' alone"),
    ("third", "a > b SYN\nb > c SYN", "2:5", "'c' is a third actor"),
    ("label-twice", "a > b SYN as x\nb > a ACK as x", "2:14", "(first in line 1)"),
    ("no-label", "a > b SYN as first\nb > a ACK within 1s of frist", "2:24", "did you mean 'first'?"),
    ("no-label", "a > b SYN\nb > a ACK within 1s of me as me", "2:24", "no line before this one is called 'me'"),
    ("no-label", "a > b SYN\nb > a ACK within 1s of it\nb > a ACK as it", "2:24", "name it with 'as it'"),
    ("no-label", "either\na > b SYN as x\nor\na > b ACK within 1s of x\nend", "4:24", "called 'x'"),
    ("no-line-before", "a > b SYN within 1s", "1:11", "from which time could count"),
    ("no-line-before", "either\na > b SYN\nor\na > b ACK after 1s\nend", "4:11", "could count"),
    ("unbound", "a > b SYN seq=x+y", "1:11", "nothing says what x, y are"),
    ("unbound", "a > b SYN seq=x+x", "1:11", "nothing says what x are"),
    ("unbound", "a > b SYN seq=x\nb > a ACK ack=x+n+m", "2:11", "what n, m are"),
    ("actor-name", "a > b.c SYN", "1:5", "'b.c' cannot be a name"),
    ("actor-name", "a > b SYN as 1", "1:14", "'1' cannot be a name"),
    ("unknown-actor", "alise > server SYN", "1:1", "no actor 'alise' (did you mean 'alice'?); the actors are: alice, ser"),
    ("unknown-actor", "alice > Server SYN", "1:9", "(did you mean 'server'?)"),
    ("itself", "a > a SYN", "1:5", "'a' sends to itself"),
    ("receiver", "a >", "1:4", "after 'a >' stands who receives it, found -"),
    ("receiver", "a > > b", "1:5", "found >"),
    ("no-flags", "a > b", "1:6", "the flags are missing"),
    ("no-flags", "a > b seq=x", "1:7", "the flags are missing"),
    ("flag", "a > b syn", "1:7", "unknown flag 'syn' (did you mean 'SYN'?)"),
    ("flag", "a > b SYN,AKC", "1:11", "unknown flag 'AKC' (did you mean 'ACK'?)"),
    ("flag", "a > b SYN+ACK", "1:7", "(did you mean 'SYN,ACK'?)"),
    ("flag", "a > b [SYN，ACK]", "1:7", "(did you mean 'SYN,ACK'?)"),
    ("flag", "a > b *,SYN", "1:7", "unknown flag '*'"),
    ("flag", "a > b ,", "1:7", "unknown flag ','"),
    ("flags-apart", "a > b SYN, ACK seq=x", "1:7", "write 'SYN,ACK'"),
    ("flags-apart", "a > b FIN ack seq=x", "1:7", "write 'FIN,ACK'"),
    ("flags-apart", "a > b FIN, seq=x", "1:7", "write 'FIN'"),
    ("twice", "a > b SYN,SYN", "1:11", "'SYN' stands in this line a second time"),
    ("twice", "a > b SYN seq=x seq=*", "1:17", "'seq' stands"),
    ("twice", 'a > b DATA "x" "y"', "1:16", "'\"…\"' stands"),
    ("twice", "a > b message m message n", "1:17", "'message' stands"),
    ("twice", "a > b message m n=1 n=*", "1:21", "'n' stands"),
    ("twice", "a > b SYN as x as y", "1:16", "'as' stands"),
    ("twice", "a > b SYN\nb > a ACK within 1s within 2s", "2:21", "'within' stands"),
    ("unknown-word", "a > b SYN wihtin 1s", "1:11", "(did you mean 'within'?)"),
    ("unknown-word", "a > b SYN x", "1:11", "'x' means nothing here; after the flags stand seq=, ack=, win=, len="),
    ("unknown-word", "a > b DATA “MSG”", "1:12", "(did you mean '\"MSG\"'?)"),
    ("unknown-word", "a > b SYN > c", "1:11", "'>' means nothing here"),
    ("unknown-field", "a > b SYN sqe=x", "1:11", "no field 'sqe' (did you mean 'seq'?)"),
    ("unknown-field", "a > b SYN n=1 message m", "1:11", "stand after 'message KIND'"),
    ("no-value", "a > b SYN seq= ack=1", "1:16", "what 'seq' is, is missing"),
    ("no-value", "a > b SYN seq=", "1:15", "what 'seq' is"),
    ("no-value", "a > b message", "1:14", "what 'message' is"),
    ("no-value", "a > b message n=1", "1:15", "what 'message' is"),
    ("no-value", "a > b SYN as", "1:13", "what 'as' is"),
    ("no-value", "a > b ACK\na > b SYN within 1s of", "2:23", "what 'of' is"),
    ("no-value", "a > b ACK\na > b SYN after", "2:16", "what 'after' is"),
    ("quote", 'a > b DATA "MSG', "1:12", "nothing closes this quote"),
    ("quote", 'a > b message m text="MSG', "1:22", "nothing closes this quote"),
    ("payload", 'a > b DATA ""', "1:12", "say nothing"),
    ("length", "a > len message m text=len len=0", "1:28", "len=0 contradicts"),
    ("length", "a > b DATA len=0", "1:12", "len=0 contradicts"),
    ("length", 'a > b "hello" len=4', "1:15", "5 bytes or more"),
    ("no-text", r'a > b message m text="\xff"', "1:22", "not text in UTF-8"),
    ("bounds", "a > b ACK\na > b SYN within 1s after 2s", "2:21", "within 1s and after 2s"),
    ("value", "a > b SYN seq=1x", "1:15", "'1x' is no value"),
    ("value", "a > b SYN seq=x++1", "1:17", "'x++1' is no value"),
    ("value", "a > b SYN seq=x＋1", "1:15", "(did you mean 'x+1'?)"),
    ("value", "a > b SYN seq=x*2", "1:15", "a sum of those (x+1, x+n+1)"),
    ("minus", "a > b SYN seq=x\na > b SYN seq=1-x", "2:17", "'x' is a symbol"),
    ("number", "a > b SYN seq=4294967296", "1:15", "4294967296 is out of range: 'seq' is from 0 to 4294967295"),
    ("number", "a > b SYN win=65536", "1:15", "'win' is from 0 to 65535"),
    ("number", "a > b SYN seq=1-2", "1:15", "-1 is out of range"),
    ("number", "a > b SYN seq=x+99999999999", "1:17", "99999999999 is out of range"),
    ("number", "a > b SYN seq=" + "9" * 5000, "1:15", "9… is out of range"),
    ("time", "a > b ACK\na > b SYN within 200", "2:18", "a number and its unit together"),
    ("time", "a > b ACK\na > b SYN within 200 ms", "2:18", "'200' is no time"),
    ("time-range", "a > b ACK\na > b SYN within 86401s", "2:18", "longer than a day"),
    ("time-range", "a > b ACK\na > b SYN within " + "9" * 5000 + "s", "2:18", "longer than a day"),
    ("escape", r'a > b DATA "a\q"', "1:14", r"'\q' means nothing here"),
    ("escape", r'a > b DATA "a\xg0"', "1:14", r"'\x' means nothing here"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text", "place", "said"), MISTAKES, ids=[f"{item[0]}-{item[2]}" for item in MISTAKES])
def test_every_mistake_is_told_with_its_place(key: str, text: str, place: str, said: str):
    actors = ["alice", "server"] if key == "unknown-actor" else None
    found = problems(text, actors=actors)
    found = found[-1:] if key == "more" else found[:1] if "200 ms" in text else found
    assert [f"trace.{key}"] == [problem[1] for problem in found]
    assert place == found[0][0]
    assert said in found[0][2]


def test_every_text_of_the_catalogue_is_produced():
    known = {key for key in catalogue() if key.startswith("trace.")} - {"trace.message", "trace.group"}  # below
    assert known == {f"trace.{item[0]}" for item in MISTAKES}


def test_all_mistakes_are_told_at_once_in_the_order_of_the_text():
    text = (
        'strict all\nalise > server SYN seq=1x sqe=2 "\neither\n  alice > server FIN as end_\n  end\n...\nwithin 1s\n'
    )
    places = [place for place, _, _ in problems(text, actors=["alice", "server"])]
    assert ["1:8", "2:1", "2:24", "2:27", "2:33", "3:1", "7:1"] == places


def test_a_line_with_a_mistake_does_not_bring_further_complaints():
    text = "either\n  alice > server SYM as it\nor\n  what is this\nend\nserver > alice ACK within 1s of it ack=x+1"
    assert ["2:18", "4:3"] == [place for place, _, _ in problems(text)]


def test_there_are_no_more_mistakes_than_a_person_reads():
    assert MAX_MISTAKES + 1 == len(problems("a > b SYN x x x x\n" * 900))


@pytest.mark.parametrize(
    "text",
    [
        "either\n a > b SYN as x\nor\n a > b ACK as x\nend\nb > a ACK within 1s of x",  # one of them comes
        "any order\n a > b SYN within 1s of y as x\n a > b ACK as y within 1s of x\nend",  # whichever comes first
        "any order\n a > b SYN seq=x+n\n a > b ACK ack=n seq=x\nend",
        "any order\n a > b SYN within 1s\n a > b ACK\nend",
        "a > b SYN ack=x+n seq=x",
        "either\n a > b SYN seq=x\nor\n a > b ACK seq=y\nend\nb > a ACK ack=x+y",
        "a > b RST len=0",
        'a > b SYN len=n "x"',
    ],
)
def test_what_may_be_right_is_not_refused(text: str):
    read_trace(text)


PROFILE = """\
protocol: p
framing: {kind: line, limit: 100}
messages:
  - {name: ping, from: server, pattern: 'P (?P<n>[0-9]+)', template: 'P {n}'}
  - {name: pong, from: client, pattern: 'Q', template: Q, answers: ping}
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("server > alice message ping n=1", ""),
        ("alice > server message pong", ""),
        ("alice > server message pongg", "t:2:3: the client sends no message 'pongg' (did you mean 'pong'?)"),
        ("alice > server message ping", "t:2:3: the client sends no message 'ping' (did you mean 'pong'?); by the pro"),
        ("server > alice message ping m=1", "t:2:3: the message 'ping' has no group 'm'; its groups: n"),
    ],
)
def test_messages_are_those_of_the_protocol(line: str, said: str):
    profile = load_profile(PROFILE, "p.yaml")
    trace = read_trace(f"...\n  {line}\n...")
    found = [
        problem.text("en") for problem in unknown_messages(trace, {"alice": "client", "server": "server"}, profile, "t")
    ]
    assert [said] * bool(said) == [text[: len(said)] for text in found]
