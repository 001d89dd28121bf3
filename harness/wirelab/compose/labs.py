"""Finds labs, reads them with the scenarios they play, and copies their starters. Plays nothing."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.errors import AuthorError, InputError, Place, Problem, UsageError
from wirelab.base.texts import Language, Text, register
from wirelab.compose import kit, library
from wirelab.declare.lab import Lab, parse_lab
from wirelab.declare.scenario import Scenario
from wirelab.declare.source import meant
from wirelab.judge.questions.asking import Kind
from wirelab.observe.messages import Profile

STARTER = "starter"
MADE_HERE = ("clean", "capture", "script", "start", "shows", "exits", "expects")  # checks that need no expectation

register(
    {
        "labs.unknown": Text(
            "there is no lab '{wanted}'{meant}; the kit has: {known}", "没有实验 '{wanted}'{meant}；现有的实验：{known}"
        ),
        "labs.no-scenario": Text(
            "there is no scenario '{name}'{meant}; `wirelab run --list` names them all",
            "没有场景 '{name}'{meant}；`wirelab run --list` 列出全部场景",
        ),
        "labs.nested": Text(
            "the scenarios '{name}' and '{other}' cannot both be in one lab: their runs are kept in folders of these names, "
            "and one would lie in the other",
            "场景 '{name}' 和 '{other}' 不能同在一个实验里：运行结果按名字存放，一个文件夹会落在另一个里面",
        ),
        "labs.no-check": Text(
            "the scenario '{name}' has no check '{check}'{meant}; it has: {known}",
            "场景 '{name}' 没有检查项 '{check}'{meant}；它有：{known}",
        ),
        "labs.no-actor": Text(
            "the scenario '{name}' has no actor '{actor}'; it has: {known}",
            "场景 '{name}' 没有角色 '{actor}'；它有：{known}",
        ),
        "labs.no-question": Text(
            "there is no kind of question '{name}'{meant}; `wirelab report kinds` lists them all",
            "没有题型 '{name}'{meant}；`wirelab report kinds` 列出全部题型",
        ),
        "labs.no-starter": Text("the lab {lab} has no starter code", "实验 {lab} 没有起始代码"),
        "labs.occupied": Text(
            "{folder} exists already and is not empty; name a folder that does not, nothing is overwritten",
            "{folder} 已存在且不为空；请换一个不存在的文件夹名，不会覆盖任何文件",
        ),
        "labs.unwritable": Text("cannot write {folder}: {why}", "无法写入 {folder}：{why}"),
    }
)


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario of a lab, ready to be played."""

    scenario: Scenario
    profile: Profile
    source: str


@dataclass(frozen=True, slots=True)
class LoadedLab:
    """A lab with the scenarios that it plays, by name. ``reports``: where reports count, the points that whoever grades
    gave for what only a person can mark, by student's key, kind of question and answer; None where they do not."""

    folder: Path
    lab: Lab
    scenarios: dict[str, LoadedScenario]
    reports: Mapping[tuple[str, str, str], float] | None = None
    text: str = ""  # its file, as it was read

    @property
    def digest(self) -> str:
        """What tells whether a mark is still the one that would be given: the lab's file, its scenarios and protocols."""
        texts = (text for one in self.scenarios.values() for text in (one.scenario.text, one.source))
        return hashlib.sha256("\0".join((self.text, *texts)).encode()).hexdigest()


def names() -> list[str]:
    """The labs that come with the kit."""
    return sorted(path.parent.name for path in kit.labs_root().glob(f"*/{kit.LAB_FILE}"))


def found(word: str) -> Path:
    """The folder of the lab that a word means. Raises UsageError, with the nearest name, when it means none."""
    folder = kit.lab_folder(word)
    if folder is None:
        raise unknown(word)
    return folder


def unknown(word: str) -> UsageError:
    """What is said of a word that means no lab."""
    known = names()
    near = meant(word.rstrip("/").removeprefix("labs/"), known)
    return UsageError("labs.unknown", wanted=word, meant=near, known=", ".join(known) or "-")


def load(folder: Path, *, hidden: bool) -> LoadedLab:
    """Read a lab and its shown scenarios, with ``hidden`` also the others. Raises AuthorError with every mistake."""
    file = folder / kit.LAB_FILE
    text = library.read_text(file)
    lab = parse_lab(text, str(file), folder=folder.resolve().name)
    wanted = (*lab.shown, *lab.hidden)
    problems: list[Problem] = []
    loaded: dict[str, LoadedScenario] = {}
    for name in wanted:
        path = _scenario(folder, name)
        if path is None:
            near = meant(name, library.names())
            problems.append(Problem(_place(file, text, name), "labs.no-scenario", {"name": name, "meant": near}))
            continue
        other = next((other for other in wanted if name.startswith(f"{other}/")), None)
        if other is not None:
            problems.append(Problem(_place(file, text, name), "labs.nested", {"name": name, "other": other}))
        scenario = library.load(path)
        loaded[name] = LoadedScenario(scenario, *library.profile_for(scenario, path))
    for item in (item for rubric in lab.rubric for item in rubric.of):
        if item.check is not None and item.scenario in loaded:
            known = checks_of(loaded[item.scenario].scenario)
            if item.check not in known:
                values = {"name": item.scenario, "check": item.check, "known": ", ".join(sorted(known))}
                values_near = values | {"meant": meant(item.check, known)}
                problems.append(Problem(_place(file, text, item.check), "labs.no-check", values_near))
        if item.actor is not None and item.scenario in loaded:
            cast = loaded[item.scenario].scenario.cast
            if item.actor not in cast:
                values = {"name": item.scenario, "actor": item.actor, "known": ", ".join(cast)}
                problems.append(Problem(_place(file, text, f"actor: {item.actor}"), "labs.no-actor", values))
    bank = _bank() if lab.report else {}
    for asked in lab.report.questions if lab.report else ():
        if asked.kind not in bank:
            near = meant(asked.kind, bank)
            place = _place(file, text, f"kind: {asked.kind}")
            problems.append(Problem(place, "labs.no-question", {"name": asked.kind, "meant": near}))
    if lab.report and lab.report.scenario and _scenario(folder, lab.report.scenario) is None:
        name = lab.report.scenario
        near = meant(name, library.names())
        problems.append(
            Problem(_place(file, text, f"scenario: {name}"), "labs.no-scenario", {"name": name, "meant": near})
        )
    if problems:
        raise AuthorError(tuple(problems))
    played = wanted if hidden else lab.shown
    return LoadedLab(folder, lab, {name: loaded[name] for name in played}, text=text)


def _bank() -> Mapping[str, Kind]:
    """All kinds of questions; imported for labs that have a report, as it takes a while."""
    from wirelab.judge.questions.bank import BANK

    return BANK


def checks_of(scenario: Scenario) -> set[str]:
    """The names of the checks that a run of a scenario can have."""
    return {item.expectation.check for item in scenario.expect} | set(MADE_HERE)


def _scenario(folder: Path, name: str) -> Path | None:
    """A scenario's file: the lab's own, below its ``scenarios``, before the kit's."""
    for root in (folder / "scenarios", kit.scenarios_root()):
        path = root / f"{name}.yaml"
        if path.is_file():
            return path
    return None


def _place(file: Path, text: str, word: str) -> Place:
    line = next((number for number, line in enumerate(text.splitlines(), 1) if word in line), 1)
    return Place(str(file), line)


def copy_starter(folder: Path, to: Path, language: Language) -> list[str]:
    """Copy a lab's starter into a new or empty folder, with the handout; returns the names of the files.

    Raises UsageError when there is something in the folder already, InputError when it cannot be written.
    """
    starter = folder / STARTER
    if not starter.is_dir():
        raise UsageError("labs.no-starter", lab=folder.name)
    try:
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise UsageError("labs.occupied", folder=to)
        shutil.copytree(starter, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        handout = folder / ("handout.zh.md" if language == "zh" else "handout.md")
        if handout.is_file():
            shutil.copyfile(handout, to / "HANDOUT.md")
    except OSError as error:
        raise InputError("labs.unwritable", folder=to, why=error.strerror or error) from None
    return sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())
