"""Who waits for whom, and on what: what a program was seen doing, thread by thread, as one sentence.

``chain_of`` follows the threads from the main one on, as far as each waits for the next. Facts and words for them; which
cause they are is for the rules to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wirelab.base.texts import Bilingual
from wirelab.judge.clues import other, own_line, place, ports
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Side
from wirelab.observe.evidence import ThreadSeen, Witnessed

MAIN = "MainThread"
_BLOCKED = ("keyboard", "receiving", "accepting", "sending", "waiting", "child", "connecting")
WAITS_INSIDE = re.compile(r"[/\\](?:threading|queue)\.py$")
_THREADING = re.compile(r"[/\\]threading\.py$")
_END_OF_PROGRAM = "_shutdown"  # threading._shutdown: joins all threads that are not daemons

_CALLS = {"receiving": "recv()", "accepting": "accept()", "sending": "send()", "connecting": "connect()"}
_WORDS = {
    "running": Bilingual("is running", "正在运行"),
    "printing": Bilingual("is writing to the terminal", "正在写终端"),
    "polling": Bilingual("waits in select() or poll()", "在 select() 或 poll() 中等待"),
    "sleeping": Bilingual("sleeps", "正在睡眠"),
    "child": Bilingual("waits for another process", "在等待另一个进程"),
    "stopped": Bilingual("is stopped by a signal", "被信号暂停"),
    "other": Bilingual("waits for something else", "在等待别的事情"),
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Threads, each waiting for the next; the last one waits for something else, or runs. ``done``: the first has come
    to its end, and the language waits for the others."""

    threads: tuple[ThreadSeen, ...]
    done: bool = False

    @property
    def last(self) -> ThreadSeen:
        return self.threads[-1]


def last_seen(view: View, actor: str) -> Witnessed | None:
    """What a program was doing when it missed its exit (the first such moment), else at its end."""
    seen = view.witnessed(actor)
    missed = [event for event in seen if event.why == "missed"]
    return next(iter([*missed, *reversed(seen)]), None)


def chain_of(seen: Witnessed) -> Chain | None:
    """The threads from the main one on; None when they do not say what keeps the program."""
    if not seen.threads:
        return None
    threads = _told_apart(seen.threads)
    by_name = {thread.name: thread for thread in threads}
    main = by_name.get(MAIN, threads[0])
    chain = [main]
    while (following := by_name.get(chain[-1].waits_for or "")) is not None and following not in chain:
        chain.append(following)
    done = is_over(main)
    if len(chain) > 1 or main.doing != "waiting":
        return Chain(tuple(chain), done)
    others = [thread for thread in threads if thread is not main and thread.doing in _BLOCKED]
    if not main.stack:  # a virtual machine has a dozen threads of its own that idle so
        others = [thread for thread in others if thread.doing != "waiting"]
    if (done or not main.stack) and len(others) == 1:
        return Chain((main, *others), done)
    return None if done or not main.stack else Chain((main,))


def is_over(main: ThreadSeen) -> bool:
    """Whether a program's main thread has come to its end, and only waits for the others."""
    return any(line.function == _END_OF_PROGRAM for line in main.stack)


def _told_apart(threads: Sequence[ThreadSeen]) -> list[ThreadSeen]:
    """The threads by names of their own: most languages name them all like the program, and so does Python its only
    one where nothing has imported ``threading``."""
    names = Counter(thread.name for thread in threads)
    if len(threads) == 1 and threads[0].stack:
        return [replace(threads[0], name=MAIN)]
    return [
        replace(thread, name=f"{thread.name} (thread {number})") if names[thread.name] > 1 else thread
        for number, thread in enumerate(threads, 1)
    ]


def socket_of(view: View, actor: str, thread: ThreadSeen) -> tuple[Connection, Side] | None:
    """The connection that a thread receives from or sends to."""
    for connection, side in reversed(view.ends_of(actor)):
        if (thread.port, thread.peer) == ports(connection, side):
            return connection, side
    return None


def is_timer(thread: ThreadSeen) -> bool:
    """Whether a thread is a ``threading.Timer`` whose time has not come: its stack is Event.wait, called by its own
    run(), and has no line of the program's. (A thread that was given Event.wait itself to do is named after that.)"""
    functions = [line.function for line in thread.stack]
    inside = all(_THREADING.search(line.file) for line in thread.stack)
    waits = thread.doing == "waiting" and functions[:1] == ["wait"] and "run" in functions
    return waits and inside and not thread.name.endswith("(wait)")


def is_child(seen: Witnessed, thread: ThreadSeen) -> bool:
    """Whether a thread is the main one of another process than the program's first: each names its own so."""
    mains = [one for one in seen.threads if one.name == MAIN]
    return thread in mains[1:]


def wants_lock(thread: ThreadSeen) -> bool:
    """Whether a thread waits in a line of its program, and not inside an event, a queue or join(): for a lock."""
    return thread.doing == "waiting" and bool(thread.stack) and not WAITS_INSIDE.search(thread.stack[0].file)


def where(thread: ThreadSeen) -> str:
    """The line of its own code that a thread is in, as an aside; nothing when it is not known."""
    line = own_line(thread.stack)
    return f" at {place(line)}" if line else ""


def _where_zh(thread: ThreadSeen) -> str:
    line = own_line(thread.stack)
    return f"在 {place(line)} 的" if line else "在"


def _call(thread: ThreadSeen) -> str:
    python = bool(thread.stack)
    return _CALLS.get(thread.doing, "") if python or not thread.call else f"{thread.call}()"


def _doing(view: View, actor: str, thread: ThreadSeen) -> Bilingual:
    """What the last thread of a chain does: "sits in recv() at client.py:52 on the connection to server"."""
    at, zh = where(thread), _where_zh(thread)
    if thread.doing == "keyboard":
        line = own_line(thread.stack)
        if line is not None:  # whether by input() or by readline(), its source says
            return Bilingual(f"reads the keyboard{at}", f"在 {place(line)} 处读键盘")
        return Bilingual(f"reads the keyboard ({_call(thread)})", f"在 {_call(thread)} 中读键盘")
    if thread.doing in _CALLS:
        found = socket_of(view, actor, thread)
        name = view.actor_at(found[0], other(found[1])) if found else ""
        on = f" on the connection to {name}" if found else ""
        zh_on = f"，等的是与 {name} 的连接" if found else ""
        return Bilingual(f"sits in {_call(thread)}{at}{on}", f"停{zh} {_call(thread)} 中{zh_on}")
    if thread.doing == "waiting":
        if thread.waits_for:
            joins = f"waits in join(){at} for {thread.waits_for}"
            return Bilingual(joins, f"{zh} join() 中等待 {thread.waits_for}")
        if is_timer(thread):
            return Bilingual(
                "is a threading.Timer that is still pending: it waits for its time to come",
                "是一个还没有到时间的 threading.Timer，仍在等待",
            )
        if thread.stack:
            return Bilingual(f"waits for a lock or a condition{at}", f"{zh}代码处等待锁或条件")
        return Bilingual("waits for a lock or for another thread", "在等待锁或另一个线程")
    words = _WORDS.get(thread.doing, _WORDS["other"])
    return Bilingual(f"{words.en}{at}", f"{zh}代码处：{words.zh}" if at else words.zh)


def told(view: View, actor: str, chain: Chain) -> Bilingual:
    """The whole chain as a sentence without its full stop."""
    parts = [_link(view, actor, chain, thread, index) for index, thread in enumerate(chain.threads)]
    english = parts[0].en + "".join(f", which {part.en}" for part in parts[1:])
    first = chain.threads[0].name
    chinese = f"{first} {parts[0].zh}" + "".join(
        f"，而 {thread.name} {part.zh}" for thread, part in zip(chain.threads[1:], parts[1:], strict=True)
    )
    return Bilingual(f"{first} {english}", chinese)


def _link(view: View, actor: str, chain: Chain, thread: ThreadSeen, index: int) -> Bilingual:
    if index + 1 < len(chain.threads) and ((chain.done and index == 0) or not thread.waits_for):
        following = chain.threads[index + 1].name
        if chain.done:
            return Bilingual(
                f"has come to its end, and the program waits for {following} (not a daemon thread)",
                f"已经执行完，程序还在等待 {following}（它不是守护线程）",
            )
        return Bilingual(
            f"waits for a lock or for another thread to end; the only one that is blocked in anything else is {following}",
            f"在等待锁或另一个线程结束；因别的事情被阻塞的只有 {following}",
        )
    return _doing(view, actor, thread)


def outlook(view: View, actor: str, thread: ThreadSeen, moment: int) -> Bilingual:
    """Whether what the last thread waits for can come: nothing when that cannot be told."""
    if thread.doing == "keyboard":
        for connection, side in view.ends_of(actor):
            fin = connection.fin(other(side))
            if fin is not None and fin.segment.time < moment and view.quit_time(actor) is None:
                name, frame, time = (
                    view.actor_at(connection, other(side)),
                    fin.segment.frame,
                    view.seconds(fin.segment.time),
                )
                return Bilingual(
                    f"; {name} closed in frame {frame} at {time} s, but this thread wakes only when somebody types",
                    f"；{name} 已在第 {frame} 帧（{time} 秒）关闭，但这个线程要有人按键才会醒来",
                )
    found = socket_of(view, actor, thread) if thread.doing == "receiving" else None
    if found is None:
        return Bilingual("", "")
    connection, side = found
    name = view.actor_at(connection, other(side))
    if _over(view, connection, side, moment):
        return Bilingual("; nothing will ever arrive there", "；那里永远不会再有数据到达")
    if awaits_fin(view, actor, thread, moment):
        return _half_closed(view, connection, side, moment)
    return Bilingual(
        f"; nobody wakes it: the connection is open in both directions, and {name} waits for {actor} to close first",
        f"；没有什么会唤醒它：连接的两个方向都还开着，{name} 在等 {actor} 先关闭",
    )


def _over(view: View, connection: Connection, side: Side, moment: int) -> bool:
    """Whether nothing more can come to a side: the other has closed, a RST was sent, or its program is gone."""
    ends = [noted for noted in (connection.fin(other(side)), *connection.teardown.resets) if noted is not None]
    gone = view.exits.get(view.actor_at(connection, other(side)))
    return any(noted.segment.time < moment for noted in ends) or (gone is not None and gone.time < moment)


def awaits_fin(view: View, actor: str, thread: ThreadSeen, moment: int) -> bool:
    """Whether a thread receives where its program's own FIN is out and the other's has not come."""
    found = socket_of(view, actor, thread) if thread.doing == "receiving" else None
    fin = found[0].fin(found[1]) if found else None
    return found is not None and fin is not None and fin.segment.time < moment and not _over(view, *found, moment)


def _half_closed(view: View, connection: Connection, side: Side, moment: int) -> Bilingual:
    fin, acked, name = connection.fin(side), connection.fin_ack(side), view.actor_at(connection, other(side))
    if fin is None:
        return Bilingual("", "")
    frame, time = fin.segment.frame, view.seconds(fin.segment.time)
    unknown = Bilingual("", "")
    if acked is None or acked.segment.time > moment:
        unknown = Bilingual(
            f", but {name} has not acknowledged it: it may never have got there",
            f"，但 {name} 没有确认，可能根本没有收到",
        )
    return Bilingual(
        f"; its own FIN is out (frame {frame}, at {time} s){unknown.en}; it waits for that of {name}, which has "
        "not come",
        f"；它自己的 FIN 已经发出（第 {frame} 帧，{time} 秒）{unknown.zh}；它在等 {name} 的 FIN，而那一直没有来",
    )
