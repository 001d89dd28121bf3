"""What authors' regular expressions may be."""

from __future__ import annotations

import pytest

from wirelab.base.texts import catalogue
from wirelab.declare.patterns import mistake

WRONG = [
    ("(", "pattern.regex", 0),
    ("ab[", "pattern.regex", 2),
    ("a{99999999999999999999}", "pattern.regex", None),
    ("[[a]", "pattern.regex", None),  # will mean something else one day
    ("(a+)+$b", "pattern.nested", 4),
    (r"x(\w+\s?)*", "pattern.nested", 9),
    ("(a{1,9}){2,}", "pattern.nested", 8),
    ("((a|b*)c)*", "pattern.nested", 9),
    ("(a+(b)c)*", "pattern.nested", 8),
    ("(a+){10}", "pattern.nested", 4),
    ("(a+){0,10}", "pattern.nested", 4),
    ("(a+){,}", "pattern.nested", 4),
]


@pytest.mark.parametrize(("pattern", "key", "at"), WRONG)
def test_what_is_wrong_is_told_with_its_place(pattern: str, key: str, at: int | None) -> None:
    found = mistake(pattern)
    assert found is not None
    assert (key, at) == (found.key, found.at)
    assert ("what" in found.values) == (key == "pattern.regex")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a+b*",
        "(ab)+",
        "(a++)+",
        "(a*){1}",
        r"(\d{1,3}\.){3}\d{1,3}",
        "(a+){9}",
        "(a+){,9}",
        "(a+){}",
        "(a{3})*",
        r"(\+)+",
        "[+*]*",
        "([]+]a)+",
        "([^]*]a)+",
        "(?:a|b)+c",
        "Received .*: (.+)",
    ],
)
def test_what_cannot_take_for_ever_may_be_written(pattern: str) -> None:
    assert mistake(pattern) is None


def test_every_text_is_produced() -> None:
    own = {key for key in catalogue() if key.startswith("pattern.")}
    assert own == {key for _, key, _ in WRONG}
