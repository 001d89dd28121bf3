"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.command import Command


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command in an empty folder; whatever a test did with it, nothing that it started may be left."""
    command = Command(tmp_path)
    yield command
    command.gone()
