"""What travels between the machine that grades a class and those that play it: one submission there, what came of it back.

Bytes, so that no disk needs to be shared, and texts of the lab, so that both need not have the same one. A parcel says
which wirelab has packed it; another one does not open it. Plays nothing, and knows no network.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wirelab import __version__
from wirelab.base.errors import EnvironmentFault
from wirelab.base.texts import Text, register
from wirelab.compose import kit, records
from wirelab.compose.desk import Graded
from wirelab.compose.handed_in import HandedIn, Piece, reading
from wirelab.compose.labs import LoadedLab, LoadedScenario
from wirelab.compose.members import LIMITS, Budget, contents, disk, folder_members, let_in, shown
from wirelab.declare.lab import parse_lab
from wirelab.declare.protocol import load_profile
from wirelab.declare.scenario import parse_scenario
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Said
from wirelab.observe.evidence import Role

KIT_DIGITS = 12  # of what tells one kit from another, when it is shown

register(
    {
        "parcel.other-kit": Text(
            "{whose} has wirelab {theirs}, this machine has {ours} (of the kit: {their_kit} and {our_kit}); marks of one "
            "class come from one version: install the same on all, and start the workers again",
            "{whose} 上是 wirelab {theirs}，本机是 {ours}（套件分别为 {their_kit} 和 {our_kit}）；"
            "同一个班的成绩必须出自同一个版本：请在所有机器上安装同一版本，并重新启动 worker",
        ),
        "parcel.outside": Text(
            "the result holds a file that lies outside of its run: {name}", "结果中有一个文件位于运行文件夹之外：{name}"
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A piece of what was handed in: the name it had, its name within the submission, and its content, as (path within
    it, whether it is executable, bytes; None for a folder). The path of the piece itself is empty."""

    called: str
    name: str
    content: tuple[tuple[str, bool, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One submission, and the scenarios to be played with it: for each its text, and its protocol's name and text.
    ``jobs`` runs at once at most, or what suits the machine."""

    student: Student
    digest: str
    role: Role | None
    pieces: tuple[Packed, ...]
    lab: str
    lab_text: str
    scenarios: Mapping[str, tuple[str, str, str]]
    jobs: int | None
    sandboxed: bool
    observe: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a job: the grade of these scenarios, what is kept beside them, the files of each run that was played,
    what a bug of ours looked like, and the lab report, if there was one."""

    graded: Graded
    record: records.Submission
    runs: Mapping[str, Mapping[str, bytes]]
    fault: str = ""
    report: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The machine cannot play anything, and why."""

    why: Said


# bytes ---------------------------------------------------------------------------------------------------------------


def pack(value: Job | Answer | Refusal | None) -> bytes:
    """A parcel, with a first line that says who has packed it."""
    head = json.dumps({"wirelab": __version__, "kit": records.key("")})
    return head.encode() + b"\n" + zlib.compress(pickle.dumps(value, pickle.HIGHEST_PROTOCOL), 1)


def unpack(data: bytes, whose: str = "-") -> Job | Answer | Refusal | None:
    """What is in a parcel. Raises EnvironmentFault when a wirelab with another version or other reference programs has
    packed it, before anything of it is read. Only for parcels from whom one would let run programs."""
    first, _, body = data.partition(b"\n")
    head = json.loads(first)
    if head["kit"] != records.key(""):
        raise EnvironmentFault(
            "parcel.other-kit",
            whose=whose,
            theirs=head["wirelab"],
            ours=__version__,
            their_kit=head["kit"][:KIT_DIGITS],
            our_kit=records.key("")[:KIT_DIGITS],
        )
    value: Job | Answer | Refusal | None = pickle.loads(zlib.decompress(body))
    return value


# there ---------------------------------------------------------------------------------------------------------------


def job(
    handed: HandedIn,
    lab: LoadedLab,
    text: str,
    names: Iterable[str],
    *,
    jobs: int | None,
    sandboxed: bool,
    observe: bool,
) -> Job:
    """Pack a submission with those scenarios of a lab whose ``lab.yaml`` is ``text``. Reads its files, as many as a
    submission may be, and raises InputError where they cannot be read any more."""
    scenarios = {}
    for name in names:
        loaded = lab.scenarios[name]
        scenarios[name] = loaded.scenario.text, loaded.profile.name, loaded.source
    pieces = packed(handed.pieces)
    return Job(
        handed.student, handed.digest, handed.role, pieces, lab.lab.lab, text, scenarios, jobs, sandboxed, observe
    )


def packed(pieces: Iterable[Piece]) -> tuple[Packed, ...]:
    """The pieces with their content. Raises InputError as taking them in does."""
    budget = Budget(replace(LIMITS, file_bytes=LIMITS.bytes))
    done = []
    for piece in pieces:
        with reading(shown(piece.path.name)):
            done.append(Packed(piece.path.name, piece.name, tuple(_content(piece.path, budget))))
    return tuple(done)


def _content(path: Path, budget: Budget) -> Iterator[tuple[str, bool, bytes | None]]:
    called, members = shown(path.name), folder_members(path)
    if not path.is_dir():
        yield from (("", member.executable, b"".join(contents(member, called, budget))) for member in members)
        return
    yield "", False, None
    for parts, member in let_in(members, called, budget):
        folder = member.kind == "folder"
        yield "/".join(parts), member.executable, None if folder else b"".join(contents(member, called, budget))


def unpacked(job: Job, folder: Path) -> HandedIn:
    """Put what was handed in below a new folder, as it lay where it was packed. Raises EnvironmentFault when the disk
    refuses."""
    pieces = []
    with disk(folder):
        for at, piece in enumerate(job.pieces):
            path = folder / str(at) / piece.called
            for name, executable, data in piece.content:
                to = path / name
                (to if data is None else to.parent).mkdir(parents=True, exist_ok=True)
                if data is not None:
                    to.write_bytes(data)
                    to.chmod(0o755 if executable else 0o644)
            pieces.append(Piece(path, piece.name))
    return HandedIn(job.student, tuple(pieces), digest=job.digest, role=job.role)


def lab_of(job: Job) -> LoadedLab:
    """The lab, with the scenarios of the job alone. It lies in no folder."""
    lab = parse_lab(job.lab_text, kit.LAB_FILE, folder=job.lab)
    return LoadedLab(
        Path(),
        lab,
        {
            name: LoadedScenario(parse_scenario(text, name), load_profile(source, protocol), source)
            for name, (text, protocol, source) in job.scenarios.items()
        },
    )


# and back ------------------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a run folder, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def put(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a run folder's files. Raises EnvironmentFault when one would lie outside of it, or the disk refuses."""
    for name, data in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
            raise EnvironmentFault("parcel.outside", name=shown(name))
        with disk(folder):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
