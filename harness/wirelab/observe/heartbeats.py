"""Pairs questions with their answers on one connection: heartbeats, or whatever a profile says answers what.

Knows messages and the profile's ``answers`` and ``by``, not how soon an answer must come. How pairs are found:

- An answer belongs to the oldest question of the same number (the group ``by``) that was whole on the wire
  before the answer began and has no answer yet. So late answers and answers in another order find their question.
- No such question, but one of that number was asked before: the answer is *repeated*.
- The number was not asked so far (it is wrong, or the answer came before its question): it is *unsolicited*.
- Without a number (``by`` is None) answers go to questions in the order they were asked. Nobody can tell then
  which of several questions was left out: if one is never answered, every later answer counts for an earlier question.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from wirelab.observe.messages import Message, MessageSpec, Profile


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer; ``answer`` is None when none was seen."""

    question: Message
    answer: Message | None = None

    @property
    def delay_ns(self) -> int | None:
        """From the question's last byte to the answer's last byte, both as captured; None without an answer."""
        return None if self.answer is None else self.answer.time - self.question.time


@dataclass(frozen=True, slots=True)
class Pairing:
    """All exchanges in the order of their questions, and the answers that belong to none, in wire order."""

    exchanges: tuple[Exchange, ...]
    unsolicited: tuple[Message, ...] = ()
    repeated: tuple[Message, ...] = ()


def pair(profile: Profile, server_messages: Iterable[Message], client_messages: Iterable[Message]) -> Pairing:
    """Pair every message that the profile gives an answer to, whichever side asks, with its answer."""
    answers = {spec.name: spec for spec in profile.messages if spec.answers is not None}
    asking: dict[str, list[MessageSpec]] = defaultdict(list)
    for spec in answers.values():
        asking[str(spec.answers)].append(spec)

    questions: list[Message] = []
    book = _Book()
    unsolicited: list[Message] = []
    repeated: list[Message] = []
    # A question counts from its last byte on, an answer from its first: in this order each answer meets
    # exactly the questions it can have been an answer to.
    steps = [
        step
        for message in (*server_messages, *client_messages)
        for step in _steps(message, asks=message.kind in asking, answers=message.kind in answers)
    ]
    for _, _, answering, message in sorted(steps, key=lambda step: step[:3]):
        if answering:
            key = _key(answers[str(message.kind)], message)
            if not book.answer(key, message):
                (repeated if key in book.waiting else unsolicited).append(message)
        else:
            for spec in asking[str(message.kind)]:
                book.ask(_key(spec, message), len(questions))
            questions.append(message)
    exchanges = tuple(Exchange(question, book.answered.get(index)) for index, question in enumerate(questions))
    return Pairing(exchanges, tuple(unsolicited), tuple(repeated))


Key = tuple[str, str | None, str | None]
"""The question's kind, the group that must be equal, and its value."""


@dataclass(slots=True)
class _Book:
    """Which questions wait for an answer. A key stays for good once it was asked."""

    waiting: dict[Key, deque[int]] = field(default_factory=dict)
    answered: dict[int, Message] = field(default_factory=dict)

    def ask(self, key: Key, index: int) -> None:
        line = self.waiting.setdefault(key, deque())
        if not line or line[-1] != index:  # two kinds of answer may share the key
            line.append(index)

    def answer(self, key: Key, message: Message) -> bool:
        """Whether the message answers a question that waited."""
        line = self.waiting.get(key, deque())
        while line:
            # A question that several kinds of message can answer may have been answered by another kind.
            if (index := line.popleft()) not in self.answered:
                self.answered[index] = message
                return True
        return False


def _key(spec: MessageSpec, message: Message) -> Key:
    return str(spec.answers), spec.by, None if spec.by is None else message.groups.get(spec.by, "")


def _steps(message: Message, *, asks: bool, answers: bool) -> Iterable[tuple[int, int, bool, Message]]:
    """When the message takes part: time, captured frame (which tells equal times apart), and whether as an answer."""
    if asks:
        yield message.time, max(message.frames, default=0), False, message
    if answers:
        yield message.began, min(message.frames, default=0), True, message
