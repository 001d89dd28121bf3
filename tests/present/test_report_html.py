"""A report as HTML: read as a browser reads it, for what it shows and for what it may do."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.present.report_notebooks import based, code, markdown, notebook, png, report, shown, streamed, svg
from wirelab.base.texts import LANGUAGES, Language
from wirelab.present.report.document import FIGURE_HEIGHT, PIXEL, TEXT_WIDTH, Part, Report
from wirelab.present.report.html_writer import ATTRIBUTES, PARTS, TAGS, _el, write_html
from wirelab.present.report.notebook_reader import document_of

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x00'


class Page(HTMLParser):
    """All elements with their attributes, and all text but the style's."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.style = self.text = ""
        self._in_style = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(*cells: dict[str, Any], language: Language = "en") -> Page:
    return Page(write_html(document_of(notebook(list(cells), language))))


def harmless(made: Page) -> None:
    """A page runs nothing, loads nothing, and leads nowhere."""
    names = {name for name, _ in made.elements}
    assert names <= TAGS | {"html", "head", "meta", "title", "style", "body"}
    assert not names & set("script iframe object embed link base form svg a video audio".split())
    for name, attributes in made.elements:
        of_the_head = (
            {"charset", "name", "content", "http-equiv"} if name == "meta" else {"lang"} if name == "html" else set()
        )
        assert set(attributes) <= ATTRIBUTES | of_the_head, name
        assert all(not key.startswith("on") and key not in ("style", "href") for key in attributes)
    for image in made.all("img"):
        assert re.fullmatch(r"data:image/(png|jpeg|svg\+xml);base64,[A-Za-z0-9+/=]+", image["src"] or "")
    assert "url(" not in made.style
    assert "@import" not in made.style
    assert "expression" not in made.style


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_as_a_page(language: Language) -> None:
    made = Page(write_html(document_of(report(language))))
    harmless(made)
    assert ("zh-Hans" if language == "zh" else "en") == made.all("html")[0]["lang"]
    classes = [(attributes.get("class") or "").split() for attributes in made.all("section")]
    assert set("title fields section question answer evidence explore code comment notes".split()) <= {
        name for names in classes for name in names
    }
    assert sum("break" in names for names in classes) == 2
    for text in ("3911204771", "李雷" if language == "zh" else "Li Lei", "HEARTBEAT-ACK", "explored"):
        assert text in made.text
    assert "secret_call" not in made.text
    assert ("第 " if language == "zh" else "Page ") in made.style
    assert any("high-60" in (attributes.get("class") or "") for attributes in made.all("div"))
    assert "min-height:60mm" in made.style


def test_the_policy_allows_the_sheet_that_is_there_and_pictures_in_the_page() -> None:
    made = page(markdown("x"))
    digest = base64.b64encode(hashlib.sha256(made.style.encode()).digest()).decode()
    (policy,) = (meta["content"] for meta in made.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    expected = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    assert expected == policy
    assert len(made.all("style")) == 1


def test_hostile_texts_stay_texts() -> None:
    attached = markdown(f"![{EVIL}](attachment:a)")
    attached["attachments"] = {"a": {"image/png": based(png())}}
    evil_svg = svg().replace("<rect", "<script>alert(1)</script><image href='http://a.b/c'/><rect", 1)
    made = page(
        markdown(
            f"# {EVIL}\n\n{EVIL}\n\n- {EVIL}\n\n|{EVIL}|\n|-|\n|{EVIL}|\n\n```{EVIL}\n{EVIL}\n```", f"title {EVIL}"
        ),
        markdown("[a](javascript:alert(1)) <javascript:alert(1)> ![b](http://a.b/c.png) ![d](file:///etc/passwd)"),
        attached,
        code(EVIL, [streamed(EVIL), shown({"text/plain": EVIL}), shown({"text/html": EVIL}), shown({EVIL: EVIL})]),
        code("", [shown({"image/svg+xml": evil_svg, "text/plain": EVIL}), shown({"text/markdown": EVIL})], "evidence"),
        code("", [{"output_type": "error", "ename": EVIL, "evalue": EVIL, "traceback": [EVIL]}]),
    )
    harmless(made)
    assert "<script>alert(1)</script>" in made.text
    assert "⟨U+202E⟩" in made.text
    assert "\u202e" not in made.text
    assert made.text.count("alert") > 8
    assert len(made.all("img")) == 2


def test_drawings_are_pictures_in_the_size_they_have_on_paper() -> None:
    both = {"image/svg+xml": svg(400, 200), "image/png": based(png(800, 400))}
    first, second = page(code("", [shown(both), shown({"image/png": based(png(80, 4000))})], "evidence")).all("img")
    assert (first["src"] or "").startswith("data:image/svg+xml;base64,")
    assert ("400", "200") == (first["width"], first["height"])
    assert float(second["height"] or 0) * PIXEL == pytest.approx(FIGURE_HEIGHT, abs=0.3)
    assert float(first["width"] or 0) * PIXEL <= TEXT_WIDTH


def test_a_form_has_cells_that_reach_over_others() -> None:
    made = page(markdown("|||||\n|-|-|-|-|\n|**A**|1|**B**|2|\n|**C**|long|||", "fields"))
    assert [{"class": "form"}] == made.all("table")
    assert [None, None, None, None, None, "3"] == [cell.get("colspan") for cell in made.all("td")]
    assert ["label", None, "label", None, "label", None] == [cell.get("class") for cell in made.all("td")]
    assert sum(float((column["width"] or "")[:-1]) for column in made.all("col")) == pytest.approx(100, abs=0.1)


def test_what_a_page_may_never_have_is_a_bug() -> None:
    for tag, attributes in (("script", {}), ("p", {"onclick": "x"}), ("img", {"src": "http://a.b/c.png"})):
        with pytest.raises(ValueError, match="no report may have"):
            _el(tag, **attributes)
    assert {"script", "a", "svg", "iframe"}.isdisjoint(TAGS)
    assert {"href", "style"}.isdisjoint(ATTRIBUTES)
    assert "" not in PARTS


def test_names_that_are_foreign_make_no_class() -> None:
    made = Page(write_html(Report("en", EVIL, (Part("evil break", ()), Part("notes", ())))))
    assert [{}, {"class": "notes"}] == made.all("section")
