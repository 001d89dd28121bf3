"""Play one scenario: the straight line from a scenario to evidence.

A process of its own is forked for each run; it enters the stage's namespaces, plays the script and hands
the evidence back through a pipe. When it dies, or when this process does, the kernel ends everything in it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import signal
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

from wirelab import __version__
from wirelab.base.clock import Deadline
from wirelab.base.errors import HarnessBug, WirelabError
from wirelab.base.texts import Text, register
from wirelab.declare.scenario import Scenario
from wirelab.observe.evidence import Evidence
from wirelab.observe.messages import Profile
from wirelab.stage.recorder import Listener
from wirelab.stage.script import Casting, play_script
from wirelab.stage.stage import Stage

CLEANUP_SECONDS = 15.0

register(
    {
        "play.bug": Text(
            "wirelab itself failed; please report this:\n{trace}", "wirelab 自身出错,请报告以下内容:\n{trace}"
        ),
        "play.gone": Text(
            "the process that played the scenario ended without a result ({how}); nothing can be said about this run",
            "执行场景的进程没有给出结果就结束了({how});无法对这次运行作出判断",
        ),
    }
)


def play(
    scenario: Scenario, profile: Profile, castings: Mapping[str, Casting], listener: Listener | None = None
) -> Evidence:
    """Play a scenario and return all that was seen. ``listener`` is told of everything as it happens.

    Raises UsageError, EnvironmentFault (what the machine refuses, with the remedy), HarnessBug; and
    KeyboardInterrupt after everything that was started has ended.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    parent = os.getpid()
    player = os.fork()
    if player == 0:
        os.close(reader)
        _be_player(writer, parent, scenario, profile, castings, listener)
    os.close(writer)
    try:
        with open(reader, "rb") as results:
            data = results.read()
    except BaseException:
        _end(player)
        raise
    _, status = os.waitpid(player, 0)
    return _result(data, status)


def _result(data: bytes, status: int) -> Evidence:
    code = os.waitstatus_to_exitcode(status)
    if not data:
        how = signal.Signals(-code).name if code < 0 else f"status {code}"
        raise HarnessBug("play.gone", how=how)
    result = pickle.loads(data)  # noqa: S301 - written by our own child, from our own values
    if isinstance(result, Evidence):
        return result
    kind, key, values = result
    if kind is KeyboardInterrupt:
        raise KeyboardInterrupt
    raise kind(key, **values)


def _end(player: int) -> None:
    """Ask the player to clean up, wait for it, and insist when it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(player, signal.SIGINT)
    deadline = Deadline.after(CLEANUP_SECONDS)
    descriptor = os.pidfd_open(player)
    try:
        import select  # noqa: PLC0415 - only on this path

        select.select([descriptor], [], [], deadline.left())
    finally:
        os.close(descriptor)
    with contextlib.suppress(ProcessLookupError):
        os.kill(player, signal.SIGKILL)
    os.waitpid(player, 0)


def _be_player(
    writer: int,
    parent: int,
    scenario: Scenario,
    profile: Profile,
    castings: Mapping[str, Casting],
    listener: Listener | None,
) -> NoReturn:
    """The forked process: play, hand the evidence (or the error) to the parent, end."""
    result: object
    try:
        with Stage(profile, scenario.port, parent, listener) as stage:
            play_script(stage, scenario, castings)
            result = stage.finish(machine())
    except KeyboardInterrupt:
        result = (KeyboardInterrupt, "", {})
    except WirelabError as error:
        result = (type(error), error.key, dict(error.values))
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must be told
        result = (HarnessBug, "play.bug", {"trace": traceback.format_exc()})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        with open(writer, "wb") as results:
            pickle.dump(result, results)
    os._exit(0)


def machine() -> dict[str, str]:
    """What kind of machine and versions a run was made with; no names of hosts or users."""
    return {
        "wirelab": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.2f}",
        "tier": "namespace",
    }
