"""Questions about how a connection is closed: who first, which segments, with which numbers."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Numbers, Whole
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import RAW, SIDE
from wirelab.judge.questions.teardowns import OPTIONS, TEARDOWN, closing_of
from wirelab.judge.verdict import Said
from wirelab.observe.connections import SIDES as BOTH


def _closes_first(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None:
        return None
    frame, second = closing.fin.segment.frame, closing.other_fin.segment.frame
    values = {"side": SIDE[closing.first], "other": SIDE[closing.other], "frame": frame, "second": second}
    why = Said(
        Text(
            "frame {frame} is the first segment with FIN, and {side} sent it; {other} sent its own in frame {second}",
            "第 {frame} 帧是第一个带 FIN 的报文段，由{side}发出；{other}的 FIN 在第 {second} 帧",
        ),
        values,
    )
    late = Said(
        Text("frame {second} is the second FIN, not the first", "第 {second} 帧是第二个 FIN，不是第一个"), values
    )
    return Asked(
        Said(
            Text(
                "Which side closed the connection first, and in which frame is its FIN?",
                "哪一方先关闭连接？它的 FIN 在哪一帧？",
            )
        ),
        (
            choice(
                Said(Text("who sent the first FIN", "谁发出了第一个 FIN")),
                OPTIONS,
                BOTH.index(closing.first),
                why,
                (frame,),
            ),
            Field(
                Said(Text("the frame of the first FIN", "第一个 FIN 的帧号")),
                Whole(frame, ((second, late),)),
                why,
                (frame, second),
            ),
        ),
    )


def _acknowledged(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or closing.ack.ack is None:
        return None
    fin, ack = closing.fin, closing.ack
    number = closing.ack.ack
    frames = (fin.segment.frame, ack.segment.frame)
    values = {
        "fin": frames[0],
        "ack": frames[1],
        "second": closing.other_fin.segment.frame,
        "last": closing.last.segment.frame,
        "seq": number - 1,
        "number": number,
        "flags": ack.segment.flag_names(),
        "side": SIDE[closing.first],
        "other": SIDE[closing.other],
    }
    slips = [
        (
            closing.last.segment.frame,
            Said(
                Text(
                    "frame {last} acknowledges the other FIN, that of frame {second}",
                    "第 {last} 帧确认的是另一个 FIN（第 {second} 帧）",
                ),
                values,
            ),
        )
    ]
    if not closing.rides:
        slips.append(
            (
                closing.other_fin.segment.frame,
                Said(
                    Text(
                        "frame {second} has this acknowledgment number too, but frame {ack} had it before",
                        "第 {second} 帧也带有这个确认号，但第 {ack} 帧已经先确认了",
                    ),
                    values,
                ),
            )
        )
    own = Said(
        Text(
            "this is the FIN's own number; the number that is acknowledged is the next one expected",
            "这是 FIN 自己的序号；确认号是期望收到的下一个序号",
        )
    )
    reasons = [
        Bilingual("the FIN takes up one sequence number, as if it were a byte", "FIN 占用一个序号，就像一个字节一样"),
        Bilingual("every acknowledgment number is one more than the last one", "每个确认号总比上一个确认号大 1"),
        Bilingual("the ACK itself takes up one sequence number", "ACK 本身占用一个序号"),
        Bilingual("the FIN carries one byte of data", "FIN 携带了一个字节的数据"),
    ]
    shuffled = lot.shuffled(reasons)
    return Asked(
        Said(
            Text(
                "Frame {fin} has the first FIN. Which frame is the first that acknowledges it, with which acknowledgment number, "
                "and why is that one more than the number of the FIN?",
                "第 {fin} 帧带有第一个 FIN。最先确认它的是哪一帧？确认号是多少？为什么比 FIN 的序号大 1？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the frame that acknowledges it", "确认它的帧号")),
                Whole(frames[1], tuple(slips)),
                Said(
                    Text(
                        "frame {ack} ({flags}) is the first from {other} with the acknowledgment number {number}, which covers the "
                        "FIN",
                        "第 {ack} 帧（{flags}）是{other}第一个确认号为 {number} 的报文段，确认到了这个 FIN",
                    ),
                    values,
                ),
                frames,
            ),
            Field(
                Said(Text("its acknowledgment number, relative", "它的确认号（相对值）")),
                Whole(number, ((number - 1, own), (ack.segment.ack, RAW))),
                Said(
                    Text(
                        "the FIN of frame {fin} has the number {seq}, so frame {ack} acknowledges {seq} + 1 = {number}",
                        "第 {fin} 帧的 FIN 序号是 {seq}，所以第 {ack} 帧的确认号是 {seq} + 1 = {number}",
                    ),
                    values,
                ),
                frames,
            ),
            choice(
                Said(Text("why plus one", "为什么加一")),
                shuffled,
                shuffled.index(reasons[0]),
                Said(
                    Text(
                        "a FIN occupies one number of sequence space (RFC 9293, 3.4), so that it can be acknowledged and sent again "
                        "like data; a bare ACK occupies none",
                        "FIN 在序号空间中占一个号（RFC 9293 3.4），这样它才能像数据一样被确认和重传；单独的 ACK 不占序号",
                    )
                ),
                frames,
            ),
        ),
    )


def _frames(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None:
        return None
    values: dict[str, object] = {
        "fin": closing.fin.segment.frame,
        "ack": closing.ack.segment.frame,
        "second": closing.other_fin.segment.frame,
        "last": closing.last.segment.frame,
        "side": SIDE[closing.first],
        "other": SIDE[closing.other],
    }
    if closing.rides:
        why = Text(
            "frame {fin} is the FIN of {side}, frame {second} the FIN of {other} and its ACK in one, frame {last} the last ACK",
            "第 {fin} 帧是{side}的 FIN，第 {second} 帧同时是{other}的 FIN 和 ACK，第 {last} 帧是最后的 ACK",
        )
    else:
        why = Text(
            "frame {fin} is the FIN of {side}, frame {ack} acknowledges it, frame {second} is the FIN of {other}, frame {last} "
            "the last ACK",
            "第 {fin} 帧是{side}的 FIN，第 {ack} 帧确认它，第 {second} 帧是{other}的 FIN，第 {last} 帧是最后的 ACK",
        )
    return Asked(
        Said(
            Text(
                "Which frames are the teardown: both FINs, and the first segment that acknowledges each? Write each frame once, in "
                "the order of the capture.",
                "连接的关闭由哪些帧组成：两个 FIN，以及最先确认每个 FIN 的报文段？每一帧只写一次，按抓包中的顺序。",
            )
        ),
        (
            Field(
                Said(Text("the frame numbers", "帧号")),
                Numbers(closing.frames, ordered=True),
                Said(why, values),
                closing.frames,
            ),
        ),
    )


def _three_or_four(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or (closing.ack.segment.length and not closing.rides):
        return None  # the first FIN was acknowledged by data: neither of the textbook's two pictures
    if closing.other_fin.segment.time - closing.ack.segment.time < 1000 and not closing.rides:
        return None  # they stand in the same microsecond: "later" could not be seen
    count = len(closing.parts)
    values = {
        "fin": closing.fin.segment.frame,
        "ack": closing.ack.segment.frame,
        "second": closing.other_fin.segment.frame,
        "other": SIDE[closing.other],
        "ms": f"{(closing.other_fin.segment.time - closing.ack.segment.time) / 1e6:.3f}",
        "since": f"{(closing.other_fin.segment.time - closing.fin.segment.time) / 1e6:.3f}",
    }
    if closing.rides:
        why = Text(
            "frame {second} is FIN,ACK: {other} closed {since} ms after the FIN in frame {fin}, before its kernel had acknowledged it, "
            "so one segment is both",
            "第 {second} 帧是 FIN,ACK：{other}在第 {fin} 帧的 FIN 之后 {since} ms 就关闭了，内核还没有单独确认，所以一个报文段兼作两者",
        )
        slip = Text(
            "textbooks draw four; here the second and the third are one segment, frame {second}",
            "教科书上画的是四个；这里第二个和第三个是同一个报文段，即第 {second} 帧",
        )
    else:
        why = Text(
            "frame {ack} acknowledges the FIN of frame {fin} by itself; the FIN of {other}, frame {second}, came {ms} ms later",
            "第 {ack} 帧单独确认了第 {fin} 帧的 FIN；{other}的 FIN（第 {second} 帧）又过了 {ms} ms 才到",
        )
        slip = Text(
            "frame {ack} and frame {second} are two segments here: the ACK did not ride on the FIN",
            "这里第 {ack} 帧和第 {second} 帧是两个报文段：ACK 没有由 FIN 捎带",
        )
    reasons = [
        Bilingual(
            "the other side's program closed before its kernel had sent an ACK, and the ACK rides on its FIN",
            "另一方的程序在内核发出 ACK 之前就关闭了，ACK 由它的 FIN 捎带",
        ),
        Bilingual(
            "the other side's kernel acknowledged the FIN by itself, and its program closed later",
            "另一方的内核先单独确认了 FIN，它的程序之后才关闭",
        ),
        Bilingual("one of the segments was lost and never sent again", "有一个报文段丢失了，而且没有重传"),
        Bilingual("every TCP connection is closed with exactly this many", "每个 TCP 连接关闭时都恰好是这么多个"),
    ]
    shuffled = lot.shuffled(reasons)
    return Asked(
        Said(
            Text(
                "How many segments did the teardown take (both FINs and what acknowledges each, each segment once), and why so many?",
                "连接的关闭用了多少个报文段（两个 FIN，以及确认它们的报文段，每个只算一次）？为什么是这么多？",
            )
        ),
        (
            Field(
                Said(Text("how many segments", "报文段的个数")),
                Whole(count, ((7 - count, Said(slip, values)),)),
                Said(why, values),
                closing.frames,
            ),
            choice(
                Said(Text("why so many", "为什么是这么多")),
                shuffled,
                shuffled.index(reasons[0] if closing.rides else reasons[1]),
                Said(why, values),
                closing.frames,
            ),
        ),
    )


def _second_fin(facts: Facts, lot: Lot) -> Asked | None:
    closing = closing_of(facts)
    if closing is None or closing.other_fin.segment.length:
        return None  # with data in front of it, the FIN's number is not the segment's
    fin = closing.other_fin
    frame, seq, ack = fin.segment.frame, fin.seq, fin.ack
    if ack is None:
        return None
    values = {
        "frame": frame,
        "first": closing.fin.segment.frame,
        "seq": seq,
        "ack": ack,
        "bytes": seq - 1,
        "side": SIDE[closing.other],
        "other": SIDE[closing.first],
        "number": ack - 1,
    }
    first = Said(Text("frame {first} is the first FIN", "第 {first} 帧是第一个 FIN"), values)
    swapped = Said(Text("this is the other one: seq and ack are swapped", "填反了：这是另一个，seq 和 ack 对调了"))
    off = Said(
        Text("the first FIN counts too: it takes up one number", "第一个 FIN 也要算进去：它占用一个序号"),
    )
    return Asked(
        Said(
            Text(
                "Find the second FIN. Which relative sequence and acknowledgment numbers does it have?",
                "请找到第二个 FIN。它的序号和确认号（相对值）各是多少？",
            )
        ),
        (
            Field(
                Said(Text("its frame number", "帧号")),
                Whole(frame, ((closing.fin.segment.frame, first),)),
                Said(
                    Text(
                        "the first FIN is in frame {first}; {side} sent the second one in frame {frame}",
                        "第一个 FIN 在第 {first} 帧；{side}在第 {frame} 帧发出第二个",
                    ),
                    values,
                ),
                (frame,),
            ),
            Field(
                Said(Text("its sequence number, relative", "它的序号（相对值）")),
                Whole(seq, ((ack, swapped), (fin.segment.seq, RAW))),
                Said(
                    Text(
                        "frame {frame} has seq={seq}: {side} had sent {bytes} bytes, which are numbered from 1",
                        "第 {frame} 帧的 seq={seq}：{side}已经发送了 {bytes} 个字节，从 1 开始编号",
                    ),
                    values,
                ),
                (frame,),
            ),
            Field(
                Said(Text("its acknowledgment number, relative", "它的确认号（相对值）")),
                Whole(ack, ((seq, swapped), (ack - 1, off), (fin.segment.ack, RAW))),
                Said(
                    Text(
                        "frame {frame} has ack={ack}: {other}'s FIN in frame {first} has the number {number}, and the next one is expected",
                        "第 {frame} 帧的 ack={ack}：第 {first} 帧中{other}的 FIN 序号是 {number}，期望的是下一个",
                    ),
                    values,
                ),
                (closing.fin.segment.frame, frame),
            ),
        ),
    )


KINDS = (
    Kind(
        "closes-first",
        Text("Who closes first", "谁先关闭"),
        Text("Which side sent the first FIN, and in which frame.", "哪一方发出第一个 FIN，在哪一帧。"),
        TEARDOWN,
        _closes_first,
    ),
    Kind(
        "fin-acknowledged",
        Text("What acknowledges the first FIN", "谁确认了第一个 FIN"),
        Text(
            "The frame that acknowledges the first FIN, its acknowledgment number, and why it is one more.",
            "确认第一个 FIN 的帧、它的确认号，以及为什么加一。",
        ),
        TEARDOWN,
        _acknowledged,
    ),
    Kind(
        "teardown-frames",
        Text("The frames of the teardown", "关闭连接的各帧"),
        Text("Both FINs and what acknowledges each, by frame number.", "两个 FIN 以及确认它们的报文段的帧号。"),
        TEARDOWN,
        _frames,
    ),
    Kind(
        "three-or-four",
        Text("Three segments or four", "三个还是四个报文段"),
        Text("How many segments the teardown took, and why so many.", "关闭连接用了多少个报文段，为什么。"),
        TEARDOWN,
        _three_or_four,
    ),
    Kind(
        "second-fin",
        Text("The numbers of the second FIN", "第二个 FIN 的序号与确认号"),
        Text(
            "The relative sequence and acknowledgment numbers of the second FIN.", "第二个 FIN 的相对序号和相对确认号。"
        ),
        TEARDOWN,
        _second_fin,
    ),
)
