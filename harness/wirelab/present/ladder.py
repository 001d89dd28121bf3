"""Segments as a ladder diagram: one rung a segment, the client on the left, the server on the right.

  time/s frame client         state    * = state has just changed     state
                     alice :43210 │         tcp.stream 0         │ server :12001
  0.112    1 alice      *SYN-SENT ├─ SYN seq=0 ─────────────────▶│  LISTEN
  0.112    2 alice       SYN-SENT │◀─ SYN,ACK seq=0 ack=1 ───────┤ *SYN-RECEIVED

A state with an asterisk has just changed. Sequence numbers are relative. What does not fit on an arrow stands
below it, between the rails. The rails are in the same cells in every line, whatever a message holds. Knows no
events and no scenario; who plays which end is told by a mapping from ports to names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wirelab.base.texts import Language, Text, register, say
from wirelab.observe.connections import Note, Noted, Side
from wirelab.observe.messages import Decoder, Message, Profile
from wirelab.observe.segments import Endpoint
from wirelab.observe.tcpstate import State
from wirelab.present.carried import carried
from wirelab.present.style import BOLD, CYAN, DIM, RED, YELLOW, Style, cells, clip, left, right, safe

SECOND = 1_000_000_000
TIME, FRAME, STATE = 7, 4, 13  # cells; a long frame number takes what a short time leaves

_NOTES: dict[Note, Text] = {
    "lost": Text("lost on the way", "途中丢失"),
    "retransmission": Text("retransmission", "重传"),
    "partial-overlap": Text("partly retransmitted", "部分重传"),
    "out-of-order": Text("out of order", "乱序"),
    "fills-gap": Text("fills a gap", "补上缺口"),
    "duplicate-ack": Text("duplicate ACK", "重复 ACK"),
    "keep-alive": Text("keep-alive", "保活探测"),
    "keep-alive-ack": Text("answers keep-alive", "保活应答"),
    "window-probe": Text("window probe", "窗口探测"),
    "window-update": Text("window update", "窗口更新"),
    "zero-window": Text("window full", "零窗口"),
    "acks-fin": Text("acknowledges FIN", "确认 FIN"),
    "after-close": Text("after close", "关闭之后"),
    "refused": Text("refused", "连接被拒绝"),
}

register(
    {
        "ladder.time": Text("time/s", "时间/s"),
        "ladder.frame": Text("frame", "帧"),
        "ladder.client": Text("client", "客户端"),
        "ladder.state": Text("state", "状态"),
        "ladder.legend": Text("* = state has just changed", "* = 状态刚刚改变"),
        **{f"ladder.note.{note}": text for note, text in _NOTES.items()},
    }
)


@dataclass(frozen=True, slots=True)
class Rung:
    """A segment and what it meant when it came: complete messages, a message's part, the states it changed."""

    noted: Noted
    messages: tuple[Message, ...]
    part: bytes
    changed: frozenset[Side]
    opens: bool

    @property
    def marked(self) -> bool:
        """Whether it must be seen even in a flood: it begins, ends or changes something."""
        segment = self.noted.segment
        return self.opens or bool(self.changed) or segment.syn or segment.fin or segment.rst


@dataclass(frozen=True, slots=True)
class Gap:
    """Rungs that are left out."""

    rungs: tuple[Rung, ...]


def shortened(rungs: Sequence[Rung], most: int) -> Iterator[Rung | Gap]:
    """The rungs that are drawn, and what is left out between them: of what need not be seen, the first two thirds of the
    room are for the beginning, the rest for the end."""
    need = [at for at, rung in enumerate(rungs) if rung.marked]
    rest = [at for at, rung in enumerate(rungs) if not rung.marked]
    room = max(0, most - len(need)) if len(rungs) > most else len(rest)
    head = room - room // 3
    drawn = {*need, *rest[:head], *rest[len(rest) - (room - head) :]}
    gap: list[Rung] = []
    for at, rung in enumerate(rungs):
        if at not in drawn:
            gap.append(rung)
            continue
        if gap:
            yield Gap(tuple(gap))
            gap = []
        yield rung
    if gap:
        yield Gap(tuple(gap))


@dataclass(slots=True)
class _Stream:
    """How far one side's stream has been decoded."""

    decoder: Decoder
    end: int = 0  # offset after the last byte delivered
    told: int = 0  # offset after the last whole message


@dataclass(slots=True)
class _Followed:
    """What must be remembered of a connection between two segments."""

    streams: dict[Side, _Stream]
    states: dict[Side, State] = field(default_factory=lambda: {"client": State.CLOSED, "server": State.LISTEN})


class Ladder:
    """Draws one rung after the other. ``names`` is asked at each rung, so that it may learn names meanwhile.

    ``see`` must be given every segment, in captured order; ``draw`` need not be called for each.
    """

    def __init__(
        self,
        profile: Profile,
        names: Callable[[Endpoint], str],
        *,
        language: Language,
        width: int,
        colour: bool,
        name_width: int = 6,
        ink: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._profile = profile
        self._names = names
        self._language = language
        self._style = Style(colour)
        self._ink = ink
        self._name = max(6, min(name_width, 12))
        self._left = TIME + 1 + FRAME + 1 + self._name + 1 + STATE  # cells before the space and the left rail
        self._body = max(24, min(width, 160) - self._left - 3 - 1 - STATE)  # cells between the rails
        self._connections: dict[int, _Followed] = {}
        self._titled = False

    def see(self, noted: Noted) -> Rung:
        """Take in the next segment."""
        opens = noted.connection not in self._connections
        if opens:
            streams: dict[Side, _Stream] = {
                side: _Stream(Decoder(self._profile, side)) for side in ("client", "server")
            }
            self._connections[noted.connection] = _Followed(streams)
        known = self._connections[noted.connection]
        states: dict[Side, State] = {"client": noted.client_state, "server": noted.server_state}
        changed = frozenset(side for side, state in states.items() if state != known.states[side])
        known.states = states
        messages, part = _decode(known.streams[noted.sender], noted)
        return Rung(noted, messages, part, changed, opens)

    def draw(self, rung: Rung, seconds: float) -> list[str]:
        """The lines of one rung, ``seconds`` after the beginning; before a connection's first one, its ends' names."""
        noted = rung.noted
        segment = noted.segment
        outward = noted.sender == "client"
        client, server = (segment.src, segment.dst) if outward else (segment.dst, segment.src)
        name = self._names(client)
        lines = self._heads(noted.connection, client, server) if rung.opens else []
        arrow, *below = self._flow(rung)
        bar = "─" * (self._body - 4 - sum(cells(text) for text, _ in arrow))
        ink = RED if segment.rst else self._ink(self._names(segment.src))
        label = "".join(self._style.paint(text, *inks) for text, inks in arrow)
        paint = self._style.paint
        body = (
            f"{paint('├─', ink)} {label} {paint(f'{bar}▶', ink)}│"
            if outward
            else f"│{paint('◀─', ink)} {label} {paint(f'{bar}┤', ink)}"
        )
        shown = paint(left(clip(name, self._name), self._name), self._ink(name))
        sides = self._state(rung, "client"), self._state(rung, "server")
        lines.append(f"{_when(seconds, segment.frame)} {shown} {sides[0]} {body} {sides[1]}".rstrip())
        blank = " " * (self._left + 1)
        for items in below:
            text = "".join(paint(text, *inks) for text, inks in items)
            space = " " * (self._body - 2 - sum(cells(text) for text, _ in items))
            lines.append(f"{blank}│  {text}{space}│")
        return lines

    # --- parts of a rung

    def _heads(self, connection: int, client: Endpoint, server: Endpoint) -> list[str]:
        lines = []
        if not self._titled:
            self._titled = True
            titles = f"{say('ladder.time', self._language)} {say('ladder.frame', self._language)}"
            when = right(titles, TIME + 1 + FRAME)
            name = left(clip(say("ladder.client", self._language), self._name), self._name)
            state = say("ladder.state", self._language)
            legend = _centred(clip(say("ladder.legend", self._language), self._body), self._body)
            lines.append(f"{when} {name} {right(state, STATE)}  {legend}   {state}")
        title = _centred(f"tcp.stream {connection}" if connection >= 0 else "", self._body)
        client_end = right(clip(self._end(client, self._left), self._left), self._left)
        server_end = clip(self._end(server, STATE + 1), STATE + 1)
        lines.append(f"{client_end} │{title}│ {server_end}")
        return [self._style.paint(line, DIM) for line in lines]

    def _end(self, endpoint: Endpoint, width: int) -> str:
        name, port = safe(self._names(endpoint)), port_name(endpoint)
        return port if name == port else f"{name} {port}" if cells(f"{name} {port}") <= width else name

    def _state(self, rung: Rung, side: Side) -> str:
        client = side == "client"
        state = rung.noted.client_state if client else rung.noted.server_state
        changed = side in rung.changed
        marked = ("*" if changed else " ") + state.value
        return self._style.paint(right(marked, STATE) if client else left(marked, STATE), BOLD if changed else DIM)

    def _flow(self, rung: Rung) -> list[list[tuple[str, tuple[str, ...]]]]:
        """What a rung says, as lines of (text, inks): the first one on the arrow, the others below it."""
        room, below = self._body - 4, self._body - 3  # what is left beside the arrow's two ends, and beside a margin
        lines: list[list[tuple[str, tuple[str, ...]]]] = [[]]
        used = 0
        for gap, text, inks in self._items(rung):
            shown = clip(text, below)
            size = cells(shown)
            if lines[-1] and (not gap or used + len(gap) + size > room):
                lines.append([])
                used, room = 0, below
            space = gap if lines[-1] else ""
            lines[-1] += [(space, ()), (shown, inks)]
            used += len(space) + size
        return lines

    def _items(self, rung: Rung) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(space before it on a line, or "" to begin a line, foreign text, inks)"""
        noted, segment = rung.noted, rung.noted.segment
        yield " ", segment.flag_names(), (RED if segment.rst else "", BOLD)
        yield " ", f"seq={noted.seq}", (DIM,)
        if noted.ack is not None:
            yield " ", f"ack={noted.ack}", (DIM,)
        if segment.length:
            yield " ", f"len={segment.length}", (DIM,)
        for note in _NOTES:
            if note in noted.notes:
                yield "  ", f"({say(f'ladder.note.{note}', self._language)})", (YELLOW,)
        contents = carried(rung.messages, rung.part, self._profile, self._language, 8 * self._body)
        for _, text in contents:
            yield "  " if len(contents) == 1 else "", text, (CYAN, BOLD)


def ladder(
    noted: Iterable[Noted],
    profile: Profile,
    names: Mapping[int, str],
    *,
    language: Language,
    width: int,
    colour: bool,
    origin: int | None = None,
) -> list[str]:
    """The whole ladder of a capture, in lines.

    ``names`` tells who plays the end with a port; others go by their port. ``origin`` (nanoseconds) is where the
    time axis begins; without it, at the first segment.
    """
    widest = max((cells(safe(name)) for name in names.values()), default=0)
    view = Ladder(
        profile,
        lambda endpoint: names.get(endpoint.port) or port_name(endpoint),
        language=language,
        width=width,
        colour=colour,
        name_width=widest,
    )
    lines: list[str] = []
    for one in noted:
        origin = one.segment.time if origin is None else origin
        lines += view.draw(view.see(one), (one.segment.time - origin) / SECOND)
    return lines


def port_name(endpoint: Endpoint) -> str:
    """What an endpoint is called that nobody is known to own."""
    return f":{endpoint.port}"


def clock(seconds: float) -> str:
    """A time on the axis, in as many cells as the axis has."""
    return right(f"{seconds:.3f}", TIME)


def _when(seconds: float, frame: int) -> str:
    """Time and frame number in as many cells as they have; a frame number is never cut, decimals of the time may be."""
    texts = (f"{seconds:.{decimals}f} {frame:>{FRAME}}" for decimals in (3, 2, 1, 0))
    room = TIME + 1 + FRAME
    return right(next((text for text in texts if len(text) <= room), str(frame)), room)


def _centred(text: str, width: int) -> str:
    space = width - cells(text)
    return " " * (space // 2) + text + " " * (space - space // 2)


def _decode(stream: _Stream, noted: Noted) -> tuple[tuple[Message, ...], bytes]:
    """The messages that this segment completed, and the bytes it brought of one that goes on."""
    data = b"".join(chunk.data for chunk in noted.delivered)
    messages = tuple(message for chunk in noted.delivered for message in stream.decoder.feed(chunk))
    if noted.delivered:
        stream.end = noted.delivered[-1].offset + len(noted.delivered[-1].data)
    if messages:
        stream.told = messages[-1].end
    if noted.segment.fin and "out-of-order" not in noted.notes:
        # Nothing will ever finish what is under way now: it is shown with the FIN that left it so.
        return messages + stream.decoder.finish(), b""
    part = data[-min(len(data), stream.end - stream.told) :] if data and stream.end > stream.told else b""
    return messages, part if part.strip(b"\r\n") else b""
