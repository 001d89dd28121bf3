"""Taking in what a class handed in: whose each thing is, which of it counts, and whether it can be read.

Writes only where the archive of a whole class is unpacked; builds and plays nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Language, Text, catalogue, register
from wirelab.compose.archives import kind_of, unpack
from wirelab.compose.handed_in import HandedIn, Piece, digest_of, is_archive, prepare, said
from wirelab.compose.members import MIB, Budget, Limits, disk, is_junk, shown
from wirelab.compose.naming import ARCHIVE, SOURCES, Named, first_name, listed, named, number_in, stem_of, unlisted
from wirelab.compose.roster import Roster, key_of
from wirelab.compose.submissions import ROLES, SETTINGS
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Said
from wirelab.observe.evidence import Role

__all__ = ["BULK", "HandedIn", "Intake", "Piece", "find_submissions", "prepare", "said"]

BULK = Limits(files=200_000, file_bytes=1024 * MIB, bytes=32_768 * MIB, depth=40)
"""For the archive of a whole class, which a platform made."""

register(
    {
        "intake.missing": Text("there is no {source} to grade", "没有可评分的 {source}"),
        "intake.source": Text(
            "{source} is neither a folder of submissions nor an archive of them",
            "{source} 既不是存放作业的文件夹，也不是作业的压缩包",
        ),
        "intake.one": Text(
            "{source} looks like one submission (it holds {found}), not like a class: name the folder in which each "
            "student has a folder or an archive, or use 'wirelab run' for one",
            "{source} 看起来是一份作业（其中有 {found}），而不是全班的作业：请指定包含每个学生的文件夹或压缩包的上一级文件夹；"
            "只运行一份作业请用“wirelab run”",
        ),
        "intake.nobody": Text("no submissions in {source}", "{source} 中没有作业"),
        "intake.aside": Text("'{name}' is nobody's submission and was left aside", "“{name}”不是任何人的作业，已略过"),
        "intake.unlisted": Text("'{name}' is nobody on the roster", "“{name}”不在学生名单中"),
        "intake.late": Text("handed in late, says the platform", "平台标记为迟交"),
        "intake.attempts": Text(
            "handed in more than once: the newest, {taken}, is graded; left out: {left}",
            "提交了不止一次：以最新的 {taken} 评分；未采用：{left}",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Intake:
    """A class's submissions, by key; those on the roster who handed in nothing; and what belongs to nobody."""

    submissions: tuple[HandedIn, ...]
    missing: tuple[Student, ...]
    notes: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class _Item:
    """Something at the top of what the class handed in."""

    path: Path
    named: Named
    modified: int
    folder: bool = False
    archive: bool = False
    problem: Said | None = None

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Later ones are newer."""
        return self.named.attachment, self.named.copy, self.modified, self.path.name


def find_submissions(
    source: Path,
    roster: Roster | None = None,
    to: Path | None = None,
    *,
    role: Role = "client",
    language: Language = "en",
) -> Intake:
    """What a class handed in: a folder with a folder, an archive or a source file for each student, or one archive of
    all that, such as Moodle and Canvas make.

    ``to`` is where such an archive is unpacked, whatever was there before; it is needed for nothing else. ``role`` is
    the program that a source file is when its name does not say; ``language`` that of students not on the roster.
    Submissions are all read once, and those that cannot be say so (``problem``): they stop nobody else's.
    Raises InputError when there is nothing to grade, or the archive of all cannot be read, UsageError for a single
    submission.
    """
    bad: dict[str, InputError] = {}
    root, depth = source, 0
    if source.is_file():
        if kind_of(source) is None:
            raise InputError("intake.source", source=source)
        if to is None:
            raise ValueError("an archive needs a folder to be unpacked into")
        if to.is_dir() and not to.is_symlink():
            with disk(to):
                rmtree(to)
        unpack(source, to, Budget(BULK), whole=True, refused=bad.__setitem__)
        root, depth = _inside(to, roster)
    elif not source.is_dir():
        raise InputError("intake.missing", source=source)
    try:
        _not_one(root, source)
        items, notes = _items(root, depth, bad, roster)
    except OSError as error:
        raise InputError("archive.unreadable", archive=source, why=error.strerror or error) from None
    groups: dict[str, list[_Item]] = defaultdict(list)
    for item in items:
        entry = listed(item.named, roster) if roster else None
        groups[f"roster:{entry.student.key}" if entry else item.named.identity].append(item)
    shared = _shared(items)
    submissions = _distinct(
        [_submission(group, roster, role, language, shared) for group in groups.values()],
        {entry.student.key for entry in roster.entries} if roster else set(),
    )
    if not submissions:
        raise InputError("intake.nobody", source=source)
    there = {submission.student.key for submission in submissions if submission.listed}
    missing = tuple(e.student for e in roster.entries if e.student.key not in there) if roster else ()
    return Intake(tuple(sorted(submissions, key=lambda one: one.student.key)), missing, tuple(notes))


# what there is -------------------------------------------------------------------------------------------------------


def _inside(folder: Path, roster: Roster | None) -> tuple[Path, int]:
    """The folder in an unpacked archive where the submissions lie, and how far down: a folder around all is passed."""
    depth = 0
    while len(items := list(folder.iterdir())) == 1 and items[0].is_dir():
        found = named(items[0].name, folder=True)
        if found.platform or (roster and listed(found, roster)) or _programs(items[0]):
            break
        folder, depth = items[0], depth + 1
    return folder, depth


def _programs(folder: Path) -> list[str]:
    """What in a folder says that it is a single submission."""
    return sorted(
        item.name
        for item in folder.iterdir()
        if item.name == SETTINGS or (item.suffix.lower() in SOURCES and item.stem.lower() in ROLES)
    )


def _not_one(root: Path, source: Path) -> None:
    if found := _programs(root):
        raise UsageError("intake.one", source=source, found=", ".join(shown(name) for name in found))


def _items(
    root: Path, depth: int, bad: Mapping[str, InputError], roster: Roster | None
) -> tuple[list[_Item], list[Said]]:
    """All that is somebody's at the top of ``root``, and what was left aside. ``bad``: members of the archive that
    ``root`` was, by name, that could not be unpacked."""
    problems: dict[str, Said] = {}
    notes: list[Said] = []
    for name, error in bad.items():
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts or len(parts) <= depth:
            notes.append(said(error))
        else:
            problems.setdefault(parts[depth], said(error))
    items: list[_Item] = []
    for path in sorted(root.iterdir()):
        if is_junk([path.name]) or path.name.startswith("."):
            continue
        item = _item(path, problems.pop(path.name, None))
        telling = item.problem or item.folder or item.archive or path.suffix.lower() in SOURCES | ARCHIVE
        if telling or item.named.platform or (roster and listed(item.named, roster)):
            items.append(item)
        else:
            notes.append(Said(catalogue()["intake.aside"], {"name": shown(path.name)}))
    items += [_Item(root / name, named(name, folder=False), 0, problem=problem) for name, problem in problems.items()]
    return items, notes


def _item(path: Path, problem: Said | None) -> _Item:
    folder = path.is_dir() and not path.is_symlink()
    item = _Item(path, named(path.name, folder=path.is_dir()), path.lstat().st_mtime_ns, folder, problem=problem)
    try:
        return replace(item, archive=is_archive(path))
    except InputError as error:
        return replace(item, problem=problem or said(error))


def _shared(items: Iterable[_Item]) -> frozenset[str]:
    """What looks like a student number (a date, say) and stands in the names of several."""
    owners: dict[str, set[str]] = defaultdict(set)
    for item in items:
        owners[number_in(item.named)].add(item.named.identity)
    return frozenset(number for number, whose in owners.items() if len(whose) > 1)


def _distinct(submissions: list[HandedIn], taken: set[str]) -> list[HandedIn]:
    """The same submissions, with no key twice: those on the roster keep theirs."""
    often = Counter(one.student.key for one in submissions if not one.listed)
    return [
        one
        if one.listed or (often[one.student.key] == 1 and one.student.key not in taken)
        else replace(one, student=replace(one.student, key=key_of(f"{one.student.key} {one.pieces[0].path.name}")))
        for one in submissions
    ]


# one submission ------------------------------------------------------------------------------------------------------


def _submission(
    items: list[_Item], roster: Roster | None, role: Role, language: Language, shared: frozenset[str]
) -> HandedIn:
    """What one student handed in: the newest of it, where there is more than one attempt."""
    attempts: dict[str, list[_Item]] = defaultdict(list)
    for item in sorted(items, key=lambda item: item.order):
        found = item.named
        attempts[found.identity if found.platform else "by role" if found.role else item.path.name].append(item)
    newest = max(attempts.values(), key=lambda attempt: attempt[-1].order)
    taken = _taken(newest)
    left = [item for item in items if item not in taken.values() and not item.named.typed]
    notes: list[Said] = []
    if left:
        names = [", ".join(shown(item.path.name) for item in some) for some in (taken.values(), left)]
        notes.append(Said(catalogue()["intake.attempts"], {"taken": names[0], "left": names[1]}))
    first = newest[-1]
    entry = listed(first.named, roster) if roster else None
    student = entry.student if entry else unlisted(first.named, language, shared)
    if roster and not entry:
        notes.append(Said(catalogue()["intake.unlisted"], {"name": shown(student.called)}))
    if any(item.named.late for item in taken.values()):
        notes.append(Said(catalogue()["intake.late"]))
    pieces = tuple(Piece(item.path, name) for name, item in taken.items())
    lone = len(taken) == 1 and not (first.named.platform or first.named.role or first.archive or first.folder)
    made = HandedIn(
        student,
        pieces,
        problem=next((item.problem for item in newest if item.problem), None),
        notes=tuple(notes),
        role=role if lone else None,
        listed=entry is not None,
    )
    if made.problem is not None:
        return made
    try:
        return replace(made, digest=digest_of(made))
    except InputError as error:
        return replace(made, problem=said(error))


def _taken(items: list[_Item]) -> dict[str, _Item]:
    """Those of one attempt that count, by their name within the submission; later ones come before earlier ones."""
    items = [item for item in items if not item.named.typed] or items
    named_so: dict[str, list[_Item]] = defaultdict(list)
    for item in items:
        named_so[_name(item, alone=len(items) == 1)].append(item)
    taken: dict[str, _Item] = {}
    for name, some in named_so.items():
        plain = any(item.named.rest == name for item in some) or stem_of(name).lower() in ROLES
        if len(some) == 1 or some[0].named.platform != "canvas" or plain or some[0].archive:
            taken[name] = some[-1]
        else:  # part-1.py and part-2.py are two files
            taken |= {item.named.rest: item for item in some}
    return taken


def _name(item: _Item, *, alone: bool) -> str:
    found, path = item.named, item.path
    if found.platform == "canvas" and not item.folder:
        return first_name(found.rest)
    if found.platform and not item.folder:
        return found.rest
    if found.role and not item.folder and not item.archive:
        suffix = path.suffix.lower()
        return f"{found.role.capitalize() if suffix == '.java' else found.role}{suffix}"
    if found.role and not alone:
        return found.role + ("" if item.folder else path.suffix)
    return "" if item.folder else path.name
