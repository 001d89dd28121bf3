"""Questions about the headers of segments: their length and options, and the window."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Whole
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.counting import with_data
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.written import numbered, slips
from wirelab.judge.verdict import Said
from wirelab.observe.segments import parse_options

_STAMPED = b"\x01\x01\x08\x0a"  # two NOPs, then the option timestamps and its length (RFC 7323, appendix A)


def _header(facts: Facts, lot: Lot) -> Asked | None:
    # Options are whole where the capture has bytes behind them.
    stamped = [
        one
        for one in facts.segments
        if one.segment.payload
        and not one.segment.syn
        and len(one.segment.options) == 12
        and one.segment.options.startswith(_STAMPED)
    ]
    if not stamped:
        return None
    segment = lot.draw(stamped).segment
    wide = ":" in segment.src.host
    network = 40 if wide else 20
    tcp, total = 32, network + 32 + segment.length
    values: dict[str, object] = {
        "frame": segment.frame,
        "length": segment.length,
        "network": network,
        "ip": "IPv6" if wide else "IPv4",
        "total": total,
    }
    right = Bilingual(
        "it has the timestamps option: 10 bytes, and two NOPs so that the length is a multiple of four",
        "带有时间戳选项：10 字节，再加两个 NOP 凑成四字节的整数倍",
    )
    options = lot.shuffled(
        [
            right,
            Bilingual("it announces the MSS and the window scale", "它声明了 MSS 和窗口扩大倍数"),
            Bilingual("the first 12 bytes of the payload belong to it", "数据的前 12 个字节属于首部"),
            Bilingual("both ports and both IP addresses stand in it", "其中除了两个端口还有两个 IP 地址"),
        ]
    )
    why = Said(
        Text(
            "frame {frame}: 20 bytes of fixed TCP header and 12 of options make 32 (`tcp.hdr_len`; the field holds 8, in units of "
            "four bytes); {network} bytes of {ip} header, 32 and {length} of payload make {total}",
            "第 {frame} 帧：固定 TCP 首部 20 字节加选项 12 字节共 32 字节（`tcp.hdr_len`；字段里是 8，以四字节为单位）；"
            "{ip} 首部 {network} 字节加 32 加数据 {length} 字节，共 {total} 字节",
        ),
        values,
    )
    fixed = Said(Text("this is a header without options; this one has some", "这是不带选项的首部；这一个带有选项"))
    words = Said(Text("this field counts units of four bytes", "这个字段以四字节为单位"))
    only = Said(Text("these are the options alone", "这只是选项的长度"))
    unpaid = Said(Text("the payload is missing", "没有算上数据部分"))
    unheaded = Said(Text("the TCP header is 32 bytes here, not 20", "这里的 TCP 首部是 32 字节，不是 20"))
    framed = Said(Text("this counts the link layer's header as well", "这把链路层首部也算进去了"))
    return Asked(
        Said(
            Text(
                "How long is the TCP header in frame {frame}? How long is it together with an {ip} header of {network} bytes and the "
                "payload?",
                "第 {frame} 帧的 TCP 首部有多长？加上 {network} 字节的 {ip} 首部和数据部分，一共多长？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the TCP header, bytes", "TCP 首部（字节）")),
                Whole(tcp, slips(tcp, (20, fixed), (8, words), (12, only))),
                why,
                (segment.frame,),
            ),
            Field(
                Said(Text("IP header, TCP header and payload together, bytes", "IP 首部、TCP 首部和数据总长（字节）")),
                Whole(
                    total,
                    slips(
                        total,
                        (network + tcp, unpaid),
                        (total - 12, unheaded),
                        *((total + link, framed) for link in (4, 14, 16, 20)),
                    ),
                ),
                why,
                (segment.frame,),
            ),
            choice(
                Said(Text("why the TCP header is longer than 20 bytes", "TCP 首部为什么比 20 字节长")),
                options,
                options.index(right),
                why,
                (segment.frame,),
            ),
        ),
    )


def _window(facts: Facts, lot: Lot) -> Asked | None:
    shake, segments = facts.connection.handshake, with_data(facts, "client")
    segments = [one for one in segments if not one.segment.syn and not one.segment.rst]
    if shake.syn is None or shake.syn_ack is None or not segments or not numbered(facts):
        return None
    mine = parse_options(shake.syn.segment.options).window_scale
    other = parse_options(shake.syn_ack.segment.options).window_scale
    if mine is None or other is None:
        return None
    segment = lot.draw(segments).segment
    scaled = segment.window << mine
    values: dict[str, object] = {
        "frame": segment.frame,
        "syn": shake.syn.segment.frame,
        "window": segment.window,
        "shift": mine,
        "factor": 1 << mine,
        "scaled": scaled,
    }
    why = Said(
        Text(
            "frame {frame} has {window} in the window field; the client's SYN (frame {syn}) announced the shift {shift}: "
            "{window} × 2^{shift} = {window} × {factor} = {scaled} (RFC 7323, 2.3)",
            "第 {frame} 帧窗口字段是 {window}；客户端的 SYN（第 {syn} 帧）声明了移位数 {shift}："
            "{window} × 2^{shift} = {window} × {factor} = {scaled}（RFC 7323 2.3）",
        ),
        values,
    )
    frames = (shake.syn.segment.frame, segment.frame)
    unscaled = Said(Text("this is the field itself, not multiplied yet", "这是字段本身，还没有乘倍数"))
    multiplied = Said(Text("this is multiplied already; the field itself is smaller", "这已经乘过倍数；字段本身更小"))
    count = Said(
        Text(
            "this multiplies by the shift; the factor is 2 to the power of it",
            "这是乘以移位数；倍数应是 2 的这么多次方",
        )
    )
    server = Said(
        Text(
            "this is the server's scale; each side's own applies to what it sends",
            "这是服务器的倍数；各方发送的窗口用自己声明的倍数",
        )
    )
    return Asked(
        Said(
            Text(
                "How many bytes of receive window does the client offer in frame {frame}? Mind the window scale of its SYN.",
                "客户端在第 {frame} 帧中通告的接收窗口是多少字节？注意它的 SYN 里的窗口扩大选项。",
            ),
            values,
        ),
        (
            Field(
                Said(
                    Text(
                        "the window field as it is in the header (`tcp.window_size_value`)",
                        "首部中的窗口字段（`tcp.window_size_value`）",
                    )
                ),
                Whole(segment.window, slips(segment.window, (scaled, multiplied))),
                why,
                frames,
            ),
            Field(
                Said(Text("the window in bytes", "窗口大小（字节）")),
                Whole(
                    scaled,
                    slips(
                        scaled,
                        (segment.window, unscaled),
                        (segment.window * mine, count),
                        (segment.window << other, server),
                    ),
                ),
                why,
                frames,
            ),
        ),
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "header-length",
        Text("The length of a TCP header", "TCP 首部的长度"),
        Text(
            "The length of the TCP header in a certain frame, of the whole IP packet, and why it is not 20.",
            "某一帧的 TCP 首部长度、IP 分组总长，以及首部为什么不是 20 字节。",
        ),
        Text("a segment with data and the timestamps option", "一个带数据和时间戳选项的报文段"),
        _header,
    ),
    Kind(
        "window-in-bytes",
        Text("The receive window in bytes", "接收窗口的字节数"),
        Text("The window field of a certain frame, and the window in bytes.", "某一帧的窗口字段，以及窗口的字节数。"),
        Text(
            "data of the client, and the window scale option in both SYNs",
            "客户端发送的数据，以及双方 SYN 中的窗口扩大选项",
        ),
        _window,
    ),
)
