"""Findings about the program and its terminal (WL6xx).

Sentences only; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL601",
        summary=Text("the program does not exit", "程序没有退出"),
        rationale=Text(
            "expected {actor} to exit within {within} s of {what}; it was still running at {time} s",
            "{what}之后，{actor} 应在 {within} 秒内退出；到 {time} 秒仍在运行",
        ),
        hint=Text(
            "A program exits when its last non-daemon thread ends. Wake the thread that sits in recv(), "
            "accept() or input(): shutdown() the socket, or let it see end-of-file.",
            "最后一个非守护线程结束时程序才会退出。请唤醒阻塞在 recv()、accept() 或 input() 的线程：对套接字 "
            "shutdown()，或让它读到文件结束。",
        ),
    ),
    Kind(
        "WL602",
        summary=Text("the exit status is wrong", "退出状态不对"),
        rationale=Text(
            "expected {actor} to exit with status {wanted}; it exited with {status}",
            "{actor} 的退出状态应为 {wanted}，实际为 {status}",
        ),
        hint=Text(
            "0 means that all went as it should. Where it did not, catch the error, say so in one line, and let main() return "
            "1, with sys.exit(main()) at the end. An uncaught exception gives 1 as well, but with a traceback.",
            "0 表示一切正常。出了问题时，捕获异常，用一行话说明，让 main() 返回 1，并以 sys.exit(main()) 结尾。"
            "未捕获的异常也会得到 1，但会打印 traceback。",
        ),
    ),
    Kind(
        "WL603",
        summary=Text("the program was ended by a signal", "程序被信号终止"),
        rationale=Text(
            "expected {actor} to exit by itself; signal {signal} ended it at {time} s",
            "{actor} 应自行退出；在 {time} 秒被信号 {signal} 终止",
        ),
        hint=Text(
            "SIGSEGV and SIGABRT are crashes; SIGINT is a Ctrl-C that nobody handles; SIGPIPE a write to a "
            "closed connection.",
            "SIGSEGV、SIGABRT 是崩溃；SIGINT 是没有处理的 Ctrl-C；SIGPIPE 是向已关闭的连接写数据。",
        ),
    ),
    Kind(
        "WL604",
        summary=Text("the terminal did not show what was expected", "终端没有显示应有的内容"),
        rationale=Text(
            "expected the terminal of {actor} to show {text} within {within} s; {seen}",
            "{actor} 的终端应在 {within} 秒内显示 {text}；{seen}",
        ),
        hint=Text(
            "Compare letter by letter with the handout; flush after printing. On a server this also means that "
            "the message arrived.",
            "请与讲义逐字比较，输出后刷新缓冲区。对服务器来说，这也表示消息已经到达。",
        ),
    ),
    Kind(
        "WL605",
        summary=Text("the terminal showed what must not appear", "终端显示了不该出现的内容"),
        rationale=Text("{actor} must not show {text}, but did", "{actor} 不应显示 {text}，但显示了"),
        hint=Text("Look at what the program printed just before it.", "请看程序在此之前输出了什么。"),
    ),
    Kind(
        "WL606",
        summary=Text("the program printed a crash report", "程序输出了崩溃信息"),
        rationale=Text(
            "{actor} ended or lost a thread with an error nobody caught:",
            "{actor} 因未捕获的错误而结束或丢失了线程：",
        ),
        hint=Text(
            "Read the line that names the error first (in Python the last one, in Java the first), then the nearest one "
            "that names a file of yours: that is the place.",
            "先看说明错误的那一行（Python 在最后，Java 在最前），再看离它最近、写着你自己文件名的那一行：出错的位置就在那里。",
        ),
    ),
    Kind(
        "WL607",
        summary=Text("the program flooded its terminal", "程序刷屏"),
        rationale=Text(
            "{actor} printed more than {limit} bytes; the terminal was cut off at {time} s",
            "{actor} 输出超过 {limit} 字节；终端在 {time} 秒被截断",
        ),
        hint=Text(
            "A loop that prints without waiting: does it go round when recv() returns b'' or input() raises EOFError?",
            "有循环在不停输出：recv() 返回 b'' 或 input() 抛出 EOFError 时它是否还在转？",
        ),
    ),
    Kind(
        "WL608",
        summary=Text("the program had already ended", "程序已经结束"),
        rationale=Text(
            "expected {actor} to be running for {step}; it had {how} at {time} s",
            "{step}时，{actor} 应在运行；它已在 {time} 秒{how}",
        ),
        hint=Text(
            "See what it printed last, and which frame came just before it ended.",
            "请看它最后输出了什么，以及结束之前是哪一帧。",
        ),
    ),
    Kind(
        "WL609",
        summary=Text("nobody reads the keyboard", "没有人读取键盘"),
        rationale=Text(
            "{actor} did not take the keys ({step}): its terminal's input queue is full",
            "{step}时，{actor} 没有读取按键：终端输入队列已满",
        ),
        hint=Text(
            "The thread that reads the keyboard ended or is blocked elsewhere.",
            "读键盘的线程已经结束，或阻塞在别处。",
        ),
    ),
    Kind(
        "WL610",
        summary=Text("a step could not be played without a connection", "没有连接，步骤无法执行"),
        rationale=Text(
            "{step} needs a connection of {actor}, and there is none",
            "{step}需要 {actor} 的连接，但没有连接",
        ),
        hint=Text("Look at the handshake check first.", "请先看握手检查。"),
    ),
    Kind(
        "WL611",
        summary=Text("the program's traffic is more than is kept", "程序的流量超过了保留上限"),
        rationale=Text(
            "the capture was cut off after {limit} {unit}, at {time} s; {share} % of what was sent came from {actor}",
            "捕获在 {limit} {unit}之后截断（{time} 秒）；其中 {share}% 来自 {actor}",
        ),
        hint=Text("A loop that sends without waiting for anything.", "有循环在不停发送。"),
    ),
    Kind(
        "WL612",
        summary=Text("the program made the other side flood its terminal", "程序使对方刷屏"),
        rationale=Text(
            "the terminal of {other} was cut off after {limit} bytes, at {time} s: it shows what {actor} sent, which is "
            "{share} % of all that was sent",
            "{other} 的终端在 {limit} 字节之后被截断（{time} 秒）：它显示的是 {actor} 发送的内容，占全部发送量的 {share}%",
        ),
        hint=Text("A loop that sends without waiting for anything.", "有循环在不停发送。"),
    ),
    Kind(
        "WL613",
        summary=Text("the program used more than it may", "程序占用的资源超过限制"),
        rationale=Text(
            "{actor} had {what} at {time} s, and was ended for it; allowed are {limit}",
            "{actor} 在 {time} 秒时{what}，因此被终止；允许的上限是 {limit}",
        ),
        hint=Text(
            "A loop that starts threads or processes, or keeps all that it ever read? One of each per client is enough.",
            "是否有循环在不断创建线程或进程，或把读到的内容全部留着？每个客户端一个就够了。",
        ),
    ),
)
