"""The teardown check: who closed first, whether both sides did, whether anyone reset, and whose doing it was."""

from __future__ import annotations

from collections.abc import Collection

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.expectations import TeardownExpected
from wirelab.judge.blame import cut_off, deserted, not_yours, talk_of, wire_cut
from wirelab.judge.findings import finding
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import View
from wirelab.observe.connections import SIDES, Connection, Noted, Side
from wirelab.observe.evidence import Typed

FORGER = Bilingual("the scenario's inject step", "场景的 inject 步骤")

_CLOSED = Text(
    "orderly: {first} sent the first FIN (frame {frame}), in {count} segments, no RST",
    "正常关闭：{first} 先发送 FIN（第 {frame} 帧），共 {count} 个报文段，没有 RST",
)
_STRAY = Text(
    "orderly: {first} sent the first FIN (frame {frame}), in {count} segments; the RST in frame {rst} came after the end, "
    "as the kernel answers stray segments",
    "正常关闭：{first} 先发送 FIN（第 {frame} 帧），共 {count} 个报文段；第 {rst} 帧的 RST 在关闭完成之后，是内核对多余报文段的回应",
)
_RESET = Text("ended by RST (frame {frame})", "以 RST 结束（第 {frame} 帧）")
_ANY = Text("ended as it may", "以允许的方式结束")
_KILLED = Text(
    "ended as it may: the script killed {killed}, whose kernel sent the rest",
    "以允许的方式结束：{killed} 被脚本强制结束，其余的报文段由内核代发",
)


def check_teardown(view: View, expected: TeardownExpected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not."""
    client = expected.teardown
    connections, found = talk_of(view, client)
    if not connections:
        return None, found
    if expected.style == "reset":
        resets = [noted for one in connections for noted in one.teardown.resets]
        in_play = [noted for noted in resets if noted.segment.time < view.cleanup]
        if in_play:
            return Said(_RESET, {"frame": in_play[0].segment.frame}), []
        return None, [finding("WL507", client, actor=client)]
    for connection in connections[:-1]:  # all are to be closed; who closes first is said of the last
        found += _judged(view, connection, TeardownExpected(teardown=client, style=expected.style))[1]
    seen, last = _judged(view, connections[-1], expected)
    return seen, [*found, *last]


def _judged(view: View, connection: Connection, expected: TeardownExpected) -> tuple[Said | None, list[Finding]]:
    """One connection's end."""
    client, end = expected.teardown, connection.teardown
    # What comes after both FINs were acknowledged is the kernel's answer to a stray segment, no program's doing.
    resets = [noted for noted in end.aborts if view.own_doing(_sender(view, connection, noted), noted.segment.time)]
    if expected.style == "any":
        return _any(view, connection, expected, bool(resets))
    found = _reset(view, connection, resets) if resets else _unfinished(view, connection, expected)
    first_fin = end.client_fin if end.first == "client" else end.server_fin
    if first_fin is None:
        return None, found
    first = _sender(view, connection, first_fin)
    crossed = end.simultaneous or not view.own_doing(first, first_fin.segment.time)
    if expected.first not in (None, first) and not crossed:
        excuse = deserted(view, client, connection)
        found.append(excuse or _wrong_first(view, str(expected.first), first, first_fin))
    parts = (end.client_fin, end.server_fin, end.client_fin_ack, end.server_fin_ack)
    count = len({noted.segment.frame for noted in parts if noted})
    values: dict[str, object] = {"first": first, "frame": first_fin.segment.frame, "count": count}
    if end.resets and not end.aborts:
        return Said(_STRAY, values | {"rst": end.resets[0].segment.frame}), found
    return Said(_CLOSED, values), found


def _any(
    view: View, connection: Connection, expected: TeardownExpected, aborted: bool
) -> tuple[Said | None, list[Finding]]:
    """An end of any kind, by FINs or by RST; ``aborted``: by a RST that was not of a killed program's kernel.

    Of a program that the script itself killed the kernel does the rest, FIN or RST: only the other side is judged then,
    and not even that when it was reset.
    """
    killed = [side for side in SIDES if _killed(view, connection, side)]
    aborted = aborted or any(reset.sender in killed for reset in connection.teardown.aborts)
    found = [] if aborted else _unfinished(view, connection, expected, killed)
    if not killed:
        return Said(_ANY), found
    return Said(_KILLED, {"killed": ", ".join(view.actor_at(connection, side) for side in killed)}), found


def _killed(view: View, connection: Connection, side: Side) -> bool:
    """Whether the script killed the program at one side before that had closed the connection."""
    kill, fin = view.kills.get(view.actor_at(connection, side)), connection.fin(side)
    return kill is not None and kill.by == "script" and (fin is None or fin.segment.time >= kill.time)


def _sender(view: View, connection: Connection, noted: Noted) -> str:
    return view.actor_at(connection, noted.sender)


def _reset(view: View, connection: Connection, resets: list[Noted]) -> list[Finding]:
    """Who reset the connection. What follows the first RST is its consequence.

    A RST of the harness's own side is the program's fault only where that side had closed and the program did not.
    """
    first = resets[0]
    if view.part(_sender(view, connection, first)) == "submission" and not view.forged(connection, first):
        found = []
        told: set[tuple[Side, int]] = set()
        for noted in resets:
            actor, frame = _sender(view, connection, noted), noted.segment.frame
            again = (noted.sender, noted.seq) in told  # a copy, or the answer to what came after it
            told.add((noted.sender, noted.seq))
            if view.part(actor) == "submission" and not again:
                time = view.seconds(noted.segment.time)
                found.append(finding("WL502", actor, frames=(frame,), actor=actor, frame=frame, time=time))
        return found
    end = connection.teardown
    other: Side = "server" if first.sender == "client" else "client"
    closed, answered = (end.client_fin, end.server_fin)[:: 1 if first.sender == "client" else -1]
    actor = view.actor_at(connection, other)
    left_open = closed is not None and closed.segment.time < first.segment.time and answered is None
    if left_open and view.part(actor) == "submission":
        return [finding("WL503", actor, actor=actor, time=view.seconds(first.segment.time))]
    frames = (first.segment.frame,)
    if view.forged(connection, first):
        return [
            not_yours(FORGER, Bilingual("sent RST in the name of one side", "以一方的名义发送了 RST"), frames=frames)
        ]
    return [not_yours(_sender(view, connection, first), Bilingual("sent RST", "发送了 RST"), frames=frames)]


def _unfinished(
    view: View, connection: Connection, expected: TeardownExpected, killed: Collection[Side] = ()
) -> list[Finding]:
    """FINs that are missing, that only being killed (or the other's being killed) brought about, or that nobody
    acknowledged. Of sides that count as ``killed`` nothing is asked, not even to acknowledge."""
    end = connection.teardown
    found = []
    ends: tuple[tuple[Side, Noted | None, Noted | None], ...] = (
        ("client", end.client_fin, end.client_fin_ack),
        ("server", end.server_fin, end.server_fin_ack),
    )
    for side, fin, acked in ends:
        if side in killed:
            continue
        actor = view.actor_at(connection, side)
        if fin is None or _too_late(view, connection, side, fin, expected):
            found.append(finding("WL503", actor, actor=actor, time=view.seconds(view.end)))
        elif not view.own_doing(actor, fin.segment.time):
            frame, time = fin.segment.frame, view.seconds(view.kills[actor].time)
            found.append(finding("WL504", actor, frames=(frame,), actor=actor, frame=frame, time=time))
        elif acked is None and not killed:
            found.append(finding("WL505", actor, frames=(fin.segment.frame,), actor=actor, frame=fin.segment.frame))
    if found and wire_cut(view, expected.teardown, view.end):
        return [cut_off(frames=tuple(frame for entry in found for frame in entry.frames))]
    theirs = [entry for entry in found if view.part(entry.actor) != "submission"]
    blamed = [entry for entry in found if entry not in theirs]
    if theirs:  # whose doing it is then that a program had no reason to close
        unasked = {view.actor_at(connection, side) for side in SIDES if _unasked(view, connection, side, expected)}
        blamed = [entry for entry in blamed if entry.actor not in unasked]
    if blamed or not found:
        return blamed  # what the other side then did or did not do follows from it
    what = Bilingual("did not bring the connection to its end", "没有完成连接的关闭")
    return [not_yours(str(entry.actor), what, frames=entry.frames) for entry in theirs]


def _unasked(view: View, connection: Connection, side: Side, expected: TeardownExpected) -> bool:
    """Whether a program had no reason to close: nothing was typed at it or signalled to it, and at the other end a
    scripted peer began to close only when the harness ended it."""
    actor = view.actor_at(connection, side)
    other: Side = "server" if side == "client" else "client"
    fin = connection.fin(other)
    if view.part(view.actor_at(connection, other)) != "peer" or (fin is not None and fin.segment.time < view.cleanup):
        return False
    typed = any(isinstance(event, Typed) and event.actor == actor for event in view.evidence.events)
    return expected.first != actor and not typed and not view.asked_before(actor, view.end)


def _too_late(view: View, connection: Connection, side: Side, fin: Noted, expected: TeardownExpected) -> bool:
    """Whether a side that was to close sent its FIN only when the harness was ending the programs already."""
    actor, time = view.actor_at(connection, side), fin.segment.time
    if time < view.cleanup or not view.own_doing(actor, time):
        return False
    other = connection.fin("server" if side == "client" else "client")
    return expected.first == actor or (other is not None and other.segment.time < view.cleanup)


def _wrong_first(view: View, wanted: str, first: str, fin: Noted) -> Finding:
    """The first FIN came from the wrong side; a reference or peer had its reason, or was told to."""
    frame, time = fin.segment.frame, fin.segment.time
    blamed = first if view.part(first) == "submission" else wanted
    if view.part(blamed) != "submission":
        return not_yours(first, Bilingual("closed before it was to", "在应当关闭之前就关闭了"), frames=(frame,))
    values: dict[str, object] = {"wanted": wanted, "actor": first, "frame": frame, "time": view.seconds(time)}
    return finding("WL501", blamed, frames=(frame,), terminal=(), **values)
