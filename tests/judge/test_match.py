"""The matcher: what it lets pass and how it calls it, where it says the two part, and that it ends in time.

One small example of each construct stands in docs/traces.md; here is what is behind them.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wire import dialogue, renumber
from wirelab.declare.trace import Line, Variation
from wirelab.declare.trace_reader import read_trace
from wirelab.judge.match import Match, match
from wirelab.judge.retell import retell
from wirelab.observe.connections import Connection, Side, Tracker
from wirelab.observe.segments import Segment

SIDES: dict[str, Side] = {"c": "client", "s": "server"}
OPEN = """
    c > s  SYN      seq=x
    s > c  SYN,ACK  seq=y    ack=x+1
    c > s  ACK      seq=x+1  ack=y+1
"""
CLOSE = """
    c > s  FIN  seq=u
    s > c  ACK           ack=u+1
    s > c  FIN  seq=w
    c > s  ACK  seq=u+1  ack=w+1
"""
HELLO = """
    c > s SYN
    s > c SYN,ACK
    c > s ACK
"""
TALK = r"""
    c > s "hello\n"
    s > c ACK
"""
BYE = """
    c > s FIN
    s > c FIN
    c > s ACK
"""


def connection(segments: list[Segment]) -> Connection:
    tracker = Tracker(server_port=12001)
    for segment in segments:
        tracker.feed(segment)
    return tracker.connections[0]


def matched(trace: str, wire: str, *, isn: dict[str, int] | None = None) -> Match:
    return match(read_trace(trace), connection(dialogue(wire, isn=isn)), SIDES)


def varied(found: Match) -> dict[str, tuple[int, ...]]:
    assert found.matched, found.diverged
    return {item.variation.value: item.frames for item in found.varied}


def parting(found: Match) -> tuple[str, int | None, tuple[int, ...], tuple[str, ...]]:
    """Where the two part: how, in which line of the trace, at which frames, in what."""
    assert not found.matched
    row = found.diverged
    assert row is not None
    return row.kind, row.line.place.line if row.line else None, row.frames, row.differs


# ---------------------------------------------------------------------------------------------- closes


@pytest.mark.parametrize(
    ("wire", "names"),
    [
        ("c > s FIN\ns > c ACK\ns > c FIN\nc > s ACK", {}),
        ("c > s FIN\ns > c FIN\nc > s ACK", {"piggyback": (7,)}),
        ("c > s FIN\ns > c FIN ack=7\nc > s ACK\ns > c ACK", {"simultaneous": (6, 7, 8, 9)}),
        ("c > s FIN\ns > c FIN ack=7\ns > c ACK\nc > s ACK", {"simultaneous": (6, 7, 8, 9)}),
        ("c > s FIN lost\nc > s FIN seq=7\ns > c FIN\nc > s ACK", {"piggyback": (8,), "retransmission": (7,)}),
        ("c > s FIN\ns > c FIN\nc > s ACK\ns > c FIN seq=1\nc > s ACK", {"piggyback": (7,), "retransmission": (9,)}),
        ('c > s FIN "bye"\ns > c FIN\nc > s ACK', {"piggyback": (7,)}),
    ],
)
def test_every_legal_close_is_the_textbook_one_and_its_variation_is_named(wire: str, names: dict[str, tuple[int, ...]]):
    found = varied(matched(f"{OPEN}...\n{CLOSE}", f"{HELLO}{TALK}{wire}"))
    assert names == {name: frames for name, frames in found.items() if name in names}
    assert set(found) - set(names) <= {"delayed-ack"}


@pytest.mark.parametrize("variation", ["piggyback", "simultaneous", "retransmission"])
def test_strict_turns_each_off(variation: str):
    wires = {
        "piggyback": "c > s FIN\ns > c FIN\nc > s ACK",
        "simultaneous": "c > s FIN\ns > c FIN ack=7\nc > s ACK\ns > c ACK",
        "retransmission": "c > s FIN lost\nc > s FIN seq=7\ns > c ACK\ns > c FIN\nc > s ACK",
    }
    trace = f"{OPEN}...\n{CLOSE}"
    assert matched(trace, HELLO + TALK + wires[variation]).matched
    assert not matched(f"strict {variation}\n{trace}", HELLO + TALK + wires[variation]).matched


def test_who_closes_first_is_no_variation():
    """The server's FIN has no line before the client's; whichever of the two is called wrong, it is there they part."""
    found = matched(f"{OPEN}...\n{CLOSE}", HELLO + TALK + "s > c FIN\nc > s ACK\nc > s FIN\ns > c ACK")
    assert parting(found)[:3] in [("missing", 7, ()), ("extra", None, (6,))]


def test_a_reset_stands_beside_the_fin_it_came_instead_of():
    found = matched(f"{OPEN}...\n{CLOSE}", HELLO + TALK + "c > s RST")
    assert ("different", 7, (6,), ("flags",)) == parting(found)
    assert ["missing"] * 3 == [row.kind for row in found.rows[-3:]]


def test_symbols_wrap_at_32_bits():
    isn = {"c": 2**32 - 3, "s": 2**32 - 1}
    found = matched(f"{OPEN}...\n{CLOSE}", HELLO + TALK + BYE, isn=isn)
    assert {"x": 2**32 - 3, "y": 2**32 - 1, "u": 4, "w": 0} == found.bindings


# ---------------------------------------------------------------------------------------------- data


@pytest.mark.parametrize(
    "wire",
    [
        r'c > s "one\ntwo\n"',
        r'c > s "one\n"' + "\n" + r'c > s "two\n"',
        "\n".join(f'c > s "{letter}"' for letter in ("o", "n", "e", r"\n", "t", "w", "o", r"\n")),
        r'c > s "on"' + "\n" + r'c > s "e\nt"' + "\n" + r'c > s "wo\n"',
    ],
)
@pytest.mark.parametrize(
    "lines", [r'c > s "one\n" ; c > s "two\n"', "c > s DATA len=4 ; c > s DATA len=4", "c > s DATA"]
)
def test_data_is_a_stream_however_it_was_cut(lines: str, wire: str):
    trace = OPEN + lines.replace(";", "\n") + "\n" + CLOSE
    assert matched(trace, f"{HELLO}{wire}\n{BYE}").matched


def test_bytes_that_no_line_is_about_are_found():
    found = matched(f'{OPEN}c > s "one"\n{CLOSE}', HELLO + r'c > s "one\n"' + "\n" + r'c > s "more\n"' + BYE)
    assert ("extra", None, (5,)) == parting(found)[:3]


def test_a_text_that_comes_later_than_its_turn_is_not_taken():
    found = matched(f'{OPEN}c > s "two"\n...\n{CLOSE}', HELLO + r'c > s "one\n"' + "\n" + r'c > s "two\n"' + BYE)
    assert not found.matched
    assert matched(f'{OPEN}...\nc > s "two"\n...\n{CLOSE}', HELLO + 'c > s "one"\nc > s "two"' + BYE).matched


def test_a_line_out_of_time_stands_beside_its_segment():
    trace = f'{OPEN}c > s "a"\ns > c "b" within 50ms\n...\n{CLOSE}'
    assert matched(trace, HELLO + 'c > s "a"\ns > c "b" +40ms' + BYE).matched
    found = matched(trace, HELLO + 'c > s "a"\ns > c "b" +60ms' + BYE)
    assert ("different", 6, (5,), ("time",)) == parting(found)


# ---------------------------------------------------------------------------------------------- bounded work


def long(count: int) -> Connection:
    lines = [f'c > s "m{index}"' if index % 2 == 0 else "s > c ACK" for index in range(count - 6)]
    return connection(dialogue(f"{HELLO}\n" + "\n".join(lines) + "\n" + BYE))


HARD = {
    "data": OPEN + "c > s DATA\n" * 33 + CLOSE,
    "any order": OPEN + "any order\n" + "c > s DATA\n" * 33 + "end\n...\n" + CLOSE,
    "any order of symbols": "...\nany order\n"
    + "".join(f"c > s DATA seq=a{n}\n" for n in range(36))
    + "end\nc > s RST",
    "symbols": OPEN + "".join(f"...\nc > s DATA seq=a{n}\n" for n in range(16)) + "...\nc > s RST",
    "choices": OPEN + "either\n...\nc > s DATA seq=z\nor\n...\nc > s DATA seq=v\nend\n" * 6 + "...\nc > s RST",
    "answers": OPEN + "...\n" + "s > c ACK ack=a\nc > s DATA seq=a\n" * 15 + "...\nc > s RST",
    "stars": "...\nc > s *\n" * 19 + "...\nc > s RST",
    "texts": OPEN + "".join(f'...\nc > s "{n}"\n' for n in range(15)) + "...\n" + CLOSE,
}


@pytest.mark.parametrize("name", HARD)
def test_the_work_grows_with_the_segments_and_not_with_what_the_trace_says(name: str, monkeypatch: pytest.MonkeyPatch):
    """Counted, not timed: comparisons of a line with a segment, for four times as many segments."""
    from wirelab.judge import match_lines

    counts = []
    plain = match_lines.Fitter.fit
    for size in (500, 2000):
        tally = itertools.count()

        def counted(self: object, *given: object, tally: itertools.count[int] = tally, **named: object) -> object:
            next(tally)
            return plain(self, *given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(match_lines.Fitter, "fit", counted)
        match(read_trace(HARD[name]), long(size), SIDES)
        counts.append(next(tally))
    assert counts[1] <= 50_000
    assert counts[1] <= 6 * counts[0] + 100


def test_what_could_not_be_tried_is_not_called_wrong():
    units = "".join(f"c > s DATA seq=a{number}\n" for number in range(30))
    found = match(read_trace(f"{OPEN}...\nany order\n{units}end\n...\nc > s RST"), long(100), SIDES)
    assert (False, True) == (found.matched, found.ambiguous)


@pytest.mark.parametrize(
    "block",
    [
        "either\nnothing\nor\nnothing\nend\n" * 150,
        "any order\n" + "either\nc > s DATA\nor\nnothing\nend\n" * 30 + "end\n",
        "any order\n" + "...\n" * 30 + "end\n",
        "any order\n" + "either\nnothing\nor\n...\nend\n" * 100 + "end\n",
        "...\n" * 900,
    ],
)
def test_blocks_that_may_be_empty_end_in_an_answer(block: str):
    """Counted: the steps that are made for all states together."""
    found = match(read_trace(OPEN + block + CLOSE), connection(dialogue(HELLO + BYE)), SIDES)
    assert found.matched or found.ambiguous


@pytest.mark.parametrize("size", [100, 20_000])
@pytest.mark.parametrize("lines", ["c > s DATA", "c > s DATA len=2\n...", "..."])
def test_a_plain_trace_is_decided_however_long_the_connection(lines: str, size: int):
    found = match(read_trace(f"{OPEN}{lines}\n{CLOSE}"), long(size), SIDES)
    assert (True, False) == (found.matched, found.ambiguous)


def test_waiting_for_a_text_does_not_search_the_whole_stream_again_and_again():
    """A line that nothing fulfils: what is searched for each segment is no more than the segment."""
    wire = HELLO + "\n".join('c > s "' + "y" * 1400 + '"' for _ in range(2000)) + BYE
    found = match(read_trace(f'{OPEN}c > s "zzz"\n{CLOSE}'), connection(dialogue(wire)), SIDES)
    assert ("different", 5) == parting(found)[:2]


# ---------------------------------------------------------------------------------------------- properties

PIECES = st.lists(st.tuples(st.sampled_from("cs"), st.sampled_from(["a", "bb", "ccc\\n", "é"])), max_size=8)
CLOSES = st.sampled_from(
    [BYE, "c > s FIN\ns > c ACK\ns > c FIN\nc > s ACK", "c > s RST", "s > c FIN\nc > s FIN\ns > c ACK"]
)


def wire_of(pieces: list[tuple[str, str]], close: str) -> str:
    lines = [f'{who} > {"s" if who == "c" else "c"} "{text}"' for who, text in pieces]
    return HELLO + "\n".join(lines) + "\n" + close


@settings(deadline=None, max_examples=150)
@given(PIECES, CLOSES, st.integers(0, 2**32 - 1))
def test_a_connection_matches_the_trace_it_was_retold_as_whatever_its_initial_numbers(
    pieces: list[tuple[str, str]], close: str, number: int
):
    told = retell(connection(dialogue(wire_of(pieces, close))), {"client": "c", "server": "s"})
    again = connection(dialogue(wire_of(pieces, close), isn={"c": number, "s": (number * 7) & 0xFFFFFFFF}))
    found = match(told, again, SIDES)
    assert found.matched, found.diverged


@settings(deadline=None, max_examples=100)
@given(PIECES, CLOSES, st.data())
def test_duplicates_and_other_cuts_change_nothing(pieces: list[tuple[str, str]], close: str, data: st.DataObject):
    segments = dialogue(wire_of(pieces, close))
    told = retell(connection(segments), {"client": "c", "server": "s"})
    changed: list[Segment] = []
    for segment in segments:
        if segment.length > 1 and data.draw(st.booleans()):
            at = data.draw(st.integers(1, segment.length - 1))
            changed.append(replace(segment, length=at, payload=segment.payload[:at]))
            changed.append(replace(segment, seq=(segment.seq + at) & 0xFFFFFFFF, length=segment.length - at,
                                   payload=segment.payload[at:]))  # fmt: skip
        else:
            changed.append(segment)
        if segment.length and data.draw(st.booleans()):
            changed.append(changed[-1])
    found = match(told, connection(renumber(changed)), SIDES)
    assert found.matched, found.diverged


@settings(deadline=None, max_examples=150)
@given(PIECES, CLOSES, st.randoms(use_true_random=False))
def test_a_line_that_never_came_is_missed_and_the_rows_are_whole(
    pieces: list[tuple[str, str]], close: str, random: random.Random
):
    """Whatever differs, every line and every frame stands in exactly one row, in order."""
    segments = dialogue(wire_of(pieces, close))
    told = retell(connection(segments), {"client": "c", "server": "s"})
    lines = [item for item in told.items if isinstance(item, Line)]
    gone = random.randrange(len(segments))
    found = match(told, connection(renumber(segments[:gone] + segments[gone + 1 :])), SIDES)
    assert [line.text for line in lines] == [row.line.text for row in found.rows if row.line is not None]
    assert list(range(1, len(segments))) == sorted({frame for row in found.rows for frame in row.frames})
    if not found.matched:
        assert found.diverged is not None


def test_variations_are_those_of_the_notation():
    from wirelab.judge.check_trace import VARIATIONS

    assert set(Variation) == set(VARIATIONS)


# ---------------------------------------------------------------------------------------------- the nearest legal trace


def kinds(found: Match) -> list[str]:
    """How the rows of lines are; segments without a line only where they are wrong."""
    return [row.kind for row in found.rows if row.line is not None or row.kind == "extra"]


EITHER = "either\ns > c ACK ack=u+1\ns > c FIN seq=w\nor\ns > c FIN,ACK seq=w ack=u+1\nend\nc > s ACK seq=u+1 ack=w+1"


@pytest.mark.parametrize(
    ("trace", "wrong"),
    [
        (f"{OPEN.replace('ack=x+1', 'ack=x+2')}...\n{CLOSE}", {1: "different"}),
        (f'{OPEN}c > s "hello"\n...\n{CLOSE}', {}),
        (f'{OPEN}c > s "HELLO"\n...\n{CLOSE}', {3: "different"}),
        (f'{OPEN}...\ns > c "no"\n...\n{CLOSE}', {3: "missing"}),
        (f"{OPEN}c > s RST\n...\n{CLOSE}", {3: "missing"}),
        (f"{OPEN.replace('ack=x+1', 'ack=x+2')}...\nc > s FIN seq=u\n{EITHER}", {1: "different"}),
        (f'any order\n{OPEN}end\nc > s "HELLO"\n...\n{CLOSE}', {3: "different"}),
    ],
)
def test_one_mistake_is_one_row_whatever_comes_after_it(trace: str, wrong: dict[int, str]):
    wire = HELLO + r'c > s "hello\n"' + "\ns > c ACK\n" + r's > c "beat\n"' + "\n" + r'c > s "beat-ack\n"' + BYE
    found = match(read_trace(trace), connection(dialogue(wire)), SIDES)
    assert wrong == {at: kind for at, kind in enumerate(kinds(found)) if kind not in ("same", "passed")}


def test_segments_that_only_strict_forbids_are_extra_and_the_rest_goes_on():
    wire = HELLO + "s > c ACK\n" * 3 + 'c > s "hello"' + BYE
    found = matched(f'strict duplicate-ack, delayed-ack\n{OPEN}c > s "hello"\n{CLOSE}', wire)
    assert ["same"] * 3 + ["extra"] * 3 + ["same"] * 5 == kinds(found)


@settings(deadline=None, max_examples=80)
@given(PIECES, CLOSES, st.data())
def test_taking_a_line_away_makes_no_more_than_its_segment_wrong(
    pieces: list[tuple[str, str]], close: str, data: st.DataObject
):
    whole = connection(dialogue(wire_of(pieces, close)))
    told = retell(whole, {"client": "c", "server": "s"})
    gone = data.draw(st.integers(0, len(told.items) - 1))
    found = match(replace(told, items=told.items[:gone] + told.items[gone + 1 :]), whole, SIDES)
    bad = [row for row in found.rows if row.kind not in ("same", "passed")]
    assert len(bad) <= 2


@settings(deadline=None, max_examples=120)
@given(PIECES, CLOSES, st.data())
def test_what_differs_is_shown_to_differ(pieces: list[tuple[str, str]], close: str, data: st.DataObject):
    """A trace that does not match has a row that says so: the verdict is not made from the rows, but agrees with them."""
    segments = dialogue(wire_of(pieces, close))
    told = retell(connection(segments), {"client": "c", "server": "s"})
    gone = data.draw(st.integers(0, len(segments) - 1))
    strict = data.draw(st.sets(st.sampled_from(list(Variation))))
    left = renumber(segments[:gone] + segments[gone + 1 :])
    found = match(replace(told, strict=frozenset(strict)), connection(left), SIDES)
    assert found.matched == (found.diverged is None)
