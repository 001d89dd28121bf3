"""The run folder: ``capture.pcapng``, one ``<program>.cast`` per terminal, and ``run.json``.

A folder holds all that judging needs, so a run can be judged again without running anything. The format has a
version of its own; ``docs/run-folder.md`` describes it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wirelab import __version__
from wirelab.base.errors import InputError
from wirelab.base.texts import LANGUAGES, Language, Text, register
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.judge.judge import judge
from wirelab.judge.verdict import Finding, Judgement
from wirelab.observe import evidence as kinds
from wirelab.observe.evidence import Event, Evidence, Shown, Started
from wirelab.observe.messages import Profile
from wirelab.observe.pcap import read_capture
from wirelab.observe.pcapng import write_pcapng

FORMAT_VERSION = 1
_EVENTS: dict[str, type[Any]] = {kind.__name__.lower(): kind for kind in kinds.Event.__args__}

register(
    {
        "run.missing": Text(
            "{folder} is not a run folder: there is no {file} in it", "{folder} 不是运行文件夹：其中没有 {file}"
        ),
        "run.damaged": Text("{file} is damaged or not a run's: {why}", "{file} 已损坏或不是运行记录：{why}"),
        "run.version": Text(
            "{file} has format version {found}; this wirelab reads version {known}",
            "{file} 的格式版本是 {found}；本 wirelab 只能读取版本 {known}",
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


def write_run(folder: Path, run: Run, judgement: Judgement, language: Language) -> None:
    """Write a run folder (created if needed); ``run.json`` comes last, so its presence means it is whole.

    Raises InputError when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        comments: dict[int, str] = {}
        for finding in judgement.findings:
            said = f"{finding.code} {finding.rationale.in_(language)}"
            for frame in finding.frames:
                comments[frame] = f"{comments[frame]}\n{said}" if frame in comments else said
        evidence = run.evidence
        capture = write_pcapng(
            evidence.packets,
            evidence.linktype,
            comments=comments,
            lost=evidence.lost,
            application=f"wirelab {__version__}",
        )
        (folder / "capture.pcapng").write_bytes(capture)
        for actor, cast in _casts(evidence).items():
            (folder / f"{actor}.cast").write_text(cast, encoding="utf-8")
        document = json.dumps(_document(run, judgement), ensure_ascii=False, indent=1)
        partial = folder / "run.json.partial"
        partial.write_text(document + "\n", encoding="utf-8")
        os.replace(partial, folder / "run.json")
    except OSError as error:
        raise InputError("run.unwritable", folder=folder, why=error.strerror or error) from None


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
            casts[event.actor].append(f'[{moment}, "o", {json.dumps(event.data, ensure_ascii=False)}]')
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
        "lost": evidence.lost,
        "start": evidence.events[0].time if evidence.events else 0,
        "events": [_event(event) for event in evidence.events if not isinstance(event, Shown)],
        "judgement": as_json(judgement),
    }


def _event(event: Event) -> dict[str, object]:
    fields: dict[str, object] = {"event": type(event).__name__.lower()} | dataclasses.asdict(event)
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in fields.items()}


def as_json(judgement: Judgement) -> dict[str, object]:
    """A judgement as plain data, every sentence in both languages."""

    def finding(item: Finding) -> dict[str, object]:
        return {
            "code": item.code,
            "actor": item.actor,
            "rationale": {language: item.rationale.in_(language) for language in LANGUAGES},
            "hint": {language: item.hint.in_(language) for language in LANGUAGES},
            "frames": list(item.frames),
            "terminal": [list(line) for line in item.terminal],
            "more": item.more,
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
    if document.get("version") != FORMAT_VERSION:
        raise InputError("run.version", file=path, found=document.get("version"), known=FORMAT_VERSION)
    try:
        return _run(folder, document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError("run.damaged", file=path, why=f"{type(error).__name__}: {error}") from None


def _run(folder: Path, document: dict[str, Any]) -> Run:
    scenario = parse_scenario(document["scenario"]["source"], f"{folder / 'run.json'}: scenario")
    protocol = document["protocol"]["source"]
    profile = load_profile(protocol, f"{folder / 'run.json'}: protocol")
    events: list[Event] = [_revive(item) for item in document["events"]]
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
    machine = {str(key): str(value) for key, value in document["machine"].items()}
    evidence = Evidence(
        tuple(events), packets, capture.linktype, int(document["lost"]), int(document["port"]), machine
    )
    return Run(scenario, protocol, profile, evidence)


def _revive(item: dict[str, Any]) -> Event:
    fields = dict(item)
    kind = _EVENTS[fields.pop("event")]
    if kind is kinds.Started:
        fields["command"] = tuple(fields["command"])
    if kind is kinds.Peered:
        fields["data"] = bytes.fromhex(fields["data"])
    event: Event = kind(**fields)
    if not isinstance(event.time, int):
        raise TypeError(f"time {event.time!r}")
    return event


def _shown(path: Path, actor: str, start: int) -> list[Event]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("run.damaged", file=path, why=error) from None
    events: list[Event] = []
    for line in lines[1:]:
        moment, kind, data = json.loads(line)
        if kind == "o":
            events.append(Shown(start + round(float(moment) * 1e9), actor, str(data)))
    return events
