"""What the stage of a Python test raises: ``wirelab.Missed``, ``wirelab.Inconclusive``, ``wirelab.Misused``."""

from __future__ import annotations


class Missed(AssertionError):
    """What a test expects did not come about. ``codes`` are those of the findings, with their causes."""

    def __init__(self, codes: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.codes = codes


class Inconclusive(Exception):
    """It cannot be told, and that is not the program's fault: the machine gave it no time, or lost packets."""

    def __init__(self, codes: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.codes = codes


class Misused(Exception):
    """A test asks its stage for what cannot be: an actor that was not started, a key that there is not."""


for _error in (Missed, Inconclusive, Misused):
    _error.__module__ = "wirelab"  # what pytest prints before the message, and where they are found
