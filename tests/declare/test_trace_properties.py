"""The notation of traces as a whole: what is written reads back, and no text does anything but read or be refused."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.declare.test_trace import EVERYTHING, TEXTBOOK, bare
from wirelab.base.errors import AuthorError
from wirelab.base.texts import LANGUAGES
from wirelab.declare.trace import AnyOrder, Bound, Either, Gap, Item, Line, MessageMatch, Place, Trace, Value, Variation
from wirelab.declare.trace_line import FLAGS
from wirelab.declare.trace_reader import MAX_COLUMNS, MAX_DEPTH, MAX_LINES, read_trace
from wirelab.declare.trace_writer import write_trace

# --- writing


def test_the_writer_aligns_columns_and_says_nothing_twice():
    expected = """\
strict piggyback, retransmission
alice > server      SYN          seq=x                    win=65535
server > alice      SYN,ACK      seq=y           ack=x+1                    within 200ms as answer
alice > server      ACK          seq=x+1         ack=y+1
any order
  alice > server    DATA                                             len=n  "MSG 你好\\n"
  in order
    server > alice  DATA         seq=y+1                                    "HEARTBEAT 1\\n" after 500ms within 1500ms of answer
    alice > server  *                                                       message heartbeat-ack n=1 text="a \\"b\\""
  end
end
either
  server > alice    RST          seq=4294967295                             as over
or
  ...
  alice > server    FIN,PSH,URG  seq=x+n+1
or
  nothing
end
"""
    written = write_trace(read_trace(EVERYTHING))
    assert expected == written
    assert written == write_trace(read_trace(written))


ACTORS = ("alice", "server")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SYMBOLS = ("x", "y", "n")
VALUES = st.one_of(
    st.builds(Value, st.just(()), st.integers(0, 0xFFFF)),
    st.builds(Value, st.tuples(st.sampled_from(SYMBOLS)), st.integers(-0xFFFF, 0xFFFF)),
)
MESSAGES = st.builds(
    MessageMatch,
    st.sampled_from(["heartbeat", "heartbeat-ack"]),
    st.dictionaries(st.sampled_from(["n", "text", "seq"]), TEXTS | st.just(""), max_size=2).map(
        lambda groups: tuple(groups.items())
    ),
)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    sender, receiver = draw(st.permutations(ACTORS))
    payload = draw(st.none() | st.binary(min_size=1, max_size=8) | TEXTS.map(str.encode))
    message = draw(st.none() | MESSAGES)
    says_data = payload is not None or message is not None or draw(st.booleans())
    least = max(len(payload or b""), int(says_data))
    return Line(
        place=Place(0, 0),
        text="",
        sender=sender,
        receiver=receiver,
        flags=draw(st.none() | st.frozensets(st.sampled_from(FLAGS))),
        data=says_data,
        seq=draw(st.none() | VALUES),
        ack=draw(st.none() | VALUES),
        window=draw(st.none() | VALUES),
        length=draw(st.none() | st.builds(Value, st.just(()), st.integers(least, 999))),
        payload=payload,
        message=message,
        bounds=draw(st.just(()) | bounds()),
    )


def bounds() -> st.SearchStrategy[tuple[Bound, ...]]:
    times = st.lists(st.integers(0, 10**13), min_size=2, max_size=2).map(sorted)
    pairs = times.flatmap(lambda pair: st.sampled_from([(pair[0], None), (None, pair[1]), (pair[0], pair[1])]))
    return st.dictionaries(st.sampled_from([None, "first"]), pairs, max_size=2).map(
        lambda found: tuple(Bound(least, most, since) for since, (least, most) in found.items())
    )


def blocks(inner: st.SearchStrategy[Item]) -> st.SearchStrategy[Item]:
    some = st.lists(inner, min_size=1, max_size=3).map(tuple)
    branches = st.lists(some | st.just(()), min_size=2, max_size=3).map(tuple)
    either = branches.map(lambda found: Either(Place(0, 0), found))
    return either | st.lists(some, min_size=1, max_size=3).map(lambda found: AnyOrder(Place(0, 0), tuple(found)))


ITEMS = st.recursive(lines() | st.just(Gap(Place(0, 0))), blocks, max_leaves=6)
OPENING = Line(Place(0, 0), "", *ACTORS, frozenset({"SYN"}), label="first")
TRACES = st.builds(
    lambda items, strict: Trace((OPENING, *items), strict, ACTORS),
    st.lists(ITEMS, max_size=3),
    st.frozensets(st.sampled_from(Variation)),
)


@settings(deadline=None)
@given(TRACES)
def test_what_is_written_reads_back_as_the_same(trace: Trace):
    written = write_trace(trace)
    found = read_trace(written)
    assert bare(trace) == bare(found)
    assert written == write_trace(found)
    assert all(" " != line[-1:] for line in written.splitlines())


# --- anything at all

VALID = [TEXTBOOK, EVERYTHING, "strict\n...\na > b RST seq=0 within 1s\n"]
PIECES = [
    *TEXTBOOK.split(), *EVERYTHING.split(), "\n", " ", "\t", '"', "\\", "\\x", "#", ">", "=", "+", "-", ",", "*", "...",
    "any order\n", "in order\n", "either\n", "or\n", "end\n", "nothing\n", "strict ", "message ", "within ", " of ",
    "9" * 400, "0x" + "f" * 400, "99999999999999999999s", "\u3000", "，", "…", "\x00", "\u2028", "\ud800", "\U0001f600",
]  # fmt: skip


def mutant(chance: Random) -> str:
    """A right trace with some things done to it."""
    text = chance.choice(VALID)
    for _ in range(chance.randint(1, 6)):
        one, two = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        two = chance.choice((two, min(two, one + 4)))
        strange = "".join(chr(chance.choice((chance.randrange(0x80), chance.randrange(0x110000)))) for _ in range(3))
        text = chance.choice(
            [
                text[:one] + text[two:],
                text[:one] + text[one:two] * 2 + text[two:],
                text[:one] + text[one:two][::-1] + text[two:],
                text[:one] + chance.choice(PIECES) + text[one:],
                text[:one] + strange + text[one:],
                text[two:] + text[:one],
            ]
        )
    return text


def read_or_refuse(text: str) -> bool:
    """Whether it is a trace; else its mistakes must be told in order, inside the text, in both languages."""
    try:
        trace = read_trace(text)
    except AuthorError as refused:
        error = refused
    else:
        assert len(trace.actors) == 2
        assert bare(dataclasses.replace(trace, text="")) == bare(read_trace(write_trace(trace)))
        return True
    places = [(problem.place.line, problem.place.column) for problem in error.problems]
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert places
    assert sorted(places) == places
    assert all(1 <= line <= len(rows) and 1 <= column <= len(rows[line - 1]) + 1 for line, column in places)
    assert all(error.text(language) for language in LANGUAGES)
    return False


@pytest.mark.parametrize("seed", range(4))
def test_a_mutant_is_a_trace_or_its_mistakes_are_told(seed: int):
    chance = Random(seed)
    right = [read_or_refuse(mutant(chance)) for _ in range(500)]
    assert 0 < sum(right) < 250, "most mutants are wrong, and some are right"


@settings(deadline=None, max_examples=300)
@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join))
def test_anything_is_a_trace_or_its_mistakes_are_told(text: str):
    read_or_refuse(text)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        '"' * 100_000,
        "a > b DATA " + '"\\' * 4000,
        'a > b DATA "' + "\\" * 9000,
        'a > b DATA "' + "\\x" * 4000 + '"',
        "a > b SYN seq=" + "x+" * 4000,
        "a > b SYN seq=" + "+x" * 4000,
        "a > b SYN seq=" + "9" * 9000,
        "a > b " + "SYN," * 2000,
        "a > b " + "SYN " * 2000,
        "a > b SYN " + "x " * 4000,
        "a > b SYN " + "n=1 " * 2000,
        "a > b message m " + " ".join(f"n{number}=1" for number in range(1000)),
        "a > b SYN " + "within 1s " * 900,
        "a > b SYN as " + "z" * 9000,
        "either\n" * 5000,
        "any order\n" * 5000 + "a > b SYN\n" + "end\n" * 5000,
        "end\n" * 5000,
        "\n" * 200_000,
        "# \n" * 200_000 + "a > b SYN",
        "a > b SYN\n" + "a > b ACK seq=x+y within 1s of nobody\n" * 999,
        "a > b SYN as l0\n" + "".join(f"a > b ACK within 1s of l{n} as l{n + 1}\n" for n in range(999)),
        "any order\n"
        + "".join(f"a > b ACK seq=s{n} ack=s{n + 1}+s{n} within 1s of l{n + 1} as l{n}\n" for n in range(900)),
        "\x00" * 9000,
        "\ud800 > \udfff SYN",
        "a\u2028> b SYN",
    ],
    ids=range(26),
)
def test_no_text_takes_long(text: str):
    """The limits hold: what is slow here would hang an editor. (Each takes some 10 ms; pytest's own bound is wide.)"""
    read_or_refuse(text)


def test_the_limits_are_what_may_be_written():
    nested = "any order\n" * MAX_DEPTH + "a > b SYN\n" + "end\n" * MAX_DEPTH
    assert read_or_refuse(nested)
    assert read_or_refuse("a > b SYN\n" * MAX_LINES)
    assert read_or_refuse("a > b SYN #" + " " * (MAX_COLUMNS - 11))
