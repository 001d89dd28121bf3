"""Archives that students hand in: told by their content, unpacked into a fresh folder, never further and never more.

What an archive says of itself is not believed: bytes are counted as they come out. Knows no class and no platform.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import stat
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from wirelab.base.errors import InputError, WirelabError
from wirelab.base.texts import Bilingual, Text, register
from wirelab.compose.members import (
    LIMITS,
    MIB,
    Budget,
    Kind,
    Limits,
    Member,
    Refused,
    Source,
    Writer,
    disk,
    fresh,
    is_junk,
    let_in,
    lift,
    shown,
    sized,
)

DIRECTORY_BYTES = 512  # of a zip's directory, for each file that the limits allow
HEADER_BYTES = MIB  # of a tar's headers in a row: names and attributes come from there, not files

Format = Literal["zip", "tar", "gzip", "bzip2", "xz", "rar", "7z", "zstd", "compress"]

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x9d", "compress"),
)
_FOREIGN = ("rar", "7z", "zstd", "compress")
_HEADERS = Bilingual(
    f"the headers of one file are longer than {sized(HEADER_BYTES)}", f"单个文件的头部超过 {sized(HEADER_BYTES)}"
)

register(
    {
        "archive.unknown": Text(
            "{archive} is no archive that is known here; hand in a .zip or a .tar.gz",
            "{archive} 不是可识别的压缩包；请提交 .zip 或 .tar.gz",
        ),
        "archive.foreign": Text(
            "{archive} is a {kind} archive, which is not unpacked here; hand in a .zip or a .tar.gz",
            "{archive} 是 {kind} 压缩包，这里无法解压；请提交 .zip 或 .tar.gz",
        ),
        "archive.damaged": Text(
            "{archive} cannot be unpacked: {why}. Make the archive anew, and try to unpack it yourself before handing in",
            "{archive} 无法解压：{why}。请重新打包，并在提交前自己试着解压一次",
        ),
        "archive.unreadable": Text("{archive} cannot be read: {why}", "无法读取 {archive}：{why}"),
        "archive.empty": Text("{archive} holds no files", "{archive} 中没有文件"),
    }
)


def kind_of(path: Path) -> Format | None:
    """What archive a file is, by its first bytes; None when it is none.

    Raises InputError when it cannot be read, or is not a regular file (and does not wait for a pipe).
    """
    archive = shown(path.name)
    try:
        if not path.is_file():
            raise InputError("archive.unreadable", archive=archive, why=Bilingual("not a regular file", "不是普通文件"))
        with path.open("rb") as file:
            start = file.read(tarfile.BLOCKSIZE)
    except OSError as error:
        raise InputError("archive.unreadable", archive=archive, why=error.strerror or error) from None
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    with contextlib.suppress(tarfile.TarError, ValueError):  # a tar's header is known by its checksum
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
        return "tar"
    return None


def known(archive: Path) -> Format:
    """What archive it is. Raises InputError, with what to hand in instead, where it is none that is unpacked here."""
    kind, called = kind_of(archive), shown(archive.name)
    if kind is None:
        raise InputError("archive.unknown", archive=called)
    if kind in _FOREIGN:
        raise InputError("archive.foreign", archive=called, kind=kind)
    return kind


def extract(archive: Path, to: Path, limits: Limits = LIMITS) -> None:
    """Unpack an archive into ``to``, a new or empty folder; a folder that holds all the rest is taken off.

    zip (stored or deflated), tar, and tar in gzip, bzip2 or xz. Files of systems and tools (``__MACOSX``, ``.git``) are
    left out, executables stay executable, everything is the owner's to write.
    Raises InputError, with the archive's name and that of the member, for anything that is no archive, is cut short or
    damaged, has a password, leads out of ``to``, holds links or devices, or is beyond ``limits``; EnvironmentFault
    when the disk refuses. ``to`` is then gone, and nothing outside of it was ever touched.
    """
    unpack(archive, to, Budget(limits))


def unpack(
    archive: Path,
    to: Path,
    budget: Budget,
    *,
    whole: bool = False,
    refused: Callable[[str, InputError], None] | None = None,
) -> None:
    """As ``extract``, within what is left of a budget.

    ``whole``: what is there stays where it is, and keeps its time; for a class's archive, where each folder is a
    student's. ``refused`` is told the name of a member that cannot be taken in, and why, instead of giving all up.
    """
    called = shown(archive.name)
    kind = known(archive)
    with fresh(to):
        writer = Writer(to, called, budget, dated=whole)
        try:
            reader = _zipped if kind == "zip" else _tarred
            for parts, member in let_in(reader(archive, called, budget, kind), called, budget, refused):
                try:
                    _put(writer, parts, member, called, alone=kind == "zip")
                except Refused as error:
                    if refused is None:
                        raise
                    refused(member.name, error)
        except WirelabError:
            raise
        except Exception as error:  # whatever a hostile file makes of the readers of the standard library
            raise InputError("archive.damaged", archive=called, why=_broken(error)) from None
        with disk(to):
            left = list(to.iterdir())
        if not left and refused is None:
            raise InputError("archive.empty", archive=called)
        if not whole:
            unwrap(to)


def unwrap(folder: Path) -> None:
    """While a folder holds nothing but one other folder, take that off."""
    inner = folder
    while len(items := list(inner.iterdir())) == 1 and items[0].is_dir() and not items[0].is_symlink():
        inner = items[0]
    if inner != folder:
        lift(inner, folder)


def _put(writer: Writer, parts: tuple[str, ...], member: Member, archive: str, *, alone: bool) -> None:
    """Write a member; of one that is damaged in a zip, the others can still be read."""
    try:
        writer.put(parts, member)
    except WirelabError:
        raise
    except Exception as error:  # as above
        if not alone:
            raise
        raise Refused("handed.member", archive=archive, member=shown(member.name), why=_broken(error)) from None


def _broken(error: Exception) -> Bilingual:
    why = shown(str(error) or type(error).__name__)
    return Bilingual(f"it is cut short, or damaged ({why})", f"文件不完整或已损坏（{why}）")


# zip -----------------------------------------------------------------------------------------------------------------


class _Directory(io.FileIO):
    """A zip file whose directory cannot be longer than is allowed: ``zipfile`` reads it in one piece, into memory."""

    def __init__(self, path: Path, archive: str, limits: Limits) -> None:
        super().__init__(path)
        self._archive = archive
        self._limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        left = os.fstat(self.fileno()).st_size - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > max(DIRECTORY_BYTES * self._limits.files, MIB):
            raise InputError("handed.files", archive=self._archive, limit=self._limits.files)
        return super().read(max(wanted, 0)) or b""


def _zipped(path: Path, archive: str, budget: Budget, _: Format) -> Iterator[Member]:
    packed = path.stat().st_size
    out = _Flow(archive, budget.limits, packed)
    with _Directory(path, archive, budget.limits) as raw, zipfile.ZipFile(raw) as zipped:
        wanted = sum(not is_junk(_zip_name(info).split("/")) for info in zipped.infolist())
        if wanted > budget.limits.files:  # before any of them is written
            raise InputError("handed.files", archive=archive, limit=budget.limits.files)
        for info in zipped.infolist():
            mode = info.external_attr >> 16  # Unix attributes; 0 where another system made the archive
            name = _zip_name(info)
            kind: Kind = "file"
            if stat.S_ISLNK(mode):
                kind = "link"
            elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
                kind = "special"
            elif name.endswith("/") or stat.S_ISDIR(mode):
                kind = "folder"
            elif info.flag_bits & 0x1:
                kind = "locked"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                kind = "method"  # the others are decompressed without a bound by zipfile

            @contextlib.contextmanager
            def opened(info: zipfile.ZipInfo = info) -> Iterator[Source]:
                with zipped.open(info) as stream:
                    yield _Counted(stream, out)

            yield Member(name, kind, opened, bool(mode & 0o111), _zip_time(info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as its maker meant it: UTF-8 where it says so, or is; else GBK, as Chinese Windows writes, or cp437."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        with contextlib.suppress(UnicodeEncodeError):  # zipfile found it in an extra field
            name = meant_name(name.encode("cp437"))
    return name.replace("\\", "/")


def meant_name(raw: bytes) -> str:
    """A name without a word about its encoding: UTF-8, or cp437 where that gives Latin letters, or GBK, or cp437.

    >>> meant_name("客户端.py".encode("gbk")), meant_name("café".encode("cp437"))
    ('客户端.py', 'café')
    """
    with contextlib.suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    dos = raw.decode("cp437")
    if all(c.isascii() or unicodedata.name(c, "").startswith("LATIN ") for c in dos):
        return dos
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return dos


def _zip_time(info: zipfile.ZipInfo) -> float | None:
    with contextlib.suppress(ValueError, OverflowError, OSError):
        return datetime(*info.date_time).timestamp()
    return None


# tar -----------------------------------------------------------------------------------------------------------------


class _Header(tarfile.TarInfo):
    """A tar's header, where a damaged one is an error: ``tarfile`` takes it for the end and keeps silent."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("InvalidHeaderError", "TruncatedHeaderError"):
                raise tarfile.ReadError(str(error)) from None
            raise


def _tarred(path: Path, archive: str, budget: Budget, kind: Format) -> Iterator[Member]:
    with path.open("rb") as raw, _decompressed(raw, kind) as plain:
        flow = _Flow(archive, budget.limits, path.stat().st_size)
        counted = _Counted(plain, flow)
        flow.header, begun = HEADER_BYTES, kind == "tar"
        try:
            with tarfile.open(
                fileobj=counted, mode="r|", tarinfo=_Header, encoding="utf-8", errors="surrogateescape"
            ) as tar:
                begun = True
                yield from _tar_members(tar, flow)
        except tarfile.ReadError:
            if begun or flow.total == 0:
                raise
            raise InputError("archive.unknown", archive=archive) from None  # something else was compressed
        flow.header = None
        while counted.read(MIB):
            pass  # the checksum of all comes at the very end


def _tar_members(tar: tarfile.TarFile, flow: _Flow) -> Iterator[Member]:
    while (info := tar.next()) is not None:
        flow.header = None
        stream = tar.extractfile(info) if info.isreg() else None
        yield _tar_member(info, stream or io.BytesIO())
        while stream is not None and stream.read(MIB):
            pass  # what nobody wanted
        flow.header = HEADER_BYTES


def _tar_member(info: tarfile.TarInfo, stream: Source) -> Member:
    kind: Kind = "special"
    if info.isreg() and info.type in tarfile.REGULAR_TYPES:
        kind = "file"
    elif info.isdir():
        kind = "folder"
    elif info.issym() or info.islnk():
        kind = "link"

    name = meant_name(info.name.encode("utf-8", "surrogateescape"))
    return Member(name, kind, lambda: contextlib.nullcontext(stream), bool(info.mode & 0o111), info.mtime)


@contextlib.contextmanager
def _decompressed(raw: IO[bytes], kind: Format) -> Iterator[Source]:
    if kind == "gzip":
        with gzip.GzipFile(fileobj=raw) as plain:
            yield plain
    elif kind == "bzip2":
        with bz2.BZ2File(raw) as plain:
            yield plain
    elif kind == "xz":
        with lzma.LZMAFile(raw) as plain:
            yield plain
    else:
        yield raw


# counting ------------------------------------------------------------------------------------------------------------


class _Flow:
    """All that has come out of an archive: files, headers, padding and what is left out."""

    def __init__(self, archive: str, limits: Limits, packed: int) -> None:
        self.total = 0
        self.header: int | None = None  # what may still come before the next file, where only that is read
        self._archive = archive
        self._limits = limits
        self._most = max(limits.ratio_from, limits.ratio * packed)

    def add(self, count: int) -> None:
        """Raises InputError when it is too much."""
        self.total += count
        if self.total > self._most:
            raise InputError("handed.ratio", archive=self._archive, limit=self._limits.ratio)
        if self.total > 4 * self._limits.bytes + MIB:  # also when it is padding, or files that are left out
            raise InputError("handed.bytes", archive=self._archive, limit=sized(self._limits.bytes))
        if self.header is not None:
            self.header -= count
            if self.header < 0:
                raise InputError("archive.damaged", archive=self._archive, why=_HEADERS)


class _Counted(io.BufferedIOBase):
    """A stream of bytes that are counted as they are read."""

    def __init__(self, inner: Source, flow: _Flow) -> None:
        self._inner = inner
        self._flow = flow

    def read(self, size: int | None = -1, /) -> bytes:
        """At most so many bytes; none at the end. Raises InputError when it was too much."""
        data = self._inner.read(MIB if size is None or size < 0 else size)
        self._flow.add(len(data))
        return data
