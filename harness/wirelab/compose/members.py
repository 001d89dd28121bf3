"""What a student hands in, one file at a time, and how each is let in: names that stay inside, no links, within bounds.

Reads folders itself; archives are read by ``compose/archives.py``. Knows no class and no learning platform.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from wirelab.base.errors import EnvironmentFault, InputError
from wirelab.base.texts import Bilingual, Text, register

Kind = Literal["file", "folder", "link", "special", "locked", "method"]
"""``locked``: by a password; ``method``: compressed in a way that is not read here."""

MIB = 1 << 20
CHUNK = 1 << 16
NAME_MAX = 255  # bytes of one part of a path, on every file system in use

JUNK = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini", "__pycache__", ".git", "icon\r"})
"""Left out wherever it lies, in lower case: what systems and tools strew about, nobody's work."""

_NAMES = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:[/\\]")
_OUTSIDE = Bilingual("its name leads out of the folder", "它的名字指向文件夹之外")
_CONTROL = Bilingual("its name has control characters", "它的名字含有控制字符")
_LINK = Bilingual("it is a link; hand in the file itself", "它是一个链接；请提交文件本身")
_SPECIAL = Bilingual("it is a device or a pipe, not a file", "它是设备或管道，不是普通文件")
_LOCKED = Bilingual(
    "it is protected by a password; hand in the archive without one", "它有密码保护；请提交不带密码的压缩包"
)
_METHOD = Bilingual(
    "it is compressed in an unusual way; hand in an ordinary .zip or .tar.gz",
    "它使用了不常见的压缩方法；请提交普通的 .zip 或 .tar.gz",
)
_CLASH = Bilingual("its name is that of a file and of a folder at once", "它的名字既是文件又是文件夹")
_NAMELESS = Bilingual("this name cannot be kept on this machine", "本机无法保存这样的名字")

register(
    {
        "handed.member": Text(
            "{archive}: '{member}' cannot be taken in: {why}", "{archive}：无法接收“{member}”：{why}"
        ),
        "handed.depth": Text(
            "{archive}: '{member}' lies {found} folders deep; the limit (depth) is {limit}",
            "{archive}：“{member}”上面有 {found} 层文件夹；上限（depth）为 {limit}",
        ),
        "handed.name": Text(
            "{archive}: the name '{member}' is {found} bytes long; the limit (name) is {limit}",
            "{archive}：名字“{member}”长 {found} 字节；上限（name）为 {limit}",
        ),
        "handed.file-bytes": Text(
            "{archive}: '{member}' is too large; the limit for one file (file_bytes) is {limit}",
            "{archive}：“{member}”太大；单个文件的上限（file_bytes）为 {limit}",
        ),
        "handed.bytes": Text(
            "{archive}: its content is too large; the limit (bytes) is {limit}. Hand in what you wrote, without data "
            "and installed libraries",
            "{archive}：内容总量太大；上限（bytes）为 {limit}。请只提交自己编写的文件，不要包含数据和已安装的库",
        ),
        "handed.files": Text(
            "{archive}: it holds too many files and folders; the limit (files) is {limit}. Hand in what you wrote, "
            "without installed libraries",
            "{archive}：文件和文件夹太多；上限（files）为 {limit}。请只提交自己编写的文件，不要包含已安装的库",
        ),
        "handed.ratio": Text(
            "{archive}: what comes out of it is more than {limit} times its own size (the limit is called ratio): "
            "it looks like a decompression bomb",
            "{archive}：解压出的内容超过压缩包本身大小的 {limit} 倍（上限名为 ratio）：疑似压缩炸弹",
        ),
        "handed.disk": Text("cannot write to {folder}: {why}", "无法写入 {folder}：{why}"),
        "handed.occupied": Text(
            "{folder} is not empty; what was handed in goes into a folder of its own",
            "{folder} 不是空文件夹；提交的内容须放入单独的文件夹",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one submission may be.

    ``files``: files and folders; ``file_bytes``: one file; ``bytes``: all; ``depth``: folders above a file;
    ``name``: bytes of a path. ``ratio``: how many times its own size an archive may become, once that is more than
    ``ratio_from`` bytes, for small files of zeros are nobody's attack.
    """

    files: int = 5_000
    file_bytes: int = 64 * MIB
    bytes: int = 256 * MIB
    depth: int = 30
    name: int = 1_000
    ratio: int = 200
    ratio_from: int = 16 * MIB


LIMITS = Limits()


class Refused(InputError):
    """One member of an archive (or of a folder) that is not let in; the others may be."""


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class Member:
    """One thing in an archive or a folder. ``name`` is as found there, with ``/`` between its parts; ``opened`` gives
    its bytes, and may raise what it will. ``modified`` is in seconds since the epoch, where it is known."""

    name: str
    kind: Kind
    opened: Callable[[], AbstractContextManager[Source]]
    executable: bool = False
    modified: float | None = None


_WHY = {"link": _LINK, "special": _SPECIAL, "locked": _LOCKED, "method": _METHOD}


class Budget:
    """What is left of the limits: shared by all the archives and folders that make one submission."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.files = 0
        self.bytes = 0


def shown(name: object) -> str:
    """A name for people: control characters and the like escaped, and no longer than a line."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(name))
    return safe if len(safe) <= 100 else f"{safe[:99]}…"


def sized(count: int) -> str:
    """A number of bytes for people."""
    return f"{count // MIB} MiB" if count >= MIB and count % MIB == 0 else f"{count} B"


def path_of(member: Member, archive: str, limits: Limits) -> tuple[str, ...]:
    """Where a member goes: the parts of its path, none of which leads up or out; empty for the folder itself.

    Raises Refused for a name that is absolute, leads up, has control characters, is too long or too deep.
    """
    name = member.name
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if _ABSOLUTE.match(name) or ".." in parts:
        raise _refused(archive, name, _OUTSIDE)
    if is_junk(parts):
        return parts
    for found, limit in ((len(os.fsencode(name)), limits.name), (longest(parts), NAME_MAX)):
        if found > limit:
            raise Refused("handed.name", archive=archive, member=shown(name), found=found, limit=limit)
    if (depth := len(parts) - 1) > limits.depth:
        raise Refused("handed.depth", archive=archive, member=shown(name), found=depth, limit=limits.depth)
    if any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in name):
        raise _refused(archive, name, _CONTROL)
    return parts


def longest(parts: tuple[str, ...]) -> int:
    """Bytes of the longest part of a path."""
    return max((len(os.fsencode(part)) for part in parts), default=0)


def is_junk(parts: Iterable[str]) -> bool:
    """Whether a path lies in something that is left out."""
    return any(part.lower() in JUNK for part in parts)


def _refused(archive: str, name: str, why: Bilingual) -> Refused:
    return Refused("handed.member", archive=archive, member=shown(name), why=why)


def let_in(
    members: Iterable[Member],
    archive: str,
    budget: Budget,
    refused: Callable[[str, InputError], None] | None = None,
) -> Iterator[tuple[tuple[str, ...], Member]]:
    """Those of ``members`` that may come in, with their paths; junk is left out.

    Raises Refused for the first that may not, or tells ``refused`` (name, why) and goes on; InputError when there are
    too many.
    """
    limits = budget.limits
    for count, member in enumerate(members):
        if count >= 10 * limits.files:  # junk counts too, but not as much
            raise InputError("handed.files", archive=archive, limit=limits.files)
        try:
            parts = path_of(member, archive, limits)
            if not parts or is_junk(parts):
                continue
            if member.kind in _WHY:
                raise _refused(archive, member.name, _WHY[member.kind])
        except Refused as error:
            if refused is None:
                raise
            refused(member.name, error)
            continue
        yield parts, member


def contents(member: Member, archive: str, budget: Budget) -> Iterator[bytes]:
    """The bytes of a member, as they really come, counted.

    Raises Refused when it is more than one file may be, InputError when all is more than all may be; and whatever the
    member's own reader raises.
    """
    limits, size = budget.limits, 0
    with member.opened() as stream:
        while data := stream.read(CHUNK):
            size += len(data)
            budget.bytes += len(data)
            if size > limits.file_bytes:
                limit = sized(limits.file_bytes)
                raise Refused("handed.file-bytes", archive=archive, member=shown(member.name), limit=limit)
            if budget.bytes > limits.bytes:
                raise InputError("handed.bytes", archive=archive, limit=sized(limits.bytes))
            yield data


@contextlib.contextmanager
def disk(folder: Path) -> Iterator[None]:
    """What the disk refuses is the machine's fault, not the student's: raises EnvironmentFault for OSError."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFault("handed.disk", folder=folder, why=error.strerror or error) from None


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[None]:
    """Make ``folder``, which must be new or empty, and remove it again when what is done with it fails.

    Raises InputError when something is in it already (and leaves that alone), EnvironmentFault when it cannot be made.
    """
    with disk(folder):
        if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
            raise InputError("handed.occupied", folder=folder)
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class Writer:
    """Puts members below a folder that is new and its own. Of two of the same name the later wins, as in every tool."""

    def __init__(self, to: Path, archive: str, budget: Budget, *, dated: bool = False) -> None:
        self._to = to
        self._archive = archive
        self._budget = budget
        self._dated = dated
        self._folders: set[tuple[str, ...]] = {()}
        self._files: set[tuple[str, ...]] = set()

    def put(self, parts: tuple[str, ...], member: Member) -> None:
        """Write one member. Raises as ``contents`` does, Refused for a name that clashes, EnvironmentFault for the disk."""
        if member.kind == "folder":
            self._folder(parts, member)
            return
        self._folder(parts[:-1], member)
        if parts in self._folders:
            raise _refused(self._archive, member.name, _CLASH)
        path = self._to.joinpath(*parts)
        self._count()
        if parts in self._files:
            with disk(self._to):
                path.unlink()
        self._files.add(parts)
        mode = 0o755 if member.executable else 0o644
        try:
            self._write(path, mode, member)
        except Exception:  # also what a damaged archive raises: nobody is given half a file
            self._files.discard(parts)
            with disk(self._to):
                path.unlink(missing_ok=True)
            raise

    def _write(self, path: Path, mode: int, member: Member) -> None:
        with self._kept(member):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        try:
            for data in contents(member, self._archive, self._budget):
                with disk(self._to):
                    left = memoryview(data)
                    while left:
                        left = left[os.write(file, left) :]
            with disk(self._to):
                os.fchmod(file, mode)  # whatever the umask
                if self._dated and member.modified is not None:
                    with contextlib.suppress(OverflowError):
                        os.utime(file, (member.modified, member.modified))
        finally:
            os.close(file)

    def _folder(self, parts: tuple[str, ...], member: Member) -> None:
        for length in range(1, len(parts) + 1):
            above = parts[:length]
            if above in self._folders:
                continue
            if above in self._files:
                raise _refused(self._archive, member.name, _CLASH)
            self._count()
            with self._kept(member):
                self._to.joinpath(*above).mkdir(mode=0o755)
            self._folders.add(above)

    @contextlib.contextmanager
    def _kept(self, member: Member) -> Iterator[None]:
        """A name that the file system cannot keep is the member's fault; anything else is the disk's."""
        try:
            with disk(self._to):
                try:
                    yield
                except OSError as error:
                    if error.errno in _NAMES:
                        raise _refused(self._archive, member.name, _NAMELESS) from None
                    raise
        except UnicodeEncodeError:
            raise _refused(self._archive, member.name, _NAMELESS) from None

    def _count(self) -> None:
        self._budget.files += 1
        if self._budget.files > self._budget.limits.files:
            raise InputError("handed.files", archive=self._archive, limit=self._budget.limits.files)


def folder_members(folder: Path) -> Iterator[Member]:
    """Everything below a folder, sorted, links told and not followed, junk left out; or the one file that it is."""
    if not folder.is_dir() or folder.is_symlink():
        yield _of_file(folder, folder.name)
        return
    pending = [("", folder)]
    while pending:
        prefix, here = pending.pop()
        below: list[tuple[str, Path]] = []
        for item in sorted(here.iterdir()):
            if is_junk([item.name]):
                continue
            name = f"{prefix}{item.name}"
            yield (found := _of_file(item, name))
            if found.kind == "folder":
                below.append((f"{name}/", item))
        pending += reversed(below)


def _of_file(path: Path, name: str) -> Member:
    status = path.lstat()
    kind: Kind = "special"
    if stat.S_ISREG(status.st_mode):
        kind = "file"
    elif stat.S_ISDIR(status.st_mode):
        kind = "folder"
    elif stat.S_ISLNK(status.st_mode):
        kind = "link"

    def opened() -> AbstractContextManager[Source]:
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")

    return Member(name, kind, opened, bool(status.st_mode & 0o111), status.st_mtime)


def lift(inner: Path, outer: Path) -> bool:
    """Move all that lies in ``inner`` up into ``outer``, which it is below, and remove it; False, and nothing done,
    where something of the same name is there already."""
    top = outer / inner.relative_to(outer).parts[0]
    names = [item.name for item in inner.iterdir()]
    if any(os.path.lexists(outer / name) for name in names if name != top.name):
        return False
    taken = {*names, *(item.name for item in outer.iterdir())}
    aside = next(outer / f".{n}" for n in range(len(taken) + 1) if f".{n}" not in taken)
    with disk(outer):
        os.rename(top, aside)
        moved = aside / inner.relative_to(top)
        for name in names:
            os.rename(moved / name, outer / name)
        shutil.rmtree(aside)
    return True
