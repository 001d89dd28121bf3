"""Finds scenarios and profiles: by path, by name below ``scenarios/``, by folder. Reads files, judges nothing."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

from wirelab.base.errors import AuthorError, InputError, Place, Problem, UsageError
from wirelab.base.texts import Bilingual, Text, register
from wirelab.compose import kit
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import Scenario, parse_scenario
from wirelab.declare.source import MAX_CHARACTERS, meant
from wirelab.declare.speakable import unspeakable
from wirelab.observe.messages import Profile

PROTOCOLS = "protocols"

register(
    {
        "library.no-scenario": Text(
            "there is no scenario '{wanted}': neither a file nor a name{meant}; `wirelab run --list` names them all",
            "没有场景 '{wanted}'：既不是文件，也不是场景名{meant}；`wirelab run --list` 列出全部场景",
        ),
        "library.empty": Text("there is no scenario in the folder {folder}", "文件夹 {folder} 中没有场景"),
        "library.unreadable": Text("cannot read {file}: {why}", "无法读取 {file}：{why}"),
        "library.no-profile": Text(
            "there is no protocol profile '{wanted}'{meant}; known: {known}",
            "没有名为 '{wanted}' 的协议描述{meant}；已有：{known}",
        ),
    }
)


def names() -> list[str]:
    """The names of all scenarios that come with the kit."""
    root = kit.scenarios_root()
    paths = (path for path in root.rglob("*.yaml") if PROTOCOLS not in path.relative_to(root).parts)
    return sorted(str(path.relative_to(root).with_suffix("")) for path in paths)


def find(wanted: Iterable[str]) -> list[Path]:
    """The scenario files that the words mean: files, folders, or names (also of a whole topic) of the kit's own.

    Raises UsageError for a word that means nothing, with the nearest name, InputError for a file that is not there.
    """
    found: list[Path] = []
    for word in wanted:
        candidates = [Path(word), kit.scenarios_root() / word, kit.scenarios_root() / f"{word}.yaml"]
        existing = [path for path in candidates if os.path.exists(path)]
        path = next((path for path in existing if path.is_file() or _inside(path)), next(iter(existing), None))
        if path is None:
            file = Path(word)
            if file.suffix in (".yaml", ".yml") and not meant(str(file.with_suffix("")), names()).en:
                raise InputError("library.unreadable", file=word, why=os.strerror(errno.ENOENT))
            topics = {name.partition("/")[0] for name in names()}
            near = meant(word.removesuffix(".yaml"), [*topics, *names()])
            raise UsageError("library.no-scenario", wanted=word, meant=near)
        if path.is_dir():
            inside = _inside(path)
            if not inside:
                raise UsageError("library.empty", folder=path)
            found += inside
        else:
            found.append(path)
    return found


def _inside(folder: Path) -> list[Path]:
    """The scenario files in a folder and below it; an unrelated folder of a topic's name has none."""
    return sorted(path for path in folder.rglob("*.yaml") if PROTOCOLS not in path.relative_to(folder).parts)


def is_protocol(path: Path) -> bool:
    """Whether a file is meant as a protocol profile: so say its outermost keys or, where those say nothing, its folder.

    Raises InputError when it cannot be read.
    """
    keys = set(re.findall(r"^['\"]?(\w+)['\"]?\s*:", read_text(path), re.MULTILINE))
    profile, scenario = bool(keys & {"framing", "messages"}), bool(keys & {"scenario", "script"})
    if profile != scenario:
        return profile
    return path.resolve().parent.name == PROTOCOLS


def read_text(path: Path) -> str:
    """A file's text, line ends as LF.

    Raises InputError when it cannot be read, is no regular file or not UTF-8; AuthorError when it is longer than any
    file that is read (a device would have no end).
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise InputError("library.unreadable", file=path, why=Bilingual("not a regular file", "不是普通文件"))
        with path.open("rb") as file:
            data = file.read(4 * MAX_CHARACTERS + 1)  # UTF-8 has at most 4 bytes for a character
        if len(data) > 4 * MAX_CHARACTERS:
            raise AuthorError((Problem(Place(str(path), 1, 1), "source.too-long", {"limit": MAX_CHARACTERS}),))
        return re.sub("\r\n?", "\n", data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(
            "library.unreadable", file=path, why=f"not UTF-8 ({error.reason}, byte {error.start})"
        ) from None
    except OSError as error:
        raise InputError("library.unreadable", file=path, why=error.strerror) from None


def load(path: Path) -> Scenario:
    """Read one scenario file; its name must match its path when it lies below a folder ``scenarios``."""
    return parse_scenario(read_text(path), str(path), path_name=path_name(path))


def root_above(path: Path) -> Path | None:
    """The nearest folder ``scenarios`` that a file lies below, resolved; None: there is none. Raises OSError, and
    RuntimeError for links in a circle."""
    return next((folder for folder in path.resolve().parents if folder.name == "scenarios"), None)


def path_name(path: Path) -> str | None:
    """What a scenario in this file has to be called; None where it lies below no folder ``scenarios``. Raises what
    ``root_above`` raises."""
    root = root_above(path)
    return None if root is None else path.resolve().relative_to(root).with_suffix("").as_posix()


def profile_for(scenario: Scenario, path: Path) -> tuple[Profile, str]:
    """The scenario's protocol profile and its source: from ``protocols/`` near the scenario, or the kit's own.

    Near is the scenario's own folder, and those above it up to ``scenarios`` where it lies below one. Raises
    AuthorError when there is no profile of that name, and for what the scenario wants said that cannot be said in it.
    """
    profile, text = _profile_for(scenario, path)
    if problems := unspeakable(scenario, profile, str(path)):
        raise AuthorError(problems)
    return profile, text


def protocol_folders(path: Path) -> list[Path]:
    """Where the profiles of the scenario in a file, or of those in a folder, are looked for; not all need be there.
    Raises what ``root_above`` raises."""
    inside = path / "any" if path.is_dir() else path
    root, above = root_above(inside), inside.resolve().parents
    return [folder / PROTOCOLS for folder in above[: 2 if root is None else above.index(root) + 1]]


def _profile_for(scenario: Scenario, path: Path) -> tuple[Profile, str]:
    name = scenario.protocol
    for folder in protocol_folders(path):
        candidate = folder / f"{name}.yaml"
        if candidate.is_file():
            text = read_text(candidate)
            return load_profile(text, str(candidate)), text
    known = kit.protocol_names()
    if name not in known:
        lines = enumerate(scenario.text.splitlines(), 1)
        said = ((at, key.end() + 1) for at, text in lines if (key := re.match(r"protocol\s*:\s*", text)))
        line, column = next(said, (0, 0))
        values = {"wanted": name, "meant": meant(name, known), "known": ", ".join(known)}
        raise AuthorError((Problem(Place(str(path), line, column), "library.no-profile", values),))
    text, source = kit.protocol_text(name)
    return load_profile(text, source), text
