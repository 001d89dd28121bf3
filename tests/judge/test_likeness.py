"""Programs that differ in names, comments and layout only are found; others are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.judge.likeness import LEAST, alike, fingerprint

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted(
    path
    for folder in ("variants", "mutants")
    for path in (ROOT / "tests" / folder).rglob("*")
    if path.suffix in (".py", ".c", ".java", ".js", ".rs") and path.parent.name not in ("__pycache__", folder)
)


def disguised(text: str, suffix: str) -> str:
    """The same program, as somebody would hand it in who had not written it."""
    names = sorted(set(re.findall(r"\b[a-z]+_[a-z_]+\b", text)))
    for number, name in enumerate(names):
        text = re.sub(rf"\b{name}\b", f"renamed{number}", text)
    comment = "# my own work" if suffix == ".py" else "// my own work"
    return "\n".join(f"{line}  {comment}" if line.endswith((":", ")", ";")) else line for line in text.splitlines())


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_disguise_changes_nothing(path: Path):
    text = path.read_text(encoding="utf-8")
    assert fingerprint(text, path.suffix) == fingerprint(disguised(text, path.suffix), path.suffix)


def test_programs_that_are_not_the_same_are_told_apart():
    """The mutants are small changes of a few programs; each has a fault of its own."""
    found = {str(path): [fingerprint(path.read_text(encoding="utf-8"), path.suffix)] for path in PROGRAMS}
    assert all(print != [""] for print in found.values())
    assert [] == [group for group in alike(found) if not any("gbk" in one or "late" in one for one in group)]


def test_short_programs_and_known_ones_are_not_alike():
    assert "" == fingerprint("import socket\n" * (LEAST // 2 - 1), ".py")
    assert [] == alike({"a": ["x"], "b": ["x"]}, known=["x"])
    assert [("a", "b")] == alike({"a": ["x", "x"], "b": ["", "x"], "c": [""], "d": [""]})


@given(st.text(), st.sampled_from([".py", ".c", ""]))
def test_any_text_has_a_fingerprint(text: str, suffix: str):
    assert fingerprint(text, suffix) == fingerprint(text, suffix)
    assert len(fingerprint(text * 200, suffix)) in (0, 64)
