"""The same capture, told by wirelab and by tshark: one row a conversation, and by which rule two tellings may differ.

``compare`` is what docs/tshark.md describes, ``bench/against_tshark.py`` runs over whole folders of captures and
``test_against_tshark`` over ``SYNTHETIC`` ones. A difference that no rule of ``tests.observe.differences`` explains is
a fault, ours or theirs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wirelab.observe.connections import Connection, Tracker
from wirelab.observe.pcap import read_capture
from wirelab.observe.segments import Endpoint

PATIENCE = 120  # seconds for tshark to read a file
COLUMNS = ("handshake", "first FIN", "close", "retransmitted")
_SYN, _SYN_ACK, _ACK, _FIN, _RST = 1, 2, 4, 16, 32  # bits of tcp.completeness: Wireshark User's Guide, 7.5
_HANDSHAKE = _SYN | _SYN_ACK | _ACK
_AGAIN = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission")
_FIELDS = (
    *("frame.number", "tcp.stream", "tcp.completeness", "tcp.connection.fin_active", "tcp.connection.fin_passive"),
    *("ip.src", "ipv6.src", "tcp.srcport", "tcp.seq", "tcp.ack", "tcp.flags", "tcp.len"),
    *("tcp.analysis.out_of_order", "tcp.analysis.keep_alive", "tcp.analysis.zero_window_probe", *_AGAIN),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A TCP frame as tshark dissects it: its sender, relative numbers, flags, and names of what was analysed of it."""

    number: int
    stream: int
    completeness: int
    src: Endpoint
    seq: int
    ack: int
    flags: int
    length: int
    analysed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one conversation: the cells of the table."""

    handshake: bool
    first_fin: Endpoint | None
    close: str  # "none", or some of "FIN", "FIN FIN" (of both sides) and "RST"
    retransmitted: frozenset[int]  # frames

    def cells(self) -> tuple[object, ...]:
        """One a column."""
        return self.handshake, self.first_fin, self.close, self.retransmitted


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of a file, told twice. ``ours`` is None where wirelab joins frames that tshark parts, or parts
    what tshark joins."""

    file: str
    stream: int
    frames: tuple[Frame, ...]
    connection: Connection
    ours: Told
    theirs: Told

    @property
    def differing(self) -> tuple[str, ...]:
        """The columns in which they disagree; ``frames`` where they do not even mean the same frames."""
        if [frame.number for frame in self.frames] != [noted.segment.frame for noted in self.connection.noted]:
            return ("frames",)
        pairs = zip(COLUMNS, self.ours.cells(), self.theirs.cells(), strict=True)
        return tuple(column for column, mine, other in pairs if mine != other)


def compare(file: Path, name: str) -> list[Row]:
    """The conversations of a capture, in the order of their first frames."""
    seen = dissect(file)
    streams: dict[int, list[Frame]] = {}
    for frame in seen:
        streams.setdefault(frame.stream, []).append(frame)
    capture = read_capture(file.read_bytes(), str(file))
    tracker = Tracker(server_port=12001)
    for segment in capture.segments():
        tracker.feed(segment)
    holder = {noted.segment.frame: connection for connection in tracker.connections for noted in connection.noted}
    return [
        Row(name, index, tuple(frames), one, _ours(one), _theirs(frames))
        for index, frames in sorted(streams.items())
        for one in [holder[frames[0].number]]
    ]


def dissect(file: Path) -> list[Frame]:
    """Every TCP frame of a file, as tshark sees it, after two passes, with its analysis as it is set by default."""
    wanted = [argument for field in _FIELDS for argument in ("-e", field)]
    command = ["tshark", "-n", "-2", "-r", str(file), "-Y", "tcp", "-T", "fields", "-E", "occurrence=f", *wanted]
    environment = os.environ | {"WIRESHARK_CONFIG_DIR": str(file.parent / "no-preferences")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE, env=environment)
    return [_frame(dict(zip(_FIELDS, line.split("\t"), strict=True))) for line in done.stdout.splitlines()]


def _frame(values: dict[str, str]) -> Frame:
    named = {name for name in values if name.startswith(("tcp.analysis", "tcp.connection")) and values[name]}
    return Frame(
        number=int(values["frame.number"]),
        stream=int(values["tcp.stream"]),
        completeness=int(values["tcp.completeness"]),
        src=Endpoint(values["ip.src"] or values["ipv6.src"], int(values["tcp.srcport"])),
        seq=int(values["tcp.seq"]),
        ack=int(values["tcp.ack"] or 0),
        flags=int(values["tcp.flags"], 16),
        length=int(values["tcp.len"]),
        analysed=frozenset(name.rpartition(".")[2] for name in named),
    )


def _theirs(frames: Sequence[Frame]) -> Told:
    bits = frames[-1].completeness
    actors = [frame.src for frame in frames if "fin_active" in frame.analysed]
    closers = {frame.src for frame in frames if frame.analysed & {"fin_active", "fin_passive"}}
    again = {name.rpartition(".")[2] for name in _AGAIN}
    return Told(
        handshake=bits & _HANDSHAKE == _HANDSHAKE,
        first_fin=actors[0] if actors else None,
        close=_close(len(closers) if bits & _FIN else 0, bool(bits & _RST)),
        retransmitted=frozenset(frame.number for frame in frames if frame.analysed & again),
    )


def _ours(connection: Connection) -> Told:
    end = connection.teardown
    sides = {"client": connection.client, "server": connection.server}
    again = {"retransmission", "partial-overlap"}
    return Told(
        handshake=connection.handshake.complete,
        first_fin=sides[end.first] if end.first else None,
        close=_close(sum(fin is not None for fin in (end.client_fin, end.server_fin)), bool(end.resets)),
        retransmitted=frozenset(noted.segment.frame for noted in connection.noted if noted.notes & again),
    )


def _close(fins: int, reset: bool) -> str:
    return " ".join(["FIN"] * fins + ["RST"] * reset) or "none"
