"""What is being done with one submission of a class: from what is kept of it already to its grade.

Whoever plays what is missing, on this machine (``classroom``) or on others (``cluster``), begins and ends with it. Reads
and writes the folder OUT through ``records``; plays nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from wirelab.base.clock import now_ns
from wirelab.base.errors import EnvironmentFault, HarnessBug, Overrun
from wirelab.base.texts import Bilingual, Text, catalogue, register
from wirelab.compose import class_reports, records
from wirelab.compose.class_reports import Reported
from wirelab.compose.labs import LoadedLab
from wirelab.compose.preparation import Prepared, told
from wirelab.compose.results import Shown, shown
from wirelab.judge.grades import Grade, PlayedRun, Student
from wirelab.judge.points import score
from wirelab.judge.verdict import Judgement, Said, Verdict
from wirelab.stage.script import Casting

FAULT = "fault.txt"  # beside a submission's runs: what a bug of ours looked like

register(
    {
        "desk.nothing": Text("nothing was handed in", "没有提交任何内容"),
        "desk.machine": Text(
            "{count} scenarios could not be played on this machine: {why}", "有 {count} 个场景在本机上无法运行：{why}"
        ),
        "desk.bug": Text(
            "wirelab itself failed; whoever grades finds the details in {file}",
            "wirelab 自身出错；评分者可以在 {file} 中看到详情",
        ),
        "desk.overrun": Text(
            "the scenario asks for what could not be computed in time; whoever grades finds the details in {file}",
            "场景所要求的内容无法及时算出；评分者可以在 {file} 中看到详情",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission to be graded. ``digest`` tells its content; ``prepare`` puts its files into a new folder and
    raises InputError or UsageError when they cannot be had. Without it there is none, for a ``problem``."""

    student: Student
    digest: str
    prepare: Callable[[Path], None] | None
    problem: Said | None = None


@dataclass(frozen=True, slots=True)
class RunOver:
    """One scenario is over: whose, which, the verdict, and whether that was clear without playing it now (``kept``). No
    verdict: the machine did not let it be played."""

    student: Student
    scenario: str
    verdict: Verdict | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Graded:
    """A submission is over: its grade, what feedback shows of the runs that did not pass, how its programs are started,
    and why the machine did not let some scenarios be played."""

    grade: Grade
    shown: Mapping[str, Shown]
    commands: Mapping[str, str]
    faults: Mapping[str, Said] = field(default_factory=dict)


@dataclass(slots=True)
class Desk:
    """What is being done with one submission."""

    lab: LoadedLab
    entry: Entry
    folder: Path
    began: int
    waiting: deque[tuple[str, int]] = field(default_factory=deque)  # scenarios to be played, and the try it is
    under_way: int = 0
    judgements: dict[str, Judgement] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    prepared: Prepared | None = None
    programs: dict[str, Mapping[str, Casting]] = field(default_factory=dict)
    problem: Said | None = None
    faults: dict[str, Said] = field(default_factory=dict)  # by scenario
    shown: dict[str, Shown] = field(default_factory=dict)

    @classmethod
    def opened(cls, lab: LoadedLab, out: Path, entry: Entry) -> Desk:
        """What is to be done for a submission: everything but what is kept in ``out`` from before."""
        desk = cls(lab, entry, out / records.STUDENTS / entry.student.key, now_ns())
        desk.problem = entry.problem
        if entry.prepare is None:
            desk.problem = desk.problem or Said(catalogue()["desk.nothing"])
            return desk
        missing = []
        for name in lab.scenarios:
            kept = records.read_kept(desk.folder, name, desk.key(name), entry.digest)
            if kept is None:
                missing.append(name)
            else:
                desk.keep(name, kept)
        desk.waiting.extend((name, 1) for name in missing)
        before = records.read_submission(desk.folder)
        if not missing and before is not None and before.digest == entry.digest:
            desk.prepared = Prepared(before.commands, before.notes, before.built, prints=before.prints)
        return desk

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return not self.waiting and not self.under_way

    def key(self, name: str) -> str:
        """What a run of a scenario is made from."""
        loaded = self.lab.scenarios[name]
        return records.key(self.entry.digest, loaded.scenario.text, loaded.source)

    def keep(self, name: str, kept: records.Kept) -> None:
        """Take a run that is kept for the one of its scenario."""
        self.judgements[name], self.tries[name] = kept.judgement, kept.tries
        if kept.judgement.verdict is not Verdict.PASS:
            self.shown[name] = shown(kept.run, self.entry.student.language)

    def clear(self) -> Iterator[RunOver]:
        """The scenarios about which all was clear without playing."""
        return (RunOver(self.entry.student, name, item.verdict, True) for name, item in self.judgements.items())

    def why(self, fault: HarnessBug | EnvironmentFault | Overrun) -> Said:
        """What is said of a machine's fault; a bug of ours, or an author's, is for whoever grades, and for no student."""
        if isinstance(fault, EnvironmentFault):
            return told(fault)
        records.write(self.folder / FAULT, fault.text("en") + "\n")
        key = "desk.overrun" if isinstance(fault, Overrun) else "desk.bug"
        return Said(catalogue()[key], {"file": f"{records.STUDENTS}/{self.entry.student.key}/{FAULT}"})

    def record(self) -> records.Submission:
        """What is kept of the submission beside its runs."""
        entry, done = self.entry, self.prepared or Prepared({})
        return records.Submission(
            entry.student, entry.digest, done.commands, self.problem, done.notes, done.built, done.prints
        )

    def closed(self) -> Graded:
        """The grade of a submission with which all is done. Raises InputError when nothing can be kept."""
        record = self.record()
        records.write_submission(self.folder, record)
        notes = list(record.notes)
        if self.faults:
            why = next(iter(self.faults.values()))
            words = Bilingual(why.in_("en"), why.in_("zh"))
            notes.append(Said(catalogue()["desk.machine"], {"count": len(self.faults), "why": words}))
        report = None if self.lab.reports is None else class_reports.reported(self.folder, self.lab, record.student)
        grade = graded(self.lab, record, self.judgements, self.tries, report)
        seconds = round((now_ns() - self.began) / 1e9, 3)
        notes += [note for note in grade.notes if note not in notes]
        return Graded(replace(grade, seconds=seconds, notes=tuple(notes)), self.shown, record.commands, self.faults)


def graded(
    lab: LoadedLab,
    record: records.Submission,
    judgements: Mapping[str, Judgement],
    tries: Mapping[str, int],
    report: Reported | None = None,
) -> Grade:
    """The grade that judgements by scenario give, and the report where it counts: one that was handed in counts also
    when no program could be played."""
    problem, notes = record.problem, record.notes
    runs = tuple(
        PlayedRun(
            name,
            Bilingual(loaded.scenario.title.en, loaded.scenario.title.zh),
            name in lab.lab.hidden,
            judgements[name],
            tries.get(name, 0),
            f"{records.RUNS}/{name}" if name in tries else "",
        )
        for name, loaded in lab.scenarios.items()
        if name in judgements
    )
    if record.problem is not None:
        judgements = {name: Judgement(name, (), Verdict.FAIL) for name in lab.scenarios}
    if report is not None:
        judgements, runs = {**judgements, report.run.scenario: report.run.judgement}, (*runs, report.run)
        notes = (*notes, *report.remarks)
        if problem is not None and report.run.tries:
            notes = (problem, *notes)
            problem = None
    scores = score(lab.lab.rubric, judgements)
    return Grade(record.student, lab.lab, scores, runs, problem, record.built, 0.0, notes)
