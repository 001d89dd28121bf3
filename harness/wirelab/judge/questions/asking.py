"""What a kind of question is, and what it becomes when it is put to one student. Knows no bank and no rendering."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.questions.answers import Answer, Choice
from wirelab.judge.questions.facts import Facts, Lot
from wirelab.judge.verdict import Said

BLANK = "____"
"""Stands where an answer is to be written."""


@dataclass(frozen=True, slots=True)
class Field:
    """One answer that is asked for. ``prompt`` stands before it, without a colon at its end; ``why`` explains what is
    right by the frames of this capture, and is said when the answer is not."""

    prompt: Said
    answer: Answer
    why: Said
    frames: tuple[int, ...] = ()


def choice(prompt: Said, options: Sequence[Bilingual], right: int, why: Said, frames: tuple[int, ...]) -> Field:
    """A field in which one of several options is to be chosen by its letter; the options stand in its prompt."""
    return Field(prompt, Choice(tuple(options), right), why, frames)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is put to one student: its words, a block of fixed-width text below them (a trace with blanks,
    segments to be put in order; empty for none), and the answers that are asked for, at least one."""

    text: Said
    fields: tuple[Field, ...]
    block: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question. ``name`` is what lab.yaml calls it; ``title`` heads it; ``about`` says in general what is
    asked, as the blank form has it; ``needs`` completes "the capture has to show …".

    ``ask`` puts it to one student; None when the capture does not show what it is about.
    """

    name: str
    title: Text
    about: Text
    needs: Text
    ask: Callable[[Facts, Lot], Asked | None]
