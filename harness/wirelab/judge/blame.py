"""Whose fault something is not: what the wire, the machine or the harness's own side explains. Expects nothing.

Whatever these functions find makes a check inconclusive, never failed.
"""

from __future__ import annotations

from wirelab.base.texts import Bilingual
from wirelab.judge.findings import finding
from wirelab.judge.step_words import in_words
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Side
from wirelab.observe.evidence import Sampled

DROPPED = 3  # heartbeats in a row without an answer: the server drops the client then, rightly
TELLING_SPAN = 250_000_000  # ns: of less than that, it cannot be said how much of a CPU a program uses
ENDS_SCRIPT = ("bytes", "packets")  # the bounds that end a script; others end a program
STARVED = 0.25  # of the time allowed: a program that had no CPU for so long cannot be blamed for being late

_WIRE = Bilingual("the wire", "线路")
_CUT = Bilingual("was still cut", "仍处于中断状态")


def not_yours(actor: str | Bilingual, what: Bilingual, *, frames: tuple[int, ...] = ()) -> Finding:
    """The reference, a scripted peer, or the script itself did not do its part."""
    return finding("WL905", actor if isinstance(actor, str) else None, frames=frames, actor=actor, what=what)


def wire_cut(view: View, client: str, time: int) -> bool:
    """Whether a client's connection was cut at a moment (what the capture then shows arrived later, or never)."""
    cut = False
    for event in view.wire:
        if event.time > time:
            break
        cut = event.what != "heal" and (cut or (event.what == "cut" and event.about in ("all", client)))
    return cut


def cut_off(*, frames: tuple[int, ...] = ()) -> Finding:
    """The wire was cut, so that nobody could have done better."""
    return finding("WL905", None, frames=frames, actor=_WIRE, what=_CUT)


def starved(view: View, actor: str, start: int, stop: int) -> Finding | None:
    """A program that got too little of the CPU in a span of time for what it had to do in it."""
    delay = view.run_delay(actor, start, stop)
    if delay <= STARVED * (stop - start) / 1e9 or busy(view, actor, start, stop):
        return None
    return finding("WL903", actor, actor=actor, delay=f"{delay:.2f}")


def busy(view: View, actor: str, start: int, stop: int) -> bool:
    """Whether a program was seen to use so much of a CPU in a span of time that what it did not do in all of it, it did
    not do for other reasons than the machine's."""
    samples = [event for event in view.evidence.events if isinstance(event, Sampled) and event.actor == actor]
    inside = [sample for sample in samples if start <= sample.time <= stop]
    if not inside or inside[-1].time - inside[0].time < TELLING_SPAN:
        return False
    first, last = inside[0], inside[-1]
    return last.cpu - first.cpu > STARVED * (last.time - first.time) / 1e9


def telling(view: View, client: str) -> tuple[Connection, ...]:
    """The client's connections that say anything of it: those on which either side sent a byte.

    One that stayed idle beside them (to try whether the server is there, say) neither saves nor fails anybody. Where
    all did, it is the first that came about, else the first that was tried; none where there are none.
    """
    owned = view.connections_of(client)
    spoken = tuple(one for one in owned if one.client_stream.chunks or one.server_stream.chunks)
    return spoken or tuple(one for one in owned if one.handshake.ack)[:1] or owned[:1]


def talk_of(view: View, client: str) -> tuple[tuple[Connection, ...], list[Finding]]:
    """The connections by which it is judged what a client said, answered and closed; none when it was refused, too."""
    connection, found = connection_of(view, client)
    if connection is None:
        return (), found
    refusal = refused(view, client, connection)
    return ((), [refusal]) if refusal else (telling(view, client), [])


def connection_of(view: View, client: str) -> tuple[Connection | None, list[Finding]]:
    """The client's connection (the last that says anything of it), or why there is none to look at."""
    owned = telling(view, client)
    if owned:
        return owned[-1], []
    if client not in view.started:
        return None, [not_played(view, client)]
    if any(view.client_of(item) is None for item in view.connections):
        return None, [finding("WL904", client, count=len(view.connections), actor=client)]
    if view.part(client) != "submission":
        return None, [not_yours(client, Bilingual("did not connect", "没有建立连接"))]
    return None, [finding("WL101", client, actor=client, port=view.evidence.port)]


def refused(view: View, client: str, connection: Connection) -> Finding | None:
    """The connection was refused: nobody listened at the address, which may not be the one where the server belongs."""
    syn, rst = connection.handshake.syn, connection.handshake.refused
    if syn is None or rst is None:
        return None
    frames = (syn.segment.frame, rst.segment.frame)
    server = view.server_of(connection)
    if server is not None and view.part(server) != "submission":
        *_, told, _ = ("", "", *view.started[client].command)  # every command ends with the host and the port
        if not told or told == connection.server.host:
            return not_yours(server, Bilingual("did not listen", "没有监听"), frames=frames)
        server = client  # it knocked at another door
    where = connection.server
    return finding("WL102", server or client, frames=frames, actor=client, syn=frames[0], rst=frames[1], where=where)


def deserted(view: View, client: str, connection: Connection) -> Finding | None:
    """The harness's own server closed the connection first, and nobody gave it a reason.

    Reasons are: the script told the server to, or the client to quit, and three heartbeats in a row that the client
    left unanswered, unless the machine or a cut wire kept it from answering.
    """
    end = connection.teardown
    fin, server = end.server_fin, view.actor_at(connection, "server")
    if end.first != "server" or fin is None or view.part(server) == "submission":
        return None
    time, frames = fin.segment.time, (fin.segment.frame,)
    if not view.own_doing(server, time) or view.asked_before(server, time) or view.asked_before(client, time):
        return None
    open_ones = [
        exchange.question
        for exchange in view.pairing(connection).exchanges
        if exchange.question.time < time and (exchange.answer is None or exchange.answer.time > time)
    ][-DROPPED:]
    if len(open_ones) < DROPPED:
        return not_yours(server, Bilingual("closed before it was to", "在应当关闭之前就关闭了"), frames=frames)
    if any(wire_cut(view, client, question.time) for question in open_ones):
        return cut_off(frames=frames)
    return starved(view, client, open_ones[0].time, time)


def left_early(view: View, client: str, connection: Connection) -> Finding | None:
    """The submission's server ended a connection before anybody asked it to, or the client: what the client had still
    to say never had a chance to be said."""
    server, end = view.actor_at(connection, "server"), connection.teardown
    ended = [noted for noted in (end.server_fin, *end.resets) if noted and noted.sender == "server"]
    first = min(ended, key=lambda noted: noted.segment.time, default=None)
    if first is None or view.part(server) != "submission" or end.first == "client":
        return None
    time, frame = first.segment.time, first.segment.frame
    if not view.own_doing(server, time) or view.asked_before(server, time) or view.asked_before(client, time):
        return None
    values = {"actor": server, "frame": frame, "time": view.seconds(time)}
    if first.segment.rst:
        return finding("WL502", server, frames=(frame,), terminal=(), **values)
    return finding("WL501", server, frames=(frame,), terminal=(), wanted=client, **values)


def not_played(view: View, actor: str | None = None) -> Finding:
    """The script ended before what is asked about. A bound that ended it is told by a check of its own."""
    played = list(view.steps())
    step = in_words(view.scenario.script[played[-1].began.index]) if played else "-"
    return finding("WL906", actor, step=step, why=_bound(view))


def _bound(view: View) -> Bilingual | str:
    """The bound that ended the script, as an aside; nothing where none did."""
    last = max((played.ended.time for played in view.steps() if played.ended is not None), default=0)
    bound = next((one for one in view.bounds if one.unit in ENDS_SCRIPT and one.time <= last), None)
    if bound is None:
        return ""
    if bound.actor is None:
        return Bilingual(" (the capture was full)", "（抓包已满）")
    return Bilingual(f" ({bound.actor} had flooded its terminal)", f"（{bound.actor} 的输出已淹没终端）")


def received(connection: Connection, by: Side, end: int) -> int | None:
    """When one side's TCP acknowledged the other's stream up to ``end``; None when it never did: it may not have come.

    The kernel acknowledges by itself, within some 40 ms, whatever its program does.
    """
    return next(
        (
            noted.segment.time
            for noted in connection.noted
            if noted.sender == by and noted.ack is not None and noted.ack > end and not noted.segment.rst
        ),
        None,
    )
