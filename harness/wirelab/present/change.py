"""What changed from one run to the next: checks that pass now, that fail now, and that fail otherwise. Pure.

Not every run has the same checks: ``script`` is one only where a step went wrong. Such a check fails now, or no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.verdict import CheckResult, Judgement, Verdict
from wirelab.present.style import BOLD, DIM, GREEN, RED, YELLOW, Style, safe

register(
    {
        "change.title": Text("since the last run:", "与上一次运行相比："),
        "change.nothing": Text("since the last run nothing has changed", "与上一次运行相比没有变化"),
        "change.mended": Text("+ passes now: {check}", "+ 现在通过：{check}"),
        "change.broken": Text("- fails now: {check} ({codes})", "- 现在失败：{check}（{codes}）"),
        "change.other": Text(
            "~ fails otherwise: {check} ({before}, now {codes})",
            "~ 失败的原因变了：{check}（原来 {before}，现在 {codes}）",
        ),
        "change.open": Text("? could not be decided now: {check}", "? 现在无法判定：{check}"),
        "change.gone": Text("+ fails no more: {check}", "+ 不再失败：{check}"),
        "change.new": Text("* passes, not played before: {check}", "* 通过，之前没有运行：{check}"),
        "change.same": Text("{count} checks fail as before", "有 {count} 项检查仍和之前一样失败"),
        "change.check": Text("{scenario}: {actor} {name}", "{scenario}：{actor} {name}"),
    }
)

Key = tuple[str, str, str | None, int]


def changes(
    before: Mapping[str, Judgement], after: Mapping[str, Judgement], language: Language, *, colour: bool
) -> list[str]:
    """What became of each check, by scenario; what passes as before is not told, what fails as before is counted."""
    style, then, now = Style(colour), _checks(before), _checks(after)
    lines, same = [], 0
    for key, check in now.items():
        old = then.get(key)
        verdict = old.verdict if old else Verdict.PASS
        values = {"check": _named(key, language), "codes": _codes(check)}
        if check.verdict is not verdict:
            word, ink = {
                Verdict.PASS: ("mended", GREEN),
                Verdict.FAIL: ("broken", RED),
                Verdict.INCONCLUSIVE: ("open", YELLOW),
            }[check.verdict]
            lines.append(style.paint(say(f"change.{word}", language, **values), ink, BOLD))
        elif old and check.verdict is Verdict.FAIL:
            if _codes(old) == _codes(check):
                same += 1
            else:
                lines.append(style.paint(say("change.other", language, before=_codes(old), **values), YELLOW))
        elif key[0] not in before:
            lines.append(style.paint(say("change.new", language, **values), DIM))
    for key, old in then.items():
        if key[0] in after and key not in now and old.verdict is Verdict.FAIL:
            lines.append(style.paint(say("change.gone", language, check=_named(key, language)), GREEN))
    if same:
        lines.append(style.paint(say("change.same", language, count=same), DIM))
    if not lines:
        return [style.paint(say("change.nothing", language), DIM)]
    return [style.paint(say("change.title", language), BOLD), *(f"  {line}" for line in lines)]


def _checks(judgements: Mapping[str, Judgement]) -> dict[Key, CheckResult]:
    """Every check by what it is; of several of one kind and actor, by their order."""
    found: dict[Key, CheckResult] = {}
    for scenario, judgement in judgements.items():
        before: Counter[tuple[str, str | None]] = Counter()
        for check in judgement.checks:
            found[scenario, check.name, check.actor, before[check.name, check.actor]] = check
            before[check.name, check.actor] += 1
    return found


def _named(key: Key, language: Language) -> str:
    scenario, name, actor, at = key
    said = say("change.check", language, scenario=scenario, actor=actor or "", name=name).replace("  ", " ")
    return safe(said if not at else f"{said} {at + 1}")


def _codes(check: CheckResult) -> str:
    """The codes of its findings, with their causes, each once."""
    said = [f"{one.code} < {one.cause.code}" if one.cause else one.code for one in check.findings]
    return ", ".join(dict.fromkeys(said)) or "-"
