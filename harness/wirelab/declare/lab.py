"""A lab as data (``lab.yaml``): what is learned, which scenarios are played, and what each right thing is worth.

Names of scenarios are checked where they can be looked up (``compose/labs``); here is only what may be written.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew.

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.texts import Text, register
from wirelab.declare.fill import Strict, rule, validate
from wirelab.declare.head import Title
from wirelab.declare.source import Source, in_order, meant, read_yaml

register(
    {
        "lab.name": Text(
            "this lab is called '{name}', but its folder '{folder}'", "这个实验名为 '{name}'，而所在文件夹是 '{folder}'"
        ),
        "lab.not-played": Text(
            "the rubric counts '{name}', which is neither among the shown nor the hidden scenarios{meant}",
            "评分项用到了 '{name}'，但它既不在 shown 中也不在 hidden 中{meant}",
        ),
        "lab.not-counted": Text(
            "the scenario '{name}' is played, but nothing in the rubric counts it",
            "场景 '{name}' 会运行，但评分项中没有用到它",
        ),
        "lab.twice": Text("the scenario '{name}' stands here twice", "场景 '{name}' 出现了两次"),
        "lab.asked-twice": Text("the question '{name}' stands here twice", "题目 '{name}' 出现了两次"),
    }
)

ScenarioName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$",
        extra=rule(
            "the name of a scenario, such as heartbeat/answers-while-idle", "场景名，例如 heartbeat/answers-while-idle"
        ),
    ),
]


class Counted(Strict):
    """What counts for a rubric item: one check of a scenario, of one actor perhaps, or all that it checks."""

    scenario: Annotated[ScenarioName, Meta(description="the scenario")]
    check: Annotated[
        str | None, Meta(description="one of its checks, such as heartbeat or teardown; left out, all of them")
    ] = None
    actor: Annotated[
        str | None, Meta(description="only that of this actor, where there are several of one name; left out, all")
    ] = None
    whole: Annotated[
        bool, Meta(description="true: nothing for what is right in part, as where a race shows rarely")
    ] = False


class RubricItem(Strict):
    """One line of the rubric: so many points, shared equally among what counts."""

    points: Annotated[float, Meta(gt=0, le=1000, description="points for all of it")]
    title: Annotated[Title, Meta(description="what it is for, in words for students")]
    of: Annotated[tuple[Counted, ...], Meta(min_length=1, description="what counts")]


class ReportQuestion(Strict):
    """One question of the report."""

    kind: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]+$",
            extra=rule("the name of a kind of question, such as isn-client", "题型名称，例如 isn-client"),
            description="what is asked: `wirelab report kinds` lists them all",
        ),
    ]
    points: Annotated[float, Meta(gt=0, le=1000, description="what it is worth, shared equally among its answers")]


class LabReport(Strict):
    """The report that students hand in: what is asked of their own packets."""

    questions: Annotated[tuple[ReportQuestion, ...], Meta(min_length=1, description="the questions, in this order")]
    scenario: Annotated[
        ScenarioName | None,
        Meta(description="a run of this scenario shows all that is asked about; only said, not demanded"),
    ] = None
    brief: Annotated[
        bool,
        Meta(
            description="true: students are told only whether an answer is right, as where a report may be handed in again"
        ),
    ] = False

    @property
    def points(self) -> float:
        """What the whole report is worth."""
        return sum(item.points for item in self.questions)


class Lab(Strict, kw_only=True):
    """One lab."""

    lab: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9-]+$",
            extra=rule("lower-case letters, digits and -", "由小写字母、数字和 - 组成"),
            description="the name of its folder",
        ),
    ]
    title: Annotated[Title, Meta(description="what it is called")]
    hours: Annotated[float, Meta(gt=0, le=100, description="class hours it is meant for")]
    hands_in: Annotated[
        tuple[Literal["client", "server"], ...], Meta(min_length=1, description="the programs that students write")
    ]
    objectives: Annotated[tuple[Title, ...], Meta(min_length=1, description="what is learned")]
    shown: Annotated[
        tuple[ScenarioName, ...], Meta(min_length=1, description="scenarios that students play themselves")
    ]
    hidden: Annotated[tuple[ScenarioName, ...], Meta(description="scenarios that only grading plays")] = ()
    rubric: Annotated[tuple[RubricItem, ...], Meta(min_length=1, description="what is worth how many points")]
    report: Annotated[LabReport | None, Meta(description="the lab report, if one is to be written")] = None

    @property
    def points(self) -> float:
        """What the whole lab is worth."""
        return sum(item.points for item in self.rubric)

    def counting(self, more: tuple[RubricItem, ...]) -> "Lab":
        """The same lab with further lines in its rubric."""
        return msgspec.structs.replace(self, rubric=(*self.rubric, *more))


def parse_lab(text: str, name: str, *, folder: str | None = None) -> Lab:
    """Read a ``lab.yaml``; ``name`` is what to call it in messages, ``folder`` the name of the folder it lies in.

    Raises AuthorError with every mistake and its place.
    """
    source = read_yaml(text, name)
    lab = validate(Lab, source)
    problems = in_order(_mistakes(lab, source, folder))
    if problems:
        raise AuthorError(problems)
    return lab


def _mistakes(lab: Lab, source: Source, folder: str | None) -> Iterator[Problem]:
    if folder is not None and folder != lab.lab:
        yield Problem(source.place(("lab",)), "lab.name", {"name": lab.lab, "folder": folder})
    kinds = [item.kind for item in lab.report.questions] if lab.report else []
    for index, kind in enumerate(kinds):
        if kinds.index(kind) < index:
            yield Problem(source.place(("report", "questions", index, "kind")), "lab.asked-twice", {"name": kind})
    played = [*lab.shown, *lab.hidden]
    counted = {item.scenario for rubric in lab.rubric for item in rubric.of}
    for key, names in (("shown", lab.shown), ("hidden", lab.hidden)):
        for index, scenario in enumerate(names):
            place = source.place((key, index))
            if played.count(scenario) > 1 and (key == "hidden" or names.index(scenario) < index):
                yield Problem(place, "lab.twice", {"name": scenario})
            elif scenario not in counted:
                yield Problem(place, "lab.not-counted", {"name": scenario})
    for number, rubric in enumerate(lab.rubric):
        for index, item in enumerate(rubric.of):
            if item.scenario not in played:
                place = source.place(("rubric", number, "of", index, "scenario"))
                values = {"name": item.scenario, "meant": meant(item.scenario, played)}
                yield Problem(place, "lab.not-played", values)
