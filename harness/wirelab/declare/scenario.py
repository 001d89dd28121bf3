"""A scenario: YAML text to one frozen value, with every mistake of its author reported at once.

Knows the words and their rules; neither plays nor judges anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from wirelab.base.errors import AuthorError, Problem
from wirelab.base.texts import Bilingual, Text, register
from wirelab.declare.expectations import (
    BY_CHECK,
    BroadcastExpected,
    Expectation,
    TeardownExpected,
    TraceExpected,
)
from wirelab.declare.fill import Strict, fields, validate
from wirelab.declare.head import NAME, CastMember, Head, Title
from wirelab.declare.patterns import mistake
from wirelab.declare.source import Path, Source, in_order, meant, read_yaml
from wirelab.declare.steps import ACTOR_STEPS, BY_VERB, STAGE_STEPS, Inject, Start, Step

if TYPE_CHECKING:  # few scenarios have a trace, and all would wait for it
    from wirelab.declare.trace import Trace

__all__ = ["CastMember", "Expected", "Head", "Scenario", "ScriptStep", "Title", "parse_scenario"]

M = TypeVar("M", bound=Strict)
_RESERVED = {"all", "submission", "reference"}
_FIELDS = {key for step in (*STAGE_STEPS, *ACTOR_STEPS) for key in step.__struct_encode_fields__}
_INTERVAL = "HEARTBEAT_INTERVAL"
_ONE_OF = {
    "shows": ("text", "pattern"),
    "never shows": ("text", "pattern"),
    "sends": ("text", "raw", "hex"),
    "expects": ("text", "pattern", "end"),
}

register(
    {
        "scenario.actor-name": Text(
            "'{name}' cannot be an actor's name: use lower-case letters, digits and _, and none of the step words",
            "'{name}' 不能作角色名：请用小写字母、数字和下划线，且不能与步骤词相同",
        ),
        "scenario.unknown-actor": Text(
            "there is no actor '{name}' in the cast{meant}; the cast is: {cast}",
            "演员表中没有 '{name}'{meant}；演员表：{cast}",
        ),
        "scenario.unknown-step": Text(
            "unknown step '{name}'{meant}: a step begins with one of {verbs}, "
            "or with an actor ({cast}) and what it does",
            "不认识的步骤 '{name}'{meant}：步骤以 {verbs} 之一开头，或以角色（{cast}）及其动作开头",
        ),
        "scenario.unknown-verb": Text(
            "'{name}' cannot do '{verb}'{meant}; actors can: {verbs}",
            "'{name}' 不会 '{verb}'{meant}；角色可做：{verbs}",
        ),
        "scenario.step-shape": Text(
            "a step is written in braces, as in {{wait: 1}}; found {found}",
            "步骤要写在花括号里，例如 {{wait: 1}}；这里是 {found}",
        ),
        "scenario.unknown-check": Text(
            "unknown expectation '{name}'{meant}; known: {checks}", "不认识的期望 '{name}'{meant}；可用：{checks}"
        ),
        "scenario.not-started": Text(
            "'{name}' is used here before a step starts it; write {{start: {name}}} above",
            "'{name}' 在启动之前就被使用；请在前面写 {{start: {name}}}",
        ),
        "scenario.started-twice": Text(
            "'{name}' is started here a second time; give the second program a name of its own",
            "'{name}' 在这里被第二次启动；请给第二个程序另取名字",
        ),
        "scenario.needs-program": Text(
            "'{name}' is a scripted peer and has no terminal: '{verb}' is for programs; peers can: {verbs}",
            "'{name}' 是脚本对端，没有终端：'{verb}' 只用于程序；对端可做：{verbs}",
        ),
        "scenario.needs-peer": Text(
            "'{name}' is a program: '{verb}' is for scripted peers (cast: {{{name}: {{role: …, peer: true}}}})",
            "'{name}' 是程序：'{verb}' 只用于脚本对端（演员表里写 {{{name}: {{role: …, peer: true}}}}）",
        ),
        "scenario.one-of": Text("give exactly one of {names}", "{names} 中必须且只能给出一个"),
        "scenario.peer-until": Text(
            "'{name}' is a scripted peer and has no terminal on which 'until' could be shown; remove it",
            "'{name}' 是脚本对端，没有终端，无从等待 'until' 的内容；请删去",
        ),
        "scenario.whose": Text(
            "'{name}' is the server: say with 'of' on whose connection; its clients: {clients}",
            "'{name}' 是服务器：请用 'of' 说明是哪个客户端的连接；客户端：{clients}",
        ),
        "scenario.not-client": Text(
            "'{name}' is the server; a connection is named by its client: {clients}",
            "'{name}' 是服务器；连接以客户端命名：{clients}",
        ),
        "scenario.no-part": Text(
            "nobody in the cast plays the submission's part: 'tests: {tests}' needs a program with role {tests}",
            "演员表里没有角色由提交的程序扮演：'tests: {tests}' 需要一个 role 为 {tests} 的程序",
        ),
        "scenario.interval": Text(
            "the reference's server, which '{name}' is, takes a number of seconds above 0 as HEARTBEAT_INTERVAL, not {found}",
            "'{name}' 是参考服务器，它的 HEARTBEAT_INTERVAL 必须是大于 0 的秒数，不能是 {found}",
        ),
        "scenario.name": Text(
            "the scenario is called '{found}' but its file is '{wanted}'", "场景名是 '{found}'，但文件是 '{wanted}'"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One step: where and how it was written, who does it (None for the stage), and what it is."""

    index: int
    line: int
    written: str
    actor: str | None
    action: Step


@dataclass(frozen=True, slots=True)
class Expected:
    """One item of ``expect``: where and how it was written, and what it is; a trace, also as it was read."""

    line: int
    written: str
    expectation: Expectation
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario, checked. ``text`` is its source, kept so that a run can be judged again from its folder."""

    name: str
    title: Title
    tests: Literal["client", "server", "both"]
    protocol: str
    port: int
    env: dict[str, str]
    cast: dict[str, CastMember]
    script: tuple[ScriptStep, ...]
    expect: tuple[Expected, ...]
    text: str
    amplify: bool = False

    def part(self, actor: str) -> Literal["submission", "reference", "peer"]:
        """Who plays an actor: a scripted peer, the submission, or the reference."""
        member = self.cast[actor]
        if member.peer:
            return "peer"
        tested = self.tests in ("both", member.role) and member.plays is None
        return "submission" if tested else "reference"

    def sides(self, trace: Trace) -> dict[str, Literal["client", "server"]]:
        """Which end of its connection each actor of a trace is: one is the client, the other the server."""
        return {actor: self.cast[actor].role for actor in trace.actors}

    @property
    def clients(self) -> tuple[str, ...]:
        """The actors with role client, in cast order."""
        return tuple(name for name, member in self.cast.items() if member.role == "client")


def parse_scenario(text: str, name: str, *, path_name: str | None = None) -> Scenario:
    """Read one scenario. ``path_name`` is the name that its file's path demands, if any.

    Raises AuthorError with every mistake, each with file, line, column, and what was probably meant.
    """
    problems: list[Problem] = []
    source = read_yaml(text, name, problems)
    head = _attempt(problems, source, Head, ())
    reader = _ScriptReader(source, head.cast if head else _salvage_cast(source))
    script = reader.script()
    expect = reader.expectations()
    problems += reader.problems
    problems += _names(source)
    if head:
        problems += _whole(head, source, path_name)
    if problems or head is None:
        raise AuthorError(in_order(problems))
    env = {key: str(value) for key, value in head.env.items()}
    title, tests, protocol, port, cast = head.title, head.tests, head.protocol, head.port, head.cast
    return Scenario(head.scenario, title, tests, protocol, port, env, cast, script, expect, text, head.amplify)


def _attempt(problems: list[Problem], source: Source, model: type[M], path: Path, data: object = None) -> M | None:
    try:
        return validate(model, source, path, data)
    except AuthorError as error:
        problems.extend(error.problems)
        return None


def _salvage_cast(source: Source) -> dict[str, CastMember | None]:
    """The cast, so that a mistake elsewhere does not hide those of the script; None for a member that is wrong."""
    data = source.data.get("cast") if isinstance(source.data, dict) else None
    return {name: _attempt([], source, CastMember, ("cast", name)) for name in data} if isinstance(data, dict) else {}


def _names(source: Source) -> Iterator[Problem]:
    data = source.data.get("cast") if isinstance(source.data, dict) else None
    for actor in data if isinstance(data, dict) else ():
        if not re.fullmatch(NAME, actor) or actor in _RESERVED | set(BY_VERB) | _FIELDS:
            yield Problem(source.key_place(("cast", actor)), "scenario.actor-name", {"name": actor})


def _whole(head: Head, source: Source, path_name: str | None) -> Iterator[Problem]:
    playable = [member.role for member in head.cast.values() if not member.peer and not member.plays]
    if not any(head.tests in ("both", role) for role in playable):
        yield Problem(source.place(("tests",)), "scenario.no-part", {"tests": head.tests})
    for name, member in head.cast.items():
        reference = member.plays is not None or head.tests == "client"
        interval = str(member.env.get(_INTERVAL, head.env.get(_INTERVAL, 1)))
        if member.role == "server" and not member.peer and reference and not _is_interval(interval):
            path: Path = ("cast", name, "env", _INTERVAL) if _INTERVAL in member.env else ("env", _INTERVAL)
            yield Problem(source.place(path), "scenario.interval", {"name": name, "found": repr(interval)})
    if path_name is not None and path_name != head.scenario:
        values = {"found": head.scenario, "wanted": path_name}
        yield Problem(source.place(("scenario",)), "scenario.name", values)


def _is_interval(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and 0 < float(text) < 1e6


class _ScriptReader:
    """Reads script and expectations against the cast; collects problems instead of raising.

    Of a cast member that is wrong itself (None) nothing more is said: it may be meant as anything.
    """

    def __init__(self, source: Source, cast: Mapping[str, CastMember | None]) -> None:
        self.source = source
        self.cast = cast
        self.problems: list[Problem] = []
        self._started: set[str] = set()

    def complain(self, path: Path, key: str, /, *, at_key: bool = False, **values: object) -> None:
        place = self.source.key_place(path) if at_key else self.source.place(path)
        self.problems.append(Problem(place, key, values))

    def _items(self, section: str) -> tuple[object, ...]:
        data = self.source.data.get(section) if isinstance(self.source.data, dict) else None
        return data if isinstance(data, tuple) else ()

    # --- script

    def script(self) -> tuple[ScriptStep, ...]:
        steps = []
        for index, item in enumerate(self._items("script")):
            path: Path = ("script", index)
            if not isinstance(item, dict) or not item:
                self.complain(path, "scenario.step-shape", found=_brief(item))
            elif step := self._step(index, item, path):
                steps.append(step)
        return tuple(steps)

    def _step(self, index: int, item: dict[str, object], path: Path) -> ScriptStep | None:
        word = next(iter(item))
        stage_verbs = [step.verb for step in STAGE_STEPS]
        actor: str | None = None
        if word in stage_verbs:
            model, data = BY_VERB[word], item
        elif word in self.cast:
            actor, verb = word, item[word]
            model_or_none = BY_VERB.get(str(verb))
            if model_or_none is None or model_or_none in STAGE_STEPS:
                verbs = [step.verb for step in ACTOR_STEPS]
                values = {"meant": meant(verb, verbs), "verbs": ", ".join(verbs)}
                self.complain(
                    (*path, word), "scenario.unknown-verb", at_key=False, name=word, verb=_brief(verb), **values
                )
                return None
            model, data = model_or_none, {key: value for key, value in item.items() if key != word}
        else:
            values = {"meant": meant(word, [*stage_verbs, *self.cast]), "verbs": ", ".join(stage_verbs)}
            values["cast"] = ", ".join(self.cast)
            self.complain((*path, word), "scenario.unknown-step", at_key=True, name=word, **values)
            return None
        action = _attempt(self.problems, self.source, model, path, data)
        self._check(model, data, actor, path)
        if action is None:
            return None
        return ScriptStep(index, self.source.place(path).line, self.source.written(path), actor, action)

    def _check(self, model: type[Step], data: Mapping[str, object], actor: str | None, path: Path) -> None:
        """What the names in a step mean. Of its keys as written, so that one that is wrong does not hide the others."""
        if model is Start:
            self._check_start(data, path)
        for field in ("cut", "to", "of"):
            name = data.get(field)
            if isinstance(name, str) and field in fields(model) and not (field == "cut" and name == "all"):
                self._known((*path, field), name, client=field != "to" or model is not Inject)
        complete = data.keys() <= fields(model).keys()  # else what seems missing may be there, but misspelt
        if model is Inject and complete:
            self._check_whose(data, path)
        if actor is not None:
            self._check_actor(model, actor, path)
        choices = _ONE_OF.get(model.verb, ())
        given = sum(data.get(name) is not None for name in choices)
        if choices and given != 1 and (given or complete):
            self.complain(path, "scenario.one-of", names=", ".join(choices))
        self._check_pattern(data.get("pattern"), (*path, "pattern"))

    def _check_whose(self, data: Mapping[str, object], path: Path) -> None:
        """A server has as many connections as there are clients."""
        member = self.cast.get(str(data.get("to")))
        if member is not None and member.role == "server" and data.get("of") is None and len(self._clients) != 1:
            self.complain((*path, "to"), "scenario.whose", name=data["to"], clients=", ".join(self._clients) or "-")

    def _check_start(self, data: Mapping[str, object], path: Path) -> None:
        name = data["start"]
        if not isinstance(name, str) or not self._known((*path, "start"), name):
            return
        member = self.cast[name]
        if member is not None and member.peer and data.get("until") is not None:
            self.complain((*path, "until"), "scenario.peer-until", at_key=True, name=name)
        if name in self._started:
            self.complain((*path, "start"), "scenario.started-twice", name=name)
        self._started.add(name)

    def _check_actor(self, model: type[Step], actor: str, path: Path) -> None:
        if actor not in self._started:
            self.complain((*path, actor), "scenario.not-started", at_key=True, name=actor)
        member = self.cast[actor]
        if member is None:
            return
        if member.peer and model.needs == "program":
            verbs = ", ".join(step.verb for step in ACTOR_STEPS if step.needs == "peer")
            self.complain((*path, actor), "scenario.needs-program", name=actor, verb=model.verb, verbs=verbs)
        elif not member.peer and model.needs == "peer":
            self.complain((*path, actor), "scenario.needs-peer", name=actor, verb=model.verb)

    def _check_pattern(self, pattern: object, path: Path) -> None:
        if not isinstance(pattern, str):
            return
        if (wrong := mistake(pattern)) is not None:
            self.complain(path, wrong.key, at_key=False, **wrong.values)

    def _known(self, path: Path, name: str, *, client: bool = False) -> bool:
        if name not in self.cast:
            cast = ", ".join(self.cast)
            self.complain(path, "scenario.unknown-actor", name=name, meant=meant(name, self.cast), cast=cast)
            return False
        member = self.cast[name]
        if client and member is not None and member.role != "client":
            self.complain(path, "scenario.not-client", name=name, clients=", ".join(self._clients) or "-")
            return False
        return True

    @property
    def _clients(self) -> list[str]:
        return [actor for actor, member in self.cast.items() if member is not None and member.role == "client"]

    # --- expectations

    def expectations(self) -> tuple[Expected, ...]:
        found = []
        for index, item in enumerate(self._items("expect")):
            path: Path = ("expect", index)
            if not isinstance(item, dict) or not item:
                self.complain(path, "scenario.step-shape", found=_brief(item))
                continue
            word = next(iter(item))
            model = BY_CHECK.get(word)
            if model is None:
                values = {"meant": meant(word, BY_CHECK), "checks": ", ".join(BY_CHECK)}
                self.complain((*path, word), "scenario.unknown-check", at_key=True, name=word, **values)
                continue
            expectation = _attempt(self.problems, self.source, model, path)
            trace = self._trace(item[word], (*path, word)) if model is TraceExpected else None
            self._check_names(model, item, path)
            if expectation is not None:
                found.append(Expected(self.source.place(path).line, self.source.written(path), expectation, trace))
        return tuple(found)

    def _trace(self, text: object, path: Path) -> Trace | None:
        from wirelab.declare.trace_block import read_block

        try:
            return read_block(self.source, path, self.cast, self._started) if isinstance(text, str) else None
        except AuthorError as error:
            self.problems += error.problems
            return None

    def _check_names(self, model: type[Expectation], data: Mapping[str, object], path: Path) -> None:
        if model is TraceExpected:
            return  # its names are checked where they stand in it
        if model is BroadcastExpected:
            for field in ("to", "not_to"):
                names = data.get(field)
                for position, name in enumerate(names if isinstance(names, tuple) else ()):
                    self._known_and_started((*path, field, position), name, client=True)
            return
        self._known_and_started((*path, model.check), data[model.check], client=True)
        if model is TeardownExpected:
            self._known_and_started((*path, "first"), data.get("first"))

    def _known_and_started(self, path: Path, name: object, *, client: bool = False) -> None:
        if isinstance(name, str) and self._known(path, name, client=client) and name not in self._started:
            self.complain(path, "scenario.not-started", name=name)


def _brief(item: object) -> str | Bilingual:
    if isinstance(item, dict):
        return Bilingual("a mapping", "映射") if item else "{ }"
    if isinstance(item, tuple):
        return Bilingual("a list", "列表")
    return Bilingual("nothing", "空") if item is None else str(item)
