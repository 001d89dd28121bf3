"""The examples of docs/traces.md, and of its Chinese twin: each trace is matched with the segments that follow it.

An example is three fenced blocks: ``trace``, ``segments`` and ``result``. A line of ``segments`` is one frame, with raw
numbers: seconds, sender > receiver, flags, ``seq=``, ``ack=``, ``win=``, and a payload in quotes. ``result`` is what
``said`` says of the match. ``alice`` is the client, ``server`` the server, and the protocol is ``line``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.declare.test_scenario import WHOLE
from tests.wire import SERVER, START
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import parse_scenario
from wirelab.declare.trace import AnyOrder, Either, Gap, Item, Line, Trace, Variation
from wirelab.declare.trace_block import unknown_messages
from wirelab.declare.trace_line import CLAUSES
from wirelab.declare.trace_reader import read_trace
from wirelab.declare.trace_writer import write_trace
from wirelab.judge.match import Match, match
from wirelab.observe.connections import Connection, Side, Tracker
from wirelab.observe.messages import Message, decode_stream
from wirelab.observe.segments import ACK, FIN, PSH, RST, SYN, URG, Endpoint, Segment

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "traces.md", ROOT / "docs" / "traces.zh.md"]
PROFILE = load_profile((ROOT / "scenarios" / "protocols" / "line.yaml").read_text("utf-8"), "line.yaml")
SIDES: dict[str, Side] = {"alice": "client", "server": "server"}
ENDPOINTS = {"alice": Endpoint("127.0.0.1", 50000), "server": SERVER}
BITS = {"SYN": SYN, "ACK": ACK, "FIN": FIN, "RST": RST, "PSH": PSH, "URG": URG, "ECE": 0x40, "CWR": 0x80}

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FRAME = re.compile(
    r"""([0-9.]+)\ +(\w+)\ >\ (\w+)\ +([A-Z,]+)\ +seq=([0-9]+)
    (?:\ +ack=([0-9]+))?(?:\ +win=([0-9]+))?(?:\ +len=([0-9]+))?(?:\ +("(?:[^"\\]|\\.)*"))?""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Example:
    line: int
    trace: str
    segments: str
    result: str


def examples(page: str) -> Iterator[Example]:
    """The examples of a page; a block that stands alone, or in the wrong order, is a mistake of the page."""
    blocks = [block for block in _FENCE.finditer(page) if block[1] in ("trace", "segments", "result")]
    kinds = [block[1] for block in blocks]
    assert ["trace", "segments", "result"] * (len(kinds) // 3) == kinds
    for first, second, third in zip(blocks[::3], blocks[1::3], blocks[2::3], strict=True):
        yield Example(page[: first.start()].count("\n") + 1, first[2], second[2], third[2])


def segments(text: str) -> Iterator[Segment]:
    for frame, line in enumerate(text.splitlines(), 1):
        found = _FRAME.fullmatch(line)
        assert found is not None, f"not a frame: {line!r}"
        time, sender, receiver, flags, seq, ack, window, length, payload = found.groups()
        data = ast.literal_eval(payload).encode() if payload else b"\0" * int(length or 0)
        yield Segment(
            frame=frame,
            time=START + round(float(time) * 1_000_000_000),
            src=ENDPOINTS[sender],
            dst=ENDPOINTS[receiver],
            seq=int(seq),
            ack=int(ack or 0),
            flags=sum(BITS[flag] for flag in flags.split(",")),
            window=int(window or 512),
            length=len(data),
            payload=data,
        )


def connection(text: str) -> Connection:
    tracker = Tracker(SERVER.port)
    for segment in segments(text):
        tracker.feed(segment)
    (found,) = tracker.connections
    return found


def messages(found: Connection) -> dict[Side, tuple[Message, ...]]:
    return {
        "client": tuple(decode_stream(PROFILE, "client", found.client_stream)),
        "server": tuple(decode_stream(PROFILE, "server", found.server_stream)),
    }


def run(example: Example) -> Match:
    found = connection(example.segments)
    return match(read_trace(example.trace, actors=SIDES), found, SIDES, messages(found))


def said(found: Match) -> str:
    """A match in words, as the page gives it."""
    assert not found.ambiguous
    lines = ["matches" if found.matched else "does not match"]
    if found.varied and found.matched:
        lines[0] += ": " + ", ".join(f"{varied.variation} ({_frames(varied.frames)})" for varied in found.varied)
    row = found.diverged
    assert found.matched == (row is None)
    if row is not None:
        at = [f"line {row.line.place.line}"] if row.line else []
        at += [_frames(row.frames)] if row.frames else []
        lines.append(f"{' and '.join(at)}: {row.kind}" + (f" in {', '.join(row.differs)}" if row.differs else ""))
    if found.bindings:
        lines.append(", ".join(f"{symbol} = {number}" for symbol, number in sorted(found.bindings.items())))
    return "\n".join([*lines, ""])


def _frames(frames: tuple[int, ...]) -> str:
    return f"frame{'s' * (len(frames) > 1)} {', '.join(map(str, frames))}"


ALL = [(page, example) for page in PAGES if page.exists() for example in examples(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "example"), ALL, ids=[f"{page.name}-{example.line}" for page, example in ALL])
def test_an_example_is_what_comes_out(page: Path, example: Example):
    assert example.result == said(run(example))
    trace = read_trace(example.trace)
    assert () == unknown_messages(trace, SIDES, PROFILE, page.name)
    again = replace(example, trace=write_trace(trace))
    assert example.result.partition("\n")[0] == said(run(again)).partition("\n")[0]  # its lines have other numbers


def items(trace: Trace) -> Iterator[Item]:
    waiting = list(trace.items)
    while waiting:
        item = waiting.pop()
        yield item
        if isinstance(item, Either | AnyOrder):
            parts = item.branches if isinstance(item, Either) else item.units
            waiting += [inner for part in parts for inner in part]


def test_every_construct_has_an_example():
    traces = [read_trace(example.trace) for _, example in ALL]
    found = [item for trace in traces for item in items(trace)]
    lines = [item for item in found if isinstance(item, Line)]
    assert {Line, Gap, Either, AnyOrder} == {type(item) for item in found}
    assert any(len(unit) > 1 for item in found if isinstance(item, AnyOrder) for unit in item.units)
    assert any(branch == () for item in found if isinstance(item, Either) for branch in item.branches)
    for field in ("seq", "ack", "window", "length", "payload", "message", "label"):
        assert any(getattr(line, field) is not None for line in lines), field
    assert any(bound.least is not None for line in lines for bound in line.bounds)
    assert any(bound.since is not None for line in lines for bound in line.bounds)
    assert any(line.flags is None for line in lines)
    assert all(any(word in example.trace for _, example in ALL) for word in (*CLAUSES, "=*", "#", "0x"))
    assert frozenset(Variation) in {trace.strict for trace in traces}
    assert set(Variation) == {name for trace in traces for name in trace.strict if trace.strict != frozenset(Variation)}


def test_every_variation_has_an_example():
    shown = " ".join(example.result for _, example in ALL)
    assert [] == [name for name in Variation if f"{name} (frame" not in shown]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_scenario_on_the_page_can_be_read(page: Path):
    (expect,) = (block[2] for block in _FENCE.finditer(page.read_text("utf-8")) if block[1] == "yaml")
    (item,) = parse_scenario(WHOLE[: WHOLE.index("expect:")] + expect, "a/b.yaml").expect
    assert item.trace is not None
    assert 4 == len(item.trace.items)


def test_both_languages_have_the_same_examples():
    english, chinese = (list(examples(page.read_text("utf-8"))) for page in PAGES)
    assert [replace(example, line=0) for example in english] == [replace(example, line=0) for example in chinese]
