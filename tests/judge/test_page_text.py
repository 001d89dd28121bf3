"""Indented texts become paragraphs, programs and pictures, and nothing is lost on the way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wirelab.judge.page_text import flow, page, unindented
from wirelab.present.style import wrap


def test_lines_of_a_paragraph_are_joined_as_each_language_joins_them():
    assert flow("one\n      two\n") == "one two"
    assert flow("一行\n  又一行") == "一行又一行"
    assert flow("调用\n  close() 之后") == "调用 close() 之后"
    assert flow("之后，\n  close()") == "之后，close()"
    assert flow("close()\n  ，然后") == "close()，然后"


@settings(deadline=None)
@given(
    st.lists(
        st.text("abcdefghij'()", min_size=1, max_size=9) | st.text("一行又调用内核的报文段", min_size=1, max_size=9),
        min_size=1,
        max_size=20,
    ),
    st.integers(12, 60),
)
def test_a_wrapped_paragraph_is_the_paragraph_again(words, width):
    text = words[0]
    for word in words[1:]:
        text += word if text[-1] > "\u2e80" and word[0] > "\u2e80" else f" {word}"
    assert flow("\n   ".join(wrap(text, width))) == text


def test_a_block_loses_the_indentation_it_shares():
    assert unindented("\n        if x:\n            y()\n\n        z()\n        ") == ["if x:", "    y()", "", "z()"]
    assert unindented("") == []


def test_a_program_ends_where_to_look_and_its_marks_are_translated():
    made = page(
        seen=("a", "甲"),
        why=("b", "乙"),
        where=("Look\n    here.", "看\n    这里。"),
        code="""
            x = 1      # wrong

            x = 2      # right
            """,
        source="recv(2)",
        picture="""
            client
               |
            """,
    )
    assert made.where.en == "Look here.\n\n    x = 1      # wrong\n\n    x = 2      # right"
    assert made.where.zh == "看这里。\n\n    x = 1      # 错误\n\n    x = 2      # 正确"
    assert made.picture == "client\n   |"


def test_a_page_needs_no_program():
    made = page(seen=("a", "甲"), why=("b", "乙"), where=("c", "丙"), source="recv(2)", picture="|")
    assert (made.where.en, made.where.zh) == ("c", "丙")
