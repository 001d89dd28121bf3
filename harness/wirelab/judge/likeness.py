"""Which programs are the same but for names, comments and layout, and which captures are of the same conversation: a
place to look, never a verdict. Reads no files.

What is compared is the order of a program's words, whatever its language: comments and white space are left out, each
name that is no keyword is replaced by when it first came up, texts and numbers by what they are. Renaming, reformatting and commenting
change nothing of that; moving a function does. A conversation is told by the two initial sequence numbers, which each side draws
anew for every connection (RFC 9293, section 3.4.1): cutting a capture, changing its format, its times or its addresses changes nothing of
them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from wirelab.observe.segments import Segment

CAPTURED = "captured "
"""How the fingerprint of a conversation begins, and no program's."""
LEAST = 150  # words: shorter programs are alike by chance, or because the handout says so
_HASH_COMMENTS = (".py", ".rb", ".sh", ".pl")
# What is not closed ends with its line, or with the file: never is the same text looked through twice.
_TEXT = (
    r"\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|"
    r"\"(?:\\[^\n]|[^\"\\\n])*+\"?|'(?:\\[^\n]|[^'\\\n])*+'?|`(?:\\.|[^`\\])*+`?"
)
_REST = r"(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<sign>[^\w\s])"
_COMMENTS = {True: r"#[^\n]*", False: r"//[^\n]*|/\*.*?(?:\*/|\Z)"}
_WORDS = {
    hashed: re.compile(rf"(?P<comment>{comment})|(?P<text>{_TEXT})|{_REST}", re.DOTALL)
    for hashed, comment in _COMMENTS.items()
}
_KEPT = frozenset(
    "break case catch class continue def do else except final finally for if import in new not return static struct "
    "switch throw try void while with yield".split()
)


def fingerprint(text: str, suffix: str) -> str:
    """What a program in a file with this suffix is, but for names, comments and layout; empty for a short one."""
    words: list[str] = []
    names: dict[str, str] = {}
    for found in _WORDS[suffix.lower() in _HASH_COMMENTS].finditer(text):
        kind = found.lastgroup
        if kind == "name" and found[0] not in _KEPT:
            words.append(names.setdefault(found[0], f"n{len(names)}"))
        elif kind in ("name", "sign"):
            words.append(found[0])
        elif kind is not None and kind != "comment":
            words.append(kind)
    if len(words) < LEAST:
        return ""
    return hashlib.sha256(" ".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def conversations(segments: Iterable[Segment]) -> list[str]:
    """What tells each connection whose handshake is among the segments from all others."""
    answers = (segment for segment in segments if segment.syn and segment.has_ack)
    return list(dict.fromkeys(f"{CAPTURED}{segment.ack} {segment.seq}" for segment in answers))


def alike(fingerprints: Mapping[str, Iterable[str]], known: Iterable[str] = ()) -> list[tuple[str, ...]]:
    """The groups of those (by key) that share a fingerprint, each group once; ``known`` ones (of a starter, say) do not
    count, and neither does the empty one."""
    common = {"", *known}
    groups: dict[str, list[str]] = {}
    for key, found in fingerprints.items():
        for one in dict.fromkeys(found):
            if one not in common:
                groups.setdefault(one, []).append(key)
    return list(dict.fromkeys(tuple(group) for group in groups.values() if len(group) > 1))
