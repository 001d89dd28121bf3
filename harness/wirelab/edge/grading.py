"""Commands ``grade LAB SUBMISSIONS`` and ``judge OUT``: tell how far it is, and write what came of it.

Prints and writes files; decides nothing about verdicts, points or what a sandbox must keep out.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wirelab.base.clock import now_ns
from wirelab.base.errors import InputError, UsageError, WirelabError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import class_reports, classroom, labs, records, results
from wirelab.compose.classroom import JOBS_PER_CPU, Classroom
from wirelab.compose.cluster import Cluster
from wirelab.compose.dask_link import Link, linked
from wirelab.compose.desk import Entry, Graded, RunOver
from wirelab.compose.handed_in import HandedIn, prepare
from wirelab.compose.intake import find_submissions
from wirelab.compose.labs import LoadedLab
from wirelab.compose.proof import proved
from wirelab.compose.report_marks import TO_MARK, write_to_mark
from wirelab.compose.roster import read_roster
from wirelab.edge.output import complain, flush, put
from wirelab.judge.grades import Grade
from wirelab.judge.verdict import Verdict
from wirelab.present.style import ELLIPSIS, clip, safe
from wirelab.stage import processes
from wirelab.stage.world import here

SHORT = 90.0  # seconds that are not told in minutes
CLASS = ".class"  # in OUT/work, where an archive of a whole class is unpacked; no student has such a key
WIDTH = 400  # characters of what is said of one submission
NAMES = 4  # names of submissions under way that the line of progress tells

register(
    {
        "grade.begins": Text(
            "{lab}: {count} submissions, {scenarios} scenarios each, at most {jobs} at once{sandbox}",
            "{lab}：{count} 份提交，每份 {scenarios} 个场景，最多同时进行 {jobs} 个{sandbox}",
        ),
        "grade.begins-there": Text(
            "{lab}: {count} submissions, {scenarios} scenarios each, {threads} submissions at once at {address}{sandbox}",
            "{lab}：{count} 份提交，每份 {scenarios} 个场景，在 {address} 上同时评 {threads} 份{sandbox}",
        ),
        "grade.reads": Text("reading {source}", "正在读取 {source}"),
        "grade.no-sandbox": Text(", WITHOUT a sandbox", "，没有沙箱"),
        "grade.progress": Text(
            "{done}/{count} submissions, {runs}/{all} runs, {eta} left; {names}",
            "提交 {done}/{count}，运行 {runs}/{all}，还需 {eta}；{names}",
        ),
        "grade.one": Text(
            "[{done}/{count}] {name}: {mark} of {of}{note}", "[{done}/{count}] {name}：{mark}/{of}{note}"
        ),
        "grade.note": Text("{name}: {note}", "{name}：{note}"),
        "grade.undecided": Text(
            " ({points:g} undecided, by no fault of theirs)", "（{points:g} 分未判定，不是学生的原因）"
        ),
        "grade.waiting": Text(" ({points:g} to be marked by you)", "（{points:g} 分待您评阅）"),
        "grade.not-graded": Text("[{done}/{count}] {name}: not decided", "[{done}/{count}] {name}：未能判定"),
        "grade.over": Text(
            "{count} graded in {time}: {folder}/index.html, {folder}/gradebook.csv",
            "已评 {count} 份，用时 {time}：{folder}/index.html、{folder}/gradebook.csv",
        ),
        "grade.stopped": Text(
            "stopped; what was finished is in {folder}, and the same command goes on from there",
            "已停止；完成的部分保存在 {folder}，再次运行同一条命令即可继续",
        ),
        "grade.broken-off": Text(
            "broken off; what was finished is kept in {folder}, and when the cause is mended the same command goes on "
            "from there",
            "已中断；完成的部分保存在 {folder}，排除原因后再次运行同一条命令即可继续",
        ),
        "grade.within": Text(
            "{out} lies within {source}: what is written there would be taken for a submission; name another folder",
            "{out} 位于 {source} 之内，写到那里的内容会被当成提交；请换一个文件夹",
        ),
        "grade.jobs": Text(
            "--jobs must be a whole number of at least 1, not {value}", "--jobs 应为不小于 1 的整数，不能是 {value}"
        ),
        "grade.to-mark": Text(
            "answers in students' own words that wait for your marks: {count}. Fill in the column 'mark' of {file}, then: "
            "wirelab judge {folder}",
            "有 {count} 个用自己的话写的回答等待评分：请填写 {file} 的 mark 列，然后运行：wirelab judge {folder}",
        ),
        "grade.seconds": Text("{seconds:.0f} s", "{seconds:.0f} 秒"),
        "grade.minutes": Text("{minutes:.0f} min", "{minutes:.0f} 分钟"),
    }
)


@dataclass(slots=True)
class _Progress:
    """One line that says how far it is, rewritten on a terminal; elsewhere a line for each submission."""

    count: int
    runs: int
    language: Language
    began: int
    live: bool
    done: int = 0
    over: int = 0
    played: int = 0
    shown: int = 0

    def run(self, event: RunOver, names: Iterable[str]) -> None:
        self.over += 1
        self.played += not event.kept
        if self.live:
            self._show(names)

    def grade(self, grade: Grade) -> None:
        self.done += 1
        self._clear()
        name = safe(grade.student.called)
        values: dict[str, object] = {"done": self.done, "count": self.count, "name": name}
        if grade.mark is None:
            put(say("grade.not-graded", self.language, **values))
        else:
            note = say("grade.undecided", self.language, points=grade.undecided) if grade.undecided else ""
            note += say("grade.waiting", self.language, points=grade.waiting) if grade.waiting else ""
            values |= {"mark": f"{grade.mark:g}", "of": f"{grade.lab.points:g}", "note": note}
            put(say("grade.one", self.language, **values))
        for why in filter(None, (grade.problem, *grade.notes)):
            first = why.in_(self.language).partition("\n")[0]
            put("    " + clip(re.sub("[:：]$", ELLIPSIS, first), WIDTH))

    def _show(self, names: Iterable[str]) -> None:
        pace = (now_ns() - self.began) / 1e9 / self.played if self.played else 0.0
        left = pace * max(0, self.runs - self.over)
        text = say(
            "grade.progress",
            self.language,
            done=self.done,
            count=self.count,
            runs=self.over,
            all=self.runs,
            eta=duration(left, self.language) if self.played else "…",
            names=", ".join(list(dict.fromkeys(names))[:NAMES]),
        )
        self._clear()
        room = shutil.get_terminal_size().columns - 1  # a line that goes on in the next could not be taken back
        sys.stdout.write(clip(safe(text), room))
        flush()
        self.shown = 1

    def _clear(self) -> None:
        if self.shown:
            sys.stdout.write("\r\x1b[K")
            self.shown = 0


def grade(options: argparse.Namespace, language: Language) -> int:
    """Grade a class; 0 when every submission has a mark, 2 when the machine kept some from having one."""
    began = now_ns()
    folder = labs.found(options.lab)
    lab = labs.load(folder, hidden=True)
    out, source = Path(options.output), Path(options.submissions)
    if options.reports:
        lab = class_reports.with_reports(lab, out)
    jobs = _jobs(options.jobs)
    box = (
        None
        if options.no_sandbox or options.dask
        else proved(out, source, folder.resolve(), *([Path(options.roster)] if options.roster else []))
    )
    roster = read_roster(Path(options.roster)) if options.roster else None
    if not source.exists():
        raise InputError("intake.missing", source=source)
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError("grade.within", out=out, source=source)
    records.check_out(out, lab.lab.lab)
    with _terminated(), _linked(options.dask) as link, records.held(out):
        put(say("grade.reads", language, source=safe(str(source))))
        spoken: Language = options.feedback_lang or language
        found = find_submissions(source, roster, out / records.WORK / CLASS, role=lab.lab.hands_in[0], language=spoken)
        for note in found.notes:
            put(safe(note.in_(language)))
        for one in found.submissions:
            for note in one.notes:
                put(safe(say("grade.note", language, name=one.student.called, note=note.in_(language))))
        entries = [_entry(one) for one in found.submissions] + [Entry(student, "", None) for student in found.missing]
        keys = [entry.student.key for entry in entries]
        records.write_class(out, lab, keys, reports=options.reports, over=False)
        values: dict[str, object] = {"lab": lab.lab.lab, "count": len(entries), "scenarios": len(lab.scenarios)}
        values["sandbox"] = say("grade.no-sandbox", language) if options.no_sandbox else ""
        room: Classroom | Cluster
        if link is None:
            most = here().jobs(jobs or JOBS_PER_CPU * processes.cpus())
            put(say("grade.begins", language, jobs=most, **values))
            room = Classroom(lab, out.absolute(), jobs=most, sandbox=box, observe=options.observe)
        else:
            put(say("grade.begins-there", language, threads=link.threads(), address=safe(link.address), **values))
            handed = {one.student.key: one for one in found.submissions}
            boxed = not options.no_sandbox
            room = Cluster(lab, out.absolute(), link, handed, jobs=jobs, sandboxed=boxed, observe=options.observe)
        grades = _play(room, entries, out, lab, language, began)
        status = _finish(out, lab, grades, language, began)
        records.write_class(out, lab, keys, reports=options.reports)
        return status


def _play(
    room: Classroom | Cluster, entries: Sequence[Entry], out: Path, lab: LoadedLab, language: Language, began: int
) -> results.Grades:
    """Grade them all, telling how far it is, and writing each student's feedback as it comes."""
    progress = _Progress(len(entries), len(entries) * len(lab.scenarios), language, began, sys.stdout.isatty())
    grades, keys = results.Grades(), [entry.student.key for entry in entries]
    try:
        with closing(room.grade(entries)) as events:
            for event in events:
                if isinstance(event, RunOver):
                    progress.run(event, room.under_way())
                else:
                    grades.put(_write(out, event, progress))
    except (KeyboardInterrupt, WirelabError) as stopped:
        try:
            if grades:  # else there may be a whole gradebook from before
                for entry in entries:
                    if not grades.knows(entry.student.key):
                        grades.put(classroom.ungraded(lab, entry.student))
                results.write_class_results(out, lab.lab, grades.in_order(keys), language)
        except InputError as error:
            if isinstance(stopped, KeyboardInterrupt):
                complain("\n" + safe(error.text(language)))
        word = "grade.stopped" if isinstance(stopped, KeyboardInterrupt) else "grade.broken-off"
        complain("\n" + safe(say(word, language, folder=out)))
        raise
    return grades.in_order(keys)


@contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM and SIGHUP end grading as Ctrl-C does: in good order."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def judge_class(out: Path, lab_name: str | None, language: Language) -> int:
    """Grade again what is kept in ``out``, as the lab's rubric and the checks are now, without playing anything."""
    began = now_ns()
    with records.held(out):
        kept = records.read_class(out)
        lab = class_reports.lab_of(out, kept, lab_name)
        progress = _Progress(len(kept.students), 0, language, began, live=False)
        grades = results.Grades(_write(out, classroom.regraded(lab, out, key), progress) for key in kept.students)
        status = _finish(out, lab, grades, language, began)
        records.write_class(out, lab, kept.students, reports=kept.reports)
        return status


def _write(out: Path, one: Graded, progress: _Progress) -> Grade:
    progress.grade(one.grade)
    results.write_student(out, one.grade, one.shown, one.commands)
    return one.grade


def _finish(out: Path, lab: LoadedLab, grades: Sequence[Grade], language: Language, began: int) -> int:
    results.write_class_results(out, lab.lab, grades, language)
    if lab.reports is not None:
        waiting = write_to_mark(out, class_reports.to_mark(out, lab, (grade.student for grade in grades)))
        if waiting:
            put(say("grade.to-mark", language, count=waiting, file=out / TO_MARK, folder=out))
    took = duration((now_ns() - began) / 1e9, language)
    put(say("grade.over", language, count=len(grades), time=took, folder=out))
    verdicts = Counter(grade.mark is None or grade.undecided > 0 for grade in grades)
    return Verdict.INCONCLUSIVE.exit_status if verdicts[True] else Verdict.PASS.exit_status


def _entry(one: HandedIn) -> Entry:
    """A submission as it was taken in, to be graded."""
    return Entry(one.student, one.digest, None if one.problem else partial(prepare, one), one.problem)


def _linked(address: str | None) -> AbstractContextManager[Link | None]:
    """The cluster to grade on, if there is one to be."""
    return nullcontext() if address is None else linked(address)


def _jobs(value: str | None) -> int | None:
    if value is None:
        return None
    if not value.isdecimal() or int(value) < 1:
        raise UsageError("grade.jobs", value=value)
    return int(value)


def duration(seconds: float, language: Language) -> str:
    """A time as people say it."""
    if seconds < SHORT:
        return say("grade.seconds", language, seconds=seconds)
    return say("grade.minutes", language, minutes=seconds / 60)
