"""Which command plays which actor: the user's own, or the reference. Starts nothing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.base.texts import Text, register
from wirelab.compose import kit
from wirelab.declare.scenario import Scenario
from wirelab.stage.script import Casting

HOST = "127.0.0.1"
REFERENCE_PYTHON = (sys.executable, "-I", "-S")  # the reference needs the standard library only, and starts faster so
LONGEST = 4096  # characters of a command
_SHELL = {"&&", "||", ";", "|", "|&", "&", ">", ">>", "<", "<<", "<<<", "2>", "2>>", "2>&1", "&>", "&>>", ">&2"}
_SOURCES = (".py", ".js", ".mjs", ".jar", ".rb", ".pl", ".php")

register(
    {
        "programs.quoting": Text("cannot read the command '{command}': {why}", "无法解析命令 '{command}'：{why}"),
        "programs.long": Text(
            "the command for the {role} has more than {limit} characters, or one that is none",
            "{role} 的命令超过 {limit} 个字符，或含有非法字符",
        ),
        "programs.empty": Text("the command for the {role} is empty", "{role} 的命令是空的"),
        "programs.shell": Text(
            "no shell reads the command '{command}', so '{word}' would be passed on as it is; start a shell yourself, "
            'which gets HOST and PORT as "$@": sh -c \'cd folder && exec ./{role} "$@"\' sh',
            "命令 '{command}' 不经过 shell，'{word}' 会原样传给程序；请自己启动 shell，"
            '其中 "$@" 是 HOST 和 PORT：sh -c \'cd folder && exec ./{role} "$@"\' sh',
        ),
        "programs.variable": Text(
            "no shell reads the command '{command}', so '{word}' sets no variable; write: env {word} …",
            "命令 '{command}' 不经过 shell，'{word}' 不会设置变量；请写：env {word} …",
        ),
        "programs.no-file": Text(
            "the command '{command}' names the file '{file}', which does not exist in {folder}",
            "命令 '{command}' 中的文件 '{file}' 在 {folder} 中不存在",
        ),
        "programs.not-tested": Text(
            "the scenario {scenario} tests the {tested}; give its command with --{tested} "
            "(there is a command for the {given})",
            "场景 {scenario} 测试的是 {tested}；请用 --{tested} 给出命令（现在给出的是 {given}）",
        ),
    }
)


def castings(scenario: Scenario, commands: Mapping[str, str], folder: Path) -> dict[str, Casting]:
    """The command of every program in a scenario's cast.

    ``commands`` maps a role to the user's command line, run in ``folder``; a role without one is played by the
    reference. Raises UsageError when a command cannot be read or names a file that is not there, or when
    none of them is for the role that the scenario tests.
    """
    tested = {"client", "server"} if scenario.tests == "both" else {scenario.tests}
    if commands and not tested & set(commands):
        given = next(iter(commands))
        raise UsageError("programs.not-tested", scenario=scenario.name, tested=scenario.tests, given=given)
    found = {}
    for name, member in scenario.cast.items():
        if member.peer:
            continue
        address = (HOST, str(scenario.port))
        command = commands.get(member.role) if scenario.part(name) == "submission" else None
        if command is None:
            program = str(kit.reference_program(member.role))
            found[name] = Casting((*REFERENCE_PYTHON, program, *address), str(folder), reference=True)
        else:
            found[name] = Casting((*words_of(command, member.role, folder), *address), str(folder))
    return found


def words_of(command: str, role: str, folder: Path) -> tuple[str, ...]:
    """The words of a command line, run in ``folder``. Raises UsageError when it cannot be read, or names a file that is
    not there."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError("programs.quoting", command=command, why=error) from None
    if not words:
        raise UsageError("programs.empty", role=role)
    if len(command) > LONGEST or "\0" in command:
        raise UsageError("programs.long", role=role, limit=LONGEST)
    words = [os.path.expanduser(word) if word.startswith("~/") else word for word in words]
    plain = [words[0], *(word for before, word in pairwise(words) if before != "-c")]  # after -c comes a script
    shell = next((word for word in plain if word in _SHELL or re.fullmatch(r"\S+;", word)), None)
    if shell is not None:
        raise UsageError("programs.shell", command=command, word=shell, role=role)
    if re.match(r"[A-Za-z_]\w*=", words[0]):
        raise UsageError("programs.variable", command=command, word=words[0])
    source = next((word for word in plain[1:] if word.endswith(_SOURCES)), None)
    if source is not None and not (folder / source).exists():
        raise UsageError("programs.no-file", command=command, file=source, folder=folder)
    return (_past_shim(words[0]), *words[1:])


def _past_shim(program: str) -> str:
    """``python3`` as a version manager's shim costs 0.3 s a start; ours is taken when it is the same command."""
    if program not in ("python", "python3"):
        return program
    found = shutil.which(program)
    if found is None or os.path.dirname(found).endswith(("/shims", "\\shims")):
        return getattr(sys, "_base_executable", sys.executable) or program
    return program
