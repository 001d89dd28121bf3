"""Scripted peers: endpoints that the harness plays itself, byte by byte, without a program.

All sockets are non-blocking; the stage's loop says when one is readable. A listening peer may hold several
connections at once; each keeps the frames it received, which ``expects`` uses up one by one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import struct
from typing import Literal

from wirelab.base.bounded import in_time
from wirelab.base.clock import now_ns
from wirelab.observe.connections import Chunk
from wirelab.observe.evidence import Ending, Peered, Role, Started
from wirelab.observe.messages import Decoder, Message, Profile
from wirelab.stage.recorder import Recorder

RECEIVE_LIMIT = 64_000_000  # bytes one peer takes in per connection before it stops reading
AT_ONCE = 8_192  # bytes taken in before anything else has its turn: a thousand short messages, some 10 ms
BACKLOG = 64
ESTABLISHED = 1  # TCP_ESTABLISHED of linux/tcp_states.h


class PeerConnection:
    """One connection of a peer: what came in, decoded, and how the other side ended it."""

    def __init__(self, peer: Peer, sock: socket.socket, remote_port: int) -> None:
        self.sock = sock
        self.remote_port = remote_port
        self.reading = True
        self.ended: Literal["fin", "rst"] | None = None
        self.unsent = b""
        self._peer = peer
        self._offset = 0
        other: Role = "server" if peer.role == "client" else "client"
        self._decoder = Decoder(peer.profile, other)
        self._messages: list[Message] = []
        self._unanswered: list[Message] = []
        self.in_pieces = False
        self.finished = False  # its FIN is sent
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self) -> None:
        """Take in some of what has arrived; never blocks. What is left makes the socket readable again: who sends
        without end would otherwise keep the loop from the tap."""
        if not self.reading or self.ended is not None:
            return
        try:
            data = self.sock.recv(AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            self.ended = "rst"
            return
        if not data:
            self.ended = "fin"
            self._take(self._decoder.finish())
            return
        self._take(self._decoder.feed(Chunk(self._offset, data, 0, now_ns())))
        self._offset += len(data)
        self.reading = self._offset < RECEIVE_LIMIT

    def _take(self, messages: tuple[Message, ...]) -> None:
        self._messages.extend(messages)
        if self._peer.answers:
            self._unanswered.extend(messages)
            self.answer()

    def answer(self) -> None:
        """Send the answers that are due; not in the middle of a message that is being sent in pieces."""
        while self._unanswered and not self.in_pieces:
            self._answer(self._unanswered.pop(0))

    def _answer(self, message: Message) -> None:
        profile = self._peer.profile
        for spec in profile.messages:
            if message.kind is not None and spec.answers == message.kind:
                self.send(profile.encode(spec.name, **message.groups))

    def send(self, data: bytes) -> None:
        """Send, keeping what the socket does not take yet; nothing after a FIN (a heartbeat may still come, and be
        answered by nobody: EPIPE would be taken for the other side's reset)."""
        if not self.finished:
            self.unsent += data
            self.flush()

    def flush(self) -> None:
        """Send on what was kept; what a broken connection refuses is dropped."""
        while self.unsent:
            try:
                self.unsent = self.unsent[self.sock.send(self.unsent) :]
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.ECONNRESET, errno.EPIPE):
                    self.ended = self.ended or "rst"
                self.unsent = b""

    @property
    def unused(self) -> int:
        """How many received messages are not used up."""
        return len(self._messages)

    def take(self, text: str | None, pattern: re.Pattern[str] | None, after: int = 0) -> bool:
        """Use up the first received message with this text (or matching this pattern), if there is one.

        The first ``after`` messages are known to be others.
        """
        for position in range(after, len(self._messages)):
            message = self._messages[position]
            if pattern is None:
                fits = message.text == text
            else:
                with in_time(pattern.pattern, message.text):
                    fits = pattern.fullmatch(message.text) is not None
            if fits:
                del self._messages[position]
                return True
        return False

    @property
    def untouched(self) -> bool:
        """Whether neither side has begun to close, or reset: the connection is established (tcp(7), TCP_INFO)."""
        if self.sock.fileno() < 0:
            return False
        (state,) = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return bool(state == ESTABLISHED)

    def close(self) -> None:
        """Close the socket; unread bytes in it make the kernel send RST instead of FIN."""
        self.reading = False
        self.ended = self.ended or "fin"
        self.sock.close()


class Peer:
    """A scripted endpoint: listens when it is a server, connects when it is a client."""

    def __init__(
        self,
        name: str,
        role: Role,
        profile: Profile,
        recorder: Recorder,
        *,
        answers: bool,
        mss: int | None = None,
    ) -> None:
        """``mss`` is the largest segment that it asks for, if the interface does not say it."""
        self._mss = mss
        self.name = name
        self.role: Role = role
        self.profile = profile
        self.answers = answers
        self.connections: list[PeerConnection] = []
        self._recorder = recorder
        self._listener: socket.socket | None = None
        self._connecting: socket.socket | None = None

    def start(self, address: tuple[str, int]) -> None:
        """Listen on ``address``, or begin to connect to it. Raises OSError when the port is taken."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if self._mss is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self._mss)
        if self.role == "server":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(address)
                sock.listen(BACKLOG)
            except OSError:
                sock.close()
                raise
            self._listener = sock
        else:
            self._connecting = sock
            with contextlib.suppress(BlockingIOError):
                sock.connect(address)
        self._recorder.add(Started(now_ns(), self.name, self.role, "peer", ("peer", self.role), None))

    @property
    def local_port(self) -> int | None:
        """A connecting peer's own port, known from the moment it began to connect."""
        sock = self._connecting or (self.connections[0].sock if self.connections else None)
        return int(sock.getsockname()[1]) if sock and self.role == "client" and sock.fileno() >= 0 else None

    @property
    def refused(self) -> bool:
        """Whether a connecting peer's attempt failed."""
        return self.role == "client" and self._connecting is None and not self.connections

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors whose readability means that ``service`` has something to do."""
        wanted = [self._listener] if self._listener else []
        wanted += [
            connection.sock for connection in self.connections if connection.reading and connection.ended is None
        ]
        return tuple(sock.fileno() for sock in wanted)

    @property
    def writable_descriptors(self) -> tuple[int, ...]:
        """Descriptors that wait to become writable: a connect under way, bytes not taken yet."""
        wanted = [self._connecting] if self._connecting else []
        wanted += [connection.sock for connection in self.connections if connection.unsent and connection.ended is None]
        return tuple(sock.fileno() for sock in wanted)

    def service(self) -> None:
        """Accept, finish connecting, receive, send on; never blocks."""
        if self._listener:
            with contextlib.suppress(BlockingIOError):
                for _ in range(BACKLOG):
                    self._adopt(*self._listener.accept())
        if self._connecting:
            self._finish_connecting(self._connecting)
        for connection in self.connections:
            if connection.ended is None:
                connection.receive()
                connection.flush()

    def _finish_connecting(self, sock: socket.socket) -> None:
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._connecting = None
            sock.close()
            self._recorder.add(Peered(now_ns(), self.name, f"refused: {os.strerror(error)}"))
            return
        try:
            address = sock.getpeername()
        except OSError:
            return  # still under way
        self._connecting = None
        self._adopt(sock, address)

    def _adopt(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.connections.append(PeerConnection(self, sock, address[1]))
        self._recorder.add(Peered(now_ns(), self.name, "connected"))

    def chosen(self, remote_port: int | None) -> list[PeerConnection]:
        """The living connections, or those to one client's port."""
        living = [connection for connection in self.connections if connection.sock.fileno() >= 0]
        if remote_port is None:
            return living
        return [
            connection for connection in living if connection.ended != "rst" and connection.remote_port == remote_port
        ]

    def note(self, what: str, data: bytes = b"") -> None:
        """Record something the peer did."""
        self._recorder.add(Peered(now_ns(), self.name, what, data))

    def half_close(self) -> None:
        """Send FIN, go on reading."""
        for connection in self.chosen(None):
            connection.finished = True
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
        self.note("half-closes")

    def close(self) -> None:
        """Close every connection."""
        for connection in self.chosen(None):
            connection.close()
        self.note("closes")

    def reset(self) -> None:
        """Abort every connection with RST (SO_LINGER with time 0)."""
        for connection in self.chosen(None):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.note("resets")

    def set_reading(self, reading: bool) -> None:
        """Stop reading (the receive buffer is made small, so that the window closes soon), or go on."""
        for connection in self.chosen(None):
            connection.reading = reading
            if not reading:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.note("reads again" if reading else "stops reading")

    def end(self) -> None:
        """Close all sockets. Safe to call twice.

        No step asked for the FINs (or RSTs) that this sends first on a connection: they are announced as the harness's,
        as when it kills a program, or they would be taken for the peer's part in the script.
        """
        if any(connection.untouched for connection in self.connections):
            self._recorder.add(Ending(now_ns(), self.name, "harness", "close"))
        for connection in self.connections:
            connection.close()
        for sock in (self._listener, self._connecting):
            if sock:
                sock.close()
        self._listener = self._connecting = None
