"""The few exceptions of wirelab, split by who can mend them.

What a student's program did wrong is a finding, never an exception. Any exception
that is not listed here and leaves a public function is a bug in wirelab.

Each error carries a key into the bilingual catalogue (``base/texts.py``) and the
values that fill it; rendering happens once, at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from wirelab.base.texts import Language, say


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an input something stands; lines and columns count from 1, 0 means unknown."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.source
        return f"{self.source}:{self.line}:{self.column}" if self.column else f"{self.source}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in an input: the place, a catalogue key, and the values that fill its text."""

    place: Place
    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        """``place: message`` in the given language."""
        return f"{self.place}: {say(self.key, language, **self.values)}"


class WirelabError(Exception):
    """Base of all expected errors: a catalogue key and the values that fill its text."""

    exit_status: ClassVar[int] = 70

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(say(key, "en", **values))
        self.key = key
        self.values = values

    def text(self, language: Language) -> str:
        """The message in the given language, one or more lines."""
        return say(self.key, language, **self.values)


class UsageError(WirelabError):
    """The command line asks for something that cannot be; the user mends it (EX_USAGE)."""

    exit_status = 64


class AuthorError(WirelabError):
    """An input file (scenario, protocol, lab) has mistakes, all of them listed (EX_DATAERR)."""

    exit_status = 65

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        Exception.__init__(self, "\n".join(problem.text("en") for problem in problems))

    def text(self, language: Language) -> str:
        return "\n".join(problem.text(language) for problem in self.problems)


class Overrun(WirelabError):
    """What an author wrote takes longer than anybody can wait, on what a program sent or showed (EX_DATAERR)."""

    exit_status = 65


class InputError(WirelabError):
    """A file cannot be read or is not what it claims to be: a capture, a run folder (EX_NOINPUT)."""

    exit_status = 66


class EnvironmentFault(WirelabError):
    """The machine refuses or lacks something; the message names the remedy (EX_UNAVAILABLE)."""

    exit_status = 69


class HarnessBug(WirelabError):
    """wirelab contradicts itself; please report it (EX_SOFTWARE)."""

    exit_status = 70
