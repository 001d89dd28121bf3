"""Rules for what was left undone because an error had ended a thread (WL663), or a time limit the program (WL664).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wirelab.base.texts import Bilingual
from wirelab.judge.causes_program import end_of_input, interrupted
from wirelab.judge.chains import chain_of, last_seen, told
from wirelab.judge.clues import MS, Crash, crash_of, other, told_of, unquoted
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View

SILENT = 400 * MS  # the shortest time limit that can be told from chance
AT_ONCE = 1_000 * MS  # a crash so soon after a line was typed, or a message came, may come of it

_ENDS = frozenset(("WL503", "WL504", "WL601"))  # it did not close, or end
_NAMED = re.compile(r"""Exception in thread "?(?!main")(?P<name>[^":]+)|thread '(?!main')(?P<rust>[^']*)'""")
_RAN_OUT = re.compile(
    r"\btim(?:ed|e)[ -]?out\b|TimeoutError|ETIMEDOUT|EAGAIN|temporarily unavailable|超时", re.IGNORECASE
)
_MAIN = Bilingual("its main thread", "它的主线程")


def thread_ended(view: View, finding: Finding) -> Finding | None:
    """A crash report tells of the thread that was to do what was not done; where a key made it, that is the cause."""
    for actor, then in _undone(view, finding):
        crash = crash_of(view, actor)
        key = end_of_input(view, finding) or interrupted(view, finding)
        if crash is None or (key is not None and key.actor == actor):
            return key
        values = {"actor": actor, "time": view.seconds(crash.time), "thread": _thread(crash) or _MAIN, "then": then}
        return cause("WL663", actor, frames=(), terminal=crash.quoted(actor), **values)
    return None


def ran_out(view: View, finding: Finding) -> Finding | None:
    """A client left when nothing had come for a while, and nobody had asked it to; its terminal speaks of a time-out."""
    for client in view.scenario.clients:
        if view.part(client) != "submission" or (finding.actor != client and finding.code != "WL604"):
            continue
        said = next((line for line in view.lines(client) if _RAN_OUT.search(line)), None)
        for connection in view.connections_of(client)[-1:] if said is not None else ():
            end = connection.teardown
            ended = [noted for noted in (end.client_fin, *end.resets) if noted and noted.sender == "client"]
            left = min((noted.segment.time for noted in ended), default=None)
            came = [noted.segment.time for noted in connection.noted if noted.sender == "server"]
            if left is None or not came or not view.own_doing(client, left) or view.asked_before(client, left):
                continue
            silence = left - max((time for time in came if time < left), default=left)
            if silence >= SILENT and (connection.fin("server") is None or end.first == "client"):
                values = {"actor": client, "silence": f"{silence / 1e9:.1f}", "time": view.seconds(left)}
                line = f"'{said.strip()}'"  # type: ignore[union-attr]
                return cause("WL664", client, frames=(), terminal=(), line=line, **values)
    return None


def _thread(crash: Crash) -> Bilingual | None:
    """Which thread the report is about; None for the main one, or all of them."""
    found = _NAMED.search(crash.lines[0])
    if found is None:
        return None
    name = (found["name"] or found["rust"]).strip()
    return Bilingual(f"its thread {name}", f"它的线程 {name}")


def _undone(view: View, finding: Finding) -> Iterator[tuple[str, Bilingual]]:
    """What a thread of the submission would have done after its crash: whose, and what became of it, in words."""
    actor = str(finding.actor)
    if finding.code in _ENDS:
        yield from _ended(view, actor)
        return
    wanted = unquoted(finding.rationale.values.get("text", finding.rationale.values.get("wanted", "")))
    for client in view.scenario.clients:
        if finding.code != "WL201" or client == actor:
            yield from _sent(view, client, wanted, whole=finding.code == "WL201")
    if finding.code == "WL604" and actor in view.scenario.clients:
        yield from _shown(view, actor, wanted)


def _ended(view: View, actor: str) -> Iterator[tuple[str, Bilingual]]:
    """The main thread came to its end so, and the language waits for another."""
    crash, seen = _crash(view, actor), last_seen(view, actor)
    chain = chain_of(seen) if seen else None
    if crash is None or seen is None or chain is None or _thread(crash) or len(chain.threads) == 1:
        return
    named = "main" in crash.lines[0]  # as Java and Rust name it, whose stacks nobody sees
    if crash.time <= seen.time and (chain.done or named):
        stays = told(view, actor, chain) if chain.done else Bilingual("other threads go on", "其他线程还在继续")
        yield actor, Bilingual(f"; the program did not end: {stays.en}", f"；程序没有结束：{stays.zh}")


def _sent(view: View, actor: str, wanted: str, *, whole: bool) -> Iterator[tuple[str, Bilingual]]:
    """A line was typed when the main thread had ended so, or just before it did, and never left."""
    crash, lines = _crash(view, actor), view.typed_lines(actor)
    if crash is None or _thread(crash):
        return
    text = wanted if whole else told_of(wanted, (line for _, line in lines))
    answers = {spec.name for spec in view.profile.messages if spec.answers}
    sent = (item for one in view.connections_of(actor) for item in view.messages(one.index, "client"))
    left = [item.text for item in sent if item.kind not in answers]
    for time, line in lines:
        if line and line == text and crash.time <= time + AT_ONCE and not any(line in item for item in left):
            typed = view.seconds(time)
            english = f"; '{line}', typed at {typed} s, was never sent"
            yield actor, Bilingual(english, f"；{typed} 秒输入的“{line}”一直没有发送")


def _shown(view: View, actor: str, wanted: str) -> Iterator[tuple[str, Bilingual]]:
    """A message came when the thread that shows them had ended so, or made it end so."""
    crash = _crash(view, actor)
    exited = view.exits.get(actor)
    if crash is None:
        return
    if _thread(crash) is None and (exited is None or exited.time > crash.time + AT_ONCE):
        return  # the thread that shows what comes may be another
    for connection, side in view.ends_of(actor):
        came = view.messages(connection.index, other(side))
        text = told_of(wanted, (item.groups.get("text", "") for item in came))
        for item in came:
            if text and item.groups.get("text") == text and item.time >= crash.time - AT_ONCE:
                frame, time = item.frames[-1], view.seconds(item.time)
                english = f"; '{text}', which came in frame {frame} at {time} s, was not shown"
                yield actor, Bilingual(english, f"；第 {frame} 帧（{time} 秒）到达的“{text}”没有显示出来")


def _crash(view: View, actor: str) -> Crash | None:
    return crash_of(view, actor) if view.part(actor) == "submission" else None
