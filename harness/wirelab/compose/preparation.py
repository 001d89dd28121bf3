"""Makes a submission ready to be played: finds its programs, builds them, and tells what is missing, and through whose fault.

Each role by itself: a server that does not build costs its client nothing. Unpacks and plays nothing.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from wirelab.base.errors import EnvironmentFault, InputError, UsageError, WirelabError
from wirelab.base.texts import Text, catalogue, register
from wirelab.compose import class_reports
from wirelab.compose.programs import words_of
from wirelab.compose.submissions import LANGUAGES as KINDS
from wirelab.compose.submissions import find_programs
from wirelab.judge.likeness import conversations, fingerprint
from wirelab.judge.verdict import Said
from wirelab.observe.evidence import Role
from wirelab.observe.pcap import read_capture
from wirelab.observe.segments import decode
from wirelab.stage.build import build
from wirelab.stage.sandbox import Sandbox

LANGUAGES = (
    *"python3 python java javac node nodejs go rustc cargo".split(),
    *"cc gcc clang c++ g++ clang++ make".split(),
)
"""What a machine may lack without any fault of a student's; whatever else a submission needs it has to bring."""

MOST_FILES, MOST_BYTES = 1_000, 1_000_000  # that are looked into for likeness
MOST_CAPTURES, MOST_CAPTURED, MOST_PACKETS = 8, 32_000_000, 20_000  # captures, bytes and packets of each
_CAPTURES = (".pcap", ".pcapng", ".cap")
_SOURCES = frozenset(kind.suffix for kind in KINDS)

register(
    {
        "preparation.no-tool": Text(
            "this machine has no '{program}', which the {role} of the submission needs; install it and grade again",
            "本机没有 '{program}'，而该提交的 {role} 需要它；请安装后重新评分",
        ),
        "preparation.no-program": Text(
            "the {role} of the submission is started with '{program}', which is not there",
            "该提交的 {role} 要用 '{program}' 启动，但没有这个程序",
        ),
        "preparation.not-executable": Text(
            "the {role} of the submission is started with '{program}', which is not marked as executable: chmod +x",
            "该提交的 {role} 要用 '{program}' 启动，但它没有可执行权限：chmod +x",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that is ready to be played: how each role that has a program is started, what else is to be said,
    and what the compiler said. ``lacking``: the roles for which this machine has not what it needs, and what that is.
    ``prints``: what tells whether somebody else handed in the same program or capture (``judge/likeness``)."""

    commands: Mapping[str, str]
    notes: tuple[Said, ...] = ()
    built: str = ""
    lacking: Mapping[str, Said] = field(default_factory=dict)
    prints: tuple[str, ...] = ()


def prepared(folder: Path, roles: Iterable[Role], sandbox: Sandbox | None) -> Prepared:
    """Find a submission's programs in ``folder``, and build them there.

    Raises UsageError or InputError, with the student's own mistake, when not one of the roles can be played. When only
    some can, the notes say what is wrong with the others.
    """
    made_of = prints(folder)  # before building, which may leave anything
    ready: dict[str, str] = {}
    outcomes: dict[str, str | UsageError] = {}
    lacking: dict[str, Said] = {}
    wrong: list[WirelabError] = []
    found: dict[Role, tuple[str, tuple[str, ...]]] = {}
    for role in roles:  # all of them first: a build may leave files that look like programs
        try:
            programs = find_programs(folder, (role,))
            found[role] = programs.commands[role], programs.build
        except (UsageError, InputError) as error:
            wrong.append(error)
    for role, (command, building) in found.items():
        try:
            for each in building:
                _build(each, role, folder, sandbox, outcomes)
            _check(command, role, folder, sandbox)
            ready[role] = command
        except EnvironmentFault as fault:
            if fault.key != "preparation.no-tool":
                raise
            ready[role], lacking[role] = command, told(fault)
        except UsageError as error:
            wrong.append(error)
    if not ready:
        raise type(wrong[0])(wrong[0].key, **_from(folder, wrong[0].values))
    built = "\n".join(output for output in outcomes.values() if isinstance(output, str) and output)
    return Prepared(ready, tuple(told(error, folder) for error in wrong), built, lacking, made_of)


def prints(folder: Path) -> tuple[str, ...]:
    """The fingerprints of the programs below a folder, as far as they are long enough to have one, and of the
    conversations in captures there."""
    files = [path for path in sorted(folder.rglob("*"))[:MOST_FILES] if path.is_file() and not path.is_symlink()]
    found, left = set(), MOST_BYTES
    for path in [path for path in files if path.suffix.lower() in _SOURCES]:
        left -= path.stat().st_size
        if left >= 0:
            found.add(fingerprint(path.read_text(encoding="utf-8", errors="replace"), path.suffix))
    for path in [path for path in files if path.suffix.lower() in _CAPTURES][:MOST_CAPTURES]:
        if path.stat().st_size <= MOST_CAPTURED:
            with suppress(InputError):  # no capture, whatever it is called
                capture = read_capture(path.read_bytes(), path.name)
                packets = enumerate(islice(capture.packets, MOST_PACKETS), 1)
                segments = (decode(packet, frame, capture.linktype) for frame, packet in packets)
                found.update(conversations(filter(None, segments)))
    found |= class_reports.prints(folder)
    return tuple(sorted(found - {""}))


def told(error: WirelabError, folder: Path | None = None) -> Said:
    """An error's words, to be kept and shown; paths are told as seen from the submission's own ``folder``, because where
    that lies here means nothing to a student."""
    return Said(catalogue()[error.key], dict(error.values) if folder is None else _from(folder, error.values))


def _from(folder: Path, values: Mapping[str, object]) -> dict[str, object]:
    """Values of an error with its paths as they are seen from a folder."""
    here = re.compile(rf"{re.escape(str(folder))}(/?)")
    return {
        name: here.sub(lambda match: "" if match[1] else ".", str(value)) if str(folder) in str(value) else value
        for name, value in values.items()
    }


def _build(
    command: str, role: str, folder: Path, sandbox: Sandbox | None, outcomes: dict[str, str | UsageError]
) -> None:
    """Build, if that has not been done for the other role already, and keep what came of it. Raises UsageError when it
    fails, EnvironmentFault when that is for lack of a language."""
    if command not in outcomes:
        try:
            outcomes[command] = build(command, folder, sandbox=sandbox).output
        except UsageError as error:
            outcomes[command] = error
    outcome = outcomes[command]
    if isinstance(outcome, str):
        return
    for tool in LANGUAGES:
        if not _there(tool, sandbox) and _missed(tool, str(outcome.values["output"])):
            raise EnvironmentFault("preparation.no-tool", program=tool, role=role)
    raise outcome


def _missed(tool: str, output: str) -> bool:
    """Whether a shell, make or env says that it has not found a tool."""
    said = rf"(?:^|[\s:/'‘]){re.escape(tool)}['’]?: (?:command |No such file|not found|Permission denied)"
    return re.search(said, output, re.MULTILINE) is not None


def _check(command: str, role: str, folder: Path, sandbox: Sandbox | None) -> None:
    """Whether the program that a command begins with is there, and what runs it if it is a script."""
    program = words_of(command, role, folder)[0]
    if "/" not in program:
        if not _there(program, sandbox):
            lacks = program in LANGUAGES
            raise (EnvironmentFault if lacks else UsageError)(
                "preparation.no-tool" if lacks else "preparation.no-program", role=role, program=program
            )
        return
    file = folder / program
    if not file.exists():
        raise UsageError("preparation.no-program", role=role, program=program)
    if not os.access(file, os.X_OK):
        raise UsageError("preparation.not-executable", role=role, program=program)
    reader = _interpreter(file)
    if reader in LANGUAGES and not _there(reader, sandbox):
        raise EnvironmentFault("preparation.no-tool", role=role, program=reader)


def _interpreter(file: Path) -> str:
    """The name of the program that runs a script, execve(2); empty for what is none."""
    try:
        if not file.is_file():  # a pipe that nobody writes into would be waited for
            return ""
        with file.open("rb") as opened:
            line = opened.readline(256)
    except OSError:
        return ""
    names = [os.path.basename(word) for word in line[2:].decode(errors="replace").split() if not word.startswith("-")]
    if not line.startswith(b"#!") or not names:
        return ""
    return names[1] if names[0] == "env" and len(names) > 1 else names[0]


def _there(program: str, sandbox: Sandbox | None) -> bool:
    return sandbox.finds(program) if sandbox else shutil.which(program) is not None
