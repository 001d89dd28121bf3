"""A file is written whole or not at all, whatever stood there and whatever happens meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirelab.compose.files import PARTIAL, write_whole


def test_what_was_there_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_whole(file, b"one")
    (tmp_path / f"a.txt{PARTIAL}").write_text("left by one that was killed")
    write_whole(file, iter(["two ", "两", "\udcff"]))
    assert "two 两".encode() + b"\xff" == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())


def test_what_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")

    def pieces() -> Iterator[str]:
        yield "new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(file, pieces())
    assert "old" == file.read_text()
    assert [file] == list(tmp_path.iterdir())


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    write_whole(link, "text")
    assert link.is_symlink()
    assert "text" == file.read_text()


def test_a_pipe_or_a_folder_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match=r"regular|directory"):
            write_whole(tmp_path / name, "text")
    assert {"pipe", "folder"} == {path.name for path in tmp_path.iterdir()}
