"""docs/reports.md, in both languages: what it shows is what is; its commands are ones, and its files are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import get_args

import pytest

from tests.compose.report_sources import LAB_TEXT
from wirelab.compose import report
from wirelab.declare.lab import parse_lab
from wirelab.declare.report_form import Part, Section
from wirelab.edge import cli
from wirelab.edge.reporting import COMMANDS
from wirelab.judge.questions.bank import BANK

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("reports.md", "reports.zh.md")


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    inline = re.findall(r"`(wirelab [^`]+)`", text)
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("wirelab ")] + inline


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_one(page: str) -> None:
    found = commands(page)
    assert len(found) >= 8
    for line in found:
        words = shlex.split(line.partition("#")[0].partition(">")[0])[1:]
        if words in (["report", "check"], ["report", "new"], ["report", "export"]):
            continue  # named, not written out
        cli._parser().parse_args(words)


@pytest.mark.parametrize("page", PAGES)
def test_its_files_are_read(page: str, tmp_path: Path) -> None:
    (student,) = blocks(page, "toml")
    file = tmp_path / "me.toml"
    file.write_text(student, encoding="utf-8")
    assert {"number", "name", "week"} <= report.load_student(file, report.load_form(None)).keys()
    (asked,) = blocks(page, "yaml")
    lab = parse_lab(LAB_TEXT[: LAB_TEXT.index("report:")] + asked, "lab.yaml")
    assert lab.report is not None
    assert {one.kind for one in lab.report.questions} <= BANK.keys()


@pytest.mark.parametrize("page", PAGES)
def test_it_names_every_command_and_every_part_of_a_form(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert all(f"report {name}" in text for name in COMMANDS)
    assert all(f"| `{part}` |" in text for part in get_args(Part))
    assert all(re.search(rf"`{name}\b", text) for name in Section.__struct_fields__)
