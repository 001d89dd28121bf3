"""The pages do what they say: worked through in an empty folder. And every one: commands are ones, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.docs import given as readers
from tests.docs import guides
from tests.edge.command import Command
from wirelab.edge import cli

ROOT = guides.ROOT
PAGES = sorted(
    path
    for pattern in ("README*.md", "docs/*.md", "labs/README*.md", "labs/*/handout*.md")
    for path in ROOT.glob(pattern)
    if not path.name.startswith("findings")  # generated, and compared elsewhere
)
TAUGHT = [page for page in PAGES if page in guides.WORKED or page.name in ("analyze.md", "analyze.zh.md")]
# What stands in these is run by tests of their own: tests/labs/test_labs.py, tests/edge/test_editors.py, test_pytest_stage.py.
ELSEWHERE = re.compile(r"(handout|editors|pytest)(\.zh)?\.md$")
FENCED = re.compile(r"^ *(```+)(\w*)\n(.*?)^ *\1\n", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def command(tmp_path: Path):
    command = Command(tmp_path)
    yield command
    command.gone()


def prints(page: Path) -> bool:
    return re.search("^ *<!-- output", page.read_text(encoding="utf-8"), re.MULTILINE) is not None


# A page that shows no output gives the same commands in both languages: one of them is enough.
@pytest.mark.parametrize(
    "page", [one for one in guides.WORKED if prints(one) or guides.language(one) == "en"], ids=name
)
def test_a_page_can_be_worked_through(page: Path, command: Command) -> None:
    text = page.read_text(encoding="utf-8")
    if re.search("^wirelab grade", text, re.MULTILINE) and shutil.which("bwrap") is None:
        pytest.skip("needs bubblewrap")
    shown = [(one.line, one.told, one.seen) for one in guides.work_through(page, command)]
    assert len(re.findall("^ *<!-- output", text, re.MULTILINE)) == len(shown)
    for line, told, seen in shown:
        assert told == seen, f"{line}: renew it with python -m tests.docs.guides {name(page)}"


@pytest.mark.parametrize("page", [page for page in PAGES if not ELSEWHERE.match(page.name)], ids=name)
def test_every_command_and_output_is_run_or_says_why_not(page: Path) -> None:
    """A block that the work leaves out says so, in the page; and so does whoever writes the next one."""
    text = page.read_text(encoding="utf-8")
    worked = [one for one in guides.blocks(text) if page in guides.WORKED or one.kind in ("not run", "example")]
    known = {one.text for one in worked if one.kind in ("run", "not run", "example") or one.kind.startswith("output")}
    assert [] == [block for _, lexer, block in FENCED.findall(text) if lexer in ("sh", "text") and block not in known]


def spoken(block: guides.Block) -> str:
    """What a block has in either language: not its comments, the names in it, and that one of its commands is to speak Chinese."""
    if block.kind == "file" and block.about.endswith(".toml"):
        return re.sub('".*"', '""', block.text)
    text = re.sub(r" +#.*", "", block.text).replace(" --lang zh", "")
    return text.replace(readers.ROSTERS["zh"][0], readers.ROSTERS["en"][0])


@pytest.mark.parametrize("english", guides.WORKED[::2], ids=name)
def test_both_languages_of_a_page_have_the_same_parts(english: Path) -> None:
    chinese = english.with_name(english.name.replace(".md", ".zh.md"))
    told = [page.read_text(encoding="utf-8") for page in (english, chinese)]
    parts = [[(one.kind, one.about, spoken(one)) for one in guides.blocks(text)] for text in told]
    given = [[part for part in each if not part[0].startswith(("output", "example"))] for each in parts]
    assert given[0] == given[1]
    outputs = [[part[0] for part in each] for each in parts]
    assert outputs[0] == outputs[1]
    assert len(re.findall(r"^## ", told[0], re.M)) == len(re.findall(r"^## ", told[1], re.M))


def given(page: Path) -> list[str]:
    """The commands of wirelab that stand in a page's shell blocks."""
    lines = []
    for _, lexer, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if lexer in ("", "sh"):
            joined = block.replace("\\\n", " ")
            lines += [line.strip().removeprefix("$ ") for line in joined.splitlines()]
    return [line for line in lines if line.startswith("wirelab ")]


@pytest.mark.parametrize("page", [page for page in PAGES if page.parts[-2] != "docs" or page in TAUGHT], ids=name)
def test_every_command_can_be_given(page: Path) -> None:
    found = given(page)
    assert found
    for line in found:
        words = shlex.split(re.split(r" >>? ", line)[0], comments=True)[1:]
        assert cli._parser().parse_args(words).command, line


@pytest.mark.parametrize("page", TAUGHT, ids=name)
def test_every_command_that_is_named_is_one(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    named = {" ".join(one.split()) for one in re.findall(r"`wirelab (?!`)([a-z][^`]*)`", prose)}
    for one in named:
        words = shlex.split(one)
        nested = words[: {"report": 2, "new": 2, "export": 3}.get(words[0], 1)]
        with pytest.raises(SystemExit) as end:
            cli._parser().parse_args([*nested, "--help"])
        assert 0 == end.value.code, one
        known = capsys.readouterr().out
        assert [] == [word for word in words if word.startswith("-") and word not in known], one


def anchors(page: Path) -> set[str]:
    """Where links may lead within a page, as GitHub names its headings."""
    text = page.read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.is_file(), target
        assert not anchor or anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_of_the_checkout_that_is_named_is_there(page: Path) -> None:
    prose = FENCED.sub("", page.read_text(encoding="utf-8"))
    named = set(re.findall(r"`((?:docs|labs|reference|harness|tests|bench|scenarios)/[\w./-]+)`", prose))
    missing = {one for one in named if not (ROOT / one).exists() and not (ROOT / "harness" / one).exists()}
    own = {"scenarios/notice-board/in-pieces.yaml"}  # of the lab that a guide writes
    assert set() == missing - own
