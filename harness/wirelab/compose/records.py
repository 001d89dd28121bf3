"""The folder that grading writes to: what is kept of each submission, found again after an interruption or a change.

    OUT/class.json                      the lab, and who was graded
    OUT/students/KEY/submission.json    one submission: its content's digest, why it could not be played, the compiler's words
    OUT/students/KEY/runs/SCENARIO/     a run folder; SCENARIO.done beside it says from what it was made, and is written last
    OUT/work/                           files of submissions that are being played; gone when grading ends

Every file is there whole or not at all, whenever grading is killed. Plays and judges nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from wirelab import __version__
from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import LANGUAGES, Bilingual, Text, register
from wirelab.compose import kit
from wirelab.compose.artifacts import Run, read_run
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Judgement, Said, Verdict

CLASS, STUDENTS, RUNS, WORK = kit.CLASS_FILE, "students", "runs", "work"
_SUBMISSION, _DONE, _PARTIAL = "submission.json", ".done", ".part"
_FORMAT, _VERSION = "wirelab-class", 1

register(
    {
        "records.unwritable": Text("cannot write {folder}: {why}", "无法写入 {folder}：{why}"),
        "records.occupied": Text(
            "{folder} holds something that `wirelab grade` did not write (such as {name}); name another folder, or an "
            "empty one",
            "{folder} 中有不是由 `wirelab grade` 写入的内容（例如 {name}）；请换一个文件夹，或使用空文件夹",
        ),
        "records.other-lab": Text(
            "{folder} holds grades of the lab {found}, not of {lab}; name another folder",
            "{folder} 中是实验 {found} 的评分，而不是 {lab}；请换一个文件夹",
        ),
        "records.missing": Text(
            "there is no class in {folder}: no {file}; it is written by `wirelab grade LAB SUBMISSIONS -o {folder}`",
            "{folder} 中没有班级评分数据（缺少 {file}）；它由 `wirelab grade 实验 提交 -o {folder}` 写入",
        ),
        "records.damaged": Text("{file} is damaged: {why}", "{file} 已损坏：{why}"),
    }
)


@dataclass(frozen=True, slots=True)
class Submission:
    """What is kept of one submission beside its runs."""

    student: Student
    digest: str
    commands: Mapping[str, str]  # how each role is started
    problem: Said | None = None
    notes: tuple[Said, ...] = ()
    built: str = ""


class Class(NamedTuple):
    """What is kept of a class: the lab as it was named, and the keys of its students in order."""

    lab: str
    students: tuple[str, ...]


class Kept(NamedTuple):
    """A run that was played before, judged as it is judged today, and how many tries it took."""

    run: Run
    judgement: Judgement
    tries: int


def key(digest: str, *texts: str) -> str:
    """What tells whether a run is still the one that would be played: the submission, the texts of the scenario and its
    protocol, and the kit (its version, and its reference programs)."""
    parts = (digest, *texts, __version__, _references())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


@cache
def _references() -> str:
    texts = (kit.reference_program(role).read_bytes() for role in ("client", "server"))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()


def check_out(out: Path, lab: str) -> None:
    """Make sure, before anything is played, that a class can be kept in ``out``: a new or empty folder, or one that
    holds grades of the same lab. Raises UsageError or InputError. Makes the folder."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if (out / CLASS).is_file():
            found = read_class(out).lab
            if found != lab:
                raise UsageError("records.other-lab", folder=out, found=found, lab=lab)
        else:
            foreign = sorted(item.name for item in out.iterdir() if item.name not in (STUDENTS, WORK))
            if foreign:
                raise UsageError("records.occupied", folder=out, name=foreign[0])
        (out / STUDENTS).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError("records.unwritable", folder=out, why=error.strerror or error) from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError("records.unwritable", folder=out, why=os.strerror(13))


def write(path: Path, data: str | bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises InputError when it cannot be written."""
    part = path.with_name(path.name + _PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise InputError("records.unwritable", folder=path, why=error.strerror or error) from None


def write_class(out: Path, lab: str, students: Sequence[Student]) -> None:
    """Say whose grades ``out`` holds."""
    document = {"format": _FORMAT, "version": _VERSION, "lab": lab, "students": [student.key for student in students]}
    write(out / CLASS, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read_class(out: Path) -> Class:
    """Whose grades ``out`` holds. Raises InputError when it holds none."""
    file = out / CLASS
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT or document["version"] != _VERSION:
            raise ValueError(document["format"], document["version"])
        return Class(str(document["lab"]), tuple(map(str, document["students"])))
    except FileNotFoundError:
        raise InputError("records.missing", folder=out, file=CLASS) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("records.damaged", file=file, why=error) from None


def write_submission(folder: Path, submission: Submission) -> None:
    """Keep what is known of a submission beside its runs."""
    document = {
        "student": asdict(submission.student),
        "digest": submission.digest,
        "commands": dict(submission.commands),
        "problem": None if submission.problem is None else _plain(submission.problem),
        "notes": [_plain(note) for note in submission.notes],
        "built": submission.built,
    }
    write(folder / _SUBMISSION, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read_submission(folder: Path) -> Submission | None:
    """What was kept of a submission; None when there is nothing, or nothing that can be read: it is graded again."""
    try:
        document = json.loads((folder / _SUBMISSION).read_text(encoding="utf-8"))
        who = {name: str(value) for name, value in document["student"].items()}
        language = who.pop("language")
        if language not in LANGUAGES:
            return None
        student = Student(**who, language=language)
        problem = None if document["problem"] is None else _said(document["problem"])
        notes = tuple(map(_said, document["notes"]))
        commands = {str(role): str(command) for role, command in document["commands"].items()}
        return Submission(student, str(document["digest"]), commands, problem, notes, str(document["built"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(said: Said) -> dict[str, object]:
    """A sentence in both languages, as it is said today."""
    return {"en": said.in_("en"), "zh": said.in_("zh")}


def _said(plain: Mapping[str, object]) -> Said:
    return Said(Text("{said}", "{said}"), {"said": Bilingual(str(plain["en"]), str(plain["zh"]))})


@contextlib.contextmanager
def keeping(folder: Path, name: str, made_from: str, tries: int) -> Iterator[Path]:
    """Gives the run folder to write to; when all is written, it is marked as done."""
    done = _done(folder, name)
    run = folder / RUNS / name
    try:
        done.unlink(missing_ok=True)
        run.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("records.unwritable", folder=run, why=error.strerror or error) from None
    yield run
    write(done, json.dumps({"made_from": made_from, "tries": tries}) + "\n")


def read_kept(folder: Path, name: str, made_from: str | None) -> Kept | None:
    """A run that was kept, if it was made from the same (None: from whatever), and could be decided."""
    try:
        document = json.loads(_done(folder, name).read_text(encoding="utf-8"))
        if made_from is not None and document["made_from"] != made_from:
            return None
        run = read_run(folder / RUNS / name)
        kept = Kept(run, run.judged(), int(document["tries"]))
    except (OSError, ValueError, KeyError, TypeError, WirelabError):
        return None
    return None if made_from is not None and kept.judgement.verdict is Verdict.INCONCLUSIVE else kept


def _done(folder: Path, name: str) -> Path:
    return folder / RUNS / f"{name}{_DONE}"
