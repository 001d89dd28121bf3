"""The explanation page of every code, in order. Imported by who explains, never by who plays or judges."""

from __future__ import annotations

from collections.abc import Mapping

from wirelab.judge import (
    pages_answering,
    pages_broadcast,
    pages_captures,
    pages_closing,
    pages_connecting,
    pages_framing,
    pages_heartbeat,
    pages_machine,
    pages_messages,
    pages_program,
    pages_teardown,
    pages_terminal,
    pages_traces,
    pages_waiting,
)
from wirelab.judge.kinds import Page

__all__ = ["PAGES"]

_MODULES = (
    pages_connecting,
    pages_messages,
    pages_framing,
    pages_heartbeat,
    pages_answering,
    pages_broadcast,
    pages_teardown,
    pages_closing,
    pages_program,
    pages_terminal,
    pages_waiting,
    pages_traces,
    pages_machine,
    pages_captures,
)


def _pages() -> dict[str, Page]:
    pages = {code: page for module in _MODULES for code, page in module.PAGES.items()}
    if len(pages) != sum(len(module.PAGES) for module in _MODULES):
        raise ValueError("a code has two pages")
    return dict(sorted(pages.items()))


PAGES: Mapping[str, Page] = _pages()
"""Every page by its code; the codes are those of ``findings.REGISTRY``."""
