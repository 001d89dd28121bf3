"""Programs on terminals of their own: start, type, read, end. Starting is pexpect's (``spawning``).

Nothing here blocks: the stage's loop says when there is something to read and when a program ended
(``pidfd_open(2)``). Output is read and kept up to a bound; past it the program is left standing at its
full terminal, so that a flood costs the harness nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import pexpect

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.base.signals import uninterrupted
from wirelab.base.texts import Text, register
from wirelab.observe.evidence import Bounded, Ending, Exited, Part, Role, Shown, Started, Typed
from wirelab.observe.terminal import Transcript
from wirelab.stage import linux, processes
from wirelab.stage.recorder import Recorder
from wirelab.stage.sandbox import Sandboxed, exit_status, ran
from wirelab.stage.spawning import Spawned

OUTPUT_LIMIT = 4_000_000  # bytes per terminal; a whole lab prints a few thousand
AT_ONCE = 65_536  # bytes read before anything else has its turn
TERMINAL_BYTES = 1_000_000  # more than the kernel keeps of what was written and not read (640 KiB, drivers/tty)
KEYS_SECONDS = 2.0  # for which a program may leave a full keyboard unread while more is typed
_NOT_A_PROGRAM = (errno.ENOEXEC, errno.ENOENT, errno.EACCES)  # execve(2)
SANDBOX_FAILED = 1  # bubblewrap's own exit status
WINDOW = (40, 120)  # rows, columns
_T = TypeVar("_T")
_KEYS = {
    "ctrl-c": b"\x03",
    "ctrl-d": b"\x04",
    "ctrl-z": b"\x1a",
    "ctrl-\\": b"\x1c",
    "enter": b"\r",
    "tab": b"\t",
    "backspace": b"\x7f",
    "escape": b"\x1b",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
}
_SHOWN_KEYS = {"enter": "⏎", "ctrl-c": "Ctrl-C", "ctrl-d": "Ctrl-D", "ctrl-z": "Ctrl-Z", "ctrl-\\": "Ctrl-\\"}

register(
    {
        "actor.no-program": Text(
            "cannot start '{command}' for {actor}: there is no program '{program}' (looked in {where})",
            "无法为 {actor} 启动 '{command}'：找不到程序 '{program}'（查找位置：{where}）",
        ),
        "actor.not-executable": Text(
            "cannot start '{command}' for {actor}: {program} may not be executed; allow it with: chmod +x {program}",
            "无法为 {actor} 启动 '{command}'：{program} 没有执行权限；请运行：chmod +x {program}",
        ),
        "actor.no-interpreter": Text(
            "cannot start '{command}' for {actor}: {program} is neither a compiled program nor a script whose first "
            "line (#!) names one that is there",
            "无法为 {actor} 启动 '{command}'：{program} 既不是编译好的程序，也不是首行（#!）指明了可用解释器的脚本",
        ),
        "actor.closed-folder": Text(
            "cannot start '{command}' for {actor}: the folder {folder} belongs to another user and is closed to "
            "others. Inside the private network root may only read its own files (user_namespaces(7)). Run wirelab as "
            "the user whom the folder belongs to, or make it root's:\n    sudo chown -R root {folder}",
            "无法为 {actor} 启动 '{command}'：文件夹 {folder} 属于另一个用户，并且不对其他用户开放。"
            "在私有网络里，root 也只能读自己的文件（user_namespaces(7)）。请以该文件夹所属的用户运行 wirelab，"
            "或把它改为 root 所有：\n    sudo chown -R root {folder}",
        ),
        "actor.not-started": Text(
            "cannot start '{command}' for {actor}: {why}", "无法为 {actor} 启动 '{command}'：{why}"
        ),
    }
)


class Program:
    """One program on a pseudo-terminal, as the student would run it in a window."""

    def __init__(self, name: str, role: Role, part: Part, recorder: Recorder) -> None:
        self.name = name
        self.role = role
        self.part = part
        self.transcript = Transcript()
        self.pid = 0
        self.exited: Exited | None = None
        self.flooded = False
        self.terminal_open = False
        self._in_sandbox = False
        self.user: int | None = None  # whom all its processes belong to, if to nobody else
        self.left = False  # whether no process has the terminal open, for now: it is looked at again and again
        self.port: int | None = None  # local port of its connection, when it is a client
        self._recorder = recorder
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0
        self._pidfd = -1
        self._said = -1  # by a sandbox, whether it has started the program
        self._ended_by: Literal["itself", "script", "harness"] = "itself"
        self._child: Any  # a Spawned; pexpect's stubs lack ptyproc

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: str,
        sandboxed: Sandboxed | None = None,
        *,
        user: int | None = None,
    ) -> None:
        """Run ``command`` in ``folder``, or as ``sandboxed`` says with a copy of it, there perhaps as a ``user`` of its own.
        Raises UsageError when there is no such program, EnvironmentFault when the machine refuses."""
        shown = " ".join(command)
        if os.geteuid() == 0 and (closed := _closed(folder)):
            raise EnvironmentFault("actor.closed-folder", command=shown, actor=self.name, folder=closed)
        path = environment.get("PATH", os.defpath)
        found = sandboxed.argv[0] if sandboxed else resolve(command[0], folder, path)
        if found is None:
            where = folder if "/" in command[0] else environment.get("PATH", os.defpath)
            file = os.path.join(folder, command[0])
            if "/" in command[0] and os.path.isfile(file):
                raise UsageError("actor.not-executable", command=shown, actor=self.name, program=command[0])
            raise UsageError("actor.no-program", command=shown, actor=self.name, program=command[0], where=where)

        try:
            with uninterrupted():  # or a program would run that nobody knows of
                self._child = Spawned(
                    found,
                    command[1:],
                    folder,
                    dict(environment),
                    sandboxed=sandboxed,
                    timeout=None,
                    maxread=65536,
                    dimensions=WINDOW,
                )
                self.pid = self._child.pid
                self._pidfd = os.pidfd_open(self.pid)
        except (OSError, pexpect.ExceptionPexpect) as error:
            refused = getattr(error, "errno", None) in _NOT_A_PROGRAM and getattr(error, "filename", None) == found
            refused = refused and sandboxed is None  # else it is bubblewrap that was refused, by the machine
            if refused:  # the file is there, so it is its first line
                raise UsageError("actor.no-interpreter", command=shown, actor=self.name, program=command[0]) from None
            why = getattr(error, "strerror", None) or str(error)
            raise EnvironmentFault("actor.not-started", command=shown, actor=self.name, why=why) from None
        self._child.delaybeforesend = None
        self._child.delayafterclose = self._child.ptyproc.delayafterclose = 0
        self._child.delayafterterminate = self._child.ptyproc.delayafterterminate = 0
        self.terminal_open, self.user = True, user
        self._in_sandbox = sandboxed is not None and user is None
        if sandboxed is not None and sandboxed.said is not None:
            self._said = os.dup(sandboxed.said)
        self._recorder.add(Started(now_ns(), self.name, self.role, self.part, tuple(command), self.pid))

    @property
    def inner(self) -> int:
        """The pid of the program itself, which a sandbox starts below two processes of its own; else ``pid``."""
        found = self.pid
        for _ in range(2 if self._in_sandbox else 0):
            found = next(processes.children(found), found)
        return found

    def has(self, user: int, inode: int) -> bool:
        """Whether it has the socket with this inode open, which this user made."""
        return processes.owns(self.pid, inode) if self.user is None else user == self.user

    def seen(self, look: Callable[[int, int | None], _T]) -> _T | None:
        """What ``look`` sees of a program's processes, given its pid, and the user whose sockets alone are its own; None
        when this machine does not let us see anything."""
        pid, user = self.inner, self.user
        if user is None:
            return look(pid, None)
        from wirelab.stage.users import seen_as

        return seen_as(user, lambda: look(pid, user))

    # --- what the loop waits for

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors whose readability means that ``service`` has something to do."""
        wanted = []
        if self.terminal_open and not self.flooded and not self.left:
            wanted.append(self._child.fileno())
        if self._pidfd >= 0:
            wanted.append(self._pidfd)
        return tuple(wanted)

    def service(self) -> None:
        """Take in some output, all of it when the program has ended, and notice the end; never blocks."""
        ended = self._pidfd >= 0 and bool(select.select([self._pidfd], [], [], 0)[0])
        if ended:
            self.drain()
            self._note_end()
        else:
            self._read_output(AT_ONCE)

    def drain(self) -> None:
        """Take in all that was written up to now; never blocks."""
        self._read_output(TERMINAL_BYTES)

    def _read_output(self, most: int) -> None:
        """Read until there is nothing more, or ``most`` bytes: who writes without end must not keep the loop."""
        end = self._read + most
        while self.terminal_open and not self.flooded and self._read < end:
            if not select.select([self._child.child_fd], [], [], 0)[0]:
                return
            try:
                # pexpect's own read_nonblocking asks waitpid(2) several times a call, and may reap the child
                data = os.read(self._child.child_fd, 65536)
            except OSError:  # EIO: no process has the terminal open; closing our end would send its owner SIGHUP
                self.left = True
                return
            self.left = False
            self._take(data)

    def _take(self, data: bytes) -> None:
        kept = data[: OUTPUT_LIMIT - self._read]
        self._read += len(data)
        if text := self._decoder.decode(kept):
            self._recorder.add(Shown(now_ns(), self.name, text))
            self.transcript.feed(text)
        if self._read >= OUTPUT_LIMIT:
            self.flooded = True
            self._recorder.add(Bounded(now_ns(), self.name, OUTPUT_LIMIT, "bytes"))

    def _note_end(self) -> None:
        if self.exited is not None:
            return
        os.close(self._pidfd)
        self._pidfd = -1
        self.exited = Exited(now_ns(), self.name, self._reap(), self._ended_by)
        self._recorder.add(self.exited)
        self._end_user()  # as a sandbox ends with its first process
        self._check_sandbox()

    def _check_sandbox(self) -> None:
        """Raise EnvironmentFault when the program never ran, because the machine did not let its sandbox be made."""
        if self._said >= 0:
            started = ran(self._said)
            os.close(self._said)
            self._said = -1
            if not started and self.exited and self.exited.by == "itself" and self.exited.status == SANDBOX_FAILED:
                raise EnvironmentFault("sandbox.refused", said=self.transcript.text.strip() or "-")

    def _reap(self) -> int | None:
        """The exit status, or minus the signal's number; None when the namespace's end has reaped it already."""
        with contextlib.suppress(ChildProcessError):
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            code = exit_status(code) if self._in_sandbox else code
            self._child.ptyproc.terminated = self._child.terminated = True
            return code
        return None

    # --- what a person does

    def press(self, key: str) -> bool:
        """Press one key; False when the program no longer takes keys."""
        return self._keys(_KEYS[key], _SHOWN_KEYS.get(key, key.title()))

    def type(self, text: str, *, enter: bool) -> bool:
        """Type text, with Enter (a carriage return, which the terminal turns into LF) at every line break in it, and
        at its end if asked."""
        text += "\n" if enter else ""
        return self._keys(text.replace("\n", "\r").encode(), text.replace("\n", "⏎"))

    def _keys(self, data: bytes, shown: str) -> bool:
        if not self.terminal_open or self.left or self.exited is not None:
            return False
        self._recorder.add(Typed(now_ns(), self.name, shown))
        patience = Deadline.after(KEYS_SECONDS)
        while data:
            if not select.select([], [self._child.fileno()], [], 0)[1]:  # the terminal's input queue is full
                if patience.passed:
                    return False  # nobody reads this keyboard
                self.drain()  # what it echoes must not be what keeps it from reading
                select.select([], [self._child.fileno()], [], 0.01)
                continue
            try:
                data = data[self._child.send(data[:512]) :]
            except OSError:
                return False
        with contextlib.suppress(OSError):  # the terminal is gone already, or is its program's alone (TIOCEXCL)
            linux.deliver_keys(self._child.fileno())
        return True

    # --- the end

    def signal(self, name: str) -> bool:
        """Send a signal to the program's process group, as a shell would; False when it is gone."""
        if self.exited is not None:
            return False
        if name in ("KILL", "TERM", "INT", "HUP"):
            self._announce("script", name)
        try:
            os.killpg(self.pid, signal.Signals[f"SIG{name}"])
        except ProcessLookupError:
            return False
        return True

    def hang_up(self) -> None:
        """Close the terminal; the kernel sends SIGHUP to the session."""
        self.drain()
        self._close_terminal()

    def end(self) -> None:
        """Kill whatever still runs and reap it; the pty is closed. Safe to call twice."""
        if self.pid and self.exited is None:
            self.service()
        if self.pid and self.exited is None:
            self._announce("harness", "KILL")
            self._kill()
            self.drain()
            self._note_end()
        self.drain()
        self._close_terminal()

    def _kill(self) -> None:
        # The first process in a sandbox takes all others with it, however fast they multiply.
        first = (self.pid, *processes.children(self.pid)) if self._in_sandbox else processes.tree(self.pid)
        for member in reversed(first):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self._end_user()

    def _end_user(self) -> None:
        if self.user is not None:
            from wirelab.stage.users import end  # where there are none it is not needed, and takes its time

            end([self.user])

    def _announce(self, by: Literal["script", "harness"], name: str) -> None:
        if self._ended_by == "itself" and name == "KILL":
            self._ended_by = by
        self._recorder.add(Ending(now_ns(), self.name, by, f"SIG{name}"))

    def _close_terminal(self) -> None:
        if self.terminal_open:
            self.terminal_open = False
            with contextlib.suppress(OSError):
                self._child.ptyproc.fileobj.close()  # it owns the descriptor; closing only that would close it twice
            self._child.ptyproc.closed = self._child.closed = True
            self._child.ptyproc.fd = self._child.child_fd = -1


def _closed(folder: str) -> str | None:
    """The first folder on the way to this one, or itself, that may not be used; None when it may, or is not there."""
    path = Path(folder).absolute()
    for step in (*reversed(path.parents), path):
        if not os.path.lexists(step):
            return None
        if not os.access(step, os.X_OK if step != path else os.R_OK | os.X_OK):
            return str(step)
    return None


def resolve(program: str, folder: str, path: str) -> str | None:
    """The file that a command's first word means, seen from ``folder``; None when there is none to execute."""
    if "/" in program:
        candidate = os.path.join(folder, program)
        return candidate if os.path.isfile(candidate) and os.access(candidate, os.X_OK) else None
    for entry in path.split(os.pathsep):
        candidate = os.path.join(folder, entry or ".", program)
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    return None
