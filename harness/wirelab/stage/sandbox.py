"""A sandbox for programs that nobody has vetted: what bubblewrap is told, and what a program then sees and may use.

A read-only system, an empty home with a copy of its own files, private ``/tmp``, processes of its own; no capability,
no other user's files, nothing of the harness. What could tell of the harness is said to bubblewrap through a descriptor:
its command line and its environment can be read from inside. Knows no terminal and no scenario. Source: bwrap(1).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from glob import glob
from mmap import PROT_READ, mmap
from types import MappingProxyType

from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register
from wirelab.stage.syscall_filter import FILTER

MIB = 1024 * 1024
HOME, FILES = "/home/student", "/submission"
IN_MEMORY = (HOME, "/tmp", "/dev/shm")
"""Where a program can write: each may hold so many bytes, but any number of files."""
HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
"""Signals that are for the program and not for bubblewrap, which waits for it: blocked there, and let through inside."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d/*",
    "/etc/localtime",
)  # copied: cheaper than mounts
_LANGUAGES = ("/etc/alternatives", "/etc/java*", "/etc/.java")  # where their own settings lie outside /usr
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED = 128  # and the signal's number: bubblewrap's way, and the shell's, to say that one killed the program
_DATA = {
    "/etc/passwd": "student:x:{uid}:{gid}::" + HOME + ":/bin/sh\n",
    "/etc/group": "student:x:{gid}:\n",
    "/etc/hosts": "127.0.0.1 localhost lab\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
FEW, SMALL = 64, MIB  # files of a submission, and their bytes, that bubblewrap itself is given to write
# dash and bash alike: more files come from a folder, into a home that ends with the program.
_COPY = f'cp -R {FILES}/. . 2>/dev/null; exec "$0" "$@"'
# Limits that nobody can raise again, and the signals that were kept from bubblewrap.
_LIMIT = "prlimit --core=0 --nofile=1024 --nproc={processes} --data={memory} --fsize={disk} env --default-signal"
# Sanitizers (gcc -fsanitize=address) reserve terabytes that they never use: their memory is bounded by what they do use.
_SANITIZED = re.compile(rb"__[amt]san_init")
_ASIDE = "/run"  # of the machine, over which a build's folders lie while it runs; nothing else sees them
_BUILD = (
    'cp -R own/. copy || exit {too_much}; "$0" "$@"; status=$?; '
    "[ $(find copy | wc -l) -le {files} ] || exit {too_much}; "
    "find own -mindepth 1 -delete && cp -R copy/. own || exit {too_much}; exit $status"
)
MOST_FILES = 10_000  # that a build may leave
TOO_MUCH = 201  # the exit status of a build that left more, or whose files need more space than there is
_ASKED_SECONDS = 20
_TOOLS = ("java", "javac", "node", "go", "rustc", "cc", "c++", "make")
PLAIN = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
_ENVIRONMENT = {"HOME": HOME, "USER": "student", "LOGNAME": "student", "PWD": HOME, "TMPDIR": "/tmp"}

register(
    {
        "sandbox.refused": Text(
            "bubblewrap is installed, but this machine does not let it make a sandbox; it says:\n{said}\n"
            "`wirelab doctor` tells what to change. Inside a machine made for grading, --no-sandbox does without.",
            "已安装 bubblewrap，但本机不允许它建立沙箱；它的输出是：\n{said}\n"
            "`wirelab doctor` 会说明需要改动什么。在专门用于评分的机器里，可以用 --no-sandbox。",
        ),
        "sandbox.missing": Text(
            "bubblewrap is not installed, and without a sandbox the programs of a class could read and change "
            "everything that you can. On Debian and Ubuntu: sudo apt install bubblewrap\n"
            "If you have read every submission, or grade inside a machine made for it, say --no-sandbox.",
            "没有安装 bubblewrap；没有沙箱，学生的程序就能读取和修改你能读写的一切。"
            "在 Debian 或 Ubuntu 上安装：sudo apt install bubblewrap\n"
            "如果你已经读过全部提交，或者在专用的机器里评分，可以用 --no-sandbox。",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one program may use: bytes of memory (of each process, and of all together), processes and threads, bytes
    of files (in all, and of each)."""

    memory: int = 1024 * MIB
    processes: int = 512
    disk: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """How a program is started in a sandbox: bubblewrap's command line, and the descriptors that it needs, under the
    numbers that they have here. ``said`` is one of ours, which tells afterwards whether the program was ever started
    (``ran``). Use as a context manager: all are closed at its end."""

    argv: tuple[str, ...]
    files: tuple[int, ...]
    said: int | None = field(default=None, kw_only=True)

    def __enter__(self) -> Sandboxed:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (*self.files, *(() if self.said is None else (self.said,))):
            os.close(file)


@dataclass(frozen=True)  # without slots: what is worked out once, before anything is forked, stays
class Sandbox:
    """What all programs of a submission find. ``hidden`` are folders that none may see, wherever they lie; ``readable``
    are further ones that they may read (an interpreter's), with a ``bin`` where their programs are."""

    program: str
    hidden: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def path(self) -> str:
        """Where programs are looked for, from inside."""
        return ":".join((*(f"{folder}/bin" for folder in self.readable), "/usr/local/bin", "/usr/bin", "/bin"))

    @cached_property
    def system(self) -> tuple[str, ...]:
        """What bubblewrap is told of all that is the same for every program."""
        options = [
            *"--unshare-user --unshare-pid --unshare-ipc --unshare-uts --disable-userns --cap-drop ALL".split(),
            *"--die-with-parent --hostname lab --clearenv".split(),
        ]
        for path in self._shown:
            if os.path.islink(path) and path in _SYSTEM:
                options += ["--symlink", os.readlink(path), path]
            else:
                options += ["--ro-bind-try", path, path]
        options += ["--proc", "/proc", "--dev", "/dev"]
        for path in ("/tmp", "/dev/shm"):
            options += ["--size", str(self.limits.disk), "--tmpfs", path]
        for path in filter(os.path.islink, _found(_SETTINGS)):
            options += ["--symlink", os.readlink(path), path]
        return tuple(options)

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The files of the system's settings that programs get a copy of."""
        return tuple(path for path in _found(_SETTINGS) if not os.path.islink(path))

    @cached_property
    def _shown(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*_SYSTEM, *_found(_LANGUAGES), *self.readable)))

    @cached_property
    def _covered(self) -> tuple[str, ...]:
        """Those of the hidden folders that would be seen in what is shown, if they are there."""
        return tuple(path for path in self.hidden if any(_inside(path, root) for root in self._shown))

    def finds(self, program: str) -> bool:
        """Whether a program that is no path is there to be started."""
        return shutil.which(program, path=self.path) is not None

    def command(
        self,
        argv: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        *,
        readable: Mapping[str, str] = MappingProxyType({}),
        writable: Mapping[str, str] = MappingProxyType({}),
    ) -> Sandboxed:
        """Start ``argv`` with a copy of ``folder`` as its home, that goes when it ends, on the network of whoever
        starts it. ``readable`` and ``writable`` are further folders, and where they are seen; of the environment, who
        one is, where one's home is, and PATH, are the sandbox's own."""
        home = ["--size", str(self.limits.disk), "--tmpfs", HOME]
        files: list[int] = []
        try:
            home += _written(folder, files)
            start: tuple[str, ...] = ()
        except _TooMuch:
            home += ["--ro-bind", folder, FILES]
            start = ("/bin/sh", "-c", _COPY)
        sanitized = sanitized_by(os.path.join(folder, argv[0])) if "/" in argv[0] else False
        return self._command(start, argv, home, environment, readable, writable, files, sanitized=sanitized)

    def building(self, command: str, folder: str) -> Sandboxed:
        """Run a shell's command line in ``folder``, without any network; fails with TOO_MUCH when it left too much.

        It has a copy, in memory, so that nothing it does can fill a disk, files that have no name any more included;
        when all its processes are gone, what it left is copied back.
        """
        caches = {"XDG_CACHE_HOME": "/tmp/cache", "GOCACHE": "/tmp/cache/go", "GOTOOLCHAIN": "local"}
        home = ["--bind", f"{_ASIDE}/copy", HOME, "--unshare-net"]
        inner = self._command((), ("/bin/sh", "-c", command), home, PLAIN | caches, {}, {}, [])
        around = ["--dev-bind", "/", "/", "--tmpfs", _ASIDE, "--bind", folder, f"{_ASIDE}/own", "--die-with-parent"]
        around += ["--size", str(self.limits.disk), "--tmpfs", f"{_ASIDE}/copy", "--chdir", _ASIDE]
        script = _BUILD.format(files=MOST_FILES, too_much=TOO_MUCH)
        return replace(inner, argv=(self.program, *around, "--", "/bin/sh", "-c", script, *inner.argv))

    def _command(
        self,
        start: tuple[str, ...],
        argv: Sequence[str],
        home: Sequence[str],
        environment: Mapping[str, str],
        readable: Mapping[str, str],
        writable: Mapping[str, str],
        files: list[int],
        *,
        sanitized: bool = False,
    ) -> Sandboxed:
        options = list(self.system)
        for path in filter(os.path.isdir, self._covered):
            options += ["--tmpfs", path, "--remount-ro", path]
        ids = {"uid": os.getuid(), "gid": os.getgid()}
        for path, text in _DATA.items():
            files.append(_memory(text.format(**ids).encode()))
            options += ["--file", str(files[-1]), path]
        for path in self.settings:
            files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            options += ["--file", str(files[-1]), path]
        options += home
        for option, folders in (("--ro-bind", readable), ("--bind", writable)):
            for source, target in folders.items():
                options += [option, source, target]
        # Of /proc, root may write to much without any capability: core_pattern above all, through which the kernel runs
        # programs outside. bubblewrap 0.8 leaves open what lies in a folder of which it says that nobody may write there.
        options += ["--remount-ro", "/dev", "--remount-ro", "/proc", "--remount-ro", "/", "--chdir", HOME]
        for name, value in (dict(environment) | _ENVIRONMENT | {"PATH": self.path}).items():
            options += ["--setenv", name, value]
        if FILTER:
            files.append(_memory(b"".join(struct.pack("=HBBI", *instruction) for instruction in FILTER)))
            options += ["--seccomp", str(files[-1])]
        said, saying = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        files.append(saying)
        options += ["--json-status-fd", str(saying)]
        files.append(_memory(b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in options)))
        memory = "unlimited" if sanitized else self.limits.memory
        limits = {"processes": self.limits.processes, "memory": memory, "disk": self.limits.disk}
        inner = (*start, *_LIMIT.format(**limits).split(), *argv)
        return Sandboxed((self.program, "--args", str(files[-1]), "--", *inner), tuple(files), said=said)


class _TooMuch(Exception):
    """A submission is more than bubblewrap is given to write."""


def _written(folder: str, files: list[int]) -> list[str]:
    """What tells bubblewrap to write the files of a folder into HOME, from descriptors that are added to ``files``: for
    a few small ones a third of what `cp` costs. Raises _TooMuch, with none of them open, where they are not that."""
    options, room = list[str](), SMALL
    try:
        for at, folders, names in os.walk(folder):
            inside = HOME + at[len(folder) :]
            for name in sorted(folders + names):
                path, to = os.path.join(at, name), f"{inside}/{name}"
                found = os.lstat(path)
                room -= found.st_size
                if len(options) > 5 * FEW or room < 0:
                    raise _TooMuch
                mode = f"{stat.S_IMODE(found.st_mode) & 0o777:o}"
                if stat.S_ISLNK(found.st_mode):
                    options += ["--symlink", os.readlink(path), to]
                elif stat.S_ISDIR(found.st_mode):
                    options += ["--perms", "755", "--dir", to]
                elif stat.S_ISREG(found.st_mode):
                    files.append(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
                    options += ["--perms", mode, "--file", str(files[-1]), to]
                else:
                    raise _TooMuch
    except (OSError, _TooMuch):
        while files:
            os.close(files.pop())
        raise _TooMuch from None
    return options


def sanitized_by(program: str) -> bool:
    """Whether a program was built with a sanitizer; False when it is no file that can be read."""
    with suppress(OSError, ValueError):
        file = os.open(program, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            with mmap(file, 0, prot=PROT_READ) as content:
                return _SANITIZED.search(content) is not None
        finally:
            os.close(file)
    return False


def _found(patterns: Sequence[str]) -> list[str]:
    """The paths that there are of these patterns."""
    return [path for pattern in patterns for path in sorted(glob(pattern))]


def _memory(content: bytes) -> int:
    """A file that has no name, to be read from its beginning."""
    file = os.memfd_create("options", os.MFD_CLOEXEC)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


def ran(said: int) -> bool:
    """Whether bubblewrap, which has ended, had started the program: only then it says how that ended, bwrap(1),
    --json-status-fd. Else its exit status is its own, and no fault of the program's."""
    with suppress(BlockingIOError):
        return b'"exit-code"' in os.read(said, 65536)
    return False


def exit_status(status: int) -> int:
    """What bubblewrap's exit status says of the program's: minus the number of the signal that killed it, if one did.

    Of a signal that asks a program to end, programs that catch it say so by that very status: it stays what it is.
    """
    by = status - _SIGNALLED
    return -by if 0 < by <= signal.SIGRTMAX and by not in _ASKING else status


def sandbox(hidden: Sequence[str], limits: Limits | None = None) -> Sandbox:
    """The sandbox that this machine gives. Raises EnvironmentFault, with the remedy, where bubblewrap is missing."""
    program = shutil.which("bwrap")
    if program is None:
        raise EnvironmentFault("sandbox.missing")
    hide = tuple(map(os.path.realpath, hidden))
    return Sandbox(program, hide, tuple(dict.fromkeys(_elsewhere())), limits or Limits())


def _elsewhere() -> Iterator[str]:
    """The folders of languages that are installed outside the system's: our own Python's, and what is on the path."""
    folders = [os.path.realpath(sys.base_prefix)]
    for tool in _TOOLS:
        found = shutil.which(tool)
        if found is not None and tool == "rustc":  # perhaps a proxy, of many versions
            with suppress(OSError, subprocess.SubprocessError):
                words = [found, "--print", "sysroot"]
                asked = subprocess.run(words, capture_output=True, text=True, check=True, timeout=_ASKED_SECONDS)
                folders.append(asked.stdout.strip())
        elif found is not None:
            folders.append(os.path.dirname(os.path.dirname(os.path.realpath(found))))
    # A tool in ~/bin or ~/.local/bin, a file of somebody's own, would show all that lies around it.
    home = os.path.realpath(os.path.expanduser("~"))
    private = (home, os.path.join(home, ".local"))
    open_to_all = (path for path in folders if not any(_inside(one, path) for one in private))
    return (path for path in open_to_all if path != "/" and not any(_inside(path, root) for root in _SYSTEM))


def _inside(path: str, root: str) -> bool:
    return os.path.commonpath([path, root]) == root
