"""The documentation site: it builds strictly, in both languages, and no page of it loads anything from elsewhere."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.guides import ROOT
from wirelab.observe.tcpstate import TRANSITIONS, State

pytestmark = pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="needs mkdocs-material")
MAKE = ROOT / "docs" / "site" / "make.py"
LOADS = {"src", "srcset", "poster", "data", "action", "style"}  # attributes by which a page loads
AWAY = re.compile(r"(?:https?:)?//(?!localhost)\w", re.IGNORECASE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "http_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    command = [sys.executable, str(MAKE), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert (0, "") == (done.returncode, done.stderr), done.stderr
    return folder


class Loaded(HTMLParser):
    """What a page loads when it is shown: a link that somebody may follow is not that."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        values = [value for name, value in given.items() if name in LOADS]
        if tag in ("link", "image", "use"):
            values += [given.get("href", ""), given.get("xlink:href", "")]
        self.found += [f"{tag}: {value}" for value in values if AWAY.search(value)]


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 35
    assert {} == {
        str(page.relative_to(site)): found for page in pages if (found := Loaded(page.read_text("utf-8")).found)
    }


def test_no_stylesheet_and_no_picture_loads_anything_from_elsewhere(site: Path) -> None:
    for file in (*site.rglob("*.css"), *site.rglob("*.svg")):
        assert [] == re.findall(r"(?:url\(|@import|href=)\s*[\"']?(?:https?:)?//[^\s)]*", file.read_text("utf-8")), file


def test_each_page_is_in_its_own_language(site: Path) -> None:
    for page in site.rglob("*.html"):
        (told,) = re.findall(r'<html lang="([^"]+)"', page.read_text("utf-8"))
        assert told == ("zh" if page.name.endswith(".zh.html") else "en"), page


def test_what_is_generated_is_there(site: Path) -> None:
    assert 'id="WL302"' in (site / "docs" / "findings.html").read_text("utf-8")
    assert 'id="WL302"' in (site / "docs" / "findings.zh.html").read_text("utf-8")
    assert "half-closes" in (site / "docs" / "scenarios.html").read_text("utf-8")
    picture = (site / "docs" / "layers.svg").read_text("utf-8")
    assert all(f">{layer}<" in picture for layer in ("base", "observe", "judge", "edge"))
    assert 'src="layers.svg"' in (site / "docs" / "architecture.html").read_text("utf-8")


def test_the_states_of_a_connection_are_a_picture_and_a_table(site: Path) -> None:
    page = (site / "docs" / "tcp-states.html").read_text("utf-8")
    assert 'src="tcp-states.svg"' in page
    assert "stateDiagram" not in page
    cells = [tuple(re.findall("<td>(.*?)</td>", row)) for row in re.findall("<tr>(.*?)</tr>", page, re.DOTALL)]
    assert [(*map(str, row),) for row in TRANSITIONS] == [tuple(map(unescape, row)) for row in cells if row]
    picture = (site / "docs" / "tcp-states.svg").read_text("utf-8")
    assert {*State} <= set(re.findall(">([A-Z0-9-]+)</text>", picture))
    arrows = {(row.state, row.target) for row in TRANSITIONS if not row.event.endswith("RST")}
    assert len(arrows) == picture.count("<path")
    assert all(f">{row.event}" in picture for row in TRANSITIONS if not row.event.endswith("RST"))


def test_lists_and_code_of_pages_come_out_as_such(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = re.sub(r"<pre.*?</pre>|<code.*?</code>", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert "```" not in text, page
        assert "<!-- output" not in text, page
        assert not re.search(r"<p>(?:[^<]|<(?!/p>))*\n(?:- |\d\. )", text), page


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("everything")
    done = subprocess.run(
        [sys.executable, str(MAKE), str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (1, "") == (done.returncode, done.stdout)
    assert "holds something else than a site" in done.stderr
    assert ["thesis.txt"] == [one.name for one in tmp_path.iterdir()]
