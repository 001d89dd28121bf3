"""Checks of what crossed the wire: handshake, messages, heartbeat, broadcast, teardown.

Each takes the view of a run and one expectation, and gives one result whose findings name frames and times.
Whatever the machine or the harness's own side is to blame for makes a check inconclusive, never failed.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text
from wirelab.declare import expectations as expect
from wirelab.declare.scenario import Expected
from wirelab.judge.findings import finding
from wirelab.judge.verdict import CheckResult, Finding, Said, Verdict
from wirelab.judge.view import View
from wirelab.observe.connections import Connection
from wirelab.observe.messages import Message, other_encoding

SAME_KIND = 3  # findings of one kind that a check gives in full
QUOTED = 20  # texts that a sentence lists
COMPARED = 1_000_000  # pairs of texts up to which the nearest alignment is looked for

_FAILED = Text("{written}", "{written}")
_OPENED = Text(
    "SYN, SYN+ACK, ACK in frames {frames}, within {ms} ms", "第 {frames} 帧完成 SYN、SYN+ACK、ACK，用时 {ms} 毫秒"
)
_SENT = Text("{count} messages, in order, each whole: {texts}", "{count} 条消息，顺序正确且完整：{texts}")
_ALIVE = Text(
    "{count} heartbeats answered, the slowest after {worst} ms (allowed: {limit} ms)",
    "应答了 {count} 个心跳，最慢 {worst} 毫秒（允许 {limit} 毫秒）",
)
_REACHED = Text("'{text}' reached {names} exactly once", "“{text}”恰好一次到达 {names}")
_CLOSED = Text(
    "orderly: {first} sent the first FIN (frame {frame}), in {count} segments, no RST",
    "正常关闭：{first} 先发送 FIN（第 {frame} 帧），共 {count} 个报文段，没有 RST",
)
_RESET = Text("ended by RST (frame {frame})", "以 RST 结束（第 {frame} 帧）")
_ANY = Text("ended as it may", "以允许的方式结束")


def check_expectation(view: View, item: Expected) -> CheckResult:
    """Check one item of the scenario's ``expect`` list."""
    checks: dict[str, Callable[..., tuple[Said, list[Finding]]]] = {
        "handshake": _handshake,
        "messages": _messages,
        "heartbeat": _heartbeat,
        "broadcast": _broadcast,
        "teardown": _teardown,
    }
    check = item.expectation.check
    summary, found = checks[check](view, item.expectation)
    actor = None if check == "broadcast" else getattr(item.expectation, check)
    if not found:
        return CheckResult(check, actor, item.line, item.written, Verdict.PASS, summary)
    found = _first_of_each(found)
    blamed = [entry for entry in found if not entry.code.startswith("WL9")]
    verdict = Verdict.FAIL if blamed else Verdict.INCONCLUSIVE
    failed = Said(_FAILED, {"written": item.written})
    return CheckResult(check, actor, item.line, item.written, verdict, failed, tuple(found))


def _first_of_each(found: list[Finding]) -> list[Finding]:
    """At most SAME_KIND findings of each code and actor; the last of them counts the rest."""
    kept: list[Finding] = []
    counts = Counter((entry.code, entry.actor) for entry in found)
    seen: Counter[tuple[str, str | None]] = Counter()
    for entry in found:
        kind = (entry.code, entry.actor)
        seen[kind] += 1
        if seen[kind] < SAME_KIND or counts[kind] == SAME_KIND == seen[kind]:
            kept.append(entry)
        elif seen[kind] == SAME_KIND:
            kept.append(replace(entry, more=counts[kind] - SAME_KIND))
    return kept


def _connection(view: View, client: str) -> tuple[Connection | None, list[Finding]]:
    """The client's connection (its last), or why there is none to look at."""
    owned = view.connections_of(client)
    if owned:
        return owned[-1], []
    unclaimed = [item for item in view.connections if view.client_of(item) is None]
    if unclaimed:
        return None, [finding("WL904", client, count=len(view.connections), actor=client)]
    return None, [finding("WL101", client, actor=client, port=view.scenario.port)]


# --- handshake


def _handshake(view: View, expected: expect.HandshakeExpected) -> tuple[Said, list[Finding]]:
    client = expected.handshake
    connection, found = _connection(view, client)
    if connection is None:
        return Said(_FAILED), found
    shake = connection.handshake
    if shake.syn and shake.refused:
        frames = (shake.syn.segment.frame, shake.refused.segment.frame)
        values = {"actor": client, "syn": frames[0], "rst": frames[1], "port": view.scenario.port}
        return Said(_FAILED), [finding("WL102", client, frames=frames, **values)]
    parts = {"SYN": shake.syn, "SYN+ACK": shake.syn_ack, "ACK": shake.ack}
    frames = tuple(noted.segment.frame for noted in parts.values() if noted)
    if shake.syn is None or shake.ack is None or shake.syn_ack is None:
        seen = ", ".join(name for name, noted in parts.items() if noted) or "-"
        return Said(_FAILED), [finding("WL103", client, frames=frames, actor=client, seen=seen)]
    took = (shake.ack.segment.time - shake.syn.segment.time) / 1e6
    return Said(_OPENED, {"frames": _list(frames), "ms": f"{took:.2f}"}), []


# --- messages


def _messages(view: View, expected: expect.MessagesExpected) -> tuple[Said, list[Finding]]:
    client = expected.messages
    connection, found = _connection(view, client)
    if connection is None:
        return Said(_FAILED), found
    messages = view.messages(connection.index, "client")
    found = list(_malformed(view, client, messages))
    wanted = [text for text in expected.sent if text]
    sent = [message for message in messages if message.kind == "message" and _text(message)]
    if view.profile.framing.kind == "none":
        found += _missing_unframed(client, wanted, messages)
    else:
        found += _differences(client, wanted, sent)
    summary = Said(_SENT, {"count": len(wanted), "texts": _quoted(wanted)})
    return summary, found


def _text(message: Message) -> str:
    return message.groups.get("text", message.text)


def _malformed(view: View, client: str, messages: tuple[Message, ...]) -> Iterator[Finding]:
    known = ", ".join(spec.template for spec in view.profile.messages if spec.sender == "client")
    for message in messages:
        if message.problem == "unfinished":
            yield finding("WL203", client, frames=message.frames, actor=client, text=repr(message.text))
        elif message.problem == "encoding":
            encoding = other_encoding(message.raw)
            readable = message.raw.decode(encoding) if encoding else ""
            guess = Bilingual(f" (read as {encoding}: {readable})", f"（按 {encoding} 解读为：{readable}）") if encoding else ""
            yield finding("WL205", client, frames=message.frames, actor=client, raw=repr(message.raw), guess=guess)
        elif message.kind is None:
            yield finding("WL206", client, frames=message.frames, actor=client, text=repr(message.text), known=known)


def _differences(client: str, wanted: list[str], sent: list[Message]) -> Iterator[Finding]:
    texts = [_text(message) for message in sent]
    if texts == wanted:
        return
    if sorted(texts) == sorted(wanted):
        frames = tuple(frame for message in sent for frame in message.frames)
        yield finding("WL204", client, frames=frames, actor=client, expected=_quoted(wanted), sent=_quoted(texts))
        return
    if len(texts) * len(wanted) > COMPARED:  # far more than was typed: aligning them would take minutes
        for text in (Counter(wanted) - Counter(texts)).elements():
            yield finding("WL201", client, actor=client, text=f"'{text}'", sent=_quoted(texts))
        extra = Counter(texts) - Counter(wanted)
        for message in sent:
            if extra[_text(message)]:
                extra[_text(message)] -= 1
                yield finding("WL202", client, frames=message.frames, actor=client, text=f"'{_text(message)}'")
        return
    for operation, first, last, start, stop in difflib.SequenceMatcher(None, wanted, texts, autojunk=False).get_opcodes():
        if operation in ("delete", "replace"):
            for text in wanted[first:last]:
                yield finding("WL201", client, actor=client, text=f"'{text}'", sent=_quoted(texts))
        if operation in ("insert", "replace"):
            for message in sent[start:stop]:
                yield finding("WL202", client, frames=message.frames, actor=client, text=f"'{_text(message)}'")


def _missing_unframed(client: str, wanted: list[str], messages: tuple[Message, ...]) -> Iterator[Finding]:
    """Without framing, texts may run together: each must occur, after the one before."""
    stream = "".join(message.raw.decode("utf-8", "replace") for message in messages if message.kind == "message")
    at = 0
    for text in wanted:
        found = stream.find(text, at)
        if found < 0:
            yield finding("WL201", client, actor=client, text=f"'{text}'", sent=repr(stream))
        else:
            at = found + len(text)


# --- heartbeat


def _heartbeat(view: View, expected: expect.HeartbeatExpected) -> tuple[Said, list[Finding]]:
    client = expected.heartbeat
    connection, found = _connection(view, client)
    if connection is None:
        return Said(_FAILED), found
    pairing = view.pairing(connection)
    server = view.actor_at(connection, "server")
    limit = expected.answered_within
    last = _alive_until(view, connection, client) - int(limit * 1e9)
    delays = []
    for exchange in pairing.exchanges:
        question, delay = exchange.question, exchange.delay_ns
        if delay is not None:
            delays.append(delay / 1e9)
        if (delay is None or delay > limit * 1e9) and question.time < last:
            problem = _slow(view, connection, client, question, exchange.answer, limit)
            if problem:
                found.append(problem)
    for message in pairing.unsolicited:
        values = {"actor": client, "text": message.text, "frame": message.frames[-1]}
        found.append(finding("WL304", client, frames=message.frames, **values))
    for message in pairing.repeated:
        values = {"actor": client, "text": message.text, "frame": message.frames[-1]}
        found.append(finding("WL305", client, frames=message.frames, **values))
    found += _numbering(view, client, server, [exchange.question for exchange in pairing.exchanges])
    if len(pairing.exchanges) < expected.at_least:
        found.append(_too_few(view, client, server, expected.at_least, len(pairing.exchanges)))
    elif len(delays) < expected.at_least and not found:
        unanswered = [exchange.question for exchange in pairing.exchanges if exchange.answer is None]
        found.append(_unanswered(view, client, unanswered[0], limit))
    values = {"count": len(delays), "worst": f"{max(delays, default=0) * 1e3:.1f}", "limit": f"{limit * 1e3:g}"}
    return Said(_ALIVE, values), found


def _alive_until(view: View, connection: Connection, client: str) -> int:
    """Until when a client must answer: its quitting key, a FIN or RST of either side, or the harness's end."""
    end = connection.teardown
    moments = [noted.segment.time for noted in (end.client_fin, end.server_fin, *end.resets) if noted]
    moments += [moment for moment in (view.quit_time(client), view.end) if moment is not None]
    kill, exited = view.kills.get(client), view.exits.get(client)
    if kill:
        moments.append(kill.time)
    if exited and exited.by != "itself":
        moments.append(exited.time)
    return min(moments)


def _slow(
    view: View, connection: Connection, client: str, question: Message, answer: Message | None, limit: float
) -> Finding | None:
    """Why an answer did not come in time: None when the wire held it up, WL903 when the machine did."""
    until = answer.time if answer else question.time + int(limit * 1e9)
    if view.disturbed(connection, question.time, until) or _wire_cut(view, question.time):
        return None
    late = (until - question.time) / 1e9 - limit if answer else limit
    delay = view.run_delay(client, question.time, until)
    if answer and delay >= late:
        return finding("WL903", client, frames=(*question.frames, *answer.frames), actor=client, delay=f"{delay:.2f}")
    if view.part(client) != "submission":
        return _not_yours(client, Bilingual("did not answer a heartbeat in time", "没有及时应答心跳"))
    if answer is None:
        return _unanswered(view, client, question, limit)
    values = {"actor": client, "question": question.text, "frame": question.frames[-1], "limit": f"{limit:g}"}
    took = f"{(answer.time - question.time) / 1e9:.3f}"
    values |= {"answer": answer.frames[-1], "delay": took, "time": view.seconds(question.time), "blocked": ""}
    return finding("WL303", client, frames=(question.frames[-1], answer.frames[-1]), **values)


def _unanswered(view: View, client: str, question: Message, limit: float) -> Finding:
    values = {"actor": client, "question": question.text, "frame": question.frames[-1], "limit": f"{limit:g}"}
    return finding("WL302", client, frames=question.frames, time=view.seconds(question.time), blocked="", **values)


def _wire_cut(view: View, time: int) -> bool:
    """Whether the wire was cut when something was captured (what it shows was then delivered later, or never)."""
    cut = False
    for what, moment in view.wire:
        if moment > time:
            break
        cut = what.startswith("cut") or (cut and what != "heal")
    return cut


def _numbering(view: View, client: str, server: str, questions: list[Message]) -> Iterator[Finding]:
    numbers = [message.groups.get("n") for message in questions]
    if None in numbers or numbers == [str(number + 1) for number in range(len(numbers))]:
        return
    frames = tuple(message.frames[-1] for message in questions)
    if view.part(server) == "reference":
        yield _not_yours(server, Bilingual("numbered its heartbeats wrongly", "的心跳编号有误"))
    elif view.part(server) == "submission":
        yield finding("WL306", server, frames=frames, actor=client, seen=", ".join(str(number) for number in numbers))


def _too_few(view: View, client: str, server: str, wanted: int, seen: int) -> Finding:
    """Too few heartbeats: the server's fault if it is the submission; else the client left early, or the machine."""
    if view.part(server) == "submission":
        return finding("WL301", server, actor=client, wanted=wanted, seen=seen)
    exited = view.exits.get(client)
    if exited is not None and exited.by == "itself" and view.part(client) == "submission":
        return finding("WL301", client, actor=client, wanted=wanted, seen=seen)
    return _not_yours(server, Bilingual(f"sent only {seen} of {wanted} heartbeats", f"只发送了 {wanted} 个心跳中的 {seen} 个"))


def _not_yours(actor: str, what: Bilingual) -> Finding:
    return finding("WL905", actor, actor=actor, what=what)


# --- broadcast


def _broadcast(view: View, expected: expect.BroadcastExpected) -> tuple[Said, list[Finding]]:
    text = expected.broadcast
    found: list[Finding] = []
    for client in expected.to:
        messages = [message for message in _received(view, client) if message.groups.get("text") == text]
        if not view.connections_of(client):
            found += _connection(view, client)[1]
        elif not messages:
            found.append(finding("WL401", client, text=text, actor=client))
        elif len(messages) > 1:
            frames = tuple(frame for message in messages for frame in message.frames)
            found.append(finding("WL402", client, frames=frames, text=text, actor=client, count=len(messages)))
    for client in expected.not_to:
        for message in _received(view, client):
            if message.groups.get("text") == text:
                frame = message.frames[-1]
                found.append(finding("WL403", client, frames=message.frames, text=text, actor=client, frame=frame))
    return Said(_REACHED, {"text": text, "names": ", ".join(expected.to)}), found


def _received(view: View, client: str) -> Iterator[Message]:
    for connection in view.connections_of(client):
        yield from (item for item in view.messages(connection.index, "server") if item.kind == "broadcast")


# --- teardown


def _teardown(view: View, expected: expect.TeardownExpected) -> tuple[Said, list[Finding]]:
    client = expected.teardown
    connection, found = _connection(view, client)
    if connection is None:
        return Said(_FAILED), found
    end = connection.teardown
    resets = [noted for noted in end.resets if view.own_doing(view.actor_at(connection, noted.sender), noted.segment.time)]
    if expected.style == "any":
        return Said(_ANY), _unfinished(view, connection) if not resets else []
    if expected.style == "reset":
        if end.resets:
            return Said(_RESET, {"frame": end.resets[0].segment.frame}), []
        return Said(_FAILED), [finding("WL507", client, actor=client)]
    for noted in resets:
        actor = view.actor_at(connection, noted.sender)
        frame, time = noted.segment.frame, view.seconds(noted.segment.time)
        found.append(finding("WL502", actor, frames=(frame,), actor=actor, frame=frame, time=time))
    found += _unfinished(view, connection) if not resets else []
    first_fin = end.client_fin if end.first == "client" else end.server_fin
    if first_fin is None or end.first is None:
        return Said(_FAILED), found
    first = view.actor_at(connection, end.first)
    frame = first_fin.segment.frame
    if expected.first is not None and first != expected.first and not end.simultaneous and view.own_doing(first, first_fin.segment.time):
        values = {"wanted": expected.first, "actor": first, "frame": frame, "time": view.seconds(first_fin.segment.time)}
        found.append(finding("WL501", first, frames=(frame,), **values))
    segments = {
        noted.segment.frame for noted in (end.client_fin, end.server_fin, end.client_fin_ack, end.server_fin_ack) if noted
    }
    return Said(_CLOSED, {"first": first, "frame": frame, "count": len(segments)}), found


def _unfinished(view: View, connection: Connection) -> list[Finding]:
    """FINs that are missing, that only being killed brought about, or that nobody acknowledged."""
    end = connection.teardown
    found = []
    for side, fin, acked in (
        ("client", end.client_fin, end.client_fin_ack),
        ("server", end.server_fin, end.server_fin_ack),
    ):
        actor = view.actor_at(connection, "client" if side == "client" else "server")
        if fin is None:
            found.append(finding("WL503", actor, actor=actor, time=view.seconds(view.end)))
        elif not view.own_doing(actor, fin.segment.time):
            frame, time = fin.segment.frame, view.seconds(view.kills[actor].time)
            found.append(finding("WL504", actor, frames=(frame,), actor=actor, frame=frame, time=time))
        elif acked is None:
            found.append(finding("WL505", actor, frames=(fin.segment.frame,), actor=actor, frame=fin.segment.frame))
    blamed = [entry for entry in found if view.part(entry.actor) == "submission"]
    if blamed or not found:
        return blamed  # what the other side then did or did not do follows from it
    what = Bilingual("did not bring the connection to its end", "没有完成连接的关闭")
    return [finding("WL905", entry.actor, frames=entry.frames, actor=entry.actor, what=what) for entry in found]


def _list(frames: tuple[int, ...]) -> str:
    return ", ".join(str(frame) for frame in frames)


def _quoted(texts: list[str]) -> str:
    listed = ", ".join(f"'{text}'" for text in texts[:QUOTED]) or "-"
    return listed + (f", … ({len(texts)})" if len(texts) > QUOTED else "")
