"""Grades made by hand, a strict reader of pages, and strings that want to do harm. Secrets stand in hidden runs only."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from itertools import cycle
from string import Formatter

from hypothesis import strategies as st

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.head import Title
from wirelab.declare.lab import Counted, Lab, RubricItem
from wirelab.judge.findings import REGISTRY, cause, finding
from wirelab.judge.grades import Grade, PlayedRun, Student
from wirelab.judge.points import score
from wirelab.judge.verdict import Beside, CheckResult, Credit, Finding, Judgement, Said, Verdict

SHOWN, SECOND, UNCLEAR = "heartbeat/answers-while-idle", "messaging/burst", "teardown/quit"
SECRET = "s3cr3t"
HIDDEN = (f"heartbeat/{SECRET}", f"teardown/{SECRET}")

LAB = Lab(
    lab="2-heartbeat",
    title=Title(en="Answering heartbeats", zh="应答心跳"),
    hours=2,
    hands_in=("client",),
    objectives=(Title(en="Learn", zh="学习"),),
    shown=(SHOWN, SECOND, UNCLEAR),
    hidden=HIDDEN,
    rubric=(
        RubricItem(20, Title(en="Heartbeats are answered", zh="应答心跳"), (Counted(SHOWN, "heartbeat"),)),
        RubricItem(10, Title(en="Messages arrive", zh="消息到达"), (Counted(SECOND), Counted(HIDDEN[0]))),
        RubricItem(10, Title(en="It quits", zh="能退出"), (Counted(UNCLEAR), Counted(HIDDEN[1]))),
        RubricItem(10, Title(en="Undecided", zh="未判定"), (Counted(UNCLEAR),)),
    ),
)


def hostile() -> st.SearchStrategy[Callable[[], str]]:
    """Words one after the other, without end: anything, and what means something to HTML, Markdown or a terminal."""
    nasty = (
        '</pre><script>alert(1)</script> "onmouseover="x <img/src=x> &lt;b&gt; javascript:alert(1) \x1b]0;x\x07 \u202egnp'
        " ]]> <!-- --> </style> ``` ~~~ ![x](//e.com/a.png) [x](javascript:1) http://evil.example www.evil.example"
        " @everyone a@b.example |a|b| # 1. - > === $x$ {{x}} </details> <details> \ud800 \x00 \u2028 \\ `` ` &amp; *x* _x_"
    ).split(" ")
    pieces = st.sampled_from([*nasty, "\n", "\t", "\n\n", "\n    ", " "]) | st.text(st.characters(), max_size=6)
    words = st.lists(pieces, max_size=6).map("".join)
    return st.lists(words, min_size=1, max_size=8).map(lambda drawn: partial(next, cycle(drawn)))


def said(word: Callable[[], str]) -> Said:
    return Said(Text("seen {x} and {y}", "看到 {x}，以及 {y}"), {"x": word(), "y": word()})


def finding_of(word: Callable[[], str], code: str = "WL302") -> Finding:
    """A finding of a registered code, of which every text is ``word``'s."""
    quoted = tuple((word(), word()) for _ in range(3))
    rows = (
        Beside(word(), word(), "same", (1,)),
        Beside("", word(), "passed", (2, 3)),
        Beside(word(), "", "missing", ()),
        Beside("", word(), "extra", (4,)),
        Beside(word(), word(), "different", (5,)),
    )
    why = Finding("WL351", word(), said(word), said(word), (7, 9), quoted[:1])
    return Finding(code, word(), said(word), said(word), (4, 6), quoted, 3, why, rows)


def checks_of(word: Callable[[], str], verdict: Verdict) -> tuple[CheckResult, ...]:
    """One check that passed, and one of ``verdict`` with its finding."""
    code = "WL903" if verdict is Verdict.INCONCLUSIVE else "WL302"
    found = () if verdict is Verdict.PASS else (finding_of(word, code),)
    credit = None if verdict is Verdict.INCONCLUSIVE else Credit(1 if verdict is Verdict.FAIL else 3, 3)
    return (
        CheckResult("heartbeat", word(), 3, word(), verdict, said(word), found, credit),
        CheckResult(word() or "clean", word(), 0, "", Verdict.PASS, said(word), (), Credit(1, 1)),
    )


def grade_of(word: Callable[[], str], *, problem: bool = False) -> Grade:
    """A grade in which all that can be foreign is ``word``'s, save what is hidden: that is the secret."""
    outcomes = {SHOWN: Verdict.FAIL, SECOND: Verdict.PASS, UNCLEAR: Verdict.INCONCLUSIVE}
    outcomes |= {HIDDEN[0]: Verdict.FAIL, HIDDEN[1]: Verdict.INCONCLUSIVE}
    runs = []
    for name, verdict in outcomes.items():
        own = (lambda: f"{SECRET}<i>") if name in HIDDEN else word
        judgement = Judgement(name, checks_of(own, verdict), verdict)
        runs.append(PlayedRun(name, Bilingual(own(), own()), name in HIDDEN, judgement, 2, f"runs/{name}"))
    student = Student("s-1", word(), word(), word())
    scores = score(LAB.rubric, {run.scenario: run.judgement for run in runs})
    if problem:
        return Grade(student, LAB, scores, (), said(word), word(), 1.5)
    return Grade(student, LAB, scores, tuple(runs), None, word(), 31.25, (said(word),))


def plain_grade() -> Grade:
    """A grade in words of its own registry: late heartbeats, and why."""
    why = cause("WL351", "alice", frames=(6,), terminal=(), **values_of("WL351"))
    late = finding("WL303", "alice", frames=(4, 6), terminal=(("alice", "Enter message"),), **_late(0.25))
    late = replace(late, more=2, cause=why)
    return grade_with(SHOWN, late)


def values_of(code: str) -> dict[str, object]:
    """Values to fill a finding of this code with: their names in capitals."""
    names = (name for _, name, _, _ in Formatter().parse(REGISTRY[code].rationale.en) if name)
    return {name: name.upper() for name in names}


def _late(delay: float) -> dict[str, object]:
    values = {"actor": "alice", "question": "HEARTBEAT 1", "frame": 4, "limit": "0.1", "time": "0.5", "answer": 6}
    return values | {"delay": f"{delay:.3f}"}


def grade_with(name: str, *found: Finding, key: str = "s-1") -> Grade:
    """A grade for one scenario, with these findings."""
    verdict = Verdict.FAIL if found else Verdict.PASS
    values = {"count": 4, "worst": "12.5", "limit": "100"}
    summary = Said(Text("answered: {count}, {worst}, {limit}", "应答：{count}、{worst}、{limit}"), values)
    check = CheckResult("heartbeat", "alice", 3, "", verdict, summary, found, Credit(0 if found else 4, 4))
    run = PlayedRun(name, Bilingual("Idle", "空闲"), name in HIDDEN, Judgement(name, (check,), verdict), 1, "runs/1")
    scores = score(LAB.rubric, {name: run.judgement})
    return Grade(Student(key, f"Student {key}", "17"), LAB, scores, (run,))


TAGS = frozenset(
    (
        "html head meta title style body header main footer section h1 h2 h3 p div span strong em code pre bdi a "
        "ul ol li table thead tbody tr th td details summary svg rect line text"
    ).split()
)
ATTRIBUTES = frozenset(
    (
        "class id href lang charset name content http-equiv scope open colspan role aria-label aria-hidden tabindex "
        "viewbox preserveaspectratio x y x1 x2 y1 y2 width height rx text-anchor"
    ).split()
)
BLOCKS = frozenset("section h1 h2 h3 p div pre ul ol table details".split())
PHRASING = frozenset("h1 h2 h3 p span strong em code bdi a summary".split())


class Page(HTMLParser):
    """Reads a page as a browser does, and refuses whatever a page may not have."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.metas: dict[str, str] = {}
        self.texts: list[tuple[str, str]] = []
        assert source.startswith("<!DOCTYPE html>\n<html lang=")
        self.feed(source)
        self.close()
        assert self.stack == []
        assert len(self.ids) == len(set(self.ids))
        anchors = {link[1:] for link in self.links if link.startswith("#")}
        assert anchors <= set(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert not (tag in BLOCKS and set(self.stack) & PHRASING), f"{tag} inside {self.stack}"
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs)
        assert set(given) <= ATTRIBUTES
        if "href" in given:
            assert re.fullmatch(r"#[A-Za-z0-9-]+|students/[A-Za-z0-9_%/-]+/(feedback|report)\.html", given["href"])
            self.links.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "meta":
            self.metas[given.get("name") or given.get("http-equiv") or "charset"] = given.get("content", "")
        else:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.stack[-1] if self.stack else "", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"a processing instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    def handle_decl(self, decl: str) -> None:
        assert decl == "DOCTYPE html"

    @property
    def said(self) -> str:
        """All that a reader can see."""
        return "".join(data for tag, data in self.texts if tag not in ("style", "title"))
