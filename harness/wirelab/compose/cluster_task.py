"""What runs on a worker of a Dask cluster: one submission is played there, in a fresh process, and its runs go back.

A worker has threads, and what plays must fork: so the task itself only starts ``python -m`` of this module, waits for
it, and ends it when nobody wants the result any more. Knows no class, and needs nothing but what the task brings.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from wirelab.base.errors import EnvironmentFault, HarnessBug
from wirelab.base.texts import Text, register
from wirelab.compose import class_reports, parcel, records
from wirelab.compose.classroom import JOBS_PER_CPU, Classroom
from wirelab.compose.desk import FAULT, Entry, Graded
from wirelab.compose.handed_in import prepare
from wirelab.compose.members import disk
from wirelab.compose.parcel import Answer, Job, Refusal
from wirelab.compose.preparation import told
from wirelab.compose.proof import proved
from wirelab.stage import apart, processes
from wirelab.stage.removing import remove
from wirelab.stage.world import here

GONE = frozenset({"closing", "closed", "failed"})  # states of a worker that takes no results any more
INTERRUPTED = 130

register(
    {
        "cluster-task.no-network": Text(
            "on a cluster programs are played in private networks only, and this machine gives none (`wirelab doctor` "
            "says why): on its own network a student's program could reach the Dask worker, which runs whatever it is told",
            "在集群上只能在私有网络里运行程序，而这台机器不提供私有网络（原因见 `wirelab doctor`）："
            "在机器自己的网络里，学生的程序可以连接到 Dask worker，而 worker 会执行收到的任何代码",
        ),
    }
)

Reply = tuple[str, bytes | None, str]
"""What a task gives, in types that every version knows: the worker's address, and the answer in a parcel; none where the
process that played has died, and then what it said."""


def play_apart(job: bytes) -> Reply:
    """The task: play the job in a parcel, in a process of its own."""
    from distributed import Reschedule, get_worker

    worker: Any = get_worker()
    key = worker.get_current_task()

    def unwanted() -> bool:
        """Whether the task was cancelled, its client is gone, or this worker is closing."""
        task = worker.state.tasks.get(key)
        return worker.status.name in GONE or task is None or task.state == "cancelled"

    words = worker.local_directory, str(worker.state.nthreads)
    try:
        return worker.address, apart.run(__name__, job, unwanted, words), ""
    except apart.Unwanted:
        raise Reschedule from None  # by another worker, should anybody want it
    except HarnessBug as bug:
        return worker.address, None, bug.text("en")


def at_work(prefix: str, dask_worker: Any) -> int:
    """How many tasks whose keys begin so are under way on a worker, those that were cancelled too."""
    return sum(str(key).startswith(prefix) for key in list(dask_worker.active_threads.values()))


def main(arguments: list[str]) -> int:
    """The fresh process: a parcel in, a parcel out. ``arguments``: who started it, where to put files, and how many
    such processes there may be at a time."""
    try:
        answer = apart.begun(int(arguments[0]))
        data = sys.stdin.buffer.read()
        with _folder(arguments[1]) as folder:
            answer(parcel.pack(_played(data, folder, int(arguments[2]))))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


@contextmanager
def _folder(below: str) -> Iterator[Path]:
    """A folder for the files of one job, which goes with it."""
    with disk(Path(below)):
        folder = Path(tempfile.mkdtemp(prefix="wirelab-", dir=below))
    try:
        yield folder
    finally:
        remove(folder)


def _played(data: bytes, folder: Path, threads: int) -> Answer | Refusal | None:
    """What comes of a job. None for that of another wirelab: the parcel that brings this says which one is here."""
    try:
        job = parcel.unpack(data)
    except EnvironmentFault:
        return None
    assert isinstance(job, Job)
    try:
        if here().tier != "namespace":
            raise EnvironmentFault("cluster-task.no-network")
        return _answer(job, folder, job.jobs or max(1, JOBS_PER_CPU * processes.cpus() // threads))
    except EnvironmentFault as fault:
        return Refusal(told(fault))


def _answer(job: Job, folder: Path, jobs: int) -> Answer:
    """Grade a class of one, as it is graded anywhere."""
    handed, out = parcel.unpacked(job, folder / "handed"), folder / "out"
    box = proved(folder) if job.sandboxed else None
    room = Classroom(parcel.lab_of(job), out, jobs=jobs, sandbox=box, observe=job.observe)
    entry = Entry(job.student, job.digest, partial(prepare, handed))
    with closing(room.grade([entry])) as events:
        (graded,) = [event for event in events if isinstance(event, Graded)]
    kept = out / records.STUDENTS / job.student.key
    record = records.read_submission(kept)
    assert record is not None
    runs = {run.scenario: parcel.files_of(kept / run.folder) for run in graded.grade.runs if run.folder}
    fault, report = kept / FAULT, kept / class_reports.FILE
    return Answer(
        graded,
        record,
        runs,
        fault.read_text(encoding="utf-8") if fault.exists() else "",
        report.read_bytes() if report.exists() else None,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
