"""Questions about how a connection is opened: initial sequence numbers, the three segments, what a SYN announces."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Flags, Numbers, Time, Whole
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import HANDSHAKE, RELATIVE, SIDE
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Handshake, Side
from wirelab.observe.segments import parse_options


def _handshake(facts: Facts) -> Handshake | None:
    """The handshake, where it is complete and nothing of it was sent twice."""
    shake = facts.connection.handshake
    return shake if shake.complete and facts.calm else None


def _isn(facts: Facts, side: Side) -> Asked | None:
    shake = _handshake(facts)
    if shake is None or shake.syn is None or shake.syn_ack is None:
        return None
    mine, other = (shake.syn, shake.syn_ack) if side == "client" else (shake.syn_ack, shake.syn)
    segment, wrong = mine.segment, other.segment
    values = {"side": SIDE[side], "frame": segment.frame, "isn": segment.seq, "flags": segment.flag_names()}
    slips = [(0, RELATIVE), (1, RELATIVE)]
    slips.append(
        (
            wrong.seq,
            Said(
                Text("this is the other side's, in frame {frame}", "这是另一方的，在第 {frame} 帧"),
                {"frame": wrong.frame},
            ),
        )
    )
    return Asked(
        Said(
            Text(
                "Which initial sequence number (ISN) did {side} choose? Find the segment that carries it.",
                "{side}选择的初始序号（ISN）是多少？请找到携带它的报文段。",
            ),
            values,
        ),
        (
            Field(
                Said(Text("its frame number", "帧号")),
                Whole(segment.frame),
                Said(
                    Text(
                        "{side} sends its ISN in the first segment with SYN that it sends: frame {frame}, {flags}",
                        "{side}在它发出的第一个带 SYN 的报文段里给出 ISN：第 {frame} 帧，{flags}",
                    ),
                    values,
                ),
                (segment.frame,),
            ),
            Field(
                Said(Text("the ISN, raw", "ISN（原始值）")),
                Whole(segment.seq, tuple(slips)),
                Said(
                    Text(
                        "frame {frame} ({flags}) has the raw sequence number {isn} (RFC 9293, 3.4.1)",
                        "第 {frame} 帧（{flags}）的原始序号是 {isn}（RFC 9293 3.4.1）",
                    ),
                    values,
                ),
                (segment.frame,),
            ),
            Field(
                Said(Text("the ISN as Wireshark's relative number", "Wireshark 显示的相对序号")),
                Whole(0),
                Said(
                    Text(
                        "relative numbers count from the ISN, so that the SYN in frame {frame} always has 0",
                        "相对序号从 ISN 算起，所以第 {frame} 帧的 SYN 总是 0",
                    ),
                    values,
                ),
                (segment.frame,),
            ),
        ),
    )


def _isn_client(facts: Facts, lot: Lot) -> Asked | None:
    return _isn(facts, "client")


def _isn_server(facts: Facts, lot: Lot) -> Asked | None:
    return _isn(facts, "server")


def _frames(facts: Facts, lot: Lot) -> Asked | None:
    shake = _handshake(facts)
    if shake is None or shake.syn is None or shake.syn_ack is None or shake.ack is None:
        return None
    three = (shake.syn.segment, shake.syn_ack.segment, shake.ack.segment)
    frames = tuple(one.frame for one in three)
    why = Said(
        Text(
            "frame {one} is {first}, frame {two} {second}, frame {three} {third}: the client asks, the server agrees and asks in "
            "turn, the client agrees",
            "第 {one} 帧是 {first}，第 {two} 帧是 {second}，第 {three} 帧是 {third}：客户端请求，服务器同意并反向请求，客户端再同意",
        ),
        {
            "one": frames[0],
            "two": frames[1],
            "three": frames[2],
            "first": three[0].flag_names(),
            "second": three[1].flag_names(),
            "third": three[2].flag_names(),
        },
    )
    names = (
        Text("flags of the first segment", "第一个报文段的标志位"),
        Text("flags of the second segment", "第二个报文段的标志位"),
        Text("flags of the third segment", "第三个报文段的标志位"),
    )
    return Asked(
        Said(
            Text(
                "Which three frames are the three-way handshake, and which flags are set in each?",
                "三次握手是哪三帧？每一帧设置了哪些标志位？",
            )
        ),
        (
            Field(Said(Text("the three frame numbers", "三个帧号")), Numbers(frames, ordered=True), why, frames),
            *(
                Field(Said(name), Flags(frozenset(one.flag_names().split(","))), why, (one.frame,))
                for name, one in zip(names, three, strict=True)
            ),
        ),
    )


def _syn_ack(facts: Facts, lot: Lot) -> Asked | None:
    shake = _handshake(facts)
    if shake is None or shake.syn is None or shake.syn_ack is None:
        return None
    syn, answer = shake.syn.segment, shake.syn_ack.segment
    values = {"frame": answer.frame, "syn": syn.frame, "ack": answer.ack, "isn": syn.seq}
    reasons = [
        Bilingual("the SYN takes up one sequence number, as if it were a byte", "SYN 占用一个序号，就像一个字节一样"),
        Bilingual("the client has already sent one byte of data", "客户端已经发送了一个字节的数据"),
        Bilingual("an acknowledgment number is always the frame number plus one", "确认号总是帧号加一"),
        Bilingual("the server adds one for its own SYN", "服务器为自己的 SYN 加一"),
    ]
    shuffled = lot.shuffled(reasons)
    slip = Said(
        Text(
            "this is the ISN itself; the number that is acknowledged is the next one expected",
            "这是 ISN 本身；确认号是期望收到的下一个序号",
        )
    )
    return Asked(
        Said(
            Text(
                "Frame {frame} acknowledges the client's SYN (frame {syn}). What is its raw acknowledgment number, and why is it "
                "one more than the client's ISN?",
                "第 {frame} 帧确认了客户端的 SYN（第 {syn} 帧）。它的确认号（原始值）是多少？为什么比客户端的 ISN 大 1？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the acknowledgment number, raw", "确认号（原始值）")),
                Whole(answer.ack, ((syn.seq, slip), (1, RELATIVE))),
                Said(
                    Text(
                        "frame {frame} has the raw acknowledgment number {ack}: the client's ISN {isn}, plus 1",
                        "第 {frame} 帧的原始确认号是 {ack}：客户端的 ISN {isn} 加 1",
                    ),
                    values,
                ),
                (syn.frame, answer.frame),
            ),
            choice(
                Said(Text("why plus one", "为什么加一")),
                shuffled,
                shuffled.index(reasons[0]),
                Said(
                    Text(
                        "a SYN occupies one number of sequence space (RFC 9293, 3.4), so that it can be acknowledged and sent again "
                        "like data",
                        "SYN 在序号空间中占一个号（RFC 9293 3.4），这样它才能像数据一样被确认和重传",
                    )
                ),
                (syn.frame, answer.frame),
            ),
        ),
    )


def _round_trip(facts: Facts, lot: Lot) -> Asked | None:
    shake = _handshake(facts)
    if shake is None or shake.syn is None or shake.syn_ack is None or shake.ack is None:
        return None
    syn, answer, last = shake.syn.segment, shake.syn_ack.segment, shake.ack.segment
    took = last.time - syn.time
    if took < 1000:  # below the resolution that people read
        return None
    values = {"syn": syn.frame, "last": last.frame, "ms": f"{took / 1e6:.3f}"}
    slip = Said(
        Text("this is only the time up to the SYN,ACK in frame {frame}", "这只是到第 {frame} 帧 SYN,ACK 为止的时间"),
        {"frame": answer.frame},
    )
    return Asked(
        Said(
            Text(
                "How long did the handshake take, from its first segment to its third?",
                "三次握手从第一个报文段到第三个报文段用了多长时间？",
            )
        ),
        (
            Field(
                Said(Text("time in ms", "时间（ms）")),
                Time(took, "ms", ((answer.time - syn.time, slip),)),
                Said(
                    Text(
                        "frame {last} came {ms} ms after frame {syn}; in Wireshark set a time reference on frame {syn} (Ctrl-T)",
                        "第 {last} 帧比第 {syn} 帧晚 {ms} ms；在 Wireshark 中可把第 {syn} 帧设为时间参考（Ctrl-T）",
                    ),
                    values,
                ),
                (syn.frame, last.frame),
            ),
        ),
    )


def _announced(facts: Facts, lot: Lot) -> Asked | None:
    shake = _handshake(facts)
    if shake is None or shake.syn is None:
        return None
    syn = shake.syn.segment
    options = parse_options(syn.options)
    if options.mss is None or options.window_scale is None:
        return None
    values = {
        "frame": syn.frame,
        "mss": options.mss,
        "shift": options.window_scale,
        "factor": 1 << options.window_scale,
    }
    slip = Said(
        Text("this is the shift count; the factor is 2 to the power of it", "这是移位数；倍数是 2 的这么多次方")
    )
    slips = ((options.window_scale, slip),) if options.window_scale != 1 << options.window_scale else ()
    return Asked(
        Said(
            Text(
                "What does the client announce in the options of its SYN (frame {frame})?",
                "客户端在它的 SYN（第 {frame} 帧）的选项中声明了什么？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the maximum segment size (MSS), bytes", "最大报文段长度（MSS），字节")),
                Whole(options.mss),
                Said(
                    Text(
                        "frame {frame} has the option MSS {mss}: so many bytes of data at most in one segment (RFC 9293, 3.7.1)",
                        "第 {frame} 帧带有选项 MSS {mss}：一个报文段最多携带这么多字节的数据（RFC 9293 3.7.1）",
                    ),
                    values,
                ),
                (syn.frame,),
            ),
            Field(
                Said(Text("by what its later window fields are to be multiplied", "之后窗口字段要乘的倍数")),
                Whole(1 << options.window_scale, slips),
                Said(
                    Text(
                        "frame {frame} has the option window scale {shift}: later windows are multiplied by 2^{shift} = {factor} "
                        "(RFC 7323, 2.2)",
                        "第 {frame} 帧带有窗口扩大选项 {shift}：之后的窗口要乘 2^{shift} = {factor}（RFC 7323 2.2）",
                    ),
                    values,
                ),
                (syn.frame,),
            ),
        ),
    )


def _ports(facts: Facts, lot: Lot) -> Asked | None:
    first = facts.segments[0]
    client, server = facts.connection.client.port, facts.connection.server.port
    if client == server:
        return None
    frame = first.segment.frame
    reasons = [
        Bilingual(
            "the client's kernel picks a free (ephemeral) one for each connection",
            "由客户端的内核为每个连接选一个空闲的临时端口",
        ),
        Bilingual("the server tells the client which one to use", "由服务器告诉客户端用哪一个"),
        Bilingual("it follows from the server's port", "由服务器的端口推算出来"),
    ]
    options = lot.shuffled(reasons)
    values = {"frame": frame, "client": client, "server": server}
    why = Said(
        Text(
            "frame {frame} runs between port {client} (the client's) and {server} (the server's, which is listening)",
            "第 {frame} 帧在端口 {client}（客户端）和 {server}（正在监听的服务器）之间",
        ),
        values,
    )
    swapped = Said(Text("this is the other side's port", "这是另一方的端口"))
    return Asked(
        Said(
            Text(
                "Which ports does the connection use, and who chose the client's?",
                "这个连接使用哪两个端口？客户端的端口是谁选的？",
            )
        ),
        (
            Field(Said(Text("the client's port", "客户端端口")), Whole(client, ((server, swapped),)), why, (frame,)),
            Field(Said(Text("the server's port", "服务器端口")), Whole(server, ((client, swapped),)), why, (frame,)),
            choice(
                Said(Text("who chose the client's port", "客户端的端口由谁选定")),
                options,
                options.index(reasons[0]),
                Said(
                    Text(
                        "a client that does not call bind() gets an ephemeral port from its kernel in connect(): here {client}",
                        "客户端没有调用 bind() 时，内核在 connect() 里给它一个临时端口：这里是 {client}",
                    ),
                    values,
                ),
                (frame,),
            ),
        ),
    )


KINDS = (
    Kind(
        "isn-client",
        Text("The client's initial sequence number", "客户端的初始序号"),
        Text(
            "The client's initial sequence number: its frame, the raw and the relative number.",
            "客户端的初始序号：所在帧、原始值和相对值。",
        ),
        HANDSHAKE,
        _isn_client,
    ),
    Kind(
        "isn-server",
        Text("The server's initial sequence number", "服务器的初始序号"),
        Text(
            "The server's initial sequence number: its frame, the raw and the relative number.",
            "服务器的初始序号：所在帧、原始值和相对值。",
        ),
        HANDSHAKE,
        _isn_server,
    ),
    Kind(
        "handshake-frames",
        Text("The three segments of the handshake", "三次握手的三个报文段"),
        Text("The frames of the three-way handshake, and the flags in each.", "三次握手的帧号和各帧的标志位。"),
        HANDSHAKE,
        _frames,
    ),
    Kind(
        "syn-ack-number",
        Text("What the SYN,ACK acknowledges", "SYN,ACK 确认了什么"),
        Text(
            "The acknowledgment number of the SYN,ACK, and why it is the client's ISN plus one.",
            "SYN,ACK 的确认号，以及它为什么等于客户端的 ISN 加一。",
        ),
        HANDSHAKE,
        _syn_ack,
    ),
    Kind(
        "handshake-time",
        Text("How long the handshake took", "三次握手用时"),
        Text(
            "The time from the first to the third segment of the handshake.", "三次握手第一到第三个报文段之间的时间。"
        ),
        HANDSHAKE,
        _round_trip,
    ),
    Kind(
        "syn-options",
        Text("What the SYN announces", "SYN 声明了什么"),
        Text("The MSS and the window scale that the client announces.", "客户端声明的 MSS 和窗口扩大倍数。"),
        Text("a SYN with the options MSS and window scale", "带有 MSS 和窗口扩大选项的 SYN"),
        _announced,
    ),
    Kind(
        "ports",
        Text("The two ports", "两个端口"),
        Text("The ports of both sides, and who chose the client's.", "双方的端口，以及客户端的端口由谁选定。"),
        Text("a TCP connection", "一个 TCP 连接"),
        _ports,
    ),
)
