"""The page of a class: who reached what, what many have in common, who is undecided and why. For the instructor.

Values in, text out. Hidden scenarios go by number here, too (their place in the lab), so that the page can be shown.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from urllib.parse import quote

from wirelab.base.texts import Language, Text, register, say
from wirelab.declare.lab import Lab
from wirelab.judge.findings import REGISTRY
from wirelab.judge.grades import Grade, Student
from wirelab.judge.points import Score
from wirelab.judge.verdict import Said
from wirelab.present.class_figures import (
    DELAY_BOUNDS,
    MARK_BINS,
    Cluster,
    clusters,
    delays,
    in_bounds,
    mark_bins,
    undecided,
)
from wirelab.present.feedback import in_
from wirelab.present.html import Html, document, el, histogram, join
from wirelab.present.words import grouped, number

LONGEST_WHOLE = 16  # characters of a student's number that stand on one line
LONGEST_EXAMPLE = 600  # characters; the whole of it stands on the student's page

register(
    {
        "class.title": Text("{lab}: the class", "{lab}：全班结果"),
        "class.none": Text("There is no submission.", "没有提交。"),
        "class.count": Text(
            "{count} submissions; {marked} have a mark: median {median}, mean {mean}, of {of} points.",
            "共 {count} 份提交，{marked} 份有分数：中位数 {median}，平均 {mean}，满分 {of}。",
        ),
        "class.count.none": Text("{count} submissions; none has a mark.", "共 {count} 份提交，都没有分数。"),
        "class.marks": Text("Marks", "分数分布"),
        "class.marks.label": Text(
            "how many marks lie in each tenth of the points", "分数按满分的十分之一分档，各档的人数"
        ),
        "class.marks.axis": Text("per cent of the points", "占满分的百分比"),
        "class.matrix": Text("Students and what they reached", "各人各项得分"),
        "class.student": Text("Student", "学生"),
        "class.number": Text("Number", "学号"),
        "class.mark": Text("Mark", "分数"),
        "class.signs": Text(
            "✓ all, ◐ in part, ✗ nothing, ? undecided by the machine's fault (costs nothing), – not played; a sign that is "
            "a link leads to the page of the run behind it",
            "✓ 全对，◐ 部分正确，✗ 没有得分，? 因机器原因未判定（不扣分），– 未运行；带链接的符号通向对应的运行页面",
        ),
        "class.findings": Text("What many have in common", "常见问题"),
        "class.findings.none": Text("There are no findings that cost points.", "没有扣分的诊断。"),
        "class.cluster": Text("{students} students, {count} times", "{students} 名学生，共 {count} 处"),
        "class.cluster.one": Text("1 student, {count} times", "1 名学生，共 {count} 处"),
        "class.cause": Text("likely cause {code}: {summary}", "可能的原因 {code}：{summary}"),
        "class.where": Text("in {places}", "出现在 {places}"),
        "class.example": Text("For example {student}, in {scenario}:", "例如 {student}，在 {scenario} 中："),
        "class.example.page": Text("Look at the run", "查看这次运行"),
        "class.example.hidden": Text(
            "It shows in hidden checks only; the students' own pages do not tell of it.",
            "只在隐藏检查中出现，学生的页面不会提到。",
        ),
        "class.timing": Text("Timing", "时间分布"),
        "class.delays": Text(
            "How long the slowest answer to a heartbeat took, in milliseconds: {count} checks, median {median}.",
            "每次检查中最慢的心跳应答用时，单位毫秒：{count} 次检查，中位数 {median}。",
        ),
        "class.seconds": Text(
            "Grading one submission took {median} s (median), at most {most} s.",
            "评一份提交用时的中位数为 {median} 秒，最长 {most} 秒。",
        ),
        "class.seconds.label": Text("seconds for each submission", "每份提交用时（秒）"),
        "class.undecided": Text("Undecided, by no fault of theirs", "未判定（不是学生的原因）"),
        "class.undecided.reason": Text("{code} {summary} ({places})", "{code} {summary}（{places}）"),
        "class.undecided.between": Text("; ", "；"),
        "class.undecided.points": Text("{points} points", "{points} 分"),
        "class.undecided.unknown": Text("not everything was played", "没有全部运行"),
        "class.problems": Text("Could not be started, or not all of it", "无法启动，或部分无法启动"),
        "class.alike": Text("The same programs", "相同的程序"),
        "class.alike.why": Text(
            "But for names, comments and layout, these handed in the same program. That is a place to look, no verdict: "
            "they may have been allowed to work together, or have the same source.",
            "除了命名、注释和排版，这些学生提交了相同的程序。这只是提示您查看，不是结论：他们可能获准合作，或参考了同一来源。",
        ),
        "class.captured": Text("The same captures", "相同的抓包"),
        "class.captured.why": Text(
            "Captures that these handed in hold a connection with the same two initial sequence numbers: it is one and the "
            "same conversation. That is a place to look, no verdict: they may have been allowed to work together.",
            "这些学生提交的抓包文件里，有一条连接的两个初始序号完全相同，即同一次会话。这只是提示您查看，不是结论：他们可能获准合作。",
        ),
        "class.hidden": Text(
            "Hidden check N is the N-th scenario under 'hidden' in lab.yaml.",
            "“隐藏检查 N” 是 lab.yaml 中 hidden 下的第 N 个场景。",
        ),
    }
)


Pages = Callable[[str, str], str]
"""Where the page of a run is, seen from the class page: by the student's key and the run's folder. Empty: there is none."""


class _Later:
    """Long lists of a page, made only when the page is written: until then a mark stands for each."""

    _MARK = re.compile("\0([0-9]+)\0")  # no text of a page has such a character: ``html.text`` names it

    def __init__(self) -> None:
        self._lists: list[Iterable[str]] = []

    def __call__(self, pieces: Iterable[str]) -> Html:
        self._lists.append(pieces)
        return Html(f"\0{len(self._lists) - 1}\0")

    def pieces(self, page: str) -> Iterator[str]:
        """The page with its lists, in pieces."""
        for at, piece in enumerate(self._MARK.split(page)):
            if at % 2:
                yield from self._lists[int(piece)]
            else:
                yield piece


def class_page(
    grades: Sequence[Grade],
    lab: Lab,
    language: Language,
    alike: Sequence[Sequence[Student]] = (),
    captured: Sequence[Sequence[Student]] = (),
    pages: Pages = lambda _key, _folder: "",
) -> Iterator[str]:
    """``index.html`` of a graded class, in pieces. It links to ``students/KEY/feedback.html``, beside which it lies, and
    to the pages of runs that cost points. ``alike`` are groups of students who handed in the same program, ``captured``
    of those who handed in the same conversation."""
    title, later = say("class.title", language, lab=in_(lab.title, language)), _Later()
    parts = [el("header", el("h1", title), el("p", _summary(grades, lab, language)))]
    if grades:
        parts += [_marks(grades, language), _matrix(grades, lab, language, later, pages)]
        parts += [_problems(grades, language, later), _undecided(grades, language)]
        parts += [_alike(alike, "class.alike", language), _alike(captured, "class.captured", language)]
        parts += [_findings(clusters(grades), language, later, pages), _timing(grades, language)]
    foot = el("footer", el("p", say("class.hidden", language))) if lab.hidden else Html("")
    yield from later.pieces(document(title, join([el("main", *parts), foot]), language))


def _summary(grades: Sequence[Grade], lab: Lab, language: Language) -> str:
    if not grades:
        return say("class.none", language)
    marks = [grade.mark for grade in grades if grade.mark is not None]
    if not marks:
        return say("class.count.none", language, count=len(grades))
    values = {"median": number(statistics.median(marks)), "mean": number(statistics.fmean(marks))}
    return say("class.count", language, count=len(grades), marked=len(marks), of=number(lab.points), **values)


def _marks(grades: Sequence[Grade], language: Language) -> Html:
    step = 100 // MARK_BINS
    names = [f"{place * step}–{(place + 1) * step}" for place in range(MARK_BINS)]
    drawn = histogram(list(zip(names, mark_bins(grades), strict=True)), say("class.marks.label", language))
    axis = el("p", say("class.marks.axis", language), class_="soft")
    return el("section", el("h2", say("class.marks", language)), drawn, axis)


def _timing(grades: Sequence[Grade], language: Language) -> Html:
    """How fast heartbeats were answered; where no check can tell, how long grading took."""
    seconds = [grade.seconds for grade in grades]
    values = {"median": f"{statistics.median(seconds):.1f}", "most": f"{max(seconds):.1f}"}
    parts = [el("p", say("class.seconds", language, **values), class_="soft")]
    if took := delays(grades):
        told = say("class.delays", language, count=len(took), median=f"{statistics.median(took):.1f}")
        drawn = _in_bins(took, DELAY_BOUNDS, told)
        parts = [el("p", told), drawn, *parts]
    else:
        parts.append(_in_bins(seconds, _even_bounds(max(seconds)), say("class.seconds.label", language)))
    return el("section", el("h2", say("class.timing", language)), *parts)


def _in_bins(values: Sequence[float], bounds: Sequence[float], label: str) -> Html:
    below = [f"{bound:g}" for bound in bounds]
    names = [f"<{below[0]}", *(f"{low}–{high}" for low, high in pairwise(below)), f"≥{below[-1]}"]
    return histogram(list(zip(names, in_bounds(values, bounds), strict=True)), label)


def _even_bounds(most: float) -> tuple[float, ...]:
    """Seven bounds at even distances, of one significant digit, the last one near ``most``."""
    step = float(f"{max(most, 0.7) / 7:.0e}")
    return tuple(round(step * (place + 1), 6) for place in range(7))


# --- students and what they reached


def _matrix(grades: Sequence[Grade], lab: Lab, language: Language, later: _Later, pages: Pages) -> Html:
    heads = [say("class.student", language), say("class.number", language)]
    heads.append(f"{say('class.mark', language)} / {number(lab.points)}")
    heads += [f"{in_(item.title, language)} / {number(item.points)}" for item in lab.rubric]
    head = el("tr", *(el("th", one, scope="col") for one in heads))
    rows = later(_row(grade, lab, pages) for grade in grades)
    table = el("table", el("thead", head), el("tbody", rows), class_="matrix")
    return el(
        "section",
        el("h2", say("class.matrix", language)),
        el("p", say("class.signs", language), class_="soft"),
        el("div", table, class_="wide", tabindex=0),
    )


def _row(grade: Grade, lab: Lab, pages: Pages) -> Html:
    scores: Sequence[Score | None] = grade.scores if grade.problem is None else ()
    cells = [_cell(grade.mark, lab.points)]
    missing: list[Score | None] = [None] * (len(lab.rubric) - len(scores))
    for score in [*scores, *missing][: len(lab.rubric)]:
        if score is None:
            cells.append(el("td", "–", class_="number"))
        else:
            lost = [share.counted.scenario for share in score.shares if share.fraction is None or share.fraction < 1]
            folders = [run.folder for run in grade.runs if run.scenario in lost and not run.hidden]
            found = (page for folder in folders if (page := pages(grade.student.key, folder)))
            cells.append(_cell(score.points, score.item.points, next(found, "")))
    whole = len(grade.student.number) <= LONGEST_WHOLE
    number_ = el("td", el("bdi", grade.student.number), class_="whole" if whole else None)
    return el("tr", el("th", _linked(grade.student), scope="row"), number_, *cells)


def _cell(reached: float | None, of: float, page: str = "") -> Html:
    if reached is None:
        kind, sign, shown = "inconclusive", "?", ""
    elif reached >= of:
        kind, sign, shown = "pass", "✓", number(reached)
    elif reached > 0:
        kind, sign, shown = "part", "◐", number(reached)
    else:
        kind, sign, shown = "fail", "✗", "0"
    told = join([el("span", sign, class_="sign"), f" {shown}".rstrip()])
    return el("td", el("a", told, href=page) if page else told, class_=f"number {kind}")


def _linked(student: Student) -> Html:
    """A student's name, as a link to the page; the key alone is trusted to be a name of a folder, if it is one."""
    name = el("bdi", student.called)
    if not student.key.replace("-", "").replace("_", "").isalnum():
        return name
    return el("a", name, href=f"students/{quote(student.key, safe='')}/feedback.html")


# --- who could not be graded, or not whole


def _problems(grades: Sequence[Grade], language: Language, later: _Later) -> Html:
    count = sum(1 if grade.problem is not None else len(grade.notes) for grade in grades)
    rows = later(
        el("li", _linked(grade.student), el("div", _clipped(said, language), class_="lines"))
        for grade in grades
        for said in ([grade.problem] if grade.problem is not None else grade.notes)
    )
    return (
        el("section", el("h2", f"{say('class.problems', language)} ({count})"), el("ul", rows)) if count else Html("")
    )


def _alike(groups: Sequence[Sequence[Student]], title: str, language: Language) -> Html:
    if not groups:
        return Html("")
    rows = [el("li", *(part for student in group for part in (_linked(student), " "))) for group in groups]
    why = el("p", say(f"{title}.why", language), class_="soft")
    return el("section", el("h2", f"{say(title, language)} ({len(rows)})"), why, el("ul", *rows))


def _undecided(grades: Sequence[Grade], language: Language) -> Html:
    rows = []
    for grade in grades:
        why = undecided(grade)
        if grade.problem is not None or not (grade.undecided or (why and grade.mark != 0)):
            continue
        reasons = [_reason(code, places, language) for code, places in why.items()]
        points = say("class.undecided.points", language, points=number(grade.undecided))
        told = say("class.undecided.between", language).join(reasons) or say("class.undecided.unknown", language)
        rows.append(el("li", _linked(grade.student), f" · {points} · {told}"))
    title = f"{say('class.undecided', language)} ({len(rows)})"
    return el("section", el("h2", title), el("ul", *rows)) if rows else Html("")


def _reason(code: str, places: Iterable[str | int], language: Language) -> str:
    values = {"summary": _summary_of(code, language), "places": _places(places, language)}
    return say("class.undecided.reason", language, code=code, **values)


def _places(places: Iterable[str | int], language: Language) -> str:
    """Scenarios by name, hidden ones by number."""
    named = (say("feedback.hidden.one", language, number=one) if isinstance(one, int) else one for one in places)
    return say("feedback.between", language).join(named)


def _summary_of(code: str, language: Language) -> str:
    kind = REGISTRY.get(code)
    return in_(kind.summary, language) if kind else ""


def _clipped(said: Said, language: Language) -> str:
    told = said.in_(language)
    return told if len(told) <= LONGEST_EXAMPLE else f"{told[:LONGEST_EXAMPLE]}…"


# --- what many have in common


def _findings(found: Sequence[Cluster], language: Language, later: _Later, pages: Pages) -> Html:
    title = el("h2", say("class.findings", language))
    if not found:
        return el("section", title, el("p", say("class.findings.none", language)))
    return el("section", title, *(_cluster(cluster, language, later, pages) for cluster in found))


def _cluster(cluster: Cluster, language: Language, later: _Later, pages: Pages) -> Html:
    key = "class.cluster" if len(cluster.students) != 1 else "class.cluster.one"
    count = say(key, language, students=len(cluster.students), count=grouped(cluster.count))
    head = [el("span", cluster.code, class_="badge"), f" {_summary_of(cluster.code, language)} "]
    if cluster.cause:
        values = {"code": cluster.cause, "summary": _summary_of(cluster.cause, language)}
        head.append(f"· {say('class.cause', language, **values)} ")
    head.append(el("span", count, class_="soft"))
    places: list[str | int] = [*cluster.shown, *sorted(cluster.hidden)]
    body = [el("p", say("class.where", language, places=_places(places, language)), class_="soft")]
    example = cluster.example
    if example is None:
        body.append(el("p", say("class.example.hidden", language)))
    else:
        who = say("class.example", language, student=example.student.called, scenario=example.scenario)
        page = pages(example.student.key, example.folder)
        look = [" ", el("a", say("class.example.page", language), href=page)] if page else []
        body += [el("p", who, *look), el("p", _clipped(example.rationale, language), class_="lines note")]
        if example.cause is not None:
            body.append(el("p", _clipped(example.cause, language), class_="lines note"))
    people = later(part for student in cluster.students.values() for part in (_linked(student), " "))
    return el("details", el("summary", *head), *body, el("p", people, class_="people"), class_="run")
