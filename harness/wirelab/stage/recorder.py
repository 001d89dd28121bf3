"""Collects a run's events in order and tells whoever watches. Knows no programs and no packets' meaning."""

from __future__ import annotations

from typing import Protocol

from wirelab.observe.connections import Noted
from wirelab.observe.evidence import Event


class Listener(Protocol):
    """Whoever watches a run while it plays."""

    def __call__(self, event: Event | Noted, /) -> None:
        """Something happened."""

    def finish(self) -> None:
        """Nothing more will happen."""

    def at(self, port: int) -> Listener:
        """One like it, for a run whose server has another port than its scenario says."""


class Recorder:
    """The one list of events of a run; a listener sees each the moment it is recorded."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.events: list[Event] = []
        self._listener = listener

    def add(self, event: Event) -> None:
        """Keep an event and show it."""
        self.events.append(event)
        self.show(event)

    def show(self, event: Event | Noted) -> None:
        """Show something without keeping it (segments are kept as packets)."""
        if self._listener:
            self._listener(event)

    def finish(self) -> None:
        """Tell the listener that nothing more will come."""
        if self._listener:
            self._listener.finish()
