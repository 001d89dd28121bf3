"""What a capture made by hand tells of one connection, without any scenario: the checks that need none.

There are no programs here, no terminals and no script, and nobody knows when capturing was begun and stopped. So the two
sides are called client and server; what is missing before the first and after the last captured segment makes a
check inconclusive, and only what was seen makes it fail.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.expectations import Expectation, HandshakeExpected, HeartbeatExpected, TeardownExpected
from wirelab.declare.head import CastMember, Title
from wirelab.declare.scenario import Expected, Scenario
from wirelab.declare.trace import Trace, lines_of
from wirelab.judge.causes import with_causes
from wirelab.judge.check_messages import malformed
from wirelab.judge.check_trace import Compared
from wirelab.judge.checks import check_expectation, first_of_each
from wirelab.judge.findings import finding
from wirelab.judge.verdict import CheckResult, Finding, Judgement, Said, Verdict, worst
from wirelab.judge.view import View
from wirelab.observe.connections import SIDES, Connection, Note, Side
from wirelab.observe.evidence import Evidence, Owned
from wirelab.observe.messages import Message, Profile
from wirelab.observe.segments import RAW_IP

__all__ = ["CapturedView", "Limits", "judge_captured", "sides_of"]

PROMPT = 0.1  # seconds in which a program that reads all the time answers a heartbeat, besides the network's own time
UNKNOWN_TRIP = 0.4  # allowed for the network's time, in seconds, where the capture lacks the handshake, which shows it

_SEEN = Text(
    "{count} segments; {client} bytes from the client, {server} bytes from the server{notes}",
    "{count} 个报文段；客户端发送 {client} 字节，服务器发送 {server} 字节{notes}",
)
_NOTES: dict[Note, Bilingual] = {
    "retransmission": Bilingual("retransmissions", "重传"),
    "out-of-order": Bilingual("out of order", "乱序"),
    "duplicate-ack": Bilingual("duplicate ACKs", "重复 ACK"),
    "keep-alive": Bilingual("keep-alive probes", "保活探测"),
    "zero-window": Bilingual("with a full window", "零窗口"),
    "after-close": Bilingual("after the close", "关闭之后"),
}
_LOST: dict[Side, frozenset[str]] = {  # findings about heartbeats that bytes missing of one side would explain
    "client": frozenset({"WL302", "WL303"}),
    "server": frozenset({"WL304", "WL305", "WL306"}),
}
_SPOKEN = Text("client: {client}; server: {server}", "客户端：{client}；服务器：{server}")
_NOTHING = Bilingual("nothing", "无")
_OTHER = Bilingual("unknown", "未知")
_PARTED = Text("as the trace says", "与轨迹一致")
_STRAY = Text(
    "orderly; the RST in frame {frame} came when all was over, as a kernel's answer to a stray segment",
    "正常关闭；第 {frame} 帧的 RST 出现在一切结束之后，是内核对迷途报文段的应答",
)
_UNSAID: dict[str, Text] = {
    "handshake": Text("SYN, SYN+ACK, ACK", "SYN、SYN+ACK、ACK"),
    "heartbeat": Text("each answered once, with its own number, at once", "每个心跳都立即以相同编号应答一次"),
    "teardown": Text("a FIN from both sides, both acknowledged, no RST", "双方各发 FIN 并得到确认，没有 RST"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a capture lacks as a file: packets that the capturing machine dropped, segments beyond what is looked at
    (``most``, None when all were), and its end, when it was ``truncated`` in the middle of a packet."""

    lost: int = 0
    most: int | None = None
    truncated: bool = False


class CapturedView(View):
    """The view of one connection of a capture, whose two sides are the actors ``client`` and ``server``."""

    def __init__(self, name: str, connection: Connection, profile: Profile) -> None:
        port = connection.server.port
        cast: dict[str, CastMember] = {side: CastMember(role=side) for side in SIDES}
        scenario = Scenario(name, Title(en=name, zh=name), "both", profile.name, port, {}, cast, (), (), "")
        times = [noted.segment.time for noted in connection.noted]
        ends = tuple(Owned(time, "client", connection.client.port) for time in (times[0], max(times)))
        super().__init__(scenario, profile, Evidence(ends, (), RAW_IP, 0, port))
        self._connection = connection

    @functools.cached_property
    def connections(self) -> tuple[Connection, ...]:
        """The one connection; its frame numbers are the file's."""
        return (self._connection,)

    def whole(self, side: Side) -> tuple[Message, ...]:
        """What one side said, without what the capture's own ends have cut."""
        connection = self._connection
        messages, more = self.messages(connection.index, side), bool(connection.stream(side).gaps)
        if messages and messages[-1].problem == "unfinished" and (more or connection.fin(side) is None):
            messages = messages[:-1]
        if messages and connection.handshake.syn is None and messages[0].kind is None:
            messages = messages[1:]  # its beginning was before the capture
        return messages

    @property
    def one(self) -> Connection:
        """The connection."""
        return self._connection


def judge_captured(
    name: str, connection: Connection, profile: Profile, limits: Limits, expected: Trace | None = None
) -> Judgement:
    """Judge one connection of a capture; ``expected`` is the trace that it is to follow, if one was given."""
    view = CapturedView(name, connection, profile)
    checks = [_capture(view, limits), _handshake(view), _messages(view), *_heartbeats(view), *_teardown(view)]
    if expected is not None:
        checks.append(_trace(view, expected))
    told = tuple(with_causes(view, check) for check in checks)
    return Judgement(name, told, worst(check.verdict for check in checks))


def _result(check: CheckResult, found: list[Finding]) -> CheckResult:
    """A check's result with other findings; without any it passes."""
    if not found and check.verdict is Verdict.PASS:
        return check
    blamed = any(not entry.code.startswith("WL9") for entry in found)
    summary = Said(_UNSAID[check.name]) if check.name in _UNSAID else check.summary
    verdict = Verdict.FAIL if blamed else Verdict.INCONCLUSIVE if found else Verdict.PASS
    return replace(check, verdict=verdict, summary=summary, findings=tuple(found))


def _checked(view: View, expectation: Expectation) -> CheckResult:
    return check_expectation(view, Expected(0, "", expectation))


def _capture(view: CapturedView, limits: Limits) -> CheckResult:
    """What there is of the connection, and what the capture lacks."""
    connection = view.one
    counts = Counter(note for noted in connection.noted for note in noted.notes)
    notes = [(counts[note], words) for note, words in _NOTES.items() if counts[note]]
    said = Bilingual(
        "".join(f"; {words.en}: {count}" for count, words in notes),
        "".join(f"；{words.zh}：{count}" for count, words in notes),
    )
    found: list[Finding] = []
    if limits.lost:
        found.append(finding("WL901", None, lost=limits.lost))
    if limits.most is not None or (limits.truncated and not _over(connection)):
        unit, count = Bilingual("packets", "个报文"), limits.most or len(connection.noted)
        found.append(finding("WL902", None, limit=count, unit=unit, time=view.seconds(view.end)))
    for side in SIDES:
        gaps = connection.stream(side).gaps
        if gaps:
            count = sum(end - start for start, end in gaps)
            found.append(finding("WL913", side, actor=side, count=count, start=gaps[0][0] + 1))
    found += _unheard(view)
    values: dict[str, object] = {side: len(connection.stream(side).data) for side in SIDES}
    summary = Said(_SEEN, {"count": len(connection.noted), "notes": said, **values})
    return _result(CheckResult("capture", None, 0, "", Verdict.PASS, summary), found)


def _handshake(view: CapturedView) -> CheckResult:
    check = _checked(view, HandshakeExpected(handshake="client"))
    connection = view.one
    shake = connection.handshake
    if shake.syn is None:
        return _result(check, [_begun(view)])
    answered = shake.refused or shake.syn_ack or connection.teardown.resets
    asked = sum(noted.segment.syn and noted.sender == "client" for noted in connection.noted)
    if not answered and asked > 1:  # it asked again and again: nobody was there
        return check if check.verdict is Verdict.PASS else _result(check, list(check.findings))
    if not shake.complete and not answered:
        return _result(check, [_ended(view, Bilingual("the server's SYN+ACK", "服务器的 SYN+ACK"))])
    if not shake.complete and shake.syn_ack and not connection.teardown.resets:
        return _result(check, [_ended(view, Bilingual("the client's ACK of it", "客户端对它的 ACK"))])
    return _result(check, list(check.findings))


def _begun(view: CapturedView) -> Finding:
    frame = view.one.noted[0].segment.frame
    return finding("WL911", None, frames=(frame,), actor="client", frame=frame)


def _unheard(view: CapturedView) -> Iterator[Finding]:
    """A side of which there is no segment at all, though the other acknowledged what it sent."""
    noted = view.one.noted
    for side in SIDES:
        if any(item.sender == side for item in noted):
            continue
        acked = sorted({item.ack for item in noted if item.ack is not None and not item.segment.rst})
        if acked[1:] and acked[-1] - acked[-2] == 1:
            acked.pop()  # a FIN, most likely
        if acked[1:]:
            yield finding("WL913", side, actor=side, count=acked[-1] - acked[0], start=acked[0])


def _ended(view: CapturedView, missing: Bilingual) -> Finding:
    unheard = next(_unheard(view), None)
    if unheard is not None:
        return unheard
    frame = view.one.noted[-1].segment.frame
    return finding("WL912", None, frames=(frame,), time=view.seconds(view.end), missing=missing)


# --- messages


def _messages(view: CapturedView) -> CheckResult:
    found: list[Finding] = []
    spoken: dict[str, Bilingual] = {}
    for side in SIDES:
        messages = view.whole(side)
        found += malformed(view, side, messages)
        counts = Counter(message.kind for message in messages)
        named = [(kind, count) for kind, count in counts.items() if kind is not None]
        parts = [(Bilingual(kind, kind), count) for kind, count in named]
        parts += [(_OTHER, counts[None])] if counts[None] else []
        spoken[side] = _listed(parts)
    check = CheckResult("messages", "client", 0, "", Verdict.PASS, Said(_SPOKEN, dict(spoken)))
    return _result(check, first_of_each(found))


def _listed(parts: list[tuple[Bilingual, int]]) -> Bilingual:
    if not parts:
        return _NOTHING
    return Bilingual(
        ", ".join(f"{name.en} ×{count}" for name, count in parts),
        "、".join(f"{name.zh} ×{count}" for name, count in parts),
    )


def _heartbeats(view: CapturedView) -> Iterator[CheckResult]:
    """Whether heartbeats were answered; nothing where there were none."""
    connection = view.one
    pairing = view.pairing(connection)
    if not pairing.exchanges and not pairing.unsolicited:
        return
    shake = connection.handshake
    trip = UNKNOWN_TRIP
    if shake.syn and shake.ack:  # wherever the packets were captured, no answer can come sooner than this
        trip = (shake.ack.segment.time - shake.syn.segment.time) / 1e9
    limit = round(PROMPT + trip, 3)
    check = _checked(view, HeartbeatExpected(heartbeat="client", at_least=0, answered_within=limit))
    found = list(check.findings)
    gaps = {side: connection.stream(side).gaps for side in SIDES}
    if shake.syn is None:  # what was asked before the capture began nobody knows
        first = min((exchange.question.frames[0] for exchange in pairing.exchanges), default=0)
        early = [entry for entry in found if entry.code == "WL304" and (not first or entry.frames[0] < first)]
        found = [entry for entry in found if entry.code != "WL306" and entry not in early]
    found = [entry for entry in found if not any(entry.code in _LOST[side] and gaps[side] for side in SIDES)]
    answered = any(item.answer for item in pairing.exchanges)
    if not found and not answered:
        if not pairing.exchanges or _over(connection):
            return  # nobody asked, or nobody had the time to answer
        frame = pairing.exchanges[0].question.frames[-1]
        found.append(
            _ended(view, Bilingual(f"an answer to the heartbeat in frame {frame}", f"对第 {frame} 帧心跳的应答"))
        )
    yield _result(check, found)


# --- the end


def _teardown(view: CapturedView) -> Iterator[CheckResult]:
    """How it ended; nothing where it never began."""
    connection = view.one
    if connection.handshake.refused is not None or not _conversed(connection):
        return
    check = _checked(view, TeardownExpected(teardown="client"))
    end = connection.teardown
    if all(noted.segment.rst for noted in connection.noted):  # whatever they answered was not captured
        yield _result(check, [_begun(view)])
        return
    if end.resets and not end.aborts:
        summary = Said(_STRAY, {"frame": end.resets[0].segment.frame})
        yield replace(check, verdict=Verdict.PASS, summary=summary, findings=())
        return
    found = list(check.findings)
    if not end.resets:  # after a RST nothing more could come
        found = [entry for entry in found if entry.code not in ("WL503", "WL505")]
        found += [*_unheard(view)] or [_ended(view, missing) for missing in _open_ends(connection)]
    yield _result(check, found)


def _open_ends(connection: Connection) -> Iterator[Bilingual]:
    """What is missing of a teardown."""
    end = connection.teardown
    if end.client_fin is None and end.server_fin is None:
        yield Bilingual("a FIN of either side", "任何一方的 FIN")
        return
    for fin, acked, side, name in (
        (end.client_fin, end.client_fin_ack, "client", "客户端"),
        (end.server_fin, end.server_fin_ack, "server", "服务器"),
    ):
        if fin is None:
            yield Bilingual(f"the {side}'s FIN", f"{name}的 FIN")
        elif acked is None:
            yield Bilingual(f"the ACK of the {side}'s FIN", f"对{name} FIN 的 ACK")


def _conversed(connection: Connection) -> bool:
    return connection.handshake.syn is None or connection.handshake.syn_ack is not None


# --- an expected trace


def _trace(view: CapturedView, expected: Trace) -> CheckResult:
    """Whether the connection is what a trace says; where the capture lacks what the trace has, nobody is to blame."""
    connection = view.one
    messages = {side: view.messages(connection.index, side) for side in SIDES}
    sides = sides_of(expected)
    compared = Compared(expected, connection, sides, messages)
    check = CheckResult("trace", "client", 0, "", Verdict.PASS, Said(_PARTED))
    if compared.match.matched:
        return replace(check, summary=compared.summary())
    row = compared.match.diverged
    found = compared.finding(_who(compared, sides))
    if connection.handshake.syn is None:
        return _result(check, [_begun(view)])
    if row is not None and row.line is not None and not row.frames and not _over(connection):
        line = " ".join(row.line.text.split())
        return _result(check, [_ended(view, Bilingual(f"'{line}'", f"“{line}”"))])
    return _result(check, [found])


def _who(compared: Compared, sides: dict[str, Side]) -> Side:
    """Whose segment it is where a connection parts from a trace: the first that came, else the one that did not."""
    rows = compared.match.rows
    parted = rows[rows.index(compared.match.diverged) :] if compared.match.diverged else ()
    came = next((compared.segment(row) for row in parted if row.frames and row.kind != "passed"), None)
    missing = next((row.line for row in parted if row.line is not None), None)
    return came.sender if came else sides[missing.sender] if missing else "client"


def _over(connection: Connection) -> bool:
    """Whether nothing more can come."""
    end = connection.teardown
    return bool(end.resets) or (end.client_fin_ack is not None and end.server_fin_ack is not None)


def sides_of(trace: Trace) -> dict[str, Side]:
    """Which side each actor of a trace is: by its name, else the client is who sends the first SYN, or the first line."""
    lines = list(lines_of(trace.items))
    opening = [line for line in lines if line.flags is not None and "SYN" in line.flags and "ACK" not in line.flags]
    client = "client" if "client" in trace.actors else next((line.sender for line in [*opening, *lines]), "client")
    if "server" in trace.actors:
        return {name: "server" if name == "server" else "client" for name in trace.actors}
    return {name: "client" if name == client else "server" for name in trace.actors}
