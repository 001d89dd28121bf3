"""The page of a run in a real browser: what it looks like, how it is operated, and that it asks nobody for anything.

Driven by Playwright, in Debian's Chromium. Nothing is played: the runs are made by hand.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.present.made_runs import EVIL, GOODBYE, HELLO, RESET, TALK, Made, flood, made
from wirelab.base.texts import LANGUAGES, Language
from wirelab.compose.run_page import page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
sync_api: Any = pytest.importorskip("playwright.sync_api", reason="needs playwright")

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PHONE, LAPTOP, A4 = (390, 844), (1366, 768), (794, 1123)
FIRST_PAINT = 10.0  # seconds: far more than it takes, as no test may depend on an idle machine
SEVERAL = (
    "a > s SYN at=100ms\ns > a SYN,ACK\na > s ACK\nb > s SYN\ns > b SYN,ACK\nb > s ACK\n"
    's > a "BROADCAST 大家好\\n" at=200ms\ns > b "BROADCAST 大家好\\n"\nb > s RST at=300ms\na > s FIN\ns > a FIN\na > s ACK\n'
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def at(self) -> float:
        """Where the clock is, of 1000."""
        return float(self.page.locator("#controls input").input_value())

    def chosen(self) -> str | None:
        return self.page.locator(".rung.chosen").get_attribute("data-frame")


Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Open:
    """Opens the page of a run; at the end nothing but the file may have been asked for, and nothing complained of."""

    @contextmanager
    def opening(
        run: Made,
        language: Language = "en",
        size: tuple[int, int] = LAPTOP,
        scheme: Any = "light",
        script: bool = True,
    ) -> Iterator[Opened]:
        path = tmp_path / "report.html"
        path.write_text(page_of(run.run, run.judgement, language), "utf-8")
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=script
        )
        page = context.new_page()
        it = Opened(page)
        page.on("request", lambda request: it.requests.append(request.url))
        page.on("console", lambda message: it.said.append(message.text))
        page.on("pageerror", lambda error: it.said.append(str(error)))
        page.on("dialog", lambda dialog: it.said.append(dialog.message))
        page.goto(path.as_uri())
        yield it
        assert [path.as_uri()] == [url.partition("#")[0] for url in it.requests]
        assert [] == it.said
        context.close()

    return opening


def overlapping(page: Page) -> list[Any]:
    """Texts of the ladder that lie on each other, and blocks of the page that do."""
    found: list[Any] = page.evaluate(
        """() => {
          const lies = (one, two) => Math.min(one.right, two.right) - Math.max(one.left, two.left) > 1.5
            && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 3.5;
          const pairs = (elements) => elements.flatMap((one, at) => elements.slice(at + 1)
            .filter((two) => lies(one.getBoundingClientRect(), two.getBoundingClientRect()))
            .map((two) => [one.textContent, two.textContent]));
          const shown = (query) => [...document.querySelectorAll(query)].filter((one) => one.getClientRects().length);
          const box = document.querySelector(".rungs").getBoundingClientRect();
          const inside = (one) => one.closest(".head") || one.getBoundingClientRect().top >= box.top; // not scrolled away
          const texts = shown(".rungs text, #ladder .head text").filter((one) => one.textContent && inside(one));
          return [...pairs(texts),
            ...pairs(shown("main > section")), ...pairs(shown("#controls > *")), ...pairs(shown(".together > div"))];
        }"""
    )
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize(
    "talk", [HELLO + TALK + GOODBYE, HELLO + TALK + RESET, SEVERAL], ids=["pass", "fail", "several"]
)
def test_it_fits(opened: Open, language: Language, size: tuple[int, int], talk: str) -> None:
    with opened(made(talk), language, size) as it:
        for spacing in ("even", "scaled"):
            it.page.locator("#controls select").nth(1).select_option(spacing)
            assert size[0] >= it.page.evaluate("document.documentElement.scrollWidth"), (
                "the page does not scroll sideways"
            )
            assert [] == overlapping(it.page)
        beyond = "[...document.querySelectorAll('.rungs text')].filter(t => t.getBoundingClientRect().right > innerWidth).length"
        assert 0 == it.page.evaluate(beyond)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_prints(opened: Open, language: Language) -> None:
    with opened(made(HELLO + TALK + RESET), language, A4, "dark") as it:
        it.page.emulate_media(media="print")
        assert it.page.locator(".paper svg").is_visible()
        assert not it.page.locator("#controls").is_visible()
        assert not it.page.locator(".rungs").is_visible()
        assert A4[0] >= it.page.evaluate("document.documentElement.scrollWidth")
        assert "rgb(255, 255, 255)" == it.page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light(opened: Open) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        with opened(made(HELLO + GOODBYE), scheme=scheme) as it:
            grounds.append(it.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert ["rgb(255, 255, 255)", "rgb(21, 24, 28)"] == grounds


def test_hover_click_and_keys_show_a_segment(opened: Open) -> None:
    with opened(made(HELLO + TALK + GOODBYE)) as it:
        detail = it.page.locator(".detail")
        it.page.locator(".rung[data-frame='5'] .back").hover()
        assert "HEARTBEAT-ACK 1" in detail.inner_text()
        assert "48 45 41 52 54 42 45 41 54 2d 41 43 4b 20 31 0a  HEARTBEAT-ACK 1." in detail.inner_text()
        it.page.locator(".rung[data-frame='6'] .back").click()
        it.page.mouse.move(0, 0)
        assert "6" == it.chosen()
        assert "MSG hello" in detail.inner_text()
        it.page.locator(".rungs").focus()
        for key, frame in (("ArrowDown", "7"), ("Home", "1"), ("ArrowUp", "1"), ("End", "11"), ("ArrowUp", "10")):
            it.page.keyboard.press(key)
            assert frame == it.chosen()
        active = it.page.locator(".rungs").get_attribute("aria-activedescendant")
        assert "10" == it.page.locator(f"#{active}").get_attribute("data-frame")
        assert "solid" == it.page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "focus is seen"


def test_a_pointer_that_rests_while_the_page_moves_shows_nothing(opened: Open) -> None:
    with opened(made(HELLO + TALK + RESET)) as it:
        it.page.locator(".rung[data-frame='5'] .back").hover()
        link = it.page.locator(".finding a[href='#f8']").first
        link.focus()
        it.page.keyboard.press("Enter")
        it.page.evaluate("window.scrollBy(0, -33)")
        it.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert "8" == it.chosen()
        assert it.page.locator(".detail .title").inner_text().startswith("Frame 8")


def test_the_replay_is_operated_with_the_keyboard(opened: Open) -> None:
    with opened(made(HELLO + TALK + GOODBYE)) as it:
        alice = it.page.locator("pre.screen").nth(1)
        assert "hello" in alice.inner_text()
        it.page.keyboard.press("Tab")
        it.page.locator("#controls input").focus()
        it.page.keyboard.press("Home")
        assert 0 == it.at()
        assert "" == alice.inner_text()
        assert "0.000 s" == it.page.locator("#controls input").get_attribute("aria-valuetext")
        it.page.locator("h1").click()
        it.page.keyboard.press("ArrowRight")
        assert "1" == it.chosen()
        assert 10 == it.page.locator(".rung.future").count()
        it.page.keyboard.press("ArrowLeft")
        assert 0 == it.at()
        it.page.keyboard.press("Space")
        assert "Pause" in it.page.locator("button.play").inner_text()
        sync_api.expect(it.page.locator("button.play")).to_have_attribute("aria-pressed", "false")
        assert 1000 == it.at()
        assert "hello" in alice.inner_text()
        assert 0 == it.page.locator(".rung.future").count()
        it.page.locator(".rungs").focus()
        it.page.keyboard.press("Home")
        it.page.keyboard.press("Enter")
        assert 10 == it.page.locator(".rung.future").count(), "the clock is set to the chosen segment"


def test_the_slider_shows_what_was_and_shades_what_is_to_come(opened: Open) -> None:
    with opened(made(HELLO + TALK + GOODBYE)) as it:
        times = it.page.evaluate("JSON.parse(document.getElementById('data').textContent).segments.map(one => one[1])")
        events = it.page.evaluate("JSON.parse(document.getElementById('data').textContent).events")
        end = it.page.evaluate("JSON.parse(document.getElementById('data').textContent).end")
        it.page.locator("#happened > details > summary").click()
        for value in (700, 0, 400, 1000):
            it.page.locator("#controls input").fill(str(value))
            now = value / 1000 * end
            frames = {str(at) for at, time in enumerate(times, 1) if time > now}
            shaded = it.page.locator(".rung.future").evaluate_all("all => all.map(one => one.dataset.frame)")
            assert frames == set(shaded), value
            assert sum(time > now for time in events) == it.page.locator("table.events tr.future").count(), value
            assert ("hello" in it.page.locator("pre.screen").nth(1).inner_text()) == (now > 392e6), value


def test_steps_go_from_segment_to_segment_both_ways(opened: Open) -> None:
    with opened(made(HELLO + TALK + GOODBYE)) as it:
        it.page.locator("#controls input").fill("0")
        it.page.locator("h1").click()
        seen = []
        for key in ["ArrowRight"] * 6 + ["ArrowLeft"] * 3 + ["ArrowRight"]:
            it.page.keyboard.press(key)
            seen.append(it.chosen())
        assert ["1", "2", "3", "4", "5", "6", "5", "4", "3", "4"] == seen


@pytest.mark.parametrize("speed", [0.5, 1, 2])
def test_the_replay_goes_as_fast_as_was_asked_for(opened: Open, speed: float) -> None:
    with opened(made(HELLO + TALK + GOODBYE)) as it:
        end = it.page.evaluate("JSON.parse(document.getElementById('data').textContent).end / 1e6")
        it.page.clock.install(time=0)
        it.page.clock.pause_at(1000)
        it.page.reload()
        it.requests.pop()
        it.page.locator("#controls select").nth(0).select_option(str(speed))
        it.page.locator("button.play").click()
        it.page.clock.run_for(160)
        now = it.at() / 1000 * end
        assert abs(now - 160 * speed) < 20 * speed, f"{now} ms of the run in 160 ms"
        it.page.locator("button.play").click()
        it.page.clock.run_for(160)
        assert now == it.at() / 1000 * end, "it stands"


def test_every_control_shows_its_focus(opened: Open) -> None:
    with opened(made(HELLO + TALK + RESET)) as it:
        seen = set()
        for _ in range(40):
            it.page.keyboard.press("Tab")
            tag, outline = it.page.evaluate(
                "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
            )
            if tag == "BODY":
                break
            assert "none" != outline, tag
            seen.add(tag)
        assert {"A", "BUTTON", "INPUT", "SELECT", "DIV", "SUMMARY", "PRE"} <= seen


def test_a_finding_leads_to_its_frame_and_the_frame_back(opened: Open) -> None:
    with opened(made(HELLO + TALK + RESET)) as it:
        it.page.locator(".frames a").first.press("Enter")
        assert "8" == it.chosen()
        assert "rungs" == it.page.evaluate("document.activeElement.classList[0]")
        assert "expected here" in it.page.locator(".detail").inner_text()
        it.page.locator(".detail a").first.press("Enter")
        assert "finding-0" == it.page.evaluate("document.activeElement.id")


def test_a_frame_that_is_not_shown_is_shown_when_it_is_asked_for(opened: Open) -> None:
    with opened(
        made(HELLO.replace("a >", "b >").replace("> a", "> b").replace("=100ms", "=50ms") + HELLO + TALK + RESET)
    ) as it:
        it.page.locator("#controls select").nth(2).select_option("1")
        first = it.page.locator(".finding a[data-frame]").first
        frame = first.get_attribute("data-frame")
        shown = it.page.locator(".rungs .rung").count()
        other = "0" if it.page.locator(f".rungs .rung[data-frame='{frame}']").count() else "1"
        it.page.locator("#controls select").nth(2).select_option(other)
        assert 0 == it.page.locator(f".rungs .rung[data-frame='{frame}']").count()
        first.press("Enter")
        assert frame == it.chosen()
        assert "all" == it.page.locator("#controls select").nth(2).input_value()
        assert shown < it.page.locator(".rungs .rung").count()


def test_segments_that_fall_together_on_the_scale_are_counted(opened: Open) -> None:
    with opened(flood(400)) as it:
        it.page.locator("#controls select").nth(1).select_option("scaled")
        drawn = it.page.locator(".rungs .rung").count()
        signs = it.page.locator(".rungs .merged").evaluate_all("all => all.map(one => Number(one.firstChild.data))")
        assert drawn < 200
        tops = it.page.locator(".rungs .rung").evaluate_all(
            "all => all.map(one => Number(one.querySelector('.arrow').getAttribute('y1')))"
        )
        places = [tops[0]]
        for top in sorted(tops):
            if top - places[-1] >= 2:
                places.append(top)
        assert 407 == len(places) + sum(signs), "each is one that begins a place, or is counted there"
        assert "zoom in" in it.page.locator(".rungs .merged title").first.text_content()
        lines = it.page.locator(".rungs .merged").evaluate_all("all => all.map(one => Number(one.getAttribute('y')))")
        apart = [low - high for high, low in pairwise(sorted(lines))]
        assert 12 <= min(apart) < 24, "one sign a line of text, not one for all"
        it.page.locator(".rungs").focus()
        for key in ("Home", *["ArrowDown"] * 9):
            it.page.keyboard.press(key)
        assert "10" == it.chosen(), "drawn, though others lie there too"
        wider = it.page.locator(".zoom button").first
        assert wider.is_disabled(), "all is in sight already"
        it.page.locator(".zoom button").nth(1).click()
        assert wider.is_enabled()
        assert [] == overlapping(it.page)


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
def test_what_was_lost_ends_in_a_cross_that_no_label_covers(opened: Open, size: tuple[int, int]) -> None:
    with opened(
        made(HELLO + "a > s FIN at=300ms\na > s RST at=600ms\n", drop="{drop: FIN, from: client}"), size=size
    ) as it:
        assert "(lost on the way)" in it.page.locator("#f4").text_content()
        assert "(lost" not in it.page.locator("#f5").text_content()
        box = "one => document.querySelector(one).getBoundingClientRect().toJSON()"
        for spacing in ("even", "scaled"):
            it.page.locator("#controls select").nth(1).select_option(spacing)
            cross = it.page.evaluate(box, "[data-frame='4'] path")
            rail = it.page.evaluate(box, ".rungs .window line")
            label = it.page.evaluate(
                box, ".tag[data-index='3'] rect" if spacing == "scaled" else "[data-frame='4'] text"
            )
            across = min(cross["right"], label["right"]) - max(cross["left"], label["left"])
            down = min(cross["bottom"], label["bottom"]) - max(cross["top"], label["top"])
            assert across <= 0 or down <= 0, (spacing, cross, label)
            assert 9 < cross["width"] < 14, rail


def test_one_connection_alone_and_time_to_scale(opened: Open) -> None:
    with opened(made(SEVERAL)) as it:
        assert 12 == it.page.locator(".rungs .rung").count()
        it.page.locator("#controls select").nth(2).select_option("1")
        assert 5 == it.page.locator(".rungs .rung").count()
        it.page.locator("#controls select").nth(1).select_option("scaled")
        top = "one => Number(document.querySelector(`[data-frame='${one}'] .arrow`).getAttribute('y1'))"
        first, later, reset = (it.page.evaluate(top, frame) for frame in (4, 8, 9))
        assert (reset - later) / (later - first) == pytest.approx(99 / 98, rel=0.1), "201 - 103 and 300 - 201 ms"
        tall = it.page.evaluate("document.querySelector('.spacer').clientHeight")
        it.page.locator(".zoom button").nth(1).click()
        assert 1.5 * tall < it.page.evaluate("document.querySelector('.spacer').clientHeight")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_hostile_words_do_nothing(opened: Open, script: bool) -> None:
    run = made(
        f"{HELLO}a > s {json.dumps(f'MSG {EVIL}' + chr(10))} at=300ms\n{GOODBYE}", shown=f"{EVIL}\r\n", name=EVIL
    )
    with opened(run, script=script) as it:
        assert 0 == it.page.locator("img, iframe, object, pre.screen *").count()
        assert "<img src=" in it.page.locator("pre.screen").nth(1).inner_text()
        if script:
            it.page.locator(".rung[data-frame='4'] .back").click()
            assert "onerror" in it.page.locator(".detail").inner_text()
            assert it.page.evaluate("window.hacked === undefined")


def test_without_the_script_everything_is_there(opened: Open) -> None:
    with opened(made(HELLO + TALK + RESET), script=False) as it:
        assert it.page.locator(".paper svg").is_visible()
        assert it.page.locator("#f8").is_visible()
        assert it.page.locator("table.events").is_visible()
        assert not it.page.locator("#controls").is_visible()
        assert not it.page.locator("footer").is_visible(), "no key does anything"
        assert "MSG hello" in it.page.locator("table.segments").inner_text()
        it.page.locator(".frames a").first.click()
        assert it.page.url.endswith("#f8")


def test_twenty_thousand_segments_stay_usable(opened: Open) -> None:
    with opened(flood(20_000)) as it:
        painted = """() => new Promise((done) => new PerformanceObserver((list) => list.getEntries()
          .filter((one) => one.name === "first-contentful-paint").forEach((one) => done(one.startTime)))
          .observe({ type: "paint", buffered: true }))"""
        seconds = it.page.evaluate(painted) / 1000
        print(f"first paint of 20 000 segments after {seconds:.2f} s")
        assert seconds < FIRST_PAINT
        assert it.page.locator(".rungs .rung").count() < 200, "only those in sight are drawn"
        it.page.locator(".rungs").focus()
        it.page.keyboard.press("End")
        assert "20007" == it.chosen()
        assert it.page.locator(".rungs .rung").count() < 200
        it.page.locator("#controls select").nth(1).select_option("scaled")
        assert it.page.locator(".rungs .rung").count() < 2000
