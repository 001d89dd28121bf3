"""The heartbeat check: heartbeats come, numbered from 1, and each is answered once, by its own number, in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.expectations import HeartbeatExpected
from wirelab.judge.blame import busy, cut_off, not_yours, received, starved, talk_of
from wirelab.judge.check_messages import malformed, spoiled
from wirelab.judge.findings import finding
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import View
from wirelab.observe.connections import Connection
from wirelab.observe.heartbeats import Exchange
from wirelab.observe.messages import Message

_ALIVE = Text(
    "heartbeats answered: {count}, the slowest after {worst} ms (allowed: {limit} ms)",
    "应答了 {count} 个心跳，最慢 {worst} 毫秒（允许 {limit} 毫秒）",
)

_LEFT = Text(
    "It is the client that left before they were due. See what ended it: its last words, and what it did just before.",
    "是客户端在心跳到来之前自己离开了。请看它为什么结束：最后输出了什么，之前刚做了什么。",
)


def check_heartbeat(view: View, expected: HeartbeatExpected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not; heartbeats count on whichever connection they come."""
    client, limit = expected.heartbeat, expected.answered_within
    connections, found = talk_of(view, client)
    if not connections:
        return None, found
    came, lost = 0, False
    delays: list[float] = []
    for connection in connections:
        exchanges = view.pairing(connection).exchanges
        came += len(exchanges)
        delays += [exchange.delay_ns / 1e9 for exchange in exchanges if exchange.delay_ns is not None]
        lost = lost or any(received(connection, "client", exchange.question.end) is None for exchange in exchanges)
        found += _on(view, connection, client, limit)
    if came < expected.at_least:
        few = _too_few(view, connections[-1], expected, came)
        found += [few] if not few.code.startswith("WL9") or not found else []
    elif len(delays) < expected.at_least and not found:  # the others came while the client left, or never arrived
        found.append(cut_off() if lost else _too_few(view, connections[-1], expected, len(delays)))
    if any(entry.code in ("WL301", "WL306") for entry in found):  # a heartbeat in a wrong shape is none
        found += spoiled(view, connections)
    values = {"count": len(delays), "worst": f"{max(delays, default=0) * 1e3:.1f}", "limit": f"{limit * 1e3:g}"}
    return Said(_ALIVE, values), found


def _on(view: View, connection: Connection, client: str, limit: float) -> Iterator[Finding]:
    """What is wrong with the heartbeats of one connection, which counts its own, and with their answers."""
    pairing = view.pairing(connection)
    alive = _alive_until(view, connection, client)
    unanswered = False
    for exchange in pairing.exchanges:
        late = exchange.delay_ns is None or exchange.delay_ns / 1e9 > limit
        if late and exchange.question.time < alive - int(limit * 1e9):
            for entry in _slow(view, connection, client, exchange, limit, alive):
                unanswered = unanswered or entry.code == "WL302"
                yield entry
    yield from _strays(view, client, "WL304", pairing.unsolicited)
    yield from _strays(view, client, "WL305", pairing.repeated)
    server = view.actor_at(connection, "server")
    yield from _numbering(view, client, server, [exchange.question for exchange in pairing.exchanges])
    if unanswered:  # an answer in a wrong shape is none: show what came instead
        yield from malformed(view, client, view.messages(connection.index, "client"))


def _alive_until(view: View, connection: Connection, client: str) -> int:
    """Until when a client must answer: its quitting key, a signal, a FIN or RST of either side, the harness's end."""
    end = connection.teardown
    moments = [noted.segment.time for noted in (end.client_fin, end.server_fin, *end.resets) if noted]
    moments += [moment for moment in (view.quit_time(client), view.ending_time(client)) if moment is not None]
    return min([*moments, view.end])


def _slow(
    view: View, connection: Connection, client: str, exchange: Exchange, limit: float, alive: int
) -> Iterator[Finding]:
    """Why an answer did not come in time: nothing when the wire held it up, WL903 when the machine did."""
    question, answer = exchange.question, exchange.answer
    until = answer.time if answer else alive
    disturbed = view.disturbed(connection, question.time, until) if answer else ()
    since = max((noted.segment.time for noted in disturbed), default=question.time)
    late = (until - since) / 1e9 - limit  # the program's own part of it
    if disturbed and late <= 0:
        return
    came = received(connection, "client", question.end)
    if came is None or (answer is None and came >= alive - int(limit * 1e9)):
        return
    delay = view.run_delay(client, since, until)
    frames = (question.frames[-1], *(answer.frames[-1:] if answer else ()))
    if delay >= late and (answer is not None or not busy(view, client, since, until)):
        yield finding("WL903", client, frames=frames, actor=client, delay=f"{delay:.2f}")
    elif view.part(client) != "submission":
        yield not_yours(client, Bilingual("did not answer a heartbeat in time", "没有及时应答心跳"), frames=frames)
    else:
        values: dict[str, object] = {"actor": client, "question": question.text, "frame": frames[0]}
        values |= {"limit": f"{limit:g}", "time": view.seconds(question.time)}
        if answer is None:
            yield finding("WL302", client, frames=frames, terminal=(), **values)
        else:
            values |= {"answer": frames[1], "delay": f"{(answer.time - question.time) / 1e9:.3f}"}
            yield finding("WL303", client, frames=frames, terminal=(), **values)


def _strays(view: View, client: str, code: str, messages: tuple[Message, ...]) -> Iterator[Finding]:
    """Answers to nothing (WL304) or to what was answered already (WL305)."""
    for message in messages:
        if view.part(client) == "submission":
            frame = message.frames[-1]
            yield finding(code, client, frames=message.frames, actor=client, text=message.text, frame=frame)
        else:
            what = Bilingual("answered a heartbeat that was not open", "应答了并未等待应答的心跳")
            yield not_yours(client, what, frames=message.frames)


def _numbering(view: View, client: str, server: str, questions: list[Message]) -> Iterator[Finding]:
    spec = view.profile.spec("heartbeat")
    counter = spec.counts if spec is not None else None
    if counter is None:
        return
    numbers = [message.groups[counter] for message in questions]
    if numbers == [str(number + 1) for number in range(len(numbers))]:
        return
    frames = tuple(message.frames[-1] for message in questions)
    if view.part(server) == "reference":
        yield not_yours(server, Bilingual("numbered its heartbeats wrongly", "的心跳编号有误"))
    elif view.part(server) == "submission":
        yield finding("WL306", server, frames=frames, actor=client, seen=", ".join(str(number) for number in numbers))


def _too_few(view: View, connection: Connection, expected: HeartbeatExpected, seen: int) -> Finding:
    """Too few heartbeats: the server's fault if it is the submission; or its own client left early; or the machine."""
    client, wanted = expected.heartbeat, expected.at_least
    server = view.actor_at(connection, "server")
    if view.part(server) == "submission":
        busy = starved(view, server, connection.noted[0].segment.time, _alive_until(view, connection, client))
        return busy or finding("WL301", server, actor=client, wanted=wanted, seen=seen)
    exited, asked = view.exits.get(client), view.quit_time(client)
    by_itself = exited is not None and exited.by == "itself" and view.ending_time(client) is None and asked is None
    if view.part(client) == "submission" and (by_itself or _left(view, connection)) and not _was_left(connection):
        found = finding("WL301", client, actor=client, wanted=wanted, seen=seen)
        return replace(found, hint=Said(_LEFT, {"actor": client}))
    what = Bilingual(f"sent only {seen} of {wanted} heartbeats", f"只发送了 {wanted} 个心跳中的 {seen} 个")
    return not_yours(server, what)


def _left(view: View, connection: Connection) -> bool:
    """Whether the client closed or aborted before anybody asked it to."""
    client, end = view.actor_at(connection, "client"), connection.teardown
    moments = [noted.segment.time for noted in (end.client_fin, *end.resets) if noted and noted.sender == "client"]
    return any(view.own_doing(client, time) and not view.asked_before(client, time) for time in moments[:1])


def _was_left(connection: Connection) -> bool:
    """Whether the server closed or aborted first: the client then rightly leaves."""
    end = connection.teardown
    return end.first == "server" or bool(end.resets and end.resets[0].sender == "server")
