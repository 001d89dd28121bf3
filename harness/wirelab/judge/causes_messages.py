"""Rules for the causes of messages and broadcasts lost, glued, cut or mixed (WL25x, WL45x).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wirelab.base.texts import Bilingual
from wirelab.judge.causes_heartbeat import answered_alone
from wirelab.judge.clues import (
    MS,
    calls_on,
    crash_of,
    deliveries,
    fin_of,
    listed,
    other,
    place,
    receives_at,
    unquoted,
)
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Side
from wirelab.observe.messages import Message, decode_stream
from wirelab.observe.streams import Chunk, Stream

STILL_UNSENT = 2_000 * MS  # who is told to quit so soon after a line may still hold it
IN_BETWEEN = 500 * MS  # the rest of a frame that another one was sent into comes within it
SERVED_BY = 200 * MS  # a server that has not noticed a client for so long is busy elsewhere
BROKE_OFF = 1_000 * MS  # a crash so soon after a line was typed comes of sending it

# --- WL251


def one_recv_one_message(view: View, finding: Finding) -> Finding | None:
    """A text that was to be shown arrived glued to others or cut, while what came whole by itself was handled."""
    actor, wanted = str(finding.actor), unquoted(finding.rationale.values.get("text"))
    if view.part(actor) != "submission":
        return None
    for connection, side in view.ends_of(actor):
        shapes = deliveries(view, connection, other(side))
        for message in view.messages(connection.index, other(side)):
            text, shape = message.groups.get("text", ""), shapes[message.start]
            if not text or text not in wanted or shape.kind == "alone":
                continue
            alone = [
                f"{item.message.text} ({item.message.frames[-1]})"
                for item in shapes.values()
                if item.kind in ("alone", "close") and item is not shape and _was_shown(view, actor, item.message)
            ]
            if side == "client":
                answered = answered_alone(view, actor, connection)
                alone += [f"{item.question.text} ({item.question.frames[-1]})" for item in answered]
            if alone:
                values = {"how": shape.how(), "where": receives_at(view, actor, connection, side)}
                said = {"text": message.text, "actor": actor, "alone": listed(alone)}
                return cause("WL251", actor, frames=message.frames, terminal=(), **said, **values)
    return None


def _was_shown(view: View, actor: str, message: Message) -> bool:
    """Whether a terminal showed a message's text, as the end of a line."""
    text = message.groups.get("text", "")
    return bool(text) and any(line.endswith(text) for line in view.lines(actor))


# --- WL252


def two_threads_at_once(view: View, finding: Finding) -> Finding | None:
    """A frame of this client that is no message is one whole frame sent between the beginning and the end of another."""
    client = str(finding.actor)
    for connection in view.connections_of(client) if finding.frames and view.part(client) == "submission" else ():
        for message in view.messages(connection.index, "client"):
            found = _interleaved(view, connection, message) if message.frames[-1] <= finding.frames[-1] else None
            if found is not None and found[2] <= finding.frames[0] <= finding.frames[-1] <= found[3]:
                outer, inner, first, last = found
                return cause(
                    "WL252",
                    client,
                    frames=(first, last),
                    terminal=(),
                    outer=repr(outer),
                    inner=repr(inner),
                    first=first,
                    last=last,
                    threads=_senders(view, client, connection, first, last),
                )
    return None


def _interleaved(view: View, connection: Connection, message: Message) -> tuple[str, str, int, int] | None:
    """Which frame stands inside which, and the segments with the beginning and the rest of the outer one.

    The inner one begins where a segment does. The outer one, without it, is whole, and it is what was typed (or
    answers a heartbeat): any text would do else.
    """
    chunks = connection.client_stream.chunks
    data = b"".join(chunk.data for chunk in chunks)
    typed = {line for _, line in view.typed_lines(view.client_of(connection) or "")}
    numbers = {tuple(item.question.groups.items()) for item in view.pairing(connection).exchanges}
    for chunk in chunks:
        start, at = message.start, chunk.offset
        inner = _first(view, data[at:]) if start < at < message.end else None
        if inner is None:
            continue
        rest = data[at + inner.end :]
        outer = _first(view, data[start:at] + rest)
        tail = _first(view, rest)
        whole = outer is not None and outer.end > at - start and (outer.groups.get("text") in typed or not typed)
        whole |= outer is not None and outer.groups.get("text") is None and tuple(outer.groups.items()) in numbers
        if outer is None or not whole or (tail is not None and tail.kind is not None):
            continue
        first = next(item for item in reversed(chunks) if item.offset <= start)
        end = at + inner.end + outer.end - (at - start) - 1
        last = next(item for item in reversed(chunks) if item.offset <= end)
        if last.time - first.time <= IN_BETWEEN and last.frame != first.frame:
            return outer.text, inner.text, first.frame, last.frame
    return None


def _first(view: View, data: bytes) -> Message | None:
    """The first message of some bytes of a client, if it is a whole one of the protocol's."""
    messages = decode_stream(view.profile, "client", Stream((Chunk(0, data, 1, 0),))) if data else ()
    found = messages[0] if messages else None
    return found if found is not None and found.kind is not None and found.problem is None else None


def _senders(view: View, actor: str, connection: Connection, first: int, last: int) -> Bilingual:
    """The threads that sent at that time, as the witness inside the program saw them."""
    times = [noted.segment.time for noted in connection.noted if noted.segment.frame in (first, last)]
    calls = calls_on(view, actor, connection, "client", "send")
    near = [call for call in calls if times[0] - 5 * MS <= call.time <= times[-1] + MS]
    lines = list(dict.fromkeys(f"{call.thread} ({place(call.line)})" for call in near))
    if len({call.thread for call in near}) < 2:
        return Bilingual("", "")
    return Bilingual(f"; meanwhile these threads sent: {listed(lines)}", f"；这期间发送的线程有：{listed(lines)}")


# --- WL253


def still_unsent(view: View, finding: Finding) -> Finding | None:
    """The line was typed shortly before the client was told to quit, and neither it nor any typed after it was sent."""
    wanted = unquoted(finding.rationale.values.get("text"))
    for client in view.scenario.clients:
        if view.part(client) == "submission" and (finding.actor == client or finding.code == "WL604"):
            for time, text in view.typed_lines(client):
                if text and (text == wanted if finding.code == "WL201" else text in wanted):
                    found = _unsent(view, client, time, text)
                    if found is not None:
                        return found
    return None


def _unsent(view: View, client: str, time: int, text: str) -> Finding | None:
    quit_at, connections = view.quit_time(client), view.connections_of(client)
    if quit_at is None or not connections or not 0 <= quit_at - time <= STILL_UNSENT:
        return None
    messages = [item for one in connections for item in view.messages(one.index, "client")]
    sent = "\n".join(item.text for item in messages)
    after = [line for moment, line in view.typed_lines(client) if time <= moment < quit_at and line]
    fin = fin_of(connections[-1], "client")
    ends = [noted for noted in (fin, *connections[-1].teardown.resets) if noted and noted.sender == "client"]
    if not ends or text not in after or any(line in sent for line in after):
        return None
    left = min(ends, key=lambda noted: noted.segment.time).segment
    if left.time < quit_at or not view.own_doing(client, left.time):
        return None
    return cause(
        "WL253",
        client,
        frames=(left.frame,),
        terminal=(),
        text=f"'{text}'",
        typed=view.seconds(time),
        quit=view.seconds(quit_at),
        actor=client,
        end="RST" if left.rst else "FIN",
        frame=left.frame,
        time=view.seconds(left.time),
    )


# --- WL45x


def _meant(view: View, finding: Finding) -> Iterator[tuple[str, str, str, Connection]]:
    """The clients that missed something of the submission's server: server, client, text typed there, connection."""
    values = finding.rationale.values
    wanted = unquoted(values.get("text", values.get("wanted", "")))
    clients = view.scenario.clients if finding.actor not in view.scenario.clients else [str(finding.actor)]
    if finding.code == "WL301":
        clients = [str(values.get("actor"))]
    for client in clients:
        for connection in view.connections_of(client)[-1:]:
            resets = [noted.segment.frame for noted in connection.teardown.resets]
            if finding.code == "WL502" and values.get("frame") not in resets:
                continue
            server = view.server_of(connection)
            if server is not None and view.part(server) == "submission":
                yield server, client, wanted, connection


def _typed_at(view: View, server: str, wanted: str) -> int | None:
    """When a line that is awaited was typed at the server."""
    times = [time for time, line in view.typed_lines(server) if line and line in wanted]
    return times[0] if times else None


def a_slow_client(view: View, finding: Finding) -> Finding | None:
    """Another client's receive window was closed when the line was typed, and it did not open again."""
    for server, client, wanted, mine in _meant(view, finding):
        typed = _typed_at(view, server, wanted)
        if typed is None or finding.actor == server:
            continue
        for connection in view.connections:
            slow = view.client_of(connection)
            windows = [noted for noted in connection.noted if noted.sender == "client" and not noted.segment.syn]
            closed = [noted for noted in windows if noted.segment.time <= typed][-1:]
            until = min(view.end, *(noted.segment.time for noted in connection.teardown.resets), view.end)
            later = [noted for noted in windows if typed < noted.segment.time < until]
            shut = bool(closed) and "zero-window" in closed[0].notes
            if slow in (None, client) or not shut or any(noted.segment.window for noted in later):
                continue
            after = [chunk for chunk in mine.server_stream.chunks if typed < chunk.time <= view.end]
            if any(wanted.encode() in chunk.data for chunk in after):
                continue
            began = closed[0]
            for noted in reversed(windows):
                if noted.segment.time <= began.segment.time and "zero-window" not in noted.notes:
                    break
                began = noted if noted.segment.time <= began.segment.time else began
            calls = [call for call in view.called(server, "send") if call.peer == connection.client.port]
            where = place(calls[-1].line) if calls else ""
            thread = calls[-1].thread if calls else ""
            return cause(
                "WL451",
                server,
                frames=(began.segment.frame,),
                terminal=(),
                actor=server,
                time=view.seconds(typed),
                slow=slow,
                frame=began.segment.frame,
                since=view.seconds(began.segment.time),
                client=client,
                where=Bilingual(f"; {thread} sends at {where}", f"；{thread} 在 {where} 发送") if where else "",
            )
    return None


def one_at_a_time(view: View, finding: Finding) -> Finding | None:
    """The server's terminal did not name this client while it served an earlier one that it had named, and nothing was
    sent to it."""
    for server, client, _, mine in _meant(view, finding):
        opened = mine.handshake.ack
        named = _named(view, server, mine)
        if opened is None or finding.actor == client == server:
            continue
        for connection in view.connections:
            first = view.client_of(connection)
            if connection.index >= mine.index or first is None or _named(view, server, connection) is None:
                continue
            ends = [fin_of(connection, side) for side in _sides()] + list(connection.teardown.resets)
            over = min([noted.segment.time for noted in ends if noted] or [view.end])
            served = [chunk for chunk in mine.server_stream.chunks if chunk.time < over]
            unnoticed = named is None or named >= over - 5 * MS
            if over - opened.segment.time < SERVED_BY or served or not unnoticed:
                continue
            noticed = [_named(view, server, item) for item in view.connections if mine.index < item.index]
            if any(moment is not None and moment < over - 5 * MS for moment in noticed):
                continue  # one that came later was not left waiting: it is no queue
            moment = view.seconds(named) if named is not None else ""
            until = (
                Bilingual(f"before {moment} s", f"直到 {moment} 秒") if moment else Bilingual("to the end", "直到结束")
            )
            frame = opened.segment.frame
            time = view.seconds(opened.segment.time)
            lines = [(server, line) for line in view.lines(server) if re.search(rf"\b{connection.client.port}\b", line)]
            return cause(
                "WL452",
                server,
                frames=(frame,),
                terminal=tuple(lines[:2]),
                client=client,
                frame=frame,
                time=time,
                actor=server,
                until=until,
                other=first,
            )
    return None


def _sides() -> tuple[Side, Side]:
    return "client", "server"


def _named(view: View, server: str, connection: Connection) -> int | None:
    """When the server's terminal first named a client's port."""
    port = re.compile(rf"\b{connection.client.port}\b")
    line = next((line for line in view.lines(server) if port.search(line)), None)
    return None if line is None else view.shown_at(server, line)


def broke_off(view: View, finding: Finding) -> Finding | None:
    """The server crashed moments after the line was typed, and a client had left before."""
    for server, client, wanted, mine in _meant(view, finding):
        typed, crash = _typed_at(view, server, wanted), crash_of(view, server)
        if typed is None or crash is None or not typed <= crash.time <= typed + BROKE_OFF:
            continue
        for connection in view.connections:
            gone = view.client_of(connection)
            end = connection.teardown
            left = [noted for noted in (end.client_fin, *end.resets) if noted and noted.sender == "client"]
            if gone in (None, client) or connection.index == mine.index or not left:
                continue
            first = min(left, key=lambda noted: noted.segment.time)
            if first.segment.time < typed:
                return cause(
                    "WL453",
                    server,
                    frames=(first.segment.frame,),
                    terminal=crash.quoted(server),
                    gone=gone,
                    frame=first.segment.frame,
                    left=view.seconds(first.segment.time),
                    typed=view.seconds(typed),
                    time=view.seconds(crash.time),
                    actor=server,
                )
    return None
