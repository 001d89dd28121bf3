"""What a person reads of a verdict: each check with its findings, their evidence, causes and hints, as lines.

Values in, finished lines out; printing them is the caller's. Knows the vocabulary of verdicts, not how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.findings import REGISTRY, deepest
from wirelab.judge.verdict import Beside, CheckResult, Finding, Judgement, Verdict
from wirelab.present import words
from wirelab.present.style import (
    BOLD,
    DIM,
    GREEN,
    NARROWEST,
    RED,
    TERMINAL,
    YELLOW,
    Style,
    cells,
    left,
    safe,
    untabbed,
    wrap,
)

LONGEST_QUOTE = 400  # characters of a quoted terminal line: a few rows of the screen
ROWS, ROWS_BEFORE = 24, 8  # of a trace beside its segments, and how many of them before the first difference

register(
    {
        "verdict.pass": Text("pass", "通过"),
        "verdict.fail": Text("fail", "未通过"),
        "verdict.inconclusive": Text("inconclusive", "无法判定"),
        "verdict.frames": Text("frames {frames}", "帧 {frames}"),
        "verdict.terminal": Text("terminal of {actor}:", "{actor} 的终端："),
        "verdict.doing": Text("whose doing: {actor}", "由谁造成：{actor}"),
        "verdict.cause": Text("likely cause {code}: {rationale}", "可能的原因 {code}：{rationale}"),
        "verdict.beside": Text("expected and seen, side by side:", "预期与实际对照："),
        "verdict.credit": Text("{met} of {of} parts are right", "{of} 个部分中有 {met} 个正确"),
        "verdict.hint": Text("hint: {hint}", "提示：{hint}"),
        "verdict.longer": Text("… {count} more characters", "… 还有 {count} 个字符"),
        "verdict.above": Text("as above", "同上"),
        "verdict.more": Text("and {more} more like this", "此类问题还有 {more} 处"),
        "verdict.brief": Text("{code}  {summary}", "{code}  {summary}"),
        "verdict.explain": Text("more: wirelab explain {code}", "详细说明：wirelab explain {code}"),
        "verdict.line": Text(
            "{verdict}: {scenario} ({passed} passed, {failed} failed, {unclear} inconclusive)",
            "{verdict}：{scenario}（{passed} 项通过，{failed} 项未通过，{unclear} 项无法判定）",
        ),
    }
)

_MARKS = {Verdict.PASS: ("✓", GREEN), Verdict.FAIL: ("✗", RED), Verdict.INCONCLUSIVE: ("?", YELLOW)}
_ROWS = {
    "same": ("✓", ""),
    "passed": ("·", DIM),
    "missing": ("✗", RED),
    "extra": ("✗", RED),
    "different": ("✗", RED),
}


def verdict_lines(judgement: Judgement, *, language: Language, width: int, colour: bool) -> list[str]:
    """Every check with its outcome, below those that did not pass their findings, last the verdict over all.

    Nothing is cut: what is longer than ``width`` cells goes on in further lines.
    """
    page = _Page(language, width, Style(colour))
    labels = [_label(check, language) for check in judgement.checks]
    columns = [max(cells(text) for text in column) for column in zip(*labels, strict=True)]
    for check, label in zip(judgement.checks, labels, strict=True):
        _check(page, check, [left(text, size) for text, size in zip(label, columns, strict=True) if size])
    outcomes = [check.verdict for check in judgement.checks]
    mark, ink = _MARKS[judgement.verdict]
    text = say(
        "verdict.line",
        language,
        verdict=say(f"verdict.{judgement.verdict}", language),
        scenario=judgement.scenario,
        passed=outcomes.count(Verdict.PASS),
        failed=outcomes.count(Verdict.FAIL),
        unclear=outcomes.count(Verdict.INCONCLUSIVE),
    )
    page.add(f"{mark} ", text, ink, BOLD, label_inks=(ink, BOLD))
    return page.lines


def brief_lines(judgement: Judgement, title: str, *, language: Language, width: int, colour: bool) -> list[str]:
    """One scenario in a few lines: its name, ``title`` and outcome, the finding to begin with and its likeliest cause in
    the words of the registry, and how to read more."""
    page = _Page(language, width, Style(colour))
    mark, ink = _MARKS[judgement.verdict]
    page.add(f"{mark} ", safe(f"{judgement.scenario}: {title}"), BOLD, label_inks=(ink, BOLD))
    told = [check for check in judgement.checks if check.verdict is judgement.verdict]
    found = deepest(finding for check in told for finding in check.findings)
    kind = REGISTRY.get(found.code) if found is not None else None
    if found is None or kind is None:
        return page.lines
    page.say(4, "verdict.brief", code=kind.code, summary=kind.summary)
    why = REGISTRY.get(found.cause.code) if found.cause is not None else None
    if why is not None:
        page.say(4, "verdict.cause", code=why.code, rationale=why.summary)
    page.say(4, "verdict.explain", DIM, code=(why or kind).code)
    return page.lines


@dataclass(frozen=True, slots=True)
class _Page:
    """Lines that grow: each text beside its label, going on below itself where it is too long."""

    language: Language
    width: int
    style: Style
    lines: list[str] = field(default_factory=list)
    said: set[str] = field(default_factory=set)  # findings and hints that stand above already

    def add(self, label: str, text: str, *inks: str, label_inks: tuple[str, ...] = (), again: str = "") -> None:
        """``again`` stands beside the further lines, instead of nothing."""
        again = again or " " * cells(label)
        beside = wrap(text, max(NARROWEST, self.width - cells(label)))
        for number, line in enumerate(beside):
            head = again if number else self.style.paint(label, *label_inks)
            self.lines.append((head + self.style.paint(line, *inks)).rstrip())

    def say(self, margin: int, key: str, /, *inks: str, **values: object) -> None:
        """A registered text, indented."""
        self.add(" " * margin, say(key, self.language, **values), *inks)


def _label(check: CheckResult, language: Language) -> tuple[str, str, str]:
    outcome = f"{_MARKS[check.verdict][0]} {say(f'verdict.{check.verdict}', language)}"
    return outcome, safe(check.actor or ""), safe(check.name)


def _check(page: _Page, check: CheckResult, label: list[str]) -> None:
    ink = _MARKS[check.verdict][1]
    inks = (ink,) if check.verdict is Verdict.PASS else (ink, BOLD)
    page.add("  ".join(label) + "  ", check.summary.in_(page.language), label_inks=inks)
    if check.verdict is Verdict.FAIL and check.credit is not None and check.credit.of > 1:
        page.say(4, "verdict.credit", DIM, met=check.credit.met, of=check.credit.of)
    for finding in check.findings:
        _finding(page, finding, check.actor)


def _finding(page: _Page, finding: Finding, expected: str | None) -> None:
    label = f"    {finding.code}  "
    margin = cells(label)
    rationale = finding.rationale.in_(page.language)
    if f"{finding.code} {rationale}" in page.said:
        page.add(label, say("verdict.above", page.language), label_inks=(BOLD,))
    else:
        page.said.add(f"{finding.code} {rationale}")
        page.add(label, rationale, label_inks=(BOLD,))
        _evidence(page, finding, expected, margin)
        _beside(page, finding.beside)
    if finding.more:
        page.say(margin, "verdict.more", more=words.grouped(finding.more))
    if finding.cause:
        _cause(page, finding.cause, expected, margin)
    _hint(page, finding, margin)


def _cause(page: _Page, cause: Finding, expected: str | None, margin: int) -> None:
    """The likeliest reason of a finding, below it; several findings may have the same."""
    rationale = cause.rationale.in_(page.language)
    told = f"{cause.code} {rationale}" in page.said
    page.said.add(f"{cause.code} {rationale}")
    said = say("verdict.above", page.language) if told else rationale
    page.say(margin, "verdict.cause", code=cause.code, rationale=said)
    if not told:
        _evidence(page, cause, expected, margin)
    _hint(page, cause, margin)


def _hint(page: _Page, finding: Finding, margin: int) -> None:
    hint = finding.hint.in_(page.language)
    if hint not in page.said:
        page.said.add(hint)
        page.say(margin, "verdict.hint", DIM, hint=hint)


def _evidence(page: _Page, finding: Finding, expected: str | None, margin: int) -> None:
    if finding.actor not in (None, expected):
        page.say(margin, "verdict.doing", actor=finding.actor)
    if finding.frames:
        page.say(margin, "verdict.frames", frames=", ".join(str(frame) for frame in finding.frames))
    quoted = None
    for actor, line in finding.terminal:
        if actor != quoted:
            page.say(margin, "verdict.terminal", actor=actor)
            quoted = actor
        bar = f"{' ' * margin}{TERMINAL} "
        page.add(bar, untabbed(line[:LONGEST_QUOTE]), again=bar)
        if len(line) > LONGEST_QUOTE:  # a flood: 4 MB without a line end; the run folder has it whole
            page.say(margin, "verdict.longer", count=words.grouped(len(line) - LONGEST_QUOTE))


def _beside(page: _Page, rows: tuple[Beside, ...]) -> None:
    """An expected trace beside the segments, as much as a screen holds; the first difference is among it."""
    if not rows:
        return
    page.say(4, "verdict.beside", DIM)
    first = next((number for number, row in enumerate(rows) if row.kind not in ("same", "passed")), 0)
    start = max(0, min(first - ROWS_BEFORE, len(rows) - ROWS))
    shown = rows[start : start + ROWS]
    number = max((len(str(frame)) for row in shown for frame in row.frames[:1]), default=1)
    half = max(NARROWEST, (page.width - 9 - number) // 2)
    half = min(half, max(cells(row.expected) for row in shown))
    if start:
        page.add("    ", "…", DIM)
    for row in shown:
        mark, ink = _ROWS[row.kind]
        frame = str(row.frames[0]) if row.frames else ""
        seen = "..." if row.kind == "passed" and row.expected == "" else row.seen
        expected = wrap(row.expected, half) or [""]
        beside = wrap(safe(seen), max(NARROWEST, page.width - half - number - 9)) or [""]
        for line in range(max(len(expected), len(beside))):
            sign, where = (mark, frame) if line == 0 else (" ", "")
            one = left(expected[line] if line < len(expected) else "", half)
            two = beside[line] if line < len(beside) else ""
            text = f"    {sign} {one} │ {where:>{number}} {two}".rstrip()
            page.lines.append(page.style.paint(text, ink) if ink else text)
    if start + ROWS < len(rows):
        page.add("    ", "…", DIM)
