"""``run --watch``: plays again whenever a source file is saved, and tells what changed since the last run.

Looks at names, times and sizes a few times a second: that works on every file system, in containers and on network
drives, where notifications do not.
"""

from __future__ import annotations

import os
import select
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.errors import AuthorError, EnvironmentFault, InputError, Overrun, UsageError
from wirelab.base.texts import Text, register, say
from wirelab.compose.library import protocol_folders
from wirelab.edge.output import complain, put
from wirelab.edge.running import Options
from wirelab.judge.verdict import Judgement
from wirelab.present.change import changes
from wirelab.present.style import safe

EVERY = 0.2  # seconds between two looks
REST = 9  # times as long as a look took: of a large folder, a tenth of a processor at most
QUIET = 0.15  # seconds for which nothing more is written: editors save in several steps
MOST, MOST_FOLDERS = 2000, 500  # files that are watched, folders that are looked through for them
SETTLES = 3.0  # seconds after which it is played, even if something is written all the time
SOURCES = frozenset(".py .c .h .cc .cpp .hpp .java .js .mjs .cjs .ts .go .rs .toml .mod .yaml".split())
NAMES = frozenset(("Makefile", "makefile", "GNUmakefile"))
_LEFT_OUT = frozenset(("node_modules", "__pycache__", "target", "build", "dist", "venv"))

register(
    {
        "watch.waits": Text(
            "watching {count} files in {folders}; save one to play again, Ctrl-C ends",
            "正在监视 {folders} 中的 {count} 个文件；保存后会再次运行，按 Ctrl-C 结束",
        ),
        "watch.saved": Text("── {file} was saved ──", "── {file} 已保存 ──"),
        "watch.gone": Text("── {file} was deleted, moved or renamed ──", "── {file} 已被删除、移走或改名 ──"),
        "watch.nothing": Text(
            "--watch has nothing to watch: nothing in `{words}` is a file or a folder",
            "--watch 没有可监视的文件：`{words}` 中没有文件，也没有文件夹",
        ),
        "watch.json": Text(
            "--watch is for people to look at, --json for programs: choose one",
            "--watch 供人观看，--json 供程序读取：请二选一",
        ),
    }
)

State = dict[Path, tuple[int, int]]


def watch(play: Callable[[Options], int], options: Options, words: Sequence[str]) -> int:
    """Play, and again after each save, until Ctrl-C while nothing is played; the exit status is that of the last run.

    ``words`` are those of the command line: what of them is a file or a folder (scenarios, a lab, a submission) is
    watched, besides what the programs' commands name. Raises UsageError when there is nothing to watch.
    """
    if options.json:
        raise UsageError("watch.json")
    roots = _roots(options.commands, words)
    fixed, folders = [*filter(Path.is_file, roots)], [*filter(Path.is_dir, roots)]
    if not roots:
        raise UsageError("watch.nothing", words=shlex.join([*words, *options.commands.values()]))
    before: dict[str, Judgement] | None = None
    edited: set[Path] = set()  # what somebody has saved
    again: set[Path] = set()  # of these, what was saved while programs were built, the last time
    while True:
        state = _state(folders, fixed)
        seen: dict[str, Judgement] = {}
        during: set[Path] = set()  # of these, what was saved while programs were built
        try:
            renew = partial(_renew, state, folders, fixed, edited, during)
            status = play(replace(options, told=partial(_note, seen), built=renew))
        except (UsageError, InputError, AuthorError, Overrun, EnvironmentFault) as error:  # the next save may mend it
            status = error.exit_status
            complain("wirelab: " + "\n".join(map(safe, error.text(options.language).split("\n"))))
        try:
            if before is not None and seen:
                put("")
                put("\n".join(changes(before, seen, options.language, colour=options.colour)))
            before = (before or {}) | seen if seen else before  # a round that broke off has seen only some
            where = ", ".join(
                dict.fromkeys(str(path.parent if path.is_file() else path) for path in (*folders, *fixed))
            )
            put(safe(say("watch.waits", options.language, count=len(_state(folders, fixed)), folders=where)))
            saved = _change(folders, fixed, state)
        except KeyboardInterrupt:
            put("")
            return status
        first = min(saved)
        put(safe(say("watch.saved" if first.exists() else "watch.gone", options.language, file=first.name)))
        edited = (edited | saved) - (during & again)  # should each build write over it, we do not play for ever
        again = during


def _note(seen: dict[str, Judgement], judgement: Judgement) -> None:
    seen[judgement.scenario] = judgement


def _renew(state: State, folders: Sequence[Path], fixed: Iterable[Path], edited: set[Path], during: set[Path]) -> None:
    """After a build: what it wrote was saved by nobody, but for files that somebody has saved before."""
    now = _state(folders, fixed)
    during.update(path for path in edited if now.get(path) != state.get(path))
    before = {path: state[path] for path in during if path in state}
    state.clear()
    state.update({path: about for path, about in now.items() if path not in during} | before)


def _roots(commands: Mapping[str, str], words: Iterable[str]) -> list[Path]:
    """What is watched: files and folders given, and the protocols of scenarios; files that commands name, and the
    folders in which sources lie beside them."""
    roots = [Path(word) for word in words if os.path.exists(word)]  # which takes what cannot be a path as not there
    roots += [folder for path in roots for folder in protocol_folders(path) if folder.is_dir()]
    for command in commands.values():
        for word in _words(command):
            path = Path(word)
            if os.path.isfile(word) and not path.is_absolute():
                roots += [path, path.parent] if path.suffix in SOURCES else [path]
            elif os.path.isfile(word) and path.suffix in SOURCES:
                roots.append(path)
    return list(dict.fromkeys(roots))


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _state(folders: Sequence[Path], fixed: Iterable[Path]) -> State:
    """Time and size of every source file, as far as they are there."""
    found: State = {}
    for path in [*fixed, *(path for folder in folders for path in _sources(folder))]:
        try:
            about = path.stat()
        except OSError:
            continue
        found[path] = about.st_mtime_ns, about.st_size
    return found


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for count, (root, names, files) in enumerate(os.walk(folder), 1):
        names[:] = [name for name in sorted(names) if not name.startswith(".") and name not in _LEFT_OUT]
        found += [Path(root, name) for name in sorted(files) if Path(name).suffix in SOURCES or name in NAMES]
        if len(found) >= MOST or count == MOST_FOLDERS:
            return found[:MOST]
    return found


def _change(folders: Sequence[Path], fixed: Sequence[Path], before: State) -> set[Path]:
    """Wait until files are others than they were, and have been so for a moment; tells which."""
    while True:
        begun = now_ns()
        now = _state(folders, fixed)
        took = (now_ns() - begun) / 1e9
        saved = _differ(before, now) and _differ(before, _settled(folders, fixed, now))
        if saved:
            return saved
        select.select((), (), (), max(EVERY, REST * took))


def _differ(before: State, now: State) -> set[Path]:
    return {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}


def _settled(folders: Sequence[Path], fixed: Sequence[Path], last: State) -> State:
    quiet, longest = Deadline.after(QUIET), Deadline.after(SETTLES)
    while not quiet.passed and not longest.passed:
        select.select((), (), (), EVERY / 4)
        now = _state(folders, fixed)
        if now != last:
            last, quiet = now, Deadline.after(QUIET)
    return last
