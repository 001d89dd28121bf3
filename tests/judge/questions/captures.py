"""Captures to ask about: textbook runs of every shape, drawn by a number, as a student's own packets would differ.

``facts(n)`` gives ``Facts`` for run ``n``; the same number gives the same packets.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from random import Random

from tests.wire import dialogue
from wirelab.compose import kit
from wirelab.declare.protocol import load_profile
from wirelab.judge.questions.facts import Facts, facts_of
from wirelab.observe.connections import Tracker
from wirelab.observe.segments import Endpoint, Segment

WORDS = ("hello", "123", "half a line", "你好，世界", "第一条消息", "a=1; b=2", "TCP is a stream", "naïve café", "ok")
CLOSINGS = ("three", "four", "server-three", "server-four", "four-late")
LINE = load_profile(*kit.protocol_text("line"))


def talk(number: int) -> str:
    """A run as a dialogue (``tests.wire``): a handshake, messages and answered heartbeats mixed, a teardown."""
    random = Random(number)

    def pause(least: float, most: float) -> str:
        return f"+{random.uniform(least, most):.3f}ms"

    lines = ["c > s SYN", f"s > c SYN,ACK {pause(0.01, 30)}", f"c > s ACK {pause(0.01, 3)}"]
    beats, said = random.randint(3, 7), [random.choice(WORDS) for _ in range(random.randint(2, 5))]
    order = ["beat"] * beats + ["said"] * len(said) + ["broadcast"] * random.randint(1, 2)
    random.shuffle(order)
    beat = 0
    for what in order:
        if what == "beat":
            beat += 1
            lines.append(f's > c "HEARTBEAT {beat}\\n" {pause(150, 700)}')
            lines.append(f"c > s ACK {pause(0.01, 0.9)}")
            lines.append(f'c > s "HEARTBEAT-ACK {beat}\\n" {pause(0.05, 40)}')
            lines.append(f"s > c ACK {pause(0.01, 0.9)}")
        elif what == "said":
            lines.append(f'c > s "MSG {said.pop()}\\n" {pause(20, 900)}')
            lines.append(f"s > c ACK {pause(0.01, 0.9)}")
        else:
            lines.append(f's > c "BROADCAST {random.choice(WORDS)}\\n" {pause(20, 900)}')
            lines.append(f"c > s ACK {pause(0.01, 0.9)}")
    closing = random.choice(CLOSINGS)
    first, other = ("s", "c") if closing.startswith("server") else ("c", "s")
    lines.append(f"{first} > {other} FIN {pause(20, 900)}")
    if "four" in closing:
        lines.append(f"{other} > {first} ACK {pause(0.01, 0.9)}")
    lines.append(f"{other} > {first} FIN {pause(200, 900) if closing == 'four-late' else pause(0.1, 9)}")
    lines.append(f"{first} > {other} ACK {pause(0.01, 0.9)}")
    return "\n".join(lines)


def segments(number: int) -> list[Segment]:
    """The segments of run ``number``, with options as Linux sends them."""
    random = Random(-number - 1)
    endpoints = {"c": Endpoint("127.0.0.1", random.randint(32768, 60999))}
    isn = {"c": random.randrange(1 << 32), "s": random.randrange(1 << 32)}
    frame = random.choice((1, 1, 4, 17))
    found = dialogue(talk(number), isn=isn, endpoints=endpoints, frame=frame)
    shift = random.choice((7, 8, 10))
    syn = struct.pack("!BBHBBBBIIBBBB", 2, 4, random.choice((1460, 16396, 65495)), 4, 2, 8, 10, 1000, 0, 1, 3, 3, shift)
    stamp = struct.pack("!BBBBII", 1, 1, 8, 10, 1001, 2002)
    return [replace(one, options=syn if one.syn else stamp) for one in found]


def facts(number: int) -> Facts:
    """What a report on run ``number`` is about."""
    tracker = Tracker(server_port=12001)
    for segment in segments(number):
        tracker.feed(segment)
    return facts_of(tracker.connections[0], LINE, f"run {number}")
