"""What the stage of a Python test is made of, as its marks and the command line say; and what it cannot be made of."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wirelab.base.texts import Language, Text, register, say
from wirelab.edge.pytest_errors import Misused

LONGEST_NAME = 180  # bytes of a folder's name, before its digest
MOST_SHOWN = 80  # characters of a value that cannot be used

Role = Literal["client", "server"]

register(
    {
        "pytest.mark": Text(
            "the mark wirelab of a test takes client, server, protocol, port and env, not '{name}'",
            "测试的 wirelab 标记可用 client、server、protocol、port 和 env，没有 '{name}'",
        ),
        "pytest.value": Text(
            "{value} cannot be part of a step or an expectation: those are made of text, numbers, true and false, and "
            "lists and mappings of them, as in scenarios",
            "{value} 不能用在步骤或期望中：与场景文件一样，只能用文字、数字、true 和 false，以及由它们组成的列表和映射",
        ),
        "pytest.number": Text("seconds and counts are numbers, not {value}", "秒数和次数应为数字，不能是 {value}"),
        "pytest.command": Text(
            "a program's command is text, or a list of words, not {value}",
            "程序的命令应为文字或单词列表，不能是 {value}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a test's stage is made of. ``commands``: the user's own programs by role, run in ``folder``; ``file``: the
    test's own, beside which protocols are looked for; ``keep``: where the run is kept."""

    name: str
    protocol: str
    port: int
    env: Mapping[str, str]
    commands: Mapping[str, str]
    folder: str
    file: str
    language: Language
    width: int
    keep: str | None


def setting_of(
    nodeid: str,
    marks: Sequence[Mapping[str, Any]],
    *,
    commands: Mapping[str, str],
    folder: Path,
    file: Path,
    language: Language,
    width: int,
    keep: str | None,
) -> Setting:
    """What the stage of a test is made of: its marks' words, the nearest last, over what the command line gives."""
    about: dict[str, Any] = {}
    for mark in marks:
        about |= mark
    unknown = sorted(about.keys() - {"client", "server", "protocol", "port", "env"})
    if unknown:
        raise Misused(say("pytest.mark", language, name=unknown[0]))
    own = {role: command_of(about[role], language) for role in ("client", "server") if about.get(role) is not None}
    return Setting(
        name=f"python/{_plain_name(nodeid)}",
        protocol=about.get("protocol", "line"),
        port=about.get("port", 12001),
        env=about.get("env", {}),
        commands={**commands, **own},
        folder=str(folder),
        file=str(file),
        language=language,
        width=width,
        keep=keep,
    )


def _plain_name(nodeid: str) -> str:
    """A test's name as a scenario may be called."""
    file, _, test = nodeid.partition("::")
    return re.sub("[^a-z0-9]+", "-", f"{Path(file).name} {test}".lower()).strip("-")[:80] or "test"


def file_name(nodeid: str) -> str:
    """A test's name as a folder may be called: the same for nobody else, because what was changed in it is told by a
    digest."""
    plain = re.sub(r"[^\w.\[\]-]+", "-", nodeid).strip("-.")
    short = plain.encode()[:LONGEST_NAME].decode(errors="ignore")
    function, bracket, values = nodeid.partition("[")
    if "-" not in function and short == re.sub("/|::", "-", function) + bracket + values:
        return short
    return f"{short}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def command_of(value: object, language: Language) -> str:
    """A command as one line of text, from that or from its words. Raises Misused for anything else."""
    if isinstance(value, str):
        return value
    words = [value] if isinstance(value, Path) else value
    if isinstance(words, list | tuple) and words and all(isinstance(word, str | Path) for word in words):
        return shlex.join(map(str, words))
    raise Misused(say("pytest.command", language, value=shown(value)))


def shown(value: object) -> str:
    """A value as Python writes it, no longer than a message can bear."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
