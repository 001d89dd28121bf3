"""The page of a run: whole without its script, loading nothing, and inert whatever was said in the run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.present.made_runs import EVIL, GOODBYE, HELLO, RESET, TALK, Made, flood, made
from wirelab.base.texts import LANGUAGES, Language
from wirelab.compose.run_page import page_of
from wirelab.observe.evidence import Shown
from wirelab.present import run_page_data, run_page_scene
from wirelab.present.run_page_data import options_text
from wirelab.present.words import grouped

VOID = {"meta", "br"}
LOADS = {"src", "srcset", "action", "formaction", "style", "data", "poster", "background", "xlink:href", "ping"}


class Read(HTMLParser):
    """A page taken apart: elements with their attributes, text, scripts and styles; and that every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.raw:
            self.raw[self.open[-1]][-1] += data
        else:
            self.text.append(data)

    def said(self) -> str:
        return "".join(self.text)

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.elements if "id" in attributes]


def page(run: Made, language: Language = "en") -> str:
    return page_of(run.run, run.judgement, language)


def digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def sound(read: Read) -> None:
    """What holds for every page: nothing is loaded, nothing runs but the one script, every link leads to a place in it."""
    assert [] == read.open
    assert (2, 1) == (len(read.raw["script"]), len(read.raw["style"]))
    kinds = [attributes.get("type") for tag, attributes in read.elements if tag == "script"]
    assert ["application/json", None] == kinds
    policy = next(a["content"] or "" for _, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert f"script-src {digest(read.raw['script'][1])};" in policy
    assert f"style-src {digest(read.raw['style'][0])};" in policy
    assert "unsafe" not in policy
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"img", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "foreignobject"}
    ids = Counter(read.ids())
    assert 1 == max(ids.values())
    for tag, attributes in read.elements:
        assert not LOADS & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            assert "a" == tag
            assert (attributes["href"] or "").removeprefix("#") in ids
    style = read.raw["style"][0]
    assert not re.search(r"@import|url\(|@font-face", style)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("end", [GOODBYE, RESET])
def test_everything_can_be_read_without_the_script(language: Language, end: str) -> None:
    run = made(HELLO + TALK + end)
    read = Read(page(run, language))
    sound(read)
    said = read.said()
    frames = range(1, len(run.run.evidence.packets) + 1)
    assert {f"f{frame}" for frame in frames} <= set(read.ids())
    drawn = [a["data-frame"] for tag, a in read.elements if tag == "g" and a.get("class") == "rung"]
    assert [str(frame) for frame in frames] == drawn
    for words in (
        "HEARTBEAT 1",
        "HEARTBEAT-ACK 1",
        "MSG hello",
        "Connected to 127.0.0.1:12001",
        "hello⏎",
        "ESTABLISHED",
    ):
        assert words in said
    assert "4d 53 47 20 68 65 6c 6c 6f 0a" in said, "the bytes, as hexadecimal numbers"
    for finding in run.judgement.findings:
        assert finding.code in said
        assert finding.rationale.in_(language) in said
        assert finding.hint.in_(language) in said
        for row in finding.beside:
            assert row.expected in said
            assert row.kind == "passed" or row.seen in said
    assert ("zh-Hans" if language == "zh" else "en") == dict(read.elements)["html"]["lang"]
    assert "Closes <b>well</b> & soon" in said if language == "en" else "正常关闭 <b>连接</b>" in said


def test_what_is_cut_says_so() -> None:
    said = Read(page(made(HELLO + f'alice > s "MSG {"x" * 3000}\\n"\ns > alice ACK\n' + GOODBYE))).said()
    assert f"MSG {'x' * 396}…" in said
    assert "x" * 397 not in said
    assert f"… {grouped(2493)} more bytes (capture.pcapng has them)" in said


def test_where_the_expected_trace_and_the_segments_part_is_marked_once() -> None:
    read = Read(page(made(HELLO + TALK + RESET)))
    assert 1 == read.said().count("first difference")
    parted = json.loads(read.raw["script"][0])["parted"]
    assert {"8": ["✗ expected here: alice > server FIN seq=u", False]} == parted
    assert 2 == read.said().count("✗ expected here: alice > server FIN seq=u"), "on paper, and in the table"


def test_findings_lead_to_their_frames_and_back() -> None:
    read = Read(page(made(HELLO + TALK + RESET)))
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert "#f8" in links
    assert "#finding-0" in links
    assert "finding-0" in read.ids()
    assert {"8": [["WL701", "finding-0"], ["WL552", "finding-0"]]} == json.loads(read.raw["script"][0])["marks"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_are_inert(language: Language) -> None:
    message = json.dumps(f"MSG {EVIL}\n")
    run = made(f"{HELLO}a > s {message} at=300ms\n{GOODBYE}", shown=f"\x1b[1m{EVIL}\r\n", name=EVIL)
    text = page(run, language)
    read = Read(text)
    sound(read)
    assert 2 == text.count("<script")
    assert 2 == text.count("</script")
    assert "<img" not in text
    assert "window.hacked" in read.said(), "it is there, as text"
    assert not set("\u202e\u2028") & set(text)
    data = read.raw["script"][0]
    assert data.isascii()
    assert not set("<>&") & set(data)
    assert EVIL[:60] in json.loads(data)["screens"][1][0][1]


@given(st.text(min_size=1, max_size=60), st.binary(min_size=1, max_size=60))
@settings(max_examples=30)
def test_any_output_and_any_payload_give_a_sound_page(shown: str, payload: bytes) -> None:
    written = "".join(f"\\x{byte:02x}" for byte in payload)
    run = made(f'{HELLO}a > s "MSG " at=300ms\na > s b"{written}"\n', shown=shown)
    read = Read(page(run))
    sound(read)
    segments = json.loads(read.raw["script"][0])["segments"]
    assert payload == base64.b64decode(segments[4][18])


def test_a_flood_is_whole_in_the_data_and_short_without_the_script() -> None:
    run = flood(3000)
    text = page(run)
    read = Read(text)
    sound(read)
    assert 3007 == len(json.loads(read.raw["script"][0])["segments"])
    rows = [int(one[1:]) for one in read.ids() if re.fullmatch(r"f\d+", one)]
    assert list(range(1, 301)) == rows[:300]
    assert {3004, 3006} <= set(rows), "those with FIN"
    assert len(rows) < 400
    assert len(text) < 1_500_000


def test_a_flood_of_openings_is_cut_and_says_so() -> None:
    text = page(made("".join(f"c{n} > s SYN +0.1ms\ns > c{n} RST seq=0\n" for n in range(1200))))
    assert "Drawn up to frame" in text
    assert len(text) < 6_000_000


def test_a_terminal_s_flood_is_cut_and_says_by_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_page_scene, "MOST_OUTPUT", 40)
    printed = "Connected to 127.0.0.1:12001\r\n" + "abcdefgh" * 10 + "\r\n"
    read = Read(page(made(HELLO + TALK + GOODBYE, shown=printed)))
    shown = "".join(piece for _, piece in json.loads(read.raw["script"][0])["screens"][1])
    whole = printed.replace("\r\n", "\n") + "hello\n"
    assert whole[:40] == shown
    assert f"… {len(whole) - 40} more characters" in read.said()
    assert 1 == read.said().count("more characters"), "the server's terminal has less"


def test_tabs_go_where_a_terminal_would_go_however_the_output_came() -> None:
    run = made(HELLO + TALK + GOODBYE, shown="Connected to\r\n你好").run
    events = (
        replace(event, data="\tcd\r\n\te\tf") if isinstance(event, Shown) and event.data == "hello\r\n" else event
        for event in run.evidence.events
    )
    run = replace(run, evidence=replace(run.evidence, events=tuple(events)))
    data = json.loads(Read(page(Made(run, run.judged()))).raw["script"][0])
    shown = [piece for _, piece in data["screens"][1]]
    assert ["Connected to\n你好", "    cd\n        e       f"] == shown


def test_a_flood_of_events_is_cut_and_says_so_and_each_that_is_told_has_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = Read(page(made(HELLO + TALK + GOODBYE)))
    count = len(json.loads(whole.raw["script"][0])["events"])
    assert "more events" not in whole.said()
    monkeypatch.setattr(run_page_scene, "MOST_EVENTS", 3)
    read = Read(page(made(HELLO + TALK + GOODBYE)))
    assert [0, 1_000_000, 50_000_000] == json.loads(read.raw["script"][0])["events"]
    assert 3 == sum(tag == "tr" and a.get("class") in ("stepbegan", "started") for tag, a in read.elements)
    assert f"… {count - 3} more events, in run.json" in read.said()


def test_segments_beyond_what_a_page_holds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_page_scene, "MOST_SEGMENTS", 5)
    monkeypatch.setattr("wirelab.present.run_page.MOST_SEGMENTS", 5)
    read = Read(page(made(HELLO + TALK + GOODBYE)))
    assert [1, 2, 3, 4, 5] == [row[0] for row in json.loads(read.raw["script"][0])["segments"]]
    assert "The page holds the first 5 segments; 6 more are in capture.pcapng." in read.said()
    assert "11 segments" in read.said()


def test_of_many_payloads_the_first_are_kept_whole_and_of_the_others_their_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_page_data, "MOST_BYTES", 1500)
    monkeypatch.setattr(run_page_data, "WHOLE", 1000)
    line = f'a > s "MSG {"x" * 1200}\\n"\ns > a ACK\n'
    read = Read(page(made(HELLO + line * 3 + GOODBYE)))
    segments = json.loads(read.raw["script"][0])["segments"]
    assert [1000, 1000, 64] == [len(base64.b64decode(row[18])) for row in segments if row[8]]
    assert {1205} == {row[8] for row in segments if row[8]}, "its length is told all the same"


def test_an_empty_run_has_a_page() -> None:
    run = made(HELLO)
    empty = Made(
        type(run.run)(run.run.scenario, run.run.protocol, run.run.profile, type(run.run.evidence)((), (), 101)),
        run.judgement,
    )
    sound(Read(page(empty)))


def test_options_are_spelled_out() -> None:
    assert "" == options_text(b"")
    assert "MSS 1460, SACK permitted, window scale 7" == options_text(
        bytes.fromhex("020405b4 0402 010303 07".replace(" ", ""))
    )


def test_both_languages_differ_and_have_the_same_shape() -> None:
    run = made(HELLO + TALK + RESET)
    english, chinese = (Read(page(run, language)) for language in LANGUAGES)
    assert english.ids() == chinese.ids()
    assert not re.search("[\u4e00-\u9fff]", english.raw["script"][0] + english.said())
    words = json.loads(chinese.raw["script"][0])["words"]
    assert "播放" == words["play"]
