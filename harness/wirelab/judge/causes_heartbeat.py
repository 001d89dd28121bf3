"""Rules for the causes of heartbeats unanswered, answered late, twice or with a wrong number (WL352 to WL355), and of what follows (WL558).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import pairwise

from wirelab.base.texts import Bilingual, Text, cut
from wirelab.judge.blame import DROPPED
from wirelab.judge.causes_threads import two_threads_at_once
from wirelab.judge.clues import (
    AT_ONCE,
    MS,
    QUOTED,
    Delivery,
    crash_of,
    deliveries,
    framed,
    listed,
    receives_at,
)
from wirelab.judge.clues import unquoted as bare
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import HEARTBEAT, View
from wirelab.observe.connections import Connection
from wirelab.observe.heartbeats import Exchange, Pairing
from wirelab.observe.messages import PLACEHOLDER, Message

SOON = 500 * MS  # what is sent so long after a heartbeat may be meant as its answer
LEAVING = 200 * MS  # heartbeats that come so shortly before a client leaves need no answer


@dataclass(frozen=True, slots=True)
class Case:
    """The heartbeat that a finding is about: on which connection, and what else was exchanged there."""

    client: str
    connection: Connection
    exchange: Exchange
    pairing: Pairing

    @property
    def question(self) -> Message:
        return self.exchange.question


def case_of(view: View, finding: Finding) -> Case | None:
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
                    return Case(client, connection, exchange, pairing)
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
    case = case_of(view, finding)
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


def found_behind_others(view: View, connection: Connection) -> bool:
    """Whether every heartbeat that came with other messages, or in pieces, was answered, and not all stood first."""
    shapes = deliveries(view, connection, "server")
    exchanges = [(item, shapes[item.question.start]) for item in view.pairing(connection).exchanges]
    mixed = [(item, shape) for item, shape in exchanges if shape.kind in ("cut", "shared")]
    behind = any(shape.kind == "cut" or not shape.leads for _, shape in mixed)
    return behind and all(item.answer is not None for item, _ in mixed)


def _until(view: View, client: str, connection: Connection) -> int:
    end = connection.teardown
    moments = [noted.segment.time for noted in (end.client_fin, end.server_fin, *end.resets) if noted]
    moments += [moment for moment in (view.quit_time(client), view.ending_time(client)) if moment is not None]
    return min([*moments, view.end])


def leaves(view: View, case: Case) -> int:
    return _until(view, case.client, case.connection)


# --- WL354


def thread_had_ended(view: View, finding: Finding) -> Finding | None:
    """A crash report was shown before the answer was due, the program went on, and no answer came any more."""
    case = case_of(view, finding)
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
    what the finding tells of is that end, the client's own after it, or a line that was to be typed only then."""
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
        if finding.code == "WL201":
            before = [line for typed, line in view.typed_lines(client) if typed <= time]
            about = finding.rationale.values["text"] not in {f"'{line}'" for line in before}
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


# --- WL356


def misspelt(view: View, finding: Finding) -> Finding | None:
    """After the heartbeat came something that has the answer's words in it, and is none of the protocol's messages; nor was
    any heartbeat answered as it should be. Or another thread sent into it."""
    case = case_of(view, finding)
    answer = next((spec for spec in view.profile.messages if spec.answers == HEARTBEAT), None)
    if case is None or answer is None or any(exchange.answer for exchange in case.pairing.exchanges):
        return None
    words, number = _letters(answer.head), _letters(case.question.groups.get(answer.by or "", ""))
    found = [
        item
        for item in view.messages(case.connection.index, "client")
        if item.time >= case.question.time and item.began <= case.question.time + SOON
        if words and item.kind is None and words in _letters(item.text)
    ]
    if not found:
        return None
    item = min(found, key=lambda item: words + number not in _letters(item.text))  # with its own number, or the first
    unknown = replace(finding, actor=case.client, frames=item.frames)
    if (torn := two_threads_at_once(view, unknown)) is not None:
        return torn
    frames = (case.question.frames[-1], item.frames[-1])
    values = {"actor": case.client, "question": case.question.text, "frame": frames[0], "stray": frames[1]}
    values |= {"text": repr(cut(item.text, QUOTED)), "template": PLACEHOLDER.sub(r"<\1>", answer.template)}
    end = Bilingual(" and an LF", "，再加一个 LF") if view.profile.framing.kind == "line" else ""
    return cause("WL356", case.client, frames=frames, terminal=(), end=end, **values)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


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
            stray = exchange.answer is None and len(answers) == 1 and answers[0].start in strays
            wrong = stray or (finding.code in ("WL303", "WL304") and _shifted(followed, strays))
            about = (question.text, question.frames[-1]) == (values.get("question"), values.get("frame"))
            about |= any((item.text, item.frames[-1]) == (values.get("text"), values.get("frame")) for item in answers)
            if wrong and about and answers:
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


def _shifted(followed: list[tuple[Exchange, list[Message]]], strays: set[int]) -> bool:
    """Whether each heartbeat was followed by one answer, the first of them to nothing: so that the others, which bear the
    number of one before, are not late."""
    each = all(len(answers) == 1 for _, answers in followed[:-1])
    return each and bool(followed[0][1]) and followed[0][1][0].start in strays and len(followed) > 1


def _followed(view: View, index: int) -> list[tuple[Exchange, list[Message]]]:
    """Each heartbeat with the answers, right or wrong, that came between its beginning and that of the next one; where the
    next one began in the segment that ends it, until that has come whole."""
    pairing = view.pairing(next(item for item in view.connections if item.index == index))
    given = [item.answer for item in pairing.exchanges if item.answer] + [*pairing.unsolicited, *pairing.repeated]
    questions = [item.question for item in pairing.exchanges]
    times = [one.began for one in questions[:1]]
    times += [one.began if one.began > before.time else one.time for before, one in pairwise(questions)]
    followed: list[tuple[Exchange, list[Message]]] = [(item, []) for item in pairing.exchanges]
    for answer in sorted(given, key=lambda answer: answer.start):
        if at := bisect_right(times, answer.began):
            followed[at - 1][1].append(answer)
    return followed
