"""The findings of a run as HTML: each check, what was found and why, linked with the frames that it refers to.

What the machinery of grading leaves out of feedback for a student is no secret here: a run is the student's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.findings import REGISTRY
from wirelab.judge.pages import PAGES
from wirelab.judge.verdict import Beside, CheckResult, Finding, Judgement, Verdict
from wirelab.present import outcome  # noqa: F401 - the words of verdicts
from wirelab.present.feedback import SIGNS
from wirelab.present.feedback_html import explanation
from wirelab.present.html import Html, el, join
from wirelab.present.run_page_scene import finding_id, first_difference
from wirelab.present.words import grouped

register(
    {
        "runpage.findings": Text("Findings", "诊断"),
        "runpage.none": Text("Every check passed.", "所有检查均已通过。"),
        "runpage.passed": Text("{count} checks passed", "{count} 项检查通过"),
        "runpage.passed.one": Text("1 check passed", "1 项检查通过"),
        "runpage.frames": Text("Frames:", "帧："),
        "runpage.frame": Text("frame {frame}", "第 {frame} 帧"),
        "runpage.first": Text("first difference", "首个分歧"),
        "runpage.line": Text("scenario line {line}", "场景第 {line} 行"),
    }
)

MOST_FRAMES = 100  # of one finding that are linked one by one
LONGEST_LINE = 2000  # characters of a quoted terminal line; its terminal has it whole
_ROWS = {"same": "✓", "passed": "·", "missing": "✗", "extra": "✗", "different": "✗"}


@dataclass(slots=True)
class Findings:
    """Renders a judgement. ``known`` are the frames that the page has a row for; others are named, not linked."""

    judgement: Judgement
    language: Language
    known: frozenset[int]
    _explained: set[str] = field(default_factory=set)

    def section(self) -> Html:
        """All checks: those that did not pass with what was found, the others folded away."""
        wrong = [check for check in self.judgement.checks if check.verdict is not Verdict.PASS]
        right = [check for check in self.judgement.checks if check.verdict is Verdict.PASS]
        given = {id(finding): number for number, finding in enumerate(self.judgement.findings)}
        parts = [el("h2", self._say("runpage.findings"))]
        if wrong:
            parts.append(el("ul", *(self._check(check, given) for check in wrong), class_="checks"))
        else:
            parts.append(el("p", self._say("runpage.none"), class_="note good"))
        if right:
            one = ".one" if len(right) == 1 else ""
            head = el("summary", self._say(f"runpage.passed{one}", count=len(right)))
            listed = el("ul", *(self._check(check, given) for check in right), class_="checks")
            parts.append(el("details", head, listed, class_="passed"))
        return el("section", *parts, id="findings")

    def _say(self, key: str, /, **values: object) -> str:
        return say(key, self.language, **values)

    def _check(self, check: CheckResult, given: dict[int, int]) -> Html:
        written = check.verdict is not Verdict.PASS and bool(check.written)
        parts = [
            el("span", SIGNS[check.verdict], class_="sign", aria_hidden="true"),
            " ",
            el("strong", check.name, class_="code"),
            *((" ", el("bdi", check.actor)) if check.actor else ()),
            f" {self._say(f'verdict.{check.verdict}')} ",
            el("code" if written else "span", check.summary.in_(self.language), class_="lines"),
        ]
        if written and check.line:
            parts.append(el("span", " ", self._say("runpage.line", line=check.line), class_="soft"))
        if check.verdict is Verdict.FAIL and check.credit is not None and check.credit.of > 1:
            said = self._say("verdict.credit", met=check.credit.met, of=check.credit.of)
            parts.append(el("div", said, class_="soft"))
        parts += [self._finding(one, check.actor, finding_id(given[id(one)])) for one in check.findings]
        return el("li", *parts, class_=check.verdict.value)

    def _finding(self, finding: Finding, expected: str | None, id_: str | None) -> Html:
        said = finding.rationale.in_(self.language)
        if id_ is None:
            parts = [el("p", self._say("verdict.cause", code=finding.code, rationale=said), class_="lines")]
        else:
            parts = [el("p", el("span", finding.code, class_="badge"), " ", said, class_="lines")]
        if finding.actor not in (None, expected):
            parts.append(el("p", self._say("verdict.doing", actor=finding.actor), class_="soft"))
        if finding.frames:
            parts.append(self._frames(finding.frames))
        for actor, lines in groupby(finding.terminal, key=lambda line: line[0]):
            quoted = "\n".join(line[:LONGEST_LINE] for _, line in lines)
            parts.append(el("p", self._say("verdict.terminal", actor=actor), class_="soft"))
            parts.append(el("pre", quoted, class_="wrapped", tabindex=0))
        if finding.beside:
            parts.append(self._beside(finding.beside, first_difference(finding)))
        if finding.more:
            parts.append(el("p", self._say("verdict.more", more=grouped(finding.more))))
        if finding.cause is not None:
            parts.append(self._finding(finding.cause, expected, None))
        if hint := finding.hint.in_(self.language):
            parts.append(el("p", self._say("verdict.hint", hint=hint), class_="lines"))
        parts += self._explained_once(finding.code)
        kind = "finding machine" if finding.code.startswith("WL9") else "finding"
        return el("div", *parts, class_=kind, id=id_, tabindex=None if id_ is None else -1)

    def _frames(self, frames: Sequence[int]) -> Html:
        links: list[str] = []
        for frame in frames[:MOST_FRAMES]:
            links += [" ", self._frame(frame)]
        more = len(frames) - MOST_FRAMES
        return el("p", self._say("runpage.frames"), *links, *([f" … (+{more})"] if more > 0 else []), class_="frames")

    def _frame(self, frame: int) -> Html:
        shown = str(frame)
        if frame not in self.known:
            return el("span", shown)
        return el("a", shown, href=f"#f{frame}", data_frame=frame, aria_label=self._say("runpage.frame", frame=frame))

    def _beside(self, rows: Sequence[Beside], first: int | None) -> Html:
        """An expected trace beside the segments, whole; where they first part is said, not only coloured."""
        heads = ("", self._say("feedback.expected"), self._say("feedback.frame"), self._say("feedback.seen"))
        drawn = []
        for at, row in enumerate(rows):
            seen = "..." if row.kind == "passed" and not row.expected else row.seen
            here = (" ", el("strong", f"◀ {self._say('runpage.first')}", class_="first")) if at == first else ()
            drawn.append(
                el(
                    "tr",
                    el("td", _ROWS[row.kind]),
                    el("td", *((el("code", row.expected),) if row.expected else ()), *here),
                    el("td", *(self._frame(frame) for frame in row.frames[:1]), class_="number"),
                    el("td", *((el("code", seen),) if seen else ())),
                    class_={"same": None, "passed": "passed"}.get(row.kind, "off"),
                )
            )
        head = el("thead", el("tr", *(el("th", one, scope="col") for one in heads)))
        table = el("div", el("table", head, el("tbody", *drawn), class_="beside"), class_="wide", tabindex=0)
        return join([el("p", self._say("verdict.beside"), class_="soft"), table])

    def _explained_once(self, code: str) -> Iterator[Html]:
        """The explanation of a code, folded away, where it comes first; after that, a pointer to it."""
        kind = REGISTRY.get(code)
        if kind is None or code not in PAGES:
            return
        if code in self._explained:
            again = el("a", self._say("feedback.page.above", code=code), href=f"#{code}")
            yield el("p", again, class_="soft")
            return
        self._explained.add(code)
        head = self._say("feedback.page", code=code, summary=getattr(kind.summary, self.language))
        page = el("div", *explanation(kind, self.language), class_="page")
        yield el("details", el("summary", head), page, id=code)
