"""What Python submissions tell of themselves: lets them start observed, and reads back which line made which call.

Lets them start with their races amplified as well, which goes in by the same way. The other half is
``injected/sitecustomize.py``, which runs inside the student's interpreter. What it notes comes from files that the
student's program can write to as well: it explains verdicts and never makes one, and what is not as expected is passed
over. Knows no scenario and no packets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from wirelab.base.clock import now_ns
from wirelab.observe.evidence import Called, Role, SourceLine
from wirelab.stage import linux, namespace
from wirelab.stage.removing import remove
from wirelab.stage.sandbox import HOME

INJECTED = Path(__file__).parent / "injected"
VARIABLE, AMPLIFY = "WIRELAB_OBSERVER", "WIRELAB_AMPLIFY"
PAUSES: dict[Role, tuple[float, float]] = {"client": (0.004, 0.3), "server": (0.008, 1000.0)}
"""The longest pause before a send of an amplified program (s; the shortest is half of it), and the share of time that
all its threads together may pause. A client's answers are timed: of the 0.1 s that one may take, that leaves 0.04 s at the least. A server has
nothing to do that is due so soon."""
FILES, BYTES = 16, 256 * 1024  # what one program may fill: so many processes, so much each
FOLDERS = 32  # of programs, whose notes have room in a run
ROOM = 4 * FILES * BYTES
MOST = 20_000  # calls that are kept of a run
LONGEST = 300  # characters of a name
IN_MEMORY = "/dev/shm"  # where there is one, so that no disk is ever waited for
PREFIX = "wirelab-notes-"
SEEN_INJECTED, SEEN_NOTES = "/run/injected", "/run/notes"  # from inside a sandbox

Among = Literal["ours", "sandboxed", "users"]
"""Whose the programs are. In a sandbox they can fill no more than they should with notes, not even on purpose; as users of
their own, they can reach what is ours only where it is opened to them."""
_Call = Literal["connect", "accept", "send", "recv", "shutdown", "close"]
_CALLS: dict[str, _Call] = {name: name for name in get_args(_Call)}
_FIELDS = (r"(\d{1,19})", "([^\t]*)", f"({'|'.join(_CALLS)})", *[r"(\d{1,5})"] * 2, r"(\d{1,12})", *[r"(\d{0,10})"] * 2)
_LINE = re.compile("\t".join((*_FIELDS, r"(\d{1,7})", "([^\t]*)", "([^\t]+)")), re.ASCII)
GREATEST_PORT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Program:
    """One observed program: where it notes its calls, the folder it runs in, and when it was started (ns)."""

    actor: str
    notes: str
    folder: str
    started: int


class Inside(NamedTuple):
    """An environment, and folders that a program in a sandbox must be able to read or write, with where it sees them."""

    environment: dict[str, str]
    readable: dict[str, str]
    writable: dict[str, str]


class Observer:
    """The observed programs of one run. Nothing here raises: where something cannot be had, evidence lacks it.

    With a ``seed`` their races are amplified; without ``notes``, that is all.
    """

    def __init__(self, *, notes: bool = True, seed: int | None = None, among: Among = "ours") -> None:
        self._noting, self._seed, self._among = notes, seed, among
        self._home: tuple[str, int] | None = None  # a folder, and a descriptor that holds its lock
        self._programs: list[Program] = []

    def environment(self, actor: str, role: Role, folder: str, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment in which a program in ``folder`` is observed if it is one of Python; else it has two or
        three variables more than it needs. ``environment`` is not changed."""
        injected, wanted = str(INJECTED), {}
        if os.pathsep in injected:
            return dict(environment)  # PYTHONPATH cannot say it
        if self._seed is not None:  # each program gets moments of its own, the same in every run with this seed
            seed = random.Random(f"{self._seed} {actor}").getrandbits(64)
            longest, share = PAUSES[role]
            wanted[AMPLIFY] = f"{seed} {longest} {share}"
        notes = self._notes(actor, folder) if self._noting else None
        if notes is not None:
            wanted[VARIABLE] = notes
        if not wanted:
            return dict(environment)
        path = os.pathsep.join(filter(None, (injected, environment.get("PYTHONPATH"))))
        return {**environment, "PYTHONPATH": path, **wanted}

    def inside(self, environment: Mapping[str, str]) -> Inside:
        """What a sandbox has to show of this, and the environment with the places where it is seen there."""
        readable, writable, changed = {}, {}, dict(environment)
        if AMPLIFY in environment or VARIABLE in environment:
            readable[str(INJECTED)] = SEEN_INJECTED
            changed["PYTHONPATH"] = environment["PYTHONPATH"].replace(str(INJECTED), SEEN_INJECTED, 1)
        if VARIABLE in environment:
            writable[environment[VARIABLE]] = changed[VARIABLE] = SEEN_NOTES
            self._programs[-1] = replace(self._programs[-1], folder=HOME)
        return Inside(changed, readable, writable)

    def handed(self, environment: Mapping[str, str], user: int, folder: str) -> dict[str, str]:
        """The environment for a program that runs in ``folder`` as another user, who can then read and write what it
        needs of this."""
        changed = dict(environment)
        with contextlib.suppress(OSError):
            if AMPLIFY in environment or VARIABLE in environment:
                home = self._home = self._home or self._new_home()
                injected = os.path.join(home[0], INJECTED.name)
                if not os.path.isdir(injected):
                    os.chmod(home[0], 0o711)
                    os.mkdir(injected)
                    os.chmod(injected, 0o755)
                    for file in INJECTED.glob("*.py"):
                        os.chmod(shutil.copyfile(file, os.path.join(injected, file.name)), 0o644)
                changed["PYTHONPATH"] = environment["PYTHONPATH"].replace(str(INJECTED), injected, 1)
        if VARIABLE in environment:
            os.chown(environment[VARIABLE], user, user)
            self._programs[-1] = replace(self._programs[-1], folder=folder)
        return changed

    def _new_home(self) -> tuple[str, int]:
        bits = 0o7 if self._among == "users" else 0  # what others must be allowed there
        here = os.access(IN_MEMORY, os.R_OK | os.W_OK | os.X_OK) and os.stat(IN_MEMORY).st_mode & bits == bits
        parent = IN_MEMORY if here else tempfile.gettempdir()
        _sweep(parent)
        return _claim(parent)

    def _notes(self, actor: str, folder: str) -> str | None:
        """A folder in which a program may note its calls; None when there can be none."""
        try:
            if self._home is None:
                self._home = self._new_home()
                if self._among == "sandboxed":
                    namespace.cover(self._home[0], ROOM, FOLDERS * (FILES + 1))
            notes = os.path.join(self._home[0], str(len(self._programs)))
            os.mkdir(notes, 0o700)
        except OSError:
            return None
        self._programs.append(Program(actor, notes, folder, now_ns()))
        return notes

    def read(self) -> list[Called]:
        """What all programs noted until now, in order of time; at most MOST, the earliest of each program first."""
        found = (called for program in self._programs for called in _calls(program, now_ns()))
        return sorted(islice(found, MOST), key=lambda called: called.time)

    def end(self) -> None:
        """Remove what was written. Safe to call twice."""
        if self._home is not None:
            folder, lock = self._home
            self._home = None
            if self._among == "sandboxed":
                with contextlib.suppress(OSError):
                    linux.unmount(folder)
            remove(folder)
            with contextlib.suppress(OSError):
                os.unlink(folder)  # a program may have put something else in its place
            os.close(lock)


def _claim(parent: str) -> tuple[str, int]:
    """A new folder, locked for as long as this process lives. Raises OSError."""
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.fstat(lock).st_nlink:
        return folder, lock
    os.close(lock)  # another run took it for left over in the moment before
    return _claim(parent)


def _sweep(parent: str) -> None:
    """Remove what runs left behind that were killed: nobody holds the lock any more. Memory is not for ever."""
    for name in os.listdir(parent):
        if not name.startswith(PREFIX):
            continue
        folder = os.path.join(parent, name)
        with contextlib.suppress(OSError):
            found = os.lstat(folder)
            if not stat.S_ISDIR(found.st_mode):  # what a program put in the place of ours
                if found.st_uid == os.geteuid():
                    os.unlink(folder)
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove(folder)
            finally:
                os.close(lock)


def _calls(program: Program, until: int) -> Iterator[Called]:
    try:
        folder = os.open(program.notes, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        for number in range(FILES):
            for line in _notes(folder, str(number)).split(b"\n"):
                called = parse(line, program)
                if called is not None and program.started <= called.time <= until:
                    yield called
    finally:
        os.close(folder)


def _notes(folder: int, name: str) -> bytes:
    """The whole lines of one file; none when it is not a plain file, which the program could have put there instead."""
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return b""
    try:
        data = os.pread(file, BYTES, 0) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    finally:
        os.close(file)
    return data[: data.find(b"\0") if b"\0" in data else None].rpartition(b"\n")[0]


def parse(line: bytes, program: Program) -> Called | None:
    """One line as ``injected/sitecustomize.py`` writes it (its first lines name the fields); None for any other.

    >>> program = Program("alice", "", "/home/me/lab", 0)
    >>> found = parse(b"7\\tMainThread\\tclose\\t40000\\t12001\\t1\\t5\\t\\t9\\tmain\\t/home/me/lab/client.py", program)
    >>> found.call, found.unread, found.linger, found.line
    ('close', 5, None, SourceLine(file='client.py', line=9, function='main'))
    """
    found = _LINE.fullmatch(line.decode("utf-8", "replace"))
    if found is None:
        return None
    time, thread, call, port, peer, count, unread, linger, number, function, file = found.groups()
    if max(int(port), int(peer)) > GREATEST_PORT:
        return None
    return Called(
        time=int(time),
        actor=program.actor,
        thread=_clean(thread),
        call=_CALLS[call],
        port=int(port),
        peer=int(peer),
        line=SourceLine(_shown(file, program.folder), int(number), _clean(function)),
        count=int(count),
        unread=int(unread) if unread else None,
        linger=int(linger) if linger else None,
    )


def _clean(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[-LONGEST:])


def _shown(file: str, folder: str) -> str:
    """A source file as the student knows it: seen from the folder that the program runs in, or from home."""
    if os.path.isabs(file):
        for base in (folder, os.path.realpath(folder)):
            if file.startswith(base.rstrip("/") + "/"):
                return _clean(os.path.relpath(file, base))
        home = os.path.expanduser("~").rstrip("/")
        return _clean("~" + file.removeprefix(home) if home and file.startswith(home + "/") else file)
    return _clean(os.path.normpath(file))
