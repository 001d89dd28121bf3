"""Questions about one heartbeat and its answer: what the answer acknowledges, its length, its number."""

from __future__ import annotations

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Numbers, Whole
from wirelab.judge.questions.asking import Asked, Field, Kind, choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.heartbeats import NEEDS, draw_pair, number_group, pair_values
from wirelab.judge.questions.phrases import RAW
from wirelab.judge.questions.written import acknowledging, numbered, slips
from wirelab.judge.verdict import Said


def _acknowledged(facts: Facts, lot: Lot) -> Asked | None:
    one = draw_pair(facts, lot) if numbered(facts) else None
    if one is None or one.answered.ack != one.beat.question.end + 1:  # else it acknowledges more, or less
        return None
    values, ack = pair_values(one), one.answered.ack
    first, last = one.beat.question.start + 1, one.beat.question.end
    why = Said(
        Text(
            "the heartbeat in frame {frame} has the bytes {first} to {last}; its answer in frame {answer} has the acknowledgment "
            "number {ack}: the next byte that {other} expects",
            "第 {frame} 帧的心跳占第 {first} 到 {last} 号字节；第 {answer} 帧的应答确认号是 {ack}：{other}期望的下一个字节",
        ),
        values,
    )
    return Asked(
        Said(
            Text(
                "Which relative acknowledgment number has the segment in which {other} answers the heartbeat {beat}, and which bytes "
                "of {asker} are those of this heartbeat, which it acknowledges?",
                "{other}应答心跳{beat}的那个报文段，相对确认号是多少？它所确认的这个心跳，占{asker}的哪些字节？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the relative acknowledgment number", "相对确认号")),
                Whole(
                    ack,
                    slips(
                        ack,
                        (one.answered.segment.ack, RAW),
                        (
                            last,
                            Said(
                                Text(
                                    "this is the heartbeat's last byte; an ACK names the next one expected",
                                    "这是心跳的最后一个字节；确认号是期望收到的下一个字节",
                                )
                            ),
                        ),
                        (
                            one.answered.seq,
                            Said(Text("this is the answer's own sequence number", "这是应答自己的序号")),
                        ),
                    ),
                ),
                why,
                one.frames,
            ),
            Field(
                Said(
                    Text(
                        "relative numbers of the heartbeat's first and last byte", "心跳第一个和最后一个字节的相对序号"
                    )
                ),
                Numbers((first, last), ordered=True),
                why,
                one.frames,
            ),
        ),
    )


def _lengths(facts: Facts, lot: Lot) -> Asked | None:
    one = draw_pair(facts, lot)
    if one is None or one.asked.segment.length == one.answered.segment.length:
        return None
    both = [
        message for each in facts.pairing.exchanges for message in (each.question, each.answer) if message is not None
    ]
    total = sum(message.end - message.start for message in both)
    values = {
        **pair_values(one),
        "said": one.beat.question.text,
        "replied": one.answer.text,
        "total": total,
        "count": len(both),
    }
    asked, answered = one.asked.segment.length, one.answered.segment.length
    right = Bilingual("the two texts have different lengths", "两段文字的长度不同")
    options = lot.shuffled(
        [
            right,
            Bilingual("the acknowledgment number stands in the payload of the answer", "应答的数据部分里有确认号"),
            Bilingual("the two sides have TCP headers of different lengths", "双方的 TCP 首部长度不同"),
            Bilingual("TCP fills up short segments", "TCP 会把短的报文段补长"),
        ]
    )
    why = Said(
        Text(
            "frame {frame} carries `{said}`, {asked} bytes with its framing; frame {answer} carries `{replied}`, {answered} bytes",
            "第 {frame} 帧携带 `{said}`，连同分帧共 {asked} 字节；第 {answer} 帧携带 `{replied}`，{answered} 字节",
        ),
        values,
    )
    swapped = Said(Text("this is the other one of the two", "这是两者中的另一个"))
    delimiter = Said(
        Text(
            "these are the characters that can be read; what marks the message's bounds counts as well",
            "这是看得见的字符数；标明消息边界的字节也要算",
        )
    )
    return Asked(
        Said(
            Text(
                "How many bytes of payload has the segment with the heartbeat {beat}, and how many the one with its answer? Why do "
                "they differ? And how many bytes of payload do all heartbeats and answers of this connection take together?",
                "携带心跳{beat}的报文段有多少字节的数据？携带应答的报文段呢？为什么不同？本连接中所有心跳和应答一共占多少字节的数据？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the heartbeat's payload, bytes", "心跳的数据长度（字节）")),
                Whole(asked, slips(asked, (answered, swapped), (len(one.beat.question.text), delimiter))),
                why,
                one.frames,
            ),
            Field(
                Said(Text("the answer's payload, bytes", "应答的数据长度（字节）")),
                Whole(answered, slips(answered, (asked, swapped), (len(one.answer.text), delimiter))),
                why,
                one.frames,
            ),
            choice(Said(Text("why they differ", "为什么不同")), options, options.index(right), why, one.frames),
            Field(
                Said(Text("all heartbeats and answers together, bytes", "所有心跳和应答合计（字节）")),
                Whole(total),
                Said(
                    Text(
                        "the {count} heartbeats and answers of the connection have {total} bytes with their framing",
                        "本连接的 {count} 个心跳和应答连同分帧共 {total} 字节",
                    ),
                    values,
                ),
                tuple(dict.fromkeys(frame for message in both for frame in message.frames)),
            ),
        ),
    )


def _piggyback(facts: Facts, lot: Lot) -> Asked | None:
    one = draw_pair(facts, lot) if numbered(facts) else None
    ack = None if one is None else acknowledging(facts, one.asked.sender, one.beat.question.end)
    if one is None or ack is None or not one.frames[0] < ack.segment.frame <= one.frames[1] or ack.segment.fin:
        return None
    values = {**pair_values(one), "first": ack.segment.frame}
    ways = (
        Bilingual(
            "alone, in a segment without data before the answer", "单独发送：在应答之前，放在一个不带数据的报文段里"
        ),
        Bilingual("with the answer, in the same segment", "与应答一起，在同一个报文段里"),
        Bilingual("with other data, before the answer", "与别的数据一起，在应答之前"),
    )
    if ack is one.answered:
        right = 1
        why = Text(
            "the first segment to acknowledge the heartbeat of frame {frame} is the answer itself, frame {answer}: the kernel held "
            "the ACK back until there was data to send it with (delayed ACK)",
            "最先确认第 {frame} 帧心跳的就是应答本身（第 {answer} 帧）：内核推迟了 ACK，直到有数据可以一起发送（延迟确认）",
        )
    elif ack.segment.length:
        right = 2
        why = Text(
            "frame {first} carries data and is the first to acknowledge the heartbeat of frame {frame}; the answer follows in frame "
            "{answer}",
            "第 {first} 帧带有数据，最先确认了第 {frame} 帧的心跳；应答随后在第 {answer} 帧",
        )
    else:
        right = 0
        why = Text(
            "frame {first} carries no data and acknowledges the heartbeat of frame {frame}; the answer follows in frame {answer}: "
            "the kernel acknowledges, the program answers",
            "第 {first} 帧不带数据，确认了第 {frame} 帧的心跳；应答随后在第 {answer} 帧：确认由内核发出，应答由程序发出",
        )
    options = lot.shuffled(ways)
    frames = tuple(dict.fromkeys((one.frames[0], ack.segment.frame, one.frames[1])))
    later = Said(
        Text(
            "the answer acknowledges it too, but frame {first} did so before",
            "应答也确认了它，但第 {first} 帧更早",
        ),
        values,
    )
    itself = Said(Text("this is the heartbeat itself", "这是心跳本身"))
    return Asked(
        Said(
            Text(
                "Which frame is the first to acknowledge the heartbeat {beat} (TCP's acknowledgment), and did this ACK travel alone?",
                "最先（在 TCP 层）确认心跳{beat}的是哪一帧？这个 ACK 是单独发送的吗？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the frame that acknowledges it first", "最先确认它的帧号")),
                Whole(
                    ack.segment.frame,
                    slips(ack.segment.frame, (one.frames[1], later), (one.frames[0], itself)),
                ),
                Said(why, values),
                frames,
            ),
            choice(
                Said(Text("how that ACK travelled", "这个 ACK 是怎样发送的")),
                options,
                options.index(ways[right]),
                Said(why, values),
                frames,
            ),
        ),
    )


def _number(facts: Facts, lot: Lot) -> Asked | None:
    one = draw_pair(facts, lot)
    if one is None or number_group(facts) is None:
        return None
    values = pair_values(one)
    right = Bilingual(
        "so that whoever asked can tell which heartbeat is answered, even if an answer is late or missing",
        "这样发出心跳的一方才知道应答的是哪一个心跳，即使有应答迟到或缺失",
    )
    options = lot.shuffled(
        [
            right,
            Bilingual("because TCP requires it: it is the acknowledgment number", "TCP 要求这样：它就是确认号"),
            Bilingual(
                "so that TCP can put segments that overtook each other in order", "这样 TCP 才能把乱序的报文段排好"
            ),
            Bilingual("so that the kernel can send a lost heartbeat again", "这样内核才能重传丢失的心跳"),
        ]
    )
    why = Said(
        Text(
            "frame {frame} carries {beat}, and its answer in frame {answer} carries {n} as well: TCP has numbers of its own, these are "
            "the programs'",
            "第 {frame} 帧携带{beat}，第 {answer} 帧的应答也带着 {n}：TCP 有自己的序号，这是程序之间的编号",
        ),
        values,
    )
    ack = Said(Text("this is TCP's acknowledgment number; look into the payload", "这是 TCP 的确认号；请看数据部分"))
    return Asked(
        Said(
            Text(
                "Frame {frame} carries a heartbeat. Which number does the answer to it carry in its payload, and why is it the "
                "heartbeat's?",
                "第 {frame} 帧携带一个心跳。对它的应答在数据部分里带着哪个编号？为什么与心跳的编号相同？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the number in the answer", "应答中的编号")),
                Whole(
                    one.beat.number,
                    slips(
                        one.beat.number,
                        (one.answered.ack or 0, ack),
                        (one.frames[1], Said(Text("this is the answer's frame number", "这是应答的帧号"))),
                    ),
                ),
                why,
                one.frames,
            ),
            choice(
                Said(Text("why it is the heartbeat's number", "为什么与心跳的编号相同")),
                options,
                options.index(right),
                why,
                one.frames,
            ),
        ),
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "heartbeat-acknowledged",
        Text("What an answer acknowledges", "应答确认了什么"),
        Text(
            "The acknowledgment number of a certain answer's segment, and the bytes of the heartbeat.",
            "某个应答报文段的确认号，以及心跳所占的字节。",
        ),
        NEEDS,
        _acknowledged,
    ),
    Kind(
        "heartbeat-lengths",
        Text("The lengths of a heartbeat and its answer", "心跳和应答的长度"),
        Text(
            "The payload of a certain heartbeat and of its answer, why they differ, and all of them together.",
            "某个心跳和它的应答的数据长度、为什么不同，以及全部合计。",
        ),
        NEEDS,
        _lengths,
    ),
    Kind(
        "heartbeat-piggyback",
        Text("How a heartbeat is acknowledged", "心跳怎样得到确认"),
        Text(
            "The first frame to acknowledge a heartbeat, and whether that ACK travels alone or with data.",
            "最先确认某个心跳的帧，以及这个 ACK 是单独发送还是与数据一起。",
        ),
        NEEDS,
        _piggyback,
    ),
    Kind(
        "heartbeat-number",
        Text("The number in the answer", "应答中的编号"),
        Text(
            "The number that the answer to a heartbeat carries, and why it is the heartbeat's.",
            "某个心跳的应答带着什么编号，以及为什么与心跳相同。",
        ),
        Text(
            "heartbeats that bear numbers, with answers in segments of their own",
            "带编号的心跳，其应答单独放在一个报文段里",
        ),
        _number,
    ),
)
