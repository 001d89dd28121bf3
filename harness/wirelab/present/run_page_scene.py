"""What a run's page shows, worked out once: rungs, who plays which end, terminals in pieces, events in words.

Values in, values out. Knows neither HTML nor the script that replays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.lost import lost
from wirelab.judge.verdict import Finding, Judgement
from wirelab.judge.view import View
from wirelab.observe.connections import Noted
from wirelab.observe.evidence import (
    Bounded,
    Called,
    Ending,
    Event,
    Exited,
    Peered,
    Shown,
    Started,
    StepBegan,
    StepEnded,
    Typed,
    Wire,
    Witnessed,
)
from wirelab.observe.segments import Endpoint
from wirelab.observe.terminal import Reader
from wirelab.observe.timeline import timeline
from wirelab.present import words
from wirelab.present.carried import beginning, carried
from wirelab.present.html import inert
from wirelab.present.ladder import Ladder, Rung, port_name
from wirelab.present.style import cells, safe, untabbed

register(
    {
        "runpage.types": Text("types: {keys}", "输入：{keys}"),
        "runpage.calls": Text("{thread} calls {call}() at {place}", "{thread} 在 {place} 调用 {call}()"),
        "runpage.parted": Text("✗ expected here: {expected}", "✗ 此处预期：{expected}"),
        "runpage.parted.after": Text("✗ expected after this: {expected}", "✗ 此后预期：{expected}"),
        "runpage.parted.extra": Text("✗ not expected", "✗ 预期中没有这个报文段"),
    }
)

MOST_SEGMENTS = 50_000  # of a flood that are in the page; the capture has them all
MOST_EVENTS = 400
MOST_OUTPUT = 200_000  # characters of one terminal
LONGEST = 400  # characters of one message beside an arrow
_RECORDED = (Started, Typed, Exited, Ending, StepBegan, StepEnded, Wire, Peered, Bounded, Witnessed, Called)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event in words: nanoseconds since the run began, who (empty: nobody), what, and what sort of event it is."""

    time: int
    actor: str
    said: str
    sort: str


@dataclass(frozen=True, slots=True)
class Screen:
    """One terminal: readable output in pieces, each with its time (ns since the run began), inert already; ``more``
    counts the characters that are left out at its end."""

    actor: str
    pieces: tuple[tuple[int, str], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the page is made of. Times are nanoseconds since ``start``. ``marks`` are the findings that refer to a
    frame, as (code, id of the finding on the page); ``parted`` tells of a frame where an expected trace and the segments
    part what was expected. ``left_out`` counts segments and ``untold`` events beyond what a page holds."""

    view: View
    judgement: Judgement
    language: Language
    start: int
    end: int
    rungs: tuple[Rung, ...]
    names: dict[int, str]
    screens: tuple[Screen, ...]
    events: tuple[Happened, ...]
    marks: dict[int, list[tuple[str, str]]]
    parted: dict[int, tuple[str, bool]]
    left_out: int
    untold: int

    def named(self, end: Endpoint) -> str:
        """Who plays an end, as shown."""
        return safe(self.names.get(end.port) or port_name(end))

    def contents(self, rung: Rung) -> list[tuple[str, str]]:
        """What a segment carried, each as (kind, text): kind is ``asks``, ``answers``, ``message`` or nothing."""
        found = carried(rung.messages, rung.part, self.view.profile, self.language, LONGEST)
        return [(kind or "", safe(said)) for kind, said in found]


def scene(view: View, judgement: Judgement, language: Language) -> Scene:
    """The scene of a run that has been judged."""
    everything = timeline(view.evidence, lost(view))
    moments = [one.segment.time if isinstance(one, Noted) else one.time for one in everything[:1] + everything[-1:]]
    start = view.start or min(moments, default=0)
    reader = Ladder(view.profile, port_name, language=language, width=120, colour=False)
    segments = [one for one in everything if isinstance(one, Noted)]
    segments.sort(key=lambda one: one.segment.frame)
    told = [one for one in everything if isinstance(one, _RECORDED)]
    said = [one for event in told if (one := _happened(event, start, view, language)) is not None]
    return Scene(
        view,
        judgement,
        language,
        start,
        max(moments, default=start) - start,
        tuple(reader.see(one) for one in segments[:MOST_SEGMENTS]),
        _names(view, segments),
        tuple(_screens(view, start)),
        tuple(said[:MOST_EVENTS]),
        _marks(judgement),
        _parted(judgement, language),
        max(0, len(segments) - MOST_SEGMENTS),
        max(0, len(said) - MOST_EVENTS),
    )


def finding_id(number: int) -> str:
    """What a finding is called on the page; they are numbered from 0 in the order of their checks."""
    return f"finding-{number}"


def _marks(judgement: Judgement) -> dict[int, list[tuple[str, str]]]:
    marks: dict[int, list[tuple[str, str]]] = {}
    for number, finding in enumerate(judgement.findings):
        for code, frames in _referred(finding):
            for frame in frames:
                mark = (code, finding_id(number))
                if mark not in marks.setdefault(frame, []):
                    marks[frame].append(mark)
    return marks


def _referred(finding: Finding) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield finding.code, finding.frames
    if finding.cause is not None:
        yield finding.cause.code, finding.cause.frames


def first_difference(finding: Finding) -> int | None:
    """The row of an expected trace beside the segments where the two first part; None where they do not."""
    rows = enumerate(finding.beside)
    return next((at for at, row in rows if row.kind not in ("same", "passed")), None)


def _parted(judgement: Judgement, language: Language) -> dict[int, tuple[str, bool]]:
    """Where an expected trace and the segments part, in words, and whether that is behind the segment: at the segment that
    differs, else at the one that follows what is missing, else behind the last one there was."""
    parted: dict[int, tuple[str, bool]] = {}
    for finding in judgement.findings:
        at = first_difference(finding)
        if at is None:
            continue
        later = (row.frames[0] for row in finding.beside[at:] if row.frames)
        earlier = (row.frames[-1] for row in reversed(finding.beside[:at]) if row.frames)
        behind = (frame := next(later, None)) is None
        frame = next(earlier, None) if behind else frame
        if frame is not None:
            expected = finding.beside[at].expected
            key = "runpage.parted.after" if behind else "runpage.parted" if expected else "runpage.parted.extra"
            parted.setdefault(frame, (safe(say(key, language, expected=expected)), behind))
    return parted


def _names(view: View, segments: list[Noted]) -> dict[int, str]:
    """Who plays the end with a port."""
    servers = [actor for actor, event in view.started.items() if event.role == "server"]
    names = {view.evidence.port: servers[0]} if len(servers) == 1 else {}
    for port in {end.port for one in segments for end in (one.segment.src, one.segment.dst)} - names.keys():
        owner = view.owner(port)
        if owner is not None:
            names[port] = owner
    return names


def _screens(view: View, start: int) -> Iterator[Screen]:
    readers: dict[str, Reader] = {}
    pieces: dict[str, list[tuple[int, str]]] = {}
    sizes: dict[str, int] = {}
    columns: dict[str, int] = {}  # in which the next piece begins: tabs depend on it
    for event in view.evidence.events:
        if isinstance(event, Started) and event.part != "peer":
            readers.setdefault(event.actor, Reader())
        elif isinstance(event, Shown):
            output = readers.setdefault(event.actor, Reader()).feed(event.data)
            used = sizes.get(event.actor, 0)
            sizes[event.actor] = used + len(output)
            if kept := output[: max(0, MOST_OUTPUT - used)]:
                begun = columns.get(event.actor, 0)
                shown = inert(untabbed(kept, begun))
                _, ended, last = shown.rpartition("\n")
                columns[event.actor] = cells(last) + (0 if ended else begun)
                pieces.setdefault(event.actor, []).append((event.time - start, shown))
    for actor in readers:
        more = max(0, sizes.get(actor, 0) - MOST_OUTPUT)
        yield Screen(actor, tuple(pieces.get(actor, ())), more)


def _happened(event: Event, start: int, view: View, language: Language) -> Happened | None:
    """An event in words; None for those that say nothing that others do not."""
    sort = type(event).__name__.lower()
    match event:
        case Started():
            said = words.started(event, language)
        case Typed():
            said = say("runpage.types", language, keys=event.keys)
        case Exited():
            said = words.exited(event, language)
        case Ending(by="script"):
            said = words.ending(event, language)
        case StepBegan():
            said = event.text
        case StepEnded(outcome="missed" | "impossible"):
            said, sort = words.step_failed(event, view.scenario.script[event.index].written, language), "missed"
        case Wire():
            said = say(f"live.wire.{event.what}", language, about=event.about)
        case Peered():
            said = words.peered(event, language, beginning(event.data, view.profile.encoding, LONGEST))
        case Bounded():
            said = words.bounded(event, language)
        case Witnessed():
            said = words.witnessed(event, language)
        case Called():
            place = f"{event.line.file.rpartition('/')[2]}:{event.line.line}"
            said = say("runpage.calls", language, thread=event.thread, call=event.call, place=place)
        case _:
            return None
    return Happened(event.time - start, getattr(event, "actor", None) or "", said, sort)
