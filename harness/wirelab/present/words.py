"""What happens in a run, in words of both languages. Knows events, no lines, widths or colours."""

from __future__ import annotations

from wirelab.base.signals import signal_name
from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.observe.evidence import (
    Bounded,
    Doing,
    Ending,
    Exited,
    Part,
    Peered,
    Started,
    StepEnded,
    ThreadSeen,
    Witnessed,
)

_PARTS: dict[Part, Bilingual] = {
    "submission": Bilingual("the submission", "提交的程序"),
    "reference": Bilingual("the reference", "参考程序"),
    "peer": Bilingual("a scripted peer", "由脚本扮演"),
}

_DOING: dict[Doing, Text] = {
    "running": Text("runs", "正在运行"),
    "keyboard": Text("reads the keyboard", "在读键盘"),
    "printing": Text("writes to its terminal", "在写终端"),
    "connecting": Text("connects", "在建立连接"),
    "accepting": Text("waits for a client", "在等待客户端连接"),
    "receiving": Text("waits for data", "在等待数据"),
    "sending": Text("sends", "在发送数据"),
    "polling": Text("waits for something to happen", "在等待事件"),
    "waiting": Text("waits for a lock or a thread", "在等待锁或线程"),
    "sleeping": Text("sleeps", "在睡眠"),
    "child": Text("waits for another process", "在等待另一个进程"),
    "stopped": Text("is stopped", "已暂停"),
    "other": Text("is in the kernel", "在内核中"),
}
MOST_THREADS = 4  # that are told of in one line

_PEERED = {
    "connected": Text("connected", "已连接"),
    "sends": Text("sends", "发送"),
    "half-closes": Text("half-closes: sends FIN, goes on reading", "半关闭：发出 FIN，继续读"),
    "closes": Text("closes its socket", "关闭套接字"),
    "resets": Text("resets the connection", "重置连接"),
    "stops reading": Text("stops reading", "停止读取"),
    "reads again": Text("reads again", "恢复读取"),
}

register(
    {
        "live.started": Text("starts: {part}", "启动：{part}"),
        "live.started.command": Text("starts: {part}, {command}", "启动：{part}，{command}"),
        "live.exited": Text("exits by itself with status {status}", "自行退出，状态码 {status}"),
        "live.exited.signal": Text("is ended by {signal}", "被 {signal} 终止"),
        "live.exited.unknown": Text("has ended, with a status that cannot be known", "已结束，状态码无从得知"),
        "live.exited.script": Text(
            "has ended ({end}), because the script asked for it", "已结束（{end}），这是脚本要求的"
        ),
        "live.exited.harness": Text(
            "was still running: wirelab has ended it ({end}), this is not its own doing",
            "当时仍在运行：由 wirelab 收尾结束（{end}），不算程序自己的行为",
        ),
        "live.exited.status": Text("status {status}", "状态码 {status}"),
        "live.exited.status.unknown": Text("status unknown", "状态码未知"),
        "live.ending": Text("{signal} sent, as the script says", "按脚本发送 {signal}"),
        "live.missed": Text("not as expected: {step}", "与预期不符：{step}"),
        "live.impossible": Text("impossible, the program was gone: {step}", "无法执行，程序已经不在了：{step}"),
        "live.step": Text("step {number}", "第 {number} 步"),
        "live.wire.cut": Text("the wire is cut: {about}", "线路中断：{about}"),
        "live.wire.heal": Text("the wire is whole again", "线路恢复"),
        "live.wire.drop": Text("this segment will be lost: {about}", "将丢失这个报文段：{about}"),
        "live.wire.inject": Text("a forged segment is sent: {about}", "发送伪造的报文段：{about}"),
        "live.bytes": Text("{what} ({count} bytes): {data}", "{what}（{count} 字节）：{data}"),
        "live.owned": Text("port {port} is {actor}'s", "端口 {port} 属于 {actor}"),
        "live.bounded.bytes": Text(
            "has shown {limit} bytes, as much as is kept: what follows is not read",
            "已输出 {limit} 字节，达到上限：之后的输出不再读取",
        ),
        "live.bounded.capture": Text(
            "{limit} bytes are captured, as many as are kept: what follows is missing",
            "已捕获 {limit} 字节，达到上限：之后的内容不再保留",
        ),
        "live.bounded.processes": Text(
            "it has too many processes and threads (allowed: {limit}), and is ended",
            "它的进程和线程太多（上限 {limit}），已终止",
        ),
        "live.bounded.memory": Text(
            "it uses too much memory (allowed: {limit} bytes), and is ended",
            "它占用的内存太多（上限 {limit} 字节），已终止",
        ),
        "live.bounded.packets": Text(
            "{limit} packets are captured, as many as are kept: what follows is missing",
            "已捕获 {limit} 个分组，达到上限：之后的分组不再保留",
        ),
        "live.witnessed": Text("still running: {threads}", "仍在运行：{threads}"),
        "live.witnessed.between": Text("; ", "；"),
        "live.witnessed.thread": Text("{name} {doing}", "{name} {doing}"),
        "live.witnessed.place": Text(" ({place})", "（{place}）"),
        "live.witnessed.joins": Text("waits for {other}", "在等待 {other}"),
        "live.witnessed.more": Text("{count} more threads", "另有 {count} 个线程"),
        **{f"live.witnessed.{doing}": text for doing, text in _DOING.items()},
        "live.more.segments": Text("… {count} more segments", "… 还有 {count} 个报文段"),
        "live.more.lines": Text("… {count} more lines", "… 还有 {count} 行"),
        **{f"live.peer.{what}": text for what, text in _PEERED.items()},
    }
)


def started(event: Started, language: Language) -> str:
    """Who plays the actor; of the submission also by what command."""
    key = "live.started.command" if event.part == "submission" else "live.started"
    return say(key, language, part=_PARTS[event.part], command=" ".join(event.command))


def exited(event: Exited, language: Language) -> str:
    """How a program ended, and whose doing that was."""
    signal = signal_name(-event.status) if event.status is not None and event.status < 0 else None
    if event.by != "itself":
        unknown = "" if event.status is not None else ".unknown"
        end = signal or say(f"live.exited.status{unknown}", language, status=event.status)
        return say(f"live.exited.{event.by}", language, end=end)
    if signal:
        return say("live.exited.signal", language, signal=signal)
    return say("live.exited" if event.status is not None else "live.exited.unknown", language, status=event.status)


def ending(event: Ending, language: Language) -> str:
    """A signal that the script had sent."""
    return say("live.ending", language, signal=event.signal)


def step_failed(event: StepEnded, written: str | None, language: Language) -> str:
    """A step that was missed or impossible, as its author wrote it."""
    step = written or say("live.step", language, number=event.index + 1)
    return say(f"live.{event.outcome}", language, step=step)


def peered(event: Peered, language: Language, data: str) -> str:
    """What a scripted peer did; ``data`` is how its bytes are to be shown."""
    what = say(f"live.peer.{event.what}", language) if event.what in _PEERED else event.what
    return say("live.bytes", language, what=what, count=grouped(len(event.data)), data=data) if event.data else what


def bounded(event: Bounded, language: Language) -> str:
    """A bound that was hit, and what is missing from here on."""
    what = "capture" if event.actor is None and event.unit == "bytes" else event.unit
    return say(f"live.bounded.{what}", language, limit=grouped(event.limit))


def witnessed(event: Witnessed, language: Language) -> str:
    """What the first few threads of a program do that should have ended."""
    # A virtual machine has many threads of its own that wait for work: they come last.
    threads = sorted(event.threads, key=lambda thread: thread.doing == "waiting" and not thread.stack)
    told = [_thread(thread, language) for thread in threads[:MOST_THREADS]]
    if more := len(event.threads) - len(told):
        told.append(say("live.witnessed.more", language, count=more))
    return say("live.witnessed", language, threads=say("live.witnessed.between", language).join(told))


def _thread(thread: ThreadSeen, language: Language) -> str:
    key = "joins" if thread.waits_for else thread.doing
    doing = say(f"live.witnessed.{key}", language, other=thread.waits_for)
    said = say("live.witnessed.thread", language, name=thread.name, doing=doing)
    own = next((line for line in thread.stack if "/lib/python" not in line.file), None)  # not the standard library's
    if own is None:
        return said
    place = f"{own.file.rpartition('/')[2]}:{own.line}"
    return said + say("live.witnessed.place", language, place=place)


def number(value: float) -> str:
    """Points as people write them: at most two decimals, a point, no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def grouped(number: int) -> str:
    """A number with its digits in groups of three: ``12 345``."""
    return f"{number:,}".replace(",", " ")
