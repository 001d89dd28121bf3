"""Questions about how a connection is closed: the states both sides pass through, and how long it all takes."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Choice, Time
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import SIDE
from wirelab.judge.questions.teardowns import OPTIONS, TEARDOWN, Closing, closing_of, window
from wirelab.judge.verdict import Said
from wirelab.observe.connections import SIDES as BOTH
from wirelab.observe.connections import Noted, Side
from wirelab.observe.tcpstate import State

_STATES = (
    State.ESTABLISHED,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSE_WAIT,
    State.LAST_ACK,
    State.TIME_WAIT,
    State.CLOSED,
)
_ASKED = 2  # moments that are asked about


def _state(noted: Noted, side: Side) -> State:
    return noted.client_state if side == "client" else noted.server_state


def _time_wait(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or _state(closing.last, closing.first) is not State.TIME_WAIT:
        return None
    values = {
        "side": SIDE[closing.first],
        "other": SIDE[closing.other],
        "fin": closing.fin.segment.frame,
        "last": closing.last.segment.frame,
        "second": closing.other_fin.segment.frame,
    }
    reasons = [
        Bilingual(
            "it closed first, so the last ACK is its own, and it must be able to send that again",
            "它先关闭，最后的 ACK 由它发出，如果丢失它必须能够重发",
        ),
        Bilingual("it is always the client that has to wait", "总是由客户端等待"),
        Bilingual("it has not read all the data yet", "它还没有读完全部数据"),
        Bilingual("its own FIN has not been acknowledged yet", "它自己的 FIN 还没有得到确认"),
    ]
    shuffled = lot.shuffled(reasons)
    slip = Said(
        Text(
            "{other} is in CLOSED as soon as the last ACK, frame {last}, has arrived: it closed second",
            "{other}后关闭，收到最后的 ACK（第 {last} 帧）就进入 CLOSED",
        ),
        values,
    )
    return Asked(
        Said(Text("Which side ends in TIME-WAIT, and why?", "最后哪一方处于 TIME-WAIT 状态？为什么？")),
        (
            Field(
                Said(Text("which side", "哪一方")),
                Choice(tuple(OPTIONS), BOTH.index(closing.first), ((BOTH.index(closing.other), slip),)),
                Said(
                    Text(
                        "{side} sent the first FIN (frame {fin}) and with it the last ACK (frame {last}): it ends in TIME-WAIT",
                        "{side}发出第一个 FIN（第 {fin} 帧），最后的 ACK（第 {last} 帧）也由它发出：它进入 TIME-WAIT",
                    ),
                    values,
                ),
                (closing.fin.segment.frame, closing.last.segment.frame),
            ),
            choice(
                Said(Text("why", "原因")),
                shuffled,
                shuffled.index(reasons[0]),
                Said(
                    Text(
                        "nobody acknowledges frame {last}. If it is lost, {other} sends its FIN (frame {second}) again, and somebody "
                        "must be there to answer it; besides, stray segments must die out (RFC 9293, 3.6.1 and 3.10.7.4)",
                        "第 {last} 帧没有人确认。如果它丢了，{other}会重传 FIN（第 {second} 帧），必须有人回答；另外还要等旧的报文段在网络中消失"
                        "（RFC 9293 3.6.1、3.10.7.4）",
                    ),
                    values,
                ),
                (closing.last.segment.frame,),
            ),
        ),
    )


def _moments(facts: Facts, closing: Closing) -> list[tuple[Noted, Side]]:
    """The segments of the teardown that brought a side into another state, and that side. Only where everybody means the
    same moment: who gets a FIN changes its state when it answers, so that one is asked about by its answer."""
    found = []
    before = facts.segments[facts.segments.index(closing.fin) - 1]
    for noted in window(facts, closing):
        for side in BOTH:
            changed = _state(noted, side) is not _state(before, side)
            if changed and (side == noted.sender or not noted.segment.fin):
                found.append((noted, side))
        before = noted
    return found


def _moment(noted: Noted, side: Side) -> Field:
    state = _state(noted, side)
    values = {
        "frame": noted.segment.frame,
        "flags": noted.segment.flag_names(),
        "side": SIDE[side],
        "state": state.value,
        "why": _REASONS[state],
    }
    sent = side == noted.sender
    prompt = (
        Text("{side} right after it sent frame {frame}", "{side}刚发出第 {frame} 帧之后")
        if sent
        else Text("{side} right after it received frame {frame}", "{side}刚收到第 {frame} 帧之后")
    )
    slips = []
    other = _state(noted, "server" if side == "client" else "client")
    if other is not state and other in _STATES:
        slips.append(
            (
                _STATES.index(other),
                Said(Text("this is a state of the other side", "这是另一方的状态")),
            )
        )
    return Field(
        Said(prompt, values),
        Choice(tuple(Bilingual(one.value, one.value) for one in _STATES), _STATES.index(state), tuple(slips)),
        Said(
            Text(
                "frame {frame} ({flags}) brings {side} to {state}: {why} (RFC 9293, figure 5)",
                "第 {frame} 帧（{flags}）使{side}进入 {state}：{why}（RFC 9293 图 5）",
            ),
            values,
        ),
        (noted.segment.frame,),
    )


_REASONS = {
    State.FIN_WAIT_1: Bilingual("it has sent its FIN, not acknowledged so far", "它发出了 FIN，还没有得到确认"),
    State.FIN_WAIT_2: Bilingual(
        "its FIN is acknowledged, and the other side's has not come", "它的 FIN 已被确认，对方的 FIN 还没有到"
    ),
    State.CLOSE_WAIT: Bilingual(
        "it has acknowledged the other side's FIN and not sent its own", "它确认了对方的 FIN，自己还没有发 FIN"
    ),
    State.LAST_ACK: Bilingual(
        "it closes second, and only the ACK of its FIN is missing", "它后关闭，只差对它的 FIN 的确认"
    ),
    State.TIME_WAIT: Bilingual(
        "it has sent the last ACK and waits for twice the maximum segment lifetime", "它发出了最后的 ACK，要等待 2MSL"
    ),
    State.CLOSED: Bilingual(
        "it closed second, and its FIN is acknowledged: nothing is left to do", "它后关闭，FIN 已被确认：一切结束"
    ),
}


def _state_after(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or not facts.connection.handshake.complete:
        return None
    moments = [one for one in _moments(facts, closing) if _state(*one) in _REASONS]
    if len(moments) < _ASKED:
        return None
    drawn = lot.shuffled(moments)[:_ASKED]
    drawn.sort(key=lambda one: (one[0].segment.frame, one[1]))
    return Asked(
        Said(
            Text(
                "In which state (RFC 9293, section 3.3.2) is the side that is named at each of these moments of the teardown?",
                "在关闭连接的下面这些时刻，所说的一方处于哪个状态（RFC 9293 3.3.2 节）？",
            )
        ),
        tuple(_moment(noted, side) for noted, side in drawn),
    )


def _between(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None:
        return None
    fin, other, last = (one.segment for one in (closing.fin, closing.other_fin, closing.last))
    took = other.time - fin.time
    if took < 1000:  # below the resolution that people read
        return None
    values = {
        "fin": fin.frame,
        "second": other.frame,
        "last": last.frame,
        "ms": f"{took / 1e6:.3f}",
        "other": SIDE[closing.other],
    }
    slip = Said(
        Text("this is the time up to the last ACK, frame {last}", "这是到最后的 ACK（第 {last} 帧）为止的时间"), values
    )
    reasons = [
        Bilingual(
            "how long the other side took until it, too, had closed: its program had to notice, and to finish",
            "另一方也关闭连接所用的时间：它的程序要先察觉，再做完手头的事",
        ),
        Bilingual("the time that TIME-WAIT lasts (2 MSL)", "TIME-WAIT 持续的时间（2MSL）"),
        Bilingual("the time after which a lost FIN is sent again", "FIN 丢失后重传之前等待的时间"),
        Bilingual("the interval between two heartbeats", "两次心跳之间的间隔"),
    ]
    shuffled = lot.shuffled(reasons)
    return Asked(
        Said(
            Text(
                "How much time lies between the two FINs, and what is that time?",
                "两个 FIN 之间相隔多长时间？这段时间是什么？",
            )
        ),
        (
            Field(
                Said(Text("time in ms", "时间（ms）")),
                Time(took, "ms", ((last.time - fin.time, slip),)),
                Said(
                    Text(
                        "the FINs are in frames {fin} and {second}, {ms} ms apart; in Wireshark set a time reference on frame {fin} "
                        "(Ctrl-T)",
                        "两个 FIN 在第 {fin} 帧和第 {second} 帧，相隔 {ms} ms；在 Wireshark 中可把第 {fin} 帧设为时间参考（Ctrl-T）",
                    ),
                    values,
                ),
                (fin.frame, other.frame),
            ),
            choice(
                Said(Text("what it is", "它是什么")),
                shuffled,
                shuffled.index(reasons[0]),
                Said(
                    Text(
                        "the kernel acknowledges a FIN, but only the program closes: frame {second} came when {other} did so",
                        "FIN 由内核确认，但关闭要由程序来做：{other}的程序关闭时才发出第 {second} 帧",
                    ),
                    values,
                ),
                (fin.frame, other.frame),
            ),
        ),
    )


def _duration(facts: Facts, lot: Lot) -> Asked | None:
    closing, syn = closing_of(facts), facts.connection.handshake.syn
    last = facts.segments[-1]
    if closing is None or syn is None or syn is not facts.segments[0] or last is not closing.last:
        return None
    took = last.segment.time - syn.segment.time
    if took < 1000:
        return None
    fin = closing.fin.segment
    values = {"syn": syn.segment.frame, "last": last.segment.frame, "fin": fin.frame, "s": f"{took / 1e9:.6f}"}
    slip = Said(
        Text("this is the time up to the first FIN, frame {fin}", "这是到第一个 FIN（第 {fin} 帧）为止的时间"), values
    )
    return Asked(
        Said(
            Text(
                "How long did the connection last, from its first SYN to its last segment?",
                "这个连接从第一个 SYN 到最后一个报文段持续了多长时间？",
            )
        ),
        (
            Field(
                Said(Text("time in s", "时间（s）")),
                Time(took, "s", ((fin.time - syn.segment.time, slip),)),
                Said(
                    Text(
                        "frame {last}, the last one, came {s} s after the SYN in frame {syn} (Statistics, Conversations shows it too)",
                        "最后的第 {last} 帧比第 {syn} 帧的 SYN 晚 {s} s（“统计”菜单的“会话”里也能看到）",
                    ),
                    values,
                ),
                (syn.segment.frame, last.segment.frame),
            ),
        ),
    )


KINDS = (
    Kind(
        "time-wait",
        Text("Who ends in TIME-WAIT", "谁进入 TIME-WAIT"),
        Text("Which side ends in TIME-WAIT, and why that one.", "最后哪一方处于 TIME-WAIT，为什么是它。"),
        TEARDOWN,
        _time_wait,
    ),
    Kind(
        "state-after",
        Text("States during the teardown", "关闭过程中的状态"),
        Text("The state of a side after a certain frame of the teardown.", "关闭过程中某一帧之后某一方的状态。"),
        TEARDOWN,
        _state_after,
    ),
    Kind(
        "between-fins",
        Text("Between the two FINs", "两个 FIN 之间"),
        Text("The time between the two FINs, and what it is.", "两个 FIN 之间的时间，以及它是什么。"),
        TEARDOWN,
        _between,
    ),
    Kind(
        "connection-duration",
        Text("How long the connection lasted", "连接持续的时间"),
        Text("The time from the first SYN to the last segment.", "从第一个 SYN 到最后一个报文段的时间。"),
        Text("a connection from its SYN to the end of an orderly teardown", "一个从 SYN 开始到正常关闭的完整连接"),
        _duration,
    ),
)
