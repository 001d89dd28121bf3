"""The link to a cluster, with a client whose tasks end as a test says: what goes wrong is told apart, and nothing is lost.

With a real client, scheduler and workers: tests/edge/test_grade_dask.py.
"""

from __future__ import annotations

import operator
import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from distributed.scheduler import KilledWorker

from wirelab.base.errors import EnvironmentFault
from wirelab.compose import cluster_task
from wirelab.compose.dask_link import Link, linked

ANSWER = ("tcp://10.0.0.7:1", b"parcel", "")


class Future:
    """A task: its state, and what comes of asking for its result, one time after the other."""

    def __init__(self, status: str, *results: object) -> None:
        self.status = status
        self.results = list(results)

    def add_done_callback(self, callback: Callable[[object], None]) -> None:
        callback(self)

    def result(self, timeout: float) -> object:
        found = self.results.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    def exception(self) -> object:
        return self.results.pop(0)


class Client:
    """A client of Dask's; ``busy`` is how many tasks its workers have, each time that they are asked."""

    id, status = "Client-wirelab-1", "running"

    def __init__(self, *futures: Future, busy: tuple[int, ...] = (0,)) -> None:
        self.futures = list(futures)
        self.busy = list(busy)
        self.calls: list[Any] = []
        self.cancelled: list[object] = []

    def submit(self, function: Callable[[str], object], *words: str, key: str, pure: bool) -> Future:
        self.calls.append((function, words, key, pure))
        return self.futures.pop(0)

    def nthreads(self) -> dict[str, int]:
        return {"one": 2, "two": 3}

    def cancel(self, futures: list[object]) -> None:
        self.cancelled += futures

    def run(self, function: object, prefix: str, on_error: str) -> dict[str, int]:
        assert (cluster_task.at_work, "Client-wirelab-1-", "ignore") == (function, prefix, on_error)
        return {"one": 0, "two": self.busy.pop(0)}


def link(*futures: Future) -> Link:
    """A link on which these tasks were sent, called 0, 1, and so on."""
    made = Link(Client(*futures), "tcp://10.0.0.5:8786")
    for at in range(len(futures)):
        made.submit(str(at), b"job")
    return made


def test_a_task_names_what_it_calls_and_holds_no_code_of_ours(monkeypatch: pytest.MonkeyPatch):
    """A scheduler reads every task, and need not have wirelab."""
    client = Client(Future("pending"))
    Link(client, "-").submit("ada", b"job")
    ((function, words, key, pure),) = client.calls
    assert (("wirelab.compose.cluster_task",), "Client-wirelab-1-ada", False) == (words, key, pure)
    packed = pickle.dumps((function, words))
    with monkeypatch.context() as elsewhere:
        for name in [name for name in sys.modules if name.partition(".")[0] == "wirelab"]:
            elsewhere.setitem(sys.modules, name, None)
        again, _ = pickle.loads(packed)
    monkeypatch.setitem(sys.modules, "there", SimpleNamespace(play_apart=operator.methodcaller("upper")))
    assert b"JOB" == again("there")


def test_an_answer_is_handed_on_once():
    made = link(Future("finished", ANSWER))
    reply = made.over(0)
    assert reply is not None
    assert ("0", *ANSWER) == (reply.key, reply.worker, reply.parcel, reply.said)
    assert made.over(0) is None


@pytest.mark.parametrize("trouble", [TimeoutError(), OSError("connection lost")])
def test_an_answer_that_is_lost_on_its_way_is_waited_for_again(trouble: Exception):
    made = link(Future("finished", trouble, ANSWER))
    assert made.over(0) is None
    reply = made.over(0)
    assert reply is not None
    assert b"parcel" == reply.parcel


def test_an_answer_that_was_lost_with_its_worker_is_waited_for_again():
    future = Future("lost", ANSWER)
    made = link(future)
    assert [None, None] == [made.over(0), made.over(0)]
    future.status = "finished"
    reply = made.over(0)
    assert reply is not None
    assert b"parcel" == reply.parcel


def test_a_task_that_workers_died_of_says_how_many():
    made = link(Future("error", KilledWorker("0", SimpleNamespace(address="tcp://10.0.0.7:1"), 3)))  # type: ignore[arg-type]
    reply = made.over(0)
    assert reply is not None
    assert reply.parcel is None
    assert reply.fault is not None
    assert ("dask.killed", {"count": 4}) == (reply.fault.key, reply.fault.values)


def test_any_other_failure_of_a_task_is_told_as_it_is():
    reply = link(Future("error", ValueError("no such luck"))).over(0)
    assert reply is not None
    assert (None, None, "ValueError: no such luck") == (reply.parcel, reply.fault, reply.said)


def test_a_worker_without_wirelab_is_told():
    made = link(Future("error", ModuleNotFoundError("No module named 'wirelab'")))
    with pytest.raises(EnvironmentFault) as caught:
        made.over(0)
    assert "dask.no-wirelab" == caught.value.key


class Vanishing(Future):
    """An answer that is there, until it is asked for."""

    def result(self, timeout: float) -> object:
        self.status = "cancelled"
        raise ValueError("the scheduler is gone")


@pytest.mark.parametrize("future", [Future("cancelled"), Vanishing("finished")], ids=["before", "meanwhile"])
def test_who_loses_the_scheduler_says_so(future: Future):
    with pytest.raises(EnvironmentFault) as caught:
        link(future).over(0)
    assert "dask.lost" == caught.value.key


def test_threads_are_counted_and_a_scheduler_that_is_gone_has_none(monkeypatch: pytest.MonkeyPatch):
    assert 5 == link().threads()
    monkeypatch.setattr(Client, "status", "connecting")
    with pytest.raises(EnvironmentFault):
        link().threads()


def test_it_waits_until_what_is_abandoned_has_ended():
    client = Client(Future("pending"), Future("pending"), busy=(2, 1, 0))
    made = Link(client, "-")
    made.submit("a", b"")
    made.submit("b", b"")
    made.abandon()
    assert [] == client.busy
    assert 2 == len(client.cancelled)
    made.abandon()
    assert 2 == len(client.cancelled)


def test_without_dask_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(EnvironmentFault) as caught, linked("tcp://127.0.0.1:1"):
        pass
    assert "pip install 'wirelab[cluster]'" in caught.value.text("en")
    assert "pip install 'wirelab[cluster]'" in caught.value.text("zh")
