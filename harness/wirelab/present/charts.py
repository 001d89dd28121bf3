"""Charts of a connection as standalone SVG documents: heartbeats and their answers, sequence numbers over time. Pure.

What things are shows in their shape as well as in their colour, so that a chart can be printed in grey.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wirelab.base.texts import Language, Text, register, say
from wirelab.observe.connections import SIDES, Connection, Noted, Side
from wirelab.observe.heartbeats import Exchange
from wirelab.present.html import Html, el
from wirelab.present.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    RED,
    RULE,
    WIDTH,
    box,
    dot,
    figure,
    line,
    num,
    path,
    wide,
    write,
)
from wirelab.present.words import grouped

register(
    {
        "chart.heartbeats": Text("Heartbeats and how soon they were answered", "心跳及其应答延迟"),
        "chart.heartbeats.about": Text(
            "{count} heartbeats, {answered} of them answered, after {least} to {most} ms",
            "共 {count} 个心跳，其中 {answered} 个得到应答，延迟 {least} 到 {most} ms",
        ),
        "chart.heartbeats.none": Text("{count} heartbeats, none of them answered", "共 {count} 个心跳，都没有应答"),
        "chart.heartbeats.delay": Text("delay of the answer / ms", "应答延迟 / ms"),
        "chart.heartbeats.unanswered": Text("unanswered", "未应答"),
        "chart.heartbeats.answered": Text("answered", "已应答"),
        "chart.heartbeats.interval": Text("interval / s", "间隔 / s"),
        "chart.heartbeats.intervals": Text("{least} to {most}", "{least} 到 {most}"),
        "chart.heartbeats.nothing": Text("no heartbeats were seen", "没有看到心跳"),
        "chart.time": Text("time since the first segment / s", "距第一个报文段的时间 / s"),
        "chart.sequence": Text("Sequence numbers over time", "序号随时间的变化"),
        "chart.sequence.about": Text(
            "{count} segments; the client sent up to {client}, the server up to {server} (relative numbers)",
            "共 {count} 个报文段；客户端发送到 {client}，服务器发送到 {server}（相对序号）",
        ),
        "chart.sequence.axis": Text("relative sequence number", "相对序号"),
        "chart.sequence.client": Text("client to server", "客户端 → 服务器"),
        "chart.sequence.server": Text("server to client", "服务器 → 客户端"),
        "chart.sequence.data": Text("data (from seq to seq + len)", "数据（从 seq 到 seq + len）"),
        "chart.sequence.ack": Text("acknowledged so far", "已被确认到"),
        "chart.sequence.again": Text("sent again", "重传"),
    }
)

SECOND = 1_000_000_000
_LEFT, _RIGHT = 74, WIDTH - 18
_STEPS = (1, 2, 2.5, 5, 10)
_AGAIN = frozenset(("retransmission", "partial-overlap"))
_ROOM = 40  # units that a label under a heartbeat takes at least


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from ``low`` to ``high`` along units ``start`` to ``stop``, with a tick every ``step``."""

    low: float
    high: float
    step: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """Where a value is."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    @property
    def ticks(self) -> list[float]:
        """The round values, ``low`` and ``high`` among them."""
        return [self.low + self.step * number for number in range(round((self.high - self.low) / self.step) + 1)]

    def text(self, tick: float) -> str:
        """A tick's value with as many decimals as its step has."""
        decimals = next((count for count in range(15) if math.isclose(self.step, round(self.step, count))), 15)
        whole, point, rest = f"{tick:.{decimals}f}".partition(".")
        return grouped(int(whole)) + point + rest


def axis(most: float, start: float, stop: float, ticks: int = 6, *, whole: bool = False) -> Axis:
    """An axis from 0 to the first round value that is not below ``most``; ``whole``: its ticks are whole numbers."""
    most = most if most > 0 and math.isfinite(most) else 1.0
    power = 10.0 ** math.floor(math.log10(most / ticks))
    step = next(step * power for step in _STEPS if step * power * ticks >= most * (1 - 1e-9))
    step = max(1.0, float(math.ceil(step))) if whole else step
    return Axis(0.0, step * max(1, math.ceil(most * (1 - 1e-9) / step)), step, start, stop)


def heartbeat_chart(exchanges: Sequence[Exchange], *, language: Language, origin: int | None = None) -> str:
    """Heartbeats in the order they were asked: their times, intervals, and how many ms each took to be answered.

    ``origin`` (nanoseconds) is where the time axis begins; without it, at the first heartbeat. 720 by 330 units.
    """
    title = say("chart.heartbeats", language)
    if not exchanges:
        words = say("chart.heartbeats.nothing", language)
        return figure(title, words, 60, write(WIDTH / 2, 35, words, 13, GREY, "middle"), language=language)
    start = exchanges[0].question.time if origin is None else origin
    times = [(one.question.time - start) / SECOND for one in exchanges]
    delays = [None if one.delay_ns is None else one.delay_ns / 1e6 for one in exchanges]
    known = [delay for delay in delays if delay is not None]
    top, bottom = 56.0, 232.0
    across = axis(max(times), _LEFT + 14, _RIGHT - 14, 8)
    up = axis(max(known, default=1.0) * 1.08, bottom, top, 5)
    marks: list[Html] = []
    for exchange, time, delay in zip(exchanges, times, delays, strict=True):
        marks.append(_lollipop(exchange, across.at(time), up, delay, bottom, top, language))
    values = {"count": len(exchanges), "answered": len(known)}
    if known:
        about = say("chart.heartbeats.about", language, least=f"{min(known):.3f}", most=f"{max(known):.3f}", **values)
    else:
        about = say("chart.heartbeats.none", language, **values)
    legend = [("chart.heartbeats.answered", dot(0, -4, 4.5, GREEN))] if known else []
    if len(known) < len(delays):
        legend.append(("chart.heartbeats.unanswered", path("M-5 -9l10 10m0 -10l-10 10", stroke=RED, width=2.2)))
    return figure(
        title,
        about,
        316,
        write(_LEFT, 20, title, 14, INK, weight=700),
        *_legend(legend, 42, language),
        *_frame(across, up, say("chart.heartbeats.delay", language), top, bottom),
        *_numbers(exchanges, [across.at(time) for time in times], times, bottom, language),
        *marks,
        *_below(across, 276, language),
        language=language,
    )


def sequence_chart(connection: Connection, *, language: Language) -> str:
    """Relative sequence numbers of both sides over time (a Stevens graph): data as bars from seq to seq + len, what the
    other side has acknowledged as a stairway, SYN, FIN and RST by shapes. One panel a side, 720 by 480 units."""
    title = say("chart.sequence", language)
    noted = connection.noted
    start = noted[0].segment.time
    last = max(one.segment.time for one in noted)
    across = axis((last - start) / SECOND, _LEFT + 10, _RIGHT - 10, 8)
    parts: list[Html] = []
    most: dict[Side, int] = {}
    for side, top in zip(SIDES, (80.0, 270.0), strict=True):
        bottom = top + 140
        sent = [one for one in noted if one.sender == side]
        most[side] = max((one.seq + one.segment.span for one in sent if not one.segment.rst), default=1)
        up = axis(most[side], bottom, top, 4, whole=True)
        parts.append(write(_RIGHT, top - 8, say(f"chart.sequence.{side}", language), 12, INK, "end", 700))
        parts += _frame(across, up, say("chart.sequence.axis", language), top, bottom)
        parts.append(_stairs([one for one in noted if one.sender != side], start, across, up, last))
        places: set[tuple[str, ...]] = set()
        for one in sent:
            place, marks = _segment(one, start, across, up)
            if marks and place not in places:  # of a flood, what would be drawn on top of each other is drawn once
                places.add(place)
                parts.append(marks)
    legend = [
        ("chart.sequence.data", path("M0 1v-11M-4 -10h8M-4 1h8", stroke=BLUE, width=2.2)),
        ("chart.sequence.ack", path("M-7 0h7v-8h7", stroke=GREEN, width=1.3)),
        ("SYN", _shape("syn", 0, -4)),
    ]
    if any(one.segment.fin for one in noted):
        legend.append(("FIN", _shape("fin", 0, -4)))
    if any(one.segment.rst for one in noted):
        legend.append(("RST", _shape("rst", 0, -4)))
    if any(one.notes & _AGAIN for one in noted):
        legend.append(("chart.sequence.again", dot(0, -4, 4.5, PAPER, ORANGE)))
    values = {"count": grouped(len(noted)), "client": grouped(most["client"]), "server": grouped(most["server"])}
    return figure(
        title,
        say("chart.sequence.about", language, **values),
        462,
        write(_LEFT, 20, title, 14, INK, weight=700),
        *_legend(legend, 44, language),
        *parts,
        *_below(across, 422, language),
        language=language,
    )


# --- heartbeats


def _lollipop(
    exchange: Exchange, x: float, up: Axis, delay: float | None, bottom: float, top: float, language: Language
) -> Html:
    title = el("title", exchange.question.text if delay is None else f"{exchange.question.text}: {delay:.3f} ms")
    frame = exchange.question.frames[-1] if exchange.question.frames else 0
    if delay is None:
        y = top + 14
        cross = path(f"M{num(x - 5)} {num(y - 5)}l10 10m0 -10l-10 10", stroke=RED, width=2.2)
        stem = line(x, bottom, x, y + 8, RED, 1.3, "3 3")
        return el("g", title, stem, cross, class_="heartbeat", data_frame=frame)
    y = up.at(delay)
    return el("g", title, line(x, bottom, x, y, GREEN, 2), dot(x, y, 4.5, GREEN), class_="heartbeat", data_frame=frame)


def _numbers(
    exchanges: Sequence[Exchange], places: Sequence[float], times: Sequence[float], bottom: float, language: Language
) -> Iterator[Html]:
    """Below the axis, each heartbeat's number and the interval since the one before; of many, as many as have room."""
    gaps = [places[at] - places[at - 1] for at in range(1, len(places))]
    every = max(1, math.ceil(_ROOM / (min(gaps) or 0.1))) if gaps else 1
    every = min(every, max(1, len(places) // 4)) if gaps and min(gaps) < _ROOM / 8 else every
    if gaps:
        yield write(_LEFT - 4, bottom + 32, say("chart.heartbeats.interval", language), 10.5, GREY, "end")
    if gaps and every > 1:  # no room for each
        steps = [times[at] - times[at - 1] for at in range(1, len(times))]
        words = say("chart.heartbeats.intervals", language, least=f"{min(steps):.3f}", most=f"{max(steps):.3f}")
        yield write(_LEFT + 14, bottom + 32, words, 10.5, GREY)
    shown_until = -1e9
    for at, (exchange, x) in enumerate(zip(exchanges, places, strict=True)):
        if at % every or x - shown_until < _ROOM * 0.55:
            continue
        shown_until = x
        number = exchange.question.groups.get("n", str(at + 1))
        yield write(x, bottom + 15, f"#{number[:6]}", 10.5, INK, "middle")
        if at and every == 1 and places[at] - places[at - 1] >= _ROOM:
            middle = (places[at - 1] + x) / 2
            yield line(places[at - 1] + 3, bottom + 20, x - 3, bottom + 20, GREY)
            yield path(
                f"M{num(places[at - 1] + 3)} {num(bottom + 17)}v6M{num(x - 3)} {num(bottom + 17)}v6", stroke=GREY
            )
            yield write(middle, bottom + 32, f"{times[at] - times[at - 1]:.3f}", 10, GREY, "middle")


# --- sequence numbers


def _stairs(acks: Iterable[Noted], start: int, across: Axis, up: Axis, last: int) -> Html:
    """How far the other side has acknowledged, as a line that never falls."""
    d, reached = "", 0
    for one in acks:
        if one.ack is None or one.segment.rst or (d and one.ack <= reached):
            continue
        x, y = num(across.at((one.segment.time - start) / SECOND)), num(up.at(min(one.ack, up.high)))
        step = f"H{x}V{y}" if d else f"M{x} {y}"
        d += "" if d.endswith(step) else step
        reached = one.ack
    return path(f"{d}H{num(across.at((last - start) / SECOND))}" if d else "M0 0", stroke=GREEN, width=1.3)


def _segment(one: Noted, start: int, across: Axis, up: Axis) -> tuple[tuple[str, ...], Html | None]:
    """What marks a segment, and where, to a unit; None for a bare ACK, which only makes a step in the other's panel."""
    segment = one.segment
    x, low = across.at((segment.time - start) / SECOND), up.at(max(0, min(one.seq, up.high)))
    high = up.at(min(one.seq + segment.length, up.high))
    again = bool(one.notes & _AGAIN)
    shapes = [name for name, has in (("syn", segment.syn), ("fin", segment.fin), ("rst", segment.rst)) if has]
    marks: list[Html] = []
    if segment.length:
        d = f"M{num(x)} {num(low)}V{num(high)}M{num(x - 4)} {num(high)}h8M{num(x - 4)} {num(low)}h8"
        marks.append(path(d, stroke=BLUE, width=2.2))
    marks += [dot(x, high, 7, "none", ORANGE)] if again else []
    marks += [_shape(name, x, high) for name in shapes]
    place = (f"{x:.0f}", f"{low:.0f}", f"{high:.0f}", str(again), *shapes)
    title = el("title", f"{segment.frame}: {segment.flag_names()} seq={one.seq} len={segment.length}")
    return place, el("g", title, *marks, class_="segment", data_frame=segment.frame) if marks else None


def _shape(name: str, x: float, y: float) -> Html:
    """SYN is a triangle, FIN a square, RST a cross."""
    if name == "syn":
        return path(f"M{num(x)} {num(y - 6)}l5.5 10h-11Z", BLUE)
    if name == "fin":
        return path(f"M{num(x - 5)} {num(y - 5)}h10v10h-10Z", PAPER, ORANGE, 2)
    return path(f"M{num(x - 5)} {num(y - 5)}l10 10m0 -10l-10 10", stroke=RED, width=2.2)


# --- what all charts have


def _frame(across: Axis, up: Axis, label: str, top: float, bottom: float) -> Iterator[Html]:
    """Grid, ticks and the label of the axis that goes up."""
    yield box(_LEFT, top, _RIGHT - _LEFT, bottom - top, "#fafbfc", RULE)
    for tick in up.ticks:
        yield line(_LEFT, up.at(tick), _RIGHT, up.at(tick), RULE, 0.8)
        yield write(_LEFT - 6, up.at(tick) + 4, up.text(tick), 11, INK, "end")
    for tick in across.ticks:
        yield line(across.at(tick), bottom, across.at(tick), top, RULE, 0.6)
    yield line(_LEFT, bottom, _RIGHT, bottom, INK, 1.2)
    yield write(_LEFT, top - 8, label, 11, GREY)


def _below(across: Axis, y: float, language: Language) -> Iterator[Html]:
    """The time axis' values and its label."""
    for tick in across.ticks:
        yield write(across.at(tick), y + 4, across.text(tick), 11, INK, "middle")
    yield write((_LEFT + _RIGHT) / 2, y + 24, say("chart.time", language), 11, GREY, "middle")


def _legend(entries: Sequence[tuple[str, Html]], y: float, language: Language) -> Iterator[Html]:
    """Marks and what they stand for (a key, or a flag's name), in a row that ends at the right."""
    words = [say(key, language) if key.startswith("chart.") else key for key, _ in entries]
    x = _RIGHT - sum(wide(one, 11) * 0.93 + 32 for one in words)
    for (_, mark), said in zip(entries, words, strict=True):
        yield el("g", mark, transform=f"translate({num(x + 12)} {num(y)})")
        yield write(x + 23, y, said, 11, INK)
        x += wide(said, 11) * 0.93 + 32
