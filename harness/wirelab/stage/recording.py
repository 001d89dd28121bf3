"""A person plays: their own terminal stands in for those of the programs on a stage, one at a time.

Their keys go to the program that has the focus, as they are pressed; what it shows is shown as it comes. A prefix key
and a letter change the focus, start a client, send a signal, or finish. What was done is kept as ``Deed``. Knows no
script and no expectation; makes no sentences: those come from ``Screen``.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import signal
import termios
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from wirelab.base.clock import Deadline, now_ns
from wirelab.base.signals import INTERRUPTS
from wirelab.base.texts import Language, Text, register, say
from wirelab.judge.transcribe import HANGUP, READY, Deed
from wirelab.observe.connections import Noted
from wirelab.observe.evidence import Event, Exited, Part, Role, Shown, Typed
from wirelab.present.style import safe
from wirelab.stage.actors import Program
from wirelab.stage.recording_window import Window
from wirelab.stage.stage import Stage

PREFIX = "\x1d"  # Ctrl-], as telnet has it
LOOK = 0.01  # seconds between two looks whether a key was pressed, while everything else is being watched
START_SECONDS = 10.0  # for a program to show that it is ready
QUIET = 0.4  # seconds without output after which one that shows something else is taken to be ready
AT_ONCE = 1024  # bytes of keys taken in one look: a paste
_CONTROLS = {
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
    "\x1a": "ctrl-z",
    "\x1c": "ctrl-\\",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b": "escape",
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_KEYS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~])?|[^\x00-\x1f\x7f\x80-\x9f]+|[\s\S]")
_CUT = re.compile(r"(?:\x1b(?:\[[0-?]{0,64}[ -/]{0,64}|O)?|\r)\Z")  # may go on in what is read next
_SIGNALS = {"t": "TERM", "k": "KILL", "i": "INT", "h": "HUP", "s": "STOP", "c": "CONT", "x": HANGUP}

register(
    {
        "recording.focus": Text(
            "── your keys go to {actor} · Ctrl-] ? for help, Ctrl-] q when done ──",
            "── 现在按键发给 {actor} · 帮助：Ctrl-] ?；录完：Ctrl-] q ──",
        ),
        "recording.menu": Text(
            "── {actors} · n next · s start a client · e expect · k signal · q finish · ? help ──",
            "── {actors} · n 下一个 · s 再启动一个客户端 · e 期望 · k 信号 · q 结束 · ? 帮助 ──",
        ),
        "recording.help": Text(
            "Ctrl-] and then:\n"
            "  1 2 …  your keys go to this program   n  to the next   p  to the one before\n"
            "  s      start the next client\n"
            "  e      expect the line that this program showed last: it becomes a step\n"
            "  k      send a signal, or close its terminal\n"
            "  q      finish recording\n"
            "  Ctrl-] once more: nothing\n"
            "All other keys go to the program, Ctrl-C and Ctrl-D too.",
            "先按 Ctrl-]，再按：\n"
            "  1 2 …  按键改发给这个程序   n  下一个   p  上一个\n"
            "  s      启动下一个客户端\n"
            "  e      期望：把该程序最后显示的一行变成一个步骤\n"
            "  k      发信号，或关闭它的终端\n"
            "  q      结束录制\n"
            "  再按一次 Ctrl-]：什么也不做\n"
            "其他按键都发给程序，Ctrl-C 和 Ctrl-D 也一样。",
        ),
        "recording.signals": Text(
            "── to {actor}: t TERM · k KILL · i INT · h HUP · s STOP · c CONT · x close the terminal ──",
            "── 发给 {actor}：t TERM · k KILL · i INT · h HUP · s STOP · c CONT · x 关闭终端 ──",
        ),
        "recording.expects": Text("── expected of {actor}: {text} ──", "── 期望 {actor} 显示：{text} ──"),
        "recording.nothing-shown": Text("── {actor} has shown no line yet ──", "── {actor} 还没有显示过一行 ──"),
        "recording.signalled": Text("── {actor}: {signal} ──", "── {actor}：{signal} ──"),
        "recording.no-more": Text("── no more clients ──", "── 没有更多的客户端了 ──"),
        "recording.not-a-choice": Text("── not a choice; ? for help ──", "── 没有这个选项；按 ? 看帮助 ──"),
        "recording.not-a-key": Text(
            "── a scenario has no such key; it was not passed on ──", "── 场景中没有这个键，没有传给程序 ──"
        ),
        "recording.gone": Text("── {actor} takes no keys any more ──", "── {actor} 不再接收按键 ──"),
        "recording.not-ready": Text(
            "── {actor} has not shown that it is ready; going on all the same ──",
            "── {actor} 没有表明已就绪；继续进行 ──",
        ),
        "recording.over": Text("── all programs have ended ──", "── 所有程序都已结束 ──"),
        "recording.flood": Text(
            "── {actor} prints more than is kept; recording ends here ──", "── {actor} 输出过多，录制到此为止 ──"
        ),
    }
)


class Screen(Protocol):
    """How what the other programs do is told: finished lines, often none, for what happened."""

    def __call__(self, event: Event | Noted, /) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Starting:
    """How an actor's program is started; ``environment`` goes on top of the stage's own."""

    name: str
    role: Role
    part: Part
    command: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]


@contextmanager
def kept(terminal: int) -> Iterator[None]:
    """Give a terminal back as it was found, whatever happens: for the process that waits for the one that records.

    SIGTERM and SIGHUP end recording as Ctrl-C does. A terminal that is gone needs nothing.
    """
    found = termios.tcgetattr(terminal)
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, found)
        for number, handler in before.items():
            signal.signal(number, handler)


class Recording:
    """One recording, from the first start to the last key. Is the stage's listener, too."""

    def __init__(self, keyboard: int, display: int, screen: Screen, language: Language) -> None:
        self.deeds: list[Deed] = []
        self.focus = ""
        self._keyboard = keyboard
        self._display = display
        self._screen = screen
        self._language = language
        self._windows: dict[str, Window] = {}
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._cut = ""  # the beginning of a key's sequence, of which the rest may be under way
        self._menu: Callable[[str], None] | None = None
        self._menu_since = 0
        self._idle = 0
        self._over = False
        self._last_shown = 0
        self._stage: Stage
        self._waiting: list[Starting] = []

    # --- the listener

    def __call__(self, event: Event | Noted, /) -> None:
        """Show it: the focused program's output as it is, all else as lines."""
        if self._over:
            return
        if isinstance(event, Shown):
            self._last_shown = event.time
            window = self._windows.setdefault(event.actor, Window())
            text = window.feed(event.data)
            if event.actor == self.focus:
                self._write(text)
            elif whole := window.whole_lines(event.data):
                self._tell(*self._screen(replace(event, data=whole)))
            return
        if isinstance(event, Noted | Typed):
            return
        if isinstance(event, Exited):
            self._windows.setdefault(event.actor, Window()).line = ""
        self._tell(*self._screen(event))

    def finish(self) -> None:
        """Nothing more will come."""

    def at(self, port: int) -> Recording:
        """The same: it tells of no ports."""
        return self

    # --- the display

    def _write(self, text: str) -> None:
        data = text.encode(errors="replace")
        try:
            while data:
                data = data[os.write(self._display, data) :]
        except OSError:  # the terminal has been closed
            raise KeyboardInterrupt from None

    def _tell(self, *lines: str) -> None:
        """Lines among what the focused program shows; the line that its cursor stands on comes again below."""
        if lines:
            window = self._windows.get(self.focus)
            again = window.line if window else ""
            self._write("\x1b[0m\r\x1b[K" + "".join(f"{line}\x1b[0m\r\n" for line in lines) + again)

    def _say(self, key: str, **values: object) -> None:
        self._tell(*map(safe, say(f"recording.{key}", self._language, **values).split("\n")))

    def _look_at(self, name: str) -> None:
        """Show another program's line from here on."""
        if self.focus and self.focus != name:
            self._write("\r\n")
        self.focus = ""
        self._say("focus", actor=name)
        self.focus = name
        window = self._windows.setdefault(name, Window())
        window.begun = ""
        self._write(window.line)

    # --- the course of it

    def drive(self, stage: Stage, begin: Sequence[Starting], later: Sequence[Starting]) -> None:
        """Start what is there from the beginning, then let the person play until they finish, nothing runs any more, or
        a terminal is flooded: then the last deed is ``ends``. An interrupt, or a terminal that is gone, breaks off what
        they do (``broken``), and is not raised: what was done was done. From then on interrupts are ignored: a terminal
        that closes gives word of that in several ways, and what was done has still to be handed over. Raises what starting
        a program raises."""
        self._stage = stage
        for number in INTERRUPTS:
            signal.signal(number, self._interrupted)
        self._waiting = list(later)
        tty.setraw(self._keyboard, termios.TCSANOW)
        try:
            for one in begin:
                self._start(one)
            self._play()
            self._over = True  # what the harness ends from here on is nothing to be told
            self._deed("", "ends")
            self._write("\x1b[0m\r\n")
        except KeyboardInterrupt:
            self._over = True
            if not self.deeds or self.deeds[-1].what != "ends":
                self._deed("", "broken")

    def _interrupted(self, *_: object) -> None:
        over, self._over = self._over, True
        if not over:
            raise KeyboardInterrupt

    def _play(self) -> None:
        while not self._over:
            self._stage.pump(LOOK)
            if self._stage.flooded:
                flooding = next((program.name for program in self._stage.programs if program.flooded), "-")
                self._say("flood", actor=flooding)
                return
            if all(program.exited is not None for program in self._stage.programs):
                self._say("over")
                return
            self._take_keys()

    def _start(self, one: Starting) -> None:
        environment = self._stage.base_environment() | dict(one.environment)
        program = self._stage.start_program(one.name, one.role, one.part, one.command, environment, one.folder)
        self._look_at(one.name)
        deadline, words = Deadline.after(START_SECONDS), READY[one.role]

        def ready() -> bool:
            text = program.transcript.text
            quiet = bool(text.strip()) and now_ns() - self._last_shown > QUIET * 1e9
            return words in text or quiet or program.exited is not None

        while not ready() and not deadline.passed:
            self._stage.pump(LOOK)
        if not ready():
            self._say("not-ready", actor=one.name)

    def _deed(self, actor: str, what: str, about: str = "") -> None:
        self.deeds.append(Deed(now_ns(), actor, what, about, self._idle))

    def _take_keys(self) -> None:
        if not select.select([self._keyboard], [], [], 0)[0]:
            self._keys(self._cut)  # no more came with it: that was all
            self._cut = ""
            return
        try:
            data = os.read(self._keyboard, AT_ONCE)
        except OSError:
            data = b""
        if not data:  # the terminal has been closed
            raise KeyboardInterrupt
        text = self._cut + self._decoder.decode(data)
        begun = _CUT.search(text)
        self._cut = begun[0] if begun else ""
        self._keys(text.removesuffix(self._cut))

    def _keys(self, text: str) -> None:
        for key in _KEYS.findall(text.replace("\r\n", "\r")):
            if self._over:
                return
            if self._menu is not None:
                for letter in key:
                    self._choose(letter)
            elif key == PREFIX:
                self._open(self._chosen, "menu", actors=self._numbered())
            else:
                self._pressed(key)

    def _pressed(self, key: str) -> None:
        program = self._stage.actors.get(self.focus)
        if not isinstance(program, Program):
            return
        named = _CONTROLS.get(key)
        is_text = key in "\r\n" or _CONTROL.match(key) is None
        if named is None and not is_text:
            self._say("not-a-key")
            return
        text = "\n" if key in "\r\n" else key
        taken = program.type(text, enter=False) if named is None else program.press(named)
        if not taken:
            self._say("gone", actor=self.focus)
        elif named is None:
            self._deed(self.focus, "types", text)
        else:
            self._deed(self.focus, "presses", named)

    # --- the menus

    def _open(self, chosen: Callable[[str], None], key: str, **values: object) -> None:
        if self._menu is None:
            self._menu_since = now_ns()
        self._menu = chosen
        self._say(key, **values)

    def _choose(self, letter: str) -> None:
        if self._menu is None:  # the rest of several letters at once
            self._pressed(letter)
            return
        chosen, since = self._menu, self._menu_since
        self._menu = None
        self._idle += now_ns() - since
        chosen(letter)

    def _numbered(self) -> str:
        return "  ".join(f"{number} {name}" for number, name in enumerate(self._stage.actors, 1))

    def _chosen(self, letter: str) -> None:
        names = list(self._stage.actors)
        at = names.index(self.focus)
        match letter:
            case "n":
                self._look_at(names[(at + 1) % len(names)])
            case "p":
                self._look_at(names[at - 1])
            case "s" if self._waiting:
                one = self._waiting.pop(0)
                self._deed(one.name, "starts")
                self._start(one)
            case "s":
                self._say("no-more")
            case "e":
                self._expect()
            case "k":
                self._open(self._signal, "signals", actor=self.focus)
            case "q":
                self._over = True
            case "?":
                self._say("help")
            case _ if letter in (PREFIX, "w", "\x1b"):
                pass
            case _ if letter.isdecimal() and 1 <= int(letter) <= len(names):
                self._look_at(names[int(letter) - 1])
            case _:
                self._say("not-a-choice")

    def _expect(self) -> None:
        last = self._windows[self.focus].last
        if not last:
            self._say("nothing-shown", actor=self.focus)
            return
        self._deed(self.focus, "expects", last)
        self._say("expects", actor=self.focus, text=last)

    def _signal(self, letter: str) -> None:
        name, program = _SIGNALS.get(letter), self._stage.actors[self.focus]
        if name is None or not isinstance(program, Program):
            self._say("not-a-choice")
            return
        if program.exited is not None or not program.terminal_open:
            self._say("gone", actor=self.focus)
            return
        self._deed(self.focus, "signals", name)
        if name == HANGUP:
            program.hang_up()
        else:
            program.signal(name)
        self._say("signalled", actor=self.focus, signal=name)
