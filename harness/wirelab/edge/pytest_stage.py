"""The stage of a Python test, as the test sees it: programs and peers that are started, typed at, and looked at.

Everything is played in a process beside pytest; here are the words. Light to import: pytest loads it at its start.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

import pytest

from wirelab.base.errors import HarnessBug
from wirelab.base.texts import Language, Text, register, say
from wirelab.edge.pytest_errors import Inconclusive, Missed, Misused
from wirelab.edge.pytest_setting import Role, Setting, command_of, shown
from wirelab.stage.companion import Companion

LONGEST_RUN = 3600.0  # seconds for a scenario and its repetitions; no lab has one that takes so long
SLACK = 120.0  # seconds beyond what a step may take by itself: for the machine, and for looking at what was missed
STRETCH = 6.0  # a wait for a start is stretched at most this many times (``stage.LONGEST_STRETCH``)

register(
    {
        "pytest.over": Text(
            "the stage has come to its end, by what was told before or by close()",
            "舞台已经结束（见前面的说明，或已调用 close()）",
        ),
        "pytest.bare-trace": Text(
            "stage.trace(…) compares nothing by itself: call .matches(…) on it",
            "stage.trace(…) 本身不作比较：请调用它的 .matches(…)",
        ),
    }
)


class Stage:
    """A private network with a tap on it, and whoever acts there. Each test has its own.

    What a test expects and does not see raises Missed, an AssertionError with the findings; what it sees gives True, so
    that ``assert`` may stand before it.
    """

    def __init__(self, companion: Companion, setting: Setting) -> None:
        """Open it. Raises Misused, and what the machine refuses as Inconclusive."""
        __tracebackhide__ = True
        self._companion, self._setting = companion, setting
        kind, answer = companion.ask(("open", setting), SLACK)
        if kind != "done":
            _raise(kind, answer)
        self.port: int = answer
        """The server's TCP port."""
        self._open, self._broken = True, False

    def __repr__(self) -> str:
        return f"<stage {self._setting.name.removeprefix('python/')}>"

    # --- who acts

    def start(
        self,
        name: str,
        *,
        until: str | None = "",
        within: float = 10,
        role: Role | None = None,
        command: str | Path | Sequence[str | Path] | None = None,
        env: Mapping[str, str | int | float] | None = None,
        peer: bool = False,
        answers: bool = False,
    ) -> Actor:
        """Start a program on a terminal of its own, and wait until it shows ``until``, at most ``within`` seconds.

        One called ``server`` is a server, any other name a client, unless ``role`` says so. It is the program that
        ``--server`` or ``--client`` gives, or ``command`` (a line of text, or its words), else the reference. Of a
        server, ``Listening on`` is waited for if nothing else is said; with ``until=None``, nothing. With ``peer=True``
        there is no program: the stage itself plays that end of the connection, byte by byte.
        """
        __tracebackhide__ = True
        role = role or ("server" if name == "server" else "client")
        member: dict[str, object] = {"role": role}
        member |= {"peer": True} if peer else {}
        member |= {"answers": True} if answers else {}
        member |= {"env": env} if env else {}
        step: dict[str, object] = {} if until == "" else {"until": until}
        step |= {} if within == 10 else {"within": within}
        language = self._setting.language
        about = _plain({"name": name, "member": member, "step": step}, language)
        about |= {"command": None if command is None else command_of(command, language)}
        self._ask("start", _number(within, language) * STRETCH, **about, environment=dict(os.environ))
        return Actor(self, name, role)

    # --- what is done to the network

    def wait(self, seconds: float) -> None:
        """Let time pass; everything goes on being watched."""
        __tracebackhide__ = True
        self._step(seconds, {"wait": seconds})

    def cut(self, client: Actor | str = "all") -> None:
        """Cut the wire silently, of one client or of all: nothing arrives any more and nobody is told."""
        __tracebackhide__ = True
        self._step(0, {"cut": str(client)})

    def heal(self) -> None:
        """Mend every cut."""
        __tracebackhide__ = True
        self._step(0, {"heal": "all"})

    def drop(self, flags: str, *, sender: Role, **more: object) -> None:
        """Lose one segment: the next that has these flags (``SYN``, ``SYN,ACK``, ``ACK``, ``DATA``, ``FIN``, ``RST``) and
        comes from the client or the server. ``nth``, ``of``, ``after`` as in scenarios."""
        __tracebackhide__ = True
        self._step(0, {"drop": flags, "from": sender} | more)

    def inject(self, *, to: Actor | str, of: Actor | str | None = None) -> None:
        """Forge a RST that reaches one side as if the other had sent it."""
        __tracebackhide__ = True
        step: dict[str, object] = {"inject": "RST", "to": to}
        self._step(0, step | ({} if of is None else {"of": of}))

    # --- what is looked at

    def trace(self, client: Actor | str) -> Trace:
        """The connection of a client, to be compared with a trace."""
        return Trace(self, str(client))

    def expect(self, **item: object) -> bool:
        """Check what a scenario's ``expect`` may hold, as ``stage.expect(teardown=alice, first=alice)``: True, or Missed."""
        __tracebackhide__ = True
        self._ask("expect", 0, item=_plain(item, self._setting.language))
        return True

    # --- the end

    @property
    def kept(self) -> str | None:
        """The folder that the run is kept in, if it is."""
        return self._setting.keep

    def close(self) -> None:
        """End everything that was started, and keep the run if it is to be kept. Safe to call twice."""
        if self._open and self._companion.alive:
            self._open = False
            kind, answer = self._companion.ask(("close", {}), SLACK)
            if kind != "done":
                _raise(kind, answer)

    def _step(self, seconds: float, step: dict[str, object]) -> None:
        __tracebackhide__ = True
        language = self._setting.language
        self._ask("step", _number(seconds, language), step=_plain(step, language))

    def _ask(self, word: str, seconds: float, **values: object) -> Any:
        __tracebackhide__ = True
        if not self._open:
            over = say("pytest.over", self._setting.language)
            raise Inconclusive((), over) if self._broken else Misused(over)
        try:
            kind, answer = self._companion.ask((word, values), min(max(seconds, 0), LONGEST_RUN) + SLACK)
        except HarnessBug as bug:  # ours, and no program's
            self._open, self._broken = False, True
            raise Inconclusive((), bug.text(self._setting.language)) from None
        if kind == "done":
            return answer
        self._broken = kind == "error"  # what went wrong in there has ended it
        self._open = not self._broken
        _raise(kind, answer)


def _raise(kind: str, answer: Any) -> NoReturn:
    __tracebackhide__ = True
    if kind == "missed":
        raise Missed(*answer)
    if kind == "inconclusive":
        raise Inconclusive(*answer)
    if kind == "unplayable":
        raise pytest.skip.Exception(answer, _use_item_location=True)
    if kind in ("error", "refused"):
        raise Inconclusive((), answer)
    raise Misused(answer)


class Actor:
    """A program on its terminal, or a scripted peer. Its methods are the steps of scenarios, and take what those take."""

    def __init__(self, stage: Stage, name: str, role: Role) -> None:
        self._stage, self.name, self.role = stage, name, role

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{self.role} {self.name}>"

    def _does(self, verb: str, seconds: float, **values: object) -> bool:
        __tracebackhide__ = True
        given = {key: value for key, value in values.items() if value is not None}
        self._stage._step(seconds, {self.name: verb} | given)
        return True

    # --- programs

    def types(self, text: str, *, enter: bool = True, every: float = 0, repeat: int = 1) -> None:
        """Type at its keyboard; ``every``: seconds between two keys."""
        __tracebackhide__ = True
        options = {"enter": None if enter else False, "every": every or None, "repeat": None if repeat == 1 else repeat}
        language = self._stage._setting.language
        seconds = _number(every, language) * len(str(text)) + 3
        self._does("type", seconds * _number(repeat, language), text=text, **options)

    def presses(self, key: str) -> None:
        """Press one key: ``ctrl-c``, ``ctrl-d``, ``ctrl-z``, ``enter``, …"""
        __tracebackhide__ = True
        self._does("press", 0, key=key)

    def shows(self, text: str | None = None, *, pattern: str | None = None, within: float = 2) -> bool:
        """Wait until its terminal shows a text, or what matches a regular expression. Each occurrence serves one call."""
        __tracebackhide__ = True
        return self._does("shows", within, text=text, pattern=pattern, within=within)

    def never_shows(self, text: str | None = None, *, pattern: str | None = None, within: float = 0) -> bool:
        """Its terminal has not shown a text so far, and does not within so many seconds."""
        __tracebackhide__ = True
        return self._does("never shows", within, text=text, pattern=pattern, within=within)

    def exits(self, *, status: int | None = None, within: float = 2) -> bool:
        """It ends by itself, with this exit status if one is given."""
        __tracebackhide__ = True
        return self._does("exits", within, status=status, within=within)

    def signal(self, name: str) -> None:
        """Send it a signal: ``TERM``, ``KILL``, ``STOP``, ``CONT``, ``INT``, ``HUP``."""
        __tracebackhide__ = True
        self._does("signal", 0, name=name)

    def closes_terminal(self) -> None:
        """Close its terminal window."""
        __tracebackhide__ = True
        self._does("closes terminal", 0)

    @property
    def screen(self) -> str:
        """All that its terminal has shown so far, as a person reads it, for a plain ``assert``."""
        __tracebackhide__ = True
        return str(self._stage._ask("screen", 0, actor=self.name))

    # --- peers

    def sends(self, text: str | list[str] | None = None, **more: Any) -> None:
        """Send messages, framed by the protocol; ``raw`` (text, or bytes), ``hex``, ``pieces``, ``pause``, ``repeat``,
        ``to`` as in scenarios."""
        __tracebackhide__ = True
        if isinstance(raw := more.get("raw"), bytes):
            more = {**more, "raw": None, "hex": raw.hex()}
        self._does("sends", SLACK, text=text, **more)

    def expects(
        self,
        text: str | None = None,
        *,
        pattern: str | None = None,
        end: Literal["fin", "rst"] | None = None,
        within: float = 2,
    ) -> bool:
        """Wait for a message, or for the other side's end."""
        __tracebackhide__ = True
        return self._does("expects", within, text=text, pattern=pattern, end=end, within=within)

    def half_closes(self) -> None:
        """Send FIN and go on reading."""
        __tracebackhide__ = True
        self._does("half-closes", 0)

    def closes(self) -> None:
        """Close the socket."""
        __tracebackhide__ = True
        self._does("closes", 0)

    def resets(self) -> None:
        """Send RST at once."""
        __tracebackhide__ = True
        self._does("resets", 0)

    def stops_reading(self) -> None:
        """Read no more: the window fills and closes."""
        __tracebackhide__ = True
        self._does("stops reading", 0)

    def reads_again(self) -> None:
        """Go on reading."""
        __tracebackhide__ = True
        self._does("reads again", 0)


class Trace:
    """A client's connection, as it was seen so far."""

    def __init__(self, stage: Stage, client: str) -> None:
        self._stage, self._client = stage, client

    def __repr__(self) -> str:
        return f"<trace of {self._client}>"

    def __bool__(self) -> NoReturn:
        """Raises Misused: ``assert stage.trace(alice)`` would hold whatever was seen."""
        __tracebackhide__ = True
        raise Misused(say("pytest.bare-trace", self._stage._setting.language))

    def matches(self, text: str) -> bool:
        """Compare with a trace in the notation of docs/traces.md: True, or Missed with both side by side."""
        __tracebackhide__ = True
        language = self._stage._setting.language
        if not isinstance(text, str):
            raise Misused(say("pytest.value", language, value=shown(text)))
        self._stage._ask("trace", 0, actor=self._client, text=text)
        return True


def _plain(values: Mapping[str, object], language: Language) -> dict[str, Any]:
    """What a scenario's file could hold: names instead of actors. Raises Misused for anything else."""

    def one(value: object) -> object:
        if isinstance(value, Actor | Path):
            return str(value)
        if isinstance(value, list | tuple):
            return [one(item) for item in value]
        if isinstance(value, Mapping):
            return {str(key): one(item) for key, item in value.items()}
        if value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        raise Misused(say("pytest.value", language, value=shown(value)))

    return {key: one(value) for key, value in values.items()}


def _number(value: object, language: Language) -> float:
    """A number of seconds, or a count. Raises Misused for anything else."""
    with contextlib.suppress(OverflowError):  # an int that no float can hold
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    raise Misused(say("pytest.number", language, value=shown(value)))
