"""The folder OUT that grading writes to: what is kept of each submission, found again after an interruption or a change.

    class.json                      the lab, and who was graded
    students/KEY/submission.json    one submission: its content's digest, why it could not be played, the compiler's words
    students/KEY/runs/SCENARIO/     a run folder; SCENARIO.done beside it says from what it was made, and is written last
    work/                           files of submissions that are being played; gone when grading ends

Every file is there whole or not at all, whenever grading is killed; one command at a time writes here. Plays nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import select
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from wirelab import __version__
from wirelab.base.clock import Deadline
from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import LANGUAGES, Bilingual, Text, register
from wirelab.compose import kit, labs
from wirelab.compose.artifacts import Run, read_run
from wirelab.compose.files import PARTIAL, write_whole
from wirelab.compose.labs import LoadedLab
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Judgement, Said, Verdict

CLASS, STUDENTS, RUNS, WORK = kit.CLASS_FILE, "students", "runs", "work"
_SUBMISSION, _DONE = "submission.json", ".done"
_FORMAT, _VERSION = "wirelab-class", 1
_HELD_SECONDS, _ASK_AGAIN = 5.0, 0.05  # one that was killed holds on until all that it forked is gone as well

register(
    {
        "records.unwritable": Text("cannot write {folder}: {why}", "无法写入 {folder}：{why}"),
        "records.occupied": Text(
            "{folder} holds something that `wirelab grade` did not write (such as {name}); name another folder, or an "
            "empty one",
            "{folder} 中有不是由 `wirelab grade` 写入的内容（例如 {name}）；请换一个文件夹，或使用空文件夹",
        ),
        "records.no-lab": Text(
            "the lab '{name}', which {folder} was graded for, is no longer in {where}; name its folder with --lab",
            "{folder} 所属的实验 '{name}' 已不在 {where} 中；请用 --lab 指明它的文件夹",
        ),
        "records.other-lab": Text(
            "{folder} holds grades of the lab {found}, not of {lab}; name another folder",
            "{folder} 中是实验 {found} 的评分，而不是 {lab}；请换一个文件夹",
        ),
        "records.held": Text(
            "another `wirelab grade` or `wirelab judge` is writing to {folder}; wait until it is over",
            "另一个 `wirelab grade` 或 `wirelab judge` 正在写入 {folder}；请等它结束",
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
    prints: tuple[str, ...] = ()  # of its programs, as ``judge/likeness`` compares them


class Class(NamedTuple):
    """What is kept of a class: the lab's name, and the keys of its students in order. ``folder``: where the lab lies as
    seen from there, if it is none of the kit's; ``digest``: what it was when all was judged last."""

    lab: str
    students: tuple[str, ...]
    reports: bool = False  # whether lab reports count
    folder: str | None = None
    digest: str = ""


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
            ours = (STUDENTS, WORK, CLASS + PARTIAL)
            foreign = sorted(item.name for item in out.iterdir() if item.name not in ours)
            if foreign:
                raise UsageError("records.occupied", folder=out, name=foreign[0])
        (out / STUDENTS).mkdir(exist_ok=True)
        trial = out / f"{CLASS}{PARTIAL}"  # root may write anywhere, says access(2), but not where all is read-only
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise InputError("records.unwritable", folder=out, why=error.strerror or error) from None


@contextlib.contextmanager
def held(out: Path) -> Iterator[None]:
    """Let nobody else write to ``out`` during the block. Raises UsageError when somebody does, InputError when there is
    no such folder. Whoever is forked in the block holds on as well: a process that was killed, and left something
    that writes, is waited for. Source: flock(2)."""
    try:
        handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError("records.missing", folder=out, file=CLASS) from None
    except OSError as error:
        raise InputError("records.unwritable", folder=out, why=error.strerror or error) from None
    try:
        deadline = Deadline.after(_HELD_SECONDS)
        while not _taken(handle):
            if deadline.passed:
                raise UsageError("records.held", folder=out)
            select.select((), (), (), _ASK_AGAIN)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks
        return True
    return True


def write(path: Path, data: str | bytes | Iterable[str]) -> None:
    """Write a file, perhaps in pieces, so that it is there whole or not at all. Raises InputError when it cannot be
    written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise InputError("records.unwritable", folder=path, why=error.strerror or error) from None


def write_class(out: Path, lab: LoadedLab, keys: Sequence[str], *, reports: bool = False, over: bool = True) -> None:
    """Say whose grades ``out`` holds, by which lab, and whether lab reports count. Until grading is ``over``, its marks are
    those of the lab as it was before."""
    document: dict[str, object] = {"format": _FORMAT, "version": _VERSION, "lab": lab.lab.lab}
    folder = lab.folder.resolve()
    own = None if folder.parent == kit.labs_root().resolve() else os.path.relpath(folder, out.resolve())
    document |= {"students": list(keys), "reports": reports, "folder": own}
    document["digest"] = lab.digest if over else _digest_of(out)
    write(out / CLASS, json.dumps(document, indent=1) + "\n")


def _digest_of(out: Path) -> str:
    return read_class(out).digest if (out / CLASS).is_file() else ""


def read_class(out: Path) -> Class:
    """Whose grades ``out`` holds. Raises InputError when it holds none."""
    file = out / CLASS
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT or document["version"] != _VERSION:
            raise ValueError(document["format"], document["version"])
        students = tuple(map(str, document["students"]))
        folder, digest = document.get("folder"), document.get("digest", "")
        if not isinstance(folder, str | None) or not isinstance(digest, str):
            raise ValueError(folder, digest)
        return Class(str(document["lab"]), students, bool(document.get("reports")), folder, digest)
    except FileNotFoundError:
        raise InputError("records.missing", folder=out, file=CLASS) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("records.damaged", file=file, why=error) from None


def read_lab(out: Path, kept: Class, word: str | None) -> LoadedLab:
    """The lab that a class was graded for, as it is now; ``word`` names it, or its folder, where that is another.
    Raises UsageError when there is none, or it is another."""
    where = os.path.normpath(out.resolve() / kept.folder) if kept.folder else str(kit.labs_root() / kept.lab)
    folder = labs.found(word) if word else kit.lab_folder(where)
    if folder is None:
        raise UsageError("records.no-lab", name=kept.lab, folder=out, where=where)
    lab = labs.load(folder, hidden=True)
    if lab.lab.lab != kept.lab:
        raise UsageError("records.other-lab", folder=out, found=kept.lab, lab=lab.lab.lab)
    return lab


def write_submission(folder: Path, submission: Submission) -> None:
    """Keep what is known of a submission beside its runs."""
    document = {
        "student": asdict(submission.student),
        "digest": submission.digest,
        "commands": dict(submission.commands),
        "problem": None if submission.problem is None else _plain(submission.problem),
        "notes": [_plain(note) for note in submission.notes],
        "built": submission.built,
        "prints": submission.prints,
    }
    write(folder / _SUBMISSION, json.dumps(document, indent=1) + "\n")


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
        prints = tuple(map(str, document["prints"]))
        return Submission(student, str(document["digest"]), commands, problem, notes, str(document["built"]), prints)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(said: Said) -> dict[str, object]:
    """A sentence in both languages, as it is said today."""
    return {"en": said.in_("en"), "zh": said.in_("zh")}


def _said(plain: Mapping[str, object]) -> Said:
    return Said(Text("{said}", "{said}"), {"said": Bilingual(str(plain["en"]), str(plain["zh"]))})


@contextlib.contextmanager
def keeping(folder: Path, name: str, made_from: str, digest: str, tries: int) -> Iterator[Path]:
    """Gives the run folder to write to, empty; when all is written, it is marked as done. ``digest`` is the
    submission's."""
    done = _done(folder, name)
    run = folder / RUNS / name
    try:
        done.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(run)  # half a run, perhaps: somebody was killed
        run.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("records.unwritable", folder=run, why=error.strerror or error) from None
    yield run
    write(done, json.dumps({"made_from": made_from, "digest": digest, "tries": tries}) + "\n")


def read_kept(folder: Path, name: str, made_from: str | None, digest: str) -> Kept | None:
    """A run that was kept of the submission with this digest, if it was made from the same scenario and kit as well, and
    could be decided (``made_from`` None: whatever it was, and however it ended)."""
    try:
        document = json.loads(_done(folder, name).read_text(encoding="utf-8"))
        if document["digest"] != digest or made_from not in (None, document["made_from"]):
            return None
        run = read_run(folder / RUNS / name)
        kept = Kept(run, run.judged(), int(document["tries"]))
    except (OSError, ValueError, KeyError, TypeError, WirelabError):
        return None
    return None if made_from is not None and kept.judgement.verdict is Verdict.INCONCLUSIVE else kept


def _done(folder: Path, name: str) -> Path:
    return folder / RUNS / f"{name}{_DONE}"
