"""Chat client with a line editor of its own: colours, and a prompt that moves down when something arrives.

The terminal is in cbreak mode, so that the program knows what is typed so far and can draw it again.
"""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import socket
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GREEN, YELLOW, RED, PLAIN = "\x1b[1;32m", "\x1b[1;33m", "\x1b[31m", "\x1b[0m"
ERASE_ROW = "\r\x1b[2K"
PROMPT = f"{GREEN}Enter message to send: {PLAIN}"
END_OF_FILE, BACKSPACE, KILL = "\x04", "\x7f\x08", "\x15"
LONGEST_LINE = 4096
PATIENCE = 5.0  # seconds to wait for a server that does not answer


@contextmanager
def cbreak() -> Iterator[None]:
    """Keys arrive one by one and are not echoed; Ctrl-C stays a signal. What was typed ahead is kept."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    changed = termios.tcgetattr(0)
    changed[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(0, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


class Screen:
    """The bottom row with the prompt, and everything that scrolls above it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.typed = ""

    def show(self, text: str) -> None:
        """Put ``text`` where the prompt was and draw the prompt below it."""
        with self._lock:
            self._write(f"{ERASE_ROW}{text}\n{PROMPT}{self.typed}")

    def draw(self) -> None:
        with self._lock:
            self._write(f"{ERASE_ROW}{PROMPT}{self.typed}")

    def key(self, key: str) -> str | None:
        """Edit; the finished line when the key was Enter."""
        with self._lock:
            if key == "\n":
                line, self.typed = self.typed, ""
                self._write(f"\n{PROMPT}")
                return line
            if key in BACKSPACE or key == KILL:
                self.typed = "" if key == KILL else self.typed[:-1]
                self._write(f"{ERASE_ROW}{PROMPT}{self.typed}")
            elif key.isprintable():
                self.typed += key
                self._write(key)
        return None

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class Client:
    """Keyboard in the main thread, receiver in another; ``ended`` is a pipe that tells one of the other."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._screen = Screen()
        self._sending = threading.Lock()
        self._quitting = False
        self._failure: OSError | None = None
        self._ended, self._tell_ended = os.pipe()
        self._interrupted, bell = os.pipe()
        os.set_blocking(bell, False)
        signal.set_wakeup_fd(bell)
        signal.signal(signal.SIGINT, lambda *_: None)

    def run(self) -> int:
        receiver = threading.Thread(target=self._receive, daemon=True)
        receiver.start()
        self._screen.draw()
        try:
            server_left = self._type()
        except OSError as error:
            print(f"\n{RED}The connection to the server was lost: {error}{PLAIN}")
            return 1
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
        if not server_left:
            with self._sending:
                self._quitting = True
                self._sock.shutdown(socket.SHUT_WR)
        receiver.join(PATIENCE)
        if receiver.is_alive() or self._failure:
            print(f"\n{RED}The connection to the server was lost: {self._failure or 'no answer'}{PLAIN}")
            return 1
        print(f"\n{GREEN}{'The server has closed the connection' if server_left else 'Bye'}.{PLAIN}")
        return 0

    def _type(self) -> bool:
        """Send typed lines; True when the server ended it, False when the person did."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            ready, _, _ = select.select([0, self._ended, self._interrupted], [], [])
            if self._ended in ready:
                return True
            if self._interrupted in ready:
                return False
            data = os.read(0, 1024)
            for key in decoder.decode(data):
                if key == END_OF_FILE and not self._screen.typed:
                    return False
                line = self._screen.key(key)
                if line == "/quit":
                    return False
                if line is not None:
                    self._send_message(line)
            if not data:
                if self._screen.typed:
                    self._send_message(self._screen.typed)
                return False

    def _send_message(self, text: str) -> None:
        line = f"MSG {text}\n".encode()
        if len(line) > LONGEST_LINE:
            self._screen.show(f"{RED}That line is too long, it was not sent.{PLAIN}")
        else:
            self._send(line)

    def _send(self, line: bytes) -> None:
        with self._sending:
            if not self._quitting:
                self._sock.sendall(line)

    def _receive(self) -> None:
        try:
            with self._sock.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):
                        self._handle(line.rstrip(b"\r\n"))
        except OSError as error:
            self._failure = error
        os.write(self._tell_ended, b".")

    def _handle(self, line: bytes) -> None:
        if match := re.fullmatch(rb"HEARTBEAT ([0-9]+)", line):
            self._send(b"HEARTBEAT-ACK %s\n" % match[1])
        elif match := re.fullmatch(rb"BROADCAST (.*)", line):
            self._screen.show(f"{YELLOW}Broadcast:{PLAIN} {match[1].decode(errors='replace')}")


def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        sock = socket.create_connection((host, port), timeout=PATIENCE)
    except OSError as error:
        print(f"{RED}Cannot connect to {host}:{port}: {error}{PLAIN}")
        return 1
    except KeyboardInterrupt:
        return 0
    sock.settimeout(None)
    with sock, cbreak():
        print(f"{GREEN}Connected{PLAIN} to {host}:{port}")
        return Client(sock).run()


if __name__ == "__main__":
    sys.exit(main())
