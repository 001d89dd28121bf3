"""The link to a Dask cluster: tasks go there, answers come back, and what goes wrong with either is told apart.

The only module that knows Dask's client; Dask is imported when a link is made, and not before. Knows no grades.
"""

from __future__ import annotations

import importlib
import logging
import operator
import queue
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from wirelab.base.clock import Deadline
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register
from wirelab.compose import cluster_task

CONNECT_SECONDS = 5.0  # for finding the scheduler
WORKERS_SECONDS = 20.0  # for the first worker to be there
GATHER_SECONDS = 60.0  # for one answer to come over, before it is asked again whether it is there
END_SECONDS = 30.0  # for workers to end what was cancelled
ASK_AGAIN = 0.1
LARGEST = "1GB"  # a task below this is nothing to warn of: a submission with its files

_START_EN = "A cluster is started with\n    dask scheduler\nand, on each machine,\n    dask worker {address}"
_START_ZH = "启动集群：先运行\n    dask scheduler\n再在每台机器上运行\n    dask worker {address}"

register(
    {
        "dask.not-installed": Text(
            "grading on a Dask cluster needs the Python package distributed: pip install 'wirelab[cluster]'",
            "在 Dask 集群上评分需要 Python 包 distributed：pip install 'wirelab[cluster]'",
        ),
        "dask.unreachable": Text(
            "there is no Dask scheduler to be reached at {address}: {why}\n" + _START_EN,
            "无法连接到 {address} 的 Dask 调度器：{why}\n" + _START_ZH,
        ),
        "dask.no-workers": Text(
            "the Dask scheduler at {address} has no workers. Start one on each machine:\n    dask worker {address}",
            "{address} 的 Dask 调度器没有 worker。请在每台机器上启动一个：\n    dask worker {address}",
        ),
        "dask.lost": Text(
            "the Dask scheduler at {address} is gone, or has been started anew",
            "{address} 的 Dask 调度器已经断开，或被重新启动",
        ),
        "dask.no-wirelab": Text(
            "a worker of the Dask cluster has no wirelab that can play for this one ({why}): install the same version on "
            "all machines, in the environment in which `dask worker` is started",
            "Dask 集群中有 worker 没有安装可用的 wirelab（{why}）：请在所有机器上、在启动 `dask worker` 的环境里安装同一版本",
        ),
        "dask.killed": Text(
            "workers lost one after the other while they had it: {count}", "先后丢失了正在处理它的 worker：{count} 个"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A task is over: which one, by whom, and the answer in a parcel. None where there is none: why is ``fault``, or
    what the machinery ``said``."""

    key: str
    worker: str
    parcel: bytes | None
    said: str = ""
    fault: EnvironmentFault | None = None


class Link:
    """Tasks on a cluster, by keys of the caller's."""

    def __init__(self, client: Any, address: str) -> None:
        self.address = address
        self._client = client
        self._prefix = f"{client.id}-"
        self._futures: dict[str, Any] = {}
        self._mislaid: list[str] = []  # of those, whose answers were lost with a worker, and not yet played again
        self._over: queue.SimpleQueue[str] = queue.SimpleQueue()

    def threads(self) -> int:
        """How many tasks the cluster runs at once. Raises EnvironmentFault when the scheduler is gone."""
        try:
            if self._client.status == "running":
                return sum(self._client.nthreads().values())
        except OSError:
            pass
        raise self._lost()

    def submit(self, key: str, job: bytes) -> None:
        """Send a task to whichever worker has room. It travels whole, so that another one can have it too."""
        from toolz import compose

        # Imported there by its name: the scheduler, which reads every task, need not have wirelab.
        play = compose(operator.methodcaller("play_apart", job), importlib.import_module)
        name = f"{self._prefix}{key}"
        self._futures[key] = self._client.submit(play, cluster_task.__name__, key=name, pure=False)
        self._watch(key)

    def over(self, seconds: float) -> Reply | None:
        """A task that is over; when there is none, what comes within so many seconds.

        Raises EnvironmentFault when the scheduler is gone, or a worker can do none of this.
        """
        for key in [key for key in self._mislaid if self._futures[key].status != "lost"]:
            self._mislaid.remove(key)
            self._watch(key)
        try:
            return self._reply(self._over.get(timeout=seconds))
        except queue.Empty:
            return None

    def abandon(self) -> None:
        """Cancel all tasks that are not over, and wait until the workers have ended them: not for ever."""
        futures, self._futures, self._mislaid = list(self._futures.values()), {}, []
        if not futures or self._client.status != "running":  # workers that lose their scheduler end all by themselves
            return
        with suppress(OSError):  # the scheduler went in this moment
            self._client.cancel(futures)
            deadline = Deadline.after(END_SECONDS)
            while not deadline.passed:
                counts = self._client.run(cluster_task.at_work, self._prefix, on_error="ignore")
                if not any(counts.values()):
                    break
                select.select((), (), (), ASK_AGAIN)

    def _watch(self, key: str) -> None:
        self._futures[key].add_done_callback(lambda _: self._over.put(key))  # called in another thread

    def _reply(self, key: str) -> Reply | None:
        from distributed.scheduler import KilledWorker

        future = self._futures[key]
        error: BaseException | None = None
        try:
            if future.status == "finished":
                worker, parcel, said = future.result(timeout=GATHER_SECONDS)
                del self._futures[key]
                return Reply(key, worker, parcel, said)
            if future.status == "error":
                error = future.exception()
        except (TimeoutError, OSError):
            pass  # the scheduler is gone, or whoever had the answer: then somebody plays it again
        except Exception as failure:
            error = failure
        if future.status == "cancelled":
            raise self._lost()
        if error is None:
            self._mislaid.append(key)
            return None
        del self._futures[key]
        if isinstance(error, KilledWorker):
            fault = EnvironmentFault("dask.killed", count=error.allowed_failures + 1)
            return Reply(key, "-", None, fault=fault)
        if isinstance(error, ImportError | AttributeError) and "wirelab" in str(error):
            raise EnvironmentFault("dask.no-wirelab", why=error)
        return Reply(key, "-", None, f"{type(error).__name__}: {error}")

    def _lost(self) -> EnvironmentFault:
        return EnvironmentFault("dask.lost", address=self.address)


@contextmanager
def linked(address: str) -> Iterator[Link]:
    """A link to the cluster whose scheduler is at ``address``, which has a worker. Raises EnvironmentFault, with the
    remedy, when there is none, or Dask is not installed. Tasks that are not over at the end are cancelled."""
    try:
        import dask
        from distributed import Client
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("dask", "distributed"):
            raise EnvironmentFault("dask.not-installed") from None
        raise
    logging.disable(logging.CRITICAL)  # what goes wrong is told by us, once
    client: Any = Client.__new__(Client)
    try:
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST}):
            try:
                client.__init__(address, timeout=CONNECT_SECONDS, set_as_default=False, name="wirelab")
            except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:  # TypeError: no certificates
                client.status = "closed"  # half made, it would try to close when it is collected, and complain
                raise EnvironmentFault("dask.unreachable", address=address, why=str(error).strip()) from None
            link = Link(client, address)
            try:
                _await_worker(link)
                yield link
            finally:
                link.abandon()
    finally:
        with suppress(Exception):  # it is gone already, or will not hear of it
            client.close(timeout=CONNECT_SECONDS)
        logging.disable(logging.NOTSET)


def _await_worker(link: Link) -> None:
    deadline = Deadline.after(WORKERS_SECONDS)
    while not link.threads():
        if deadline.passed:
            raise EnvironmentFault("dask.no-workers", address=link.address)
        select.select((), (), (), ASK_AGAIN)
