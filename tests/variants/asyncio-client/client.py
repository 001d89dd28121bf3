"""Chat client on asyncio: the keyboard, the socket and Ctrl-C are three sources of one event loop."""

from __future__ import annotations

import asyncio
import os
import re
import selectors
import signal
import sys

PROMPT = "Enter message to send: "
LONGEST_LINE = 4096
PATIENCE = 5.0  # seconds to wait for a server that does not answer

HEARTBEAT = re.compile(rb"HEARTBEAT ([1-9][0-9]*)")
BROADCAST = re.compile(rb"BROADCAST (.*)")


def say(text: str, end: str = "\n") -> None:
    """Print at once, because the prompt has no newline to flush it."""
    print(text, end=end, flush=True)


class Keyboard:
    """Lines typed at file descriptor 0, without a thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending = b""
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        loop.add_reader(0, self._readable)
        loop.add_signal_handler(signal.SIGINT, self._lines.put_nowait, None)

    def close(self) -> None:
        self._loop.remove_reader(0)

    async def line(self) -> str | None:
        """The next line; None at end-of-file or Ctrl-C."""
        return await self._lines.get()

    def _readable(self) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:  # the terminal is gone
            data = b""
        *lines, self._pending = (self._pending + data).split(b"\n")
        if not data:
            lines += [self._pending] if self._pending else []
            self._loop.remove_reader(0)
        for line in lines:
            self._lines.put_nowait(line.decode(errors="replace"))
        if not data:
            self._lines.put_nowait(None)


class Chat:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._quitting = False

    async def receive(self) -> None:
        """Answer and show what arrives, until the server's end-of-file. Raises OSError on a reset."""
        pending = b""
        while data := await self._reader.read(4096):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                self._handle(line.removesuffix(b"\r"))

    async def forward(self, keyboard: Keyboard) -> None:
        """Send typed lines until /quit or end-of-file."""
        while (text := await keyboard.line()) is not None and text != "/quit":
            line = f"MSG {text}\n".encode()
            if len(line) > LONGEST_LINE:
                say("That line is too long, it was not sent.")
            else:
                self._writer.write(line)
            say(PROMPT, end="")

    async def leave(self, receiving: asyncio.Task[None]) -> None:
        """Send FIN after everything written, then wait for the server's."""
        self._quitting = True
        self._writer.write_eof()
        await asyncio.wait_for(receiving, PATIENCE)

    def _handle(self, line: bytes) -> None:
        if match := HEARTBEAT.fullmatch(line):
            if not self._quitting:
                self._writer.write(b"HEARTBEAT-ACK %s\n" % match[1])
        elif match := BROADCAST.fullmatch(line):
            say(f"\nBroadcast: {match[1].decode(errors='replace')}")
            say(PROMPT, end="")


async def main() -> int:
    """Connect and chat; the exit status."""
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), PATIENCE)
    except OSError as error:  # asyncio's TimeoutError, which has no text, is one too
        say(f"Cannot connect to {host}:{port}: {error or 'no answer'}")
        return 1
    say(f"Connected to {host}:{port}")
    keyboard = Keyboard(asyncio.get_running_loop())
    say(PROMPT, end="")
    chat = Chat(reader, writer)
    receiving = asyncio.create_task(chat.receive())
    typing = asyncio.create_task(chat.forward(keyboard))
    try:
        await asyncio.wait({receiving, typing}, return_when=asyncio.FIRST_COMPLETED)
        if receiving.done():
            receiving.result()
            say("\nThe server has closed the connection.")
        else:
            await chat.leave(receiving)
    except OSError:
        say("\nThe connection to the server was lost.")
        return 1
    finally:
        keyboard.close()
        typing.cancel()
        writer.close()
    return 0


if __name__ == "__main__":
    # poll(), unlike epoll, also takes a keyboard that is a file or /dev/null
    event_loop = asyncio.SelectorEventLoop(selectors.PollSelector())
    try:
        status = event_loop.run_until_complete(main())
    except KeyboardInterrupt:  # Ctrl-C while connecting
        status = 0
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
    sys.exit(status)
