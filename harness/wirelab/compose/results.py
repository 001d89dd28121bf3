"""Writes what came of grading: each student's feedback, the class page, and the files that other systems read.

Every file is written whole or not at all. What a class takes of the memory hardly depends on how many are in it: grades
are packed, and what is long is written student by student. Decides nothing.
"""

from __future__ import annotations

import io
import os
import pickle
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path, PurePosixPath
from typing import Any, overload
from urllib.parse import quote

from wirelab.base.errors import InputError
from wirelab.base.texts import Language
from wirelab.compose import kit, records
from wirelab.compose.artifacts import PAGE, Run
from wirelab.compose.labs import STARTER
from wirelab.compose.preparation import prints
from wirelab.declare.lab import Lab
from wirelab.judge.grades import Grade, Student
from wirelab.judge.likeness import CAPTURED, alike
from wirelab.judge.lost import segments
from wirelab.judge.view import View
from wirelab.present.class_page import class_page
from wirelab.present.exports.github import class_summary
from wirelab.present.exports.gradebook import gradebook
from wirelab.present.exports.graders import gradescope, prairielearn
from wirelab.present.exports.junit import junit
from wirelab.present.exports.moodle import moodle_gradebook
from wirelab.present.exports.results import results_json
from wirelab.present.feedback_html import feedback_html
from wirelab.present.feedback_md import feedback_md
from wirelab.present.ladder import ladder

_JSON_END, _XML_END = "]\n}\n", "</testsuites>\n"
WIDTH = 110  # characters of a ladder on a page
MOST_PACKED = 1 << 18  # bytes of grades that are kept in memory
MOST_LINES = 400  # of a ladder or a terminal that a page shows


class _Packer(pickle.Pickler):
    """Packs dataclasses as calls of their classes, which unpack in a quarter of the time that their own way takes."""

    def reducer_override(self, value: object) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return type(value), tuple(getattr(value, field.name) for field in fields(value))
        return NotImplemented


class _Store(tempfile.SpooledTemporaryFile[bytes]):
    """Bytes in memory, or, when they are many, in a file without a name; gone with the last who knows of them."""

    def __del__(self) -> None:
        self.close()


class Grades(Sequence[Grade]):
    """Grades of a class, each packed to a twentieth of its size, and unpacked whenever it is asked for. Those of a large
    class are in a file without a name, as long as they are needed."""

    def __init__(self, grades: Iterable[Grade] = ()) -> None:
        self._file = _Store(MOST_PACKED)
        self._packed: list[tuple[int, int]] = []  # where each begins, and how long it is
        self._at: dict[str, int] = {}  # by student's key
        for grade in grades:
            self.put(grade)

    def put(self, grade: Grade) -> None:
        """Add the grade of a student who has none here yet. An interrupt in the middle leaves it out."""
        packed = io.BytesIO()
        _Packer(packed, pickle.HIGHEST_PROTOCOL).dump(grade)
        data = zlib.compress(packed.getvalue(), 1)
        begin = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(data)
        except OSError as error:
            raise InputError("records.unwritable", folder=tempfile.gettempdir(), why=error.strerror or error) from None
        self._packed.append((begin, len(data)))
        self._at[grade.student.key] = len(self._packed) - 1

    def knows(self, key: str) -> bool:
        """Whether there is a grade of the student with this key."""
        return key in self._at

    def in_order(self, keys: Iterable[str]) -> Grades:
        """Those of these students, in this order."""
        some = Grades()
        some._file = self._file
        some._packed = [self._packed[self._at[key]] for key in keys]
        return some

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, index: int) -> Grade: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Grade]: ...
    def __getitem__(self, index: int | slice) -> Grade | Sequence[Grade]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        begin, length = self._packed[index]
        self._file.seek(begin)
        grade: Grade = pickle.loads(zlib.decompress(self._file.read(length)))
        return grade


@dataclass(frozen=True, slots=True)
class Shown:
    """What feedback shows of one run besides its findings: the ladder, and what each terminal showed, in lines."""

    ladder: tuple[str, ...]
    terminals: Mapping[str, tuple[str, ...]]


def shown(run: Run, language: Language) -> Shown:
    """The ladder and the terminals of a run."""
    view = View(run.scenario, run.profile, run.evidence)
    names = {
        port: actor
        for connection in view.connections
        for port, actor in (
            (connection.client.port, view.actor_at(connection, "client")),
            (connection.server.port, view.actor_at(connection, "server")),
        )
    }
    lines = ladder(
        segments(view)[:MOST_LINES], run.profile, names, language=language, width=WIDTH, colour=False, origin=view.start
    )
    terminals = {actor: tuple(view.lines(actor)[:MOST_LINES]) for actor in view.transcripts}
    return Shown(tuple(lines[: 2 * MOST_LINES]), terminals)


def write_student(out: Path, grade: Grade, runs: Mapping[str, Shown], commands: Mapping[str, str]) -> None:
    """Write one student's feedback, and the results that hosted graders read. Raises InputError."""
    folder, language = out / records.STUDENTS / grade.student.key, grade.student.language
    ladders = {name: run.ladder for name, run in runs.items()}
    casts = {name: run.terminals for name, run in runs.items()}
    records.write(folder / "feedback.html", feedback_html(grade, ladders, casts, language, commands))
    records.write(folder / "feedback.md", feedback_md(grade, ladders, casts, language, commands))
    scope = gradescope(grade)
    if scope is not None:
        records.write(folder / "gradescope.json", scope)
    records.write(folder / "prairielearn.json", prairielearn(grade))


def write_class_results(out: Path, lab: Lab, grades: Sequence[Grade], language: Language) -> None:
    """Write the class page and the files with everybody's results. Raises InputError."""

    def page(key: str, folder: str) -> str:
        where = PurePosixPath(records.STUDENTS, key, folder, PAGE)
        return quote(str(where)) if folder and (out / where).is_file() else ""

    records.write(out / "index.html", class_page(grades, lab, language, *_same(out, lab, grades), page))
    records.write(out / "gradebook.csv", _gradebook(lab, grades, language))
    records.write(out / "results.json", _results(lab, grades))
    records.write(out / "junit.xml", _junit(grades, language))
    records.write(out / "moodle.csv", _moodle(grades))
    records.write(out / "summary.md", class_summary(lab, grades, language=language))


def _same(out: Path, lab: Lab, grades: Sequence[Grade]) -> tuple[list[list[Student]], list[list[Student]]]:
    """Groups of students who handed in the same program, the lab's starter aside, and of those who handed in a capture
    of the same conversation."""
    students = {grade.student.key: grade.student for grade in grades}
    found = {}
    for key in students:
        record = records.read_submission(out / records.STUDENTS / key)
        if record is not None:
            found[key] = record.prints
    folder = kit.lab_folder(lab.lab)
    starter = prints(folder / STARTER) if folder is not None else ()
    captured = {key: [one for one in has if one.startswith(CAPTURED)] for key, has in found.items()}
    programs = {key: [one for one in has if not one.startswith(CAPTURED)] for key, has in found.items()}
    groups = ([[students[key] for key in group] for group in alike(some, starter)] for some in (programs, captured))
    return next(groups), next(groups)


def _results(lab: Lab, grades: Iterable[Grade]) -> Iterator[str]:
    """``results_json`` of them all in pieces: at once it would take half a megabyte for each of them."""
    head, end = results_json(lab, ())[: -len(_JSON_END)], ""
    yield head
    for grade in grades:
        yield ("," if end else "") + results_json(lab, (grade,))[len(head) : -len(f"\n {_JSON_END}")]
        end = "\n "
    yield end + _JSON_END


def _junit(grades: Sequence[Grade], language: Language) -> Iterator[str]:
    """``junit`` of them all in pieces; what its first element counts is summed before."""
    if not grades:
        yield junit((), language=language)
        return
    counts, seconds = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0), 0.0
    for grade in grades:
        first = junit((grade,), language=language).split("\n", 2)[1]
        seconds += max(0.0, grade.seconds)
        for name in counts:
            counts[name] += int(re.findall(rf' {name}="(\d+)"', first)[0])
    for name, total in (counts | {"time": f"{seconds:.3f}"}).items():
        first = re.sub(rf' {name}="[\d.]+"', f' {name}="{total}"', first)
    for at, grade in enumerate(grades):
        declaration, _, suite = junit((grade,), language=language).split("\n", 2)
        yield (f"{declaration}\n{first}\n" if at == 0 else "") + suite.removesuffix(_XML_END)
    yield _XML_END


def _gradebook(lab: Lab, grades: Iterable[Grade], language: Language) -> Iterator[str]:
    """``gradebook`` of them all, row by row."""
    head = gradebook(lab, (), language=language)
    yield head
    yield from (gradebook(lab, (grade,), language=language)[len(head) :] for grade in grades)


def _moodle(grades: Iterable[Grade]) -> Iterator[str]:
    """``moodle_gradebook`` of them all in pieces: it has everybody's feedback in it."""
    head = moodle_gradebook(())
    yield head
    yield from (moodle_gradebook((grade,))[len(head) :] for grade in grades)
