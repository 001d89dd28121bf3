"""The registry of findings: the one source of every code, its summary, what it says and what it advises.

Codes are grouped by layer: WL1xx connecting, WL2xx messages and framing, WL3xx heartbeat, WL4xx broadcast,
WL5xx teardown, WL6xx program and terminal, WL9xx the harness and the machine. A code, once published, keeps
its meaning. ``{name}`` marks values filled in when a finding is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from wirelab.base.texts import Text
from wirelab.judge.verdict import Finding, Said


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding: a one-line summary, the rationale (expected and seen), and where to look."""

    code: str
    summary: Text
    rationale: Text
    hint: Text


REGISTRY: dict[str, Kind] = {}


def _add(code: str, summary: tuple[str, str], rationale: tuple[str, str], hint: tuple[str, str]) -> None:
    REGISTRY[code] = Kind(code, Text(*summary), Text(*rationale), Text(*hint))


def finding(
    code: str,
    actor: str | None,
    *,
    frames: tuple[int, ...] = (),
    terminal: tuple[tuple[str, str], ...] = (),
    **values: object,
) -> Finding:
    """A finding of a registered code, with its evidence. Raises KeyError for an unknown code: a bug."""
    kind = REGISTRY[code]
    return Finding(code, actor, Said(kind.rationale, values), Said(kind.hint), frames, terminal)


_add(
    "WL101",
    ("no connection was opened", "没有建立连接"),
    ("expected {actor} to connect to port {port}; no SYN from it was captured", "应看到 {actor} 连接端口 {port},但没有捕获到它发出的 SYN"),
    (
        "Does the program reach connect()? Does it use the host and port given on its command line?",
        "程序执行到 connect() 了吗?是否使用了命令行给出的主机和端口?",
    ),
)
_add(
    "WL102",
    ("the connection was refused", "连接被拒绝"),
    (
        "{actor} sent SYN in frame {syn}; frame {rst} answered with RST: nobody listened on port {port}",
        "{actor} 在第 {syn} 帧发出 SYN,第 {rst} 帧以 RST 应答:端口 {port} 上没有程序在监听",
    ),
    (
        "A server must bind() and listen() before a client connects; a server that has ended no longer listens.",
        "服务器必须先 bind() 和 listen(),客户端才能连接;已经退出的服务器不再监听。",
    ),
)
_add(
    "WL103",
    ("the three-way handshake is incomplete", "三次握手不完整"),
    (
        "expected SYN, SYN+ACK, ACK between {actor} and the server; seen: {seen}",
        "应看到 {actor} 与服务器之间的 SYN、SYN+ACK、ACK;实际看到:{seen}",
    ),
    (
        "The kernel does the handshake. If it is incomplete, the wire was cut or one side went away in the middle.",
        "握手由内核完成。若不完整,说明线路中断或有一方中途离开。",
    ),
)
_add(
    "WL104",
    ("the program did not get ready", "程序没有就绪"),
    (
        "expected {actor} to show '{text}' within {within} s of its start; {seen}",
        "{actor} 启动后 {within} 秒内应显示“{text}”;{seen}",
    ),
    (
        "Print the line exactly as the handout gives it, and flush it: print(..., flush=True).",
        "请严格按讲义输出这一行并刷新缓冲区:print(..., flush=True)。",
    ),
)
_add(
    "WL201",
    ("a message is missing on the wire", "报文中缺少一条消息"),
    (
        "expected {actor} to send {text}; it never crossed the wire. Sent were: {sent}",
        "应看到 {actor} 发送 {text},但线路上没有出现。实际发送:{sent}",
    ),
    (
        "Was the line sent before the program quit? Was all of it sent: use sendall(), not send()?",
        "退出之前这一行发送了吗?是否完整发送:用 sendall() 而不是 send()?",
    ),
)
_add(
    "WL202",
    ("a message was sent that nobody typed", "发送了没有输入过的消息"),
    ("{actor} sent {text}, which was not typed or was sent before", "{actor} 发送了 {text},它没有被输入过,或已经发送过"),
    (
        "Does a line go out twice, or does a quit word or a prompt get sent as a message?",
        "是否把一行发送了两次,或把退出命令、提示符当作消息发送了?",
    ),
)
_add(
    "WL203",
    ("a message has no end", "消息没有结束标记"),
    (
        "expected every message of {actor} to be a whole frame; {text} was never finished by the end of the stream",
        "{actor} 的每条消息都应是完整的一帧;直到流结束,{text} 都没有结束",
    ),
    (
        "TCP is a byte stream without message boundaries: end each message as the protocol says, in this lab with LF (\\n).",
        "TCP 是没有消息边界的字节流:请按协议结束每条消息,本实验用换行符(\\n)。",
    ),
)
_add(
    "WL204",
    ("messages arrived in another order", "消息顺序不对"),
    ("expected {actor} to send {expected}; sent were, in this order: {sent}", "{actor} 应依次发送 {expected};实际顺序:{sent}"),
    (
        "TCP keeps the order of one connection: if it changed, two threads wrote without a common order (a queue keeps it).",
        "TCP 保证单个连接内的顺序;顺序变了,说明两个线程写入时没有统一的次序(可用队列)。",
    ),
)
_add(
    "WL205",
    ("a message is not UTF-8", "消息不是 UTF-8 编码"),
    ("{actor} sent bytes that are not UTF-8: {raw}{guess}", "{actor} 发送的字节不是 UTF-8:{raw}{guess}"),
    (
        "Encode explicitly: text.encode('utf-8'); decode the keyboard's input with the terminal's encoding.",
        "请显式编码:text.encode('utf-8');读键盘时按终端的编码解码。",
    ),
)
_add(
    "WL206",
    ("a line does not follow the protocol", "有一行不符合协议"),
    ("{actor} sent {text}, which is none of the protocol's messages: {known}", "{actor} 发送了 {text},它不是协议规定的消息:{known}"),
    ("Compare the line with the protocol table in the handout: the words, the space, the number.", "请与讲义中的协议表对照:单词、空格、数字。"),
)
_add(
    "WL207",
    ("the scripted peer waited in vain", "脚本对端没有等到"),
    ("expected the program to send {wanted} to {actor} within {within} s; it did not come", "程序应在 {within} 秒内向 {actor} 发送 {wanted},但没有等到"),
    ("Look at the ladder from the last frame the peer sent on: what did the program answer?", "请从对端最后发送的一帧开始看时序图:程序回答了什么?"),
)
_add(
    "WL301",
    ("too few heartbeats", "心跳太少"),
    ("expected at least {wanted} heartbeats from the server to {actor}; {seen} were sent", "服务器至少应向 {actor} 发送 {wanted} 个心跳,实际 {seen} 个"),
    (
        "Each connection needs a timer of its own that goes on while other threads wait for input.",
        "每个连接需要自己的定时器,在其他线程等待输入时也要继续工作。",
    ),
)
_add(
    "WL302",
    ("a heartbeat was not answered", "有心跳没有被应答"),
    (
        "expected {actor} to answer {question} (frame {frame}, at {time} s) within {limit} s; no answer followed{blocked}",
        "{actor} 应在 {limit} 秒内应答 {question}(第 {frame} 帧,{time} 秒);之后没有应答{blocked}",
    ),
    (
        "Receive in a thread of its own, and split what recv() gives into messages: one recv may bring half a heartbeat or two.",
        "请在独立线程中接收,并把 recv() 得到的数据切分成消息:一次 recv 可能只有半个心跳,也可能有两个。",
    ),
)
_add(
    "WL303",
    ("a heartbeat was answered late", "心跳应答太迟"),
    (
        "expected {actor} to answer {question} (frame {frame}, at {time} s) within {limit} s; the answer (frame {answer}) came "
        "after {delay} s{blocked}",
        "{actor} 应在 {limit} 秒内应答 {question}(第 {frame} 帧,{time} 秒);应答(第 {answer} 帧)在 {delay} 秒后才到{blocked}",
    ),
    (
        "Something else keeps the receiving thread busy: input(), sleep(), or a lock that another thread holds.",
        "接收线程被别的事情占住了:input()、sleep(),或其他线程持有的锁。",
    ),
)
_add(
    "WL304",
    ("an answer to a heartbeat nobody sent", "应答了不存在的心跳"),
    ("{actor} sent {text} (frame {frame}); no heartbeat with this number was waiting for an answer", "{actor} 发送了 {text}(第 {frame} 帧),但没有等待应答的同号心跳"),
    ("Answer with the number that the heartbeat carried; do not count by yourself.", "请用收到的心跳中的编号应答,不要自己计数。"),
)
_add(
    "WL305",
    ("a heartbeat was answered twice", "心跳被应答了两次"),
    ("{actor} sent {text} again (frame {frame}); the heartbeat had its answer already", "{actor} 再次发送 {text}(第 {frame} 帧),该心跳已经应答过"),
    ("Do two threads both answer, or is a buffer scanned again without removing what was handled?", "是否有两个线程都在应答,或缓冲区处理后没有清除又被扫描了一次?"),
)
_add(
    "WL306",
    ("heartbeat numbers do not count from 1", "心跳编号不是从 1 开始递增"),
    ("expected the heartbeats to {actor} to be numbered 1, 2, 3, …; seen: {seen}", "发给 {actor} 的心跳编号应为 1、2、3……;实际:{seen}"),
    ("Each connection counts by itself; a counter shared by all clients skips numbers.", "每个连接各自计数;所有客户端共用一个计数器会跳号。"),
)
_add(
    "WL401",
    ("a broadcast did not reach a client", "广播没有到达客户端"),
    ("expected the broadcast '{text}' on the connection of {actor}; it never came", "{actor} 的连接上应出现广播“{text}”,但没有"),
    ("Is every connected client in the list that the broadcast goes through? Does a slow client hold up the others?", "广播遍历的列表里有全部在线客户端吗?某个慢客户端是否拖住了其他人?"),
)
_add(
    "WL402",
    ("a broadcast came more than once", "广播重复到达"),
    ("expected the broadcast '{text}' once on the connection of {actor}; it came {count} times", "{actor} 的连接上广播“{text}”应出现一次,实际 {count} 次"),
    ("Is a client in the list twice, or do two threads send the same line?", "客户端是否在列表中出现了两次,或两个线程发送了同一行?"),
)
_add(
    "WL403",
    ("a broadcast reached somebody it should not", "广播发给了不该收到的人"),
    ("{actor} was not meant to get the broadcast '{text}', but it came (frame {frame})", "{actor} 不应收到广播“{text}”,但收到了(第 {frame} 帧)"),
    ("Only clients that are connected when the line is typed get it.", "只有输入该行时在线的客户端才应收到。"),
)
_add(
    "WL501",
    ("the wrong side closed first", "先关闭的一方不对"),
    ("expected {wanted} to send the first FIN; {actor} sent it in frame {frame}, at {time} s", "应由 {wanted} 先发送 FIN;实际由 {actor} 在第 {frame} 帧({time} 秒)先发送"),
    ("Who quits closes first; the other side closes when its recv() returns b'' (end of stream).", "谁退出谁先关闭;另一方在 recv() 返回 b''(流结束)时再关闭。"),
)
_add(
    "WL502",
    ("reset instead of an orderly close", "用 RST 代替了正常关闭"),
    ("expected FIN and ACK in both directions and no RST; {actor} sent RST in frame {frame}, at {time} s", "双方都应以 FIN、ACK 关闭且没有 RST;{actor} 在第 {frame} 帧({time} 秒)发送了 RST"),
    (
        "RST leaves when a socket is closed with unread data in it, with SO_LINGER 0, or when data arrives after the close. "
        "Use shutdown(SHUT_WR), read until b'', then close().",
        "关闭时接收缓冲区还有未读数据、设置了 SO_LINGER 0,或关闭后又有数据到达,都会发送 RST。请先 shutdown(SHUT_WR),读到 b'' 再 close()。",
    ),
)
_add(
    "WL503",
    ("a side never sent its FIN", "一方始终没有发送 FIN"),
    ("expected a FIN from {actor}; none was captured before the end of the run, at {time} s", "应看到 {actor} 的 FIN;到运行结束({time} 秒)为止没有捕获到"),
    (
        "close() sends no FIN while another thread sits in recv() on the same socket: call shutdown() first. A program that never exits never closes.",
        "如果另一个线程正在同一个套接字上 recv(),close() 不会发送 FIN:请先调用 shutdown()。不退出的程序也不会关闭连接。",
    ),
)
_add(
    "WL504",
    ("the connection closed only because the program was killed", "连接只是因为程序被强制结束才关闭"),
    ("expected {actor} to close by itself; its FIN or RST in frame {frame} came only after it was killed at {time} s", "{actor} 应自行关闭;第 {frame} 帧的 FIN 或 RST 是它在 {time} 秒被强制结束之后才出现的"),
    ("Look for the thread that keeps the program alive: is it blocked in recv(), accept() or input()?", "找出让程序无法结束的线程:它阻塞在 recv()、accept() 还是 input()?"),
)
_add(
    "WL505",
    ("a FIN was never acknowledged", "FIN 没有被确认"),
    ("the FIN of {actor} (frame {frame}) was not acknowledged", "{actor} 的 FIN(第 {frame} 帧)没有被确认"),
    ("The kernel acknowledges a FIN by itself; if it did not, the wire was cut or the other host was gone.", "FIN 由内核自动确认;没有确认说明线路中断或对方主机已消失。"),
)
_add(
    "WL507",
    ("an orderly close where a reset was expected", "应为 RST,实际正常关闭"),
    ("expected the connection of {actor} to end with RST; none was captured", "{actor} 的连接应以 RST 结束,但没有捕获到 RST"),
    ("Compare with the scenario's step that ends the connection.", "请对照场景中结束连接的那一步。"),
)
_add(
    "WL601",
    ("the program does not exit", "程序没有退出"),
    ("expected {actor} to exit within {within} s of {what}; it was still running at {time} s", "{actor} 应在{what}之后 {within} 秒内退出;到 {time} 秒仍在运行"),
    (
        "A program exits when its last non-daemon thread ends. Wake the thread that sits in recv(), accept() or input(): "
        "shutdown() the socket, or let it see end-of-file.",
        "最后一个非守护线程结束时程序才会退出。请唤醒阻塞在 recv()、accept() 或 input() 的线程:对套接字 shutdown(),或让它读到文件结束。",
    ),
)
_add(
    "WL602",
    ("the exit status is wrong", "退出状态不对"),
    ("expected {actor} to exit with status {wanted}; it exited with {status}", "{actor} 的退出状态应为 {wanted},实际为 {status}"),
    ("0 means that all went as it should; an uncaught exception gives 1, Ctrl-C left to itself 130.", "0 表示一切正常;未捕获的异常得到 1,未处理的 Ctrl-C 得到 130。"),
)
_add(
    "WL603",
    ("the program was ended by a signal", "程序被信号终止"),
    ("expected {actor} to exit by itself; signal {signal} ended it at {time} s", "{actor} 应自行退出;在 {time} 秒被信号 {signal} 终止"),
    ("SIGSEGV and SIGABRT are crashes; SIGINT is a Ctrl-C that nobody handles; SIGPIPE a write to a closed connection.", "SIGSEGV、SIGABRT 是崩溃;SIGINT 是没有处理的 Ctrl-C;SIGPIPE 是向已关闭的连接写数据。"),
)
_add(
    "WL604",
    ("the terminal did not show what was expected", "终端没有显示应有的内容"),
    ("expected the terminal of {actor} to show {text} within {within} s; {seen}", "{actor} 的终端应在 {within} 秒内显示 {text};{seen}"),
    ("Compare letter by letter with the handout; flush after printing. On a server this also means that the message arrived.", "请与讲义逐字比较,输出后刷新缓冲区。对服务器来说,这也表示消息已经到达。"),
)
_add(
    "WL605",
    ("the terminal showed what must not appear", "终端显示了不该出现的内容"),
    ("{actor} must not show {text}, but did", "{actor} 不应显示 {text},但显示了"),
    ("Look at what the program printed just before it.", "请看程序在此之前输出了什么。"),
)
_add(
    "WL606",
    ("the program printed a crash report", "程序输出了崩溃信息"),
    ("{actor} ended or lost a thread with an error nobody caught:", "{actor} 因未捕获的错误而结束或丢失了线程:"),
    ("Read its last line first: it names the error; the line above names the place in your code.", "先看最后一行:它说明错误;上一行说明在代码中的位置。"),
)
_add(
    "WL607",
    ("the program flooded its terminal", "程序刷屏"),
    ("{actor} printed more than {limit} bytes; the terminal was cut off at {time} s", "{actor} 输出超过 {limit} 字节;终端在 {time} 秒被截断"),
    ("A loop that prints without waiting: does it go round when recv() returns b'' or input() raises EOFError?", "有循环在不停输出:recv() 返回 b'' 或 input() 抛出 EOFError 时它是否还在转?"),
)
_add(
    "WL608",
    ("the program had already ended", "程序已经结束"),
    ("expected {actor} to be running for the step {step}; it had ended with status {status} at {time} s", "执行步骤 {step} 时 {actor} 应在运行;它已在 {time} 秒结束,状态 {status}"),
    ("See what it printed last, and which frame came just before it ended.", "请看它最后输出了什么,以及结束之前是哪一帧。"),
)
_add(
    "WL609",
    ("nobody reads the keyboard", "没有人读取键盘"),
    ("the keys of the step {step} were not taken by {actor}: its terminal's input queue is full", "{actor} 没有读取步骤 {step} 的按键:终端输入队列已满"),
    ("The thread that reads the keyboard ended or is blocked elsewhere.", "读键盘的线程已经结束,或阻塞在别处。"),
)
_add(
    "WL610",
    ("a step could not be played without a connection", "没有连接,步骤无法执行"),
    ("the step {step} needs a connection of {actor}, and there is none", "步骤 {step} 需要 {actor} 的连接,但没有连接"),
    ("Look at the handshake check first.", "请先看握手检查。"),
)
_add(
    "WL611",
    ("the program's traffic is more than is kept", "程序的流量超过了保留上限"),
    ("the capture was cut off after {limit} packets, at {time} s; {share} % of them came from {actor}", "捕获在 {limit} 个报文之后截断({time} 秒);其中 {share}% 来自 {actor}"),
    ("A loop that sends without waiting for anything.", "有循环在不停发送。"),
)
_add(
    "WL901",
    ("packets were lost in the capture", "捕获丢失了报文"),
    ("the kernel saw {lost} packets that the capture did not get; what they were cannot be known", "内核看到了 {lost} 个捕获程序没有收到的报文,无法知道它们的内容"),
    ("The machine was too busy. Run again; nothing here counts against your program.", "机器太忙。请重新运行;这不算你的程序的错。"),
)
_add(
    "WL902",
    ("the capture is cut off", "捕获被截断"),
    ("the capture was cut off after {limit} packets, at {time} s; what came later cannot be judged", "捕获在 {limit} 个报文之后截断({time} 秒),之后的内容无法判断"),
    ("Run again; if it happens every time, the scenario makes more traffic than wirelab keeps.", "请重新运行;如果每次都这样,说明场景的流量超过了保留上限。"),
)
_add(
    "WL903",
    ("the machine gave the program no time", "机器没有给程序运行时间"),
    ("{actor} was late, but it was ready to run and had no CPU for {delay} s meanwhile", "{actor} 迟了,但这期间它有 {delay} 秒处于就绪状态却没有分到 CPU"),
    ("The machine was too busy. Run again; nothing here counts against your program.", "机器太忙。请重新运行;这不算你的程序的错。"),
)
_add(
    "WL904",
    ("it is not known whose connection it is", "无法确定连接属于谁"),
    ("{count} connections were captured, and none could be ascribed to {actor}", "捕获到 {count} 个连接,但无法确定哪个属于 {actor}"),
    ("Run again. Report it if it happens every time: programs that connect and are gone at once are the usual cause.", "请重新运行。若每次都这样请报告:通常是程序连接后立刻结束所致。"),
)
_add(
    "WL905",
    ("the harness's own side did not do its part", "测试平台一方没有完成它的部分"),
    ("{actor}, which is not your program, {what}; so this check says nothing about yours", "{actor}(不是你的程序){what};因此这项检查不能说明你的程序的情况"),
    ("Run again. If it happens every time, please report it with the run folder.", "请重新运行。若每次都这样,请附上运行文件夹报告。"),
)
