"""The registry of findings: the one source of every code, its summary, what it says and what it advises.

Codes are grouped by layer: WL1xx connecting, WL2xx messages and framing, WL3xx heartbeat, WL4xx broadcast,
WL5xx teardown, WL6xx program and terminal, WL7xx expected traces, WL9xx the harness and the machine. A code, once published, keeps
its meaning. The sentences stand in ``registry_*``; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from collections.abc import Iterable

from wirelab.judge import (
    registry_capture,
    registry_causes,
    registry_causes_end,
    registry_connection,
    registry_heartbeat,
    registry_machine,
    registry_messages,
    registry_program,
    registry_trace,
)
from wirelab.judge.kinds import Kind
from wirelab.judge.verdict import Finding, Said

__all__ = ["REGISTRY", "Kind", "cause", "deepest", "depth", "finding"]

STOPS = frozenset("WL354 WL453 WL603 WL606 WL608 WL663".split())  # it crashed, or ended before its time

_TABLES = (
    registry_capture,
    registry_connection,
    registry_messages,
    registry_heartbeat,
    registry_program,
    registry_machine,
    registry_trace,
    registry_causes,
    registry_causes_end,
)


def _registry() -> dict[str, Kind]:
    kinds = sorted((kind for table in _TABLES for kind in table.KINDS), key=lambda kind: kind.code)
    registry = {kind.code: kind for kind in kinds}
    if len(registry) != len(kinds):
        raise ValueError("a finding's code is registered twice")
    return registry


REGISTRY: dict[str, Kind] = _registry()
"""Every kind of finding by its code, in order."""


def depth(code: str) -> tuple[bool, str]:
    """Where to begin among codes, the lowest first: what keeps all else from working (it does not connect, it crashes)
    stands before the rest, and an earlier layer before those built upon it."""
    return not (code.startswith("WL1") or code in STOPS), code[:3]


def deepest(findings: Iterable[Finding]) -> Finding | None:
    """The finding to begin with: the first of those whose cause, or who themselves, lie deepest."""
    return min(findings, key=lambda found: depth((found.cause or found).code), default=None)


def finding(
    code: str,
    actor: str | None,
    /,
    *,
    frames: tuple[int, ...] = (),
    terminal: tuple[tuple[str, str], ...] = (),
    **values: object,
) -> Finding:
    """A finding of a registered code, with its evidence.

    Raises KeyError for an unknown code and ValueError for that of a cause: bugs, both.
    """
    kind = REGISTRY[code]
    if kind.cause:
        raise ValueError(f"{code} is a cause, and stands in Finding.cause only")
    return Finding(code, actor, Said(kind.rationale, values), Said(kind.hint), frames, terminal)


def cause(
    code: str,
    actor: str | None,
    /,
    *,
    frames: tuple[int, ...] = (),
    terminal: tuple[tuple[str, str], ...] = (),
    **values: object,
) -> Finding:
    """What ``Finding.cause`` may hold. Raises KeyError for an unknown code, ValueError for one that is no cause."""
    kind = REGISTRY[code]
    if not kind.cause:
        raise ValueError(f"{code} is no cause")
    return Finding(code, actor, Said(kind.rationale, values), Said(kind.hint), frames, terminal)
