"""Questions and answers as Markdown cells: how they are written, and how what a student wrote there is read. Pure.

An answer cell has a line for each answer, ``- **a)** prompt： ____``; the student writes where the blank stands. What is
longer than a line (a trace, words of their own) stands below its line. Reading goes by the labels; it executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.judge.questions.answers import Choice, Free, letters
from wirelab.judge.questions.asking import BLANK, Asked, Field
from wirelab.judge.questions.checking import Put
from wirelab.judge.questions.written_trace import WrittenTrace
from wirelab.judge.verdict import Said
from wirelab.present.markdown import fenced, plain
from wirelab.present.style import safe
from wirelab.present.words import number

LONGEST = 20_000  # characters of an answer cell that are read
_CODE = re.compile(r"`\{(\w+)\}`")

register(
    {
        "cell.question": Text("{number}. {title} ({points} points)", "{number}．{title}（{points} 分）"),
        "cell.not-shown": Text(
            "*This capture does not show what this question asks about: it takes {needs}. It can give no points.*",
            "*这份抓包没有显示本题所问的内容：需要{needs}。本题不能得分。*",
        ),
        "cell.colon": Text(":", "："),
        "cell.options": Text("{letter} to choose from:", "{letter} 的选项："),
        "cell.write-here": Text("(write here)", "（在此填写）"),
    }
)


def label(at: int) -> str:
    """What stands before the answer in a position, counted from 0."""
    return f"{letters(26)[at].lower()})" if at < 26 else f"{at + 1})"


def said(sentence: Said, language: Language) -> str:
    """A sentence as Markdown: its words are ours, its values are foreign; what stands between backticks is code."""
    template = sentence.text.zh if language == "zh" else sentence.text.en
    as_code = set(_CODE.findall(template))

    def inert(name: str, value: object) -> object:
        if isinstance(value, Bilingual | Text):
            value = value.zh if language == "zh" else value.en
        if not isinstance(value, str):
            return value
        if len(value) > 2 and value[0] == value[-1] == "`" and "`" not in value[1:-1]:
            return f"`{safe(value[1:-1])}`"
        return safe(value).replace("`", "'") if name in as_code else plain(value)

    return sentence.text.fill(language, **{name: inert(name, value) for name, value in sentence.values.items()})


def question_cell(one: Put, language: Language) -> str:
    """The question as it is put to one student."""
    title = one.kind.title.fill(language)
    head = say("cell.question", language, number=one.number, title=title, points=number(one.points))
    lines = [f"#### {head}", ""]
    if one.asked is None:
        return "\n".join([*lines, say("cell.not-shown", language, needs=one.kind.needs.fill(language))])
    lines.append(said(one.asked.text, language))
    if one.asked.block:
        lines += ["", *fenced(one.asked.block.split("\n"))]
    for at, field in enumerate(one.asked.fields):
        if isinstance(field.answer, Choice):
            lines += ["", say("cell.options", language, letter=f"**{label(at)}**"), ""]
            for letter, option in zip(letters(26), field.answer.options, strict=False):
                lines.append(f"- {letter}. {plain(option.zh if language == 'zh' else option.en)}")
    return "\n".join(lines)


def blank_cell(one: Put, language: Language) -> str:
    """The cell in which the answers are to be written."""
    return answer_cell(one, language, {})


def answer_cell(one: Put, language: Language, answers: Mapping[int, str]) -> str:
    """The cell with answers in it, by position; a blank where there is none."""
    if one.asked is None:
        return ""
    return "\n".join(
        line for at, field in enumerate(one.asked.fields) for line in _place(at, field, language, answers.get(at, ""))
    )


def _place(at: int, field: Field, language: Language, answer: str) -> list[str]:
    head = f"- **{label(at)}** {said(field.prompt, language)}{say('cell.colon', language)}"
    if isinstance(field.answer, WrittenTrace):
        return [head, "", "```text", *(answer or BLANK).split("\n"), "```", ""]
    if isinstance(field.answer, Free):
        return [head, "", answer or BLANK, ""]
    return [f"{head} {answer or BLANK}"]


def read_answers(source: str, asked: Asked) -> dict[int, str]:
    """What stands in an answer cell, by position; what is blank is left out."""
    source = source[:LONGEST]
    marks = _labels(source, len(asked.fields))
    if not marks and len(asked.fields) == 1:
        marks = [(0, 0, 0)]
    answers = {}
    for place, (at, _, begin) in enumerate(marks):
        end = marks[place + 1][1] if place + 1 < len(marks) else len(source)
        text = _stripped(source[begin:end], asked.fields[at])
        if text:
            answers[at] = text
    return answers


def _labels(source: str, count: int) -> list[tuple[int, int, int]]:
    """Where the labels stand, as (position, begin, end), in order; the first of each that comes after the one before."""
    found: list[tuple[int, int, int]] = []
    for at in range(count):
        letter = re.escape(label(at)[:-1])
        start = found[-1][2] if found else 0
        for shape in (r"\*\*\s*{0}\s*[)）]\s*\*\*", r"\**\s*{0}\s*[)）]\s*\**"):
            pattern = re.compile(rf"^[ \t>]*(?:[-*+•][ \t]+)?{shape.format(letter)}", re.MULTILINE | re.IGNORECASE)
            mark = pattern.search(source, start)
            if mark is not None:
                found.append((at, mark.start(), mark.end()))
                break
    return found


def _stripped(text: str, field: Field) -> str:
    """An answer without its prompt, its blank, and the fence around it."""
    for prompt in (said(field.prompt, "en"), said(field.prompt, "zh"), field.prompt.in_("en"), field.prompt.in_("zh")):
        head = re.match(r"\s*" + r"\s+".join(map(re.escape, prompt.split())), text)
        if prompt.strip() and head:
            text = text[head.end() :]
            break
    else:
        if not isinstance(field.answer, Free | WrittenTrace):
            text = re.split("[:：]", text, maxsplit=1)[-1]
    text = text.strip().removeprefix(":").removeprefix("：")
    kept = [line for line in text.split("\n") if not re.fullmatch(r"\s*(?:`{3,}|~{3,})\s*\w*\s*", line)]
    return re.sub(r"^[\s_]+|[\s_]+$", "", "\n".join(kept))
