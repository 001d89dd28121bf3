"""The command ``export``: what was graded, in the format of a platform, or a lab as an autograder for one.

Reads sheets and writes files; decides nothing about marks, and takes them from the stored runs as ``judge OUT`` does.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.compose import autograder, class_reports, classroom, labs, records
from wirelab.compose.labs import LoadedLab
from wirelab.compose.records import Submission
from wirelab.declare.source import meant
from wirelab.edge.output import complain, put
from wirelab.judge.grades import Grade, Student
from wirelab.judge.verdict import Verdict
from wirelab.present.exports.canvas import fill_canvas
from wirelab.present.exports.github import classroom as github_classroom
from wirelab.present.exports.github import step_summary
from wirelab.present.exports.graders import autolab, gradescope, prairielearn
from wirelab.present.exports.junit import junit
from wirelab.present.exports.moodle import fill_moodle
from wirelab.present.exports.sheet import Filled
from wirelab.present.style import safe

register(
    {
        "export.unreadable": Text("cannot read {file}: {why}", "无法读取 {file}：{why}"),
        "export.encoding": Text(
            "{file} is not UTF-8 text, as the platform writes it; export it again, and do not save it in a spreadsheet "
            "program in between",
            "{file} 不是平台导出时所用的 UTF-8 文本；请重新导出，中途不要用电子表格软件另存",
        ),
        "export.over-input": Text(
            "{file} would overwrite what it is made from; name another file with -o",
            "{file} 会覆盖它所依据的文件；请用 -o 指定另一个文件",
        ),
        "export.lab-changed": Text(
            "the lab is not what it was when {folder} was last graded or judged: these marks are by the lab as it is now, "
            "those in {folder} are older; `wirelab judge {folder}{lab}` makes them the same",
            "自 {folder} 上次评分或重新判定之后，实验已有改动：这里的分数按现在的实验计算，{folder} 里的还是旧的；运行 "
            "`wirelab judge {folder}{lab}` 可使两者一致",
        ),
        "export.written": Text("written: {file}", "已写入：{file}"),
        "export.pending": Text(
            "not graded yet, and left out: {who}; grade them first, with the command as before",
            "尚未评分，未写入：{who}；请先用原来的命令完成评分",
        ),
        "export.between": Text(", ", "、"),
        "export.whose": Text(
            "whose? {out} holds {count} submissions; give a key, a student number, a login or a name",
            "要导出谁的？{out} 中有 {count} 份提交；请给出标识、学号、账号或姓名",
        ),
        "export.nobody": Text("nobody in {out} is called '{word}'{meant}", "{out} 中没有 '{word}' 这个学生{meant}"),
        "export.several": Text(
            "'{word}' is more than one student: {known}; give the key of one",
            "'{word}' 对应不止一名学生：{known}；请给出其中一个标识",
        ),
        "export.ungraded": Text("{who} has not been graded yet", "{who} 尚未评分"),
        "export.undecided": Text(
            "nothing of {who} could be decided on this machine, so there is nothing to tell the platform: nothing was "
            "written; grade it again",
            "{who} 的提交在这台机器上全部未能判定，没有可以交给平台的结果：未写入任何文件；请重新评分",
        ),
        "export.autograder": Text(
            "upload it as it is: Configure Autograder, Upload Autograder",
            "原样上传即可：Configure Autograder，Upload Autograder",
        ),
    }
)

ONE: Mapping[str, Callable[[Grade, Language], str | None]] = {
    "gradescope": lambda grade, _: gradescope(grade),
    "prairielearn": lambda grade, _: prairielearn(grade),
    "autolab": lambda grade, language: "\n".join(autolab(grade, problems=language)) + "\n",
    "github": lambda grade, _: step_summary(grade),
    "github-classroom": lambda grade, _: github_classroom(grade) + "\n",
}
"""Formats that tell of one student."""


def export(options: argparse.Namespace, language: Language) -> int:
    """Write one export; 0, or 2 when the machine kept everything of a student from being decided.

    Raises UsageError and InputError before anything is written.
    """
    to = None if options.output is None else Path(options.output)
    if options.format == "autograder":
        return _autograder(options, Path(options.output), language)
    out = Path(options.out)
    kept = records.read_class(out)
    lab = class_reports.lab_of(out, kept, options.lab)
    if kept.digest not in ("", lab.digest):
        named = f" --lab {shlex.quote(options.lab)}" if options.lab else ""
        complain(safe(say("export.lab-changed", language, folder=out, lab=named)))
    known = {key: records.read_submission(out / records.STUDENTS / key) for key in kept.students}
    if options.format in ONE:
        return _one(options, out, lab, known, to, language)
    grades = [classroom.regraded(lab, out, key).grade for key, one in known.items() if one is not None]
    if options.format == "junit":
        _write(junit(grades, language=language, for_students=options.for_students), to, language)
    else:
        _sheet(options, grades, language)
    pending = [key for key, one in known.items() if one is None]
    if pending:
        complain(say("export.pending", language, who=say("export.between", language).join(pending)))
    return Verdict.PASS.exit_status


def _autograder(options: argparse.Namespace, to: Path, language: Language) -> int:
    lab = labs.load(labs.found(options.out), hidden=True)
    wheel = None if options.wheel is None else Path(options.wheel)
    _apart(to, wheel)
    _write(autograder.autograder(lab, wheel, language), to, language)
    put(say("export.autograder", language))
    return Verdict.PASS.exit_status


def _sheet(options: argparse.Namespace, grades: list[Grade], language: Language) -> None:
    """Fill in a sheet that a platform exported, and tell who is not in it."""
    sheet, to = Path(options.sheet), Path(options.output)
    _apart(to, sheet)
    text = _text(sheet)
    if options.format == "canvas":
        filled: Filled = fill_canvas(text, options.assignment, grades)
    else:
        columns = {
            "grade": options.grade_column,
            "feedback": options.feedback_column,
            "maximum": options.maximum_column,
        }
        filled = fill_moodle(text, grades, **columns)
    _write(filled.text, to, language)
    for line in filled.lines(language):
        put(line)


def _one(
    options: argparse.Namespace,
    out: Path,
    lab: LoadedLab,
    known: Mapping[str, Submission | None],
    to: Path | None,
    language: Language,
) -> int:
    key = _key(out, known, options.key)
    if known[key] is None:
        raise UsageError("export.ungraded", who=key)
    grade = classroom.regraded(lab, out, key).grade
    text = ONE[options.format](grade, language)
    if text is None:
        complain("wirelab: " + say("export.undecided", language, who=safe(grade.student.called)))
        return Verdict.INCONCLUSIVE.exit_status
    _write(text, to, language)
    return Verdict.PASS.exit_status


def _key(out: Path, known: Mapping[str, Submission | None], word: str | None) -> str:
    """The key of the student whom a word means, by whatever is known of them; without a word, of the only one."""
    if word is None:
        if len(known) != 1:
            raise UsageError("export.whose", out=out, count=len(known))
        return next(iter(known))
    if word in known:
        return word
    names = {key: _names(one.student) if one else {key} for key, one in known.items()}
    found = [key for key, called in names.items() if word.strip() in called]
    if len(found) > 1:
        raise UsageError("export.several", word=safe(word), known=", ".join(found))
    if not found:
        near = meant(word, sorted(set.union(set(), *names.values())))
        close = Bilingual(safe(near.en), safe(near.zh))
        raise UsageError("export.nobody", out=out, word=safe(word), meant=close)
    return found[0]


def _names(student: Student) -> set[str]:
    return {student.key, *filter(None, (student.number, student.login, student.name))}


def _text(sheet: Path) -> str:
    """A sheet as it is, line ends and byte order mark included."""
    try:
        return sheet.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError("export.unreadable", file=sheet, why=error.strerror or error) from None
    except UnicodeDecodeError:
        raise InputError("export.encoding", file=sheet) from None


def _apart(to: Path, source: Path | None) -> None:
    """Raises UsageError where what is written would lie over what is read, by whatever name."""
    if source is not None and to.exists() and source.exists() and to.samefile(source):
        raise UsageError("export.over-input", file=to)


def _write(content: str | bytes, to: Path | None, language: Language) -> None:
    """Write a file whole; where none is named, print the text."""
    if to is None:
        assert isinstance(content, str)
        put(content.removesuffix("\n"))
        return
    if to.exists() and not to.is_file():
        raise InputError("records.unwritable", folder=to, why=Bilingual("not a regular file", "不是普通文件"))
    records.write(to.resolve(), content)
    put(say("export.written", language, file=safe(str(to))))
