"""The machine's own loopback, for runs where no private network can be made: one at a time, each on a port of its own.

On a network that is not private, the port of the run before may still be in use or in TIME-WAIT, which is no program's
fault: so none is given out again before all others were. Who holds the loopback, and which port was the last, stands in a
file of root's. Knows no programs and no packets. Sources: flock(2), ip(7), RFC 9293 3.6.1.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register

STATE = "/run/wirelab-loopback"
PORTS = range(20_000, 30_000)
"""Below those that clients are given (ip_local_port_range, 32768 and up) and above those that people choose."""
TIME_WAIT = 90.0  # seconds after which a port that was used is free again (Linux: 60)
PATIENCE = 300.0  # seconds for which the run of another command is waited for
_AGAIN = 0.05
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")

register(
    {
        "loopback.busy": Text(
            "Without private networks only one run can be played at a time, and another command has been playing for "
            "{seconds:g} s.",
            "没有私有网络时同一时间只能进行一次运行，而另一个命令已经运行了 {seconds:g} 秒。",
        ),
        "loopback.no-state": Text(
            "{file} cannot be written ({why}); it says which command is playing.",
            "无法写入 {file}（{why}）；它记录哪个命令正在运行。",
        ),
        "loopback.no-port": Text(
            "There is no free port between {first} and {last}.", "{first} 到 {last} 之间没有空闲端口。"
        ),
        "loopback.no-faults": Text(
            "Segments can be lost, and the wire cut, in a private network only, which this machine does not give.",
            "只有在私有网络里才能丢弃报文段或切断线路，而本机不提供私有网络。",
        ),
    }
)


class Unplayable(EnvironmentFault):
    """This machine cannot play this scenario, and never will; others it can."""


@dataclass(frozen=True, slots=True)
class Held:
    """The loopback, held for one run (or build)."""

    state: int

    def port(self, wanted: int | None = None) -> int:
        """A port that is free, and was not used for as long as can be; or ``wanted``, for a server that minds no
        connections in TIME-WAIT. Raises EnvironmentFault when there is none, and none comes free."""
        if wanted is not None and _free(wanted, again=True):
            return wanted
        deadline = Deadline.after(TIME_WAIT)
        while (port := self._next()) is None:  # somebody may have used them all up
            if deadline.passed:
                raise EnvironmentFault("loopback.no-port", first=PORTS[0], last=PORTS[-1])
            select.select([], [], [], 1.0)
        return port

    def _next(self) -> int | None:
        said = os.pread(self.state, 16, 0)
        last = int(said) if said.isdigit() else PORTS[-1]
        clients = _clients()
        ports = [one for one in PORTS if one not in clients] or list(PORTS)
        for port in (*(one for one in ports if one > last), *(one for one in ports if one <= last)):
            if _free(port):
                os.ftruncate(self.state, 0)
                os.pwrite(self.state, str(port).encode(), 0)
                return port
        return None


@contextmanager
def held(patience: float = PATIENCE) -> Iterator[Held]:
    """Have the machine's loopback alone. Raises EnvironmentFault when others do not let go of it."""
    try:
        state = os.open(STATE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EnvironmentFault("loopback.no-state", file=STATE, why=error.strerror) from error
    try:
        deadline = Deadline.after(patience)
        while not _lock(state):
            if deadline.passed:
                raise EnvironmentFault("loopback.busy", seconds=patience)
            select.select([], [], [], _AGAIN)  # the kernel tells nobody when a lock is given up
        yield Held(state)
    finally:
        os.close(state)


def _lock(state: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(state, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _clients() -> range:
    """The ports that this machine gives to clients."""
    with suppress(OSError, ValueError):
        first, last = map(int, _EPHEMERAL.read_text(encoding="ascii").split())
        return range(first, last + 1)
    return range(0)


def _free(port: int, *, again: bool = False) -> bool:
    """Whether any program could bind this port, also without SO_REUSEADDR (unless ``again``), at any address."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, again)
                tried.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno == errno.EADDRINUSE:
                return False
    return True
