"""One student's submission as handed in: what names its content, and a fresh folder of its files.

Knows no class. Reads files, and writes into the folder that it is given; builds and plays nothing.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from wirelab.base.errors import InputError, WirelabError
from wirelab.base.texts import Text, catalogue, register
from wirelab.compose.archives import kind_of, known, unpack, unwrap
from wirelab.compose.members import (
    LIMITS,
    Budget,
    Limits,
    Member,
    Writer,
    contents,
    disk,
    folder_members,
    fresh,
    let_in,
    lift,
    shown,
)
from wirelab.compose.naming import ARCHIVE, DOCUMENTS, SOURCES, stem_of
from wirelab.compose.submissions import LANGUAGES, SETTINGS
from wirelab.judge.grades import Student
from wirelab.judge.verdict import Said
from wirelab.observe.evidence import Role

ROUNDS = 3  # archives within archives within what was handed in

register({"handed.empty": Text("{name} holds no files", "{name} 中没有文件")})


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, folder or archive, and its name within the submission; empty where its content is the submission."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One student's submission, as handed in.

    ``digest`` names its content: the same for the same files of the same names, wherever they lie (an archive counts as
    one file); empty where ``problem`` says why it cannot be read. ``role`` is the program that its only file is, where
    that is not said by the file's name. ``notes`` are for whoever grades.
    """

    student: Student
    pieces: tuple[Piece, ...]
    digest: str = ""
    problem: Said | None = None
    notes: tuple[Said, ...] = ()
    role: Role | None = None
    listed: bool = False


def said(error: WirelabError) -> Said:
    """An error as a sentence that can be kept."""
    return Said(catalogue()[error.key], error.values)


def prepare(submission: HandedIn, folder: Path, limits: Limits = LIMITS) -> None:
    """Put a submission's files into ``folder``, new or empty: copied or unpacked, archives among them too where there
    is no program without.

    Raises InputError as ``archives.extract`` does, also for links and devices in a folder that was handed in, and
    EnvironmentFault when the disk refuses; ``folder`` is then gone.
    """
    budget = Budget(limits)
    with fresh(folder):
        pieces = submission.pieces
        if len(pieces) == 1 and is_archive(pieces[0].path):
            unpack(pieces[0].path, folder, budget)
        else:
            for piece in pieces:
                called = shown(piece.path.name)
                writer = Writer(folder, called, budget)
                with reading(called):
                    for parts, member in let_in(_members(piece), called, budget):
                        writer.put(parts, member)
            unwrap(folder)
        for _ in range(ROUNDS):
            if not _unpacked_within(folder, budget):
                break
        if not any(path.is_file() for path in folder.rglob("*")):
            raise InputError("handed.empty", name=shown(submission.pieces[0].path.name))
        if submission.role is not None:
            _start(folder, submission.role)


def is_archive(path: Path) -> bool:
    """Whether a file is an archive to unpack, or was meant to be one (its suffix says so)."""
    if path.is_symlink() or not path.is_file():
        return False
    suffix = path.suffix.lower()
    return suffix in ARCHIVE or (suffix not in DOCUMENTS and kind_of(path) is not None)


def _members(piece: Piece) -> Iterator[Member]:
    """What is in a file or folder, under its names within the submission."""
    folder = piece.path.is_dir() and not piece.path.is_symlink()
    for member in folder_members(piece.path):
        within = f"{piece.name}/{member.name}" if folder and piece.name else member.name
        yield replace(member, name=within if folder else piece.name or member.name)


def digest_of(submission: HandedIn) -> str:
    """What names a submission's content, in hexadecimal: SHA-256 over names, modes and the digests of the files.

    Raises InputError where something cannot be read, or is not let in.
    """
    pieces, budget = submission.pieces, Budget(replace(LIMITS, file_bytes=LIMITS.bytes))
    alone = len(pieces) == 1 and is_archive(pieces[0].path)
    if alone:
        known(pieces[0].path)
    found: list[bytes] = []
    for piece in pieces:
        called = shown(piece.path.name)
        with reading(called):
            for parts, member in let_in(_members(piece), called, budget):
                if member.kind == "file":
                    content = sha256()
                    for data in contents(member, called, budget):
                        content.update(data)
                    name = "" if alone else "/".join(parts)
                    what = f"{name}\0{'x' if member.executable and not alone else '-'}"
                    found.append(what.encode("utf-8", "surrogateescape") + content.digest())
    if not found:
        raise InputError("handed.empty", name=shown(pieces[0].path.name))
    return sha256(b"".join((f"{submission.role}\0".encode(), *sorted(found)))).hexdigest()


@contextlib.contextmanager
def reading(called: str) -> Iterator[None]:
    """What cannot be read is what was handed in; writing has told its own faults already."""
    try:
        yield
    except OSError as error:
        raise InputError("archive.unreadable", archive=called, why=error.strerror or error) from None


def _unpacked_within(folder: Path, budget: Budget) -> bool:
    """Unpack the archives in a folder that has no program outside of them; whether there were any."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    if any(path.suffix.lower() in SOURCES or path.name.lower() in (SETTINGS, "makefile") for path in files):
        return False
    archives = sorted(path for path in files if path.parent == folder and is_archive(path))
    for archive in archives:
        name = stem_of(archive.name)
        while (folder / name).exists():
            name += "_"
        unpack(archive, folder / name, budget)
        archive.unlink()
        if len(archives) == 1:
            lift(folder / name, folder)
    return bool(archives)


def _start(folder: Path, role: Role) -> None:
    """Say how the one program in a folder is started, which its name does not."""
    files = [path for path in folder.iterdir() if path.suffix.lower() in SOURCES]
    if len(files) != 1 or (folder / SETTINGS).exists():
        return
    language = next(language for language in LANGUAGES if language.suffix == files[0].suffix.lower())
    names = {"stem": shlex.quote(files[0].stem), "name": shlex.quote(files[0].name)}
    commands = {role: language.start} | ({"build": language.build} if language.build else {})
    lines = [
        f"{key} = {json.dumps(command.format(**names), ensure_ascii=False)}\n" for key, command in commands.items()
    ]
    with disk(folder):
        (folder / SETTINGS).write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
