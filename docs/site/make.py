"""Builds the documentation site: gathers the checkout's pages, adds what is generated, and runs mkdocs, strictly.

    python docs/site/make.py [FOLDER]     build into FOLDER (default: site/)

Needs mkdocs-material, and no network. Knows how pages are written here, and nothing of what stands in them: links stay
as they are, because the pages keep their places; what GitHub's Markdown allows and mkdocs' does not is written otherwise.
"""

from __future__ import annotations

import ast
import logging
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import BasePlugin
from mkdocs.structure.pages import Page
from mkdocs.utils.templates import TemplateContext

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "harness")]  # runs from a checkout, installed or not

from docs.site import states  # noqa: E402 - the path is set above
from tests.test_layers import LAYERS, imports, local, package_sources  # noqa: E402
from wirelab.base.texts import Language  # noqa: E402
from wirelab.declare.reference import reference  # noqa: E402
from wirelab.judge.findings import REGISTRY  # noqa: E402
from wirelab.judge.pages import PAGES  # noqa: E402
from wirelab.present import svg  # noqa: E402
from wirelab.present.explain import markdown  # noqa: E402

SOURCES = ("README*.md", "CHANGELOG.md", "LICENSE", "docs/*.md", "labs/README*.md", "labs/*/handout*.md")
GENERATED = "<!-- What follows is written from the models"
FENCE = re.compile(r"^ *(`{3,}|~{3,})")
ITEM = re.compile(r"^( *)([-*+]|\d+[.)]) +")
HAN = re.compile(r"[一-龥，。：；、！？（）“”《》]")
LAYER_PICTURE = "docs/layers.svg"
STATES = re.compile(r"^```mermaid\n.*?^```\n", re.MULTILINE | re.DOTALL)
LAYER_TITLE = "The layers, and which imports which"


def language(name: str) -> Language:
    return "zh" if ".zh." in name else "en"


def gather(folder: Path) -> None:
    """Copy the pages into ``folder``, each to where it lies in the checkout, and write the generated ones."""
    for pattern in SOURCES:
        for source in sorted(ROOT.glob(pattern)):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            target.write_text(rewritten(text) if source.suffix == ".md" else text, encoding="utf-8")
    for name in ("findings.md", "findings.zh.md"):
        pages = [(REGISTRY[code], PAGES[code]) for code in sorted(REGISTRY)]
        (folder / "docs" / name).write_text(rewritten(markdown(pages, language(name))), encoding="utf-8")
    by_hand, found, _ = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8").partition(GENERATED)
    if not found:
        raise SystemExit("docs/scenarios.md does not say any more from where on it is generated")
    (folder / "docs" / "scenarios.md").write_text(rewritten(by_hand + reference()), encoding="utf-8")
    (folder / LAYER_PICTURE).write_text(layers(package_sources()), encoding="utf-8")
    architecture = folder / "docs" / "architecture.md"
    text = architecture.read_text(encoding="utf-8")
    architecture.write_text(text.replace("\n## Layers\n", f"\n## Layers\n\n![{LAYER_TITLE}](layers.svg)\n"), "utf-8")
    (folder / "docs" / "tcp-states.svg").write_text(states.picture(), encoding="utf-8")
    page = folder / "docs" / "tcp-states.md"
    shown = f"![{states.TITLE}](tcp-states.svg)\n\n{states.table()}"
    text = page.read_text(encoding="utf-8")
    if not STATES.search(text):
        raise SystemExit("docs/tcp-states.md has no diagram any more")
    page.write_text(STATES.sub(lambda _: shown, text), encoding="utf-8")  # what draws Mermaid lies elsewhere
    shutil.copy(HERE / "site.css", folder / "docs" / "site.css")


def rewritten(text: str) -> str:
    """A page as mkdocs' Markdown needs it: no comments, four blanks below an item, an empty line before a list."""
    lines: list[str] = []
    fence = ""
    deep: list[tuple[int, int]] = []  # of the items that we are in: where their text begins, and where it shall
    for line in re.sub(r"^ *<!--.*?-->\n", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        bare = line.lstrip(" ")
        column = len(line) - len(bare)
        item = None if fence else ITEM.match(line)
        if bare and not fence:
            while deep and column < deep[-1][0]:
                deep.pop()
        begin, shall = deep[-1] if deep else (0, 0)
        indented = " " * (shall + max(column - begin, 0)) + bare if bare else ""
        if item and column - begin < 4:
            previous = lines[-1] if lines else ""
            if previous.strip() and not deep and not ITEM.match(previous):
                lines.append("")
            deep.append((len(item[0]), shall + 4))
            indented = " " * shall + bare
        if not fence and _goes_on(lines[-1] if lines else "", bare):
            lines[-1] += bare
        else:
            lines.append(indented)
        if found := FENCE.match(line):
            if not fence:
                fence = found[1]
            elif bare.startswith(fence):
                fence = ""
    return "\n".join(lines) + "\n"


def _goes_on(before: str, line: str) -> bool:
    """Whether a line of Chinese goes on in the next one: a browser would put a blank where it is broken."""
    if (
        not before
        or not line
        or re.match(r" *(?:[|#>~<]|```)", before)
        or re.match(r"[|#>~<]|```", line)
        or ITEM.match(line)
    ):
        return False
    return bool(re.search(r"[，。：；、！？）”》]$", before) or (HAN.match(before[-1]) and HAN.match(line)))


def layers(sources: Mapping[str, str]) -> str:
    """The layers as a figure, drawn from the imports in ``sources``: a band a layer, an arrow for each that it imports."""
    counts: Counter[str] = Counter()
    arrows: Counter[tuple[str, str]] = Counter()
    for module, source in sources.items():
        layer = module.partition(".")[0]
        counts[layer] += module != layer
        for other in local(imports(ast.parse(source)), set(sources)):
            arrows[layer, other.partition(".")[0]] += 1
    band, gap, top = 46, 14, 12
    rows = {layer: top + at * (band + gap) for at, layer in enumerate(reversed(LAYERS))}
    across, parts = [], []  # what is drawn first, and what lies upon it
    for layer, y in rows.items():
        parts.append(svg.box(12, y, 250, band, fill="#eef3f9", stroke=svg.BLUE, rx=5))
        parts.append(svg.write(26, y + 28, layer, 16, weight=700))
        parts.append(svg.write(250, y + 28, f"{counts[layer]} modules", 12, svg.GREY, "end"))
    lanes = [layer for layer in LAYERS if any(low == layer != high for high, low in arrows)]
    for at, low in enumerate(lanes):  # one lane for each layer that is imported: from all above it, into it
        x = 300 + at * 58
        high = [layer for layer in LAYERS if layer != low and arrows[layer, low]]
        end = rows[low] + band * 0.7
        begins = [rows[layer] + band * 0.3 for layer in high]
        across += [svg.line(262, begin, x, begin, svg.RULE) for begin in begins]
        parts.append(svg.line(x, min(begins), x, end, svg.BLUE, 1.5))
        for layer, begin in zip(high, begins, strict=True):
            parts.append(svg.dot(x, begin, 3, svg.BLUE))
            parts.append(svg.write(x + 6, begin - 3, str(arrows[layer, low]), 10, svg.GREY))
        parts.append(svg.line(x, end, 270, end, svg.BLUE, 1.5))
        parts.append(svg.path(f"M264 {svg.num(end)}l9 -5v10z", fill=svg.BLUE))
    note = "A dot: imports from here. The arrow: into this layer. The number: how many."
    height = top + len(rows) * (band + gap)
    parts.append(svg.write(12, height + 12, note, 12, svg.GREY))
    return svg.figure(LAYER_TITLE, note, height + 24, *across, *parts, language="en")


class NoOptions(Config):  # type: ignore[no-untyped-call]  # mkdocs leaves this hook without types
    """Nothing can be set."""


class Speaking(BasePlugin[NoOptions]):  # type: ignore[no-untyped-call]
    """Lets what surrounds a page be in the page's language, and its ``html lang`` say so."""

    def on_page_context(self, context: TemplateContext, *, page: Page, config: MkDocsConfig, **_: object) -> None:
        config.theme["language"] = language(page.file.src_uri)


def make(site: Path) -> None:
    """Build the site into ``site``, a new folder, or one with a site, which is replaced. Raises SystemExit when anything is
    wrong: a link, an anchor, a page not in the navigation, a folder with something else in it."""
    if site.exists() and not (site / "404.html").is_file() and (not site.is_dir() or any(site.iterdir())):
        raise SystemExit(f"{site} holds something else than a site: name a new folder")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pages"
        gather(folder)
        written = load_config(str(HERE / "mkdocs.yml"), docs_dir=str(folder), site_dir=str(site), strict=True)
        written.plugins["wirelab"] = Speaking()
        written.plugins.on_startup(command="build", dirty=False)
        try:
            build(written)
        finally:
            written.plugins.on_shutdown()
    (site / "sitemap.xml").unlink(missing_ok=True)  # names an address, and there is none
    (site / "sitemap.xml.gz").unlink(missing_ok=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    make(Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "site")
