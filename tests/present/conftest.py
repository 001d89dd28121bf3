"""Golden files: what wirelab shows, kept as text. ``pytest tests/present --record`` writes them; then read the diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", action="store_true", help="write the golden files of tests/present anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, list[str]], None]:
    """Compares lines with a golden file, whole."""

    def compare(name: str, lines: list[str]) -> None:
        path = GOLDEN / f"{name}.txt"
        # The default holds where tests of other folders are run as well: pytest then reads this file too late.
        if request.config.getoption("--record", default=False):
            path.write_text("\n".join(lines) + "\n", "utf-8")
        assert path.exists(), f"there is no {path.name}: run pytest tests/present --record"
        assert path.read_text("utf-8").splitlines() == lines

    return compare
