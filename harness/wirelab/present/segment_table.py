"""Segments, heartbeats and messages as tables: in GitHub's Markdown, every cell escaped, or in aligned columns. Pure.

Times are seconds since the connection's first segment, numbers relative to the initial sequence numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from wirelab.base.texts import Language, Text, register, say
from wirelab.observe.connections import Connection, Note, Noted
from wirelab.observe.heartbeats import Exchange
from wirelab.observe.messages import Message, Profile
from wirelab.observe.segments import Endpoint
from wirelab.present.ladder import Ladder, Rung, port_name
from wirelab.present.markdown import plain
from wirelab.present.style import cells, clip, left, right, safe

register(
    {
        "segments.frame": Text("Frame", "帧号"),
        "segments.time": Text("Time / s", "时间 / s"),
        "segments.way": Text("From → to", "方向"),
        "segments.flags": Text("Flags", "标志位"),
        "segments.seq": Text("seq", "seq"),
        "segments.ack": Text("ack", "ack"),
        "segments.length": Text("len", "len"),
        "segments.window": Text("Window", "窗口"),
        "segments.meaning": Text("What it means", "含义"),
        "segments.none": Text("(not in the capture)", "（抓包中没有）"),
        "segments.refuses": Text("refuses the connection: nobody listens there", "拒绝连接：该端口无人监听"),
        "segments.asks": Text("asks for a connection (ISN {isn})", "请求建立连接（ISN {isn}）"),
        "segments.agrees": Text("agrees, and asks in turn (ISN {isn})", "同意，并反向请求建立连接（ISN {isn}）"),
        "segments.opens": Text("agrees: the connection is open", "确认：连接建立"),
        "segments.resets": Text("resets the connection", "复位连接"),
        "segments.closes": Text("has nothing more to send", "不再发送数据"),
        "segments.acks-fin": Text("acknowledges the FIN", "确认 FIN"),
        "segments.acks": Text("acknowledges all bytes below {ack}", "确认 {ack} 之前的全部字节"),
        "segments.carries": Text("{count} bytes of a message that goes on", "一条未完消息中的 {count} 字节"),
        "segments.number": Text("Heartbeat", "心跳"),
        "segments.answer": Text("Answered in frame", "应答帧号"),
        "segments.delay": Text("Delay / ms", "延迟 / ms"),
        "segments.interval": Text("Interval / s", "间隔 / s"),
        "segments.unanswered": Text("not answered", "未应答"),
        "segments.frames": Text("Frames", "帧号"),
        "segments.kind": Text("Kind", "种类"),
        "segments.text": Text("Text", "内容"),
        "segments.between": Text("; ", "；"),
    }
)

_NUMBER = re.compile(r"[0-9.]*")  # which ``plain`` would keep from beginning a list: nothing does in a cell
LONGEST = 80  # characters of a message
_MESSAGES = 4  # of one segment


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below their headings; ``right`` are the columns of numbers. The cells are foreign text."""

    headings: tuple[str, ...]
    right: frozenset[int]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As GitHub, Jupyter and learning platforms read it; nothing in a cell is markup."""
        under = ["---:" if column in self.right else "---" for column in range(len(self.headings))]
        body = [[cell if _NUMBER.fullmatch(cell) else plain(cell) for cell in row] for row in self.rows]
        return "".join(f"| {' | '.join(row)} |\n" for row in ([plain(one) for one in self.headings], under, *body))

    def lines(self) -> list[str]:
        """In columns as wide as what stands in them, for a terminal; the last one is cut where it is very long."""
        rows = [[safe(cell) for cell in row[:-1]] + [clip(row[-1], LONGEST)] for row in (self.headings, *self.rows)]
        widths = [max(cells(row[column]) for row in rows) for column in range(len(self.headings))]
        return [
            "  ".join(
                (right if column in self.right else left)(cell, width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]


def segment_table(
    noted: Iterable[Noted],
    connection: Connection,
    profile: Profile,
    names: Mapping[int, str],
    *,
    language: Language,
    window: bool = False,
) -> Table:
    """Some segments of a connection: frame, time, direction, flags, seq, ack, length, and what each one means.

    ``names`` tells who plays the end with a port; others go by their port. ``window`` adds the window field (raw).
    Without any segment there is one row that says so.
    """
    wanted = {one.segment.frame for one in noted}
    reader = Ladder(profile, lambda end: _named(end, names), language=language, width=120, colour=False)
    columns = ["frame", "time", "way", "flags", "seq", "ack", "length", *(["window"] if window else []), "meaning"]
    start = connection.noted[0].segment.time
    rows = []
    for rung in [reader.see(one) for one in connection.noted]:
        one, segment = rung.noted, rung.noted.segment
        if segment.frame in wanted:
            way = f"{_named(segment.src, names)} → {_named(segment.dst, names)}"
            row = [str(segment.frame), f"{(segment.time - start) / 1e9:.6f}", way, segment.flag_names(), str(one.seq)]
            row += ["" if one.ack is None else str(one.ack), str(segment.length)]
            row += [str(segment.window)] if window else []
            rows.append((*row, meaning(rung, connection, language)))
    return _table(columns, {"frame", "time", "seq", "ack", "length", "window"}, rows, language)


def heartbeat_table(exchanges: Sequence[Exchange], connection: Connection, *, language: Language) -> Table:
    """Heartbeats in the order they were asked: when, how long after the one before, and how soon they were answered."""
    start = connection.noted[0].segment.time
    rows, before = [], None
    for at, exchange in enumerate(exchanges, 1):
        question, delay = exchange.question, exchange.delay_ns
        interval = "" if before is None else f"{(question.time - before) / 1e9:.3f}"
        before = question.time
        row = [
            question.groups.get("n", str(at)),
            str(question.frames[-1]),
            f"{(question.time - start) / 1e9:.6f}",
            interval,
        ]
        answered = "" if exchange.answer is None else str(exchange.answer.frames[-1])
        row += [answered, say("segments.unanswered", language) if delay is None else f"{delay / 1e6:.3f}"]
        rows.append(tuple(row))
    columns = ["number", "frame", "time", "interval", "answer", "delay"]
    return _table(columns, set(columns), rows, language)


def message_table(
    messages: Sequence[Message], connection: Connection, names: Mapping[int, str], *, language: Language
) -> Table:
    """Messages: the frames that carried them, when they were whole, who said them, and what they are."""
    start = connection.noted[0].segment.time
    ends = {"client": _named(connection.client, names), "server": _named(connection.server, names)}
    rows = []
    for one in messages:
        frames = ", ".join(map(str, one.frames))
        text = one.text if len(one.text) <= LONGEST else one.text[:LONGEST] + "…"
        other = ends["server" if one.sender == "client" else "client"]
        way = f"{ends[one.sender]} → {other}"
        rows.append((frames, f"{(one.time - start) / 1e9:.6f}", way, one.kind or one.problem or "", text))
    return _table(["frames", "time", "way", "kind", "text"], {"time"}, rows, language)


def handshake_segments(connection: Connection) -> tuple[Noted, ...]:
    """The segments of the three-way handshake, and the RST that refused it, as far as they were captured."""
    shake = connection.handshake
    return _in_order(connection, (shake.syn, shake.syn_ack, shake.ack, shake.refused))


def teardown_segments(connection: Connection) -> tuple[Noted, ...]:
    """The segments that ended the connection: FINs, what acknowledged them, copies of either, and every RST."""
    end = connection.teardown
    parts = (end.client_fin, end.server_fin, end.client_fin_ack, end.server_fin_ack, *end.resets)
    copies = (one for one in connection.noted if one.segment.fin or "acks-fin" in one.notes)
    return _in_order(connection, (*parts, *copies))


def heartbeat_segments(connection: Connection, exchange: Exchange) -> tuple[Noted, ...]:
    """The segments of one heartbeat: the question, the answer, and the first that acknowledged each."""
    found: list[Noted | None] = []
    for message in (exchange.question, exchange.answer):
        if message is None:
            continue
        carried = [one for one in connection.noted if one.segment.frame in message.frames]
        found += carried
        if carried:
            end = max(one.seq + one.segment.span for one in carried)
            last = max(one.segment.frame for one in carried)
            others = (one for one in connection.noted if one.sender != message.sender and one.segment.frame > last)
            found.append(next((one for one in others if one.ack is not None and one.ack >= end), None))
    return _in_order(connection, found)


def meaning(rung: Rung, connection: Connection, language: Language) -> str:
    """What a segment means, in a few words: its part in the connection, what it says, what is to be noted."""
    one, segment = rung.noted, rung.noted.segment
    shake = connection.handshake
    said: list[str] = []
    if "refused" in one.notes:
        said.append(say("segments.refuses", language))
    elif segment.rst:
        said.append(say("segments.resets", language))
    elif segment.syn:
        said.append(say("segments.agrees" if segment.has_ack else "segments.asks", language, isn=segment.seq))
    elif shake.ack is not None and segment.frame == shake.ack.segment.frame:
        said.append(say("segments.opens", language))
    texts = [message.text[: LONGEST + 1] for message in rung.messages[:_MESSAGES]]
    said += [text if len(text) <= LONGEST else text[:LONGEST] + "…" for text in texts]
    if (more := len(rung.messages) - _MESSAGES) > 0:
        said.append(say("carried.more", language, count=more))
    if rung.part:
        said.append(say("segments.carries", language, count=len(rung.part)))
    if "acks-fin" in one.notes:
        said.append(say("segments.acks-fin", language))
    if segment.fin:
        said.append(say("segments.closes", language))
    notes = [note for note in get_args(Note) if note in one.notes and note not in ("refused", "acks-fin")]
    said += [say(f"ladder.note.{note}", language) for note in notes]
    if not said and one.ack is not None:
        said.append(say("segments.acks", language, ack=one.ack))
    return say("segments.between", language).join(said)


def _in_order(connection: Connection, wanted: Iterable[Noted | None]) -> tuple[Noted, ...]:
    frames = {one.segment.frame for one in wanted if one is not None}
    return tuple(one for one in connection.noted if one.segment.frame in frames)


def _table(columns: Sequence[str], right: set[str], rows: Sequence[tuple[str, ...]], language: Language) -> Table:
    headings = tuple(say(f"segments.{name}", language) for name in columns)
    nothing = (*[""] * (len(columns) - 1), say("segments.none", language))
    numbers = frozenset(at for at, name in enumerate(columns) if name in right)
    return Table(headings, numbers, tuple(rows) or (nothing,))


def _named(end: Endpoint, names: Mapping[int, str]) -> str:
    return names.get(end.port) or port_name(end)
