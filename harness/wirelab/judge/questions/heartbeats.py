"""Questions about heartbeats and their answers: whatever the profile says is answered by something else."""

from __future__ import annotations

from dataclasses import dataclass

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Time, Whole
from wirelab.judge.questions.asking import Asked, Field, Kind
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.questions.phrases import SIDE
from wirelab.judge.questions.written import acknowledging, alone, carrier, numbered, quotable, slips, whole
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Noted, Side
from wirelab.observe.messages import Message

NEEDS = Text(
    "heartbeats and their answers, each whole in one segment, with nothing sent twice",
    "心跳及其应答，各自完整地放在一个报文段里，并且没有重传",
)
_READABLE = 2000  # nanoseconds that a reader of a capture can tell apart


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat, with its answer if it got one. ``number`` is the one it bears, or its place if it bears none."""

    place: int
    number: int
    name: Bilingual  # what a question calls it
    question: Message
    answer: Message | None

    @property
    def delay(self) -> int:
        """Nanoseconds from the heartbeat to its answer."""
        return 0 if self.answer is None else self.answer.time - self.question.time


@dataclass(frozen=True, slots=True)
class Pair:
    """An answered heartbeat of which both parts came whole in one segment each."""

    beat: Beat
    asked: Noted
    answered: Noted
    answer: Message

    @property
    def frames(self) -> tuple[int, int]:
        """The frames of the heartbeat and of its answer."""
        return self.asked.segment.frame, self.answered.segment.frame

    @property
    def apart(self) -> bool:
        """Whether neither shares its segment with anything else."""
        return alone(self.asked, self.beat.question) and alone(self.answered, self.answer)


def number_group(facts: Facts) -> str | None:
    """The group that heartbeats are numbered by, if any."""
    kind = facts.pairing.exchanges[0].question.kind
    return next((spec.by for spec in facts.profile.messages if spec.answers == kind), None)


def _doubtful(facts: Facts, message: Message) -> bool:
    """Whether somebody may count what is no proper message as a heartbeat or an answer: it is like one, or begins so."""
    if message.kind is not None and message.problem is None:
        return False
    asked = {spec.answers for spec in facts.profile.messages}
    heads = [spec.head for spec in facts.profile.messages if spec.answers is not None or spec.name in asked]
    return any(head.strip() in message.text or head.startswith(message.text) for head in heads)


def _beats(facts: Facts) -> list[Beat]:
    """All heartbeats; none where it is not plain which answer belongs to which: answers too many, numbers used twice,
    heartbeats of several kinds, or without numbers and not all answered."""
    pairing = facts.pairing
    if not whole(facts) or not pairing.exchanges or pairing.unsolicited or pairing.repeated:
        return []
    if len({one.question.kind for one in pairing.exchanges}) > 1 or any(
        _doubtful(facts, one) for one in facts.messages
    ):
        return []
    by, beats = number_group(facts), []
    for place, one in enumerate(pairing.exchanges, 1):
        borne = one.question.groups.get(by, "") if by is not None else str(place)
        if not (borne.isascii() and borne.isdigit() and len(borne) < 10 and quotable(one.question.text)):
            return []
        name = Bilingual(f"number {place} (counted from the first)", f"（从头数起第 {place} 个）")
        if by is not None:
            name = Bilingual(f"`{one.question.text}`", f" `{one.question.text}`")
        beats.append(Beat(place, int(borne), name, one.question, one.answer))
    if len({one.number for one in beats}) < len(beats) or (by is None and any(one.answer is None for one in beats)):
        return []
    return beats


def _pairs(facts: Facts, beats: list[Beat]) -> list[Pair]:
    """The answered heartbeats that came whole in one segment, as did their answers."""
    found = []
    for beat in beats:
        if beat.answer is None:
            continue
        asked, answered = carrier(facts, beat.question), carrier(facts, beat.answer)
        if asked is not None and answered is not None:
            found.append(Pair(beat, asked, answered, beat.answer))
    return found


def draw_pair(facts: Facts, lot: Lot) -> Pair | None:
    """One answered heartbeat with segments of its own."""
    found = [one for one in _pairs(facts, _beats(facts)) if one.apart]
    return lot.draw(found) if found else None


def pair_values(one: Pair) -> dict[str, object]:
    asker = one.beat.question.sender
    other: Side = "server" if asker == "client" else "client"
    return {
        "beat": one.beat.name,
        "n": one.beat.number,
        "frame": one.frames[0],
        "answer": one.frames[1],
        "asker": SIDE[asker],
        "other": SIDE[other],
        "ack": one.answered.ack or 0,
        "first": one.beat.question.start + 1,
        "last": one.beat.question.end,
        "asked": one.asked.segment.length,
        "answered": one.answered.segment.length,
    }


def _frames(facts: Facts, lot: Lot) -> Asked | None:
    found = _pairs(facts, _beats(facts))
    if not found:
        return None
    one = lot.draw(found)
    values = pair_values(one)
    why = Said(
        Text(
            "the heartbeat {beat} is in frame {frame}, its answer in frame {answer}",
            "心跳{beat}在第 {frame} 帧，它的应答在第 {answer} 帧",
        ),
        values,
    )
    ack = acknowledging(facts, one.asked.sender, one.beat.question.end) if numbered(facts) else None
    wrong = [(one.frames[0], Said(Text("this is the heartbeat itself", "这是心跳本身")))]
    if ack is not None:
        kernel = Text(
            "this frame is TCP's acknowledgment, from the kernel; the program's answer is data",
            "这一帧是内核发出的 TCP 确认；程序的应答是数据",
        )
        wrong.append((ack.segment.frame, Said(kernel)))
    swapped = Said(Text("this is its answer", "这是它的应答"))
    return Asked(
        Said(
            Text(
                "In which frame does {asker} send the heartbeat {beat}, and in which one is it answered?",
                "{asker}在哪一帧发送了心跳{beat}？它的应答在哪一帧？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the frame of the heartbeat", "心跳所在的帧号")),
                Whole(one.frames[0], slips(one.frames[0], (one.frames[1], swapped))),
                why,
                one.frames,
            ),
            Field(
                Said(Text("the frame of its answer", "应答所在的帧号")),
                Whole(one.frames[1], slips(one.frames[1], *wrong)),
                why,
                one.frames,
            ),
        ),
    )


def _count(facts: Facts, lot: Lot) -> Asked | None:
    beats = _beats(facts)
    if not beats:
        return None
    sent, answered = len(beats), sum(one.answer is not None for one in beats)
    first, last = beats[0].question, beats[-1].question
    values: dict[str, object] = {
        "sent": sent,
        "answered": answered,
        "first": first.frames[-1],
        "last": last.frames[-1],
        "asker": SIDE[first.sender],
    }
    why = Said(
        Text(
            "from frame {first} to frame {last} {asker} sent {sent} heartbeats, and {answered} of them got an answer",
            "从第 {first} 帧到第 {last} 帧，{asker}发送了 {sent} 个心跳，其中 {answered} 个得到了应答",
        ),
        values,
    )
    frames = tuple(dict.fromkeys(frame for one in beats for frame in one.question.frames))
    both = Said(Text("this counts the answers as well", "这把应答也算进去了"))
    left = Said(Text("this counts only the answered ones", "这只算了得到应答的"))
    every = Said(Text("not every heartbeat was answered", "并不是每个心跳都得到了应答"))
    return Asked(
        Said(
            Text(
                "How many heartbeats did {asker} send in this connection, and how many of them were answered?",
                "{asker}在这个连接中发送了多少个心跳？其中多少个得到了应答？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("heartbeats sent", "发送的心跳数")),
                Whole(sent, slips(sent, (sent + answered, both), (answered, left))),
                why,
                frames,
            ),
            Field(
                Said(Text("heartbeats answered", "得到应答的心跳数")),
                Whole(answered, slips(answered, (sent, every))),
                why,
                frames,
            ),
        ),
    )


def _interval(facts: Facts, lot: Lot) -> Asked | None:
    beats = _beats(facts)
    if len(beats) < 3 or any(len(one.question.frames) > 1 for one in (beats[0], beats[-1])):
        return None
    first, last, count = beats[0].question, beats[-1].question, len(beats) - 1
    took = last.time - first.time
    average = round(took / count)
    if average < _READABLE:
        return None
    values: dict[str, object] = {
        "first": first.frames[0],
        "last": last.frames[0],
        "count": count,
        "beats": len(beats),
        "took": f"{took / 1e9:.6f}",
        "average": f"{average / 1e9:.6f}",
        "asker": SIDE[first.sender],
    }
    why = Said(
        Text(
            "from frame {first} to frame {last} it is {took} s, with {count} intervals between {beats} heartbeats: "
            "{took} s / {count} = {average} s",
            "第 {first} 帧到第 {last} 帧相隔 {took} s，{beats} 个心跳之间有 {count} 个间隔：{took} s / {count} = {average} s",
        ),
        values,
    )
    frames = (first.frames[0], last.frames[0])
    posts = Text(
        "{beats} heartbeats have {count} intervals between them, not {beats}",
        "{beats} 个心跳之间只有 {count} 个间隔，不是 {beats} 个",
    )
    unit = Text(
        "this is the time from the first to the last; divide it", "这是从第一个到最后一个的总时间，还要除以间隔数"
    )
    return Asked(
        Said(
            Text(
                "How many intervals lie between the first heartbeat of {asker} in this connection and the last one, and how long are "
                "they on average?",
                "{asker}在这个连接中的第一个心跳和最后一个心跳之间有多少个间隔？平均间隔多长？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("intervals", "间隔数")),
                Whole(count, slips(count, (len(beats), Said(posts, values)))),
                why,
                frames,
            ),
            Field(
                Said(Text("average interval in s", "平均间隔（s）")),
                Time(average, "s", ((round(took / len(beats)), Said(posts, values)), (took, Said(unit)))),
                why,
                frames,
            ),
        ),
    )


def _slowest(facts: Facts, lot: Lot) -> Asked | None:
    beats = [one for one in _beats(facts) if one.answer is not None]
    found = sorted(_pairs(facts, beats), key=lambda one: one.beat.delay, reverse=True)
    if len(found) < 2 or len(found) < len(beats):  # in pieces: nobody says from which byte to which
        return None
    one, second = found[0], found[1]
    delay = one.beat.delay
    if found[-1].beat.delay < 0 or delay < _READABLE:
        return None
    # Nobody can tell those apart that took nearly as long: any of them is right.
    near = [other for other in found[1:] if delay - other.beat.delay < max(_READABLE, 0.05 * delay)]
    values = {
        **pair_values(one),
        "ms": f"{delay / 1e6:.3f}",
        "second": f"{second.beat.delay / 1e6:.3f}",
        "frames": f"{second.frames[0]}, {second.frames[1]}",
    }
    why = Said(
        Text(
            "frame {frame} was answered in frame {answer} after {ms} ms; the next slowest (frames {frames}) took {second} ms",
            "第 {frame} 帧的心跳在第 {answer} 帧得到应答，用了 {ms} ms；其次慢的（第 {frames} 帧）用了 {second} ms",
        ),
        values,
    )
    wrong = [(found[-1].beat.delay, Said(Text("this is the fastest answer", "这是最快的应答")))]
    ack = acknowledging(facts, one.asked.sender, one.beat.question.end) if numbered(facts) else None
    if ack is not None and ack.segment.frame not in one.frames:
        kernel = Text(
            "this is the time up to TCP's acknowledgment in frame {ack}; the program's answer came later",
            "这只是到第 {ack} 帧 TCP 确认为止的时间；程序的应答更晚",
        )
        wrong.append((ack.segment.time - one.beat.question.time, Said(kernel, {"ack": ack.segment.frame})))
    numbers = [
        (found[-1].beat.number, Said(Text("this one was answered fastest", "这是应答最快的一个"))),
        (one.frames[0], Said(Text("this is its frame; its number is asked for", "这是它的帧号；这里要填心跳的编号"))),
    ]
    if number_group(facts) is not None:
        place = Text(
            "this is its place in the capture; the number it carries is asked for", "这是它的次序；要填它携带的编号"
        )
        numbers.append((one.beat.place, Said(place)))
    return Asked(
        Said(
            Text(
                "Which heartbeat of {asker} took longest to be answered, and how long, from the heartbeat's frame to the answer's?",
                "{asker}的哪一个心跳最晚才得到应答？从心跳所在的帧到应答所在的帧用了多长时间？",
            ),
            values,
        ),
        (
            Field(
                Said(Text("the heartbeat's number", "心跳的编号"))
                if number_group(facts) is not None
                else Said(Text("the heartbeat's place, counted from 1", "心跳的次序（从 1 数起）")),
                Whole(one.beat.number, slips(one.beat.number, *numbers), tuple(each.beat.number for each in near)),
                why,
                one.frames,
            ),
            Field(
                Said(Text("time until its answer in ms", "到应答为止的时间（ms）")),
                Time(delay, "ms", tuple(wrong), tuple(each.beat.delay for each in near)),
                why,
                one.frames,
            ),
        ),
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "heartbeat-frames",
        Text("A heartbeat and its answer", "一个心跳及其应答"),
        Text(
            "The frame of a certain heartbeat, and the frame of its answer.", "某个心跳所在的帧，以及它的应答所在的帧。"
        ),
        NEEDS,
        _frames,
    ),
    Kind(
        "heartbeat-count",
        Text("How many heartbeats", "有多少个心跳"),
        Text("How many heartbeats were sent, and how many answered.", "发送了多少个心跳，其中多少个得到了应答。"),
        Text("heartbeats, with nothing sent twice", "心跳，并且没有重传"),
        _count,
    ),
    Kind(
        "heartbeat-interval",
        Text("The time between heartbeats", "心跳的间隔"),
        Text("The number of intervals between heartbeats, and their average.", "心跳之间的间隔数，以及平均间隔。"),
        Text("at least three heartbeats, with nothing sent twice", "至少三个心跳，并且没有重传"),
        _interval,
    ),
    Kind(
        "slowest-answer",
        Text("The slowest answer", "最慢的应答"),
        Text("Which heartbeat took longest to be answered, and how long.", "哪个心跳最晚才得到应答，用了多长时间。"),
        Text(
            "at least two answered heartbeats, one of them clearly answered slowest",
            "至少两个得到应答的心跳，其中一个明显应答得最慢",
        ),
        _slowest,
    ),
)
