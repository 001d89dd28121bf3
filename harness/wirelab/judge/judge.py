"""From evidence to judgement: the script's own checks, the expectations, what must never be, and the verdict.

A pure function of scenario, profile and evidence: judging a run folder gives what the live run gave.
"""

from __future__ import annotations

from dataclasses import replace

from wirelab.base.signals import signal_name
from wirelab.base.texts import Bilingual, Text
from wirelab.declare.scenario import Scenario
from wirelab.judge.blame import not_played
from wirelab.judge.causes import with_causes
from wirelab.judge.checks import check_expectation
from wirelab.judge.clues import crash_of
from wirelab.judge.credit import credit
from wirelab.judge.findings import finding
from wirelab.judge.steps import check_steps, unplayed
from wirelab.judge.verdict import CheckResult, Finding, Judgement, Said, Verdict, worst
from wirelab.judge.view import View
from wirelab.observe.evidence import Evidence
from wirelab.observe.messages import Profile

HAPPENED = frozenset(  # what was done wrong, in contrast to what is missing: true however early the script ended
    "WL202 WL204 WL205 WL206 WL208 WL209 WL303 WL304 WL305 WL306 WL402 WL403 WL502".split()
)
_UNITS = {"packets": Bilingual("packets", "个报文"), "bytes": Bilingual("bytes", "字节")}
_USED = {
    "processes": Bilingual("too many processes and threads", "的进程和线程太多"),
    "memory": Bilingual("too many bytes of memory", "占用的内存字节数太多"),
}
MOSTLY = 0.5  # of the packets: who sent more than this made the flood
_CLEAN = Text("no crash report, no flood, no signal", "没有崩溃信息、刷屏或信号终止")
_SOUND = Text("{count} packets captured, none lost", "捕获 {count} 个报文，没有丢失")
_UNSOUND = Text("the capture is not whole", "捕获不完整")


def judge(scenario: Scenario, profile: Profile, evidence: Evidence) -> Judgement:
    """Judge one run.

    A capture that is not whole makes the verdict inconclusive, whatever else was seen; unless it was the submission
    itself that sent more than is kept.
    """
    view = View(scenario, profile, evidence)
    checks = list(check_steps(view))
    excused = bool(checks) and checks[-1].verdict is Verdict.INCONCLUSIVE
    for item in scenario.expect:
        check = _as_far_as_played(view, check_expectation(view, item), excused=excused)
        checks.append(replace(check, credit=credit(view, check, item.expectation)))
    checks += [_clean(view, actor, checks) for actor in view.started if view.part(actor) == "submission"]
    checks.append(_capture(view))
    unsound = checks[-1].verdict is Verdict.INCONCLUSIVE
    verdict = Verdict.INCONCLUSIVE if unsound else worst(check.verdict for check in checks)
    told = (with_causes(view, _credited(view, check, unsound=unsound)) for check in checks)
    return Judgement(scenario.name, tuple(told), verdict, () if excused else unplayed(view))


def _credited(view: View, check: CheckResult, *, unsound: bool) -> CheckResult:
    """A check that was not made of an expectation gets its credit here; what an ``unsound`` capture shows gives none."""
    if unsound:
        return replace(check, credit=None)
    return check if check.credit is not None else replace(check, credit=credit(view, check))


def _as_far_as_played(view: View, check: CheckResult, *, excused: bool) -> CheckResult:
    """Where the script ended early, only what happened can be judged, not what is missing.

    How the connection was opened is still told, as it often explains why the script ended; but not when what ended
    the script was not the submission's fault.
    """
    if not view.stopped or check.verdict is not Verdict.FAIL or (check.name == "handshake" and not excused):
        return check
    happened = tuple(entry for entry in check.findings if entry.code in HAPPENED)
    if happened:
        return replace(check, findings=happened)
    return replace(check, verdict=Verdict.INCONCLUSIVE, findings=(not_played(view, check.actor),))


def _clean(view: View, actor: str, checks: list[CheckResult]) -> CheckResult:
    """What no program may do, whatever the scenario: crash, flood its terminal, be ended by a signal."""
    found: list[Finding] = []
    crash = crash_of(view, actor)
    if crash is not None:
        found.append(finding("WL606", actor, actor=actor, terminal=crash.quoted(actor)))
    for bound in view.bounds:
        limit, time = bound.limit, view.seconds(bound.time)
        if bound.actor == actor and bound.unit in _USED:
            values = {"what": _USED[bound.unit], "limit": limit, "time": time, "actor": actor}
            found.append(finding("WL613", actor, frames=(), terminal=(), **values))
        elif bound.actor == actor:
            found.append(finding("WL607", actor, actor=actor, limit=limit, time=time))
        elif bound.actor is not None and view.part(bound.actor) != "submission":
            busiest, share = _busiest(view)
            if busiest == actor and share > MOSTLY:
                values = {"actor": actor, "other": bound.actor, "limit": limit, "share": f"{share:.0%}"[:-1]}
                found.append(finding("WL612", actor, time=time, frames=(), terminal=(), **values))
    exited = view.exits.get(actor)
    told = any(entry.code == "WL603" for check in checks for entry in check.findings if entry.actor == actor)
    if exited and exited.by == "itself" and exited.status is not None and exited.status < 0 and not told:
        name, time = signal_name(-exited.status), view.seconds(exited.time)
        if not any(ending == name for ending in view.asked_signals(actor)):
            found.append(finding("WL603", actor, actor=actor, signal=name, time=time))
    verdict = Verdict.FAIL if found else Verdict.PASS
    return CheckResult("clean", actor, 0, "", verdict, Said(_CLEAN), tuple(found))


def _capture(view: View) -> CheckResult:
    evidence = view.evidence
    found: list[Finding] = []
    if evidence.lost:
        found.append(finding("WL901", None, lost=evidence.lost))
    verdict = Verdict.INCONCLUSIVE
    for bound in view.bounds:
        if bound.actor is None:
            actor, share = _busiest(view)
            values = {"limit": bound.limit, "unit": _UNITS[bound.unit], "time": view.seconds(bound.time)}
            if actor is not None and share > MOSTLY and view.part(actor) == "submission":
                verdict = Verdict.FAIL
                values |= {"actor": actor, "share": f"{share:.0%}"[:-1]}
                found.append(finding("WL611", actor, frames=(), terminal=(), **values))
            else:
                found.append(finding("WL902", None, frames=(), terminal=(), **values))
    if found:
        return CheckResult("capture", None, 0, "", verdict, Said(_UNSOUND), tuple(found))
    return CheckResult("capture", None, 0, "", Verdict.PASS, Said(_SOUND, {"count": len(evidence.packets)}))


def _busiest(view: View) -> tuple[str | None, float]:
    """The actor that sent most bytes of payload, and its share of them."""
    sent: dict[str, int] = {}
    for connection in view.connections:
        both = {"client": view.actor_at(connection, "client"), "server": view.actor_at(connection, "server")}
        for noted in connection.noted:
            if noted.segment.length:
                actor = both[noted.sender]
                sent[actor] = sent.get(actor, 0) + noted.segment.length
    if not sent:
        return None, 0.0
    actor = max(sent, key=lambda name: sent[name])
    return actor, sent[actor] / sum(sent.values())
