"""What came of checking a report: for a terminal, as plain data, and as cells in a copy of the notebook. Decides nothing.

``brief`` leaves out what is right and why: for instructors who let reports be handed in again.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wirelab.base.texts import LANGUAGES, Language, Text, register, say
from wirelab.judge.questions.answers import Choice, Free
from wirelab.judge.questions.checking import Checked, CheckedReport, Result
from wirelab.judge.verdict import Said
from wirelab.present.markdown import plain
from wirelab.present.question_cells import label, said
from wirelab.present.style import BOLD, DIM, GREEN, NARROWEST, RED, YELLOW, Style, cells, wrap
from wirelab.present.words import number

_MARKS = {
    "right": ("✓", GREEN),
    "part": ("~", YELLOW),
    "wrong": ("✗", RED),
    "missing": ("–", RED),
    "unreadable": ("?", RED),
    "open": ("…", YELLOW),
}
LONGEST = 600  # characters of an answer that are shown again

register(
    {
        "result.question": Text("{number}. {title}: {points} of {of}", "{number}．{title}：{points}/{of} 分"),
        "result.open": Text(
            "{number}. {title}: {points} of {of}, {open} of them to be marked by the instructor",
            "{number}．{title}：{points}/{of} 分，其中 {open} 分待老师评阅",
        ),
        "result.not-shown": Text(
            "the capture does not show what is asked: it takes {needs}", "抓包没有显示本题所问的内容：需要{needs}"
        ),
        "result.right": Text("{label} right: {text}", "{label} 正确：{text}"),
        "result.wrong": Text("{label} wrong: {text}", "{label} 错误：{text}"),
        "result.part": Text("{label} right in part: {text}", "{label} 部分正确：{text}"),
        "result.missing": Text("{label} no answer ({prompt})", "{label} 没有作答（{prompt}）"),
        "result.unreadable": Text("{label} cannot be read as an answer: {text}", "{label} 无法识别为答案：{text}"),
        "result.to-mark": Text("{label} for the instructor: {text}", "{label} 待老师评阅：{text}"),
        "result.solution": Text("right is {solution}: {why}", "正确答案是 {solution}：{why}"),
        "result.option": Text("{letter} ({words})", "{letter}（{words}）"),
        "result.frames": Text("look at frame {frames}", "请看第 {frames} 帧"),
        "result.remark": Text("note: {remark}", "注意：{remark}"),
        "result.total": Text("{points} of {of} points", "{points}/{of} 分"),
        "result.total-open": Text(
            "{points} of {of} points; {open} more are for the instructor to give",
            "{points}/{of} 分；另有 {open} 分由老师评定",
        ),
        "result.feedback": Text("Checked: {points} of {of} points", "批改结果：{points}/{of} 分"),
        "result.place": Text("Instructor: ____ of {open} points", "老师评分：____/{open} 分"),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what is said of a question: how deep it stands, what it says, and what sort of outcome it tells."""

    depth: int
    text: str
    state: str = ""


def question_lines(one: Result, language: Language, *, brief: bool = False) -> Iterator[Line]:
    """What is said of one question, its head first."""
    values = {
        "number": one.put.number,
        "title": one.put.kind.title.fill(language),
        "points": number(one.points),
        "of": number(one.put.points),
        "open": number(one.open),
    }
    states = {answer.outcome.state for answer in one.answers}
    full = one.points >= one.put.points - 1e-9
    state = "open" if states == {"open"} else "right" if full else "part" if one.points else "wrong"
    yield Line(0, say("result.open" if one.open else "result.question", language, **values), state)
    if one.put.asked is None:
        yield Line(1, say("result.not-shown", language, needs=one.put.kind.needs.fill(language)))
    for at, answer in enumerate(one.answers):
        yield from _answer(at, answer, language, brief=brief)


def _answer(at: int, one: Checked, language: Language, *, brief: bool) -> Iterator[Line]:
    state = one.outcome.state
    text = " ".join(one.text.split())
    values = {
        "label": label(at),
        "text": text if len(text) <= LONGEST else text[: LONGEST - 1] + "…",
        "prompt": one.field.prompt.in_(language),
    }
    word = "to-mark" if state == "open" else state
    if brief and state == "right":
        values["text"] = "✓"
    yield Line(1, say(f"result.{word}", language, **values), state)
    if state in ("right", "open"):
        return
    if one.outcome.said is not None and (state == "unreadable" or not brief):
        for line in one.outcome.said.in_(language).split("\n"):
            yield Line(2, line)
    if brief or isinstance(one.field.answer, Free):  # what a good answer says is for whoever marks
        return
    yield Line(2, say("result.solution", language, solution=_solution(one, language), why=one.field.why.in_(language)))
    if one.field.frames:
        yield Line(2, say("result.frames", language, frames=", ".join(map(str, one.field.frames))))


def _solution(one: Checked, language: Language) -> str:
    answer = one.field.answer
    text = answer.solution.zh if language == "zh" else answer.solution.en
    if isinstance(answer, Choice):
        option = answer.options[answer.right]
        words = option.zh if language == "zh" else option.en
        return say("result.option", language, letter=text, words=words)
    return "\n" + text + "\n" if "\n" in text else text


def result_lines(
    checked: CheckedReport, language: Language, *, width: int, colour: bool, brief: bool = False
) -> list[str]:
    """The whole result for a terminal; nothing is cut."""
    style, lines = Style(colour), []
    for one in checked.results:
        for line in question_lines(one, language, brief=brief):
            mark, ink = _MARKS.get(line.state, (" ", ""))
            head = f"{'    ' * line.depth}{mark if line.depth < 2 else ' '} "
            beside = wrap(line.text, max(NARROWEST, width - cells(head)))
            inks = (BOLD,) if line.depth == 0 else (DIM,) if line.depth == 2 else ()
            for at, text in enumerate(beside):
                front = style.paint(head, ink) if at == 0 else " " * cells(head)
                lines.append((front + style.paint(text, *inks)).rstrip())
    for remark in checked.remarks:
        lines += [
            style.paint(text, YELLOW)
            for text in wrap(say("result.remark", language, remark=remark.in_(language)), max(NARROWEST, width))
        ]
    lines.append(style.paint(total_line(checked, language), BOLD))
    return lines


def total_line(checked: CheckedReport, language: Language) -> str:
    """Points of the whole report."""
    key = "result.total-open" if checked.open else "result.total"
    return say(key, language, points=number(checked.points), of=number(checked.of), open=number(checked.open))


def plain_result(checked: CheckedReport) -> dict[str, object]:
    """The result as plain data, every sentence in both languages."""

    def both(sentence: Said | None) -> dict[str, str] | None:
        return None if sentence is None else {language: sentence.in_(language) for language in LANGUAGES}

    return {
        "lab": checked.lab,
        "points": checked.points,
        "of": checked.of,
        "open": checked.open,
        "remarks": [both(remark) for remark in checked.remarks],
        "questions": [
            {
                "number": one.put.number,
                "kind": one.put.kind.name,
                "points": one.points,
                "of": one.put.points,
                "open": one.open,
                "shown": one.put.asked is not None,
                "answers": [
                    {
                        "prompt": both(answer.field.prompt),
                        "answer": answer.text,
                        "state": answer.outcome.state,
                        "points": round(answer.points, 6),
                        "of": round(answer.of, 6),
                        "said": both(answer.outcome.said),
                        "solution": _solution(answer, "en").strip("\n"),
                        "why": both(answer.field.why),
                        "frames": list(answer.field.frames),
                    }
                    for answer in one.answers
                ],
            }
            for one in checked.results
        ],
    }


def marked(notebook: Mapping[str, Any], checked: CheckedReport, language: Language, *, brief: bool) -> dict[str, Any]:
    """A copy of the notebook with what came of each question below its answer, and places for marks."""
    made: dict[str, Any] = copy.deepcopy(dict(notebook))
    said_of = {one.put.kind.name: one for one in checked.results}
    kinds = [one["kind"] for one in made["metadata"]["wirelab"]["questions"]]
    cells_after: list[dict[str, Any]] = []
    used: set[str] = set()
    for cell in made["cells"]:
        if cell["metadata"].get("wirelab", {}).get("part") == "feedback":
            continue  # of an earlier check
        cells_after.append(cell)
        graded = cell["metadata"].get("nbgrader")
        name = str(graded.get("grade_id", "")) if isinstance(graded, dict) else ""
        kind, place = name.partition("-")[0], name.partition("-")[2]
        at = int(place) - 1 if place.isascii() and place.isdigit() and len(place) < 4 else -1
        one = said_of.get(kinds[at]) if 0 <= at < len(kinds) else None
        wanted = "answer" if one is not None and one.put.asked is not None else "question"
        if one is not None and kind == wanted and name not in used:
            used.add(name)
            cells_after.append(_feedback(one, f"f{at + 1:02d}", language, brief=brief))
    summary = [f"**{plain(total_line(checked, language))}**"]
    summary += [f"- {said(remark, language)}" for remark in checked.remarks]
    cells_after.insert(1, _cell("\n".join([summary[0], "", *summary[1:]]).rstrip(), "f00"))
    made["cells"] = cells_after
    return made


def _feedback(one: Result, name: str, language: Language, *, brief: bool) -> dict[str, Any]:
    _, *rest = question_lines(one, language, brief=brief)
    head = say("result.feedback", language, points=number(one.points), of=number(one.put.points))
    lines = [f"> **{plain(head)}**", ">"]
    for line in rest:
        mark = f"{_MARKS[line.state][0]} " if line.state else ""
        for text in line.text.split("\n"):
            if text.strip():
                lines.append(f"> {'  ' * (line.depth - 1)}- {mark}{plain(text)}")
    if one.open:
        lines += [">", f"> {say('result.place', language, open=number(one.open))}"]
    return _cell("\n".join(lines), name)


def _cell(source: str, name: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {"wirelab": {"part": "feedback"}}, "source": source}
