"""What a student is told of a grade, as values: for the page in HTML and the one in Markdown. Knows neither format.

What must not be told is left out here, so that no page can show it: of a hidden scenario there is its number, its
verdict and its points.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.declare.head import Title
from wirelab.declare.lab import Lab
from wirelab.judge.findings import REGISTRY, deepest, depth
from wirelab.judge.grades import REPORT, Grade, PlayedRun
from wirelab.judge.kinds import Kind
from wirelab.judge.points import Score, Share, unreached
from wirelab.judge.verdict import Beside, CheckResult, Finding, Verdict
from wirelab.present.outcome import LONGEST_QUOTE
from wirelab.present.words import grouped, number

Ladders = Mapping[str, Sequence[str]]
"""By name of scenario: the lines of the run's ladder, without colour."""

Casts = Mapping[str, Mapping[str, Sequence[str]]]
"""By name of scenario and actor: the lines that its terminal showed."""

LADDER_LINES, TERMINAL_LINES, BUILD_LINES = 400, 120, 300  # that a page shows; of what is longer, beginning and end
BESIDE_ROWS = 200
BEGIN_WITH = 3  # findings that are named first
CENT = 0.001  # of a point: sums of shares differ by less
SIGNS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?"}

register(
    {
        "feedback.title": Text("{lab}: feedback for {name}", "{lab}：给 {name} 的反馈"),
        "feedback.mark": Text("{mark} of {of} points", "{of} 分中得到 {mark} 分"),
        "feedback.no-mark": Text("no mark yet: nothing could be decided", "暂无分数：全部未能判定"),
        "feedback.undecided": Text(
            "{points} points could not be decided, because the machine that graded was not able to tell. That is not "
            "your doing and costs you nothing: your mark is worked out from all the rest.",
            "有 {points} 分未能判定，因为评分的机器无法得出结论。这不是你的原因，也不扣分：分数按其余部分折算。",
        ),
        "feedback.problem": Text("Your programs could not be started", "你的程序无法启动"),
        "feedback.notes": Text("Not everything could be played", "有些内容没有运行"),
        "feedback.problem.why": Text(
            "So no scenario could be played, and there are no points. The reason:",
            "因此没有场景可以运行，也没有得分。原因如下：",
        ),
        "feedback.begin": Text("Begin here", "从这里开始"),
        "feedback.all-well": Text(
            "Everything that was played went as it should. Well done.", "所有场景都按要求完成，做得很好。"
        ),
        "feedback.points": Text("Points", "得分"),
        "feedback.item": Text("What it is for", "评分项"),
        "feedback.reached": Text("Reached", "得分"),
        "feedback.of": Text("of", "满分"),
        "feedback.between": Text(", ", "、"),
        "feedback.item.missed": Text("not all right: {names}", "还不完全正确：{names}"),
        "feedback.item.open": Text("undecided, costs nothing: {names}", "未能判定，不扣分：{names}"),
        "feedback.scenarios": Text("What was played", "运行了哪些场景"),
        "feedback.worth": Text("{reached} of {of} points", "{of} 分中得到 {reached} 分"),
        "feedback.worth.open": Text("{of} points undecided", "{of} 分未判定"),
        "feedback.tries": Text("played {tries} times", "共运行 {tries} 次"),
        "feedback.inconclusive": Text(
            "What is marked ? could not be decided. It costs you nothing.", "标有 ? 的部分未能判定，不会扣分。"
        ),
        "feedback.waits": Text(
            "What is marked ? waits for your instructor's mark, and costs nothing until then.",
            "标有 ? 的部分等待老师评阅，在此之前不扣分。",
        ),
        "feedback.unreached": Text(
            "What is marked ? was never reached, because the run broke off at what failed. It counts as not right.",
            "标有 ? 的部分没有轮到，因为运行在失败之处就中断了；按不正确计算。",
        ),
        "feedback.free": Text("what failed ({names}) costs no point here", "未通过的检查（{names}）在这里不扣分"),
        "feedback.free.hidden": Text("what failed costs no point here", "未通过的检查在这里不扣分"),
        "feedback.no-program": Text("not played: there was no program for it", "没有运行：没有对应的程序"),
        "feedback.checks": Text("{passed} of {count} checks passed", "{count} 项检查中通过 {passed} 项"),
        "feedback.hidden": Text("Hidden checks", "隐藏检查"),
        "feedback.hidden.one": Text("hidden check {number}", "隐藏检查 {number}"),
        "feedback.hidden.why": Text(
            "Scenarios that only grading plays. What they do stays untold; they ask for nothing that the handout does "
            "not ask for.",
            "只在评分时运行的场景，内容不公开；它们要求的都在实验说明之内。",
        ),
        "feedback.ladder": Text("The packets, as a ladder", "报文段时序图"),
        "feedback.terminals": Text("What the terminals showed", "终端上显示了什么"),
        "feedback.repeat": Text(
            "To see it for yourself, in the folder of your programs:", "想亲自看看，请在程序所在的文件夹中运行："
        ),
        "feedback.build": Text("What building printed", "构建时的输出"),
        "feedback.left-out": Text("… {count} more lines …", "… 中间还有 {count} 行 …"),
        "feedback.page": Text("{code} explained: {summary}", "{code} 说明：{summary}"),
        "feedback.page.above": Text("{code} is explained above", "{code} 的说明见上文"),
        "feedback.command": Text("`{command}` prints this page.", "`{command}` 可显示这页说明。"),
        "feedback.expected": Text("expected", "预期"),
        "feedback.seen": Text("seen", "实际"),
        "feedback.frame": Text("frame", "帧"),
        "feedback.verdict": Text("Outcome", "结果"),
        "feedback.check": Text("Check", "检查"),
        "feedback.signs": Text(
            "✓ passed, ✗ not passed, ? could not be decided (costs nothing). Frame numbers are those of the ladder below "
            "the same scenario. ⟨ESC⟩ and the like stand for characters that cannot be seen.",
            "✓ 通过，✗ 未通过，? 无法判定（不扣分）。帧号与同一场景下的时序图一致。⟨ESC⟩ 这样的写法代表看不见的字符。",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Worth:
    """Points of a scenario: reached, None when nothing of it was decided, and how many it is worth."""

    reached: float | None
    of: float

    @property
    def whole(self) -> bool:
        """Whether it gave all that it could give."""
        return self.reached is not None and 0 < self.of <= self.reached + CENT


@dataclass(frozen=True, slots=True)
class ItemTold:
    """A line of the rubric; ``missed`` and ``open`` name what was not all right, and what nobody could decide."""

    title: str
    reached: float | None
    of: float
    missed: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingTold:
    """A finding in one language. ``rationale`` and ``hint`` are empty where they stand above already; ``terminal`` is
    by actor; ``kind`` is None for a code that the registry does not have."""

    code: str
    kind: Kind | None
    rationale: str
    doing: str
    frames: str
    terminal: tuple[tuple[str, tuple[str, ...]], ...]
    beside: tuple[Beside, ...]
    more: int
    hint: str
    cause: FindingTold | None

    @property
    def machine(self) -> bool:
        """Whether it is about the machine or the harness, and costs nothing."""
        return self.code.startswith("WL9")


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A check in one language: what was seen, or what was expected, and its findings."""

    check: CheckResult
    summary: str
    findings: tuple[FindingTold, ...]

    @property
    def as_written(self) -> bool:
        """Whether the summary is what the scenario says, in its own spelling."""
        return self.summary.startswith("{")


@dataclass(frozen=True, slots=True)
class RunTold:
    """A scenario that students may know; ``number`` counts them from 1."""

    number: int
    run: PlayedRun
    title: str
    worth: Worth
    checks: tuple[CheckTold, ...]
    ladder: tuple[str, ...]
    terminals: tuple[tuple[str, tuple[str, ...]], ...]
    command: str


@dataclass(frozen=True, slots=True)
class HiddenTold:
    """A scenario that students may not know."""

    number: int
    verdict: Verdict
    worth: Worth


@dataclass(frozen=True, slots=True)
class Told:
    """All that a student is told. ``begin`` are the findings to look at first, with the number of their scenario."""

    grade: Grade
    language: Language
    items: tuple[ItemTold, ...]
    shown: tuple[RunTold, ...]
    hidden: tuple[HiddenTold, ...]
    begin: tuple[tuple[Kind, int], ...]
    build: tuple[str, ...]


def told(
    grade: Grade,
    ladders: Ladders,
    casts: Casts,
    language: Language,
    commands: Mapping[str, str] | None = None,
) -> Told:
    """What to tell of a grade. ``commands`` are those that start the student's programs, by role, where they are
    known; what is given of hidden scenarios is not looked at."""
    numbers = hidden_numbers(grade)
    shown: list[RunTold] = []
    hidden: list[HiddenTold] = []
    for run in grade.runs:
        worth = worth_of(grade.scores, run.scenario)
        if run.scenario in numbers:
            hidden.append(HiddenTold(numbers[run.scenario], run.judgement.verdict, worth))
            continue
        terminals = casts.get(run.scenario, {})
        shown.append(
            RunTold(
                len(shown) + 1,
                run,
                in_(run.title, language),
                worth,
                _checks(run, language),
                excerpt(ladders.get(run.scenario, ()), LADDER_LINES, language),
                tuple((actor, excerpt(lines, TERMINAL_LINES, language)) for actor, lines in terminals.items()),
                repeat_command(grade.lab, run.scenario, commands or {}),
            )
        )
    items = tuple(_item(score, numbers, language) for score in grade.scores)
    hidden.sort(key=lambda one: one.number)
    build = excerpt(grade.built.strip("\n").split("\n"), BUILD_LINES, language) if grade.built.strip() else ()
    return Told(grade, language, items, tuple(shown), tuple(hidden), _begin(shown), build)


def hidden_numbers(grade: Grade) -> dict[str, int]:
    """The numbers by which hidden scenarios are called: their places in the lab, the same for every student."""
    also = (run.scenario for run in grade.runs if run.hidden)
    return {name: number for number, name in enumerate(dict.fromkeys((*grade.lab.hidden, *also)), 1)}


def worth_of(scores: Sequence[Score], scenario: str) -> Worth:
    """What one scenario gave, of what it could give: its share of each line of the rubric that counts it."""
    reached, decided, of = 0.0, False, 0.0
    for score in scores:
        known = sum(1 for share in score.shares if share.fraction is not None)
        for share in score.shares:
            if share.counted.scenario != scenario:
                continue
            if share.fraction is not None:
                decided = True
                reached += score.item.points * share.fraction / known
                of += score.item.points / known
            elif not known:
                of += score.item.points / len(score.shares)
    return Worth(reached if decided else None, of)


def repeat_command(lab: Lab, scenario: str, commands: Mapping[str, str]) -> str:
    """What a student types to play a scenario: with the commands where they are known, else with the folder at hand."""
    if scenario == REPORT:
        return "wirelab report check report.ipynb"
    if not commands:
        return shlex.join(["wirelab", "run", lab.lab, ".", "--only", scenario])
    given = (word for role, command in sorted(commands.items()) for word in (f"--{role}", command))
    return shlex.join(["wirelab", "run", scenario, *given])


def excerpt(lines: Sequence[str], most: int, language: Language) -> tuple[str, ...]:
    """At most ``most`` lines: of more, the beginning and the end, with what is left out counted between them."""
    kept = list(lines)
    if len(kept) > most:
        head = most * 2 // 3
        missing = say("feedback.left-out", language, count=grouped(len(kept) - most))
        kept[head : len(kept) - (most - head)] = [missing]
    return tuple(_clipped(line, language) for line in kept)


def in_(text: Bilingual | Title | Text, language: Language) -> str:
    """A value that has both languages, in one."""
    return text.zh if language == "zh" else text.en


def worth_text(worth: Worth, language: Language) -> str:
    """Points of a scenario in words; empty when nothing counts it."""
    if worth.of <= 0:
        return ""
    if worth.reached is None:
        return say("feedback.worth.open", language, of=number(worth.of))
    return say("feedback.worth", language, reached=number(worth.reached), of=number(worth.of))


def passed_text(run: RunTold, language: Language) -> str:
    """How many of the checks of a scenario passed, in words."""
    outcomes = [check.check.verdict for check in run.checks]
    if not outcomes:
        return say("feedback.no-program", language)
    return say("feedback.checks", language, passed=outcomes.count(Verdict.PASS), count=len(outcomes))


def open_texts(run: RunTold, language: Language) -> list[str]:
    """What is to be said of the checks of a scenario that are marked as undecided: whose doing that is, and what it costs."""
    judgement = run.run.judgement
    reached = [not unreached(judgement, one) for one in judgement.checks if one.verdict is Verdict.INCONCLUSIVE]
    undecided = any(reached) or judgement.verdict is Verdict.INCONCLUSIVE
    if run.run.scenario == REPORT:
        return [say("feedback.waits", language)] if undecided else []
    texts = [say("feedback.inconclusive", language)] if undecided else []
    return texts + [say("feedback.unreached", language)] * (not all(reached))


def free_text(run: RunTold, language: Language) -> str:
    """That a scenario failed and gave all its points none the less, with the checks that failed; else empty."""
    if run.run.judgement.verdict is not Verdict.FAIL or not run.worth.whole:
        return ""
    failed = dict.fromkeys(told.check.name for told in run.checks if told.check.verdict is Verdict.FAIL)
    return say("feedback.free", language, names=say("feedback.between", language).join(failed))


def hidden_text(one: HiddenTold, language: Language) -> str:
    """The points of a hidden scenario in words, and that a failure cost nothing."""
    worth = worth_text(one.worth, language)
    free = one.verdict is Verdict.FAIL and one.worth.whole
    return f"{worth} · {say('feedback.free.hidden', language)}" if free else worth


def mark_text(grade: Grade, language: Language) -> str:
    """The mark in words."""
    if grade.mark is None:
        return say("feedback.no-mark", language)
    return say("feedback.mark", language, mark=number(grade.mark), of=number(grade.lab.points))


def _clipped(line: str, language: Language) -> str:
    if len(line) <= LONGEST_QUOTE:
        return line
    return f"{line[:LONGEST_QUOTE]} {say('verdict.longer', language, count=grouped(len(line) - LONGEST_QUOTE))}"


def _item(score: Score, numbers: Mapping[str, int], language: Language) -> ItemTold:
    missed = [share for share in score.shares if share.fraction is not None and share.fraction < 1]
    unclear = [share for share in score.shares if share.fraction is None]
    return ItemTold(
        in_(score.item.title, language),
        score.points,
        score.item.points,
        tuple(dict.fromkeys(_named(share, numbers, language) for share in missed)),
        tuple(dict.fromkeys(_named(share, numbers, language) for share in unclear)),
    )


def _named(share: Share, numbers: Mapping[str, int], language: Language) -> str:
    counted = share.counted
    if counted.scenario in numbers:
        return say("feedback.hidden.one", language, number=numbers[counted.scenario])
    return counted.scenario + (f" ({counted.check})" if counted.check else "")


def _begin(shown: Sequence[RunTold]) -> tuple[tuple[Kind, int], ...]:
    """Of each scenario that failed the finding that lies deepest, or rather its cause, with the first scenario that it
    shows in: what keeps a program from working at all comes first, then layer by layer, then what cost most."""
    lost: dict[str, float] = {}
    first: dict[str, tuple[Kind, int]] = {}
    for run in shown:
        found = deepest(finding for finding in run.run.judgement.findings if not finding.code.startswith("WL9"))
        kind = REGISTRY.get((found.cause or found).code) if found is not None else None
        if kind is not None and run.run.judgement.verdict is Verdict.FAIL:
            first.setdefault(kind.code, (kind, run.number))
            lost[kind.code] = lost.get(kind.code, 0.0) + run.worth.of - (run.worth.reached or 0.0)
    return tuple(first[code] for code in sorted(first, key=lambda code: (*depth(code), -lost[code]))[:BEGIN_WITH])


# --- findings


@dataclass(slots=True)
class _Said:
    """What of a run stands above already."""

    language: Language
    said: set[str] = field(default_factory=set)

    def once(self, text: str) -> bool:
        new = text not in self.said
        self.said.add(text)
        return new


def _checks(run: PlayedRun, language: Language) -> tuple[CheckTold, ...]:
    above = _Said(language)
    return tuple(
        CheckTold(
            check,
            check.summary.in_(language),
            tuple(_finding(finding, check.actor, above) for finding in check.findings),
        )
        for check in run.judgement.checks
    )


def _finding(finding: Finding, expected: str | None, above: _Said) -> FindingTold:
    rationale, hint = finding.rationale.in_(above.language), finding.hint.in_(above.language)
    new, between = above.once(f"{finding.code} {rationale}"), say("feedback.between", above.language)
    quoted = groupby(finding.terminal if new else (), key=lambda line: line[0])
    return FindingTold(
        finding.code,
        REGISTRY.get(finding.code),
        rationale if new else "",
        finding.actor if new and finding.actor and finding.actor != expected else "",
        between.join(str(frame) for frame in finding.frames) if new else "",
        tuple((actor, tuple(_clipped(line, above.language) for _, line in lines)) for actor, lines in quoted),
        _rows(finding.beside) if new else (),
        finding.more,
        hint if above.once(hint) else "",
        None if finding.cause is None else _finding(finding.cause, expected, above),
    )


def _rows(rows: tuple[Beside, ...]) -> tuple[Beside, ...]:
    """As many rows of a trace beside its segments as a page shows; the first difference is among them."""
    first = next((index for index, row in enumerate(rows) if row.kind not in ("same", "passed")), 0)
    start = max(0, min(first - BESIDE_ROWS // 2, len(rows) - BESIDE_ROWS))
    return rows[start : start + BESIDE_ROWS]
