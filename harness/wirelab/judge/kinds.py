"""What a kind of finding is: a code and its sentences. Knows none of them."""

from __future__ import annotations

from dataclasses import dataclass

from wirelab.base.texts import Text


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding: a one-line summary, the rationale (expected and seen), and where to look.

    ``{name}`` in the rationale marks a value that is filled in when a finding is made.
    """

    code: str
    summary: Text
    rationale: Text
    hint: Text
