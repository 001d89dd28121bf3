"""The reference page in the docs is the one that the models write."""

from __future__ import annotations

from pathlib import Path

from wirelab.declare.reference import reference
from wirelab.declare.steps import BY_VERB

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scenarios.md"


def test_the_page_is_up_to_date():
    _, _, generated = PAGE.read_text(encoding="utf-8").partition("-->\n\n")
    assert reference() == generated, "renew docs/scenarios.md with `wirelab schema --reference`"


def test_every_step_has_a_chapter():
    chapters = [line for line in reference().splitlines() if line.startswith("### ")]
    assert [] == [
        verb for verb in BY_VERB if not any(f"{{{verb}: " in line or f": {verb}, " in line for line in chapters)
    ]
