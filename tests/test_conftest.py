"""In CI a test that cannot run has failed: tests/conftest.py, tried on a small suite of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = {
    "test_mark.py": """
        import pytest
        @pytest.mark.skipif(True, reason="needs tshark")
        def test_mark(): ...
    """,
    "test_call.py": """
        import pytest
        def test_call(): pytest.skip("needs nft")
    """,
    "test_module.py": """
        import pytest
        pytest.skip("needs java", allow_module_level=True)
    """,
    "test_other.py": """
        import pytest
        def test_other(): pytest.skip("only on Tuesdays")
        def test_sound(): pass
    """,
}


def play(folder: Path, ci: str | None) -> str:
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    for name, text in SUITE.items():
        (folder / name).write_text("\n".join(line[8:] for line in text.splitlines()), encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "-o",
        "addopts=",
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env=env | ({"CI": ci} if ci else {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("ci", [None, ""])
def test_elsewhere_it_is_forgiven_and_told(tmp_path: Path, ci: str | None) -> None:
    said = play(tmp_path, ci)
    assert "1 passed, 4 skipped" in said
    assert "not checked on this machine" in said
    assert all(f"1 x needs {tool}\n" in said for tool in ("tshark", "nft", "java"))


def test_in_ci_it_fails_and_other_skips_stay(tmp_path: Path) -> None:
    said = play(tmp_path, "true")
    assert "1 failed, 1 passed, 1 skipped, 2 errors" in said
    assert all(f"may be skipped, and this test needs {tool}\n" in said for tool in ("tshark", "nft", "java"))
