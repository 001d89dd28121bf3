"""Rules for the causes of missing FINs and of connections left half closed (WL554 to WL557).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from wirelab.base.texts import Bilingual
from wirelab.judge.causes_reset import wants_fin
from wirelab.judge.chains import chain_of, is_child, last_seen, told, where
from wirelab.judge.clues import MS, calls_on, other, own_line, place, ports
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Noted, Side
from wirelab.observe.evidence import SocketSeen, ThreadSeen

CLOSES_LATE = 1_000 * MS  # and who did it only so long after, did it for another reason
CLOSES_BY = 300 * MS  # a side that has not closed so long after the other's FIN does not mean to

_NOTHING = Bilingual("", "")
_ANOTHER = Bilingual(
    "another process of the program, which has inherited the socket,", "程序的另一个进程（它继承了这个套接字）"
)


def _open_ends(view: View, finding: Finding) -> Iterator[tuple[str, Connection, Side, int]]:
    """The submission's ends of connections that it did not close while it ran: actor, connection, side, until when."""
    mine = view.part(finding.actor) == "submission"
    # A peer that waits for a FIN, or the harness's own program that waits for one and so does not end.
    for actor in [str(finding.actor)] if mine else [name for name in view.started if view.part(name) == "submission"]:
        kill = view.kills.get(actor)
        ended = view.exits.get(actor)
        until = min([view.end, *(item.time for item in (kill, ended) if item is not None)])
        for connection, side in view.ends_of(actor):
            if not mine and finding.actor != view.actor_at(connection, other(side)):
                continue
            fin = connection.fin(side)
            resets = [noted for noted in connection.teardown.resets if noted.segment.time < until]
            # What it closed while the harness was ending the others, it closed because of that.
            ended_by = fin is not None and (
                not view.own_doing(actor, fin.segment.time) or fin.segment.time > view.cleanup
            )
            if (fin is None or ended_by) and not resets:
                yield actor, connection, side, until


def _late_ends(view: View, finding: Finding) -> Iterator[tuple[str, Connection, Side, int]]:
    """As ``_open_ends``, but those that the submission did close, long after the FIN of the side that waited for it."""
    if view.part(finding.actor) == "submission":
        return
    for connection, mine in view.ends_of(str(finding.actor)):
        side: Side = other(mine)
        actor, fin, acked = view.actor_at(connection, side), connection.fin(side), connection.fin_ack(mine)
        if view.part(actor) == "submission" and fin is not None and acked is not None:
            late = fin.segment.time - acked.segment.time > CLOSES_LATE
            if late and view.own_doing(actor, fin.segment.time) and fin.segment.time <= view.cleanup:
                yield actor, connection, side, fin.segment.time


def another_thread_receives(view: View, finding: Finding) -> Finding | None:
    """close() was called, or the socket is gone from the program's table, while a thread still sits in recv() on it."""
    if finding.code == "WL207" and not wants_fin(finding):
        return None
    for actor, connection, side, _ in _open_ends(view, finding):
        seen = last_seen(view, actor)
        if seen is None:
            continue
        closed = [call for call in calls_on(view, actor, connection, side, "close") if call.time <= seen.time]
        mine = ports(connection, side)
        held = any((socket.port, socket.peer) == mine for socket in seen.sockets)
        for thread in seen.threads:
            if thread.doing != "receiving" or (thread.port, thread.peer) != mine or (held and not closed):
                continue
            if closed:
                at = place(closed[-1].line)
                time, who = view.seconds(closed[-1].time), closed[-1].thread
                closing = Bilingual(
                    f"{who} called close() at {at} at {time} s", f"{who} 于 {time} 秒在 {at} 调用了 close()"
                )
            else:
                closing = Bilingual(f"{actor} has closed its socket", f"{actor} 已经关闭了套接字")
            return cause(
                "WL554",
                actor,
                frames=(),
                terminal=(),
                closing=closing,
                receiver=_ANOTHER if is_child(seen, thread) else thread.name,
                place=_at(thread),
                other=view.actor_at(connection, other(side)),
            )
    return None


def _at(thread: ThreadSeen) -> str:
    line = own_line(thread.stack)
    return f"recv() ({place(line)})" if line else f"{thread.call or 'recv'}()"


def close_wait(view: View, finding: Finding) -> Finding | None:
    """The other side's FIN was acknowledged, and this side did not close for as long as its program ran."""
    if finding.code == "WL207" and not wants_fin(finding):
        return None
    for actor, connection, side, until in chain(_open_ends(view, finding), _late_ends(view, finding)):
        fin, ack = connection.fin(other(side)), connection.fin_ack(other(side))
        if fin is None or ack is None or until - fin.segment.time < CLOSES_BY:
            continue
        if (quit_at := view.quit_time(actor)) is not None and quit_at < fin.segment.time:
            continue  # it was to close before that: what kept it then is the cause
        if not view.own_doing(view.actor_at(connection, other(side)), fin.segment.time):
            continue
        if connection.fin(side) is None and actor in view.exits and view.exits[actor].time <= fin.segment.time:
            continue
        values = {"actor": actor, "other": view.actor_at(connection, other(side)), "until": view.seconds(until)}
        return cause(
            "WL556",
            actor,
            frames=(fin.segment.frame, ack.segment.frame),
            terminal=(),
            fin=fin.segment.frame,
            time=view.seconds(fin.segment.time),
            ack=ack.segment.frame,
            seconds=f"{(until - fin.segment.time) / 1e9:.1f}",
            closed=_closed(view, actor, connection.fin(side), until),
            socket=_socket(view, actor, connection, side),
            **values,
        )
    return None


def _closed(view: View, actor: str, fin: Noted | None, until: int) -> Bilingual:
    """Whether a side that had stayed in CLOSE-WAIT closed at last, and what had happened then."""
    if fin is None or fin.segment.time > until or not view.own_doing(actor, fin.segment.time):
        return Bilingual("never closed its side", "一直没有关闭自己这一边")
    frame, asked = fin.segment.frame, view.quit_time(actor)
    if asked is not None and asked <= fin.segment.time:
        return Bilingual(
            f"closed its side (frame {frame}) only after it was told to quit itself, at {view.seconds(asked)} s",
            f"自己在 {view.seconds(asked)} 秒被要求退出之后，才关闭了这一边（第 {frame} 帧）",
        )
    return Bilingual(f"closed its side only then (frame {frame})", f"到这时才关闭自己这一边（第 {frame} 帧）")


def _socket(view: View, actor: str, connection: Connection, side: Side) -> Bilingual:
    seen = last_seen(view, actor)
    held: SocketSeen | None = None
    if seen is not None:
        held = next((item for item in seen.sockets if (item.port, item.peer) == ports(connection, side)), None)
    if seen is None or held is None:
        return _NOTHING
    time = view.seconds(seen.time)
    return Bilingual(
        f" (at {time} s its socket was seen in state {held.state})",
        f"（{time} 秒时看到它的套接字处于 {held.state} 状态）",
    )


def fin_wait_2(view: View, finding: Finding) -> Finding | None:
    """Its own FIN was acknowledged and the other side's never came: it waits for that."""
    actor = str(finding.actor)
    if view.part(actor) != "submission" or (actor in view.exits and view.exits[actor].by == "itself"):
        return None
    for connection, side in view.ends_of(actor):
        fin, ack = connection.fin(side), connection.fin_ack(side)
        kill = view.kills.get(actor)
        until = min([view.end, *([kill.time] if kill else [])])
        back = connection.fin(other(side))
        if fin is None or ack is None or (back is not None and back.segment.time < until):
            continue
        if fin.segment.time > until - CLOSES_BY or any(
            item.segment.time < until for item in connection.teardown.resets
        ):
            continue
        seen = last_seen(view, actor)
        waiting = [item for item in seen.threads if item.doing == "receiving"] if seen else []
        mine = [item for item in waiting if (item.port, item.peer) == ports(connection, side)]
        if seen is not None and not mine:
            continue  # it waits for something else
        how = _NOTHING
        if mine:
            at = where(mine[0])
            how = Bilingual(
                f": {mine[0].name} sits in recv(){at}", f"：{mine[0].name} 停在 recv() 中{at.replace(' at ', ' ')}"
            )
        return cause(
            "WL557",
            actor,
            frames=(fin.segment.frame, ack.segment.frame),
            terminal=(),
            actor=actor,
            fin=fin.segment.frame,
            time=view.seconds(fin.segment.time),
            ack=ack.segment.frame,
            other=view.actor_at(connection, other(side)),
            until=view.seconds(until),
            how=how,
        )
    return None


def left_waiting(view: View, finding: Finding) -> Finding | None:
    """A program of the harness does not end because the submission, told to end, never closed its connection."""
    return never_ended(view, finding) if view.part(finding.actor) != "submission" else None


def never_ended(view: View, finding: Finding) -> Finding | None:
    """It had been told to end and ran until it was killed; nothing it did closed the connection before."""
    for actor, connection, side, until in _open_ends(view, finding):
        asked = view.quit_time(actor)
        stayed = view.kills.get(actor) is not None or (actor in view.exits and view.exits[actor].time > view.cleanup)
        if asked is None or not stayed or until - asked < CLOSES_BY:
            continue
        if calls_on(view, actor, connection, side, "close"):
            continue
        seen = last_seen(view, actor)
        waits = chain_of(seen) if seen else None
        said = told(view, actor, waits) if waits else None
        time = view.seconds(asked)
        keys = Bilingual(f"at its keyboard, at {time} s", f"{time} 秒在它的键盘上")
        return cause(
            "WL555",
            actor,
            frames=(),
            terminal=(),
            actor=actor,
            asked=keys,
            time=view.seconds(until),
            how=Bilingual(f": {said.en}", f"：{said.zh}") if said else _NOTHING,
        )
    return None
