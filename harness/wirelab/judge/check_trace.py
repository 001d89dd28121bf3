"""The trace check: a connection beside an expected trace, and the first place where the two part, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from wirelab.base.texts import Bilingual, Text, cut
from wirelab.declare.scenario import Expected
from wirelab.declare.trace import Line, Trace, Value, Variation
from wirelab.judge.blame import connection_of, cut_off, deserted, not_yours, wire_cut
from wirelab.judge.check_teardown import FORGER
from wirelab.judge.findings import finding
from wirelab.judge.match import Match, match
from wirelab.judge.match_lines import evaluate
from wirelab.judge.match_reading import Row
from wirelab.judge.verdict import Beside, Finding, Said
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Handshake, Noted, Side, Stream, Teardown, Tracker
from wirelab.observe.messages import Message

QUOTED = 40  # characters of a payload in the column of what was seen
NEAR = 1 << 20  # a number is told by a symbol, or by the first number of its side, that is at most so far below it

_FOLLOWED = Text("as the trace says{bindings}{varied}", "与轨迹一致{bindings}{varied}")
VARIATIONS: dict[Variation, Bilingual] = {
    Variation.PIGGYBACK: Bilingual("an ACK rides on another segment", "ACK 搭在别的报文段上"),
    Variation.SIMULTANEOUS: Bilingual("simultaneous close", "同时关闭"),
    Variation.RETRANSMISSION: Bilingual("retransmission", "重传"),
    Variation.DUPLICATE_ACK: Bilingual("duplicate ACK", "重复 ACK"),
    Variation.DELAYED_ACK: Bilingual("ACK delayed, joined or added", "ACK 延迟、合并或增加"),
    Variation.RESEGMENTED: Bilingual("bytes cut into segments differently", "数据的分段方式不同"),
    Variation.KEEP_ALIVE: Bilingual("keep-alive", "保活探测"),
    Variation.WINDOW: Bilingual("window probe or update", "窗口探测或更新"),
}
_FIELDS: dict[str, Bilingual] = {
    "sender": Bilingual("sender", "发送方"),
    "flags": Bilingual("flags", "标志"),
    "seq": Bilingual("seq", "seq"),
    "ack": Bilingual("ack", "ack"),
    "win": Bilingual("win", "win"),
    "len": Bilingual("len", "len"),
    "data": Bilingual("data", "数据"),
    "message": Bilingual("message", "消息"),
    "time": Bilingual("time", "时间"),
}


class Compared:
    """A connection and a trace side by side, ready to be told. ``sides``: which side each actor of the trace is;
    ``killed``: the first frame that is left out, because it came when the harness had ended the programs."""

    def __init__(
        self,
        trace: Trace,
        connection: Connection,
        sides: Mapping[str, Side],
        messages: Mapping[Side, Sequence[Message]],
        killed: int | None = None,
    ) -> None:
        self.match: Match = match(trace, connection, sides, messages)
        self._killed = killed
        self._relaxed: tuple[Variation, ...] = ()
        if not self.match.matched and trace.strict:
            relaxed = match(replace(trace, strict=frozenset()), connection, sides, messages)
            if relaxed.matched:
                self._relaxed = tuple(item.variation for item in relaxed.varied if item.variation in trace.strict)
        self._names: dict[Side, str] = {side: actor for actor, side in sides.items()}
        self._frames = {noted.segment.frame: noted for noted in connection.noted}
        firsts = {noted.sender: noted for noted in reversed(connection.noted)}
        self._bases = [(noted.segment.seq - noted.seq) & 0xFFFFFFFF for noted in firsts.values()]

    def summary(self) -> Said:
        """What is said when they agree: the symbols' numbers, and the legal variations with their frames."""
        varied = [
            (VARIATIONS[item.variation], ", ".join(str(frame) for frame in item.frames[:5]))
            for item in self.match.varied
        ]
        told = Bilingual(
            "".join(f"; {name.en} (frame {frames})" for name, frames in varied),
            "".join(f"；{name.zh}（第 {frames} 帧）" for name, frames in varied),
        )
        return Said(_FOLLOWED, {"bindings": self._bindings(), "varied": told})

    def finding(self, actor: str) -> Finding:
        """What is said when they do not."""
        row = self.match.diverged
        if self.match.ambiguous or row is None:
            return finding("WL907", actor, actor=actor)
        values: dict[str, object] = {"bindings": self._bindings()}
        code = self._code(row)
        if code == "WL702":
            since, passed = self.since(row)
            values |= {"frame": row.frames[0], "since": since, "passed": f"{passed / 1e6:.3f}"}
        if code != "WL703":
            values["expected"] = self._expected(row)
        if code != "WL702":
            values["seen"] = self._seen(row)
        if code == "WL701":
            values["forbidden"] = self._forbidden()
        found = finding(code, actor, frames=row.frames, terminal=(), **values)
        return replace(found, beside=tuple(self._beside(each) for each in self.match.rows))

    def segment(self, row: Row) -> Noted | None:
        """The segment of a row."""
        return self._frames.get(row.frames[0]) if row.frames else None

    def time(self, frame: int) -> int:
        """When a frame was captured."""
        return self._frames[frame].segment.time

    def _code(self, row: Row) -> str:
        if row.kind == "different" and row.differs == ("time",):
            return "WL702"
        lines_left = any(each.line is not None and each.kind != "same" for each in self.match.rows)
        return "WL703" if row.kind == "extra" and not lines_left else "WL701"

    def since(self, row: Row) -> tuple[int, int]:
        """The frame from which a line's time is counted, and how long after it the line came (ns)."""
        assert row.line is not None
        label = next((bound.since for bound in row.line.bounds), None)
        rows = self.match.rows[: self.match.rows.index(row)]
        before = [each for each in rows if each.line and each.frames and label in (None, each.line.label)]
        frame = before[-1].frames[0] if before else row.frames[0]
        return frame, self._frames[row.frames[0]].segment.time - self._frames[frame].segment.time

    def _bindings(self) -> Bilingual:
        told = ", ".join(f"{name} = {self._relative(number)}" for name, number in self.match.bindings.items())
        if not told:
            return Bilingual("", "")
        return Bilingual(f" (relative numbers: {told})", f"（相对序号：{told}）")

    def _forbidden(self) -> Bilingual:
        if not self._relaxed:
            return Bilingual("", "")
        names = [VARIATIONS[variation] for variation in self._relaxed]
        return Bilingual(
            f". It is legal TCP all the same, and only 'strict' forbids it: {', '.join(name.en for name in names)}",
            f"。这在 TCP 中其实合法，只是 strict 不允许：{'、'.join(name.zh for name in names)}",
        )

    def _expected(self, row: Row) -> Bilingual:
        line = row.line or next((each.line for each in self._after(row) if each.line is not None), None)
        if line is None:
            return Bilingual("nothing more", "不再有报文段")
        text = " ".join(line.text.split())
        return Bilingual(f"the segment '{text}'", f"“{text}”这个报文段")

    def _seen(self, row: Row) -> Bilingual:
        noted = self.segment(row)
        if noted is not None:
            written, frame = self._written(noted, self._relative), noted.segment.frame
            if not row.differs:
                return Bilingual(f"frame {frame} is '{written}'", f"第 {frame} 帧却是“{written}”")
            fields = [_FIELDS[name] for name in row.differs]
            english, chinese = ", ".join(field.en for field in fields), "、".join(field.zh for field in fields)
            return Bilingual(
                f"frame {frame} is '{written}', which differs in {english}",
                f"第 {frame} 帧却是“{written}”，{chinese}不同",
            )
        later = next((each.frames[0] for each in self._after(row) if each.frames and each.kind != "passed"), None)
        if later is None and self._killed is not None:
            return Bilingual(
                f"no such segment came before the programs were ended (what came from frame {self._killed} on, came of "
                "that)",
                f"程序被结束之前没有出现这样的报文段（从第 {self._killed} 帧起都是结束程序之后的）",
            )
        if later is None:
            return Bilingual("no such segment came", "没有出现这样的报文段")
        return Bilingual(f"no such segment came before frame {later}", f"第 {later} 帧之前没有出现这样的报文段")

    def _after(self, row: Row) -> tuple[Row, ...]:
        return self.match.rows[self.match.rows.index(row) + 1 :]

    def _beside(self, row: Row) -> Beside:
        if row.kind == "passed" and len(row.frames) > 1:
            seen = f"... ({len(row.frames)})"
        else:
            noted = self.segment(row)
            wanted = (row.line.seq, row.line.ack) if row.line else ()
            seen = self._written(noted, partial(self._by_symbols, wanted)) if noted else ""
        return Beside(" ".join(row.line.text.split()) if row.line else "", seen, row.kind, row.frames)

    def _written(self, noted: Noted, number: Callable[[int], str]) -> str:
        """A segment in the notation of traces; ``number`` writes its raw numbers."""
        segment = noted.segment
        other: Side = "server" if noted.sender == "client" else "client"
        words = [f"{self._names[noted.sender]} > {self._names[other]}", segment.flag_names()]
        words.append(f"seq={number(segment.seq)}")
        if segment.has_ack:
            words.append(f"ack={number(segment.ack)}")
        if segment.length:
            text = segment.payload.decode(errors="replace")
            words.append(f"len={segment.length}")
            words.append(repr(cut(text, QUOTED)))
        return " ".join(words)

    def _relative(self, number: int) -> str:
        """A raw number as ladders and Wireshark show it: counted from the first of the side that it is near to."""
        near = min(((number - base) & 0xFFFFFFFF for base in self._bases), default=NEAR)
        return str(near if near < NEAR else number)

    def _by_symbols(self, wanted: Iterable[Value | None], number: int) -> str:
        """A raw number as its line writes it, where it is what the line wants; else by the symbols that are known."""
        for value in wanted:
            if value is not None and value.symbols and evaluate(value, self.match.bindings) == number:
                return str(value)
        near = [((number - value) & 0xFFFFFFFF, name) for name, value in self.match.bindings.items()]
        distance, name = min(near, default=(NEAR, ""))
        if distance >= NEAR:
            return self._relative(number)
        return f"{name}+{distance}" if distance else name


def check_trace(view: View, item: Expected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not. What the harness's killing brought about is left out."""
    assert item.trace is not None
    sides = view.scenario.sides(item.trace)
    client = next(actor for actor, side in sides.items() if side == "client")
    whole, found = connection_of(view, client)
    if whole is None:
        return None, found
    connection = _until(whole, view.cleanup)
    messages: dict[Side, tuple[Message, ...]] = {
        "client": view.messages(whole.index, "client"),
        "server": view.messages(whole.index, "server"),
    }
    killed = next((noted.segment.frame for noted in whole.noted if noted.segment.time >= view.cleanup), None)
    compared = Compared(item.trace, connection, sides, messages, killed)
    if compared.match.matched:
        return compared.summary(), []
    if connection.noted and (excuse := _excused(view, client, connection, compared)):
        return None, [excuse]
    submission = next((actor for actor in sides if view.part(actor) == "submission"), None)
    if submission is None:
        what = Bilingual("did not do what the trace says", "没有按轨迹行事")
        return None, [not_yours(client, what)]
    return None, [compared.finding(submission)]


def _until(connection: Connection, time: float) -> Connection:
    """A connection as it stood at a moment."""
    if connection.noted[-1].segment.time < time:
        return connection
    tracker = Tracker(server_port=connection.server.port)
    for noted in connection.noted:
        if noted.segment.time < time:
            tracker.feed(noted.segment)
    if tracker.connections:
        return tracker.connections[-1]
    nothing: Stream = Stream(())
    return replace(  # it began later
        connection, noted=(), handshake=Handshake(), teardown=Teardown(), client_stream=nothing, server_stream=nothing
    )


def _excused(view: View, client: str, connection: Connection, compared: Compared) -> Finding | None:
    """Why a difference says nothing about the submission: the wire, the machine, or the harness's own side."""
    row = compared.match.diverged
    if compared.match.ambiguous or row is None:
        return None
    noted = compared.segment(row)
    if noted is None:
        return _why_missing(view, client, connection, row.line)
    sender = view.actor_at(connection, noted.sender)
    own, time, frames = view.part(sender) == "submission", noted.segment.time, row.frames
    if noted.segment.rst and view.forged(connection, noted):
        return not_yours(FORGER, Bilingual("sent RST in the name of one side", "以一方的名义发送了 RST"), frames=frames)
    if row.differs == ("time",):
        return _why_late(view, client, connection, sender, compared, row)
    if own:
        return None
    if noted.segment.fin:
        return deserted(view, client, connection)
    if wire_cut(view, client, time):
        return cut_off(frames=frames)
    end = connection.teardown
    closed, answered = (end.client_fin, end.server_fin)[:: 1 if noted.sender == "client" else -1]
    if noted.segment.rst and closed is not None and answered is None:
        return None  # its side had closed, and the submission's had not
    if noted.segment.rst or noted.segment.length:
        return not_yours(
            sender, Bilingual("sent what the trace does not have", "发送了轨迹中没有的报文段"), frames=frames
        )
    return None


def _why_missing(view: View, client: str, connection: Connection, line: Line | None) -> Finding | None:
    if wire_cut(view, client, view.end):
        return cut_off()
    if excuse := deserted(view, client, connection):
        return excuse
    if line is None or view.part(line.sender) == "submission":
        return None
    end = connection.teardown
    closed = [noted for noted in (end.client_fin, end.server_fin, *end.resets) if noted is not None]
    if any(view.part(view.actor_at(connection, noted.sender)) == "submission" for noted in closed):
        return None  # it closed before the other side could
    return not_yours(line.sender, Bilingual("did not send what the trace says", "没有发送轨迹中的报文段"))


def _why_late(
    view: View, client: str, connection: Connection, sender: str, compared: Compared, row: Row
) -> Finding | None:
    """Whether the wire held it up, the machine kept the sender waiting, or the sender is the harness's own."""
    assert row.line is not None
    since, passed = compared.since(row)
    most = min((bound.most for bound in row.line.bounds if bound.most is not None), default=None)
    if most is None or passed <= most:
        return None  # too early is nobody else's doing
    start, end = compared.time(since), compared.time(row.frames[0])
    if view.disturbed(connection, start, end) or wire_cut(view, client, start) or wire_cut(view, client, end):
        return cut_off(frames=row.frames)
    delay = view.run_delay(sender, start, end)
    if delay >= (passed - most) / 1e9:
        return finding("WL903", sender, frames=row.frames, actor=sender, delay=f"{delay:.2f}")
    if view.part(sender) != "submission":
        return not_yours(sender, Bilingual("was late", "来迟了"), frames=row.frames)
    return None
