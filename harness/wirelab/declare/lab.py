"""A lab as data (``lab.yaml``): what is learned, which scenarios are played, and what each right thing is worth.

Names of scenarios are checked where they can be looked up (``compose/labs``); here is only what may be written.
"""

# No `from __future__ import annotations`: msgspec would compile each annotation anew.

from collections.abc import Iterator
from typing import Annotated, Literal

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
    questions: Annotated[tuple[str, ...], Meta(description="kinds of report questions")] = ()

    @property
    def points(self) -> float:
        """What the whole lab is worth."""
        return sum(item.points for item in self.rubric)


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
