"""A program's wait for a CPU is that of its worst-off thread: having many of them is no excuse."""

from __future__ import annotations

import os
import signal
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from tests.edge.command import until
from wirelab.stage.processes import Scheduled, between, busy, children, stopped, threads

TIMES = st.dictionaries(st.integers(1, 9), st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)))


def test_the_longest_wait_and_all_of_the_cpu():
    before = {1: (0, 10**9), 2: (10**9, 0), 4: (9 * 10**9, 9 * 10**9)}
    after = {1: (2 * 10**9, 4 * 10**9), 2: (2 * 10**9, 2 * 10**9), 3: (10**9, 10**9)}
    assert Scheduled(delay=3.0, cpu=4.0, others=2.0) == between(before, after)


@given(TIMES, TIMES)
def test_it_never_falls_and_never_is_a_sum(before: dict[int, tuple[int, int]], after: dict[int, tuple[int, int]]):
    found = between(before, after)
    assert 0 <= found.delay <= max([delay for _, delay in after.values()], default=0) / 1e9
    assert found.cpu >= 0
    assert Scheduled() == between(after, after)


def test_this_process_is_one_of_those_looked_at():
    first = threads(os.getpid())
    assert os.getpid() in first
    assert between(first, threads(os.getpid())).cpu >= 0
    assert os.getpid() in children(os.getppid())
    assert {} == threads(2**30)


def test_who_burns_the_cpus_was_not_kept_from_running():
    assert 0.0 == Scheduled(delay=1.0, cpu=2.0, others=2.0).kept(2)
    assert 0.75 == Scheduled(delay=1.0, cpu=0.5, others=0.5).kept(2)


def test_what_a_thread_itself_had_is_no_reason_why_it_waited():
    """By turns on a busy CPU: a quarter of the time for this program's only thread, three for others."""
    found = between({1: (0, 0)}, {1: (10**9, 3 * 10**9)})
    assert 3.0 == found.kept(1) == found.kept(2)


def test_who_does_something_who_waits_and_who_was_stopped():
    with subprocess.Popen(["sh", "-c", "read line; while :; do :; done"], stdin=subprocess.PIPE) as program:
        try:
            assert program.stdin is not None
            assert until(lambda: not busy(program.pid))
            assert not stopped(program.pid)
            program.stdin.write(b"go\n")
            program.stdin.flush()
            assert until(lambda: busy(program.pid))
            os.kill(program.pid, signal.SIGSTOP)
            assert until(lambda: stopped(program.pid))
            assert not busy(program.pid)
        finally:
            program.kill()
