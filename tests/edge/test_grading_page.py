"""The page on grading, in both languages: its commands can be given, its links lead somewhere, its numbers are those of
the code."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from wirelab.compose.members import LIMITS, MIB
from wirelab.compose.roster import COLUMNS, bare
from wirelab.edge import cli
from wirelab.stage.sandbox import Limits

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / f"{name}{suffix}" for name in ("grading", "exports") for suffix in (".md", ".zh.md")]
GRADING = PAGES[:2]


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def commands(page: Path) -> list[list[str]]:
    """The words of each command of wirelab in the page's shell blocks; what a shell redirects is not its affair."""
    lines = (line for block in re.findall(r"```sh\n(.*?)```", text(page), re.DOTALL) for line in block.splitlines())
    return [shlex.split(line.partition(" >> ")[0])[1:] for line in lines if line.startswith("wirelab ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_can_be_given(page: Path) -> None:
    found = commands(page)
    assert found
    for words in found:
        assert cli._parser().parse_args(words).command


@pytest.mark.parametrize(("english", "chinese"), [PAGES[:2], PAGES[2:]], ids=["grading", "exports"])
def test_both_languages_show_the_same_commands_and_parts(english: Path, chinese: Path) -> None:
    translated = [[word.replace("名单.csv", "participants.csv") for word in words] for words in commands(chinese)]
    assert commands(english) == translated
    assert len(re.findall(r"^##+ ", text(english), re.M)) == len(re.findall(r"^##+ ", text(chinese), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", text(page)):
        file, _, anchor = target.partition("#")
        there = (page.parent / file) if file else page
        assert there.is_file(), target
        titles = re.findall(r"^#+ (.*)$", text(there), re.M)
        assert not anchor or anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", GRADING, ids=lambda page: page.name)
def test_limits_are_those_of_the_code(page: Path) -> None:
    rows = dict(re.findall(r"^\| (`\w+`(?:、`\w+`|, `\w+`)?) \| (.*) \|$", text(page), re.M))
    told = {tuple(re.findall(r"\w+", name)): re.sub(r"(\d) (\d{3})", r"\1\2", value) for name, value in rows.items()}
    numbers = {name: [int(number) for number in re.findall(r"\d+", value)] for name, value in told.items()}
    assert [LIMITS.files] == numbers["files",]
    assert [LIMITS.file_bytes // MIB, LIMITS.bytes // MIB] == numbers["file_bytes", "bytes"]
    assert [LIMITS.depth, LIMITS.name] == numbers["depth", "name"]
    assert {LIMITS.ratio, LIMITS.ratio_from // MIB} == set(numbers["ratio",])
    limits = Limits()
    for word in (f"{limits.memory // (1024 * MIB)} GiB", f"{limits.processes} ", f"{limits.disk // MIB} MiB"):
        assert word in text(page)


@pytest.mark.parametrize("page", GRADING, ids=lambda page: page.name)
def test_columns_of_a_roster_are_those_that_are_known(page: Path) -> None:
    part = re.split(r"^## ", text(page), flags=re.M)[-4]
    table = [line.split("|")[2] for line in part.splitlines() if line.startswith("|")][2:]
    told = {
        bare(word) for cell in table for word in re.findall(r"`([^`]+)`|([一-龥]+(?=[,，]|$))", cell) for word in word
    }
    assert 20 < len(told)
    known = {heading for headings in COLUMNS.values() for heading in headings}
    assert {word for word in told if word} - {"en", "zh"} <= known
