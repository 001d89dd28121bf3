"""The run folder: ``capture.pcapng``, one ``<program>.cast`` per terminal, and ``run.json``.

A folder holds all that judging needs, so a run can be judged again without running anything. The format has a
version of its own; ``docs/run-folder.md`` describes it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from wirelab import __version__
from wirelab.base.errors import InputError, UsageError
from wirelab.base.plain_json import fields, json_text
from wirelab.base.texts import LANGUAGES, Language, Text, register
from wirelab.compose.files import PARTIAL, write_whole
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Finding, Judgement
from wirelab.observe import evidence as kinds
from wirelab.observe.evidence import Event, Evidence, Shown, Started
from wirelab.observe.messages import Profile
from wirelab.observe.pcap import read_capture, write_pcapng

FORMAT_VERSION = 2
READABLE = (1, 2)  # version 1 had no ``witnessed`` and no ``called``
ASIDE_NS = 60 * 10**9  # a packet may be stamped so long before the first event of its run, or after the last
_BEGINS = b'{\n "format": "wirelab-run"'
PAGE = "report.html"  # for people; who plays for them writes it beside the run
_EVENTS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in kinds.Event.__args__}
_FIELDS: dict[type[Any], dict[str, Any]] = {
    kind: get_type_hints(kind) for kind in (*_EVENTS.values(), kinds.ThreadSeen, kinds.SocketSeen, kinds.SourceLine)
}

register(
    {
        "run.missing": Text(
            "{folder} is not a run folder: there is no {file} in it", "{folder} 不是运行文件夹：其中没有 {file}"
        ),
        "run.damaged": Text("{file} is damaged or not a run's: {why}", "{file} 已损坏或不是运行记录：{why}"),
        "run.version": Text(
            "{file} has format version {found}; this wirelab reads versions {known}",
            "{file} 的格式版本是 {found}；本 wirelab 只能读取版本 {known}",
        ),
        "run.other-capture": Text(
            "{file} is not this run's capture, or not all of it: expected {packets} packets within the run's time, "
            "found {found}",
            "{file} 不是这次运行的抓包，或者不完整：应有 {packets} 个在运行期间捕获的报文，实际是 {found} 个",
        ),
        "run.occupied": Text(
            "{folder} holds something else ({name}), and nothing in it is overwritten; "
            "name a folder of its own, which need not exist",
            "{folder} 里已有别的内容（{name}），不会覆盖；请另指定一个文件夹，不必事先存在",
        ),
        "run.unwritable": Text("cannot write the run folder {folder}: {why}", "无法写入运行文件夹 {folder}：{why}"),
    }
)


@dataclass(frozen=True, slots=True)
class Run:
    """One scenario played once: what was to be seen, and what was. ``protocol`` is the profile's source text."""

    scenario: Scenario
    protocol: str
    profile: Profile
    evidence: Evidence

    def judged(self) -> Judgement:
        """The judgement; the same every time."""
        return judge(self.scenario, self.profile, self.evidence)


def check_folder(folder: Path) -> None:
    """Make sure, before anything is played, that a run can be kept in ``folder``: a new or empty folder, or one that
    holds a run and nothing else, which is then replaced.

    Raises UsageError for a folder that holds something that wirelab did not write, InputError for what cannot be
    written. Changes nothing.
    """
    try:
        if folder.is_dir():
            foreign = sorted(item.name for item in folder.iterdir() if not _ours(item))
            if foreign:
                raise UsageError("run.occupied", folder=folder, name=foreign[0])
        existing = folder
        while not os.path.lexists(existing):
            existing = existing.parent
    except OSError as error:
        raise InputError("run.unwritable", folder=folder, why=error.strerror) from None
    if not existing.is_dir():
        raise InputError("run.unwritable", folder=folder, why=os.strerror(errno.ENOTDIR))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError("run.unwritable", folder=folder, why=os.strerror(errno.EACCES))


def check_parent(folder: Path) -> None:
    """Make sure that ``folder`` may hold the folders of several runs: that it does not hold a run itself.

    Raises UsageError when it does. Changes nothing.
    """
    for name in ("run.json", "capture.pcapng"):
        if os.path.lexists(folder / name):
            raise UsageError("run.occupied", folder=folder, name=name)


def _ours(path: Path) -> bool:
    """Whether a run folder may hold a file of this name (also one that a killed command left unfinished)."""
    name = path.name.removesuffix(PARTIAL)
    of_a_run = name == "capture.pcapng" or name.endswith(".cast")  # or of somebody's own, where no run.json is
    beside = (path.parent / document for document in ("run.json", f"run.json{PARTIAL}"))
    known = (of_a_run and name != path.name) or ((of_a_run or name == PAGE) and any(map(_is_document, beside)))
    return known and path.is_file() if name != "run.json" else _is_document(path)


def _is_document(path: Path) -> bool:
    """Whether a file is a run's own, and not somebody else's of that name; nothing yet, where a command was killed."""
    try:
        with path.open("rb") as file:
            begun = file.read(len(_BEGINS))
    except OSError:
        return False
    return begun == _BEGINS or (path.name.endswith(PARTIAL) and _BEGINS.startswith(begun))


def write_run(folder: Path, run: Run, judgement: Judgement, language: Language) -> None:
    """Write a run folder: created if needed, and a run that is there already replaced, as ``check_folder`` says.

    All is written before anything is replaced, and ``run.json`` comes last, so its presence means that all is there.
    Raises what ``check_folder`` raises.
    """
    check_folder(folder)
    casts = {f"{actor}.cast": text.encode() for actor, text in _casts(run.evidence).items()}
    document = _json(_document(run, judgement), indent=1) + "\n"
    files = {"capture.pcapng": _capture(run, judgement, language), **casts, "run.json": document.encode()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / f"{name}{PARTIAL}").write_bytes(data)
        for old in (folder / "run.json", folder / PAGE, *folder.glob("*.cast")):
            old.unlink(missing_ok=True)
        for name in files:
            os.replace(folder / f"{name}{PARTIAL}", folder / name)
    except OSError as error:
        with contextlib.suppress(OSError):
            for name in files:
                (folder / f"{name}{PARTIAL}").unlink(missing_ok=True)
            if not (folder / "run.json").exists():  # what is left of a run would be taken for somebody's own
                for half in (folder / "capture.pcapng", *folder.glob("*.cast")):
                    half.unlink(missing_ok=True)
        raise InputError("run.unwritable", folder=folder, why=error.strerror or error) from None


def write_page(folder: Path, page: str | None) -> None:
    """Put the page of a run into its folder, whole or not at all; None takes it away. Raises InputError when it cannot."""
    try:
        if page is None:
            (folder / PAGE).unlink(missing_ok=True)
        else:
            write_whole(folder / PAGE, page)
    except OSError as error:
        raise InputError("run.unwritable", folder=folder, why=error.strerror or error) from None


def frame_comments(judgement: Judgement, language: Language) -> dict[int, str]:
    """What the findings and their causes say of each frame that they refer to, one a line."""
    comments: dict[int, str] = {}
    for finding in (one for found in judgement.findings for one in (found, found.cause) if one):
        said = f"{finding.code} {finding.rationale.in_(language)}"
        for frame in finding.frames:
            if said not in comments.get(frame, "").split("\n"):  # several findings may have the same cause
                comments[frame] = f"{comments[frame]}\n{said}" if frame in comments else said
    return comments


def _capture(run: Run, judgement: Judgement, language: Language) -> bytes:
    evidence = run.evidence
    return write_pcapng(
        evidence.packets,
        evidence.linktype,
        comments=frame_comments(judgement, language),
        lost=evidence.lost,
        application=f"wirelab {__version__}",
    )


def _json(value: object, indent: int | None = None) -> str:
    """JSON that a person can read; text that UTF-8 cannot carry (an argument that is no text) is escaped with the rest."""
    text = json_text(value, indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return text


def _casts(evidence: Evidence) -> dict[str, str]:
    """An asciicast v2 recording for each program, all on the run's own time axis."""
    start = evidence.events[0].time if evidence.events else 0
    casts: dict[str, list[str]] = {}
    for event in evidence.events:
        if isinstance(event, Started) and event.part != "peer":
            header = {"version": 2, "width": 120, "height": 40, "timestamp": start // 10**9, "title": event.actor}
            casts[event.actor] = [json.dumps(header)]
        elif isinstance(event, Shown):
            moment = f"{(event.time - start) / 1e9:.9f}"
            casts[event.actor].append(f'[{moment}, "o", {_json(event.data)}]')
    return {actor: "\n".join(lines) + "\n" for actor, lines in casts.items()}


def _document(run: Run, judgement: Judgement) -> dict[str, object]:
    evidence = run.evidence
    return {
        "format": "wirelab-run",
        "version": FORMAT_VERSION,
        "scenario": {"name": run.scenario.name, "source": run.scenario.text},
        "protocol": {"name": run.profile.name, "source": run.protocol},
        "machine": evidence.machine,
        "port": evidence.port,
        "linktype": evidence.linktype,
        "packets": len(evidence.packets),
        "lost": evidence.lost,
        "start": evidence.events[0].time if evidence.events else 0,
        "events": [_event(event) for event in evidence.events if not isinstance(event, Shown)],
        "judgement": as_json(judgement),
    }


def _event(event: Event) -> dict[str, object]:
    return {"event": type(event).__name__.lower(), **fields(event)}


def as_json(judgement: Judgement) -> dict[str, object]:
    """A judgement as plain data, every sentence in both languages."""

    def finding(item: Finding) -> dict[str, object]:
        cause = {} if item.cause is None else {"cause": finding(item.cause)}
        return {
            "code": item.code,
            "actor": item.actor,
            "rationale": {language: item.rationale.in_(language) for language in LANGUAGES},
            "hint": {language: item.hint.in_(language) for language in LANGUAGES},
            "frames": list(item.frames),
            "terminal": [list(line) for line in item.terminal],
            "more": item.more,
            **cause,
            **({"beside": [dataclasses.asdict(row) for row in item.beside]} if item.beside else {}),
        }

    return {
        "scenario": judgement.scenario,
        "verdict": judgement.verdict.value,
        "checks": [
            {
                "check": check.name,
                "actor": check.actor,
                "line": check.line,
                "written": check.written,
                "verdict": check.verdict.value,
                "credit": None if check.credit is None else dataclasses.asdict(check.credit),
                "summary": {language: check.summary.in_(language) for language in LANGUAGES},
                "findings": [finding(item) for item in check.findings],
            }
            for check in judgement.checks
        ],
    }


def read_run(folder: Path) -> Run:
    """Read a run folder. Raises InputError, naming the file and what is wrong with it."""
    path = folder / "run.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("run.missing", folder=folder, file="run.json") from None
    except NotADirectoryError:
        raise InputError("run.missing", folder=folder, file="run.json") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("run.damaged", file=path, why=error) from None
    if not isinstance(document, dict) or document.get("format") != "wirelab-run":
        raise InputError("run.damaged", file=path, why="format")
    found = document.get("version")
    if isinstance(found, bool) or found not in READABLE:
        raise InputError("run.version", file=path, found=found, known=", ".join(map(str, READABLE)))
    try:
        return _run(folder, document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError("run.damaged", file=path, why=f"{type(error).__name__}: {error}") from None


def _run(folder: Path, document: dict[str, Any]) -> Run:
    scenario = parse_scenario(document["scenario"]["source"], f"{folder / 'run.json'}: scenario")
    protocol = document["protocol"]["source"]
    profile = load_profile(protocol, f"{folder / 'run.json'}: protocol")
    events = [_revive(item, scenario) for item in document["events"]]
    start = int(document["start"])
    for event in [event for event in events if isinstance(event, Started) and event.part != "peer"]:
        events += _shown(folder / f"{event.actor}.cast", event.actor, start)
    events.sort(key=lambda event: event.time)
    path = folder / "capture.pcapng"
    try:
        capture = read_capture(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError("run.damaged", file=path, why=error.strerror) from None
    packets = tuple(capture.packets)
    first, last = (events[0].time - ASIDE_NS, events[-1].time + ASIDE_NS) if events else (0, 0)
    inside = sum(first <= packet.time <= last for packet in packets)
    if not inside == len(packets) == document["packets"]:
        raise InputError("run.other-capture", file=path, packets=document["packets"], found=inside)
    machine = {str(key): str(value) for key, value in document["machine"].items()}
    evidence = Evidence(tuple(events), packets, capture.linktype, int(document["lost"]), int(document["port"]), machine)
    return Run(scenario, protocol, profile, evidence)


def _revive(item: dict[str, Any], scenario: Scenario) -> Event:
    event: Event = _built(_EVENTS[item["event"]], {key: value for key, value in item.items() if key != "event"})
    actor, index = getattr(event, "actor", None), getattr(event, "index", 0)
    if (actor is not None and actor not in scenario.cast) or index not in range(len(scenario.script)):
        raise ValueError(f"{item}")
    return event


def _built(kind: type[Any], fields: dict[str, Any]) -> Any:
    """A value of the evidence from what JSON keeps of it, with all that it consists of; each field is what it may be."""
    hints = _FIELDS[kind]
    value = kind(**{name: _decoded(item, hints[name]) for name, item in fields.items()})
    for name, hint in hints.items():
        if not _fits(getattr(value, name), hint):
            raise ValueError(f"{kind.__name__}.{name}: {getattr(value, name)!r}")
    return value


def _decoded(value: Any, hint: Any) -> Any:
    """What JSON has no form for: tuples are lists there, bytes hexadecimal, values of their own objects."""
    if hint is bytes:
        return bytes.fromhex(value)
    if get_origin(hint) is tuple:
        return tuple(_decoded(item, get_args(hint)[0]) for item in value) if isinstance(value, list) else value
    return _built(hint, value) if dataclasses.is_dataclass(hint) and isinstance(hint, type) else value


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is what an event's field may hold: judging relies on it."""
    origin, choices = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in choices
    if origin is UnionType:
        return any(_fits(value, choice) for choice in choices)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, choices[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(key, choices[0]) and _fits(item, choices[1]) for key, item in value.items()
        )
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, hint)


def _shown(path: Path, actor: str, start: int) -> list[Event]:
    """What a terminal showed, from its recording (asciicast v2)."""
    events: list[Event] = []
    try:
        for line in path.read_text(encoding="utf-8").split("\n")[1:]:
            moment, kind, data = json.loads(line or "[0, null, null]")
            if kind == "o":
                events.append(Shown(start + round(float(moment) * 1e9), actor, str(data)))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError("run.damaged", file=path, why=error) from None
    return events
