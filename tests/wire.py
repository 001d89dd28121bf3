"""Captures written as dialogues, for tests: text lines in, ``Segment`` values with right numbers out.

    segments = dialogue(r'''
        c > s SYN
        s > c SYN,ACK
        c > s ACK
        c > s "MSG hi\n"
        s > c ACK            +40ms       # 40 ms after the line before; else 1 ms
        c > s FIN "bye\n"    seq=8       # numbers are relative to the sender's ISN (an ack: to the other's)
    ''')

A line is ``sender > receiver``, then in any order: flags (as ``Segment.flag_names`` writes them; ACK when there are
none; data and FIN acknowledge by themselves, SYN and RST do not), a payload as a Python string, and

``seq=N``, ``ack=N``  relative numbers, instead of the next ones
``win=N``             window (512)
``len=N``             length on the wire, more than the payload's when the capture cut it; alone: N zero bytes
``+Nms``, ``at=Nms``  time after the line before, or after the start
``lost``              captured, but its receiver never gets it: later automatic ACKs do not cover it

``s`` is the server, 127.0.0.1:12001; any other name is a client with a port of its own. Who never sends a SYN is in
mid-stream: its numbers start at 1. An automatic ack is the highest number received (with no regard to gaps).
The string must be raw, so that ``\n`` is an escape in the payload and not the end of the line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wirelab.observe.segments import ACK, FIN, PSH, RST, SYN, URG, Endpoint, Segment

SERVER = Endpoint("127.0.0.1", 12001)
START = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
_MASK = 0xFFFFFFFF
_FLAGS = {"SYN": SYN, "ACK": ACK, "FIN": FIN, "RST": RST, "PSH": PSH, "URG": URG}
_LINE = re.compile(r"(\w+) > (\w+)(.*)")
_WORD = re.compile(r"""\s*(?:(?P<payload>b?"(?:[^"\\]|\\.)*")|(?P<comment>#.*)|(?P<word>\S+))""")


@dataclass
class _Sender:
    """One side of one conversation: where it is in its own and the other side's numbers, all raw."""

    isn: int
    next: int
    received: int | None = None
    synchronized: bool = False


@dataclass
class _Words:
    flags: int | None = None
    payload: bytes | None = None
    values: dict[str, int] = field(default_factory=dict)
    after: float = 1
    at: float | None = None
    lost: bool = False


def dialogue(
    text: str,
    *,
    isn: Mapping[str, int] | None = None,
    endpoints: Mapping[str, Endpoint] | None = None,
    start: int = START,
    frame: int = 1,
) -> list[Segment]:
    """The segments of a dialogue. ``isn``: raw initial numbers by name; ``frame``: the first frame's number."""
    places = dict(endpoints or {})
    senders: dict[tuple[str, str], _Sender] = {}
    segments: list[Segment] = []
    time = start - MILLISECOND
    for line in text.splitlines():
        if not line.strip() or line.strip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        assert match is not None, f"not a line of a dialogue: {line!r}"
        one, two = match[1], match[2]
        words = _words(match[3], line)
        for name in (one, two):
            places.setdefault(name, SERVER if name == "s" else Endpoint("127.0.0.1", 40000 + len(places)))
        mine, other = (_sender(senders, pair, isn or {}) for pair in ((one, two), (two, one)))
        time = (
            start + round(words.at * MILLISECOND) if words.at is not None else time + round(words.after * MILLISECOND)
        )
        segment = _segment(words, mine, other)
        segments.append(
            replace(segment, frame=frame + len(segments), time=time, src=places[one], dst=places[two]),
        )
        mine.synchronized = mine.synchronized or segment.syn
        if not segment.rst:
            mine.next = _later(mine.next, segment.end)
            if not words.lost:
                other.received = segment.end if other.received is None else _later(other.received, segment.end)
    return segments


def renumber(segments: Iterable[Segment]) -> list[Segment]:
    """The same segments in the given order, with frames 1, 2, 3 ... and times that go with them."""
    return [
        replace(segment, frame=index + 1, time=START + index * MILLISECOND) for index, segment in enumerate(segments)
    ]


def _sender(senders: dict[tuple[str, str], _Sender], pair: tuple[str, str], isn: Mapping[str, int]) -> _Sender:
    if pair not in senders:
        first = isn.get(pair[0], 1000 * (len(senders) + 1))
        senders[pair] = _Sender(first, (first + 1) & _MASK)
    return senders[pair]


def _words(text: str, line: str) -> _Words:
    words = _Words()
    at = 0
    while match := _WORD.match(text, at):
        at = match.end()
        word = match["word"]
        if match["comment"]:
            break
        if match["payload"]:
            value = ast.literal_eval(match["payload"])
            words.payload = value if isinstance(value, bytes) else value.encode()
        elif word == "lost":
            words.lost = True
        elif found := re.fullmatch(r"\+([\d.]+)ms", word):
            words.after = float(found[1])
        elif found := re.fullmatch(r"at=([\d.]+)ms", word):
            words.at = float(found[1])
        elif found := re.fullmatch(r"(seq|ack|win|len)=(-?\d+)", word):
            words.values[found[1]] = int(found[2])
        else:
            names = word.split(",")
            assert set(names) <= set(_FLAGS), f"what is {word!r} in {line!r}?"
            words.flags = sum(_FLAGS[name] for name in names)
    return words


def _segment(words: _Words, mine: _Sender, other: _Sender) -> Segment:
    """All but frame, time and endpoints."""
    flags = ACK if words.flags is None else words.flags
    if not flags & (SYN | RST):
        flags |= ACK
    if words.payload and not flags & SYN:
        flags |= PSH
    seq = mine.isn if flags & SYN else mine.next
    if flags & RST and other.synchronized and not mine.synchronized:
        seq = 0  # RFC 9293, 3.5.2: a RST that answers a SYN has no number to take
    if "seq" in words.values:
        seq = (mine.isn + words.values["seq"]) & _MASK
    ack = 0
    if flags & ACK:
        ack = mine.received if mine.received is not None else (other.isn + 1) & _MASK
        if "ack" in words.values:
            ack = (other.isn + words.values["ack"]) & _MASK
    payload = b"\0" * words.values.get("len", 0) if words.payload is None else words.payload
    return Segment(
        frame=0,
        time=0,
        src=SERVER,
        dst=SERVER,
        seq=seq,
        ack=ack,
        flags=flags,
        window=words.values.get("win", 0 if flags & RST else 512),
        length=words.values.get("len", len(payload)),
        payload=payload,
    )


def _later(one: int, two: int) -> int:
    """The greater of two raw numbers, modulo 2**32."""
    return two if (two - one) & _MASK < 1 << 31 else one
