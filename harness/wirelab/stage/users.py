"""Users of their own, for programs that nobody has vetted where no namespace can be made: the second best sandbox.

A program gets a copy of its files and a user id that nothing else has: without an entry in /etc/passwd, without any
capability now or later, bounded in memory, processes and the size of files. What is closed to others is closed to it, and
all that it starts can be ended at once. The machine's processes, its network and ``/tmp`` it does see. For root only, one
run at a time (``loopback``). Knows no terminal and no scenario. Sources: setpriv(1), credentials(7), kill(2), proc(5).
"""

from __future__ import annotations

import os
import pickle
import pwd
import select
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn, TypeVar

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault, HarnessBug
from wirelab.base.signals import uninterrupted
from wirelab.base.texts import Text, register
from wirelab.stage import linux, loopback, processes
from wirelab.stage.removing import remove
from wirelab.stage.sandbox import MOST_FILES, PLAIN, Limits, Sandbox, Sandboxed, sanitized_by

FIRST, COUNT = 59_000, 64
BLOCK = range(FIRST, FIRST + COUNT)
"""The user ids: the last that Debian would give to people (adduser.conf(5)), which no machine comes to; those that one
has all the same, by /etc/passwd, are left alone. Containers map them, user_namespaces(7)."""
KEEPER = FIRST + COUNT  # under which nothing is ever started: a process of it may look and kill, and not be killed
PREFIX = "wirelab-home-"
LEFT_IN = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")  # where anybody may write
END_SECONDS, LOOK_SECONDS = 10.0, 5.0
_SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
# As root: the files, and the terminal, become the user's. Then all that is root's goes, for good.
_HAND_OVER = 'cp -R "$2/." "$3" 2>/dev/null; chown -R "$1:$1" "$3"; [ ! -t 0 ] || chown "$1" /dev/fd/0; umask 022; shift 3; exec "$@"'
_BECOME = (
    "setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs --inh-caps=-all --ambient-caps=-all "
    "--bounding-set=-all prlimit --core=0 --nofile=1024 --nproc={processes} --data={memory} --fsize={disk} "
    "env --default-signal"
)

_T = TypeVar("_T")

register(
    {
        "users.none": Text(
            "All user ids from {first} to {last} are taken on this machine (/etc/passwd), and programs are run under them.",
            "本机上 {first} 到 {last} 的用户号都已被占用（/etc/passwd），而程序要在这些用户号下运行。",
        ),
        "users.refused": Text(
            "This machine gives neither namespaces nor, to programs, users of their own; it says:\n{said}\n"
            "`wirelab doctor` tells what is missing. Inside a machine made for grading, --no-sandbox does without.",
            "本机既不允许命名空间，也无法让程序以独立的用户身份运行；它的输出是：\n{said}\n"
            "`wirelab doctor` 会说明缺少什么。在专门用于评分的机器里，可以用 --no-sandbox。",
        ),
        "users.open": Text(
            "What is open to every user of this machine would be open to the programs of a class. Close it:\n"
            "    chmod go-rwx {folders}",
            "对本机每个用户都开放的内容，学生的程序也能看到。请关闭：\n    chmod go-rwx {folders}",
        ),
        "users.undead": Text(
            "internal: what a program has started is still not gone {seconds:g} s after it was killed",
            "内部错误：程序启动的进程在被杀死 {seconds:g} 秒后仍未消失",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Home:
    """Where one program lives: its user, and the folder that is a copy of its files."""

    user: int
    folder: str


@dataclass(frozen=True, slots=True)
class Handed(Sandboxed):
    """How a program is started as a user of its own, without any process above it."""

    home: Home


@dataclass(frozen=True, slots=True)
class Building(Handed):
    """How a build is started. ``keep`` what it made before the context ends: then all that is left of it goes."""

    source: str
    disk: int
    held: ExitStack

    def __enter__(self) -> Building:
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    def keep(self) -> bool:
        """End what still runs, and put what was built in the place of what it was built from; False, and nothing is
        changed, when that is too many files or bytes."""
        end([self.home.user])
        if not _fits(self.home, self.disk):
            return False
        for entry in os.scandir(self.source):
            _remove(entry)
        copy = ["cp", "-R", f"{self.home.folder}/.", self.source]
        return not subprocess.run(copy, capture_output=True, check=False).returncode


@dataclass(frozen=True, slots=True)
class Users(Sandbox):
    """What all programs of a submission find. ``hidden`` are folders that are closed to them."""

    homes: list[Home] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where programs are looked for: where we do, as far as others may."""
        ours = (one for one in os.environ.get("PATH", "").split(":") if os.path.isabs(one) and open_to_all(one))
        return ":".join(dict.fromkeys((*ours, *_SYSTEM_PATH)))

    def home(self, among: Sequence[int] = BLOCK) -> Home:
        """The first of these users that has nothing yet, and an empty folder. Raises EnvironmentFault when there is none."""
        taken = {one.user for one in self.homes}
        user = next((one for one in among if one not in taken and not _known(one)), None)
        if user is None:
            raise EnvironmentFault("users.none", first=BLOCK[0], last=BLOCK[-1])
        folder = tempfile.mkdtemp(prefix=PREFIX)
        os.chown(folder, user, user)
        self.homes.append(Home(user, folder))
        return self.homes[-1]

    def command(
        self,
        argv: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        *,
        readable: Mapping[str, str] = MappingProxyType({}),
        writable: Mapping[str, str] = MappingProxyType({}),
    ) -> Handed:
        """Start ``argv`` in a copy of ``folder``, as a new user; nothing is shown under another name here."""
        return self.handed(argv, folder, environment, self.home())

    def handed(self, argv: Sequence[str], folder: str, environment: Mapping[str, str], home: Home) -> Handed:
        """Start ``argv`` in a copy of ``folder``, in a home and as its user."""
        return Handed(self._words(argv, folder, environment, home), (), home)

    def building(self, command: str, folder: str) -> Building:
        """Run a shell's command line in a copy of ``folder``, while nothing else is played."""
        with ExitStack() as held:
            held.enter_context(loopback.held())
            held.callback(self.end)
            clear()
            home = self.home()
            caches = {"XDG_CACHE_HOME": "/tmp/cache", "GOCACHE": "/tmp/cache/go", "GOTOOLCHAIN": "local"}
            words = self._words(("/bin/sh", "-c", command), folder, PLAIN | caches, home)
            return Building(words, (), home, folder, self.limits.disk, held.pop_all())

    def _words(self, argv: Sequence[str], folder: str, environment: Mapping[str, str], home: Home) -> tuple[str, ...]:
        memory = "unlimited" if "/" in argv[0] and sanitized_by(os.path.join(folder, argv[0])) else self.limits.memory
        limits = {"processes": self.limits.processes, "memory": memory, "disk": self.limits.disk}
        own = {"HOME": home.folder, "PWD": home.folder, "USER": "student", "LOGNAME": "student", "TMPDIR": "/tmp"}
        variables = {**environment, **own, "PATH": self.path}
        become = _BECOME.format(user=home.user, **limits).split()
        inside = ("-i", f"--chdir={home.folder}", *(f"{name}={value}" for name, value in variables.items()))
        return (self.program, "-c", _HAND_OVER, "sh", str(home.user), folder, home.folder, *become, *inside, *argv)

    def end(self) -> None:
        """End all that runs under the users that were given out, and remove what they have left. Safe to call twice."""
        end([home.user for home in self.homes])
        for home in self.homes:
            remove(home.folder)
        _sweep({home.user for home in self.homes})
        self.homes.clear()


def users(hidden: Sequence[str], limits: Limits | None = None) -> Users:
    """The sandbox of a machine without namespaces. From now on, what this process makes is closed to others.

    Raises EnvironmentFault when hidden folders are open to others."""
    if found := [folder for folder in hidden if os.path.exists(folder) and open_to_all(folder)]:
        outer = [one for one in found if not any(one.startswith(f"{other}/") for other in found)]
        raise EnvironmentFault("users.open", folders=shlex.join(sorted(set(outer))))
    os.umask(0o077)
    return Users("/bin/sh", tuple(hidden), (), limits or Limits())


def open_to_all(folder: str | Path) -> bool:
    """Whether a user with no rights of its own can use a folder: list it, or reach what is in it by its name."""
    path = Path(folder).resolve()
    with suppress(OSError):
        return bool(path.stat().st_mode & 0o005) and all(one.stat().st_mode & 0o001 for one in path.parents)
    return False


def _known(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _fits(home: Home, most: int) -> bool:
    """Whether a build left no more files and bytes than it may, and all of them its own: not a second name of a file that
    we may read and it may not, link(2)."""
    count = taken = 0
    try:
        for at, folders, names in os.walk(home.folder, onerror=_raised):
            found = [os.lstat(os.path.join(at, name)) for name in folders + names]
            count += len(found)
            taken += sum(one.st_size for one in found)
            if count > MOST_FILES or taken > most or any(one.st_uid != home.user for one in found):
                return False
    except (OSError, RecursionError):  # paths longer, or folders deeper, than anybody needs
        return False
    return True


def _raised(error: OSError) -> NoReturn:
    raise error


# --- what runs under the users


def clear() -> None:
    """End and remove what a run has left that was killed before its end: nobody else's, as one is played at a time."""
    ours = {user for user in BLOCK if not _known(user)}
    if left := living(ours):
        end(left)
    _sweep(ours)


def living(wanted: Iterable[int]) -> set[int]:
    """Those of the users that have living processes, by any of their ids."""
    users = set(wanted)
    return {user for ids in _processes_of(users).values() for user in ids} & users


def _processes_of(users: set[int]) -> dict[int, set[int]]:
    """The living processes of these users, with the users that each one is."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            lines = processes.read(f"/proc/{name}/status").split("\n")
            fields = {line.partition(":")[0]: line.split()[1:] for line in lines}
            if fields.get("State", ["Z"])[0] not in ("Z", "X"):
                ids = {int(one) for one in fields["Uid"]}
                if ids & users:
                    found[int(name)] = ids
    return found


def end(wanted: Iterable[int]) -> None:
    """Kill all that runs under these users, however fast it multiplies, and wait until it is gone. Raises HarnessBug
    when that takes too long."""
    left, deadline = set(wanted), Deadline.after(END_SECONDS)
    while left:
        for user in left:
            try:
                _be(user, lambda user=user: _kill_own(user))  # type: ignore[misc]
            except OSError:  # no process is to be had: those that took them all go first, one by one
                _kill_each(user)
        left = living(left)
        if left and deadline.passed:
            raise HarnessBug("users.undead", seconds=END_SECONDS)


def _kill_each(user: int) -> None:
    for pid in _processes_of({user}):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _kill_own(user: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # all that we may kill but ourselves, in one go: kill(2)
    linux.remove_ipc(user)


def seen_as(user: int, look: Callable[[], _T]) -> _T | None:
    """What ``look`` returns in a process that may see a user's own (proc(5), ptrace(2)); None when it could not."""
    data = _be(user, look)
    return pickle.loads(data) if data else None


def _be(user: int, do: Callable[[], object]) -> bytes:
    """Do something in a forked process with a user's rights, which that user's processes can neither kill nor look
    into; its result, pickled, and nothing when it failed or took too long."""
    reading, writing = os.pipe()
    with uninterrupted():  # or the child might come out of here as us
        try:
            child = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if child == 0:
            _be_child(user, do, writing)
    os.close(writing)
    data, deadline = b"", Deadline.after(LOOK_SECONDS)
    try:
        while select.select([reading], [], [], deadline.left())[0]:
            piece = os.read(reading, 65536)
            data += piece
            if not piece:
                return data
        return b""
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _be_child(user: int, do: Callable[[], object], writing: int) -> NoReturn:
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(KEEPER, user, KEEPER)  # effective: theirs are ours; real and saved: we are not theirs
        data = pickle.dumps(do())
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        remove(entry.path)
    else:
        with suppress(OSError):
            os.unlink(entry.path)


def _sweep(owners: set[int]) -> None:
    """Remove what these users have left where anybody may write."""
    for folder in (*LEFT_IN, tempfile.gettempdir()):
        _sweep_folder(folder, owners)


def _sweep_folder(folder: str, owners: set[int]) -> None:
    entries: list[os.DirEntry[str]] = []
    with suppress(OSError):
        entries = list(os.scandir(folder))
    for entry in entries:
        with suppress(OSError):  # it may go in this moment
            found = entry.stat(follow_symlinks=False)
            if found.st_uid in owners:
                _remove(entry)
            elif entry.is_dir(follow_symlinks=False) and found.st_mode & 0o002:
                _sweep_folder(entry.path, owners)
