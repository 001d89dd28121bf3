"""Findings about expected traces (WL7xx), and the one that says a trace cannot be decided. Sentences only."""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL701",
        summary=Text("the segments part from the expected trace", "报文段与预期轨迹不一致"),
        rationale=Text(
            "expected {expected}; {seen}{bindings}{forbidden}", "预期是{expected}，{seen}{bindings}{forbidden}"
        ),
        hint=Text(
            "Compare the two columns: up to the marked row they agree. What did your program do just before it?",
            "对照左右两列：标出的那一行之前是一致的。你的程序在那之前做了什么？",
        ),
    ),
    Kind(
        "WL702",
        summary=Text("a line of the expected trace came at the wrong time", "预期轨迹中的一行来得不是时候"),
        rationale=Text(
            "expected {expected}; frame {frame} is that segment, but it came {passed} ms after frame {since}{bindings}",
            "预期是{expected}；第 {frame} 帧就是它，但在第 {since} 帧之后 {passed} 毫秒才到{bindings}",
        ),
        hint=Text(
            "What was the sender waiting for between these two frames: a sleep, the keyboard, a lock?",
            "在这两帧之间，发送方在等什么：sleep、键盘输入，还是锁？",
        ),
    ),
    Kind(
        "WL703",
        summary=Text("segments after the end of the expected trace", "预期轨迹结束之后还有报文段"),
        rationale=Text(
            "all lines of the trace came, and then {seen}, for which there is none{bindings}",
            "轨迹的每一行都出现了，之后却又有：{seen}，没有哪一行与它对应{bindings}",
        ),
        hint=Text(
            "Did the program send something more, or send on after it had closed? If that is right, end the trace with ...",
            "程序是不是又发送了什么，或在关闭之后仍在发送？如果这样是对的，请让轨迹以 ... 结尾。",
        ),
    ),
    Kind(
        "WL907",
        summary=Text("the expected trace is too ambiguous to decide", "预期轨迹有歧义，无法判定"),
        rationale=Text(
            "the trace of {actor}'s connection can be read in more ways than can be tried, and none of those that were "
            "tried fits",
            "{actor} 的连接可以有太多种方式套用这份轨迹，无法逐一尝试，而试过的都不符合",
        ),
        hint=Text(
            "Say more in the trace: sequence numbers, payloads, or fewer '...' and 'any order' around lines that look alike.",
            "请把轨迹写得更具体：写出序号或数据，或在相似的行周围少用 ... 和 any order。",
        ),
    ),
)
