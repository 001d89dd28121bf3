"""Segments as a ladder diagram for paper: a standalone SVG document. Knows no events and no scenario.

The client's rail is on the left, the server's on the right, each with its TCP states beside it; time runs downwards, one
arrow a segment, with what it carried below it. What a segment is shows in its shape, not in colour alone: opening
segments are thick, a FIN ends in a bar, a RST in a cross, a bare ACK is dashed, and a heartbeat has a heart, filled for
the question, hollow for the answer. Sequence numbers are relative.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from wirelab.base.texts import Language, Text, register, say
from wirelab.observe.connections import Note, Noted, Side
from wirelab.observe.messages import Profile
from wirelab.observe.segments import Endpoint
from wirelab.present.carried import Kind, carried
from wirelab.present.html import Html, el, join
from wirelab.present.ladder import Gap, Ladder, Rung, port_name, shortened
from wirelab.present.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PAPER,
    RED,
    RULE,
    WIDTH,
    box,
    figure,
    fitted,
    line,
    num,
    path,
    wide,
    write,
)
from wirelab.present.words import grouped

register(
    {
        "figure.ladder": Text("Segments between {client} and {server}", "{client} 与 {server} 之间的报文段"),
        "figure.ladder.many": Text("Segments of {count} connections", "{count} 个连接的报文段"),
        "figure.ladder.about": Text(
            "Ladder diagram of {count} TCP segments, frames {first} to {last}: one arrow a segment, time downwards",
            "{count} 个 TCP 报文段的时序图，第 {first} 帧到第 {last} 帧：每个报文段一个箭头，时间向下",
        ),
        "figure.ladder.rung": Text(
            "frame {frame}, {time} s, {sender}: {flags}; client {client}, server {server}",
            "第 {frame} 帧，{time} s，{sender}：{flags}；客户端 {client}，服务器 {server}",
        ),
        "figure.ladder.skipped": Text(
            "… {count} more segments (frames {first} to {last})",
            "… 还有 {count} 个报文段（第 {first} 帧到第 {last} 帧）",
        ),
        "figure.ladder.skipped.one": Text("… 1 more segment (frame {first})", "… 还有 1 个报文段（第 {first} 帧）"),
        "figure.ladder.server": Text("server", "服务器"),
        "figure.ladder.stream": Text("tcp.stream {number}", "tcp.stream {number}"),
        "figure.ladder.opening": Text("opening", "建立连接"),
        "figure.ladder.closing": Text("closing", "释放连接"),
        "figure.ladder.changed": Text("bold: state has just changed", "粗体：状态刚刚改变"),
        "figure.ladder.asks": Text("heartbeat", "心跳"),
        "figure.ladder.answers": Text("answer", "应答"),
        "figure.ladder.message": Text("message", "消息"),
        "figure.ladder.ack": Text("bare ACK", "纯 ACK"),
        "figure.ladder.nothing": Text("no segments", "没有报文段"),
    }
)

MOST = 60
SECOND = 1_000_000_000
_NAME = 62  # units for the client's name, where there are several
_TIME, _FRAME, _STATE, _LEFT, _RIGHT = 62, 100, 190, 198, 610  # where columns end, and the rails
_LABEL, _ARROW, _TEXT, _ROW = 15, 21, 17, 31  # of a rung: its label's baseline, its arrow, a line below it, its height
_SLANT = 5
_HEAD = 52
_MOST_CHARACTERS = 400  # of one message; what has no room is left out of them
_PARTED = "#fdecea"
_TINT: dict[str, str] = {"opening": "#eef4fb", "closing": "#fdf3ea"}


def ladder_svg(
    noted: Iterable[Noted],
    profile: Profile,
    names: Mapping[int, str],
    *,
    language: Language,
    most: int = MOST,
) -> str:
    """The ladder of one connection or several as a standalone SVG document, 720 units wide.

    ``noted`` are segments in captured order, of each connection from its beginning; ``names`` tells who plays the end
    with a port, others go by their port. Of more than ``most`` segments those in the middle are counted instead of
    drawn, but for those with SYN, FIN or RST, and those that change a state. The time axis begins at the first segment.
    Each rung is a ``<g class="rung" data-frame="12">`` with a title.
    """
    reader = Ladder(profile, lambda end: _named(end, names), language=language, width=120, colour=False)
    return ladder_pages([reader.see(one) for one in noted], profile, names, language=language, most=most)[0]


def ladder_pages(
    rungs: Sequence[Rung],
    profile: Profile,
    names: Mapping[int, str],
    *,
    language: Language,
    most: int = MOST,
    origin: int | None = None,
    rows: int | None = None,
    marks: Mapping[int, str] | None = None,
    parted: Mapping[int, tuple[str, bool]] | None = None,
) -> list[str]:
    """The same of rungs, as several documents of at most ``rows`` each, so that it can be printed; without, as one. ``origin``
    (nanoseconds) is where the time axis begins, ``marks`` are what is written in red beside a frame: the codes of
    findings; ``parted`` is what is written across, and whether behind the segment: where a trace and the segments part.
    """
    if not rungs:
        words = say("figure.ladder.nothing", language)
        return [figure(words, words, 40, write(WIDTH / 2, 25, words, anchor="middle"), language=language)]
    start = rungs[0].noted.segment.time if origin is None else origin
    connections = len({rung.noted.connection for rung in rungs})
    client, server = _ends(rungs[0].noted)
    said = (
        say("figure.ladder.many", language, count=connections)
        if connections > 1
        else say("figure.ladder", language, client=_named(client, names), server=_named(server, names))
    )
    entries, pages = list(shortened(rungs, most)), []
    for at in range(0, len(entries), rows or len(entries)):
        page = entries[at : at + (rows or len(entries))]
        drawing = _Drawing(profile, names, language, start, connections > 1, marks or {}, parted or {})
        for entry in page:
            if isinstance(entry, Gap):
                drawing.skip(entry.rungs)
            else:
                drawing.rung(entry)
        drawn = [rung for entry in page for rung in (entry.rungs if isinstance(entry, Gap) else (entry,))]
        frames = {"first": drawn[0].noted.segment.frame, "last": drawn[-1].noted.segment.frame}
        about = say("figure.ladder.about", language, count=grouped(len(drawn)), **frames)
        pages.append(figure(said, about, *drawing.done(), language=language))
    return pages


class _Drawing:
    """Draws from the top down."""

    def __init__(
        self,
        profile: Profile,
        names: Mapping[int, str],
        language: Language,
        origin: int,
        several: bool,
        marks: Mapping[int, str],
        parted: Mapping[int, tuple[str, bool]],
    ) -> None:
        self.several = several
        self._marks = marks
        self._parted = parted
        self._profile = profile
        self._names = names
        self._language = language
        self._origin = origin
        shift = _NAME if several else 0
        self._left, self._right, self._state = _LEFT + shift, _RIGHT, _STATE + shift
        self._body = self._right - self._left
        self._y = float(_HEAD)
        self._phase = ""
        self._tints: list[Html] = []
        self._parts: list[Html] = []
        self._kinds: set[str] = set()

    def rung(self, rung: Rung) -> None:
        """A segment, and before a connection's first one its ends."""
        noted, segment = rung.noted, rung.noted.segment
        if rung.opens:
            self._ends(noted)
        bar, behind = self._parted.get(segment.frame, ("", False))
        if bar and not behind:
            self._bar(bar)
        phase = _phase(noted)
        parts = list(self._sides(rung))
        parts += self._arrow(rung)
        below = carried(rung.messages, rung.part, self._profile, self._language, _MOST_CHARACTERS)
        height = float(_ROW)
        for kind, words in below:
            parts += self._carried(kind, words, self._y + height, noted.sender)
            height += _TEXT
        if phase:
            self._tint(phase, height)
        self._phase = phase
        spoken = say(
            "figure.ladder.rung",
            self._language,
            frame=segment.frame,
            time=f"{(segment.time - self._origin) / SECOND:.6f}",
            sender=_named(segment.src, self._names),
            flags=" ".join([_numbers(noted), *(words for _, words in below)]),
            client=noted.client_state.value,
            server=noted.server_state.value,
        )
        self._parts.append(
            el("g", el("title", fitted(spoken, 1, 400)), *parts, class_="rung", data_frame=segment.frame)
        )
        self._y += height
        if bar and behind:
            self._bar(bar)

    def skip(self, rungs: tuple[Rung, ...]) -> None:
        """Several segments that are only counted."""
        frames = {"first": rungs[0].noted.segment.frame, "last": rungs[-1].noted.segment.frame}
        one = ".one" if len(rungs) == 1 else ""
        words = say(f"figure.ladder.skipped{one}", self._language, count=grouped(len(rungs)), **frames)
        middle = (self._left + self._right) / 2
        self._parts.append(
            el(
                "g",
                box(0, self._y + 3, WIDTH, 22, "#f0f2f5"),
                write(middle, self._y + 18, words, 12, GREY, "middle"),
                class_="skipped",
            )
        )
        self._y += 28
        self._phase = ""

    def done(self) -> tuple[float, Html, Html]:
        """The height of the whole, the rails and tints below everything, and everything."""
        bottom = self._y + 6
        rails = [line(x, _HEAD - 6, x, bottom, INK, 1.6) for x in (self._left, self._right)]
        return (
            bottom + 26,
            join([*self._tints, *rails]),
            join([*self._head(), *self._parts, *self._legend(bottom + 17)]),
        )

    # --- parts

    def _head(self) -> Iterator[Html]:
        say_ = {key: say(key, self._language) for key in ("ladder.time", "ladder.frame", "ladder.state")}
        yield write(_TIME, 18, say_["ladder.time"], 11, GREY, "end")
        yield write(_FRAME, 18, say_["ladder.frame"], 11, GREY, "end")
        yield write(self._state, 18, say_["ladder.state"], 11, GREY, "end")
        yield write(self._right + 8, 18, say_["ladder.state"], 11, GREY)
        yield write(self._left + 6, 18, say("ladder.client", self._language), 13, INK, weight=700)
        yield write(self._right - 6, 18, say("figure.ladder.server", self._language), 13, INK, "end", 700)
        if self.several:
            yield write(_FRAME + 8, 18, say("ladder.client", self._language), 11, GREY)
        yield line(0, _HEAD - 6, WIDTH, _HEAD - 6, RULE)

    def _ends(self, noted: Noted) -> None:
        client, server = _ends(noted)
        top = self._y if self.several else _HEAD - 28
        left, right = (fitted(self._end(one), 10, (self._body - 86) / 2) for one in (client, server))
        numbered = noted.connection >= 0
        stream = say("figure.ladder.stream", self._language, number=noted.connection) if numbered else ""
        self._parts.append(
            el(
                "g",
                write(self._left + 6, top + 14, left, 10, GREY),
                write(self._right - 6, top + 14, right, 10, GREY, "end"),
                write((self._left + self._right) / 2, top + 14, stream, 10, PALE, "middle"),
                class_="connection",
                data_connection=noted.connection,
            )
        )
        if self.several:
            self._y += 22

    def _end(self, end: Endpoint) -> str:
        name = _named(end, self._names)
        return str(end) if name == port_name(end) else f"{name} {end}"

    def _bar(self, words: str) -> None:
        middle, room = (self._left + self._right) / 2, self._body - 16
        self._parts.append(
            el(
                "g",
                box(self._left + 2, self._y + 1, self._body - 4, 16, _PARTED),
                write(middle, self._y + 13, fitted(words, 11, room), 11, RED, "middle", 700),
                class_="parted",
            )
        )
        self._y += 18

    def _sides(self, rung: Rung) -> Iterator[Html]:
        noted, segment = rung.noted, rung.noted.segment
        baseline = self._y + _ARROW
        yield write(_TIME, baseline, f"{(segment.time - self._origin) / SECOND:.6f}", 11, INK, "end")
        yield write(_FRAME, baseline, str(segment.frame), 11, INK, "end")
        if self.several:
            client, _ = _ends(noted)
            yield write(_FRAME + 8, baseline, fitted(_named(client, self._names), 11, _NAME - 12), 11, GREY)
        for side, state, x, anchor in (
            ("client", noted.client_state, self._state, "end"),
            ("server", noted.server_state, self._right + 8, "start"),
        ):
            changed = side in rung.changed
            yield write(x, baseline, state.value, 10.5, INK if changed else PALE, anchor, 700 if changed else None)

    def _arrow(self, rung: Rung) -> Iterator[Html]:
        noted, segment = rung.noted, rung.noted.segment
        out = noted.sender == "client"
        start, end = (self._left, self._right) if out else (self._right, self._left)
        top, bottom = self._y + _ARROW, self._y + _ARROW + _SLANT
        ink, width, dash = INK, 1.4, None
        if segment.rst:
            ink, width = RED, 2.2
        elif segment.syn:
            ink, width = BLUE, 2.4
        elif segment.fin:
            ink, width = ORANGE, 2.4
        elif not segment.length:
            ink, width, dash = GREY, 1.1, "5 3"
            self._kinds.add("ack")
        ahead = 1 if out else -1
        if "lost" in noted.notes:  # it ends in a cross, on its way
            x, y = start + (end - start) * 0.7, top + _SLANT * 0.7
            yield line(start, top, x, y, ink, width, dash)
            yield path(f"M{num(x - 5)} {num(y - 5)}l10 10m0 -10l-10 10", stroke=RED, width=2.2)
            yield from self._label(noted, ink)
            return
        yield line(start, top, end - 7 * ahead, bottom - 0.1, ink, width, dash)
        yield path(f"M{end} {num(bottom)}l{-9 * ahead} -4.6v9.2Z", ink)
        if segment.rst:  # it ends in a cross
            x, y = end - 20 * ahead, bottom - 0.2
            yield path(f"M{num(x - 5)} {num(y - 5)}l10 10m0 -10l-10 10", stroke=ink, width=2.2)
        elif segment.fin:  # and this in a bar
            yield line(end - 15 * ahead, bottom - 6, end - 15 * ahead, bottom + 6, ink, 2.4)
        yield from self._label(noted, ink)

    def _label(self, noted: Noted, ink: str) -> Iterator[Html]:
        """Flags and numbers above the arrow, and what is to be noted."""
        flags, numbers, y = noted.segment.flag_names(), _numbers(noted, flags=False), self._y + _LABEL
        notes = ", ".join(say(f"ladder.note.{note}", self._language) for note in get_args(Note) if note in noted.notes)
        notes = f"({notes})" if notes else ""
        mark = self._marks.get(noted.segment.frame, "")
        strong = noted.segment.syn or noted.segment.fin or noted.segment.rst
        room = self._body - 40 - (wide(mark, 11) + 10 if mark else 0)
        sizes = [wide(flags, 12) + (8 if strong else 0), wide(numbers, 11.5) * 0.94]
        notes = fitted(notes, 11, max(0, room - sum(sizes) - 16)) if notes else ""
        whole = sum(sizes) + 6 + (wide(notes, 11) + 10 if notes else 0)
        x = (self._left + self._right - whole - (wide(mark, 11) + 10 if mark else 0)) / 2
        if mark:
            yield write(x + whole + 10, y, mark, 11, RED, weight=700)
        yield write(x, y, flags, 12, ink, weight=700 if strong else None)
        yield write(x + sizes[0] + 6, y, numbers, 11.5, INK)
        if notes:
            yield write(x + sizes[0] + sizes[1] + 14, y, notes, 11, ORANGE, weight=700)

    def _carried(self, kind: Kind | None, words: str, y: float, sender: Side) -> Iterator[Html]:
        """A line below the arrow: what the segment carried, on its sender's side."""
        cut = fitted(words, 12, self._body - 54)
        width = wide(cut, 12) * (0.97 if cut.isascii() else 1)
        x = self._left + 14 if sender == "client" else self._right - 14 - 18 - width
        if kind is not None:
            self._kinds.add(kind)
            yield _mark(kind, x + 6, y + 4)
        yield write(x + 18, y + 8, cut, 12, GREEN if kind in ("asks", "answers") else INK)

    def _tint(self, phase: str, height: float) -> None:
        self._tints.append(box(self._left, self._y, self._body, height, _TINT[phase]))
        if self._phase != phase:
            words = say(f"figure.ladder.{phase}", self._language)
            self._tints.append(write(self._right - 6, self._y + 12, words, 10, GREY, "end"))

    def _legend(self, y: float) -> Iterator[Html]:
        x = 8.0
        for kind in ("asks", "answers", "message", "ack"):
            if kind not in self._kinds:
                continue
            words = say(f"figure.ladder.{kind}", self._language)
            if kind == "ack":
                yield line(x, y - 4, x + 24, y - 4, GREY, 1.1, "5 3")
                x += 12
            else:
                yield _mark(kind, x + 6, y - 4)
            yield write(x + 17, y, words, 11, GREY)
            x += 17 + wide(words, 11) + 16
        yield write(WIDTH - 8, y, say("figure.ladder.changed", self._language), 11, GREY, "end", 700)


def _mark(kind: str, x: float, y: float) -> Html:
    """A heart, filled or hollow, or an envelope, around a point."""
    if kind == "message":
        return path(f"M{num(x - 6)} {num(y - 4)}h12v8h-12Zl6 5l6 -5", PAPER, INK, 1)
    heart = f"M{num(x)} {num(y + 5)}c-9 -6 -5 -11 0 -7c5 -4 9 1 0 7Z"
    return path(heart, GREEN if kind == "asks" else PAPER, GREEN, 1.2)


def _phase(noted: Noted) -> str:
    """Which part of a connection's life a segment belongs to: its opening, its closing, or neither."""
    segment = noted.segment
    third = noted.sender == "client" and (noted.seq, noted.ack, segment.span, segment.rst) == (1, 1, 0, False)
    if segment.syn or third or "refused" in noted.notes:
        return "opening"
    if segment.fin or segment.rst or noted.notes & {"acks-fin", "after-close"}:
        return "closing"
    return ""


def _numbers(noted: Noted, *, flags: bool = True) -> str:
    """Flags, relative numbers and length as text."""
    said = [noted.segment.flag_names()] if flags else []
    said.append(f"seq={noted.seq}")
    said += [] if noted.ack is None else [f"ack={noted.ack}"]
    said += [f"len={noted.segment.length}"] if noted.segment.length else []
    return " ".join(said)


def _ends(noted: Noted) -> tuple[Endpoint, Endpoint]:
    """The client's and the server's end."""
    segment = noted.segment
    return (segment.src, segment.dst) if noted.sender == "client" else (segment.dst, segment.src)


def _named(end: Endpoint, names: Mapping[int, str]) -> str:
    return names.get(end.port) or port_name(end)
