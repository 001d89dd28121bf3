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


_LABEL = re.compile(r"[ \t>]{0,8}(?:[-*+•][ \t]{1,4})?(\*\*)?[ \t]?([a-z])[ \t]?[)）](?:[ \t]?\*\*)?", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]{0,8}(?:`{3,20}|~{3,20})[ \t]{0,8}[a-z]{0,20}[ \t]{0,8}", re.IGNORECASE)


def read_answers(source: str, asked: Asked) -> dict[int, str]:
    """What stands in an answer cell, by position; what is blank is left out. Of two that stand there for one label, as
    in a cell that was copied, the first that is not blank counts."""
    answers: dict[int, str] = {}
    for at, lines in _parts([line.rstrip() for line in source[:LONGEST].split("\n")], len(asked.fields)):
        text = _stripped(lines, asked.fields[at])
        if text:
            answers.setdefault(at, text)
    return answers


def _parts(lines: list[str], count: int) -> list[tuple[int, list[str]]]:
    """The lines behind each label, the label itself left out. Labels are bold, as they were written, unless none is."""
    known = {letters(26)[at].lower(): at for at in range(min(count, 26))}
    found = [_LABEL.match(line) for line in lines]
    marks = [one if one is not None and one[2].lower() in known else None for one in found]
    if any(one is not None and one[1] for one in marks):
        marks = [one if one is not None and one[1] else None for one in marks]
    if count == 1 and not any(marks):
        return [(0, lines)]
    parts: list[tuple[int, list[str]]] = []
    for line, mark in zip(lines, marks, strict=True):
        if mark is not None:
            parts.append((known[mark[2].lower()], [line[mark.end() :]]))
        elif parts:
            parts[-1][1].append(line)
    return parts


def _stripped(lines: list[str], field: Field) -> str:
    """An answer without its prompt, its blank, and the fence around it."""
    first, long = " ".join(lines[0].split()), isinstance(field.answer, Free | WrittenTrace)
    prompts = (said(field.prompt, "en"), said(field.prompt, "zh"), field.prompt.in_("en"), field.prompt.in_("zh"))
    head = next((one for one in (" ".join(prompt.split()) for prompt in prompts) if first.startswith(one)), None)
    if head is not None:
        first = first[len(head) :].lstrip()
        first = first[1:] if first[:1] in (":", "：") else first
    elif not long and (colon := re.search("[:：]", first)):
        first = first[colon.end() :]
    kept = [first, *(line for line in lines[1:] if not _FENCE.fullmatch(line))]
    text = "\n".join(kept).strip()
    while text.startswith(BLANK) or text.endswith(BLANK):
        text = text.removeprefix(BLANK).removesuffix(BLANK).strip()
    return "" if set(text) <= {"_"} else text
