"""Rules for what was left undone because an error had ended a thread (WL663), or a time limit the program (WL664).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wirelab.base.texts import Bilingual
from wirelab.judge.causes_program import end_of_input, interrupted
from wirelab.judge.chains import MAIN, chain_of, is_over, last_seen, told
from wirelab.judge.clues import MS, Crash, crash_of, other, told_of, unquoted
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.evidence import Called
from wirelab.observe.messages import Message

SILENT = 400 * MS  # the shortest time limit that can be told from chance
AT_ONCE = 1_000 * MS  # a crash so soon after a line was typed, or a message came, may come of it

_ENDS = frozenset(("WL503", "WL504", "WL601"))  # it did not close, or end
_NAMED = re.compile(r"""Exception in thread "?(?!main")(?P<name>[^":]+)|thread '(?!main')(?P<rust>[^']*)'""")
_NAMED_MAIN = re.compile(r"""Exception in thread "main"|thread 'main'""")
_RAN_OUT = re.compile(
    r"\btim(?:ed|e)[ -]?out\b|TimeoutError|ETIMEDOUT|EAGAIN|temporarily unavailable|超时", re.IGNORECASE
)
_NOT_UNCAUGHT = (
    re.compile(  # what Python, its libraries and programs say before a report that is none of the main thread's end
        r"^Exception ignored in|^Process \S+:|^Exception occurred during|never retrieved|^Exception in callback"
        r"|\b(?:ERROR|CRITICAL|WARNING)\b|^Task exception"
    )
)
_MAIN = Bilingual("its main thread", "它的主线程")


def thread_ended(view: View, finding: Finding) -> Finding | None:
    """A crash report tells of the thread that was to do what was not done; where a key made it, that is the cause."""
    actor, crash, then = next(_undone(view, finding), (None, None, None))
    if actor is None or crash is None:
        return None
    key = end_of_input(view, finding) or interrupted(view, finding)
    if key is not None and key.actor == actor:
        return key
    values = {"actor": actor, "time": view.seconds(crash.time), "thread": _thread(crash) or _MAIN, "then": then}
    return cause("WL663", actor, frames=(), terminal=crash.quoted(actor), **values)


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


def _undone(view: View, finding: Finding) -> Iterator[tuple[str, Crash, Bilingual]]:
    """What a thread of the submission would have done after its crash: whose, which, and what became of it, in words."""
    actor = str(finding.actor)
    if finding.code in _ENDS:
        if (crash := _of_main(view, actor)) and (then := _ended(view, actor, crash)):
            yield actor, crash, then
        return
    wanted = unquoted(finding.rationale.values.get("text", finding.rationale.values.get("wanted", "")))
    for client in view.scenario.clients:
        if (finding.code != "WL201" or client == actor) and (crash := _of_main(view, client)):
            for then in _sent(view, client, crash, wanted, whole=finding.code == "WL201"):
                yield client, crash, then
    if finding.code == "WL604" and actor in view.scenario.clients and (crash := _crash(view, actor)):
        for then in _shown(view, actor, crash, wanted):
            yield actor, crash, then


def _crash(view: View, actor: str) -> Crash | None:
    """The crash report of a program of the submission, unless a line before it says that it was caught, or is another
    process's or nobody knows which thread's."""
    crash = crash_of(view, actor) if view.part(actor) == "submission" else None
    lines = view.lines(actor) if crash is not None else []
    at = next((number for number, line in enumerate(lines) if crash is not None and line == crash.lines[0]), 0)
    before = next((line for line in reversed(lines[:at]) if line.strip()), "")
    return None if _NOT_UNCAUGHT.search(before) else crash


def _of_main(view: View, actor: str) -> Crash | None:
    """The crash report that is about the main thread, unless that was seen to go on after it."""
    crash = _crash(view, actor)
    if crash is None or _thread(crash) is not None:
        return None
    called = (event for event in view.evidence.events if isinstance(event, Called) and event.actor == actor)
    if any(event.thread == MAIN and event.time > crash.time for event in called):
        return None
    mains = (thread for seen in view.witnessed(actor) if seen.time > crash.time for thread in seen.threads[:1])
    if any(main.stack and not is_over(main) for main in mains):
        return None
    left = [item for item in _own_messages(view, actor) if item.time > crash.time]
    typed = [line for time, line in view.typed_lines(actor) if line and time > crash.time]
    return None if any(line in item.text for item in left for line in typed) else crash


def _own_messages(view: View, actor: str) -> list[Message]:
    """What a client sent besides answers."""
    answers = {spec.name for spec in view.profile.messages if spec.answers}
    sent = (item for one in view.connections_of(actor) for item in view.messages(one.index, "client"))
    return [item for item in sent if item.kind not in answers]


def _ended(view: View, actor: str, crash: Crash) -> Bilingual | None:
    """The main thread came to its end so, and the language waits for another."""
    seen = last_seen(view, actor)
    chain = chain_of(seen) if seen else None
    if seen is None or chain is None or len(chain.threads) == 1 or crash.time > seen.time:
        return None
    if chain.done:
        stays = told(view, actor, chain)
    elif _NAMED_MAIN.search(crash.lines[0]):  # as Java and Rust name it, whose stacks nobody sees
        stays = Bilingual("other threads go on", "其他线程还在继续")
    else:
        return None
    return Bilingual(f"; the program did not end: {stays.en}", f"；程序没有结束：{stays.zh}")


def _sent(view: View, actor: str, crash: Crash, wanted: str, *, whole: bool) -> Iterator[Bilingual]:
    """A line was typed when the main thread had ended so, or just before it did, and never left."""
    lines = view.typed_lines(actor)
    text = wanted if whole else told_of(wanted, (line for _, line in lines))
    left = _own_messages(view, actor)
    others = (name for name in view.scenario.clients if name != actor)
    if not whole and any(line == text for name in others for _, line in view.typed_lines(name)):
        return  # it may be theirs that is missing
    before = max(
        (time for time, _ in lines if time <= crash.time), default=crash.time
    )  # who has typed on, has been read
    for time, line in lines:
        late = time >= before and crash.time <= time + AT_ONCE
        if line and line == text and late and not any(line in item.text for item in left):
            typed = view.seconds(time)
            english = f"; '{line}', typed at {typed} s, was never sent"
            yield Bilingual(english, f"；{typed} 秒输入的“{line}”一直没有发送")


def _shown(view: View, actor: str, crash: Crash, wanted: str) -> Iterator[Bilingual]:
    """A message came when the thread that shows them had ended so, or made it end so, and nothing of it was shown."""
    exited = view.exits.get(actor)
    if _thread(crash) is None and (exited is None or exited.time > crash.time + AT_ONCE):
        return  # the thread that shows what comes may be another
    for connection, side in view.ends_of(actor):
        asked = [one for one in view.pairing(connection).exchanges if one.question.began > crash.time]
        if any(one.answer is not None for one in asked):
            continue  # whoever receives goes on
        came = view.messages(connection.index, other(side))
        text = told_of(wanted, (item.groups.get("text", "") for item in came))
        for item in came:
            if not text or item.groups.get("text") != text or text in view.shown_since(actor, item.began):
                continue
            if item.time >= crash.time - AT_ONCE:
                frame, time = item.frames[-1], view.seconds(item.time)
                english = f"; '{text}', which came in frame {frame} at {time} s, was not shown"
                yield Bilingual(english, f"；第 {frame} 帧（{time} 秒）到达的“{text}”没有显示出来")
