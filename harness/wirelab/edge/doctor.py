"""``wirelab doctor``: what this machine can do, which tier that makes it, and how to mend what is missing.

The stage tries (``capabilities``, ``probes``); here the results become a diagnosis (pure), and that a page or JSON.
Optional things and faults on the wire never make the exit status worse; what a run cannot do without does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from wirelab import __version__
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import kit
from wirelab.edge.output import put
from wirelab.present.style import BOLD, DIM, GREEN, RED, YELLOW, Style, cells, left, safe
from wirelab.stage.capabilities import standard_probes
from wirelab.stage.probes import Capability, Need, Probe, examine

Status = Literal["ok", "missing", "optional"]

_INKS: dict[Status, str] = {"ok": GREEN, "missing": RED, "optional": YELLOW}
_ORDER: tuple[Need, ...] = ("tier-1", "run", "faults", "tier-2", "optional")  # on the page
_STATUS = 8  # cells of the first column
_INDENT = 2 + _STATUS + 2

register(
    {
        "doctor.ok": Text("ok", "正常"),
        "doctor.missing": Text("missing", "缺少"),
        "doctor.optional": Text("optional", "可选"),
        "doctor.tier-1": Text(
            "Tier 1: every run has a private network of its own, without root.",
            "第一级：每次运行都有自己的私有网络，不需要 root 权限。",
        ),
        "doctor.tier-2": Text(
            "Tier 2: no private network, but root has the machine's own loopback. Runs are played there one at a time,\n"
            "each on a port of its own; `wirelab grade` runs every program as a user of its own.",
            "第二级：没有私有网络，但 root 可以使用本机的回环接口。运行逐个进行，每次使用单独的端口；\n"
            "`wirelab grade` 让每个程序以独立的用户身份运行。",
        ),
        "doctor.tier-none": Text(
            "No tier: there is no private network here, and no leave to use the machine's own loopback.",
            "没有可用的级别：这里既没有私有网络，也无权使用本机的回环接口。",
        ),
        "doctor.can-run": Text("`wirelab run` works here.", "`wirelab run` 可以在这里使用。"),
        "doctor.cannot-run": Text(
            "`wirelab run` cannot play here before this is mended: {names}.",
            "`wirelab run` 暂时不能在这里使用，需要先解决：{names}。",
        ),
        "doctor.no-faults": Text(
            "Only scenarios that lose segments or cut the wire cannot be played.",
            "只是那些要丢弃报文段或切断线路的场景不能运行。",
        ),
        "doctor.need.run": Text("For every run", "每次运行所需"),
        "doctor.need.tier-1": Text("For tier 1", "第一级所需"),
        "doctor.need.faults": Text("For scenarios with faults on the wire", "线路故障场景所需"),
        "doctor.need.tier-2": Text("For tier 2, where tier 1 is not to be had", "没有第一级时，第二级所需"),
        "doctor.need.optional": Text("Useful, never required", "有用，但不是必需的"),
        "doctor.name.system": Text("system", "操作系统"),
        "doctor.name.python": Text("Python", "Python"),
        "doctor.name.encoding": Text("text encoding", "文字编码"),
        "doctor.name.disk": Text("disk space", "磁盘空间"),
        "doctor.name.terminal": Text("terminal", "终端"),
        "doctor.name.private-network": Text("private network", "私有网络"),
        "doctor.name.containment": Text("containment", "进程收容"),
        "doctor.name.capture": Text("capture", "抓包"),
        "doctor.name.reference": Text("reference", "参考程序"),
        "doctor.name.wire-faults": Text("wire faults", "线路故障"),
        "doctor.name.own-loopback": Text("own loopback", "本机回环"),
        "doctor.name.other-users": Text("other users", "其他用户"),
        "doctor.name.bwrap": Text("bwrap", "bwrap"),
        "doctor.name.tshark": Text("tshark", "tshark"),
        "doctor.name.gcc": Text("gcc", "gcc"),
        "doctor.name.javac": Text("javac", "javac"),
        "doctor.name.node": Text("node", "node"),
        "doctor.for.system": Text("Linux with pidfd_open", "带有 pidfd_open 的 Linux"),
        "doctor.for.python": Text("3.11 or newer", "3.11 或更新的版本"),
        "doctor.for.encoding": Text("what is printed here, and by programs", "这里以及程序的输出"),
        "doctor.for.disk": Text("room for captures and recordings", "存放抓包和录制文件"),
        "doctor.for.terminal": Text("a program reads what is typed", "程序能读到键盘输入"),
        "doctor.for.private-network": Text("user and network namespace, lo up", "用户和网络命名空间，lo 已启用"),
        "doctor.for.containment": Text("a daemon is gone with its run", "守护进程随运行一起结束"),
        "doctor.for.capture": Text("every packet on lo is seen", "能看到 lo 上的每个分组"),
        "doctor.for.reference": Text("server listens, client connects", "服务器监听，客户端连接"),
        "doctor.for.wire-faults": Text("a chosen segment is lost", "能丢弃指定的报文段"),
        "doctor.for.own-loopback": Text("capture without a private network", "不用私有网络抓包"),
        "doctor.for.other-users": Text("a user of its own for each program", "每个程序使用独立的用户"),
        "doctor.for.bwrap": Text("grading in a sandbox", "在沙箱中评分"),
        "doctor.for.tshark": Text("looking at captures, with Wireshark too", "查看抓包文件，也可用 Wireshark"),
        "doctor.for.gcc": Text("submissions in C", "用 C 写的作业"),
        "doctor.for.javac": Text("submissions in Java", "用 Java 写的作业"),
        "doctor.for.node": Text("submissions in JavaScript", "用 JavaScript 写的作业"),
    }
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the results amount to. ``tier`` is 1, 2, or None when the machine gives neither.

    ``runs`` and ``faults``: whether they can be played. ``mend``: the names of what stands in the way of runs, in
    the order of trying; what was not tried because of another is not among them.
    """

    capabilities: tuple[Capability, ...]
    tier: Literal[1, 2] | None
    runs: bool
    faults: bool
    mend: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0 when runs can be played, else EX_UNAVAILABLE."""
        return 0 if self.runs else EnvironmentFault.exit_status


def diagnose(capabilities: Sequence[Capability]) -> Diagnosis:
    """Runs need a tier and what every run needs; a need of which nothing was tried is not met. Faults need tier 1."""

    def met(need: Need) -> bool:
        outcomes = [item.outcome for item in capabilities if item.need == need]
        return bool(outcomes) and all(outcome == "ok" for outcome in outcomes)

    tier: Literal[1, 2] | None = 1 if met("tier-1") else 2 if met("tier-2") else None
    broken = (item for item in capabilities if item.outcome in ("missing", "late"))
    mend = tuple(item.name for item in broken if item.need == "run" or (item.need == "tier-1" and tier is None))
    runs = tier is not None and met("run")
    return Diagnosis(tuple(capabilities), tier, runs, runs and tier == 1 and met("faults"), mend)


def status_of(capability: Capability, tier: Literal[1, 2] | None) -> Status:
    """How a result is shown: what no run needs is ``optional`` when it is not there; so is all of tier 1 where tier 2 is
    to be had."""
    if capability.outcome == "ok":
        return "ok"
    return (
        "missing" if capability.need == "run" or (capability.need in ("tier-1", "faults") and tier != 2) else "optional"
    )


def page(diagnosis: Diagnosis, language: Language, style: Style) -> list[str]:
    """The diagnosis for a person: the tier, one line a capability with its remedy below, and the conclusion."""
    names = {item.name: say(f"doctor.name.{item.name}", language) for item in diagnosis.capabilities}
    widest = max(map(cells, names.values()), default=0)
    lines = [style.paint(line, BOLD) for line in say(_tier_key(diagnosis), language).split("\n")]
    in_order = sorted(diagnosis.capabilities, key=lambda item: _ORDER.index(item.need))
    for need, group in groupby(in_order, key=lambda item: item.need):
        lines += ["", style.paint(say(f"doctor.need.{need}", language), BOLD)]
        for item in group:
            status = status_of(item, diagnosis.tier)
            word = style.paint(left(say(f"doctor.{status}", language), _STATUS), _INKS[status])
            use = say(f"doctor.for.{item.name}", language) + (f" ({safe(item.detail)})" if item.detail else "")
            lines.append(f"  {word}  {left(names[item.name], widest)}  {item.seconds * 1000:5.0f} ms  {use}")
            lines += [
                " " * _INDENT + (safe(line) if status == "missing" else style.paint(safe(line), DIM))
                for line in (say(item.key, language, **item.values).split("\n") if item.key else ())
            ]
    return [*lines, "", *_conclusion(diagnosis, language, names)]


def _tier_key(diagnosis: Diagnosis) -> str:
    return f"doctor.tier-{diagnosis.tier or 'none'}"


def _conclusion(diagnosis: Diagnosis, language: Language, names: dict[str, str]) -> list[str]:
    if not diagnosis.runs:
        listed = ("、" if language == "zh" else ", ").join(names[name] for name in diagnosis.mend)
        return [say("doctor.cannot-run", language, names=listed)]
    faults = [] if diagnosis.faults else [say("doctor.no-faults", language)]
    return [say("doctor.can-run", language), *faults]


def as_data(diagnosis: Diagnosis, language: Language) -> dict[str, object]:
    """The diagnosis for a program, ready for JSON. Keys and codes are the same in every language.

    ``wirelab``: version; ``tier``: 1, 2 or null; ``runs``, ``faults``: whether they can be played; ``mend``: names;
    ``exit_status``; ``capabilities``: in order, each with ``name``, ``need`` (``run``, ``tier-1``, ``faults``,
    ``tier-2``, ``optional``), ``status`` (``ok``, ``missing``, ``optional``), ``outcome`` (``ok``, ``missing``,
    ``late``, ``untried``), ``milliseconds``, ``use`` (a text), ``detail``, and when it is not ok ``code`` and
    ``remedy`` (a text), both null otherwise.
    """
    return {
        "wirelab": __version__,
        "tier": diagnosis.tier,
        "runs": diagnosis.runs,
        "faults": diagnosis.faults,
        "mend": list(diagnosis.mend),
        "exit_status": diagnosis.exit_status,
        "capabilities": [
            {
                "name": item.name,
                "need": item.need,
                "status": status_of(item, diagnosis.tier),
                "outcome": item.outcome,
                "milliseconds": round(item.seconds * 1000, 1),
                "use": say(f"doctor.for.{item.name}", language),
                "detail": item.detail,
                "code": item.key or None,
                "remedy": say(item.key, language, **item.values) if item.key else None,
            }
            for item in diagnosis.capabilities
        ],
    }


def doctor(language: Language, *, as_json: bool = False, probes: Sequence[Probe] | None = None) -> int:
    """Try everything, print what came of it; 0 when runs can be played here, 69 (EX_UNAVAILABLE) otherwise."""
    diagnosis = diagnose(examine(standard_probes(kit.reference_program) if probes is None else probes))
    if as_json:
        _print(json.dumps(as_data(diagnosis, language), ensure_ascii=False, indent=2))
    else:
        _print("\n".join(page(diagnosis, language, Style(sys.stdout.isatty()))))
    return diagnosis.exit_status


def _print(text: str) -> None:
    """Print whatever the encoding of the output can express: that it cannot express all may be the very finding."""
    encoding = sys.stdout.encoding or "utf-8"
    put(text.encode(encoding, "replace").decode(encoding))
