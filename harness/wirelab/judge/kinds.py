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
    cause: bool = False  # it says why another finding came about, and stands only in ``Finding.cause``


@dataclass(frozen=True, slots=True)
class Page:
    """The explanation of a code, for ``wirelab explain`` and the docs.

    ``seen``: what one sees on the wire and on the terminal. ``why``: how it comes about. ``where``: where to look in
    one's own code. ``source``: the section of an RFC, or manual pages. ``picture``: a small picture of the packets,
    at most 76 columns; the same in both languages, so it speaks the language of segments.
    """

    seen: Text
    why: Text
    where: Text
    source: str
    picture: str
