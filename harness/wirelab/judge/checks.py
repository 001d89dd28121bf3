"""Checks of what crossed the wire: which check an expectation means, and what its findings come to.

Each check takes the view of a run and one expectation, and gives what was seen and findings that name frames and
times. Whatever the machine or the harness's own side is to blame for makes a check inconclusive, never failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.expectations import HandshakeExpected
from wirelab.declare.scenario import Expected
from wirelab.judge.blame import connection_of, cut_off, not_yours, refused, telling, wire_cut
from wirelab.judge.check_heartbeat import check_heartbeat
from wirelab.judge.check_messages import check_broadcast, check_messages
from wirelab.judge.check_teardown import check_teardown
from wirelab.judge.findings import finding
from wirelab.judge.verdict import CheckResult, Finding, Said, Verdict
from wirelab.judge.view import View

SAME_KIND = 3  # findings of one kind that a check gives in full

_FAILED = Text("{written}", "{written}")
_OPENED = Text(
    "SYN, SYN+ACK, ACK in frames {frames}, within {ms} ms{others}",
    "第 {frames} 帧完成 SYN、SYN+ACK、ACK，用时 {ms} 毫秒{others}",
)
_REFUSED = Text("refused: SYN in frame {syn}, RST in frame {rst}", "连接被拒绝：第 {syn} 帧 SYN，第 {rst} 帧 RST")
_LISTENED = Bilingual("listened, though nobody was to", "正在监听，而此处不应有程序监听")


def check_expectation(view: View, item: Expected) -> CheckResult:
    """Check one item of the scenario's ``expect`` list."""
    check = item.expectation.check
    if item.trace is not None:
        from wirelab.judge.check_trace import check_trace  # here: few scenarios have a trace, and all would wait for it

        seen, found = check_trace(view, item)
        actor = next((name for name, side in view.scenario.sides(item.trace).items() if side == "client"), None)
        item = replace(item, written=f"{item.written.splitlines()[0].strip()} …")  # the rest stands in the findings
    else:
        seen, found = _CHECKS[check](view, item.expectation)
        actor = None if check == "broadcast" else getattr(item.expectation, check)
    failed = Said(_FAILED, {"written": item.written})
    if not found:
        return CheckResult(check, actor, item.line, item.written, Verdict.PASS, seen or failed)
    found = first_of_each(found)
    blamed = [entry for entry in found if not entry.code.startswith("WL9")]
    verdict = Verdict.FAIL if blamed else Verdict.INCONCLUSIVE
    return CheckResult(check, actor, item.line, item.written, verdict, failed, tuple(found))


def first_of_each(found: list[Finding]) -> list[Finding]:
    """At most SAME_KIND findings of each code and actor; the last of them counts the rest."""
    kept: list[Finding] = []
    counts = Counter((entry.code, entry.actor) for entry in found)
    seen: Counter[tuple[str, str | None]] = Counter()
    for entry in found:
        kind = (entry.code, entry.actor)
        seen[kind] += 1
        if seen[kind] < SAME_KIND or counts[kind] == SAME_KIND == seen[kind]:
            kept.append(entry)
        elif seen[kind] == SAME_KIND:
            kept.append(replace(entry, more=counts[kind] - SAME_KIND))
    return kept


def check_handshake(view: View, expected: HandshakeExpected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not."""
    client = expected.handshake
    connection, found = connection_of(view, client)
    if connection is None:
        return None, found
    connection = telling(view, client)[0]
    shake = connection.handshake
    if expected.refused and shake.syn and shake.refused:
        return Said(_REFUSED, {"syn": shake.syn.segment.frame, "rst": shake.refused.segment.frame}), []
    if refusal := refused(view, client, connection):
        return None, [refusal]
    parts = {"SYN": shake.syn, "SYN+ACK": shake.syn_ack, "ACK": shake.ack}
    frames = tuple(noted.segment.frame for noted in parts.values() if noted)
    if shake.syn is None or shake.ack is None or shake.syn_ack is None:
        if wire_cut(view, client, connection.noted[0].segment.time):
            return None, [cut_off(frames=frames)]
        seen = ", ".join(name for name, noted in parts.items() if noted) or "-"
        return None, [finding("WL103", client, frames=frames, actor=client, seen=seen)]
    if expected.refused:
        return None, [not_yours(view.actor_at(connection, "server"), _LISTENED, frames=frames)]
    took = (shake.ack.segment.time - shake.syn.segment.time) / 1e6
    more = len(view.connections_of(client)) - 1
    others = Bilingual(f"; {more} other connections", f"；另有 {more} 个连接") if more else ""
    values = {"frames": ", ".join(str(frame) for frame in frames), "ms": f"{took:.2f}", "others": others}
    return Said(_OPENED, values), []


_CHECKS: dict[str, Callable[..., tuple[Said | None, list[Finding]]]] = {
    "handshake": check_handshake,
    "messages": check_messages,
    "heartbeat": check_heartbeat,
    "broadcast": check_broadcast,
    "teardown": check_teardown,
}
