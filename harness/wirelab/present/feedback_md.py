"""A student's feedback as Markdown: the same as the page in HTML, for whoever reads it in a platform or an editor.

Values in, text out. What may be told is decided in ``feedback``; that it is inert, in ``markdown``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from wirelab.base.texts import Language, say
from wirelab.judge.grades import Grade
from wirelab.judge.kinds import Kind
from wirelab.judge.pages import PAGES
from wirelab.judge.verdict import Beside, Verdict
from wirelab.present import points  # noqa: F401 - the words for points
from wirelab.present.explain import page_lines
from wirelab.present.feedback import (
    SIGNS,
    Casts,
    CheckTold,
    FindingTold,
    Ladders,
    RunTold,
    Told,
    free_text,
    hidden_text,
    in_,
    mark_text,
    open_texts,
    passed_text,
    told,
    worth_text,
)
from wirelab.present.html import text
from wirelab.present.markdown import code, fenced, lines, plain
from wirelab.present.words import grouped, number

_PAGE_WIDTH = 78  # cells of an explanation page
_BAR = 10  # characters of a bar


def feedback_md(
    grade: Grade,
    ladders: Ladders,
    casts: Casts,
    language: Language,
    commands: Mapping[str, str] | None = None,
) -> str:
    """The feedback of one student, in ``language``; takes what ``feedback_html`` takes."""
    page = _Page(told(grade, ladders, casts, language, commands), language)
    return "\n".join(page.lines()).rstrip() + "\n"


@dataclass(slots=True)
class _Page:
    told: Told
    language: Language
    explained: set[str] = field(default_factory=set)  # codes whose page stands above already

    def say(self, key: str, /, **values: object) -> str:
        return say(key, self.language, **values)

    def lines(self) -> Iterator[str]:
        grade = self.told.grade
        yield f"# {plain(in_(grade.lab.title, self.language))} · {plain(grade.student.called)}"
        yield from ("", plain(grade.student.number)) if grade.student.number else ()
        yield from ("", f"**{mark_text(grade, self.language)}**", "")
        if grade.problem is not None:
            yield from (f"## {self.say('feedback.problem')}", "", self.say("feedback.problem.why"), "")
            yield from (*fenced([grade.problem.in_(self.language)]), "")
        elif grade.undecided:
            yield from (f"> {self.say('feedback.undecided', points=number(grade.undecided))}", "")
        if grade.notes:
            yield from (f"## {self.say('feedback.notes')}", "")
        for note in grade.notes:
            yield from (*fenced(note.in_(self.language).splitlines()), "")
        yield from self._begin()
        yield from self._points()
        if self.told.shown:
            yield from (f"## {self.say('feedback.scenarios')}", "")
        for run in self.told.shown:
            yield from self._run(run)
        yield from self._hidden()
        if self.told.build:
            yield from (f"## {self.say('feedback.build')}", "", *fenced(self.told.build), "")
        yield from ("---", "", self.say("feedback.signs"))

    def _begin(self) -> Iterator[str]:
        if self.told.begin:
            yield from (f"## {self.say('feedback.begin')}", "")
            for place, (kind, run) in enumerate(self.told.begin, 1):
                title = self.told.shown[run - 1].title
                yield f"{place}. **{kind.code}** {plain(in_(kind.summary, self.language))} ({plain(title)})"
            yield ""

    def _points(self) -> Iterator[str]:
        yield from (f"## {self.say('feedback.points')}", "")
        yield f"| | {self.say('feedback.item')} | {self.say('feedback.reached')} | {self.say('feedback.of')} |"
        yield "|---|---|---:|---:|"
        for item in self.told.items:
            share = 0.0 if item.reached is None else max(0.0, min(1.0, item.reached / item.of))
            bar = "·" * _BAR if item.reached is None else "█" * round(share * _BAR) + "░" * (_BAR - round(share * _BAR))
            reached = self.say("points.none") if item.reached is None else number(item.reached)
            notes = [
                plain(self.say(f"feedback.item.{key}", names=self.say("feedback.between").join(names)))
                for key, names in (("missed", item.missed), ("open", item.open))
                if names
            ]
            yield f"| {bar} | {'<br>'.join([plain(item.title), *notes])} | {reached} | {number(item.of)} |"
        yield ""

    def _run(self, run: RunTold) -> Iterator[str]:
        verdict, passed = run.run.judgement.verdict, passed_text(run, self.language)
        yield from (f"### {SIGNS[verdict]} {plain(run.title)}", "")
        about = [code(run.run.scenario), f"**{self.say(f'verdict.{verdict}')}**", worth_text(run.worth, self.language)]
        about += [passed, free_text(run, self.language)]
        about += [self.say("feedback.tries", tries=run.run.tries)] * (run.run.tries > 1)
        yield from (" · ".join(one for one in about if one), "")
        for note in open_texts(run, self.language):
            yield from (f"> {note}", "")
        codes: dict[str, Kind] = {}
        for check in run.checks:
            yield from self._check(check, codes)
        yield ""
        for kind in codes.values():
            if kind.code not in self.explained:
                self.explained.add(kind.code)
                yield from self._explained(kind)
        if run.ladder:
            yield from _folded(self.say("feedback.ladder"), fenced(run.ladder))
        if any(shown for _, shown in run.terminals):
            yield from _folded(self.say("feedback.terminals"), self._terminals(run))
        if run.checks:
            yield from (self.say("feedback.repeat"), "", *fenced([run.command]), "")

    def _terminals(self, run: RunTold) -> Iterator[str]:
        for actor, shown in run.terminals:
            if shown:
                yield from (plain(self.say("verdict.terminal", actor=actor)), "", *fenced(shown), "")

    def _check(self, told: CheckTold, codes: dict[str, Kind]) -> Iterator[str]:
        check, credit = told.check, told.check.credit
        actor = f" {plain(check.actor)}" if check.actor else ""
        summary = code(told.summary) if told.as_written else plain(told.summary)
        outcome = self.say(f"verdict.{check.verdict}")
        yield f"- {SIGNS[check.verdict]} {code(check.name)}{actor} {outcome} · {summary}"
        if check.verdict is Verdict.FAIL and credit is not None and credit.of > 1:
            yield f"  - {self.say('verdict.credit', met=credit.met, of=credit.of)}"
        for finding in told.findings:
            yield from self._finding(finding, "  ", codes)

    def _finding(
        self, finding: FindingTold, indent: str, codes: dict[str, Kind], *, cause: bool = False
    ) -> Iterator[str]:
        said = finding.rationale or self.say("verdict.above")
        if cause:
            said = self.say("verdict.cause", code=finding.code, rationale=said)
            yield f"{indent}- {lines(said)}"
        else:
            yield f"{indent}- **{plain(finding.code)}** {lines(said)}"
        if finding.kind is not None:
            codes.setdefault(finding.kind.code, finding.kind)
        inner = f"{indent}  "
        if finding.doing:
            yield f"{inner}- {plain(self.say('verdict.doing', actor=finding.doing))}"
        if finding.frames:
            yield f"{inner}- {plain(self.say('verdict.frames', frames=finding.frames))}"
        for actor, shown in finding.terminal:
            yield from (f"{inner}- {plain(self.say('verdict.terminal', actor=actor))}", "")
            yield from (*fenced(shown, f"{inner}  "), "")
        if finding.beside:
            yield from (f"{inner}- {self.say('verdict.beside')}", "")
            yield from (*fenced(_beside(finding.beside), f"{inner}  "), "")
        if finding.more:
            yield f"{inner}- {self.say('verdict.more', more=grouped(finding.more))}"
        if finding.cause is not None:
            yield from self._finding(finding.cause, inner, codes, cause=True)
        if finding.hint:
            yield f"{inner}- {lines(self.say('verdict.hint', hint=finding.hint))}"

    def _explained(self, kind: Kind) -> Iterator[str]:
        """The page of a code, folded away."""
        summary = self.say("feedback.page", code=kind.code, summary=in_(kind.summary, self.language))
        page = page_lines(kind, PAGES[kind.code], language=self.language, width=_PAGE_WIDTH, colour=False)
        command = self.say("feedback.command", command=f"wirelab explain {kind.code}")
        yield from _folded(summary, (*fenced(page), "", command))

    def _hidden(self) -> Iterator[str]:
        if not self.told.hidden:
            return
        yield from (f"## {self.say('feedback.hidden')}", "", self.say("feedback.hidden.why"), "")
        keys = ("feedback.check", "feedback.verdict", "feedback.points")
        yield from ("| | " + " | ".join(self.say(key) for key in keys) + " |", "|---|---|---|---:|")
        for one in self.told.hidden:
            name = self.say("feedback.hidden.one", number=one.number)
            worth = hidden_text(one, self.language)
            yield f"| {SIGNS[one.verdict]} | {name} | {self.say(f'verdict.{one.verdict}')} | {worth} |"
        yield ""


def _folded(summary: str, body: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{text(summary)}</summary>", "")
    yield from body
    yield from ("", "</details>", "")


def _beside(rows: tuple[Beside, ...]) -> list[str]:
    """An expected trace above the segments, line by line: columns would need a width that nobody knows."""
    shown = []
    for row in rows:
        sign = {"same": "=", "passed": "·", "missing": "-", "extra": "+"}.get(row.kind, "≠")
        frame = f"#{row.frames[0]} " if row.frames else ""
        if row.kind == "different":
            shown += [f"- {row.expected}", f"+ {frame}{row.seen}"]
        else:
            shown.append(f"{sign} {row.expected or f'{frame}{row.seen}' or '...'}")
    return shown
