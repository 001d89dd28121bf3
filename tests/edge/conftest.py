"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.command import Command


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """For commands that start nothing, and so can run inside the test: an empty folder, and English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return tmp_path


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command in an empty folder; whatever a test did with it, nothing that it started may be left."""
    command = Command(tmp_path)
    yield command
    command.gone()
