"""Rules for the causes of resets (WL551 to WL553): why a side sent RST.

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wirelab.base.texts import Bilingual
from wirelab.judge.clues import AT_ONCE, CLOSE_BY, calls_on, crash_of, framed, other, place, ports
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import HEARTBEAT, View
from wirelab.observe.connections import Connection, Noted, Side
from wirelab.observe.messages import Message

_OR_KILLED = Bilingual(
    " (or, under Windows, because its process was killed)", "（或者在 Windows 上，是因为进程被强行终止）"
)
SAME_END = 10_000_000  # ns; connections that a process resets within it, it resets with one stroke: its end
ALL_NOTED = 16  # calls from one line: the witness notes so many one by one, and then fewer and fewer

TELLING = ("WL502", "WL701", "WL703")  # findings that name the frame of a RST, if it is about one


def _resets(view: View, finding: Finding) -> Iterator[tuple[str, Connection, Noted]]:
    """The RST that a finding tells of, or that came where a peer waited for a FIN, if it was the submission's."""
    for connection in view.connections:
        for reset in _real(view, connection):
            actor, peer = (view.actor_at(connection, side) for side in (reset.sender, other(reset.sender)))
            told = finding.code in TELLING and reset.segment.frame in finding.frames
            instead = wants_fin(finding) and peer == finding.actor and view.own_doing(actor, reset.segment.time)
            if (told or instead) and view.part(actor) == "submission":
                yield actor, connection, reset


def _real(view: View, connection: Connection) -> Iterator[Noted]:
    """The RSTs that a side sent; the harness forged none of them."""
    return (reset for reset in connection.teardown.resets if not view.forged(connection, reset))


def wants_fin(finding: Finding) -> bool:
    """Whether a peer waited for a FIN in vain."""
    return finding.code == "WL207" and finding.rationale.values.get("wanted") == "FIN"


# --- WL551, WL552


def linger_zero(view: View, finding: Finding) -> Finding | None:
    """SO_LINGER 0 was seen at close(); or a RST began the end although nothing can have been unread."""
    found = next(_resets(view, finding), None)
    if found is None:
        return None
    actor, connection, reset = found
    side = reset.sender
    closed = [
        call
        for call in calls_on(view, actor, connection, side, "close")
        if abs(call.time - reset.segment.time) <= AT_ONCE
    ]
    if closed:
        call = closed[-1]
        if call.linger != 0:
            return None
        at = place(call.line)
        seen = Bilingual(f"{call.thread} called close() at {at}", f"{call.thread} 在 {at} 调用了 close()")
        return _linger(view, actor, reset, seen)
    if connection.fin(side) is not None or not _own(view, actor, connection, side, reset):
        return None
    sent = [chunk for chunk in connection.stream(other(side)).chunks if chunk.time <= reset.segment.time]
    name = view.actor_at(connection, other(side))
    if not sent:
        seen = Bilingual(
            f"{name} had not sent a single byte, so nothing can have been unread",
            f"{name} 一个字节也没有发过，不可能有未读数据",
        )
        return _linger(view, actor, reset, seen)
    last = _last_handled(view, connection, side, reset)
    if last is None or last.end < sent[-1].offset + len(sent[-1].data):
        return None
    seen = Bilingual(
        f"all that {name} had sent was read, up to {last.text!r} in frame {last.frames[-1]}, so nothing was unread",
        f"{name} 发来的内容都已读完，直到第 {last.frames[-1]} 帧的 {last.text!r}，不可能有未读数据",
    )
    return _linger(view, actor, reset, seen)


def _linger(view: View, actor: str, reset: Noted, seen: Bilingual) -> Finding:
    frame, time = reset.segment.frame, view.seconds(reset.segment.time)
    # Packets alone, from whatever system, leave a second possibility; Linux closes a killed process's sockets with FIN.
    perhaps = Bilingual("", "") if view.started else _OR_KILLED
    values = {"actor": actor, "time": time, "seen": seen, "perhaps": perhaps}
    return cause("WL552", actor, frames=(frame,), terminal=(), frame=frame, **values)


def _own(view: View, actor: str, connection: Connection, side: Side, reset: Noted) -> bool:
    """Whether a program had this socket for certain: a server's kernel resets what was never accepted, too."""
    if side == "client":
        return True
    accepted = [call for call in view.called(actor, "accept") if call.peer == connection.client.port]
    sent = any(chunk.time < reset.segment.time for chunk in connection.server_stream.chunks)
    return bool(accepted) or sent or any(str(connection.client.port) in line for line in view.lines(actor))


def _handled(view: View, connection: Connection, reader: Side, message: Message) -> bool | None:
    """Whether the reader showed that it had read a message: by its answer, or on its terminal. None: no way to tell."""
    if message.kind == HEARTBEAT:
        return message.start in view.once(_answered, connection.index)
    text = message.groups.get("text", "")
    if not text or message.kind is None:
        return None
    return view.ends_line(view.actor_at(connection, reader), text)


def _answered(view: View, index: int) -> set[int]:
    """The offsets of the heartbeats that were answered."""
    pairing = view.pairing(next(item for item in view.connections if item.index == index))
    return {item.question.start for item in pairing.exchanges if item.answer is not None}


def _last_handled(view: View, connection: Connection, reader: Side, reset: Noted) -> Message | None:
    """The last message before a reset that its reader had read for certain (and so all before it)."""
    messages = [item for item in view.messages(connection.index, other(reader)) if item.time < reset.segment.time]
    return next((item for item in reversed(messages) if _handled(view, connection, reader, item)), None)


def unread_bytes(view: View, finding: Finding) -> Finding | None:
    """Unread bytes were seen at close(); or what came last was not handled, as such messages were before."""
    found = next(_resets(view, finding), None)
    if found is None:
        return None
    actor, connection, reset = found
    side = reset.sender
    for call in reversed(calls_on(view, actor, connection, side, "close")):
        if abs(call.time - reset.segment.time) <= AT_ONCE:
            if not call.unread:
                return None
            at = place(call.line)
            seen = Bilingual(
                f"when {call.thread} called close() at {at}, {call.unread} bytes lay unread",
                f"{call.thread} 在 {at} 调用 close() 时，还有 {call.unread} 字节没有读",
            )
            return _unread(view, actor, connection, reset, seen, ())
    if connection.fin(side) is not None:
        return None
    left = _left_over(view, actor, connection, side, reset)
    if left is not None:
        return _unread(view, actor, connection, reset, left.seen, left.frames)
    for sibling in view.connections:  # the same stroke, on a connection that shows more
        ended = [noted for noted in _real(view, sibling) if noted.sender == side]
        if sibling.index == connection.index or view.actor_at(sibling, side) != actor or not ended:
            continue
        if abs(ended[0].segment.time - reset.segment.time) > SAME_END or sibling.fin(side) is not None:
            continue
        stopped = _left_over(view, actor, sibling, side, ended[0])
        chunks = connection.stream(other(side)).chunks
        late = [item.frame for item in chunks if stopped and stopped.time < item.time < reset.segment.time]
        if stopped is not None and late:
            name, since, mine = view.actor_at(sibling, other(side)), view.seconds(stopped.time), framed(late)
            there = framed(stopped.frames)
            seen = Bilingual(
                f"by {since} s it had stopped reading, as its connection to {name} shows ({there.en}), and {mine.en} came "
                "after that",
                f"从它与 {name} 的连接（{there.zh}）可以看出，最迟在 {since} 秒它就不再读取，而{mine.zh}是在那之后到达的",
            )
            return _unread(view, actor, connection, reset, seen, tuple(late))
    return None


@dataclass(frozen=True, slots=True)
class _Left:
    """What was left unread: in words, which frames brought it, and when the first did."""

    seen: Bilingual
    frames: tuple[int, ...]
    time: int


def _first_left(view: View, connection: Connection, reader: Side, reset: Noted) -> Message | None:
    """The first message that its reader did not take up before a reset, where such ones were taken up before."""
    messages = [item for item in view.messages(connection.index, other(reader)) if item.time < reset.segment.time]
    states = [(item, _handled(view, connection, reader, item)) for item in messages]
    after = max((index for index, (_, state) in enumerate(states) if state), default=-1) + 1
    handled = {item.kind for item, state in states[:after] if state}
    return next((item for item, state in states[after:] if state is False and item.kind in handled), None)


def _left_over(view: View, actor: str, connection: Connection, side: Side, reset: Noted) -> _Left | None:
    name = view.actor_at(connection, other(side))
    for seen in reversed(view.witnessed(actor)):
        if seen.time <= reset.segment.time + AT_ONCE:
            for socket in seen.sockets:
                if (socket.port, socket.peer) == ports(connection, side) and socket.unread:
                    time = view.seconds(seen.time)
                    words = Bilingual(
                        f"{socket.unread} bytes lay unread at {time} s", f"{time} 秒时还有 {socket.unread} 字节没有读"
                    )
                    return _Left(words, (), seen.time)
            break
    calls = calls_on(view, actor, connection, side, "recv")
    if calls and max(call.count for call in calls) <= ALL_NOTED:
        last = calls[-1]
        late = [item for item in connection.stream(other(side)).chunks if last.time < item.time < reset.segment.time]
        # The last call may still have given what came first after it was made.
        unread = [item for item in late if item.time > late[0].time + CLOSE_BY]
        if unread:
            time, at = view.seconds(last.time), place(last.line)
            came = framed([item.frame for item in unread])
            words = Bilingual(
                f"{last.thread} called recv() for the last time at {time} s ({at}), and what came later, in {came.en}, was "
                "left",
                f"{last.thread} 最后一次调用 recv() 是在 {time} 秒（{at}），之后{came.zh}到达的内容没有读",
            )
            return _Left(words, tuple(item.frame for item in unread), unread[0].time)
    left = _first_left(view, connection, side, reset)
    if left is None:
        return None
    time, frame = view.seconds(left.time), left.frames[-1]
    words = Bilingual(
        f"{left.text!r} of {name} arrived in frame {frame} at {time} s and was not taken up, as such messages were before",
        f"{name} 的 {left.text!r} 在第 {frame} 帧（{time} 秒）到达，却没有像之前的同类消息那样得到处理",
    )
    return _Left(words, left.frames, left.time)


def _unread(
    view: View, actor: str, connection: Connection, reset: Noted, seen: Bilingual, frames: tuple[int, ...]
) -> Finding:
    frame, time = reset.segment.frame, view.seconds(reset.segment.time)
    values = {"actor": actor, "other": view.actor_at(connection, other(reset.sender)), "seen": seen}
    return cause("WL551", actor, frames=(*frames, frame), terminal=(), frame=frame, time=time, **values)


# --- WL553


def peer_was_gone(view: View, finding: Finding) -> Finding | None:
    """Data came to a side after its FIN, and its kernel answered that very segment with RST."""
    candidates = [(item, reset) for _, item, reset in _resets(view, finding)]
    if finding.code == "WL503":
        candidates = [
            (item, reset)
            for item, _ in view.ends_of(str(finding.actor))
            for reset in item.teardown.resets[:1]
            if not view.forged(item, reset)
        ]
    for connection, reset in candidates:
        fin = connection.fin(reset.sender)
        before = [
            noted
            for noted in connection.noted
            if noted.sender != reset.sender and noted.segment.length and noted.segment.time <= reset.segment.time
        ]
        if fin is None or not before or not fin.segment.time < before[-1].segment.time < reset.segment.time + 1:
            continue
        if reset.segment.time - before[-1].segment.time > AT_ONCE:
            continue
        crash = crash_of(view, view.actor_at(connection, reset.sender))
        if crash is not None and abs(crash.time - fin.segment.time) < AT_ONCE:
            continue  # it did not close: it died
        if view.own_doing(view.actor_at(connection, reset.sender), fin.segment.time):
            data = before[-1].segment
            return cause(
                "WL553",
                finding.actor,
                frames=(fin.segment.frame, data.frame, reset.segment.frame),
                terminal=(),
                closer=view.actor_at(connection, reset.sender),
                fin=fin.segment.frame,
                closed=view.seconds(fin.segment.time),
                sender=view.actor_at(connection, other(reset.sender)),
                count=data.length,
                data=data.frame,
                sent=view.seconds(data.time),
                frame=reset.segment.frame,
            )
    return None
