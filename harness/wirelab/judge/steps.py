"""Checks that the script itself makes: a program got ready, showed a text, exited, answered a peer."""

from __future__ import annotations

from collections.abc import Iterator

from wirelab.base.signals import signal_name
from wirelab.base.texts import Bilingual, Text, cut
from wirelab.declare import steps
from wirelab.declare.scenario import ScriptStep
from wirelab.judge.blame import ENDS_SCRIPT, STARVED, deserted, not_played, not_yours, refused
from wirelab.judge.findings import finding
from wirelab.judge.step_words import in_words
from wirelab.judge.verdict import CheckResult, Finding, Said, Verdict
from wirelab.judge.view import PlayedStep, View

QUOTED_LINES = 6
LONGEST_STEP = 400  # characters of a step in a sentence: one may type 4 KB
BUSY = 0.5  # of the time allowed: who had the CPU for so long was not kept from doing what was due

_READY = Text("{actor} got ready in {seconds} s", "{actor} 在 {seconds} 秒内就绪")
_SHOWN = Text("{actor} showed {text} after {seconds} s", "{actor} 在 {seconds} 秒后显示了 {text}")
_NOT_SHOWN = Text("{actor} did not show {text}", "{actor} 没有显示 {text}")
_EXITED = Text(
    "{actor} exited with status {status} after {seconds} s{again}",
    "{actor} 在 {seconds} 秒后退出，状态 {status}{again}",
)
_EXPECTED = Text("{actor} received {text} after {seconds} s", "{actor} 在 {seconds} 秒后收到 {text}")
_MISSED = Text("{step}", "{step}")
_AGAIN = Bilingual(
    " (Ctrl-C was pressed twice: the first came between two reads)",
    "（Ctrl-C 按了两次：第一次恰好落在两次读取之间）",
)
_CHECKED = {steps.Shows: "shows", steps.NeverShows: "never shows", steps.Exits: "exits", steps.Expects: "expects"}


def check_steps(view: View) -> Iterator[CheckResult]:
    """One result for each step that waited for something, and for each that could not be played."""
    for played in view.steps():
        step = view.scenario.script[played.began.index]
        if played.ended is None:
            continue
        if played.ended.outcome == "impossible":
            missed = _as_written(step)
            excuse = _deserted(view, played.ended.time) or _as_told(view, step, played)
            verdict = Verdict.INCONCLUSIVE if excuse else Verdict.FAIL
            yield _result(step, "script", verdict, missed, excuse or _impossible(view, step, played))
        elif isinstance(step.action, steps.Start):
            if step.action.until is not None or played.ended.outcome == "missed":
                yield _start(view, step, step.action, played)
        elif isinstance(step.action, steps.Shows | steps.NeverShows):
            yield _shows(view, step, step.action, played)
        elif isinstance(step.action, steps.Exits):
            yield _exits(view, step, step.action, played)
        elif isinstance(step.action, steps.Expects):
            yield _expects(view, step, step.action, played)


def unplayed(view: View) -> tuple[tuple[str, str | None], ...]:
    """The checks, by name and actor, of the steps that would have waited for something and that the script never came to,
    or not to the end of."""
    ended = {played.began.index for played in view.steps() if played.ended is not None}
    left = (step for step in view.scenario.script if step.index not in ended)
    return tuple((name, step.actor) for step in left if (name := _CHECKED.get(type(step.action))) is not None)


def _as_written(step: ScriptStep) -> Said:
    return Said(_MISSED, {"step": cut(step.written, LONGEST_STEP)})


def _result(step: ScriptStep, name: str, verdict: Verdict, summary: Said, *findings: Finding) -> CheckResult:
    actor = step.actor if step.actor is not None else getattr(step.action, "start", None)
    return CheckResult(name, actor, step.line, step.written, verdict, summary, findings)


def _took(played: PlayedStep) -> str:
    assert played.ended is not None
    return f"{(played.ended.time - played.began.time) / 1e9:.3f}"


def _starved(played: PlayedStep, within: float) -> float:
    """How long programs had no CPU during a step, when it was long enough to excuse them; else 0.

    Who ended, was not late.
    """
    assert played.ended is not None
    detail = played.ended.detail
    delay = float(detail.get("run_delay") or 0)
    ended = bool(detail.get("exited")) or detail.get("status") is not None
    busy = float(detail.get("cpu") or 0) > BUSY * within  # it had CPU, and what it did with it is its own affair
    return delay if delay > STARVED * within and not ended and not busy else 0.0


def _excused(
    view: View, step: ScriptStep, played: PlayedStep, actor: str, within: float, what: Bilingual, code: str
) -> Finding | None:
    """The finding that makes a missed step inconclusive, if the machine or the harness's own side is to blame."""
    assert played.ended is not None
    hit = [bound for bound in view.bounds if bound.time <= played.ended.time]
    if any(bound.actor == actor or bound.unit in ENDS_SCRIPT for bound in hit):
        return not_played(view, actor)
    if code != "WL601" and (desertion := _deserted(view, played.ended.time)):
        return desertion
    if delay := _starved(played, within):
        late = actor if view.part(actor) != "peer" else _submission(view) or actor
        return finding("WL903", late, actor=late, delay=f"{delay:.2f}")
    alone = all(view.part(name) != "submission" for name in view.started)
    if alone or (view.part(actor) != "submission" and isinstance(step.action, steps.Start)):
        return finding("WL905", actor, actor=actor, what=what, terminal=_last_lines(view, actor, played))
    return None


def _deserted(view: View, time: int) -> Finding | None:
    """By a moment, the harness's own server had left a client of the submission without a reason: what the client
    did then (exit, say) and what it could not do any more says nothing about it."""
    for client in view.scenario.clients:
        for connection in view.connections_of(client) if view.part(client) == "submission" else ():
            fin = connection.teardown.server_fin
            if fin is not None and fin.segment.time <= time and (found := deserted(view, client, connection)):
                return found
    return None


def _as_told(view: View, step: ScriptStep, played: PlayedStep) -> Finding | None:
    """The harness's own program had ended by a step, because the script had told it to: the script's fault, then."""
    actor = _of_whom(step)
    exited = view.exits.get(actor or "")
    if actor is None or exited is None or view.part(actor) == "submission" or not view.asked_before(actor, exited.time):
        return None
    return not_yours(actor, Bilingual("had ended before, as the script had told it to", "此前已按脚本的要求结束"))


def _submission(view: View) -> str | None:
    return next((actor for actor in view.started if view.part(actor) == "submission"), None)


def _missed(
    view: View, step: ScriptStep, name: str, played: PlayedStep, within: float, blame: Finding, what: Bilingual
) -> CheckResult:
    actor = str(blame.actor)
    summary = _as_written(step)
    if excuse := _excused(view, step, played, actor, within, what, blame.code):
        return _result(step, name, Verdict.INCONCLUSIVE, summary, excuse)
    return _result(step, name, Verdict.FAIL, summary, blame)


def _last_lines(view: View, actor: str, played: PlayedStep) -> tuple[tuple[str, str], ...]:
    """What a terminal showed last by the end of a step."""
    assert played.ended is not None
    return tuple((actor, line) for line in view.lines(actor, played.ended.time)[-QUOTED_LINES:])


def _seen(view: View, actor: str, played: PlayedStep) -> Bilingual:
    """What a terminal showed instead, in words; the lines themselves are quoted as evidence."""
    assert played.ended is not None
    exited = view.exits.get(actor)
    if exited and exited.by == "itself" and exited.time <= played.ended.time:
        status, time = exited.status, view.seconds(exited.time)
        return Bilingual(
            f"it had ended by itself with status {status} at {time} s", f"它已在 {time} 秒自行结束，状态 {status}"
        )
    if not view.lines(actor, played.ended.time):
        return Bilingual("it showed nothing at all", "它什么也没有显示")
    return Bilingual("it showed other lines, quoted below", "它显示的是下面这些内容")


def _start(view: View, step: ScriptStep, action: steps.Start, played: PlayedStep) -> CheckResult:
    actor = action.start
    assert played.ended is not None
    if played.ended.outcome == "done":
        return _result(step, "start", Verdict.PASS, Said(_READY, {"actor": actor, "seconds": _took(played)}))
    if refusal := _refused_by_submission(view, actor):
        return _result(step, "start", Verdict.FAIL, _as_written(step), refusal)
    if view.part(actor) == "peer":
        blame = finding("WL610", actor, step=in_words(step), actor=actor)
    else:
        blame = finding(
            "WL104",
            actor,
            actor=actor,
            text=action.until,
            within=f"{action.within:g}",
            seen=_seen(view, actor, played),
            terminal=_last_lines(view, actor, played),
        )
    what = Bilingual("did not get ready", "没有就绪")
    if view.part(actor) == "peer" and played.ended.detail.get("refused"):
        return _result(step, "start", Verdict.FAIL, _as_written(step), blame)
    return _missed(view, step, "start", played, action.within, blame, what)


def _refused_by_submission(view: View, client: str) -> Finding | None:
    """A client that could not get ready because the submission's server listens elsewhere, or nowhere."""
    connections = view.connections_of(client)
    refusal = refused(view, client, connections[-1]) if connections else None
    return refusal if refusal and refusal.actor != client and view.part(refusal.actor) == "submission" else None


def _wanted(action: steps.Shows | steps.NeverShows | steps.Expects) -> str:
    if action.pattern is not None:
        return f"/{action.pattern}/"
    if action.text is not None:
        return f"'{action.text}'"
    return {"fin": "FIN", "rst": "RST"}[str(getattr(action, "end", "fin"))]


def _shows(view: View, step: ScriptStep, action: steps.Shows | steps.NeverShows, played: PlayedStep) -> CheckResult:
    actor, text = str(step.actor), _wanted(action)
    assert played.ended is not None
    good = played.ended.outcome == "done"
    if isinstance(action, steps.NeverShows):
        if good:
            return _result(step, "never shows", Verdict.PASS, Said(_NOT_SHOWN, {"actor": actor, "text": text}))
        shown = tuple((actor, line) for line in view.lines(actor) if action.text is not None and action.text in line)
        found = finding("WL605", actor, actor=actor, text=text, terminal=shown or _last_lines(view, actor, played))
        return _result(step, "never shows", Verdict.FAIL, _as_written(step), found)
    if good:
        said = Said(_SHOWN, {"actor": actor, "text": text, "seconds": _took(played)})
        return _result(step, "shows", Verdict.PASS, said)
    blame = finding(
        "WL604",
        actor,
        actor=actor,
        text=text,
        within=f"{action.within:g}",
        seen=_seen(view, actor, played),
        terminal=_last_lines(view, actor, played),
    )
    what = Bilingual(f"did not show {text}", f"没有显示 {text}")
    return _missed(view, step, "shows", played, action.within, blame, what)


def _exits(view: View, step: ScriptStep, action: steps.Exits, played: PlayedStep) -> CheckResult:
    actor = str(step.actor)
    assert played.ended is not None
    detail = played.ended.detail
    again = _AGAIN if detail.get("pressed_again") else Bilingual("", "")
    if played.ended.outcome == "done":
        said = Said(_EXITED, {"actor": actor, "status": detail.get("status"), "seconds": _took(played), "again": again})
        return _result(step, "exits", Verdict.PASS, said)
    blame = _exit_fault(view, action, played, actor)
    return _missed(view, step, "exits", played, action.within, blame, Bilingual("did not exit", "没有退出"))


def _exit_fault(view: View, action: steps.Exits, played: PlayedStep, actor: str) -> Finding:
    assert played.ended is not None
    status, quoted = played.ended.detail.get("status"), _last_lines(view, actor, played)
    if status is None:
        what = _previous(view, played) or Bilingual("the step before", "上一步")
        time = view.seconds(played.ended.time)
        return finding("WL601", actor, actor=actor, within=f"{action.within:g}", what=what, time=time, terminal=quoted)
    if isinstance(status, int) and status < 0:
        exited = view.exits.get(actor)
        time = view.seconds(exited.time if exited else played.ended.time)
        return finding("WL603", actor, actor=actor, signal=signal_name(-status), time=time, terminal=quoted)
    return finding("WL602", actor, actor=actor, wanted=action.status, status=status, terminal=quoted)


def _previous(view: View, played: PlayedStep) -> Bilingual | None:
    """The last step before one that came about, in words that Chinese ones may follow."""
    done = [one for one in view.steps() if one.ended is not None and one.ended.outcome == "done"]
    before = [one.began.index for one in done if one.began.index < played.began.index]
    if not before:
        return None
    words = in_words(view.scenario.script[before[-1]])
    return Bilingual(words.en, f"{words.zh} " if words.zh[-1].isascii() else words.zh)


def _expects(view: View, step: ScriptStep, action: steps.Expects, played: PlayedStep) -> CheckResult:
    actor, text = str(step.actor), _wanted(action)
    assert played.ended is not None
    if played.ended.outcome == "done":
        said = Said(_EXPECTED, {"actor": actor, "text": text, "seconds": _took(played)})
        return _result(step, "expects", Verdict.PASS, said)
    blame = finding("WL207", actor, wanted=text, actor=actor, within=f"{action.within:g}")
    what = Bilingual(f"did not receive {text}", f"没有收到 {text}")
    return _missed(view, step, "expects", played, action.within, blame, what)


def _of_whom(step: ScriptStep) -> str | None:
    """Whose connection or program a step is about."""
    if isinstance(step.action, steps.Cut):
        return step.action.cut
    if isinstance(step.action, steps.Drop):
        return step.action.of
    if isinstance(step.action, steps.Inject):
        return step.action.of or step.action.to
    return step.actor


def _how(status: int | None) -> Bilingual:
    """In what manner a program ended."""
    if status is not None and status < 0:
        return Bilingual(f"been ended by {signal_name(-status)}", f"被 {signal_name(-status)} 终止")
    return Bilingual(f"ended with status {status}", f"结束，状态 {status}")


def _impossible(view: View, step: ScriptStep, played: PlayedStep) -> Finding:
    assert played.ended is not None
    actor = _of_whom(step) or next(iter(view.scenario.clients), "")
    exited = view.exits.get(actor)
    why = played.ended.detail.get("why")
    if why == "exited" and exited is not None:
        time, quoted = view.seconds(exited.time), _last_lines(view, actor, played)
        return finding(
            "WL608", actor, actor=actor, step=in_words(step), how=_how(exited.status), time=time, terminal=quoted
        )
    if why == "keyboard not read":
        return finding("WL609", actor, actor=actor, step=in_words(step), terminal=_last_lines(view, actor, played))
    return finding("WL610", actor, actor=actor, step=in_words(step))
