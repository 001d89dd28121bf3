"""Chat server on asyncio: one task reads each client, one sends its heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import selectors
import signal
import sys

INTERVAL = float(os.environ.get("HEARTBEAT_INTERVAL", "5"))
LONGEST_LINE = 4096
MISSED_LIMIT = 3
PATIENCE = 1.0  # seconds a client has for its FIN after ours

MESSAGE = re.compile(rb"MSG (.*)")
ANSWER = re.compile(rb"HEARTBEAT-ACK ([1-9][0-9]*)")


def say(text: str) -> None:
    print(text, flush=True)


class Client:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.address = writer.get_extra_info("peername")
        self._reader = reader
        self._writer = writer
        self._sent = 0
        self._answered = 0
        self._leaving = asyncio.Event()

    def send(self, line: bytes) -> None:
        if not self._leaving.is_set():
            self._writer.write(line)

    def leave(self) -> None:
        """Send FIN; from now on the client only has a moment to send its own."""
        if not self._leaving.is_set():
            self._leaving.set()
            with contextlib.suppress(OSError):  # reset, but not yet noticed
                if not self._writer.is_closing():
                    self._writer.write_eof()

    async def serve(self) -> None:
        """From Connected to Disconnected."""
        say(f"Connected {self.address}")
        reading = asyncio.create_task(self._read())
        beating = asyncio.create_task(self._beat())
        leaving = asyncio.create_task(self._leaving.wait())
        await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            await asyncio.wait({reading}, timeout=PATIENCE)
        for task in (reading, beating, leaving):
            task.cancel()
        if reading.done():
            self.leave()
            self._writer.close()
        else:
            self._writer.transport.abort()  # whoever reads nothing would keep us for ever
        say(f"Disconnected {self.address}")

    async def _read(self) -> None:
        pending = b""
        try:
            while data := await self._reader.read(4096):
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    if len(line) < LONGEST_LINE:
                        self._handle(line.removesuffix(b"\r"))
        except OSError:
            pass  # a reset is one more way to leave

    def _handle(self, line: bytes) -> None:
        if match := MESSAGE.fullmatch(line):
            say(f"Received from {self.address}: {match[1].decode(errors='replace')}")
        elif (match := ANSWER.fullmatch(line)) and self._answered < int(match[1]) <= self._sent:
            self._answered = int(match[1])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            if self._sent - self._answered >= MISSED_LIMIT:
                return self.leave()
            self._sent += 1
            self.send(b"HEARTBEAT %d\n" % self._sent)


class Server:
    """All clients, and the keyboard that speaks to them."""

    def __init__(self) -> None:
        self._clients: dict[Client, asyncio.Task[None]] = {}
        self._typed = b""
        self._done = asyncio.Event()

    async def run(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._done.set)
        try:
            listener = await asyncio.start_server(self._accepted, host, port)
        except OSError as error:
            say(f"Cannot listen on {host}:{port}: {error}")
            return 1
        say(f"Listening on {host}:{port}")
        loop.add_reader(0, self._keyboard)
        await self._done.wait()
        loop.remove_reader(0)
        listener.close()
        for client in self._clients:
            client.leave()
        if self._clients:
            await asyncio.wait(set(self._clients.values()))
        await asyncio.sleep(0)  # the transports close their sockets in the next turn of the loop
        return 0

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._clients[client] = task
        if self._done.is_set():
            client.leave()
        try:
            await client.serve()
        finally:
            del self._clients[client]

    def _keyboard(self) -> None:
        try:
            data = os.read(0, 4096)
        except OSError:  # the terminal is gone
            data = b""
        *lines, self._typed = (self._typed + data).split(b"\n")
        for line in lines:
            if line == b"/quit":
                self._done.set()
            elif not self._done.is_set():
                self._broadcast(line)
        if not data:
            if self._typed and not self._done.is_set():
                self._broadcast(self._typed)
            self._done.set()

    def _broadcast(self, text: bytes) -> None:
        line = b"BROADCAST %s\n" % text
        if len(line) > LONGEST_LINE:
            say("That line is too long, it was not sent.")
            return
        for client in self._clients:
            client.send(line)


async def main() -> int:
    host, port = (sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else ("127.0.0.1", 12001)
    return await Server().run(host, port)


if __name__ == "__main__":
    # poll(), unlike epoll, also takes a keyboard that is a file or /dev/null
    event_loop = asyncio.SelectorEventLoop(selectors.PollSelector())
    status = event_loop.run_until_complete(main())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # one is enough
    sys.exit(status)
