"""What a scenario wants said, and whether it can be said in its protocol. Plays nothing."""

from __future__ import annotations

from collections.abc import Iterator

from wirelab.base.errors import Place, Problem
from wirelab.base.texts import Text, register
from wirelab.declare.scenario import Scenario
from wirelab.declare.steps import Sends
from wirelab.observe.messages import Profile

_SPOKEN_OF = {"heartbeat": ("heartbeat",), "messages": ("message",), "broadcast": ("broadcast",)}
_MOST_SHOWN = 40  # characters of a text

register(
    {
        "speakable.no-message": Text(
            "the expectation '{check}' is about messages called '{name}', and the protocol '{protocol}' has none",
            "期望 '{check}' 针对名为 '{name}' 的消息，而协议 '{protocol}' 中没有这种消息",
        ),
        "speakable.no-frame": Text(
            "the protocol '{protocol}' has no frame for {text}: it holds a line end, is over the limit of {limit} bytes, or "
            "has characters the encoding lacks; what is to be wrong on purpose is sent with 'raw' or 'hex'",
            "协议 '{protocol}' 中没有可以装下 {text} 的帧：其中有换行、超出 {limit} 字节的上限，或含有该编码没有的字符；"
            "若是有意为之，请用 'raw' 或 'hex' 发送",
        ),
    }
)


def unspeakable(scenario: Scenario, profile: Profile, source: str) -> tuple[Problem, ...]:
    """The steps that send, and the expectations that speak of, what the profile does not have, each with its line in
    ``source``, the scenario's file."""
    return (*_steps(scenario, profile, source), *_expectations(scenario, profile, source))


def _steps(scenario: Scenario, profile: Profile, source: str) -> Iterator[Problem]:
    for step in scenario.script:
        action = step.action
        if not isinstance(action, Sends) or action.text is None:
            continue
        for text in (action.text,) if isinstance(action.text, str) else action.text:
            try:
                profile.framing.wrap(text.encode(profile.encoding))
            except ValueError:
                shown = repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…")
                values = {"protocol": profile.name, "text": shown, "limit": profile.framing.limit}
                yield Problem(Place(source, step.line), "speakable.no-frame", values)


def _expectations(scenario: Scenario, profile: Profile, source: str) -> Iterator[Problem]:
    for item in scenario.expect:
        missing = [name for name in _SPOKEN_OF.get(item.expectation.check, ()) if profile.spec(name) is None]
        if missing:
            values = {"check": item.expectation.check, "name": missing[0], "protocol": profile.name}
            yield Problem(Place(source, item.line), "speakable.no-message", values)
        if item.trace is not None:
            from wirelab.declare.trace_block import unknown_messages  # here: few scenarios have a trace

            yield from unknown_messages(item.trace, scenario.sides(item.trace), profile, source)
