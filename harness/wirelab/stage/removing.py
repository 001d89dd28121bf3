"""Removes what untrusted programs have left: closed folders, and folders within folders without end. Knows nothing else."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

SECONDS = 60.0  # for which rm(1) may take


def remove(folder: str | Path) -> bool:
    """Remove a folder with all that is in it; whether it is gone. Follows no links, raises nothing."""
    try:
        shutil.rmtree(folder, onerror=functools.partial(_opened, os.fspath(folder)))
    except FileNotFoundError:
        return True
    except (
        OSError,
        RecursionError,
        TypeError,
    ):  # deeper than Python goes, or what cannot be tried again; coreutils can
        for command in (["chmod", "-R", "u+rwX", "--", str(folder)], ["rm", "-rf", "--", str(folder)]):
            try:
                subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
            except (OSError, subprocess.SubprocessError):
                return False
    return not os.path.lexists(folder)


def _opened(folder: str, function: Callable[[str], object], path: str, _: object) -> None:
    """Open what its owner closed, and try again; what the folder lies in, ``/tmp`` perhaps, is not its owner's."""
    for closed in (os.path.dirname(path), path) if os.fspath(path) != folder else (path,):
        if os.path.isdir(closed) and not os.path.islink(closed):
            os.chmod(closed, 0o700)
    function(path)
