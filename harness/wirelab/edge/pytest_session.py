"""The stage of one Python test, in the process that plays it: steps and expectations come as words and values, are read
as those of a scenario are, and what was missed is told in the words of the findings. Knows no pytest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wirelab.base.errors import AuthorError, EnvironmentFault, InputError, Place, Problem, WirelabError
from wirelab.base.texts import Text, register, say
from wirelab.compose import kit, library, programs
from wirelab.compose.artifacts import Run
from wirelab.compose.play import machine
from wirelab.compose.run_page import keep
from wirelab.declare.scenario import Expected, Scenario, ScriptStep, parse_scenario
from wirelab.declare.scenario_writer import as_yaml
from wirelab.declare.source import MAX_CHARACTERS, meant
from wirelab.declare.speakable import unspeakable
from wirelab.edge.pytest_setting import Setting
from wirelab.edge.pytest_told import said, told
from wirelab.judge.causes import with_causes
from wirelab.judge.checks import check_expectation
from wirelab.judge.judge import judge
from wirelab.judge.steps import check_steps
from wirelab.judge.verdict import CheckResult, Judgement, Verdict
from wirelab.judge.view import View
from wirelab.observe.messages import Profile
from wirelab.present.style import safe
from wirelab.stage.improvised import Improvisation, OpenStage
from wirelab.stage.loopback import Unplayable
from wirelab.stage.script import Casting
from wirelab.stage.world import World

UNTIL = {"server": "Listening on"}  # what a program of this role is waited for where nothing else is said
PLACEHOLDER = "nobody_at_all"
_SCRIPT = 8  # the line of a scenario, as it is written here, after which its steps come

register(
    {
        "pytest.trace-whose": Text(
            "this is the trace of another connection: it does not speak of {actor}",
            "这是另一个连接的轨迹：其中没有 {actor}",
        ),
        "pytest.trace-place": Text("trace, line {line}: {what}", "轨迹第 {line} 行：{what}"),
        "pytest.long": Text(
            "all that this test does and expects is, written as a scenario, longer than {limit} characters, the most that "
            "is read; make its texts shorter, or several tests of it",
            "把这个测试的全部操作和期望写成场景文件，会超过可读取的上限 {limit} 个字符；请缩短其中的文字，或拆成几个测试",
        ),
        "pytest.unplayed": Text("'{name}' has not been started{meant}", "'{name}' 还没有启动{meant}"),
    }
)


Answer = tuple[str, Any]
"""What comes of a request: a word, and what belongs to it. ``done``: a value; ``missed`` and ``inconclusive``: the codes of
the findings, and the text; ``misused``, and ``refused`` by the machine, this time or, as ``unplayable``,
always: the text."""


class Session:
    """One stage, for as long as it is asked. ``answer`` takes one request and never raises for what the user did."""

    def __init__(self, setting: Setting, stage: OpenStage, world: World) -> None:
        self._setting, self._stage, self._world = setting, stage, world
        self._cast: dict[str, dict[str, object]] = {}
        self._steps: list[str] = []
        self._expected: list[str] = []
        scenario = parse_scenario(_empty(setting), setting.name)
        self._play = Improvisation(stage, replace(scenario, script=(), cast={}))

    def answer(self, request: tuple[str, dict[str, Any]]) -> Answer:
        """Do what is asked."""
        word, values = request
        acts: dict[str, Callable[..., Answer]] = {
            "start": self._start,
            "step": self._step,
            "expect": self._expect,
            "screen": self._screen,
            "trace": self._trace,
        }
        try:
            return acts[word](**values)
        except AuthorError as error:
            return "misused", "\n".join(safe(self._said(problem)) for problem in error.problems)
        except Unplayable as error:
            return "unplayable", said(error, self._setting.language)
        except EnvironmentFault as error:
            return "refused", said(error, self._setting.language)
        except WirelabError as error:
            return "misused", said(error, self._setting.language)

    # --- steps

    def _start(
        self,
        name: str,
        member: dict[str, object],
        step: dict[str, object],
        command: str | None,
        environment: dict[str, str],
    ) -> Answer:
        os.environ.clear()  # this process is the test's own; its programs find what the test finds
        os.environ.update(environment)
        before, known = dict(self._cast), name in self._stage.actors
        self._cast[name] = member
        until = step.pop("until", None if member.get("peer") else UNTIL.get(str(member["role"])))
        written = {"start": name} | ({} if until is None else {"until": until}) | step
        try:
            line = as_yaml(written)
            step_, scenario = self._read(line)
            casting = {} if member.get("peer") else {name: self._casting(str(member["role"]), command)}
            self._play.scenario = replace(self._play.scenario, cast=scenario.cast)
            return self._played(line, step_, casting)
        except BaseException:
            if known or name not in self._stage.actors:
                self._cast = before
            raise

    def _casting(self, role: str, command: str | None) -> Casting:
        """The user's program, else the reference; which is judged as theirs where they have none of their own."""
        address, folder = (programs.HOST, str(self._stage.port)), self._setting.folder
        command = command if command is not None else self._setting.commands.get(role)
        if command is not None:
            return Casting((*programs.words_of(command, role, Path(folder)), *address), folder)
        program = str(kit.reference_program("server" if role == "server" else "client"))
        own = bool(self._setting.commands)
        return Casting((*programs.REFERENCE_PYTHON, program, *address), folder, reference=own)

    def _step(self, step: dict[str, object]) -> Answer:
        clients = [name for name, member in self._cast.items() if member["role"] == "client"]
        if "inject" in step and "of" not in step and len(clients) == 1 and step["to"] != clients[0]:
            step = {**step, "of": clients[0]}  # said, for more clients may come
        line = as_yaml(step)
        return self._played(line, self._read(line)[0], {})

    def _read(self, line: str) -> tuple[ScriptStep, Scenario]:
        """One more step, as a scenario's reader understands it after those that started the actors."""
        self._check_length([*self._steps, line], self._expected)
        before = [as_yaml({"start": name}) for name in self._cast if name in self._stage.actors]
        scenario = parse_scenario(self._text([*before, line], []), self._setting.name)
        self._check_speakable(replace(scenario, script=scenario.script[-1:]))
        at = len(self._steps)
        return replace(scenario.script[-1], index=at, line=_SCRIPT + 1 + at), scenario

    def _played(self, line: str, step: ScriptStep, casting: Mapping[str, Casting]) -> Answer:
        outcome = self._play.play(step, casting)
        self._steps.append(line)
        if outcome.result == "done" and not self._stage.flooded:
            return "done", True
        view = self._view(closed=False)
        checks = [check for check in check_steps(view) if check.line == step.line]
        if self._stage.flooded:  # the flood is a finding of its own
            return self._missed(judge(view.scenario, view.profile, view.evidence).checks)
        return self._missed([with_causes(view, check) for check in checks])

    def _check_length(self, script: list[str], expect: list[str]) -> None:
        """That the scenario can be read again, should it be kept. Raises InputError."""
        if len(self._text(script, expect)) > MAX_CHARACTERS:
            raise InputError("pytest.long", limit=MAX_CHARACTERS)

    def _check_speakable(self, scenario: Scenario) -> None:
        if problems := unspeakable(scenario, self._stage.profile, self._setting.name):
            raise AuthorError(problems)

    # --- what is looked at

    def _expect(self, item: dict[str, object]) -> Answer:
        return self._checked(as_yaml(item))

    def _trace(self, actor: str, text: str) -> Answer:
        lines = (line.strip() for line in text.strip("\n").split("\n"))  # indentation means nothing in a trace
        written = "\n".join(["trace: |", *(f"      {line}".rstrip() for line in lines)])
        return self._checked(written, of=actor)

    def _checked(self, written: str, of: str | None = None) -> Answer:
        self._check_length(self._steps, [*self._expected, written])
        started = [as_yaml({"start": name}) for name in self._cast if name in self._stage.actors]
        scenario = parse_scenario(self._text(started or ["{wait: 0}"], [written]), self._setting.name)
        self._check_speakable(replace(scenario, script=()))
        item = scenario.expect[-1]
        if of is not None and item.trace is not None and of not in item.trace.actors:
            return "misused", say("pytest.trace-whose", self._setting.language, actor=of)
        line = _SCRIPT + 2 + len(self._steps) + sum(1 + text.count("\n") for text in self._expected)
        item = replace(item, line=line)
        view = self._view(item, closed=True)
        check = with_causes(view, check_expectation(view, item))
        self._expected.append(written)
        self._play.scenario = view.scenario
        return ("done", True) if check.verdict is Verdict.PASS else self._missed([check])

    def _screen(self, actor: str) -> Answer:
        self._stage.pump(0)
        found = self._stage.actors.get(actor)
        transcript = getattr(found, "transcript", None)
        if found is None:
            near = meant(actor, self._stage.actors)
            return "misused", say("pytest.unplayed", self._setting.language, name=actor, meant=near)
        return "done", "" if transcript is None else transcript.text

    # --- the end

    def finish(self) -> str | None:
        """End everything, and keep the run where it is to be kept: the folder. Raises what ``write_run`` raises."""
        evidence = self._stage.finish(machine(self._world.tier))
        if self._setting.keep is None or not self._steps:
            return None
        scenario = parse_scenario(self._text(self._steps, self._expected), self._setting.name)
        run = Run(scenario, profile_of(self._setting)[1], self._stage.profile, evidence)
        keep(Path(self._setting.keep), run, run.judged(), self._setting.language)
        return self._setting.keep

    # --- in between

    def _view(self, *more: Expected, closed: bool) -> View:
        evidence = self._stage.so_far(machine(self._world.tier), closed=closed)
        scenario = self._play.scenario
        return View(replace(scenario, expect=(*scenario.expect, *more)), self._stage.profile, evidence)

    def _missed(self, checks: list[CheckResult] | tuple[CheckResult, ...]) -> Answer:
        judgement = Judgement(self._setting.name, tuple(checks), _verdict(checks))
        codes, text = told(judgement, self._setting.language, self._setting.width)
        return "inconclusive" if judgement.verdict is Verdict.INCONCLUSIVE else "missed", (codes, text)

    def _text(self, script: list[str], expect: list[str]) -> str:
        """The scenario with this script; where only peers act, with somebody more, as there must be a program."""
        somebody = any(not one.get("peer") for one in self._cast.values())
        cast = self._cast if somebody else {**self._cast, PLACEHOLDER: {"role": "client"}}
        return _written(self._setting, cast, script, expect)

    def _said(self, problem: Problem) -> str:
        """A mistake without its place in a text that nobody wrote; in a trace, with the line of the trace."""
        what = say(problem.key, self._setting.language, **problem.values)
        started = sum(name in self._stage.actors for name in self._cast) or 1
        line = problem.place.line - (_SCRIPT + started + 2)
        if line < 1:
            return what
        return say("pytest.trace-place", self._setting.language, line=line, what=what)


def profile_of(setting: Setting) -> tuple[Profile, str]:
    """The protocol profile that a test names, and its text: from ``protocols`` beside it, or the kit's own.

    Raises AuthorError when there is none of that name."""
    file = Path(setting.file)
    try:
        return library.profile_for(parse_scenario(_empty(setting), setting.name), file)
    except AuthorError as error:  # where in a text that nobody wrote is nobody's affair
        mine = Place(str(file))
        told = (replace(one, place=mine) if one.place.source == mine.source else one for one in error.problems)
        raise AuthorError(tuple(told)) from None


def _written(setting: Setting, cast: Mapping[str, object], script: list[str], expect: list[str]) -> str:
    """A scenario's text; each key of its head is one line, so that its steps begin where they always do."""
    head = {
        "scenario": setting.name,
        "title": {"en": setting.name, "zh": setting.name},
        "tests": "both",
        "protocol": setting.protocol,
        "port": setting.port,
        "env": setting.env,
        "cast": cast,
    }
    lines = [f"{key}: {as_yaml(value)}" for key, value in head.items()]
    lines += ["script:", *(f"  - {line}" for line in script)]
    return "\n".join([*lines, *(["expect:", *(f"  - {line}" for line in expect)] if expect else [])]) + "\n"


def _empty(setting: Setting) -> str:
    return _written(setting, {PLACEHOLDER: {"role": "client"}}, ["{wait: 0}"], [])


def _verdict(checks: list[CheckResult] | tuple[CheckResult, ...]) -> Verdict:
    """Of something that was missed: a pass it is not, whatever the checks make of it."""
    return Verdict.FAIL if any(check.verdict is Verdict.FAIL for check in checks) else Verdict.INCONCLUSIVE
