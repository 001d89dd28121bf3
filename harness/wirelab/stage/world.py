"""The world that a run is played in: a private network of its own, or the machine's own loopback where there is none.

Which of the two is settled once for a command (``here``); everything else that differs between them is a method of one
class each, ``Private`` here and ``shared.Shared``. Knows no script and no packets.
"""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, get_args

from wirelab.stage import linux, namespace, processes
from wirelab.stage.observer import Among, Observer
from wirelab.stage.sandbox import Sandbox, Sandboxed, sandbox
from wirelab.stage.tap import Tap

Tier = Literal["namespace", "loopback"]
VARIABLE = "WIRELAB_TIER"
"""The environment variable that says which world to play in, ``namespace`` or ``loopback``, whatever this machine could
give: for tests of the second on a machine that gives the first."""
NEEDED = (linux.CAP_NET_RAW, linux.CAP_SETUID, linux.CAP_SETGID, linux.CAP_KILL)
_MOST_NAMESPACES = "/proc/sys/user/max_user_namespaces"


class World(Protocol):
    """Where a run is played."""

    @property
    def tier(self) -> Tier:
        """What it is called."""

    @property
    def among(self) -> Among:
        """Whose the programs in its sandbox are."""

    @property
    def mss(self) -> int | None:
        """The largest segment that peers take, where the interface does not see to it."""

    def held(self, parent_pid: int, wanted: int, *, ours: bool) -> AbstractContextManager[int]:
        """Have the network for one run, played by a process that ends with its parent; gives the server's port, which is
        the one that is wanted where that can be: best when the server is one of ``ours``."""

    def enter(self, parent_pid: int, box: Sandbox | None) -> Callable[[], object]:
        """Put the calling process into it, to play a run whose submissions run in ``box``; what is returned ends it."""

    def tap(self, port: int) -> Tap:
        """A tap on its loopback, for what concerns the run."""

    def jobs(self, wanted: int) -> int:
        """How many runs can go side by side, of so many that are wanted."""

    def require_faults(self) -> None:
        """Raise ``loopback.Unplayable`` where segments cannot be lost."""

    def sandbox(self, hidden: Sequence[str]) -> Sandbox:
        """What to run programs in that nobody has vetted; ``hidden`` are folders that they may not see. Raises
        EnvironmentFault, with the remedy, where there is none."""

    def wrapped(
        self, box: Sandbox, observer: Observer, command: Sequence[str], folder: str, environment: Mapping[str, str]
    ) -> tuple[Sandboxed, int | None]:
        """How an observed program is started in such a sandbox, and the user that it alone is, if it is one."""


class Private:
    """A network of the run's own, where every port is free and nothing else is to be seen."""

    tier: Tier = "namespace"
    among: Among = "sandboxed"
    mss: int | None = None

    def held(self, parent_pid: int, wanted: int, *, ours: bool) -> AbstractContextManager[int]:
        return nullcontext(wanted)

    def enter(self, parent_pid: int, box: Sandbox | None) -> Callable[[], object]:
        namespace.enter(parent_pid)
        namespace.seal()
        # A sandbox is a PID namespace of its own, and bubblewrap does not work below one that /proc does not show.
        if box is None:
            return namespace.contain().end
        namespace.keep_to_itself()
        return lambda: None

    def tap(self, port: int) -> Tap:
        return Tap()

    def jobs(self, wanted: int) -> int:
        return wanted

    def require_faults(self) -> None:
        return

    def sandbox(self, hidden: Sequence[str]) -> Sandbox:
        return sandbox(hidden)

    def wrapped(
        self, box: Sandbox, observer: Observer, command: Sequence[str], folder: str, environment: Mapping[str, str]
    ) -> tuple[Sandboxed, int | None]:
        own, readable, writable = observer.inside(environment)
        return box.command(command, folder, own, readable=readable, writable=writable), None


@functools.cache
def here() -> World:
    """The world that this machine gives; the private one, too, where it gives neither, which then says what it lacks.

    An ordinary user has no other. Of root, too, nothing is tried where nothing speaks against namespaces.
    """
    forced = os.environ.get(VARIABLE)
    shared = forced == "loopback" if forced in get_args(Tier) else os.geteuid() == 0 and not _has_private()
    if not shared:
        return Private()
    from wirelab.stage.shared import Shared  # only here: what a private run does not need, it need not wait for

    return Shared()


def _has_private() -> bool:
    """Whether root has a private network, or at least not the machine's own either."""
    own = linux.capabilities()
    allowed = own >> linux.CAP_SYS_ADMIN & 1 and processes.read(_MOST_NAMESPACES).strip() != "0"
    if allowed or not all(own >> one & 1 for one in NEEDED):
        return True
    try:  # root of somebody's own user namespace has these capabilities as well, but not for this network
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except OSError:
        return True
    from wirelab.stage.probes import Probe, examine

    (tried,) = examine([Probe("private-network", "tier-1", _private_network)])
    return tried.outcome == "ok"


def _private_network() -> str:
    namespace.enter(os.getppid())
    return ""
