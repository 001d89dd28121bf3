"""A student's page: points, each scenario with what was seen and why, as one HTML file that needs nothing else.

Values in, text out. What may be told is decided in ``feedback``; that it is inert, in ``html``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from wirelab.base.texts import Language, Text, say
from wirelab.judge.grades import Grade
from wirelab.judge.kinds import Kind
from wirelab.judge.page_text import PROGRAM
from wirelab.judge.pages import PAGES
from wirelab.judge.verdict import Beside, Verdict
from wirelab.present import explain, points  # noqa: F401 - the words of explanation pages, and for points
from wirelab.present.feedback import (
    SIGNS,
    Casts,
    CheckTold,
    FindingTold,
    HiddenTold,
    ItemTold,
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
from wirelab.present.html import Html, bar, document, el, join, text
from wirelab.present.words import grouped, number

_MARKED = re.compile(r"`([^`]+)`|\*([^*`]+)\*")
_ROWS = {"same": "✓", "passed": "·", "missing": "✗", "extra": "✗", "different": "✗"}


def feedback_html(
    grade: Grade,
    ladders: Ladders,
    casts: Casts,
    language: Language,
    commands: Mapping[str, str] | None = None,
) -> str:
    """The page of one student, in ``language``.

    ``ladders`` are the lines of each run's ladder by the scenario's name, ``casts`` what each terminal showed, by
    scenario and actor; ``commands`` start the student's programs, by role, where they are known. What the first two
    hold of hidden scenarios is not looked at.
    """
    page = _Page(told(grade, ladders, casts, language, commands), language)
    lab, name = in_(grade.lab.title, language), grade.student.called
    return document(say("feedback.title", language, lab=lab, name=name), page.body(), language)


@dataclass(slots=True)
class _Page:
    told: Told
    language: Language
    explained: set[str] = field(default_factory=set)  # codes whose page stands above already

    def say(self, key: str, /, **values: object) -> str:
        return say(key, self.language, **values)

    def body(self) -> Html:
        grade = self.told.grade
        runs = [self._run(run) for run in self.told.shown]
        parts = [self._head()]
        if grade.problem is not None:
            parts.append(self._problem())
        elif grade.undecided:
            undecided = self.say("feedback.undecided", points=number(grade.undecided))
            parts.append(el("p", undecided, class_="note open"))
        if grade.notes:
            told = [el("pre", note.in_(self.language), class_="wrapped") for note in grade.notes]
            parts.append(el("section", el("h2", self.say("feedback.notes")), *told, class_="note open"))
        parts += [self._begin(), self._points()]
        if runs:
            parts.append(el("section", el("h2", self.say("feedback.scenarios")), *runs))
        if self.told.hidden:
            parts.append(self._hidden(self.told.hidden))
        if self.told.build:
            log = el("pre", "\n".join(self.told.build), class_="wrapped", tabindex=0)
            parts.append(el("section", el("details", el("summary", self.say("feedback.build")), log)))
        return join([el("main", *parts), el("footer", el("p", self.say("feedback.signs")))])

    # --- the head

    def _head(self) -> Html:
        grade = self.told.grade
        who = [grade.student.number] if grade.student.number else []
        return el(
            "header",
            el("p", in_(grade.lab.title, self.language), class_="lab"),
            el("h1", el("bdi", grade.student.called)),
            *(el("p", el("bdi", one), class_="soft") for one in who),
            el("p", mark_text(grade, self.language), class_="grade"),
            bar(grade.mark, grade.lab.points, mark_text(grade, self.language)),
        )

    def _problem(self) -> Html:
        problem = self.told.grade.problem
        why = problem.in_(self.language) if problem is not None else ""
        return el(
            "section",
            el("h2", self.say("feedback.problem")),
            el("p", self.say("feedback.problem.why")),
            el("pre", why, class_="wrapped"),
            class_="note bad",
        )

    def _begin(self) -> Html:
        """What to look at first; or that all is well."""
        if self.told.begin:
            items = [
                el("li", _link(kind.code, f"#run-{run}"), " ", in_(kind.summary, self.language))
                for kind, run in self.told.begin
            ]
            return el("section", el("h2", self.say("feedback.begin")), el("ol", *items))
        played = [run.run.judgement.verdict for run in self.told.shown] + [one.verdict for one in self.told.hidden]
        well = bool(played) and all(verdict is Verdict.PASS for verdict in played)
        return el("p", self.say("feedback.all-well"), class_="note") if well else Html("")

    def _points(self) -> Html:
        head = el(
            "tr",
            el("th", self.say("feedback.item"), scope="col"),
            el("th", self.say("feedback.reached"), scope="col", colspan=2),
        )
        rows = [self._item(item) for item in self.told.items]
        table = el("table", el("thead", head), el("tbody", *rows))
        return el("section", el("h2", self.say("feedback.points")), table)

    def _item(self, item: ItemTold) -> Html:
        reached = self.say("points.none") if item.reached is None else number(item.reached)
        amount = f"{reached} / {number(item.of)}"
        verdict = _outcome(item.reached, item.of)
        notes = [
            el("div", self.say(f"feedback.item.{key}", names=self.say("feedback.between").join(names)), class_="soft")
            for key, names in (("missed", item.missed), ("open", item.open))
            if names
        ]
        return el(
            "tr",
            el("td", _sign(verdict), " ", item.title, *notes, class_=verdict.value),
            el("td", bar(item.reached, item.of, amount), class_="bars"),
            el("td", amount, class_="number"),
        )

    # --- scenarios

    def _run(self, run: RunTold) -> Html:
        verdict, worth = run.run.judgement.verdict, worth_text(run.worth, self.language)
        passed, free = passed_text(run, self.language), free_text(run, self.language)
        about = [self.say(f"verdict.{verdict}"), worth, passed, free]
        if run.run.tries > 1:
            about.append(self.say("feedback.tries", tries=run.run.tries))
        head = el(
            "summary",
            el("span", _sign(verdict), class_=verdict.value),
            f" {run.title} ",
            el("span", " · ".join(one for one in about if one), class_="soft"),
        )
        parts = [el("p", el("code", run.run.scenario), class_="soft")]
        parts += [el("p", text, class_="note open") for text in open_texts(run, self.language)]
        parts.append(el("ul", *(self._check(check) for check in run.checks), class_="checks"))
        if run.ladder:
            parts.append(_folded(self.say("feedback.ladder"), [_lines(run.ladder)]))
        if any(lines for _, lines in run.terminals):
            shown = [part for actor, lines in run.terminals if lines for part in self._terminal(actor, lines)]
            parts.append(_folded(self.say("feedback.terminals"), shown))
        if run.checks:
            parts += [el("p", self.say("feedback.repeat")), el("pre", run.command, class_="wrapped")]
        unfolded = None if verdict is Verdict.PASS else ""
        return el("details", head, *parts, class_="run", id=f"run-{run.number}", open=unfolded)

    def _check(self, told: CheckTold) -> Html:
        check = told.check
        credit = check.credit
        parts = [
            _sign(check.verdict),
            " ",
            el("strong", check.name, class_="code"),
            *((" ", el("bdi", check.actor)) if check.actor else ()),
            f" {self.say(f'verdict.{check.verdict}')} ",
            el("code", told.summary) if told.as_written else el("span", told.summary, class_="lines"),
        ]
        if check.verdict is Verdict.FAIL and credit is not None and credit.of > 1:
            parts.append(el("div", self.say("verdict.credit", met=credit.met, of=credit.of), class_="soft"))
        parts += [self._finding(finding) for finding in told.findings]
        return el("li", *parts, class_=check.verdict.value)

    def _finding(self, finding: FindingTold, *, cause: bool = False) -> Html:
        said = finding.rationale or self.say("verdict.above")
        if cause:
            said = self.say("verdict.cause", code=finding.code, rationale=said)
            first = el("p", said, class_="lines")
        else:
            first = el("p", el("span", finding.code, class_="badge"), " ", said, class_="lines")
        parts = [first]
        if finding.doing:
            parts.append(el("p", self.say("verdict.doing", actor=finding.doing), class_="soft"))
        if finding.frames:
            parts.append(el("p", self.say("verdict.frames", frames=finding.frames), class_="soft"))
        for actor, lines in finding.terminal:
            parts += self._terminal(actor, lines)
        if finding.beside:
            parts.append(self._beside(finding.beside))
        if finding.more:
            parts.append(el("p", self.say("verdict.more", more=grouped(finding.more))))
        if finding.cause is not None:
            parts.append(self._finding(finding.cause, cause=True))
        if finding.hint:
            parts.append(el("p", self.say("verdict.hint", hint=finding.hint), class_="lines"))
        if finding.kind is not None:
            parts.append(self._explained(finding.kind))
        return el("div", *parts, class_="finding machine" if finding.machine else "finding")

    def _terminal(self, actor: str, lines: Sequence[str]) -> list[Html]:
        return [el("p", self.say("verdict.terminal", actor=actor), class_="soft"), _lines(lines, wrapped=True)]

    def _beside(self, rows: Sequence[Beside]) -> Html:
        """An expected trace beside the segments."""
        heads = ("", self.say("feedback.expected"), self.say("feedback.frame"), self.say("feedback.seen"))
        drawn = []
        for row in rows:
            seen = "..." if row.kind == "passed" and not row.expected else row.seen
            frame = str(row.frames[0]) if row.frames else ""
            cells = [el("td", _ROWS[row.kind]), el("td", el("code", row.expected) if row.expected else "")]
            cells += [el("td", frame, class_="number"), el("td", el("code", seen) if seen else "")]
            drawn.append(el("tr", *cells, class_={"same": None, "passed": "passed"}.get(row.kind, "off")))
        head = el("thead", el("tr", *(el("th", one, scope="col") for one in heads)))
        table = el("table", head, el("tbody", *drawn), class_="beside")
        return join([el("p", self.say("verdict.beside"), class_="soft"), el("div", table, class_="wide")])

    def _explained(self, kind: Kind) -> Html:
        """The page of a code, folded away; where it stands above already, a pointer to it."""
        if kind.code in self.explained:
            return el("p", _link(self.say("feedback.page.above", code=kind.code), f"#{kind.code}"), class_="soft")
        self.explained.add(kind.code)
        summary = self.say("feedback.page", code=kind.code, summary=in_(kind.summary, self.language))
        parts = [el("div", *explanation(kind, self.language), class_="page")]
        return _folded(summary, parts, id_=kind.code)

    # --- what stays untold

    def _hidden(self, hidden: Sequence[HiddenTold]) -> Html:
        rows = [
            el(
                "tr",
                el("td", _sign(one.verdict), " ", self.say("feedback.hidden.one", number=one.number)),
                el("td", self.say(f"verdict.{one.verdict}")),
                el("td", hidden_text(one, self.language)),
                class_=one.verdict.value,
            )
            for one in hidden
        ]
        keys = ("feedback.check", "feedback.verdict", "feedback.points")
        head = el("tr", *(el("th", self.say(key), scope="col") for key in keys))
        note = el("p", self.say("feedback.hidden.why"), class_="soft")
        table = el("table", el("thead", head), el("tbody", *rows))
        return el("section", el("h2", self.say("feedback.hidden")), note, table)


def _outcome(reached: float | None, of: float) -> Verdict:
    if reached is None:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if reached >= of else Verdict.FAIL


def _sign(verdict: Verdict) -> Html:
    return el("span", SIGNS[verdict], class_="sign", aria_hidden="true")


def _link(shown: str, to: str) -> Html:
    return el("a", shown, href=to)


def _folded(summary: str, parts: Sequence[Html], id_: str | None = None) -> Html:
    return el("details", el("summary", summary), *parts, id=id_)


def _lines(lines: Sequence[str], *, wrapped: bool = False) -> Html:
    return el("pre", "\n".join(lines), class_="wrapped" if wrapped else None, tabindex=0)


# --- explanation pages


def explanation(kind: Kind, language: Language) -> Iterator[Html]:
    page = PAGES[kind.code]
    for key, said in (("seen", page.seen), ("why", page.why), ("where", page.where)):
        yield el("h3", say(f"explain.{key}", language))
        yield from _prose(said, language)
        if key == "why":
            yield el("pre", page.picture)
    yield el("p", el("strong", say("explain.source", language)), " ", page.source, class_="soft")
    command = say("feedback.command", language, command=f"wirelab explain {kind.code}")
    yield el("p", *_marked(command), class_="soft")


def _prose(said: Text, language: Language) -> Iterator[Html]:
    """A text of an explanation page: a paragraph, and the program that may follow it."""
    prose, _, program = in_(said, language).partition("\n\n")
    yield el("p", *_marked(prose))
    if program:
        yield el("pre", "\n".join(line.removeprefix(PROGRAM) for line in program.split("\n")))


def _marked(prose: str) -> Iterator[Html]:
    """Light Markdown: words between backticks are code, words between asterisks are stressed."""
    end = 0
    for found in _MARKED.finditer(prose):
        yield text(prose[end : found.start()])
        yield el("code", found[1]) if found[1] is not None else el("em", found[2])
        end = found.end()
    yield text(prose[end:])
