"""Captures that show what TCP can do, written as dialogues: what real runs of programs show seldom, or never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.frames import LINKS, frame, frames
from tests.wire import MILLISECOND, START, dialogue
from wirelab.observe.segments import ETHERNET, RAW_IP, Endpoint, Packet, Segment

HELLO = "c > s SYN\ns > c SYN,ACK\nc > s ACK\n"
TALK = HELLO + 'c > s "MSG hi\\n"\ns > c ACK\ns > c "HEARTBEAT 1\\n"\nc > s "HEARTBEAT-ACK 1\\n"\ns > c ACK\n'
BYE = "c > s FIN\ns > c FIN\nc > s ACK\n"
IPV6 = {"c": Endpoint("2001:db8::7", 40000), "s": Endpoint("::1", 12001)}
NEARLY_WRAPPED = {"c": 2**32 - 4, "s": 2**32 - 12}

# A reset, sent in each of the states of RFC 9293, 3.3.2, by the side that is in it.
_RESETS = {
    "syn-sent, by the server (refused)": "c > s SYN\ns > c RST,ACK seq=0 ack=1\n",
    "syn-sent, by the client": "c > s SYN\nc > s RST seq=1\n",
    "syn-received, by the client": "c > s SYN\ns > c SYN,ACK\nc > s RST seq=1\n",
    "syn-received, by the server": "c > s SYN\ns > c SYN,ACK\ns > c RST,ACK\n",
    "established, by the client": TALK + "c > s RST,ACK\n",
    "established, by the server": TALK + "s > c RST,ACK\n",
    "fin-wait-1": TALK + "c > s FIN\nc > s RST\n",
    "fin-wait-2": TALK + "c > s FIN\ns > c ACK\nc > s RST\n",
    "fin-wait-2, at data": TALK + 'c > s FIN\ns > c ACK\ns > c "late\\n"\nc > s RST\n',
    "close-wait": TALK + "c > s FIN\ns > c ACK\ns > c RST,ACK\n",
    "closing": TALK + "c > s FIN lost\ns > c FIN lost\nc > s RST\n",
    "last-ack": TALK + "c > s FIN\ns > c FIN\ns > c RST,ACK\n",
    "time-wait": TALK + BYE + 's > c "late\\n"\nc > s RST\n',
    "one after the other": TALK + 'c > s RST,ACK\ns > c "late\\n"\nc > s RST\n',
    "with a text in it": TALK + 'c > s RST,ACK "no more"\n',
}

_DIALOGUES = {
    "three segments": TALK + BYE,
    "four segments": TALK + "c > s FIN\ns > c ACK\ns > c FIN +600ms\nc > s ACK\n",
    "the server first": TALK + "s > c FIN\nc > s FIN\ns > c ACK\n",
    "half-closed": TALK + 'c > s FIN\ns > c ACK\ns > c "BROADCAST late\\n"\nc > s ACK\ns > c FIN\nc > s ACK\n',
    "a FIN with data": TALK + 'c > s FIN "MSG last\\n"\ns > c FIN "BROADCAST last\\n"\nc > s ACK\n',
    "only one FIN": TALK + "c > s FIN\ns > c ACK\n",
    "left open": TALK,
    "nothing said": HELLO + BYE,
    "both close at once": TALK + "c > s FIN lost\ns > c FIN lost\nc > s ACK ack=14\ns > c ACK ack=25\n",
    "both open at once": "c > s SYN lost\ns > c SYN lost\nc > s SYN,ACK ack=1\ns > c SYN,ACK ack=1\n" + BYE,
    "first FIN lost": TALK + "c > s FIN lost\nc > s FIN seq=24 +207ms\ns > c FIN\nc > s ACK\n",
    "second FIN lost": TALK + "c > s FIN\ns > c ACK\ns > c FIN lost\ns > c FIN seq=13 +207ms\nc > s ACK\n",
    "last ACK lost": TALK + "c > s FIN\ns > c FIN\nc > s ACK lost\ns > c FIN seq=13 +207ms\nc > s ACK\n",
    "a FIN with data lost": TALK + 'c > s FIN "bye\\n" lost\nc > s FIN "bye\\n" seq=24 +207ms\ns > c FIN\nc > s ACK\n',
    "SYN lost": "c > s SYN lost\nc > s SYN +1000ms\ns > c SYN,ACK\nc > s ACK\n" + BYE,
    "SYN,ACK lost": "c > s SYN\ns > c SYN,ACK lost\nc > s SYN +1000ms\ns > c SYN,ACK\nc > s ACK\n" + BYE,
    "handshake's ACK lost": "c > s SYN\ns > c SYN,ACK\nc > s ACK lost\ns > c SYN,ACK +1000ms\nc > s ACK\n" + BYE,
    "handshake's ACK with data": 'c > s SYN\ns > c SYN,ACK\nc > s "MSG hi\\n"\ns > c ACK\n' + BYE,
    "nobody answers": "c > s SYN lost\nc > s SYN lost +1000ms\nc > s SYN lost +2000ms\n",
    "half-open": TALK + 'c > s "MSG hi\\n" +9000ms\ns > c RST seq=13\n',
    "half-open, after a restart": TALK
    + "c > s SYN seq=900000 +9000ms\ns > c ACK seq=13 ack=24\nc > s RST seq=24\nc > s SYN seq=900000 +1000ms\n"
    + "s > c SYN,ACK seq=70000 ack=900001\nc > s ACK seq=900001 ack=70001\n",
    "the same ports again": TALK + BYE + "c > s SYN seq=900000 +9000ms\ns > c SYN,ACK seq=70000 ack=900001\n"
    "c > s ACK seq=900001 ack=70001\nc > s FIN seq=900001 ack=70001\ns > c FIN seq=70001 ack=900002\n"
    "c > s ACK seq=900002 ack=70002\n",
    "data lost": TALK + 'c > s "MSG gone\\n" lost\nc > s "MSG gone\\n" seq=24 +207ms\ns > c ACK\n' + BYE,
    "data lost twice": TALK
    + 'c > s "MSG gone\\n" lost\nc > s "MSG gone\\n" seq=24 lost +207ms\nc > s "MSG gone\\n" seq=24 +414ms\ns > c ACK\n'
    + BYE,
    "ACK lost": TALK + 'c > s "MSG hi\\n"\ns > c ACK lost\nc > s "MSG hi\\n" seq=24 +207ms\ns > c ACK\n' + BYE,
    "sent again at once after three duplicate ACKs": TALK
    + 'c > s "one\\n" lost\nc > s "two\\n"\ns > c ACK ack=24\nc > s "three\\n"\ns > c ACK ack=24\nc > s "four\\n"\n'
    + 's > c ACK ack=24\ns > c ACK ack=24\nc > s "one\\n" seq=24\ns > c ACK ack=43\n'
    + BYE,
    "sent again in other pieces": TALK
    + 'c > s "one\\n" lost\nc > s "two\\n" lost\nc > s "one\\ntwo\\n" seq=24 +207ms\ns > c ACK\n'
    + BYE,
    "sent again with more": TALK + 'c > s "one\\n" lost\nc > s "one\\ntwo\\n" seq=24 +207ms\ns > c ACK\n' + BYE,
    "out of order": TALK + 'c > s "second\\n" seq=30\nc > s "first\\n" seq=24\ns > c ACK ack=37\n' + BYE,
    "out of order, late": TALK + 'c > s "second\\n" seq=30\nc > s "first\\n" seq=24 +300ms\ns > c ACK ack=37\n' + BYE,
    "a segment is missing": TALK + 'c > s "second\\n" seq=30\ns > c ACK ack=37\n' + BYE,
    "FIN before data": TALK + 'c > s FIN seq=30\nc > s "first\\n" seq=24\ns > c FIN ack=31\nc > s ACK\n',
    "keep-alive without a byte": TALK
    + "c > s ACK seq=23 +5000ms\ns > c ACK\nc > s ACK seq=23 +5000ms\ns > c ACK\n"
    + BYE,
    "keep-alive with a byte": TALK + 'c > s "\\n" seq=23 +5000ms\ns > c ACK ack=24\n' + BYE,
    "keep-alive unanswered": TALK + "c > s ACK seq=23 +5000ms\nc > s ACK seq=23 +1000ms\nc > s RST,ACK +1000ms\n",
    "zero window": TALK
    + 'c > s "x" len=512\ns > c ACK win=0\nc > s ACK seq=535 +207ms\ns > c ACK win=0\nc > s ACK seq=535 +414ms\n'
    + 's > c ACK win=0\ns > c ACK win=512 +900ms\nc > s "y"\ns > c ACK\n'
    + BYE,
    "zero window, probed with a byte": TALK
    + 'c > s "x" len=512\ns > c ACK win=0\nc > s "y" seq=536 +5000ms\ns > c ACK win=0 ack=536\n'
    + 'c > s "y" seq=536 +5000ms\ns > c ACK win=512 ack=537\n'
    + BYE,
    "capture began in mid-stream": 'c > s "MSG hi\\n"\ns > c ACK\ns > c "HEARTBEAT 1\\n"\nc > s ACK\n' + BYE,
    "capture began at the close": BYE,
    "capture began after the SYN": "s > c SYN,ACK\nc > s ACK\n" + BYE,
    "capture began after the SYN,ACK": "c > s ACK\n" + BYE,
    "capture began with a RST": "c > s RST\n",
    "only what the client sends": 'c > s SYN\nc > s ACK ack=1\nc > s "MSG hi\\n"\nc > s FIN\nc > s ACK ack=2\n',
    "only what the server sends": "s > c SYN,ACK ack=1\ns > c ACK ack=8\ns > c FIN ack=9\n",
}


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A capture that was made up."""

    name: str
    linktype: int
    packets: tuple[Packet, ...]


def synthetic() -> list[Synthetic]:
    """All of them, by their names."""
    made = [Synthetic(name, RAW_IP, frames(dialogue(text))) for name, text in _DIALOGUES.items()]
    made += [Synthetic(f"RST in {name}", RAW_IP, frames(dialogue(text))) for name, text in _RESETS.items()]
    lost = _DIALOGUES["first FIN lost"]
    made += [Synthetic(f"link type {linktype}", linktype, frames(dialogue(lost), linktype)) for linktype in LINKS]
    made += [
        Synthetic(f"IPv6, link type {linktype}", linktype, frames(dialogue(lost, endpoints=IPV6), linktype))
        for linktype in LINKS
    ]
    segments = dialogue(lost)
    made.append(Synthetic("VLAN", ETHERNET, tuple(frame(segment, ETHERNET, vlan=7) for segment in segments)))
    made.append(Synthetic("cut by the snapshot length", RAW_IP, tuple(frame(item, keep=42) for item in segments)))
    for name in ("data lost", "out of order", "both close at once", "keep-alive without a byte", "half-closed"):
        wrapped = dialogue(_DIALOGUES[name], isn=NEARLY_WRAPPED)
        made.append(Synthetic(f"{name}, numbers wrap", RAW_IP, frames(wrapped)))
    twice = [packet for packet in frames(dialogue(TALK + BYE)) for _ in range(2)]
    made.append(Synthetic("every frame twice", RAW_IP, tuple(twice)))
    made.append(Synthetic("two at a time", RAW_IP, _woven(dialogue(lost), dialogue(_RESETS["close-wait"]))))
    return made


def disturbed(seed: int, count: int) -> tuple[Packet, ...]:
    """Many conversations, each one of the dialogues with up to three frames missing, doubled or swapped, in uneven time.

    Two kinds are left out that use the same ports twice: without its SYN, the second one is nonsense.
    """
    random = Random(seed)
    texts = [text for name, text in _DIALOGUES.items() if "again" not in name and "restart" not in name]
    texts += _RESETS.values()
    found: list[Segment] = []
    for number in range(count):
        segments = dialogue(random.choice(texts), endpoints={"c": Endpoint("127.0.0.1", 20000 + number)})
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(segments))
            match random.choice(("missing", "doubled", "doubled", "swapped")):
                case "missing" if len(segments) > 1:
                    del segments[at]
                case "doubled":
                    segments.insert(random.randint(at + 1, len(segments)), segments[at])
                case _:
                    segments[at : at + 2] = segments[at : at + 2][::-1]
        time = START + number * 100_000 * MILLISECOND
        for segment in segments:
            time += random.choice((1, 1, 1, 5, 50, 300)) * MILLISECOND
            found.append(replace(segment, time=time))
    return frames(found)


def _woven(one: Sequence[Segment], two: Sequence[Segment]) -> tuple[Packet, ...]:
    """Frames of two conversations by turns; the second one from another port."""
    other = Endpoint("127.0.0.1", 40077)
    moved = [
        replace(
            item, src=other if item.src.port == 40000 else item.src, dst=other if item.dst.port == 40000 else item.dst
        )
        for item in two
    ]
    return frames(sorted([*one, *moved], key=lambda item: item.time))
