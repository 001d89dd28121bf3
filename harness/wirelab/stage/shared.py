"""The machine's own loopback as the world of a run, where no private network can be made: one run at a time, by root.

Submissions that nobody has vetted run as users of their own (``users``); nothing can be lost on the wire. Knows no script
and no packets.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

from wirelab.base.clock import Deadline
from wirelab.base.errors import HarnessBug
from wirelab.stage import linux, loopback, namespace, processes, users
from wirelab.stage.observer import Among, Observer
from wirelab.stage.sandbox import Sandbox, Sandboxed
from wirelab.stage.tap import Tap
from wirelab.stage.users import Users

END_SECONDS = 10.0


class Shared:
    """The machine's own loopback, for one run at a time."""

    tier: Literal["loopback"] = "loopback"
    among: Among = "users"
    mss: int | None = (
        namespace.ETHERNET_MTU - 40
    )  # or megabytes would fit into a program's send buffer: tcp_sndbuf_expand()

    @contextmanager
    def held(self, parent_pid: int, wanted: int, *, ours: bool) -> Iterator[int]:
        namespace.die_with(parent_pid)
        with loopback.held() as held:
            yield held.port(wanted if ours else None)

    def enter(self, parent_pid: int, box: Sandbox | None) -> Callable[[], object]:
        namespace.keep_to_itself()
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)  # who forks away from a program becomes our child
        users.clear()
        return functools.partial(_end, box)

    def tap(self, port: int) -> Tap:
        return Tap(port=port, whole=True)

    def jobs(self, wanted: int) -> int:
        return 1

    def require_faults(self) -> None:
        raise loopback.Unplayable("loopback.no-faults")

    def sandbox(self, hidden: Sequence[str]) -> Sandbox:
        return users.users(hidden)

    def wrapped(
        self, box: Sandbox, observer: Observer, command: Sequence[str], folder: str, environment: Mapping[str, str]
    ) -> tuple[Sandboxed, int | None]:
        assert isinstance(box, Users)
        home = box.home()
        own = observer.handed(environment, home.user, home.folder)
        return box.handed(command, folder, own, home), home.user


def _end(box: Sandbox | None) -> None:
    """End what is left of the programs: by their users, and what was started as we are, by who started it."""
    if isinstance(box, Users):
        box.end()
    deadline = Deadline.after(END_SECONDS)
    while members := processes.tree(os.getpid())[1:]:
        for member in members:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if deadline.passed:
            raise HarnessBug("users.undead", seconds=END_SECONDS)
