"""From a person at the terminals to a scenario that passes: record, replay, generalise, play once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from wirelab.base.texts import Bilingual, Language, Text, register, say
from wirelab.compose.play import at_port, machine
from wirelab.compose.programs import castings
from wirelab.compose.side_by_side import Planned, Played, at_once, play_all
from wirelab.declare.expectations import BroadcastExpected, Expectation
from wirelab.declare.head import CastMember
from wirelab.declare.scenario import Scenario, Title, parse_scenario
from wirelab.declare.scenario_writer import Draft, write_scenario
from wirelab.declare.steps import Start, Type
from wirelab.judge.generalise import candidates, holding, repeatable
from wirelab.judge.transcribe import Deed, transcribe
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.judge.view import View
from wirelab.observe.evidence import Evidence, Exited, Started
from wirelab.observe.messages import Profile
from wirelab.stage.recording import Recording, Starting
from wirelab.stage.stage import Stage
from wirelab.stage.worker import Worker
from wirelab.stage.world import here

SERVER = "server"
CLIENTS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
ROUNDS = 3  # in which what does not hold after all is taken out, before it is given up

register(
    {
        "record.remark": Text(
            "Recorded with `wirelab record`, replayed {count} times: what was the same every time is expected.",
            "由 `wirelab record` 录制，并重放 {count} 次：每次都相同的内容写成了期望。",
        ),
        "record.remark.lacks": Text(
            "Not expected, as it was not there, or not the same every time: {what} of {actor}.",
            "没有写成期望（没有出现，或并非每次都相同）：{actor} 的{what}。",
        ),
        "record.remark.broadcast": Text(
            "Not expected, as it did not reach the same clients exactly once every time: {text}",
            "没有写成期望（并非每次都恰好一次到达相同的客户端）：{text}",
        ),
        "record.remark.step": Text(
            "Left out, as it did not happen again in every replay: {step}", "已略去（并非每次重放都再次出现）：{step}"
        ),
        "record.remark.failed": Text(
            "IT DOES NOT PASS with the programs that it was recorded with: see `wirelab run`.",
            "用录制时的程序运行它并不通过：请用 `wirelab run` 查看原因。",
        ),
        "record.remark.undecided": Text(
            "It was played, but WHETHER IT PASSES COULD NOT BE DECIDED: see `wirelab run`.",
            "已经运行过，但无法判断它是否通过：请用 `wirelab run` 查看原因。",
        ),
    }
)
_WHAT = {
    "handshake": Bilingual("the handshake", "三次握手"),
    "messages": Bilingual("the messages", "消息"),
    "heartbeat": Bilingual("heartbeats", "心跳"),
    "teardown": Bilingual("the teardown", "连接关闭"),
    "trace": Bilingual("a trace from SYN to the last ACK", "从 SYN 到最后一个 ACK 的报文序列"),
}
Told = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be recorded: the scenario's name, which role it tests, the commands by role, the folder in which they
    run, and the seconds between heartbeats."""

    name: str
    tests: Literal["client", "server", "both"]
    commands: Mapping[str, str]
    folder: Path
    heartbeat: float
    protocol: str = "line"


@dataclass(frozen=True, slots=True)
class Made:
    """The scenario that came out, and how it was judged when it was played last."""

    draft: Draft
    judgement: Judgement

    @property
    def passed(self) -> bool:
        return self.judgement.verdict is Verdict.PASS

    @property
    def text(self) -> str:
        """Its file."""
        return write_scenario(self.draft)


def blank(wanted: Wanted) -> Draft:
    """A scenario that starts everybody who may be started, and does nothing more."""
    cast = {SERVER: CastMember(role="server"), **{name: CastMember(role="client") for name in CLIENTS}}
    title = Title(en=wanted.name, zh=wanted.name)
    script = tuple((None, Start(start=name)) for name in cast)
    interval = int(wanted.heartbeat) if wanted.heartbeat == int(wanted.heartbeat) else wanted.heartbeat
    return Draft(
        wanted.name, title, wanted.tests, cast, script, protocol=wanted.protocol, env={"HEARTBEAT_INTERVAL": interval}
    )


def read(draft: Draft) -> Scenario:
    """The scenario as whoever opens its file will read it. Raises AuthorError: what lint would say."""
    return parse_scenario(write_scenario(draft), f"{draft.name}.yaml")


def begin_recording(
    draft: Draft, profile: Profile, wanted: Wanted, clients: int, recording: Recording
) -> Worker[tuple[tuple[Deed, ...], Evidence]]:
    """Let a person play, in a process of its own that has the terminal; ``clients`` are started at the beginning.

    ``result`` gives what they did, and what was seen; it raises as ``play.begin`` does.
    """
    scenario = read(draft)
    programs = castings(scenario, wanted.commands, wanted.folder)
    world = here()

    def work(parent: int) -> tuple[tuple[Deed, ...], Evidence]:
        ours = programs[SERVER].reference
        with (
            world.held(parent, scenario.port, ours=ours) as port,
            Stage(profile, port, parent, recording, observe=False, world=world) as stage,
        ):
            moved = at_port(port, scenario, programs)
            cast = [
                Starting(
                    name,
                    scenario.cast[name].role,
                    "reference" if one.reference else "submission",
                    one.command,
                    one.folder,
                    scenario.env,
                )
                for name, one in moved.items()
            ]
            recording.drive(stage, cast[: 1 + clients], cast[1 + clients :])
            stage.drain()
            return tuple(recording.deeds), stage.finish(machine(world.tier))

    return Worker(work)


def drafted(draft: Draft, profile: Profile, deeds: Sequence[Deed], seen: Evidence) -> Draft:
    """The script that does it again, with the cast that was there."""
    view = View(read(draft), profile, seen)
    started = {event.actor for event in seen.events if isinstance(event, Started)}
    cast = {name: member for name, member in draft.cast.items() if name in started}
    # What the harness ended when recording was over was no step of anybody.
    last = max((deed.time for deed in deeds), default=0)
    events = [event for event in seen.events if not (isinstance(event, Exited) and event.time > last)]
    alone = {name for name, member in cast.items() if member.role == "client" and not view.connections_of(name)}
    return replace(draft, cast=cast, script=transcribe(deeds, events, alone))


def generalised(
    draft: Draft, profile: Profile, source: str, wanted: Wanted, replays: int, language: Language, told: Told
) -> Made:
    """Replay, expect what was the same every time, and play the outcome until it passes, or cannot be made to.

    ``told`` is called after each replay with how many there were, and will be. Raises what playing raises.
    """
    scenario = read(draft)
    runs: list[Evidence] = []
    judged: list[Judgement] = []
    for played in _play(scenario, profile, source, wanted, replays):
        runs.append(played.evidence)
        judged.append(played.judgement)
        told(len(runs), replays + 1)
    sound = [run for run in runs if not run.lost]
    if not sound or any(View(scenario, profile, run).stopped for run in runs):
        return _failed(draft, min(judged, key=lambda one: one.verdict is Verdict.PASS), language)
    groups = candidates(scenario, profile, sound)
    every = tuple(expectation for group in groups for expectation in group)
    kept = holding(read(replace(draft, expect=every)), profile, sound, groups)
    steps = repeatable(scenario, profile, sound)
    final, judgement = draft, judged[0]
    for _ in range(ROUNDS):
        final = replace(draft, script=steps, expect=kept)
        final = replace(final, remarks=tuple(_remarks(draft, final, replays, language)))
        scenario = read(final)
        (played,) = _play(scenario, profile, source, wanted, 1)
        judgement = played.judgement
        if judgement.verdict is Verdict.PASS:
            break
        if judgement.verdict is Verdict.INCONCLUSIVE:  # it says nothing of what was expected: once more
            continue
        failed = {check.line for check in judgement.checks if check.verdict is Verdict.FAIL}
        steps = repeatable(scenario, profile, [played.evidence])
        kept = tuple(item.expectation for item in scenario.expect if item.line not in failed)
        if (steps, kept) == (final.script, final.expect):
            break
    told(replays + 1, replays + 1)
    return Made(final, judgement) if judgement.verdict is Verdict.PASS else _failed(final, judgement, language)


def _failed(draft: Draft, judgement: Judgement, language: Language) -> Made:
    remark = "record.remark.failed" if judgement.verdict is Verdict.FAIL else "record.remark.undecided"
    return Made(replace(draft, remarks=(*draft.remarks, say(remark, language))), judgement)


def _play(scenario: Scenario, profile: Profile, source: str, wanted: Wanted, times: int) -> Iterator[Played]:
    programs = castings(scenario, wanted.commands, wanted.folder)
    planned = [Planned(scenario, profile, source, programs)] * times
    return play_all(planned, jobs=min(times, at_once()), observe=False)


def _remarks(recorded: Draft, final: Draft, replays: int, language: Language) -> Iterator[str]:
    """What the file says of itself: how it came about, and what it leaves out."""
    yield say("record.remark", language, count=replays)
    for actor, step in recorded.script:
        if (actor, step) not in final.script:
            only = write_scenario(replace(recorded, script=((actor, step),), expect=()))
            yield say(
                "record.remark.step", language, step=only.rstrip("\n").rpartition("\n")[2].strip().removeprefix("- ")
            )
    there = {(one.check, _whose(one)) for one in final.expect}
    for client in (name for name, member in final.cast.items() if member.role == "client"):
        for check, what in _WHAT.items():
            if (check, client) not in there:
                yield say("record.remark.lacks", language, what=what, actor=client)
    reached = {one.broadcast for one in final.expect if isinstance(one, BroadcastExpected)}
    for actor, step in final.script:
        typed = isinstance(step, Type) and step.enter and not step.text.startswith("/")
        if actor == SERVER and isinstance(step, Type) and typed and step.text not in reached:
            yield say("record.remark.broadcast", language, text=step.text)


def _whose(expectation: Expectation) -> str:
    """The client that an expectation is about; a trace names it first."""
    return str(getattr(expectation, expectation.check)).partition(" ")[0]
