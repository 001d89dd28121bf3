"""Runs made by hand, for the page of a run: nothing is played. What is foreign in them is as hostile as it can be."""

from __future__ import annotations

from dataclasses import dataclass

from tests.frames import frame
from tests.wire import MILLISECOND, START, dialogue
from wirelab.compose import kit
from wirelab.compose.artifacts import Run
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import parse_scenario
from wirelab.judge.verdict import Judgement
from wirelab.observe.evidence import Event, Evidence, Exited, Owned, Shown, Started, StepBegan, StepEnded, Typed, Wire
from wirelab.observe.segments import RAW_IP

SCENARIO = """
scenario: teardown/by-hand
title: {en: "Closes <b>well</b> & soon", zh: "正常关闭 <b>连接</b>"}
tests: client
protocol: line
cast:
  server: {role: server}
  alice: {role: client}
script:
  - {start: server, until: "Listening on"}
  - {start: alice, until: "Connected to"}
  - {alice: type, text: "hello"}
expect:
  - trace: |
      alice > server   SYN      seq=x
      server > alice   SYN,ACK  seq=y    ack=x+1
      alice > server   ACK      seq=x+1  ack=y+1
      ...
      alice > server   FIN      seq=u
      server > alice   ACK               ack=u+1
      server > alice   FIN      seq=w
      alice > server   ACK      seq=u+1  ack=w+1
"""
HELLO = "a > s SYN at=100ms\ns > a SYN,ACK\na > s ACK\n"
GOODBYE = "a > s FIN +40ms\ns > a ACK\ns > a FIN\na > s ACK\n"
TALK = 's > a "HEARTBEAT 1\\n" at=300ms\na > s "HEARTBEAT-ACK 1\\n"\na > s "MSG hello\\n" +100ms\ns > a ACK +40ms\n'
RESET = "a > s RST +40ms\n"
EVIL = (
    "</script><script>window.hacked = 1</script><img src='https://example.invalid/x' onerror='window.hacked = 2'>"
    "<!--<style>@import 'https://example.invalid'</style>\u202e\u2028&lt;&amp;</pre>]]>"
)


@dataclass(frozen=True)
class Made:
    run: Run
    judgement: Judgement


def made(
    talk: str, *, shown: str = "Connected to 127.0.0.1:12001\r\n", name: str = "client.py", drop: str = ""
) -> Made:
    """A run of one client that said this; ``shown`` is on its terminal, ``name`` is its program's file. ``drop``: the last
    step of its script, which makes the wire lose something from 113 ms on."""
    segments = dialogue(talk)
    last = max(segment.time for segment in segments) - START

    def at(milliseconds: float) -> int:
        return START + round(milliseconds * MILLISECOND)

    events: list[Event] = [
        StepBegan(at(0), 0, '{start: server, until: "Listening on"}'),
        Started(at(1), "server", "server", "reference", ("python3", "server.py"), 7),
        Shown(at(40), "server", "Listening on 127.0.0.1:12001\r\n"),
        StepEnded(at(41), 0, "done"),
        StepBegan(at(50), 1, '{start: alice, until: "Connected to"}'),
        Started(at(51), "alice", "client", "submission", ("python3", name), 8),
        Owned(at(100), "alice", 40000),
        Shown(at(110), "alice", shown),
        StepEnded(at(111), 1, "done"),
        StepBegan(at(390), 2, '{alice: type, text: "hello"}'),
        Typed(at(391), "alice", "hello⏎"),
        Shown(at(392), "alice", "hello\r\n"),
        StepEnded(at(393), 2, "done"),
        Exited(START + last + 5 * MILLISECOND, "alice", 0, "itself"),
    ]
    text = SCENARIO
    if drop:
        text = text.replace("expect:", f"  - {drop}\nexpect:")
        events += [StepBegan(at(112), 3, drop), Wire(at(113), "drop", ""), StepEnded(at(114), 3, "done")]
        events.sort(key=lambda event: event.time)
    protocol, _ = kit.protocol_text("line")
    evidence = Evidence(tuple(events), tuple(frame(one) for one in segments), RAW_IP)
    run = Run(parse_scenario(text, "by-hand"), protocol, load_profile(protocol, "line"), evidence)
    return Made(run, run.judged())


def flood(count: int) -> Made:
    """A run with so many segments, and a few more."""
    line = 'a > s "MSG one of very many\\n" +0.1ms\ns > a ACK +0.05ms\n'
    return made(HELLO + line * (count // 2) + GOODBYE)
