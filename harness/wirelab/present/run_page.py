"""The page of one run, as one HTML file that needs nothing else: findings, ladder, terminals, all that happened.

Everything can be read without a script; the script only adds: a ladder of any length, bytes at a glance, the replay.
Values in, text out; the style and the script are handed in. That text is inert is decided in ``html``.
"""

from __future__ import annotations

from collections.abc import Iterator

from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.judge.view import View
from wirelab.present import segment_table  # noqa: F401 - the words of its headings
from wirelab.present.feedback import SIGNS, in_
from wirelab.present.html import Html, digest, document, el, join, text
from wirelab.present.ladder import Rung
from wirelab.present.ladder_svg import ladder_pages
from wirelab.present.run_page_data import NOTES, options_text, page_data
from wirelab.present.run_page_findings import Findings
from wirelab.present.run_page_scene import MOST_SEGMENTS, Scene, Screen, scene
from wirelab.present.stylesheet import STYLE
from wirelab.present.words import grouped

register(
    {
        "runpage.title": Text("{verdict}: {scenario}", "{verdict}：{scenario}"),
        "runpage.counts": Text(
            "{passed} passed, {failed} failed, {unclear} inconclusive",
            "{passed} 项通过，{failed} 项未通过，{unclear} 项无法判定",
        ),
        "runpage.about": Text(
            "{segments} segments, {seconds} s, protocol {protocol}", "{segments} 个报文段，{seconds} s，协议 {protocol}"
        ),
        "runpage.jumps": Text("On this page", "本页内容"),
        "runpage.wire": Text("On the wire and on the terminals", "线路与终端"),
        "runpage.silent": Text("(it showed nothing)", "（没有输出）"),
        "runpage.cut": Text("… {count} more characters", "… 还有 {count} 个字符"),
        "runpage.happened": Text("What happened, on one clock", "按时间记录的事件"),
        "runpage.untold": Text("… {count} more events, in run.json", "… 还有 {count} 个事件，见 run.json"),
        "runpage.segments": Text("Segments with their bytes", "报文段与字节"),
        "runpage.some": Text(
            "{count} of {all} segments: the first ones, all with SYN, FIN or RST, and those of the findings.",
            "{all} 个报文段中的 {count} 个：最前面的、所有带 SYN、FIN 或 RST 的，以及诊断涉及的。",
        ),
        "runpage.left-out": Text(
            "The page holds the first {most} segments; {count} more are in capture.pcapng.",
            "本页包含前 {most} 个报文段；另有 {count} 个在 capture.pcapng 中。",
        ),
        "runpage.to-the-frame": Text(
            "Drawn up to frame {frame}; the table below has more.", "只画到第 {frame} 帧；更多见下面的表格。"
        ),
        "runpage.part.submission": Text("the submission", "提交的程序"),
        "runpage.part.reference": Text("the reference", "参考程序"),
        "runpage.part.peer": Text("a scripted peer", "由脚本扮演"),
        "runpage.who": Text("Who", "谁"),
        "runpage.what": Text("What", "什么"),
        "runpage.content": Text("What it carries", "携带的内容"),
        "runpage.dump-cut": Text(
            "… {count} more bytes (capture.pcapng has them)", "… 还有 {count} 字节（见 capture.pcapng）"
        ),
        "runpage.bytes": Text("{count} bytes", "{count} 字节"),
        "runpage.keys": Text("Keys", "键盘操作"),
        "runpage.key.space": Text("play, pause", "播放、暂停"),
        "runpage.key.sides": Text("the clock to the segment before, after", "把时钟拨到上一个、下一个报文段"),
        "runpage.key.updown": Text(
            "in the ladder: choose a segment (also Home, End, Page Up, Page Down)",
            "在时序图中：选择报文段（也可用 Home、End、Page Up、Page Down）",
        ),
        "runpage.key.enter": Text("in the ladder: set the clock to this segment", "在时序图中：把时钟拨到这个报文段"),
        "runpage.key.tab": Text(
            "from control to control; frame numbers of a finding lead to the ladder, codes beside a segment back",
            "在各控件间移动；诊断中的帧号通向时序图，报文段旁的编号返回诊断",
        ),
    }
)

STATIC = 300  # segments that are there without a script, besides those that must be seen
A_PAGE = 22  # of them are drawn in one piece, which goes on one sheet of paper
MOST_STATIC = 900  # with those, in a flood of openings
MOST_DUMPED = 512  # bytes of a payload in the table


def run_page(view: View, judgement: Judgement, language: Language, *, style: str, script: str) -> str:
    """The page of a run that has been judged. ``style`` is added to that of all pages, ``script`` is the page's only one."""
    shown = scene(view, judgement, language)
    page = _Page(shown)
    scripts = Html(f'<script type="application/json" id="data">{page_data(shown)}</script>\n<script>{script}</script>')
    return document(
        page.title(),
        join([page.body(), scripts]),
        shown.language,
        sheet=STYLE + style,
        allows=f"script-src 'sha256-{digest(script)}'; ",
        class_="run",
    )


class _Page:
    def __init__(self, shown: Scene) -> None:
        self._scene = shown
        self._language = shown.language
        self._static = _static(shown)
        self._known = frozenset(rung.noted.segment.frame for rung in self._static)

    def _say(self, key: str, /, **values: object) -> str:
        return say(key, self._language, **values)

    def title(self) -> str:
        verdict = self._say(f"verdict.{self._scene.judgement.verdict}")
        return self._say("runpage.title", verdict=verdict, scenario=self._scene.judgement.scenario)

    def body(self) -> Html:
        findings = Findings(self._scene.judgement, self._language, self._known)
        sections = (findings.section(), self._stage(), self._happened(), self._segments())
        return join([el("header", *self._head()), el("main", *sections), el("footer", *self._keys())])

    # --- parts

    def _head(self) -> Iterator[Html]:
        judgement, scenario = self._scene.judgement, self._scene.view.scenario
        outcomes = [check.verdict for check in judgement.checks]
        counts = self._say(
            "runpage.counts",
            passed=outcomes.count(Verdict.PASS),
            failed=outcomes.count(Verdict.FAIL),
            unclear=outcomes.count(Verdict.INCONCLUSIVE),
        )
        about = self._say(
            "runpage.about",
            segments=grouped(len(self._scene.rungs) + self._scene.left_out),
            seconds=f"{self._scene.end / 1e9:.3f}",
            protocol=self._scene.view.profile.name,
        )
        sign = el("span", SIGNS[judgement.verdict], class_="sign", aria_hidden="true")
        yield el("p", el("code", judgement.scenario), class_="lab")
        yield el("h1", in_(scenario.title, self._language))
        verdict = el("strong", sign, " ", self._say(f"verdict.{judgement.verdict}"))
        yield el("p", verdict, " ", counts, class_=f"outcome {judgement.verdict.value}")
        yield el("p", about, class_="soft")
        jumps: list[str] = []
        for key, to in (("findings", "findings"), ("wire", "wire"), ("happened", "happened"), ("segments", "segments")):
            jumps += [el("a", self._say(f"runpage.{key}"), href=f"#{to}"), " "]
        yield el("nav", *jumps, aria_label=self._say("runpage.jumps"))

    def _stage(self) -> Html:
        """The ladder and the terminals. The script puts its own ladder before the one that is printed."""
        terminals = [part for screen in self._scene.screens for part in self._terminal(screen)]
        return el(
            "section",
            el("h2", self._say("runpage.wire")),
            el("div", id="controls"),
            el(
                "div",
                el("div", el("div", id="ladder"), el("div", *self._paper(), class_="paper"), class_="left"),
                el("div", *terminals, class_="right", id="terminals"),
                class_="together",
            ),
            id="wire",
        )

    def _paper(self) -> Iterator[Html]:
        scene_, rungs, marked = self._scene, self._scene.rungs, 0
        for at, rung in enumerate(rungs):
            marked += rung.marked
            if marked > MOST_STATIC:
                rungs = rungs[:at]
                break
        codes = {frame: " ".join(dict.fromkeys(code for code, _ in marks)) for frame, marks in scene_.marks.items()}
        drawn = ladder_pages(
            rungs,
            scene_.view.profile,
            scene_.names,
            language=self._language,
            most=STATIC,
            origin=scene_.start,
            rows=A_PAGE,
            marks=codes,
            parted=scene_.parted,
        )
        yield from (el("div", Html(one), class_="drawn") for one in drawn)
        if len(rungs) < len(scene_.rungs):
            yield el("p", self._say("runpage.to-the-frame", frame=rungs[-1].noted.segment.frame), class_="soft")

    def _terminal(self, screen: Screen) -> Iterator[Html]:
        part = self._say(f"runpage.part.{self._scene.view.part(screen.actor)}")
        yield el("h3", el("bdi", screen.actor), " ", el("span", part, class_="soft"))
        # The first line feed in a <pre> is not part of what it holds.
        shown = Html("\n" + "".join(text(piece) for _, piece in screen.pieces))
        yield el("pre", shown, class_="screen wrapped", tabindex=0, aria_label=screen.actor)
        if not screen.pieces:
            yield el("p", self._say("runpage.silent"), class_="soft")
        if screen.more:
            yield el("p", self._say("runpage.cut", count=grouped(screen.more)), class_="soft")

    def _happened(self) -> Html:
        rows = [
            el(
                "tr",
                el("td", _seconds(event.time), class_="number"),
                el("td", el("bdi", event.actor)),
                el("td", el("code" if event.sort == "stepbegan" else "span", event.said)),
                class_=event.sort,
            )
            for event in self._scene.events
        ]
        heads = (self._say("segments.time"), self._say("runpage.who"), self._say("runpage.what"))
        parts = [_table(heads, rows, "events")]
        if self._scene.untold:
            parts.append(el("p", self._say("runpage.untold", count=grouped(self._scene.untold)), class_="soft"))
        return self._folded("happened", *parts)

    def _segments(self) -> Html:
        parts = []
        if len(self._static) < len(self._scene.rungs):
            counts = {"count": grouped(len(self._static)), "all": grouped(len(self._scene.rungs))}
            parts.append(el("p", self._say("runpage.some", **counts), class_="soft"))
        if left := self._scene.left_out:
            said = self._say("runpage.left-out", most=grouped(MOST_SEGMENTS), count=grouped(left))
            parts.append(el("p", said, class_="note open"))
        heads = ("frame", "time", "way", "flags", "seq", "ack", "length", "window")
        named = [*(self._say(f"segments.{head}") for head in heads), self._say("runpage.content")]
        parts.append(_table(named, [self._segment(rung) for rung in self._static], "segments"))
        return self._folded("segments", *parts)

    def _segment(self, rung: Rung) -> Html:
        noted, segment = rung.noted, rung.noted.segment
        way = f"{self._scene.named(segment.src)} → {self._scene.named(segment.dst)}"
        ack = "" if noted.ack is None else str(noted.ack)
        notes = ", ".join(self._say(f"ladder.note.{note}") for note in NOTES if note in noted.notes)
        carries = [el("div", f"({notes})", class_="soft")] if notes else []
        if segment.frame in self._scene.parted:
            carries.append(el("div", el("strong", self._scene.parted[segment.frame][0])))
        carries += [el("div", shown, class_="lines") for _, shown in self._scene.contents(rung)]
        if options := options_text(segment.options):
            carries.append(el("div", options, class_="soft"))
        if segment.length:
            head = el("summary", self._say("runpage.bytes", count=grouped(segment.length)))
            dumped = el("pre", _dump(segment.payload[:MOST_DUMPED]), tabindex=0)
            more = segment.length - MOST_DUMPED
            rest = [el("p", self._say("runpage.dump-cut", count=grouped(more)), class_="soft")] if more > 0 else []
            carries.append(el("details", head, dumped, *rest))
        carries += [
            el("a", code, href=f"#{id_}", class_="badge") for code, id_ in self._scene.marks.get(segment.frame, ())[:9]
        ]
        numbers = (str(noted.seq), ack, str(segment.length), str(segment.window))
        return el(
            "tr",
            el("td", str(segment.frame), class_="number"),
            el("td", _seconds(segment.time - self._scene.start), class_="number"),
            el("td", way),
            el("td", segment.flag_names()),
            *(el("td", one, class_="number") for one in numbers),
            el("td", *carries),
            id=f"f{segment.frame}",
        )

    def _folded(self, key: str, *parts: Html) -> Html:
        """A part that is there whole without a script, and folded by it."""
        head = el("summary", el("h2", self._say(f"runpage.{key}")))
        return el("section", el("details", head, *parts, open="", class_="part"), id=key)

    def _keys(self) -> Iterator[Html]:
        rows = (("space", "Space"), ("sides", "← →"), ("updown", "↑ ↓"), ("enter", "Enter"), ("tab", "Tab"))
        listed = [
            el("tr", el("th", el("code", key), scope="row"), el("td", self._say(f"runpage.key.{name}")))
            for name, key in rows
        ]
        yield el("h2", self._say("runpage.keys"))
        yield el("table", el("tbody", *listed), class_="keys")


def _static(shown: Scene) -> tuple[Rung, ...]:
    """The segments that have a row without a script: the first ones, those that must be seen, those of findings."""
    rows = (row for finding in shown.judgement.findings for row in finding.beside)
    beside = {frame for row in rows for frame in row.frames}
    kept: list[Rung] = []
    for at, rung in enumerate(shown.rungs):
        frame = rung.noted.segment.frame
        must = frame in shown.marks or frame in shown.parted or frame in beside
        if at < STATIC or must or (rung.marked and len(kept) < MOST_STATIC):
            kept.append(rung)
        if len(kept) >= 2 * MOST_STATIC:
            break
    return tuple(kept)


def _seconds(time: int) -> str:
    return f"{time / 1e9:.6f}"


def _table(heads: list[str] | tuple[str, ...], rows: list[Html], kind: str) -> Html:
    head = el("thead", el("tr", *(el("th", one, scope="col") for one in heads)))
    return el("div", el("table", head, el("tbody", *rows), class_=kind), class_="wide", tabindex=0)


def _dump(data: bytes) -> str:
    """Bytes as hexadecimal numbers with their text beside them, sixteen a line; what is not printable ASCII is a dot."""
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):47}  {shown}")
    return "\n".join(lines)
