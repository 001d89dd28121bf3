"""Why wirelab and tshark may tell a conversation differently: each kind with its evidence, looked up in tshark's own frames.

A rule holds only where the frames, as tshark dissects them, show what the rule says. What no rule explains is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.observe.tshark import Frame, Row
from wirelab.observe.segments import ACK, FIN, RST, SYN

Applies = Callable[[Row, Frame], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of difference in one column. ``applies`` says whether a frame of a row shows it, by tshark's own numbers.

    For ``retransmitted`` every frame in dispute must be explained; for other columns one frame is enough.
    """

    name: str
    column: str
    says: str
    source: str
    applies: Applies


@dataclass(frozen=True, slots=True)
class Explained:
    """A difference that a rule explains, with the frames that show it; without a rule, nothing does."""

    column: str
    rule: Rule | None
    frames: tuple[Frame, ...]


def explain(row: Row) -> Iterator[Explained]:
    """Every difference of a row, explained or not."""
    for column in row.differing:
        rules = [rule for rule in RULES if rule.column == column]
        if column == "retransmitted":
            for frame in row.frames:
                if frame.number in row.ours.retransmitted ^ row.theirs.retransmitted:
                    rule = next((rule for rule in rules if rule.applies(row, frame)), None)
                    yield Explained(column, rule, (*_copies(row, frame)[:1], frame))
        else:
            shown = ((rule, frame) for rule in rules for frame in row.frames if rule.applies(row, frame))
            found = next(shown, None)
            yield Explained(column, None, row.frames) if found is None else Explained(column, found[0], (found[1],))


def line(frame: Frame) -> str:
    """A frame in a few words."""
    names = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (ACK, "ACK"))
    flags = ",".join(name for bit, name in names if frame.flags & bit) or "none"
    acked = f" ack={frame.ack}" if frame.flags & ACK else ""
    called = {name for name in frame.analysed if not name.startswith("fin_")}
    analysed = f" [tshark: {', '.join(sorted(called)).replace('_', ' ')}]" if called else ""
    return f"frame {frame.number}: {frame.src} {flags} seq={frame.seq}{acked} len={frame.length}{analysed}"


def _end(frame: Frame) -> int:
    return frame.seq + frame.length + bool(frame.flags & SYN) + bool(frame.flags & FIN)


def _copies(row: Row, frame: Frame) -> list[Frame]:
    """Earlier frames of the same sender that take some of the same sequence space."""
    mine = (it for it in row.frames if it.number < frame.number and it.src == frame.src and it.seq < _end(it))
    return [it for it in mine if it.seq < _end(frame) and frame.seq < _end(it) and not it.flags & RST]


def _ours_alone(row: Row, frame: Frame) -> bool:
    return frame.number not in row.theirs.retransmitted and bool(_copies(row, frame))


def _called_out_of_order(row: Row, frame: Frame) -> bool:
    return _ours_alone(row, frame) and "out_of_order" in frame.analysed


def _repeats_probe(row: Row, frame: Frame) -> bool:
    first = _copies(row, frame)[:1]
    return _ours_alone(row, frame) and frame.length == 1 and "zero_window_probe" in first[0].analysed


def _keeps_alive(row: Row, frame: Frame) -> bool:
    """One byte, the last that was sent, and acknowledged."""
    sent = max((_end(it) for it in row.frames if it.number < frame.number and it.src == frame.src), default=0)
    acked = (it for it in row.frames if it.number < frame.number and it.src != frame.src and it.flags & ACK)
    last = frame.number not in row.ours.retransmitted and frame.length == 1 and _end(frame) == sent
    return last and any(it.ack == sent for it in acked)


def _called_keep_alive(row: Row, frame: Frame) -> bool:
    acked = (it for it in row.frames if it.number < frame.number and it.src != frame.src and it.flags & ACK)
    outstanding = all(it.ack < _end(frame) for it in acked)
    return _ours_alone(row, frame) and "keep_alive" in frame.analysed and outstanding


def _beyond_the_fin(row: Row, frame: Frame) -> bool:
    fins = (it for it in row.frames if it.number < frame.number and it.src == frame.src and it.flags & FIN)
    return frame.number not in row.ours.retransmitted and any(frame.seq >= _end(it) for it in fins)


def _never_seen_before(row: Row, frame: Frame) -> bool:
    return frame.number not in row.ours.retransmitted and not _copies(row, frame)


def _acknowledged_before(row: Row, frame: Frame) -> bool:
    return _never_seen_before(row, frame) and any(
        other.number < frame.number and other.src != frame.src and other.flags & ACK and other.ack >= _end(frame)
        for other in row.frames
    )


def _opens(row: Row) -> Frame | None:
    """The first SYN without ACK."""
    return next((frame for frame in row.frames if frame.flags & (SYN | ACK) == SYN), None)


def _answer(row: Row) -> Frame | None:
    """The first SYN,ACK of the side that did not open."""
    opening = _opens(row)
    both = SYN | ACK
    return next(
        (it for it in row.frames if it.flags & both == both and (opening is None or it.src != opening.src)), None
    )


def _ack_on_reset(row: Row, frame: Frame) -> bool:
    """Every ACK flag that follows the SYN,ACK from the side that opened, or from the other where it sent none, is a RST's."""
    answer = _answer(row)
    if row.ours.handshake or answer is None or not frame.flags & RST or not frame.flags & ACK:
        return False
    third = (it for it in row.frames if it.number > answer.number and it.src != answer.src and it.flags & ACK)
    return all(it.flags & RST for it in third)


def _answered_before_it_opened(row: Row, frame: Frame) -> bool:
    opening = _opens(row)
    return bool(row.ours.handshake and opening is not None and frame == _answer(row) and frame.number < opening.number)


def _answered_last(row: Row, frame: Frame) -> bool:
    third = (it for it in row.frames if it.number > frame.number and it.src != frame.src and it.flags & ACK)
    return not row.ours.handshake and frame == _answer(row) and not any(third)


def _no_answer(row: Row, frame: Frame) -> bool:
    return not row.ours.handshake and frame == _opens(row) and _answer(row) is None


def _answers_the_other(row: Row, frame: Frame) -> bool:
    """It is the first captured FIN, and acknowledges the other side's, which was captured later."""
    others = (it for it in row.frames if it.number > frame.number and it.src != frame.src and it.flags & FIN)
    return bool(frame.flags & FIN) and frame.src == row.theirs.first_fin and any(frame.ack >= _end(it) for it in others)


def _begins_with_the_end(row: Row, frame: Frame) -> bool:
    return frame == row.frames[0] and bool(frame.flags & (RST | FIN)) and row.theirs.close == "none"


def _parted_by_syn(row: Row, frame: Frame) -> bool:
    """wirelab begins a connection at this SYN; tshark goes on with the one before."""
    return frame != row.frames[0] and bool(frame.flags & SYN) and _first_left(row) == frame


def _first_left(row: Row) -> Frame | None:
    """The first frame of tshark's conversation that is not in wirelab's."""
    held = {noted.segment.frame for noted in row.connection.noted}
    return next((frame for frame in row.frames if frame.number not in held), None)


RULES = (
    Rule(
        "a copy soon after",
        "retransmitted",
        "All or some of its bytes (or its SYN or FIN) are in the earlier frame, so wirelab calls it a retransmission. "
        "tshark calls a frame out-of-order when it comes within 3 ms of (or a round trip after) a frame with higher "
        "numbers, and does not look whether its bytes are new.",
        "Wireshark User's Guide 7.5, “TCP Out-Of-Order”",
        _called_out_of_order,
    ),
    Rule(
        "a probe sent again",
        "retransmitted",
        "A probe of a closed window carries one byte beyond the window; the next probe carries the same byte again. "
        "wirelab calls it both a window probe and a retransmission, tshark a window probe only (or nothing, where a "
        "stale ACK with an open window lies between).",
        "RFC 9293, 3.8.6.1; Wireshark User's Guide 7.5, “TCP ZeroWindowProbe” (supersedes retransmissions)",
        _repeats_probe,
    ),
    Rule(
        "a last byte sent again",
        "retransmitted",
        "Its one byte was sent before and is not acknowledged yet: it is sent again because it may be lost. tshark calls any "
        "byte one below the next number a keep-alive; those are sent only when nothing is outstanding.",
        "RFC 9293, 3.8.4; Wireshark User's Guide 7.5, “TCP Keep-Alive”",
        _called_keep_alive,
    ),
    Rule(
        "a last byte to keep alive",
        "retransmitted",
        "Its one byte is the last that was sent and was acknowledged: sent once more, with nothing outstanding, it is a "
        "keep-alive. tshark calls it a spurious retransmission where the first copy was a window probe.",
        "RFC 9293, 3.8.4",
        _keeps_alive,
    ),
    Rule(
        "bytes beyond the FIN",
        "retransmitted",
        "Its sender had sent a FIN before, and behind a FIN there are no bytes of the stream, neither the first time nor the "
        "second: wirelab notes after-close. tshark takes the second copy for a retransmission.",
        "RFC 9293, 3.6",
        _beyond_the_fin,
    ),
    Rule(
        "acknowledged before it was captured",
        "retransmitted",
        "No earlier frame carries its bytes, so wirelab calls it no retransmission. tshark does, because an ACK that was "
        "captured earlier covers it already (“spurious”); only a capture that lacks frames or has them in a wrong order "
        "shows that.",
        "Wireshark User's Guide 7.5, “TCP Spurious Retransmission”",
        _acknowledged_before,
    ),
    Rule(
        "late, and captured once",
        "retransmitted",
        "No earlier frame carries its bytes: it fills what a later one had skipped. wirelab notes fills-gap (or "
        "out-of-order), because no copy was captured. tshark guesses by time: more than 3 ms (or a round trip) "
        "late it is a retransmission, of a frame that was lost before the capture saw it.",
        "Wireshark User's Guide 7.5, “TCP Retransmission” and “TCP Out-Of-Order”",
        _never_seen_before,
    ),
    Rule(
        "the ACK of a RST",
        "handshake",
        "The handshake's third segment must acknowledge the SYN,ACK and take the connection to ESTABLISHED; a RST does "
        "not, whatever flags it carries (RFC 9293, 3.10.7.4). tcp.completeness sets its ACK bit for any ACK flag, also that of RST,ACK.",
        "Wireshark User's Guide 7.5, “TCP Conversation Completeness”",
        _ack_on_reset,
    ),
    Rule(
        "SYN,ACK captured before the SYN",
        "handshake",
        "All three segments are there, in a wrong order. tcp.completeness sets the SYN,ACK bit only when the SYN bit is set.",
        "Wireshark User's Guide 7.5, “TCP Conversation Completeness”",
        _answered_before_it_opened,
    ),
    Rule(
        "SYN,ACK captured last",
        "handshake",
        "No frame after the SYN,ACK acknowledges it. tcp.completeness counts any ACK, also one before it.",
        "Wireshark User's Guide 7.5, “TCP Conversation Completeness”",
        _answered_last,
    ),
    Rule(
        "SYN,ACK of one side only",
        "handshake",
        "Both sides opened at once and the capture lacks the second one's SYN,ACK, so nothing in it acknowledges both "
        "SYNs. tcp.completeness counts a SYN, a SYN,ACK and an ACK, from whichever side they come.",
        "RFC 9293, figure 7",
        _no_answer,
    ),
    Rule(
        "the first FIN answers the other",
        "first FIN",
        "The FIN that was captured first acknowledges the other one, so it was sent second: the capture has them in "
        "a wrong order. tshark goes by the order of frames.",
        "RFC 9293, 3.6; tcp.connection.fin_active",
        _answers_the_other,
    ),
    Rule(
        "it begins with its end",
        "close",
        "tcp.completeness does not count the first frame of a conversation unless that is a SYN; so it knows nothing of "
        "a RST or a FIN with which a capture begins.",
        "the frame's own flags (tcp.flags.reset, tcp.flags.fin)",
        _begins_with_the_end,
    ),
    Rule(
        "a SYN in mid-stream",
        "frames",
        "A SYN opens a connection, and what came before it on the same ports belongs to an earlier one. tshark "
        "begins a new tcp.stream only where it knows another initial sequence number of that side already.",
        "RFC 9293, 3.5; Wireshark User's Guide 7.5, “TCP Port numbers reused”",
        _parted_by_syn,
    ),
)
