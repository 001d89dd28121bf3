"""The registry of findings: the one source of every code, its summary, what it says and what it advises.

Codes are grouped by layer: WL1xx connecting, WL2xx messages and framing, WL3xx heartbeat, WL4xx broadcast,
WL5xx teardown, WL6xx program and terminal, WL9xx the harness and the machine. A code, once published, keeps
its meaning. The sentences stand in ``registry_*``; what makes a finding is decided in the checks.
"""

from __future__ import annotations

from wirelab.judge import (
    registry_connection,
    registry_heartbeat,
    registry_machine,
    registry_messages,
    registry_program,
)
from wirelab.judge.kinds import Kind
from wirelab.judge.verdict import Finding, Said

__all__ = ["REGISTRY", "Kind", "finding"]

_TABLES = (registry_connection, registry_messages, registry_heartbeat, registry_program, registry_machine)


def _registry() -> dict[str, Kind]:
    kinds = sorted((kind for table in _TABLES for kind in table.KINDS), key=lambda kind: kind.code)
    registry = {kind.code: kind for kind in kinds}
    if len(registry) != len(kinds):
        raise ValueError("a finding's code is registered twice")
    return registry


REGISTRY: dict[str, Kind] = _registry()
"""Every kind of finding by its code, in order."""


def finding(
    code: str,
    actor: str | None,
    /,
    *,
    frames: tuple[int, ...] = (),
    terminal: tuple[tuple[str, str], ...] = (),
    **values: object,
) -> Finding:
    """A finding of a registered code, with its evidence. Raises KeyError for an unknown code: a bug."""
    kind = REGISTRY[code]
    return Finding(code, actor, Said(kind.rationale, values), Said(kind.hint), frames, terminal)
