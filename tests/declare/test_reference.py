"""The references in the docs are those that the models write, and all that they say may be written can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wirelab.base.texts import Language
from wirelab.declare.reference import reference
from wirelab.declare.steps import BY_VERB
from wirelab.declare.trace import Variation
from wirelab.declare.trace_line import ANY, CLAUSES, DATA, FIELDS, FLAGS, NONE
from wirelab.declare.trace_reader import WORDS, read_trace
from wirelab.declare.trace_reference import NOTATION, notation
from wirelab.declare.trace_words import ESCAPES, UNITS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "scenarios.md"
BEFORE = "alice > server ACK seq=x as beat\nalice > server ACK seq=n\n"
# Where in a trace it stands, if not behind the flags of a line.
AT = {
    "segment": "{}",
    "data": "alice > server {}",
    "any-flags": "alice > server {}",
    "fields": "alice > server ACK {}1",
    "number": "alice > server ACK seq={}",
    "symbol": "alice > server ACK seq={}",
    "label": "alice > server ACK {}\nalice > server ACK after 1s of other",
    "gap": "{}",
    "comment": "{}",
}
BLOCKS = {
    "either": "{0}\n alice > server FIN\n{1}\n {2}\n{3}",
    "any-order": "{0}\n {1}\n alice > server FIN\n alice > server RST\n {2}\n{2}",
}


def test_the_page_is_up_to_date():
    _, _, generated = PAGE.read_text(encoding="utf-8").partition("-->\n\n")
    assert reference() == generated, "renew docs/scenarios.md with `wirelab schema --reference`"


def test_every_step_has_a_chapter():
    chapters = [line for line in reference().splitlines() if line.startswith("### ")]
    assert [] == [
        verb for verb in BY_VERB if not any(f"{{{verb}: " in line or f": {verb}, " in line for line in chapters)
    ]


@pytest.mark.parametrize(("name", "language"), [("traces.md", "en"), ("traces.zh.md", "zh")])
def test_the_notation_on_the_page_is_up_to_date(name: str, language: Language):
    text = (DOCS / name).read_text(encoding="utf-8")
    command = f"wirelab schema --reference --of trace --lang {language}"
    _, found, generated = text.partition(
        f"<!-- Written from the models: `{command}` prints it, a test compares. -->\n\n"
    )
    assert found
    assert generated.startswith(notation(language) + "\n**"), f"renew docs/{name} with `{command}`"


@pytest.mark.parametrize("kind", NOTATION)
def test_what_may_be_written_can_be_read(kind: str):
    written = [word.replace("as beat", "as other") if kind == "label" else word for word in NOTATION[kind]]
    if kind in BLOCKS:
        read_trace(BEFORE + BLOCKS[kind].format(*written))
        return
    for word in written:
        if kind == "strict":
            read_trace(f"{word}\n{BEFORE}")
        else:
            read_trace(BEFORE + AT.get(kind, "alice > server ACK {}").format(word))


def test_every_word_of_the_notation_stands_in_its_reference():
    told = set(re.findall(r"[\w-]+|\.\.\.|\*", " ".join(re.findall("`(.+?)`", notation("en")))))
    words = {part for word in WORDS for part in word.split()}
    assert set() == {*words, *CLAUSES, *FLAGS, *FIELDS, *UNITS, *Variation, DATA, ANY, NONE, "of", "message"} - told
    assert all(f"`\\{letter}`" in notation("en") for letter in ESCAPES)
