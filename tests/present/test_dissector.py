"""The Wireshark dissector made from a profile: its Lua cannot be broken out of, its patterns mean what they meant.

What Wireshark then makes of captures is tested with tshark in ``tests/edge/test_dissector.py``.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.base.errors import AuthorError
from wirelab.observe.framing import Framing
from wirelab.observe.messages import MessageSpec, Profile
from wirelab.present.dissector import dissector, filter_name, quoted
from wirelab.present.dissector_patterns import translated

HOSTILE = '"]]--os.execute("id")\n\\0%s$(id)`id`\u2028'


def profile(*messages: MessageSpec, name: str = "mine", kind: str = "line") -> Profile:
    return Profile(name, Framing(kind), messages)  # type: ignore[arg-type]


def unquoted(literal: str) -> str:
    """What Lua makes of a literal that ``quoted`` wrote."""
    assert re.fullmatch(r'"([A-Za-z0-9 _.,:/()=+*-]|\\[0-9]{3})*"', literal), "a literal of one line, nothing to end it"
    parts = re.findall(r"\\([0-9]{3})|(.)", literal[1:-1])
    return bytes(int(code) if code else ord(plain) for code, plain in parts).decode("utf-8", "surrogatepass")


@given(st.text())
def test_any_text_is_one_literal_and_means_itself(text: str):
    assert text == unquoted(quoted(text))


def test_nothing_of_a_hostile_profile_stands_in_the_script_as_it_is():
    message = MessageSpec("a", "client", re.escape(HOSTILE) + "(?P<text>.*)", HOSTILE + "{text}")
    text = dissector(profile(message, name=HOSTILE))
    table = text[text.index("local PROFILE") : text.index("local rex")]
    assert re.fullmatch(r"[A-Za-z0-9_=,{}\s]*", re.sub(r'"(?:[A-Za-z0-9 _.,:/()=+*-]|\\[0-9]{3})*"', "", table)), table


def test_names_for_filters_are_what_wireshark_takes():
    spec = MessageSpec("chat-line", "client", "(?P<文>a)(?P<Text>b)(?P<group1>c)", "abc")
    text = dissector(profile(spec, name="my-own"))
    found = [unquoted(literal) for literal in re.findall(r'filter = ("[^"]*")', text)]
    expected = ["wirelab_my_own", *(f"wirelab_my_own.chat-line.{word}" for word in ("group1_", "Text", "group1"))]
    assert expected == found
    assert "wirelab_my_own" == filter_name(profile(spec, name="my-own"))


SPACE = r"\x{9}-\x{d}\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}-\x{2029}\x{202f}\x{205f}\x{3000}"


@pytest.mark.parametrize(
    ("python", "pcre2"),
    [
        ("MSG(?: (?P<text>.*))?", "MSG(?: (.*))?"),
        ("(?P<a>x)(?P=a)", r"(x)\g{1}"),
        ("(?P<a>x)?(?(a)y|z)", "(x)?(?(1)y|z)"),
        (r"\v\Z\u4e2d\x41", r"\x0b\z\x{4e2d}\x41"),
        (r"\N{BULLET}", r"\x{2022}"),
        ("a{,3}b{2}c{x}", r"a{0,3}b{2}c\{x}"),
        ("[]a[:]", r"[\]a\[:]"),
        ("[:a:][^.b.][=c]", r"[\:a:][^\.b.][\=c]"),
        (r"[\v\]中]", r"[\x0b\]\x{4e2d}]"),
        (r"\s", f"[{SPACE}]"),
        (r"\S[^\s中]", rf"[^{SPACE}][^{SPACE}\x{{4e2d}}]"),
        ("(?i:a)(?u:b)(?#it says (something)c", "(?i:a)(?:b)c"),
        ("a(?#as many as there are)*b", "a*b"),
        (r"(a)\1\0", r"(a)\g{1}\x{0}"),
        (r"\012\101", r"\x{a}\x{41}"),
        ("a++(?>b)(?=c)(?!d)(?<=e)(?<!f)", "a++(?>b)(?=c)(?!d)(?<=e)(?<!f)"),
        ("你好", r"\x{4f60}\x{597d}"),
    ],
)
def test_patterns_are_written_as_pcre2_reads_them(python: str, pcre2: str):
    re.compile(python)
    assert pcre2 == translated(python)


def test_what_has_no_counterpart_is_told_with_the_message_s_name_in_both_languages():
    wrong = MessageSpec("shout", "client", "(?a:HEY)", "HEY")
    right = MessageSpec("message", "client", "MSG", "MSG")
    verbose = MessageSpec("long", "server", "(?x)a b", "ab")
    with pytest.raises(AuthorError) as caught:
        dissector(profile(wrong, right, verbose), source="mine.yaml")
    english, chinese = caught.value.text("en").splitlines(), caught.value.text("zh").splitlines()
    assert [
        "mine.yaml: the pattern of the message 'shout' cannot be written for Wireshark: the flag 'a' has no counterpart; "
        "write it plainer",
        "mine.yaml: the pattern of the message 'long' cannot be written for Wireshark: the flag 'x' has no counterpart; "
        "write it plainer",
    ] == english
    assert (
        "消息 'shout' 的 pattern 无法写成 Wireshark 的正则表达式：没有与标志 'a' 对应的写法；请写得简单些" in chinese[0]
    )


def test_the_tables_of_gb18030_hold_nothing_that_ends_a_literal():
    message = MessageSpec("a", "client", "A", "A")
    text = dissector(Profile("mine", Framing("line"), (message,), "gb18030"))
    two = re.search(r'gb2 = "(.*?)",\n', text)
    assert two is not None
    assert 126 * 190 * 3 == len(two[1].encode())
    assert set(two[1]).isdisjoint('"\\\n\r')
