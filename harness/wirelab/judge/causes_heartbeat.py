"""Rules for the causes of heartbeats unanswered, answered late, twice or with a wrong number (WL35x), and of what follows (WL558).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.blame import DROPPED
from wirelab.judge.clues import (
    AT_ONCE,
    MS,
    Delivery,
    calls_on,
    crash_of,
    deliveries,
    framed,
    listed,
    place,
    receives_at,
)
from wirelab.judge.clues import unquoted as bare
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import HEARTBEAT, QUIT_LINE, View
from wirelab.observe.connections import Connection
from wirelab.observe.heartbeats import Exchange, Pairing
from wirelab.observe.messages import Message

APART = 50 * MS  # delays that differ by more have no delay in common
LEAVING = 200 * MS  # heartbeats that come so shortly before a client leaves need no answer


@dataclass(frozen=True, slots=True)
class _Case:
    """The heartbeat that a finding is about: on which connection, and what else was exchanged there."""

    client: str
    connection: Connection
    exchange: Exchange
    pairing: Pairing

    @property
    def question(self) -> Message:
        return self.exchange.question


def _case(view: View, finding: Finding) -> _Case | None:
    """The heartbeat without a timely answer that a finding tells of (WL302, WL303), whose answer a peer waited for
    (WL207), or that an answer with a piece of its number followed (WL304, WL305)."""
    values = finding.rationale.values
    for client in view.scenario.clients:
        if view.part(client) != "submission" or (finding.code != "WL207" and client != finding.actor):
            continue
        for connection in reversed(view.connections_of(client)):
            pairing = view.pairing(connection)
            for exchange in pairing.exchanges:
                question = exchange.question
                told = (question.text, question.frames[-1]) == (values.get("question"), values.get("frame"))
                told = told or (finding.code in ("WL304", "WL305") and _stray(view, finding, connection, exchange))
                if told or (finding.code == "WL207" and _awaited(view, question, bare(values.get("wanted")))):
                    return _Case(client, connection, exchange, pairing)
    return None


def _stray(view: View, finding: Finding, connection: Connection, exchange: Exchange) -> bool:
    """Whether the answer that a finding tells of followed this heartbeat, and has a piece of its number."""
    values = finding.rationale.values
    answers = next(after for item, after in view.once(_followed, connection.index) if item == exchange)
    told = [item for item in answers if (item.text, item.frames[-1]) == (values.get("text"), values.get("frame"))]
    return any(_piece_of(view, exchange.question, item) for item in told)


def _piece_of(view: View, question: Message, answer: Message) -> bool:
    """Whether an answer's number is its heartbeat's, or the beginning or end of it, as who reads one piece of it sends."""
    by = next((spec.by for spec in view.profile.messages if spec.answers == HEARTBEAT), None) or ""
    whole, part = question.groups.get(by, ""), answer.groups.get(by, "")
    return bool(part) and (whole.startswith(part) or whole.endswith(part))


def _too_soon(view: View, connection: Connection, exchange: Exchange) -> Message | None:
    """What answered a heartbeat before it was whole, with its number or a piece of that."""
    answers = next(after for item, after in view.once(_followed, connection.index) if item == exchange)
    soon = (item for item in answers if item.time < exchange.question.time)
    return next((item for item in soon if _piece_of(view, exchange.question, item)), None)


def _awaited(view: View, question: Message, wanted: str) -> bool:
    found = view.profile.recognise("client", wanted)
    if found is None or found[0].answers != HEARTBEAT:
        return False
    by = found[0].by
    return by is None or found[1].get(by) == question.groups.get(by)


# --- WL351

_HELD = Text(
    "{actor} can answer only after Enter is pressed at its keyboard: {seen}",
    "{actor} 只有在键盘上按下回车之后才能应答：{seen}",
)
_LOCK = Text(
    "Does the thread that reads the keyboard hold a lock meanwhile, which the one that answers needs? Call input() before "
    "you take the lock: a lock guards what threads share, not a wait.",
    "读键盘的线程是不是一直拿着应答线程需要的锁？请先调用 input()，再加锁：锁保护的是线程共享的东西，不应在持有锁时等待。",
)


def only_after_enter(view: View, finding: Finding) -> Finding | None:
    """Answers came only within moments of an Enter typed at that client's keyboard, however long the heartbeat had
    waited; or the witnesses saw that nothing was received until Enter, or the only thread read the keyboard."""
    case = _case(view, finding)
    if case is None:
        return None
    found = _released(view, case) or _received_after(view, case) or _reading(view, case)
    held = _sent_after(view, case) if found is None else None
    if held is not None:
        seen, frames = held
        entry = cause("WL351", case.client, frames=frames, actor=case.client, seen=seen)
        return replace(entry, rationale=replace(entry.rationale, text=_HELD), hint=Said(_LOCK))
    if found is None:
        return None
    seen, frames = found
    return cause("WL351", case.client, frames=frames, actor=case.client, seen=seen)


def _released(view: View, case: _Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """All answers came at once after an Enter, and had in common nothing but this."""
    # What leaves when it is told to quit may as well have been written long before, into a buffer of the program's.
    enters = [time for time, line in view.typed_lines(case.client) if f"{line}⏎" != QUIT_LINE]
    mine = case.exchange.answer
    if mine is None and any(case.question.time < time < _leaves(view, case) for time in enters):
        return None  # it was not answered after the next Enter either
    groups: dict[int, list[Exchange]] = {}
    for exchange in case.pairing.exchanges:
        answer = exchange.answer
        if answer is not None:
            enter = max((time for time in enters if time <= answer.time), default=0)
            if not enter or answer.time - enter > AT_ONCE or exchange.question.time > enter:
                return None
            groups.setdefault(enter, []).append(exchange)
    together = [exchange for group in groups.values() for exchange in group]
    delays = [exchange.delay_ns or 0 for exchange in together]
    if len(together) < 2 or max(delays) - min(delays) < APART:
        return None
    enter, group = max(groups.items(), key=lambda item: len(item[1]))
    frames = tuple(sorted({exchange.answer.frames[-1] for exchange in group if exchange.answer}))
    asked = tuple(exchange.question.frames[-1] for exchange in group)
    last = max(exchange.answer.time for exchange in group if exchange.answer)
    texts, time, took = listed([item.question.text for item in group]), view.seconds(enter), (last - enter) / MS
    first = view.seconds(group[0].question.time)
    return Bilingual(
        f"{texts} had been waiting since {first} s ({framed(asked).en}), and {len(group)} answers left at once, within "
        f"{took:.0f} ms of the Enter at {time} s ({framed(frames).en}); no answer ever came without an Enter",
        f"{texts} 从 {first} 秒起就在等待（{framed(asked).zh}），{time} 秒按下回车后 {took:.0f} 毫秒内，"
        f"{len(group)} 个应答一起发出（{framed(frames).zh}）；没有按回车时从未应答",
    ), (*asked, *frames)


def _received_after(view: View, case: _Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """No thread had called recv() when the heartbeat came; the first call followed the next Enter."""
    answer = case.exchange.answer
    calls = calls_on(view, case.client, case.connection, "client", "recv")
    enters = [time for time, _ in view.typed_lines(case.client) if time > case.question.time]
    if not calls or not enters or not enters[0] <= calls[0].time <= enters[0] + AT_ONCE:
        return None
    if answer is not None and not calls[0].time <= answer.time <= enters[0] + AT_ONCE:
        return None
    first, frame = calls[0], case.question.frames[-1]
    where, time, enter = place(first.line), view.seconds(first.time), view.seconds(enters[0])
    return Bilingual(
        f"{case.question.text} was there from {view.seconds(case.question.time)} s on (frame {frame}), but no recv() was "
        f"called before {time} s, at {where} in {first.thread}, right after the Enter at {enter} s",
        f"{case.question.text} 在 {view.seconds(case.question.time)} 秒就已到达（第 {frame} 帧），但直到 {time} 秒 "
        f"{first.thread} 才在 {where} 第一次调用 recv()，正好在 {enter} 秒按下回车之后",
    ), case.question.frames


def _sent_after(view: View, case: _Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """The thread that was receiving when the heartbeats came called nothing more until the next Enter, and sent then:
    something that the keyboard's reader had, such as a lock, held it."""
    asked = case.question
    calls = calls_on(view, case.client, case.connection, "client", "recv", "send")
    waiting = [call for call in calls if call.call == "recv" and call.time <= asked.time]
    enters = [time for time, _ in view.typed_lines(case.client) if time > asked.time + 2 * AT_ONCE]
    if case.exchange.answer is not None or not enters or not waiting:
        return None
    receiver = waiting[-1].thread
    mine = [call for call in calls if call.thread == receiver]
    last, following = [call for call in mine if call.time <= asked.time][-1], [x for x in mine if x.time > asked.time]
    if last.call != "recv" or not following or following[0].call != "send":
        return None
    enter = max((time for time in enters if time <= following[0].time), default=0)
    if not enter or following[0].time - enter > AT_ONCE:
        return None
    came, frame = view.seconds(asked.time), asked.frames[-1]
    where, time, pressed = place(following[0].line), view.seconds(following[0].time), view.seconds(enter)
    return Bilingual(
        f"{receiver} was in recv() when {asked.text} came at {came} s (frame {frame}), but it called send() only at "
        f"{time} s, at {where}, right after the Enter at {pressed} s",
        f"{asked.text} 在 {came} 秒到达（第 {frame} 帧）时 {receiver} 正在 recv()，但直到 {time} 秒它才在 {where} 调用 "
        f"send()，正好在 {pressed} 秒按下回车之后",
    ), asked.frames


def _reading(view: View, case: _Case) -> tuple[Bilingual, tuple[int, ...]] | None:
    """The program's only thread was seen reading the keyboard while the heartbeat waited."""
    if case.exchange.answer is not None:
        return None
    for seen in view.witnessed(case.client):
        if seen.time >= case.question.time and len(seen.threads) == 1 and seen.threads[0].doing == "keyboard":
            thread, time = seen.threads[0], view.seconds(seen.time)
            line = next(iter(thread.stack), None)
            at = f" ({place(line)})" if line else ""
            return Bilingual(
                f"its only thread, {thread.name}, was reading the keyboard{at} at {time} s",
                f"{time} 秒时它唯一的线程 {thread.name} 正在读键盘{at}",
            ), case.question.frames
    return None


# --- WL352, WL353

_SOON = Text(
    "{text} reached {actor} {how}; {actor} answered it with {answer} in frame {stray} already, before the rest of it came in "
    "frame {last}. So the result of one recv() seems to be taken for one heartbeat{where}",
    "{text} 到达 {actor} 时{how}；它的其余部分在第 {last} 帧才到，{actor} 却在第 {stray} 帧就以 {answer} 应答了。"
    "看来程序把一次 recv() 的结果当成了一个心跳{where}",
)


def came_with_others(view: View, finding: Finding) -> Finding | None:
    """It shared a segment (or a moment) with other messages; those that came alone were answered, such were not."""
    return _boundaries(view, finding, "WL352", ("shared", "close"))


def came_in_pieces(view: View, finding: Finding) -> Finding | None:
    """It was cut over several segments; those that came whole were answered, such were not."""
    return _boundaries(view, finding, "WL353", ("cut",))


def _boundaries(view: View, finding: Finding, code: str, kinds: tuple[str, ...]) -> Finding | None:
    case = _case(view, finding)
    if case is None or case.exchange.answer is not None:
        return None
    shapes = deliveries(view, case.connection, "server")
    mine = shapes[case.question.start]
    alone = answered_alone(view, case.client, case.connection)
    if mine.kind not in kinds:
        return None
    soon = _too_soon(view, case.connection, case.exchange) if mine.kind == "cut" else None
    if soon is not None:
        where = receives_at(view, case.client, case.connection, "client")
        frames = (*case.question.frames, soon.frames[-1])
        values: dict[str, object] = {"text": case.question.text, "how": mine.how(), "where": where, "answer": soon.text}
        values |= {"stray": soon.frames[-1], "actor": case.client, "last": case.question.frames[-1]}
        found = cause(code, case.client, frames=tuple(sorted(frames)), terminal=(), **values)
        return replace(found, rationale=replace(found.rationale, text=_SOON))
    if not alone:
        return None
    for exchange in case.pairing.exchanges:
        shape = shapes[exchange.question.start]
        if exchange.answer is not None and shape.kind == mine.kind and shape.kind != "close" and _alike(shape, mine):
            return None  # it copes with that
    where = receives_at(view, case.client, case.connection, "client")
    values = {"text": case.question.text, "how": mine.how(), "where": where}
    frames = tuple(sorted({*mine.message.frames, *(frame for item in alone for frame in item.question.frames)}))
    texts = listed([f"{item.question.text} ({item.question.frames[-1]})" for item in alone])
    return cause(code, case.client, frames=frames, terminal=(), actor=case.client, alone=texts, **values)


def _alike(one: Delivery, two: Delivery) -> bool:
    """What leads its segment may be read by who reads the first line of every recv() only."""
    return one.kind == "cut" or one.leads == two.leads or two.leads


def answered_alone(view: View, client: str, connection: Connection) -> list[Exchange]:
    """The answered heartbeats that came whole, in a segment of their own; none when one that came alone was not."""
    shapes = deliveries(view, connection, "server")
    until = _until(view, client, connection) - LEAVING
    exchanges = [(item, shapes[item.question.start].kind) for item in view.pairing(connection).exchanges]
    if any(item.answer is None and kind == "alone" and item.question.time < until for item, kind in exchanges):
        return []
    return [item for item, kind in exchanges if item.answer is not None and kind in ("alone", "close")]


def _until(view: View, client: str, connection: Connection) -> int:
    end = connection.teardown
    moments = [noted.segment.time for noted in (end.client_fin, end.server_fin, *end.resets) if noted]
    moments += [moment for moment in (view.quit_time(client), view.ending_time(client)) if moment is not None]
    return min([*moments, view.end])


def _leaves(view: View, case: _Case) -> int:
    return _until(view, case.client, case.connection)


# --- WL354


def thread_had_ended(view: View, finding: Finding) -> Finding | None:
    """A crash report was shown before the answer was due, the program went on, and no answer came any more."""
    case = _case(view, finding)
    crash = crash_of(view, case.client) if case else None
    if case is None or crash is None:
        return None
    exited = view.exits.get(case.client)
    pairing = case.pairing
    answers = [item.answer for item in pairing.exchanges if item.answer] + [*pairing.unsolicited, *pairing.repeated]
    went_on = exited is None or exited.time > max(case.question.time, crash.time) + AT_ONCE
    if crash.time > case.question.time + AT_ONCE or not went_on or any(item.time > crash.time for item in answers):
        return None
    time, before = view.seconds(crash.time), sum(item.time < crash.time for item in answers)
    frames = case.question.frames
    quoted = crash.quoted(case.client)
    return cause("WL354", case.client, frames=frames, terminal=quoted, actor=case.client, time=time, before=before)


# --- WL558


def given_up(view: View, finding: Finding) -> Finding | None:
    """The server's FIN or RST came before anybody was asked to quit, after three heartbeats in a row without an answer;
    what the finding tells of is that end, or the client's own after it."""
    for client in view.scenario.clients if view.part(finding.actor) == "submission" else ():
        if client != finding.actor or view.connections_of(client)[-1:] == ():
            continue
        connection = view.connections_of(client)[-1]
        server, end = view.actor_at(connection, "server"), connection.teardown
        ended = [noted for noted in (end.server_fin, *end.resets) if noted and noted.sender == "server"]
        first = min(ended, key=lambda noted: noted.segment.time, default=None)
        if first is None or end.first == "client" or not view.own_doing(server, first.segment.time):
            continue
        time, frame = first.segment.time, first.segment.frame
        exited = view.exits.get(client)
        about = frame in finding.frames or (finding.code == "WL608" and exited is not None and exited.time > time)
        asked = [exchange for exchange in view.pairing(connection).exchanges if exchange.question.time < time]
        last = asked[-DROPPED:]
        if not about or len(last) < DROPPED or view.asked_before(server, time) or view.asked_before(client, time):
            continue
        if all(exchange.answer is None or exchange.answer.time > time for exchange in last):
            frames = tuple(exchange.question.frames[-1] for exchange in last)
            values = {"server": server, "client": client, "frame": frame, "time": view.seconds(time)}
            texts = listed([exchange.question.text for exchange in last])
            told = (*frames, frame)
            return cause("WL558", client, frames=told, terminal=(), texts=texts, came=framed(frames), **values)
    return None


# --- WL355


def own_number(view: View, finding: Finding) -> Finding | None:
    """Right after the heartbeat came one answer, with the number of no heartbeat that was still open; nor was it a
    piece of this one's, which came in pieces and was answered too soon, or while those that came alone were answered
    rightly."""
    values = finding.rationale.values
    client = str(finding.actor)
    for connection in view.connections_of(client) if view.part(client) == "submission" else ():
        pairing = view.pairing(connection)
        strays = {message.start for message in (*pairing.unsolicited, *pairing.repeated)}
        followed = view.once(_followed, connection.index)
        shapes, whole = deliveries(view, connection, "server"), answered_alone(view, client, connection)
        for exchange, answers in followed:
            question = exchange.question
            pieces = shapes[question.start].kind == "cut"
            parts = whole and any(_piece_of(view, question, answer) for answer in answers)
            if pieces and (parts or _too_soon(view, connection, exchange)):
                continue
            wrong = exchange.answer is None and len(answers) == 1 and answers[0].start in strays
            about = (question.text, question.frames[-1]) == (values.get("question"), values.get("frame"))
            about |= any((item.text, item.frames[-1]) == (values.get("text"), values.get("frame")) for item in answers)
            if wrong and about:
                answer = answers[0]
                frames = (question.frames[-1], answer.frames[-1])
                pairs = [
                    f"{item.question.text} → {listed([said.text for said in after]) or '-'}" for item, after in followed
                ]
                return cause(
                    "WL355",
                    client,
                    frames=frames,
                    terminal=(),
                    actor=client,
                    text=question.text,
                    frame=frames[0],
                    answer=answer.text,
                    stray=frames[1],
                    pairs=listed(pairs, 8),
                )
    return None


def _followed(view: View, index: int) -> list[tuple[Exchange, list[Message]]]:
    """Each heartbeat with the answers, right or wrong, that came between its beginning and that of the next one."""
    pairing = view.pairing(next(item for item in view.connections if item.index == index))
    given = [item.answer for item in pairing.exchanges if item.answer] + [*pairing.unsolicited, *pairing.repeated]
    times = [item.question.began for item in pairing.exchanges]
    followed: list[tuple[Exchange, list[Message]]] = [(item, []) for item in pairing.exchanges]
    for answer in sorted(given, key=lambda answer: answer.start):
        if at := bisect_right(times, answer.began):
            followed[at - 1][1].append(answer)
    return followed
