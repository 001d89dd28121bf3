"""Which programs a submission's folder holds, and how each is started: as its ``wirelab.toml`` says, or as they look.

Starts nothing itself. Building is a list of commands for whoever may run them.
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Text, register
from wirelab.declare.source import meant
from wirelab.observe.evidence import Role

SETTINGS = "wirelab.toml"
KEYS = ("build", "client", "server")
ROLES: tuple[Role, ...] = ("client", "server")

register(
    {
        "submission.missing": Text(
            "there is no folder {folder}, where your programs should be", "没有文件夹 {folder}，你的程序应当放在那里"
        ),
        "submission.nothing": Text(
            "there is no {role}: looked in {folder} for {wanted}, in upper or lower case, there and one folder down; "
            "found: {found}. Give your file such a name, or write into {folder}/wirelab.toml how it is started:\n"
            '    {role} = "python3 my_program.py"',
            "没有 {role} 程序：在 {folder} 及下一级文件夹中查找了 {wanted}（大小写不限），找到的文件有：{found}。"
            '请改用这样的文件名，或在 {folder}/wirelab.toml 中写明启动方式：\n    {role} = "python3 my_program.py"',
        ),
        "submission.several": Text(
            "there is more than one {role} in {folder}: {found}. Keep one of them, or write into {folder}/wirelab.toml "
            'which one it is:\n    {role} = "{example}"',
            "{folder} 中有不止一个 {role} 程序：{found}。请只保留一个，或在 {folder}/wirelab.toml 中指明：\n"
            '    {role} = "{example}"',
        ),
        "submission.settings": Text("{file}: {why}", "{file}：{why}"),
        "submission.key": Text(
            "{file}: unknown key '{key}'{meant}; known: build, client, server",
            "{file}：不认识的键 '{key}'{meant}；可用的键：build、client、server",
        ),
        "submission.value": Text(
            "{file}: '{key}' must be a command in quotes, found {value}",
            "{file}：'{key}' 应为引号中的命令，这里是 {value}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Language:
    """How a source file of one language is built and started; ``{stem}`` and ``{name}`` are its name without and with
    the suffix. Commands run in the folder of the file."""

    suffix: str
    build: str | None
    start: str


LANGUAGES = (
    Language(".py", None, "python3 {name}"),
    Language(".java", "javac -encoding UTF-8 {name}", "java {stem}"),
    Language(".c", "cc -O1 -g -pthread -o {stem} {name}", "./{stem}"),
    Language(".cpp", "c++ -O1 -g -pthread -o {stem} {name}", "./{stem}"),
    Language(".cc", "c++ -O1 -g -pthread -o {stem} {name}", "./{stem}"),
    Language(".js", None, "node {name}"),
    Language(".mjs", None, "node {name}"),
    Language(".go", "go build -o {stem} {name}", "./{stem}"),
    Language(".rs", "rustc -O -o {stem} {name}", "./{stem}"),
)
"""What is recognised, by suffix."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission's programs: the command that starts each role, run in ``folder``, after the ``build`` commands."""

    folder: Path
    commands: dict[str, str]  # by role, as on the command line
    build: tuple[str, ...] = ()
    files: dict[Role, Path] = field(default_factory=dict)


def find_programs(folder: Path, roles: Collection[Role]) -> Submission:
    """The programs of a submission, for the roles that are wanted.

    Raises InputError when there is no such folder or its ``wirelab.toml`` is wrong, UsageError when for a role nothing
    fits, or more than one thing does: with what was looked for, and what was found.
    """
    if not folder.is_dir():
        raise InputError("submission.missing", folder=folder)
    settings = _settings(folder / SETTINGS)
    build = [settings["build"]] if "build" in settings else []
    made = _has(folder, "makefile")
    if made and not build:
        build.append("make")
    commands: dict[str, str] = {}
    files: dict[Role, Path] = {}
    for role in ROLES:
        if role not in roles:
            continue
        if role in settings:
            commands[role] = settings[role]
            continue
        file = _detect(folder, role, made=made)
        files[role] = file
        command, building = _commands(folder, file, made=made)
        commands[role] = command
        if building is not None and build[:1] != ["make"] and "build" not in settings:
            build.append(building)
    return Submission(folder, commands, tuple(dict.fromkeys(build)), files)


def _settings(file: Path) -> dict[str, str]:
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError("submission.settings", file=file, why=error) from None
    for key, value in data.items():
        if key not in KEYS:
            raise InputError("submission.key", file=file, key=key, meant=meant(key, KEYS))
        if not isinstance(value, str) or not value.strip():
            raise InputError("submission.value", file=file, key=key, value=repr(value))
    return {key: str(value) for key, value in data.items()}


def _candidates(folder: Path) -> Iterator[Path]:
    """The files at the root and one folder down; the root's first."""
    for where in (folder, *sorted(item for item in folder.iterdir() if item.is_dir() and not item.is_symlink())):
        if where != folder and where.name.startswith((".", "__")):
            continue
        yield from sorted(item for item in where.iterdir() if item.is_file())


def _has(folder: Path, name: str) -> bool:
    return any(item.name.lower() == name for item in folder.iterdir() if item.is_file())


def _detect(folder: Path, role: Role, *, made: bool) -> Path:
    """The one source file (or, with a Makefile, also executable) of a role; the root's before those one folder down."""
    every = list(_candidates(folder))
    fits = [item for item in every if item.stem.lower() == role and _language(item) is not None]
    here = [item for item in fits if item.parent == folder] or fits
    if not here and made:  # what make will have made
        return folder / role
    if len(here) == 1:
        return here[0]
    if not here:
        wanted = ", ".join(f"{role}{language.suffix}" for language in LANGUAGES)
        found = ", ".join(str(item.relative_to(folder)) for item in every[:10]) or "-"
        raise UsageError("submission.nothing", role=role, folder=folder, wanted=wanted, found=found)
    names = [str(item.relative_to(folder)) for item in here]
    example = _commands(folder, here[0], made=False)[0]
    raise UsageError("submission.several", role=role, folder=folder, found=", ".join(names), example=example)


def _language(file: Path) -> Language | None:
    return next((language for language in LANGUAGES if language.suffix == file.suffix.lower()), None)


def _commands(folder: Path, file: Path, *, made: bool) -> tuple[str, str | None]:
    """How a program is started, and how it is built; both from ``folder``."""
    language = _language(file)
    if language is None:
        return f"./{file.name}", None
    names = {"stem": shlex.quote(file.stem), "name": shlex.quote(file.name)}
    start = language.start.format(**names)
    build = None if language.build is None or made else language.build.format(**names)
    if file.parent != folder:
        inside = shlex.quote(str(file.parent.relative_to(folder)))
        start = _inside(inside, start)
        build = None if build is None else f"cd {inside} && {build}"
    return start, build


def _inside(folder: str, start: str) -> str:
    """The same command for a program one folder down, without a shell where that can be."""
    program, _, rest = start.partition(" ")
    if program.startswith("./"):
        return f"./{folder}/{program[2:]}"
    if program == "java":
        return f"java -cp {folder} {rest}"
    return f"{program} {folder}/{rest}"
