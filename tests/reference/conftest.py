"""The fixture that every test of the reference programs sits at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reference.dialogue import Table, table


@pytest.fixture
def here() -> Iterator[Table]:
    with table() as one:
        yield one
