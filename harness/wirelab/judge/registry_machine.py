"""Findings about the harness and the machine (WL9xx): they never cost a mark.

Sentences only; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.base.texts import Text
from wirelab.judge.kinds import Kind

KINDS: tuple[Kind, ...] = (
    Kind(
        "WL901",
        summary=Text("packets were lost in the capture", "捕获丢失了报文"),
        rationale=Text(
            "the kernel saw {lost} packets that the capture did not get; what they were cannot be known",
            "内核看到了 {lost} 个捕获程序没有收到的报文，无法知道它们的内容",
        ),
        hint=Text(
            "The machine was too busy. Run again; nothing here counts against your program.",
            "机器太忙。请重新运行；这不算你的程序的错。",
        ),
    ),
    Kind(
        "WL902",
        summary=Text("the capture is cut off", "捕获被截断"),
        rationale=Text(
            "the capture was cut off after {limit} {unit}, at {time} s; what came later cannot be judged",
            "捕获在 {limit} {unit}之后截断（{time} 秒），之后的内容无法判断",
        ),
        hint=Text(
            "Run again; if it happens every time, the scenario makes more traffic than wirelab keeps. Of a file that "
            "ends in the middle of a packet: stop the capturing program in an orderly way (Ctrl-C), do not kill it.",
            "请重新运行；如果每次都这样，说明场景的流量超过了保留上限。"
            "如果是文件在一个报文中间结束：请用 Ctrl-C 正常停止抓包程序，不要强行终止它。",
        ),
    ),
    Kind(
        "WL903",
        summary=Text("the machine gave the program no time", "机器没有给程序运行时间"),
        rationale=Text(
            "{actor} was late, but it was ready to run and had no CPU for {delay} s meanwhile",
            "{actor} 迟了，但这期间它有 {delay} 秒处于就绪状态却没有分到 CPU",
        ),
        hint=Text(
            "The machine was too busy. Run again; nothing here counts against your program.",
            "机器太忙。请重新运行；这不算你的程序的错。",
        ),
    ),
    Kind(
        "WL904",
        summary=Text("it is not known whose connection it is", "无法确定连接属于谁"),
        rationale=Text(
            "{count} connections were captured, and none could be ascribed to {actor}",
            "捕获到 {count} 个连接，但无法确定哪个属于 {actor}",
        ),
        hint=Text(
            "Run again. Report it if it happens every time: programs that connect and are gone at once are the "
            "usual cause.",
            "请重新运行。若每次都这样请报告：通常是程序连接后立刻结束所致。",
        ),
    ),
    Kind(
        "WL905",
        summary=Text("the harness's own side did not do its part", "测试平台一方没有完成它的部分"),
        rationale=Text(
            "{actor}, which is not your program, {what}; so this check says nothing about yours",
            "{actor}（不是你的程序）{what}；因此这项检查不能说明你的程序的情况",
        ),
        hint=Text(
            "Run again. If it happens every time, look at what the scenario gives it to do (its `env`, its steps); if that "
            "can be done, please report it with the run folder.",
            "请重新运行。若每次都这样，先看场景让它做什么（`env` 和各步骤）；若场景没有问题，请附上运行文件夹报告。",
        ),
    ),
    Kind(
        "WL906",
        summary=Text("the script did not come so far", "脚本没有进行到这里"),
        rationale=Text(
            "the script ended early, at this step: {step}{why}; what was to be seen after it never had a chance to happen",
            "脚本在“{step}”这一步提前结束{why}；之后应看到的内容没有机会发生",
        ),
        hint=Text("See first why that step ended the script.", "请先看这一步为什么让脚本提前结束。"),
    ),
)
