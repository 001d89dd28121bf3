"""Partial credit: of how many parts a check consists, and how many of them were right. Changes no verdict.

A part is what a student would count: a message, a heartbeat, a client that gets a broadcast, an end of the connection.
What a lab makes of it is the rubric's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from wirelab.declare.expectations import BroadcastExpected, Expectation, HeartbeatExpected, MessagesExpected
from wirelab.judge.verdict import CheckResult, Credit, Verdict
from wirelab.judge.view import View

_LOST_HEARTBEATS = ("WL302", "WL303")


def credit(view: View, check: CheckResult, expectation: Expectation | None = None) -> Credit | None:
    """The credit of a result; ``expectation`` is what it was checked against, None for the checks of steps and of programs."""
    if check.verdict is Verdict.INCONCLUSIVE:
        return None
    parts, wrong = _PARTS.get(check.name, _whole)(view, check, expectation)
    parts = max(1, parts)
    if check.verdict is Verdict.PASS:
        return Credit(parts, parts)
    return Credit(max(0, parts - max(1, wrong)), parts)


def _count(check: CheckResult) -> Counter[str]:
    """How often each code was found, those left out included."""
    found: Counter[str] = Counter()
    for entry in check.findings:
        found[entry.code] += 1 + entry.more
    return found


def _whole(view: View, check: CheckResult, _: Expectation | None) -> tuple[int, int]:
    return 1, 1


def _messages(view: View, check: CheckResult, expected: MessagesExpected) -> tuple[int, int]:
    """Each line that was to be sent; in the wrong order or too many, one is wrong for each finding."""
    parts = sum(1 for text in expected.sent if text)
    codes = _count(check)
    if any(code in codes for code in ("WL101", "WL102", "WL501", "WL502")):
        return parts, parts  # nothing could be sent, or not any more
    # A line that was sent in a shape that is no message is not told as missing, too.
    return parts, sum(codes.values())


def _heartbeat(view: View, check: CheckResult, expected: HeartbeatExpected) -> tuple[int, int]:
    """Each heartbeat that came, of a client's those that it answered or should have; when too few came, those that
    had to."""
    exchanges = [each for one in view.connections_of(expected.heartbeat) for each in view.pairing(one).exchanges]
    codes, came = _count(check), len(exchanges)
    if view.part(expected.heartbeat) == "submission":  # which may have left, or been about to, when others came
        came = sum(each.answer is not None for each in exchanges) + codes["WL302"]
    if not came:
        return expected.at_least, expected.at_least
    missing = max(0, expected.at_least - came)
    wrong = sum(codes[code] for code in _LOST_HEARTBEATS) or sum(codes.values()) - codes["WL301"]
    return came + missing, wrong + missing


def _broadcast(view: View, check: CheckResult, expected: BroadcastExpected) -> tuple[int, int]:
    """Each client that was to get it, or not to."""
    clients = {*expected.to, *expected.not_to}
    return len(clients), sum(_count(check).values())


def _teardown(view: View, check: CheckResult, _: Expectation | None) -> tuple[int, int]:
    """That it closed, that nobody reset, and that the right side was first."""
    codes = _count(check)
    unclosed = any(code in codes for code in ("WL503", "WL504", "WL505"))
    if "WL101" in codes or "WL102" in codes:
        return 3, 3
    return 3, unclosed + ("WL502" in codes) * 2 + ("WL501" in codes)


def _trace(view: View, check: CheckResult, _: Expectation | None) -> tuple[int, int]:
    """Each line of the trace."""
    rows = [row for entry in check.findings for row in entry.beside]
    lines = [row for row in rows if row.expected]
    extra = sum(1 for row in rows if row.kind == "extra")
    return len(lines), sum(1 for row in lines if row.kind not in ("same", "passed")) + extra


def _exits(view: View, check: CheckResult, _: Expectation | None) -> tuple[int, int]:
    """That it exits, and with which status."""
    return 2, 1 if "WL602" in _count(check) else 2


_PARTS: dict[str, Callable[..., tuple[int, int]]] = {
    "messages": _messages,
    "heartbeat": _heartbeat,
    "broadcast": _broadcast,
    "teardown": _teardown,
    "trace": _trace,
    "exits": _exits,
}
