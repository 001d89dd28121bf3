"""Writes a file whole or not at all. Says nothing to people: whoever calls has words for what failed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

PARTIAL = ".partial"  # what a name ends with while its file is being written


def write_whole(path: Path, data: str | bytes | Iterable[str]) -> None:
    """Write a file, perhaps in pieces: text as UTF-8, with the bytes that a name may hold and UTF-8 cannot carry. What
    was there stays until all is written. Where the name is a symbolic link, the file that it leads to is written.

    Raises OSError; IsADirectoryError, or FileExistsError for what is no regular file, a device say, which would be gone.
    """
    target = Path(os.path.realpath(path))
    with contextlib.suppress(FileNotFoundError):
        mode = target.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise FileExistsError(None, "not a regular file")
    part = target.with_name(target.name + PARTIAL)
    try:
        part.unlink(missing_ok=True)  # left by one that was killed
        with part.open("xb") as file:
            for piece in (data,) if isinstance(data, str | bytes) else data:
                file.write(piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogateescape"))
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
