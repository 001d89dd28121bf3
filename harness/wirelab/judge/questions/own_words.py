"""Questions about what no capture can tell: to be answered in a student's own words, and marked by a person."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Free
from wirelab.judge.questions.asking import Asked, Field, Kind
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import SIDE
from wirelab.judge.questions.teardowns import TEARDOWN, closing_of
from wirelab.judge.verdict import Said

_ANY = Text("a TCP connection", "一个 TCP 连接")
_HEARTBEATS = Text("heartbeats that were answered", "得到应答的心跳")
_DATA = Text("messages of the lab's protocol", "实验协议规定的消息")
_MARKED = Said(
    Text("your teacher marks this; wirelab does not judge words", "这一题由教师评分；wirelab 不评判文字"),
)
_ANSWER = Text("in your own words", "用自己的话回答")


def _open(text: Text, values: dict[str, object], model: Text, frames: tuple[int, ...] = ()) -> Asked:
    """A question without a right answer; ``model`` says what a good one says, with the same values."""
    both = Bilingual(model.fill("en", **values), model.fill("zh", **values))
    return Asked(Said(text, values), (Field(Said(_ANSWER), Free(both), _MARKED, frames),))


def _why_a_thread(facts: Facts, lot: Lot) -> Asked | None:
    answered = [one for one in facts.answered if one.answer is not None and one.answer.frames and one.question.frames]
    if not answered:
        return None
    one = lot.draw(answered)
    assert one.answer is not None
    frames = (min(one.question.frames), max(one.answer.frames))
    values: dict[str, object] = {
        "asked": frames[0],
        "answered": frames[1],
        "ms": f"{(one.delay_ns or 0) / 1e6:.3f}",
        "side": SIDE[one.answer.sender],
    }
    return _open(
        Text(
            "Frame {asked} brought a heartbeat, and frame {answered} answered it {ms} ms later. What does the thread that reads the "
            "keyboard do meanwhile, and why does answering need a thread of its own? What would the capture show without it?",
            "第 {asked} 帧带来一次心跳，{ms} ms 之后第 {answered} 帧作了应答。这段时间里读键盘的线程在做什么？为什么应答心跳需要单独的线程？"
            "如果没有它，抓包会是什么样子？",
        ),
        values,
        Text(
            "Reading the keyboard blocks its thread until Enter is pressed. A thread of its own sits in recv() at the same time and "
            "answers at once, {ms} ms here. With one thread only, frame {answered} would come after the next Enter; heartbeats pile up "
            "unread, {side} answers several at once or too late, and is dropped. (select() over keyboard and socket does as well.)",
            "读键盘会使线程阻塞，直到按下回车。另一个线程同时阻塞在 recv() 中，一收到就应答，这里只用了 {ms} ms。如果只有一个线程，"
            "第 {answered} 帧要等到下一次按回车才会出现；心跳积压未读，{side}会一次应答好几个或者应答太晚，从而被断开。"
            "（用 select() 同时等待键盘和套接字也可以。）",
        ),
        frames,
    )


def _where_locks(facts: Facts, lot: Lot) -> Asked | None:
    segments = [one for one in facts.segments if one.segment.length]
    if len(segments) < 2:
        return None
    values: dict[str, object] = {
        "count": len(segments),
        "one": segments[0].segment.frame,
        "last": segments[-1].segment.frame,
    }
    return _open(
        Text(
            "Between frames {one} and {last}, {count} segments carried data. Which data of your program do several threads use (sockets, "
            "lists, counters, the screen), and which lock guards each? What could happen on the wire without it?",
            "第 {one} 帧到第 {last} 帧之间有 {count} 个携带数据的报文段。你的程序中有哪些数据被多个线程共用（套接字、列表、计数器、屏幕）？"
            "各由哪个锁保护？如果没有这个锁，线路上可能出现什么？",
        ),
        values,
        Text(
            "Names each thing that two threads use, the lock, and where it is held: sending on one socket (two lines may be interleaved "
            "if a frame is written in two sends), the list of clients (it changes while a broadcast walks over it), the numbers of "
            "heartbeats. Says why what one thread alone uses needs no lock, and that no lock is held longer than it must be: a slow "
            "peer must not hold up everybody.",
            "逐一说出两个线程共用的数据、对应的锁和加锁的位置：向同一个套接字发送（一帧分两次发送时，两行可能交错）、客户端列表"
            "（广播遍历时会被修改）、心跳编号。还要说明只被一个线程使用的数据为什么不需要锁，以及持锁时间不能超过需要：一个慢的对端不应拖住所有人。",
        ),
        (segments[0].segment.frame, segments[-1].segment.frame),
    )


def _stream(facts: Facts, lot: Lot) -> Asked | None:
    whole = [one for one in facts.messages if one.frames]
    if not whole:
        return None
    ends: dict[int, int] = {}
    for one in whole:
        ends[max(one.frames)] = ends.get(max(one.frames), 0) + 1
    glued = [frame for frame, count in ends.items() if count > 1]
    cut = [one for one in whole if len(set(one.frames)) > 1]
    head = Text(
        "TCP has no message boundaries. {seen} How does your program find where a message ends, whatever one recv() brings?",
        "TCP 没有消息边界。{seen}不管一次 recv() 收到什么，你的程序怎样确定一条消息在哪里结束？",
    )
    model = Text(
        "recv() gives any number of bytes that have come: half a message or ten. The program puts them behind what was left over, takes out "
        "every complete message, and keeps the rest for the next recv(); it decodes text only when a message is whole, so that no "
        "character is cut. {seen}",
        "recv() 返回的是已经到达的任意多个字节：可能是半条消息，也可能是十条。程序把它们接在上次剩下的字节后面，取出所有完整的消息，"
        "剩余部分留给下一次 recv()；等消息完整之后才解码，这样不会截断字符。{seen}",
    )
    if glued:
        frame = lot.draw(sorted(glued))
        frames: tuple[int, ...] = (frame,)
        seen = Text(
            "In your capture, frame {frame} brought the end of {count} messages.",
            "在你的抓包中，第 {frame} 帧带来了 {count} 条消息的结尾。",
        )
        seen_values: dict[str, object] = {"frame": frame, "count": ends[frame]}
    elif cut:
        frames = tuple(sorted(set(lot.draw(cut).frames)))
        seen = Text(
            "In your capture, one message came in the frames {frames}.",
            "在你的抓包中，一条消息分散在第 {frames} 帧中。",
        )
        seen_values = {"frames": ", ".join(map(str, frames))}
    else:
        frame = max(lot.draw(whole).frames)
        frames = (frame,)
        seen = Text(
            "In your capture every message, such as that in frame {frame}, has a segment of its own: that is luck, not a rule.",
            "在你的抓包中，每条消息（例如第 {frame} 帧中的）恰好各占一个报文段：这是运气，不是规则。",
        )
        seen_values = {"frame": frame}
    both = Bilingual(seen.fill("en", **seen_values), seen.fill("zh", **seen_values))
    return _open(head, {"seen": both}, model, frames)


def _normal_exit(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None:
        return None
    values: dict[str, object] = {
        "fin": closing.fin.segment.frame,
        "second": closing.other_fin.segment.frame,
        "side": SIDE[closing.first],
        "other": SIDE[closing.other],
    }
    return _open(
        Text(
            "In frame {fin} {side} sent its FIN, in frame {second} {other}. When somebody types /quit, how does each thread "
            "of your program end, one by one, and which of them calls shutdown() or close()?",
            "{side}在第 {fin} 帧用 FIN 关闭，{other}在第 {second} 帧关闭。输入 /quit 之后，你的程序的每个线程依次怎样结束？由哪个线程调用 "
            "shutdown() 或 close()？",
        ),
        values,
        Text(
            "Names every thread and what wakes it: the one at the keyboard returns from its loop; shutdown(SHUT_WR) sends the FIN behind "
            "everything sent before; the one in recv() goes on reading until b'' (the other side's FIN) and returns; threads that wait "
            "for a clock or a queue get an event. Then the main thread joins them and closes the socket. Closing a socket in which "
            "another thread sits in recv() sends no FIN; unread bytes make it a RST.",
            "说出每个线程以及什么使它结束：读键盘的线程退出循环；shutdown(SHUT_WR) 在已发送的数据之后发出 FIN；"
            "在 recv() 中的线程继续读到 b''（对方的 FIN）后返回；等待时钟或队列的线程由一个事件唤醒。最后主线程 join 它们并关闭套接字。"
            "如果另一个线程还阻塞在 recv() 中就 close()，不会发出 FIN；还有未读的数据时，发出的是 RST。",
        ),
        (closing.fin.segment.frame, closing.other_fin.segment.frame),
    )


def _server_killed(facts: Facts, lot: Lot) -> Asked | None:
    last = [one for one in facts.segments if one.segment.length]
    if not last:
        return None
    values: dict[str, object] = {"frame": last[-1].segment.frame, "port": facts.connection.server.port}
    return _open(
        Text(
            "Suppose that the server (port {port}) had been killed with `kill -9` right after frame {frame}. Who would send what on the wire, "
            "although the program is gone, and what should the client say and do?",
            "假设服务器（端口 {port}）在第 {frame} 帧之后立刻被 `kill -9` 杀死。程序已经不在了，线路上谁还会发送什么？客户端应该显示什么、做什么？",
        ),
        values,
        Text(
            "The kernel closes the sockets of a dead process: a FIN if everything was read, a RST if unread bytes were left in the receive "
            "buffer. The client's recv() returns b'' or raises ConnectionResetError; what it sends after that is answered with RST. It "
            "says in one line that the server is gone and ends, without a traceback and without waiting for the keyboard. (When the "
            "machine or the cable dies nothing comes at all: only timeouts or missing heartbeats tell.)",
            "进程死亡后由内核关闭它的套接字：数据都已读完则发 FIN，接收缓冲区里还有未读数据则发 RST。客户端的 recv() 返回 b'' 或抛出 "
            "ConnectionResetError；之后再发送，得到的是 RST。客户端用一行说明服务器已断开并退出，没有 traceback，也不等待键盘。"
            "（如果是主机或网线断了，什么都不会来：只有超时或收不到心跳才能发现。）",
        ),
        (last[-1].segment.frame,),
    )


def _last_ack_lost(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None:
        return None
    values: dict[str, object] = {
        "last": closing.last.segment.frame,
        "second": closing.other_fin.segment.frame,
        "side": SIDE[closing.first],
        "other": SIDE[closing.other],
    }
    return _open(
        Text(
            "Suppose that frame {last}, the last ACK, had been lost. In which states would the two sides be, what would come next, and what "
            "has that to do with starting a server again on the same port?",
            "假设第 {last} 帧（最后的 ACK）丢失了。双方会处于什么状态？接下来会发生什么？这和在同一端口上重新启动服务器有什么关系？",
        ),
        values,
        Text(
            "In LAST-ACK, {other} waits and sends its FIN (frame {second}) again after a timeout; {side} is in TIME-WAIT, answers that with "
            "the same ACK, and waits anew. This is why TIME-WAIT exists. A server that closed first leaves its port in TIME-WAIT, and "
            "bind() fails with “Address already in use” unless SO_REUSEADDR is set.",
            "{other}停留在 LAST-ACK，超时后重传 FIN（第 {second} 帧）；{side}处于 TIME-WAIT，用同样的 ACK 回答并重新计时。这就是 TIME-WAIT 的意义。"
            "如果服务器先关闭，它的端口就处于 TIME-WAIT，不设置 SO_REUSEADDR 时 bind() 会因“Address already in use”失败。",
        ),
        (closing.other_fin.segment.frame, closing.last.segment.frame),
    )


def _hardest(facts: Facts, lot: Lot) -> Asked | None:
    values: dict[str, object] = {
        "count": len(facts.segments),
        "messages": len(facts.messages),
        "s": f"{facts.since_start(facts.segments[-1]):.1f}",
    }
    return _open(
        Text(
            "Your connection took {count} segments and {s} s for {messages} messages. What was hardest until it ran like that, what did it "
            "look like in the capture or on the screen, and how did you find out?",
            "你的连接用 {count} 个报文段、{s} s 传了 {messages} 条消息。做到这一步最难的是什么？它在抓包中或屏幕上是什么样子？你是怎样找到原因的？",
        ),
        values,
        Text(
            "Names one problem precisely: what was expected, what was seen instead (a frame, a line on the screen, a thread that did not "
            "end), the cause in the program, the change that cured it, and how the student made sure that it did.",
            "具体说出一个问题：预期是什么，实际看到的是什么（某一帧、屏幕上的某一行、没有结束的线程），程序中的原因，怎样修改，以及怎样确认确实解决了。",
        ),
    )


KINDS = (
    Kind(
        "why-a-thread",
        Text("Why a thread for heartbeats", "心跳为什么需要线程"),
        Text("Why answering heartbeats needs a thread of its own.", "为什么应答心跳需要单独的线程。"),
        _HEARTBEATS,
        _why_a_thread,
    ),
    Kind(
        "where-locks",
        Text("Shared data and locks", "共享数据与锁"),
        Text("Which data threads share, and which lock guards them.", "哪些数据被多个线程共用，由哪个锁保护。"),
        _DATA,
        _where_locks,
    ),
    Kind(
        "stream-not-messages",
        Text("A stream, not messages", "字节流，不是消息"),
        Text(
            "How the program finds messages in a stream without boundaries.", "程序怎样在没有边界的字节流中找到消息。"
        ),
        _DATA,
        _stream,
    ),
    Kind(
        "normal-exit",
        Text("How each thread ends", "每个线程怎样结束"),
        Text("How each thread of the program ends when /quit is typed.", "输入 /quit 后程序的每个线程怎样结束。"),
        TEARDOWN,
        _normal_exit,
    ),
    Kind(
        "who-closes",
        Text("When the server is killed", "服务器被杀死时"),
        Text("What happens on the wire when the server is killed.", "服务器被杀死时线路上发生什么。"),
        _DATA,
        _server_killed,
    ),
    Kind(
        "last-ack-lost",
        Text("When the last ACK is lost", "最后的 ACK 丢失时"),
        Text("What follows when the last ACK of the teardown is lost.", "关闭时最后的 ACK 丢失会怎样。"),
        TEARDOWN,
        _last_ack_lost,
    ),
    Kind(
        "hardest-part",
        Text("What was hardest", "最难的部分"),
        Text("What was hardest, and how it was found out.", "最难的是什么，怎样找到原因。"),
        _ANY,
        _hardest,
    ),
)
