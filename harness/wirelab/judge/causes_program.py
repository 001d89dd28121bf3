"""Rules for the causes of programs that do not start, do not end, or end wrongly (WL15x, WL65x).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

import re
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.chains import (
    WAITS_INSIDE,
    Chain,
    awaits_fin,
    chain_of,
    is_timer,
    last_seen,
    outlook,
    socket_of,
    told,
    wants_lock,
    where,
)
from wirelab.judge.clues import MS, calls_on, crash_of, other, place, ports, shut_since
from wirelab.judge.findings import REGISTRY, cause
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import View
from wirelab.observe.evidence import Shown, SocketSeen, ThreadSeen, Witnessed

BUSY = 0.5  # of a CPU: who uses more while it should wait, spins
FLOODED = 100  # times more is printed after something than before: it began the flood
OFTEN = 1000  # calls from one line: more than messages of a scenario can explain
MOST_TOLD = 3  # other threads that are told of beside one that waits for a lock
INTERRUPTED = 130  # the exit status of what SIGINT ended, as shells and virtual machines report it

_IN_USE = re.compile(
    r"[Aa]ddress already in use|EADDRINUSE|AddrInUse|BindException|Only one usage of each socket address"
    r"|地址已(?:在|被)?使用|地址已被占用|通常每个套接字地址"
)
_END_OF_INPUT = re.compile(
    r'EOFError|(?:Exception in thread "[^"]*" )?(?:java\.util\.)?NoSuchElementException: No line found|'
    r"panic: EOF\b|.*ERR_USE_AFTER_CLOSE.*readline"
)
_SHUTS_DOWN = re.compile(r"Fatal Python error: .*at interpreter shutdown")
_RECEIVES = re.compile(r"[/\\](?:socket|ssl)\.py$")
_INTERRUPT = re.compile(r"(?:.*: )?KeyboardInterrupt\b")
_CANCEL = Text(
    "Keep the Timer and call its cancel() when the program ends, with the parentheses, or set daemon = True on it before "
    "start(): one that is pending keeps the program alive until its time has come.",
    "请保存这个 Timer，程序结束时调用它的 cancel()（别漏掉括号），或在 start() 之前设置 daemon = True："
    "还没有到时间的定时器会让程序一直不能结束。",
)
_BLOCKED_IN = {
    "keyboard": "WL653",
    "receiving": "WL654",
    "accepting": "WL655",
    "waiting": "WL656",
    "sending": "WL659",
    "sleeping": "WL660",
    "running": "WL660",
}
_UNENDING = Text(
    "join() waits until the other thread's function returns: look for the loop that it goes round in, and for what "
    "should end it.",
    "join() 要等到那个线程的函数返回：请找出它在哪个循环里转，以及应当由什么来结束这个循环。",
)

# --- WL15x


def address_in_use(view: View, finding: Finding) -> Finding | None:
    """The server's terminal says so; the connection that a server before it closed first may hold the port."""
    actor = str(finding.actor)
    if view.part(actor) != "submission":
        return None
    said = [line for line in view.lines(actor) if _IN_USE.search(line)]
    time = view.shown_at(actor, said[0]) if said else None
    if time is None:
        return None
    crash = crash_of(view, actor)
    quoted = crash.lines if crash and any(line in crash.lines for line in said) else tuple(said[:1])
    why = Bilingual("", "")
    frames: tuple[int, ...] = ()
    for connection in view.connections:
        fin = connection.fin("server")
        if connection.teardown.first == "server" and fin is not None and fin.segment.time < time:
            client, frame = view.actor_at(connection, "client"), fin.segment.frame
            frames = (frame,)
            why = Bilingual(
                f"; the server closed the connection of {client} first (frame {frame}), so that it stays in TIME-WAIT for "
                "a minute and holds the port",
                f"；服务器先关闭了与 {client} 的连接（第 {frame} 帧），它会在 TIME-WAIT 状态停留一分钟，占着端口",
            )
    terminal = tuple((actor, line) for line in quoted)
    return cause("WL151", actor, frames=frames, terminal=terminal, actor=actor, time=view.seconds(time), why=why)


def elsewhere(view: View, finding: Finding) -> Finding | None:
    """A SYN of this program to another port was captured, and it opened no connection to the right one."""
    actor = str(finding.actor)
    member = view.scenario.cast.get(actor)
    if member is None or member.role != "client" or view.part(actor) != "submission" or view.connections_of(actor):
        return None
    rivals = [name for name in view.scenario.clients if view.part(name) == "submission"]
    for segment in view.elsewhere:
        owner = view.owner(segment.src.port)
        if not segment.syn or segment.has_ack or not (owner == actor or (owner is None and rivals == [actor])):
            continue
        back = [one for one in view.elsewhere if (one.src, one.dst) == (segment.dst, segment.src) and one.rst]
        answer = Bilingual("", "")
        if back:
            frame = back[0].frame
            answer = Bilingual(f", which frame {frame} refused with RST", f"，第 {frame} 帧以 RST 拒绝")
        return cause(
            "WL152",
            actor,
            frames=(segment.frame, *(one.frame for one in back[:1])),
            terminal=(),
            actor=actor,
            address=str(segment.dst),
            frame=segment.frame,
            time=view.seconds(segment.time),
            answer=answer,
            port=view.evidence.port,
        )
    return None


def crashed_early(view: View, finding: Finding) -> Finding | None:
    """A crash report before the client had a connection, or the server answered any SYN."""
    actor = str(finding.actor)
    member, crash = view.scenario.cast.get(actor), crash_of(view, actor)
    if member is None or crash is None or view.part(actor) != "submission":
        return None
    if member.role == "client":
        connected = view.shown_at(actor, "Connected to")  # as one of UDP says, too
        if connected is not None and connected < crash.time:
            return None
        if any(item.noted[0].segment.time < crash.time for item in view.connections_of(actor)):
            return None
        what = Bilingual("connected", "建立连接")
    else:
        if any(item.handshake.syn_ack for item, _ in view.ends_of(actor)) or "Listening" in "".join(view.lines(actor)):
            return None
        what = Bilingual("listened", "监听")
    time = view.seconds(crash.time)
    return cause("WL153", actor, frames=(), terminal=crash.quoted(actor), actor=actor, time=time, what=what)


# --- WL65x: programs that do not end


def spins(view: View, finding: Finding) -> Finding | None:
    """After the other side's FIN the program called recv() from one line thousands of times; or, where nothing notes
    its calls, it used a CPU, had taken the FIN in, and no stack shows that it was busy elsewhere."""
    actor = str(finding.actor)
    seen = last_seen(view, actor)
    for connection, side in view.ends_of(actor) if view.part(actor) == "submission" else ():
        fin, mine = connection.fin(other(side)), connection.fin(side)
        closed = mine is not None and view.own_doing(actor, mine.segment.time)
        if fin is None or (closed and finding.code != "WL601"):
            continue
        calls = calls_on(view, actor, connection, side, "recv")
        often = [call for call in calls if call.time > fin.segment.time and call.count >= OFTEN]
        watched = seen is not None and seen.time > fin.segment.time and not calls and not closed
        running = _running(seen) if seen is not None and watched else None
        unread = any((item.port, item.peer) == ports(connection, side) and item.unread for item in _sockets(seen))
        if often:
            call, joins = often[-1], _joined(view, actor, seen)
            words = Bilingual(
                f"{call.thread} had called recv() at {place(call.line)} {call.count} times by {view.seconds(call.time)} s"
                f"{joins.en}",
                f"到 {view.seconds(call.time)} 秒，{call.thread} 在 {place(call.line)} 已调用 recv() {call.count} 次{joins.zh}",
            )
        elif seen is not None and running is not None and not unread:
            at = where(running)
            words = Bilingual(
                f"{running.name} is running{at}, and the program uses {seen.cpu:.0%} of a CPU where it should wait",
                f"{running.name} 正在运行{at.replace(' at ', '（')}{'）' if at else ''}，"
                f"程序本应等待，却占用了 {seen.cpu:.0%} 的 CPU",
            )
        else:
            continue
        name, frame, time = view.actor_at(connection, other(side)), fin.segment.frame, view.seconds(fin.segment.time)
        return cause(
            "WL651", actor, frames=(frame,), terminal=(), other=name, fin=frame, time=time, actor=actor, seen=words
        )
    return None


def _running(seen: Witnessed) -> ThreadSeen | None:
    """The thread that uses the CPU, if it may be in recv(): a stack is one of Python, and shows the library's recv()
    where the program has put something around its socket; without one nothing speaks against it."""
    running = [thread for thread in seen.threads if thread.doing == "running"] if seen.cpu >= BUSY else []
    may = (thread for thread in running if not thread.stack or _RECEIVES.search(thread.stack[0].file))
    return next(may, None)


def _joined(view: View, actor: str, seen: Witnessed | None) -> Bilingual:
    """Which threads wait for one that is running, as an aside; nothing when none does."""
    chain = chain_of(seen) if seen is not None else None
    if chain is None or len(chain.threads) == 1 or chain.last.doing != "running":
        return Bilingual("", "")
    said = told(view, actor, chain)
    return Bilingual(f"; {said.en}", f"；{said.zh}")


def _sockets(seen: Witnessed | None) -> tuple[SocketSeen, ...]:
    return seen.sockets if seen is not None else ()


def keeps_running(view: View, finding: Finding) -> Finding | None:
    """What its threads were seen to wait for when it should have ended: one that another joins, or what the last of
    them is blocked in."""
    actor = str(finding.actor)
    seen = last_seen(view, actor) if view.part(actor) == "submission" else None
    chain = chain_of(seen) if seen else None
    if seen is None or chain is None:
        return None
    last = _between_waits(seen, chain.last)
    chain = replace(chain, threads=(*chain.threads[:-1], last))
    joins = any(thread.waits_for for thread in chain.threads[chain.done :])
    timer = is_timer(last)
    code = "WL652" if joins or timer else _BLOCKED_IN.get(last.doing)
    if code is None:
        return None
    if last.doing == "sending":
        coming = _unread_by(view, actor, last, seen.time)
    elif code in ("WL656", "WL660"):
        coming = _meanwhile(view, actor, seen, chain)
    else:
        coming = outlook(view, actor, last, seen.time)
    found = cause(code, actor, frames=(), terminal=(), chain=told(view, actor, chain), outlook=coming)
    if awaits_fin(view, actor, last, seen.time):  # another shutdown() wakes nobody
        return replace(found, hint=Said(REGISTRY["WL557"].hint))
    if timer:
        return replace(found, hint=Said(_CANCEL))
    if code == "WL652" and last.doing == "running":  # shutdown() would wake nobody
        return replace(found, hint=Said(_UNENDING))
    return found


def _between_waits(seen: Witnessed, thread: ThreadSeen) -> ThreadSeen:
    """A thread that waits with a time limit, again and again, may be met just when it is ready to go on: it waits."""
    inside = bool(thread.stack) and WAITS_INSIDE.search(thread.stack[0].file) is not None
    return replace(thread, doing="waiting") if inside and thread.doing == "running" and seen.cpu < BUSY else thread


def _unread_by(view: View, actor: str, thread: ThreadSeen, moment: int) -> Bilingual:
    """Why a thread does not come back from send(), as an aside: since when the other side's window is closed."""
    found = socket_of(view, actor, thread)
    shut = shut_since(found[0], other(found[1]), moment) if found else None
    if found is None or shut is None:
        return Bilingual("", "")
    name, frame, time = view.actor_at(found[0], other(found[1])), shut.segment.frame, view.seconds(shut.segment.time)
    return Bilingual(
        f"; {name} does not read: its receive window has been closed since frame {frame}, at {time} s",
        f"；{name} 没有在接收：从第 {frame} 帧（{time} 秒）起它的接收窗口一直为零",
    )


def _meanwhile(view: View, actor: str, seen: Witnessed, chain: Chain) -> Bilingual:
    """What the other threads do while one waits for a lock, or for a flag, as an aside. Who holds the lock is not to be
    seen, so those come first that may hold one and cannot go on: in send(), or waiting for a lock themselves."""
    tids = {thread.tid for thread in chain.threads}
    names = {thread.name for thread in chain.threads}
    others = [one for one in seen.threads if one.tid not in tids or one.name not in names]
    stuck = [one for one in others if one.doing == "sending" or wants_lock(one)]
    shown = stuck[:MOST_TOLD] or [one for one in others if one.doing in _BLOCKED_IN and one.doing != "waiting"]
    if not 0 < len(shown) <= MOST_TOLD:
        return Bilingual("", "")
    told_of = [told(view, actor, Chain((one,))) for one in shown]
    why = [_unread_by(view, actor, one, seen.time) if one.doing == "sending" else Bilingual("", "") for one in shown]
    english = ", and ".join(f"{said.en}{then.en}" for said, then in zip(told_of, why, strict=True))
    chinese = "，".join(f"{said.zh}{then.zh}" for said, then in zip(told_of, why, strict=True))
    return Bilingual(f"; meanwhile {english}", f"；与此同时，{chinese}")


# --- WL65x: programs that end wrongly


def end_of_input(view: View, finding: Finding) -> Finding | None:
    """The crash report is about the end of the keyboard's input."""
    actor = str(finding.actor)
    crash = crash_of(view, actor) if view.part(actor) == "submission" else None
    if crash is None or not any(_END_OF_INPUT.match(line.strip()) for line in crash.lines):
        return None
    key = _pressed(view, actor, "Ctrl-D", crash.time) or Bilingual(
        f"the input of {actor} came to its end", f"{actor} 的输入结束"
    )
    seen = Bilingual(
        "the program took the end of its input for an error, with the words quoted below",
        "程序把输入结束当成了错误，输出如下",
    )
    return cause("WL657", actor, frames=(), terminal=crash.quoted(actor), key=key, seen=seen)


def daemons_at_shutdown(view: View, finding: Finding) -> Finding | None:
    """Python's last words say that a thread held the terminal's buffer when it shut down."""
    actor = str(finding.actor)
    lines = view.lines(actor) if view.part(actor) == "submission" else []
    at = next((number for number, line in enumerate(lines) if _SHUTS_DOWN.search(line)), None)
    time = None if at is None else view.shown_at(actor, lines[at])
    if at is None or time is None:
        return None
    quoted = tuple((actor, line) for line in lines[at : at + 4])
    stream = Bilingual("its terminal", "终端")
    if "<stdin>" in lines[at]:
        stream = Bilingual("the keyboard (sys.stdin)", "键盘（sys.stdin）")
    elif found := re.search(r"<(stdout|stderr)>", lines[at]):
        stream = Bilingual(f"the terminal (sys.{found[1]})", f"终端（sys.{found[1]}）")
    return cause("WL661", actor, frames=(), terminal=quoted, actor=actor, time=view.seconds(time), stream=stream)


def floods(view: View, finding: Finding) -> Finding | None:
    """The flood of a terminal began with Ctrl-D, or with the other side's FIN: until then little was printed."""
    actor = str(finding.actor)
    if view.part(actor) != "submission":
        return None
    pressed = [event.time for event in view.keys(actor, "Ctrl-D")]
    for time in pressed[:1]:
        before, after = _printed(view, actor, time)
        if before * FLOODED < after:
            seen = Bilingual(
                f"the program printed {before} characters until then and {after} after it, as a loop does that reads on at "
                "the end of its input",
                f"程序在此之前输出了 {before} 个字符，之后输出了 {after} 个：循环在输入结束之后还在继续读",
            )
            key = _pressed(view, actor, "Ctrl-D", time)
            quoted = tuple((actor, line) for line in view.lines(actor)[-3:])
            return cause("WL657", actor, frames=(), terminal=quoted, key=key, seen=seen)
    for connection, side in view.ends_of(actor):
        fin = connection.fin(other(side))
        before, after = _printed(view, actor, fin.segment.time) if fin else (0, 0)
        if fin is not None and not pressed and before * FLOODED < after:
            seen = Bilingual(
                f"it printed {before} characters until then and {after} after it",
                f"在此之前它输出了 {before} 个字符，之后输出了 {after} 个",
            )
            name, frame, moment = (
                view.actor_at(connection, other(side)),
                fin.segment.frame,
                view.seconds(fin.segment.time),
            )
            return cause(
                "WL651", actor, frames=(frame,), terminal=(), other=name, fin=frame, time=moment, actor=actor, seen=seen
            )
    return None


def _printed(view: View, actor: str, time: int) -> tuple[int, int]:
    """How many characters a program wrote to its terminal before a moment, and after it."""
    shown = [event for event in view.evidence.events if isinstance(event, Shown) and event.actor == actor]
    before = sum(len(event.data) for event in shown if event.time < time)
    return before, sum(len(event.data) for event in shown) - before


def interrupted(view: View, finding: Finding) -> Finding | None:
    """The crash report is about Ctrl-C; or SIGINT ended the program after Ctrl-C was pressed."""
    actor = str(finding.actor)
    if view.part(actor) != "submission":
        return None
    crash, exited = crash_of(view, actor), view.exits.get(actor)
    if crash is not None and any(_INTERRUPT.match(line.strip()) for line in crash.lines):
        seen = Bilingual("nobody caught the KeyboardInterrupt that it raises", "它引发的 KeyboardInterrupt 没有被捕获")
        key = _pressed(view, actor, "Ctrl-C", crash.time) or Bilingual("SIGINT came", "收到了 SIGINT")
        return cause("WL658", actor, frames=(), terminal=crash.quoted(actor), key=key, seen=seen)
    pressed = _pressed(view, actor, "Ctrl-C", exited.time) if exited else None
    if exited is None or pressed is None or exited.by == "harness" or exited.status not in (-2, INTERRUPTED):
        return None
    time = view.seconds(exited.time)
    seen = Bilingual(
        f"the signal SIGINT, which nobody handled, ended the program at {time} s",
        f"SIGINT 信号没有人处理，程序在 {time} 秒被它终止",
    )
    return cause("WL658", actor, frames=(), terminal=(), key=pressed, seen=seen)


def _pressed(view: View, actor: str, key: str, before: int) -> Bilingual | None:
    """That a key was pressed at an actor's keyboard, in words."""
    times = [event.time for event in view.keys(actor, key) if event.time <= before + MS]
    if not times:
        return None
    time = view.seconds(times[-1])
    return Bilingual(
        f"{key} was pressed at {actor}'s keyboard at {time} s", f"{time} 秒在 {actor} 的键盘上按下了 {key}"
    )
