"""Rules for the causes of messages and broadcasts lost, glued or cut (WL251, WL253, WL45x).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text, cut
from wirelab.judge.blame import telling
from wirelab.judge.causes_heartbeat import answered_alone, found_behind_others
from wirelab.judge.chains import chain_of, last_seen, told, wants_lock
from wirelab.judge.clues import (
    MS,
    QUOTED,
    Delivery,
    crash_of,
    deliveries,
    listed,
    other,
    place,
    receives_at,
    told_of,
    unquoted,
)
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import SIDES, Connection, Side
from wirelab.observe.messages import Message

STILL_UNSENT = 2_000 * MS  # who is told to quit so soon after a line may still hold it
SERVED_BY = 200 * MS  # a server that has not noticed a client for so long is busy elsewhere
HELD_UP = 1_000 * MS  # who waits for a lock so long after a line was typed is not just about to send it
BROKE_OFF = 1_000 * MS  # a crash so soon after a line was typed comes of sending it

# --- WL251


def one_recv_one_message(view: View, finding: Finding) -> Finding | None:
    """A text that was to be shown arrived glued to others or cut, while what came whole by itself was handled."""
    actor, wanted = str(finding.actor), unquoted(finding.rationale.values.get("text"))
    if view.part(actor) != "submission":
        return None
    ends = view.ends_of(actor)
    told = told_of(wanted, (item.groups.get("text", "") for one, side in ends for item in _received(view, one, side)))
    for connection, side in ends:
        shapes = deliveries(view, connection, other(side))
        for message in _received(view, connection, side):
            shape = shapes[message.start]
            if told is None or message.groups.get("text") != told or shape.kind == "alone":
                continue
            whole = [
                item.message
                for item in shapes.values()
                if item.kind in ("alone", "close") and item is not shape and _was_shown(view, actor, item.message)
            ]
            came = _received(view, connection, side)
            if _taken_apart(view, actor, shape, whole, came) or (not whole and found_behind_others(view, connection)):
                continue
            alone = [f"{cut(item.text, QUOTED)} ({item.frames[-1]})" for item in whole]
            if side == "client":
                answered = answered_alone(view, actor, connection)
                alone += [f"{item.question.text} ({item.question.frames[-1]})" for item in answered]
            if alone:
                values = {"how": shape.how(), "where": receives_at(view, actor, connection, side)}
                said = {"text": cut(message.text, QUOTED), "actor": actor, "alone": listed(alone)}
                return cause("WL251", actor, frames=message.frames, terminal=(), **said, **values)
    return None


def _received(view: View, connection: Connection, reader: Side) -> tuple[Message, ...]:
    return view.messages(connection.index, other(reader))


def _was_shown(view: View, actor: str, message: Message) -> bool:
    """Whether a terminal showed a message's text, as the end of a line."""
    text = message.groups.get("text", "")
    return bool(text) and view.ends_line(actor, text)


def _taken_apart(view: View, actor: str, shape: Delivery, whole: list[Message], came: Sequence[Message]) -> bool:
    """Whether a program made one line of each message that came with others or in pieces, though not the line that was
    to be shown: in other words, or in another encoding. ``whole`` came by themselves, and how they were shown is known;
    ``came`` are all."""
    message, shown = shape.message, view.shown_since(actor, shape.message.began)
    text = message.groups.get("text", "")
    foreign = [item.text for item in (message, *shape.others)]
    word = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.ASCII)
    if any(word.search(line) and not any(item in line for item in foreign) for line in shown.split("\n")):
        return True
    labels = {_label(line, item.groups["text"]) for item in whole for line in view.lines(actor)}
    mine = [item for item in (message, *shape.others) if item.groups.get("text")]
    first = min(item.start for item in mine)
    count = sum(bool(item.groups.get("text")) for item in came if item.start >= first)
    late = view.shown_since(actor, message.time)
    for label in labels - {""}:
        rests = [rest.split("\n")[0].strip() for rest in shown.split(label)[1:]]
        parts = [rest for rest in rests[: len(mine)] if shape.kind == "cut" and not _undecoded(rest, text)]
        broken = any(rest in text for rest in parts) or any(message.text in rest for rest in rests[: len(mine)])
        if len(rests) == late.count(label) == count and not broken:
            return True
    return False


def _undecoded(rest: str, text: str) -> bool:
    """Whether that is what is left of a text when each piece is decoded by itself: what was cut is lost, or replaced."""
    return not text.isascii() and rest.replace("\ufffd", "") == "".join(filter(str.isascii, text)).strip()


def _label(line: str, text: str) -> str:
    """The word before a message's text at the end of a line; nothing where the line does not end so."""
    return line.removesuffix(text).rpartition(" ")[0].rpartition(" ")[2] if line.endswith(text) else ""


# --- WL253


def still_unsent(view: View, finding: Finding) -> Finding | None:
    """The line was typed shortly before the client was told to quit, and nothing of it or of any typed after it was
    sent: since then nothing left but answers and lines that were typed before."""
    said = unquoted(finding.rationale.values.get("text"))
    for client in view.scenario.clients:
        if view.part(client) == "submission" and (finding.actor == client or finding.code == "WL604"):
            lines = view.typed_lines(client)
            wanted = said if finding.code == "WL201" else told_of(said, (text for _, text in lines))
            for time, text in lines:
                if text and text == wanted:
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
    answers = {spec.name for spec in view.profile.messages if spec.answers}
    before = {line for _, line in view.typed_lines(client)} - set(after)
    for item in messages:
        other_text = item.groups.get("text", item.text)
        if item.time >= time and item.kind not in answers and other_text not in before:
            return None  # some of it, cut or in another encoding
    fin = connections[-1].fin("client")
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
    if finding.code in ("WL301", "WL401"):
        clients = [str(values.get("actor"))]
    for client in clients:
        for connection in telling(view, client)[-1:]:
            resets = [noted.segment.frame for noted in connection.teardown.resets]
            if finding.code == "WL502" and values.get("frame") not in resets:
                continue
            server = view.server_of(connection)
            if server is not None and view.part(server) == "submission":
                yield server, client, wanted, connection


def _typed_at(view: View, server: str, wanted: str) -> int | None:
    """When a line that is awaited was typed at the server."""
    lines = view.typed_lines(server)
    told = told_of(wanted, (line for _, line in lines))
    return next((time for time, line in lines if line == told), None)


def _last_taken(view: View, server: str) -> int | None:
    """When the last whole line was typed at a server that took no more keys after it."""
    for step in view.steps():
        if step.ended is None or step.ended.detail.get("why") != "keyboard not read":
            continue
        if view.scenario.script[step.began.index].actor == server:
            return max((time for time, _ in view.typed_lines(server) if time < step.ended.time), default=None)
    return None


_NO_MORE_KEYS = Text(
    "no whole line could be typed at {actor}'s keyboard after {time} s, when {slow} was not reading: its receive window "
    "had been closed since frame {frame}, at {since} s, and stayed so; {client} got nothing more either{where}",
    "{time} 秒以后，{actor} 的键盘再也输入不了整行，那时 {slow} 没有在接收：从第 {frame} 帧（{since} 秒）起它的接收窗口一直"
    "为零；此后 {client} 也什么都没有收到{where}",
)


def a_slow_client(view: View, finding: Finding) -> Finding | None:
    """Another client's receive window was closed when the line was typed, and it did not open again; or it could not be
    typed any more, as the server took no keys."""
    for server, client, wanted, mine in _meant(view, finding):
        typed = meant = _typed_at(view, server, wanted)
        if typed is None:
            typed = _last_taken(view, server)
        if typed is None or (finding.actor == server and finding.code not in ("WL401", "WL609")):
            continue
        for connection in view.connections:
            slow = view.client_of(connection)
            windows = [noted for noted in connection.noted if noted.sender == "client" and not noted.segment.syn]
            closed = [noted for noted in windows if noted.segment.time <= typed][-1:]
            until = min([view.end, *(noted.segment.time for noted in connection.teardown.resets)])
            later = [noted for noted in windows if typed < noted.segment.time < until]
            shut = bool(closed) and "zero-window" in closed[0].notes
            if slow in (None, client) or not shut or any(noted.segment.window for noted in later):
                continue
            after = [chunk for chunk in mine.server_stream.chunks if typed < chunk.time <= view.end]
            if any((wanted if meant is not None else "").encode() in chunk.data for chunk in after):
                continue
            began = closed[0]
            for noted in reversed(windows):
                if noted.segment.time <= began.segment.time and "zero-window" not in noted.notes:
                    break
                began = noted if noted.segment.time <= began.segment.time else began
            calls = [call for call in view.called(server, "send") if call.peer == connection.client.port]
            where = place(calls[-1].line) if calls else ""
            thread = calls[-1].thread if calls else ""
            found = cause(
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
            return (
                found if meant is not None else replace(found, rationale=replace(found.rationale, text=_NO_MORE_KEYS))
            )
    return None


_STUCK = Text(
    "{actor} is held up: at {seen} s {chain}, and it has done nothing on any connection since '{line}' was typed at "
    "{typed} s",
    "{actor} 被卡住了：{seen} 秒时 {chain}，从 {typed} 秒输入 '{line}' 起，它没有对任何连接做过任何事",
)


def at_a_lock(view: View, finding: Finding) -> Finding | None:
    """The server's main thread was seen to wait for a lock, long after the line was typed, and none of the threads that
    wait for one another had made a call since."""
    for server, _, wanted, _ in _meant(view, finding):
        typed, seen = _typed_at(view, server, wanted), last_seen(view, server)
        chain = chain_of(seen) if seen is not None else None
        if typed is None or seen is None or chain is None or not view.called(server):
            continue
        names = {thread.name for thread in chain.threads}
        since = [call for call in view.called(server) if call.thread in names and typed < call.time < seen.time]
        if since or not wants_lock(chain.last) or seen.time < typed + HELD_UP:
            continue
        line = told_of(wanted, (text for _, text in view.typed_lines(server)))
        values = {"seen": view.seconds(seen.time), "typed": view.seconds(typed), "line": line}
        found = cause("WL656", server, frames=(), terminal=(), actor=server, chain=told(view, server, chain), **values)
        return replace(found, rationale=replace(found.rationale, text=_STUCK))
    return None


def one_at_a_time(view: View, finding: Finding) -> Finding | None:
    """The server's terminal did not name this client while it served an earlier one that it had named, and nothing was
    sent to it; nor had it ever served two at the same time."""
    for server, client, _, mine in _meant(view, finding):
        opened = mine.handshake.ack
        named = _named(view, server, mine)
        if opened is None or finding.actor == client == server or view.once(_served_two, server):
            continue
        noticed = [_named(view, server, item) for item in view.connections if mine.index < item.index]
        first_noticed = min((moment for moment in noticed if moment is not None), default=view.end)
        for connection in view.connections:
            first = view.client_of(connection)
            if connection.index >= mine.index or first is None or _named(view, server, connection) is None:
                continue
            over = _over(view, connection)
            served = [chunk for chunk in mine.server_stream.chunks if chunk.time < over]
            unnoticed = named is None or named >= over - 5 * MS
            if over - opened.segment.time < SERVED_BY or served or not unnoticed:
                continue
            if first_noticed < over - 5 * MS:
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


def _over(view: View, connection: Connection) -> int:
    """When a connection's end began."""
    ends = [*map(connection.fin, SIDES), *connection.teardown.resets]
    return min([noted.segment.time for noted in ends if noted] or [view.end])


def _served_two(view: View, server: str) -> bool:
    """Whether the server named a client, or sent to it, while it served an earlier one that it had named."""
    latest = 0  # until when one that it had named was there
    for connection in view.connections:
        if view.server_of(connection) != server:
            continue
        named = _named(view, server, connection)
        first = min(
            [item.time for item in connection.server_stream.chunks[:1]] + ([named] if named else []), default=None
        )
        if first is not None and first < latest - 5 * MS:
            return True
        if named is not None:
            latest = max(latest, _over(view, connection))
    return False


def _named(view: View, server: str, connection: Connection) -> int | None:
    """When the server's terminal first named a client's port."""
    line = view.once(_naming, server).get(connection.client.port)
    return None if line is None else view.shown_at(server, line)


def _naming(view: View, server: str) -> dict[int, str]:
    """The first line of the server's terminal with each number, whatever it means."""
    found: dict[int, str] = {}
    for line in view.lines(server):
        for number in re.findall(r"\b\d{1,5}\b", line):
            found.setdefault(int(number), line)
    return found


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
