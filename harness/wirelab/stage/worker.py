"""A forked process that does one thing and hands back one value: the process a run is played in.

Forked, not spawned: it starts warm, in milliseconds, and it may enter namespaces because it has one thread.
It dies with its parent (``namespace.enter``). Knows nothing of what it is made to do.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Generic, NoReturn, TypeVar

from wirelab.base.errors import AuthorError, EnvironmentFault, HarnessBug, WirelabError
from wirelab.base.signals import INTERRUPTS, await_input, uninterrupted
from wirelab.base.texts import Text, register

Result = TypeVar("Result")
CLEANUP_SECONDS = 15.0

register(
    {
        "worker.bug": Text(
            "wirelab itself failed; please report this:\n{trace}", "wirelab 自身出错，请报告以下内容：\n{trace}"
        ),
        "worker.no-process": Text(
            "no process could be started to play the scenario in: {why}. Too many may be running; end some, or raise "
            "the limit:\n    ulimit -u unlimited",
            "无法启动执行场景的进程：{why}。可能进程太多，请结束一些，或提高上限：\n    ulimit -u unlimited",
        ),
        "worker.gone": Text(
            "the process that played the scenario ended without a result ({how}); nothing can be said about this run",
            "执行场景的进程没有给出结果就结束了（{how}）；无法对这次运行作出判断",
        ),
    }
)


class Worker(Generic[Result]):
    """One function call in a process of its own, begun at once; ``result`` waits for it."""

    def __init__(self, work: Callable[[int], Result]) -> None:
        """Fork and call ``work`` there with this process's pid. Raises EnvironmentFault when it cannot be forked."""
        sys.stdout.flush()
        sys.stderr.flush()
        parent, self._gone = os.getpid(), False
        self._reader, writer = os.pipe()
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # so that none comes before _work's ``try``
        try:
            self._pid = os.fork()
        except OSError as failure:
            os.close(self._reader)
            os.close(writer)
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            raise EnvironmentFault("worker.no-process", why=failure.strerror) from failure
        if self._pid == 0:
            _work(lambda: work(parent), writer)
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def fileno(self) -> int:
        """Readable when ``result`` need not be waited for, or hardly."""
        return self._reader

    def interrupt(self) -> None:
        """Interrupt ``work``; what it makes of that is its own affair. Does nothing after ``wait``."""
        if not self._gone:
            os.kill(self._pid, signal.SIGINT)

    def stop(self) -> None:
        """End the process before it has a result; what it started ends with it."""
        self._end()

    def result(self, meanwhile: Callable[[], None] | None = None) -> Result:
        """The value that ``work`` returned; ``meanwhile`` is called before it is waited for.

        An interrupt while ``meanwhile`` runs takes effect after it: Python turns one that comes in the middle of an
        import into all kinds of errors.

        Raises what ``work`` raised, if it is a WirelabError, KeyboardInterrupt or BrokenPipeError (nobody reads
        standard output any more); HarnessBug for anything else, and when the process died. When this call is
        interrupted the process is ended first.
        """
        try:
            if meanwhile is not None:
                with uninterrupted():
                    meanwhile()
            await_input(self._reader)
            with open(self._reader, "rb") as results:
                data = results.read()
        except BaseException:
            self._end()
            raise
        try:
            kind, value = pickle.loads(data)
        except (EOFError, pickle.UnpicklingError):  # it was killed before, or in the middle
            code = self.wait()
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
            raise HarnessBug("worker.gone", how=how) from None
        if kind is None:
            result: Result = value
            return result
        self.wait()
        if kind in (KeyboardInterrupt, BrokenPipeError):
            raise kind
        raise kind(*value[0], **value[1])

    def wait(self) -> int:
        """Wait until the process is gone, after ``result``; its exit status, or minus the signal's number."""
        status = os.waitpid(self._pid, 0)[1]
        self._gone = True
        return os.waitstatus_to_exitcode(status)

    def _end(self) -> None:
        """Ask the process to clean up, wait for it, and insist when it does not."""
        descriptor = os.pidfd_open(self._pid)
        try:
            os.kill(self._pid, signal.SIGINT)
            if not select.select([descriptor], [], [], CLEANUP_SECONDS)[0]:
                os.kill(self._pid, signal.SIGKILL)
        finally:
            os.close(descriptor)
            self.wait()


def _work(work: Callable[[], object], writer: int) -> NoReturn:
    """The forked process: do it, hand over the value or the error, end without the parent's exit handlers."""
    gc.disable()  # it would stop everything for 0.1 s in the middle of a flood, and this process is over soon
    try:
        outcome = _outcome(work)
        for number in INTERRUPTS:
            signal.signal(number, signal.SIG_IGN)
        with open(writer, "wb") as results:
            pickle.dump(outcome, results)
        sys.stdout.flush()
    finally:
        os._exit(0)  # also on a second Ctrl-C: nothing of this process may run on as if it were its parent


def _outcome(work: Callable[[], object]) -> tuple[object, object]:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)
        return None, work()
    except (KeyboardInterrupt, BrokenPipeError) as error:
        return type(error), None
    except AuthorError as error:
        return AuthorError, ((error.problems,), {})
    except WirelabError as error:
        return type(error), ((error.key,), dict(error.values))
    except BaseException:
        return HarnessBug, (("worker.bug",), {"trace": traceback.format_exc()})
