"""What a student may read of a grade: points by rubric item, and why. Knows no file format.

Of a hidden scenario there is its number, as on the feedback page, and whether it was right. Nothing that comes from such
a run is told: no name, title or check, no line that was typed or shown, and no code of a finding, which can give away
what was typed. Everything here is ``plain``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.grades import Grade, PlayedRun
from wirelab.judge.points import Score, Share
from wirelab.judge.verdict import Beside, CheckResult, Finding, Said, Verdict
from wirelab.present.exports.inert import plain, plain_lines
from wirelab.present.feedback import hidden_numbers, in_
from wirelab.present.outcome import LONGEST_QUOTE
from wirelab.present.style import untabbed
from wirelab.present.words import number

LONGEST = 20_000  # characters of one sentence or of what a build said: more than anybody reads
ROWS = 12  # of what was expected beside what was seen, from the first difference on

register(
    {
        "exports.mark": Text("{mark} of {of} points", "{of} 分中得 {mark} 分"),
        "exports.nothing": Text(
            "undecided: the machine kept everything from being decided; grade it again, nothing is lost",
            "未判定：因机器原因，所有内容都无法判定；请重新评分，不会扣分",
        ),
        "exports.undecided": Text(
            "{points} points could not be decided because of the machine; they neither give nor cost anything",
            "有 {points} 分因机器原因无法判定，既不得分也不扣分",
        ),
        "exports.hidden-part": Text("{title} (hidden checks)", "{title}（隐藏检查）"),
        "exports.check": Text("{scenario}: {check}", "{scenario}：{check}"),
        "exports.share.right": Text("✓ {what}", "✓ {what}"),
        "exports.share.wrong": Text("✗ {what}", "✗ {what}"),
        "exports.share.part": Text("✗ {what}, {percent} % right", "✗ {what}，{percent}% 正确"),
        "exports.share.open": Text("? {what}, undecided", "? {what}，未判定"),
        "exports.problem": Text("nothing could be played: {why}", "什么都没能运行：{why}"),
        "exports.built": Text("what the build said:", "构建输出："),
        "exports.beside": Text("expected: {expected} | seen: {seen}", "预期：{expected}｜实际：{seen}"),
        "exports.none": Text("nothing", "无"),
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that counts: ``passed`` None where it could not be decided; ``lines`` say why it was not right."""

    text: str
    passed: bool | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A rubric item, or what its shown or its hidden scenarios are worth of it.

    ``number`` is the item's place in the rubric, from 1. ``points`` are None where nothing of it could be decided.
    """

    number: int
    title: str
    points: float | None
    of: float
    hidden: bool
    told: tuple[Told, ...]

    @property
    def lines(self) -> list[str]:
        """All that is told of it, one line each."""
        return [line for told in self.told for line in (told.text, *(f"    {line}" for line in told.lines))]


def mark_lines(grade: Grade, language: Language) -> list[str]:
    """The mark, what could not be decided, and why nothing was played."""
    if grade.problem is not None:
        return [say("exports.mark", language, mark="0", of=number(grade.lab.points)), *problem_lines(grade, language)]
    if grade.mark is None:
        return [say("exports.nothing", language)]
    lines = [say("exports.mark", language, mark=number(grade.mark), of=number(grade.lab.points))]
    return [*lines, say("exports.undecided", language, points=number(grade.undecided))] if grade.undecided else lines


def problem_lines(grade: Grade, language: Language) -> list[str]:
    """Why nothing could be played, with what the build said; none where something was."""
    if grade.problem is None:
        return []
    lines = plain_lines(_cut(say("exports.problem", language, why=grade.problem.in_(language)), language))
    return [*lines, *built_lines(grade, language)]


def built_lines(grade: Grade, language: Language) -> list[str]:
    """What the compiler said, if it said anything."""
    built = _cut(grade.built.strip("\n"), language)
    return [say("exports.built", language), *plain_lines(built)] if built.strip() else []


def _cut(text: str, language: Language, longest: int = LONGEST) -> str:
    """A text, cut where it is a flood; how much is missing is said."""
    more = len(text) - longest
    return text if more <= 0 else f"{text[:longest]} {say('verdict.longer', language, count=more)}"


def sentence(said: Said, language: Language) -> str:
    """A sentence in one language, plain, and no longer than anybody reads."""
    return plain(_cut(said.in_(language), language))


def parts(grade: Grade, *, split: bool = False, language: Language | None = None) -> list[Part]:
    """The rubric with what was reached of it, in the student's language if no other is asked for.

    ``split``: what the hidden scenarios of an item are worth stands apart from what is worth its shown ones, so that a
    platform can show the two at different times.
    """
    language = language or grade.student.language
    if grade.problem is not None:
        hidden = set(hidden_numbers(grade))
        return [
            Part(at, plain(in_(item.title, language)), 0.0, item.points, {of.scenario for of in item.of} <= hidden, ())
            for at, item in enumerate(grade.lab.rubric, 1)
        ]
    return [part for at, score in enumerate(grade.scores, 1) for part in _parts(grade, at, score, split, language)]


def _parts(grade: Grade, at: int, score: Score, split: bool, language: Language) -> Iterator[Part]:
    names = hidden_numbers(grade)
    shown, hidden = (
        [share for share in score.shares if (share.counted.scenario in names) is side] for side in (False, True)
    )
    title = plain(in_(score.item.title, language))
    if not (split and shown and hidden):
        told = tuple(_told(grade, share, language) for share in (*shown, *hidden))
        yield Part(at, title, score.points, score.item.points, not shown, told)
        return
    counts = sum(1 for share in score.shares if share.fraction is not None) or None  # None: nothing is decided
    among = [share for share in shown if share.fraction is not None or counts is None]
    worth = round(score.item.points * len(among) / (counts or len(score.shares)), 2)
    for side, of in ((shown, worth), (hidden, round(score.item.points - worth, 2))):
        called = title if side is shown else say("exports.hidden-part", language, title=title)
        told = tuple(_told(grade, share, language) for share in side)
        yield Part(at, called, _reached(side, of, score.item.points / (counts or 1)), of, side is hidden, told)


def _reached(shares: Sequence[Share], of: float, each: float) -> float | None:
    """Points of some of an item's shares, ``each`` worth so many: all of them where all is right, whatever is rounded."""
    known = [share.fraction for share in shares if share.fraction is not None]
    if not known:
        return None
    return of if all(fraction == 1 for fraction in known) else min(of, round(each * sum(known), 2))


def _told(grade: Grade, share: Share, language: Language) -> Told:
    number_of_hidden = hidden_numbers(grade).get(share.counted.scenario)
    run = next((run for run in grade.runs if run.scenario == share.counted.scenario), None)
    key, values = _outcome(share.fraction)
    passed = None if share.fraction is None else share.fraction == 1
    if number_of_hidden is not None:
        what = say("feedback.hidden.one", language, number=number_of_hidden)
        return Told(say(key, language, what=what, **values), passed, ())
    text = say(key, language, what=_what(share, run, language), **values)
    checks = [] if passed else _checks(share, run)
    return Told(text, passed, tuple(line for check in checks for line in check_lines(check, language)))


def _outcome(fraction: float | None) -> tuple[str, dict[str, object]]:
    if fraction is None:
        return "exports.share.open", {}
    if fraction in (0, 1):
        return ("exports.share.right" if fraction else "exports.share.wrong"), {}
    return "exports.share.part", {"percent": min(99, max(1, round(100 * fraction)))}


def _what(share: Share, run: PlayedRun | None, language: Language) -> str:
    name = plain(in_(run.title, language) if run else share.counted.scenario)
    check = share.counted.check
    return say("exports.check", language, scenario=name, check=plain(check)) if check else name


def _checks(share: Share, run: PlayedRun | None) -> list[CheckResult]:
    """Those that say why it was not right; of a run that broke off, any that say why."""
    wrong = [check for check in run.judgement.checks if check.verdict is not Verdict.PASS] if run else []
    return [check for check in wrong if share.counted.check in (None, check.name)] or wrong


def check_lines(check: CheckResult, language: Language) -> list[str]:
    """Why a check of a shown scenario did not pass."""
    lines = [line for finding in check.findings for line in finding_lines(finding, language)]
    return lines or [sentence(check.summary, language)]


def finding_lines(finding: Finding, language: Language) -> Iterator[str]:
    """A finding with its evidence, its likeliest cause and the hint; the first line begins with the code."""
    yield f"{finding.code} {sentence(finding.rationale, language)}"
    yield from _evidence(finding, language)
    if finding.more:
        yield f"    {say('verdict.more', language, more=finding.more)}"
    if finding.cause:
        cause = finding.cause
        said = say("verdict.cause", language, code=cause.code, rationale=sentence(cause.rationale, language))
        yield f"    {said}"
        yield from _evidence(cause, language)
    hint = sentence((finding.cause or finding).hint, language)
    yield f"    {say('verdict.hint', language, hint=hint)}"


def _evidence(finding: Finding, language: Language) -> Iterator[str]:
    if finding.frames:
        yield f"    {say('verdict.frames', language, frames=', '.join(str(frame) for frame in finding.frames))}"
    for actor, line in finding.terminal:
        yield f"    ▌ {plain(actor)}: {plain(untabbed(_cut(line, language, LONGEST_QUOTE)))}"
    yield from (f"    {line}" for line in _beside(finding.beside, language))


def _beside(rows: Sequence[Beside], language: Language) -> Iterator[str]:
    first = next((at for at, row in enumerate(rows) if row.kind not in ("same", "passed")), len(rows))
    none = say("exports.none", language)
    for row in rows[first : first + ROWS]:
        expected, seen = plain(row.expected) or none, plain(row.seen) or none
        yield say("exports.beside", language, expected=expected, seen=seen)
