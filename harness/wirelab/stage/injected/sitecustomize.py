"""Runs inside a student's Python as it starts: notes which line calls a socket's methods, and makes races show.

Knows nothing of wirelab.

Python imports a module of this name when it starts (the library's `site`), from the folder that the harness put into
PYTHONPATH. It takes back all that brought it here, lets the machine's own ``sitecustomize`` be imported as if nothing
had been, and waits for ``socket`` to be imported. Then the methods of ``socket.socket`` are put behind descriptors:
looking up ``sock.send`` notes the line that does it and gives the very method that it would have given, so that no
frame of ours is ever in between when something is called, fails, and prints its traceback.

What is noted goes into memory shared with a file: nothing is open, nothing is waited for, and no other thread gets a
chance to run that it would not have had. One line is ``time thread call port peer count unread linger line function
file``, separated by tabs; `wirelab.stage.observer` reads it. Whatever goes wrong here, the program goes on without.

Where races are amplified, looking up ``sock.send`` or its like also takes a random moment, in which other threads run.
That is all it takes: what two threads do to each other once in a thousand sends, they then do in most.

Any Python from 3.6 on; older ones, 2.7 among them, must be able to read this file and then leave it alone. That is
why it is written as it is: no annotations, no f-strings.
"""

# ruff: noqa: F401, SIM105, UP031 - types are in comments; contextlib takes longer to import than all of this to run

import sys

MYPY = False
if MYPY:  # typing takes longer still
    from types import FrameType
    from typing import Any

VARIABLE = "WIRELAB_OBSERVER"  # names the folder to write to; without it, nothing is noted
AMPLIFY = "WIRELAB_AMPLIFY"  # how races are amplified: the three numbers of an Amplifier; without it, they are not
MOST_PAUSED = 0.03  # seconds of pauses that may be taken at any time, beyond the share of it
FILES = 16  # at most so many processes of one program are observed: it, and those that it forks
BYTES = 256 * 1024  # of one process
EVERY = 16  # how often the same call on the same connection is noted each time; from then on at powers of two
MOST_KEPT = 4096  # calls that are told apart; sockets and files that are remembered
DEEPEST = 100  # frames that are looked through for one of the program's own
LONGEST = 300  # characters of a name; of a file's the last ones count

CALLS = {
    "connect": "connect",
    "connect_ex": "connect",
    "accept": "accept",
    "send": "send",
    "sendall": "send",
    "sendto": "send",
    "sendmsg": "send",
    "recv": "recv",
    "recv_into": "recv",
    "recvfrom": "recv",
    "recvfrom_into": "recv",
    "recvmsg": "recv",
    "recvmsg_into": "recv",
    "shutdown": "shutdown",
    "close": "close",
}
SOL_SOCKET, SO_LINGER, FIONREAD = 1, 13, 0x541B  # socket(7), tcp(7); where they differ, the answer is "unknown"


class Observer:
    """Notes calls. Holds no lock: a signal's handler may come in the middle, and may use sockets as well."""

    def __init__(self, folder, amplifier):
        # type: (str | None, Amplifier | None) -> None
        self.folder, self.amplifier = folder, amplifier
        self.os, self.thread, self.time = borrow("os"), borrow("_thread"), borrow("time")
        self.weakref, self.mmap, self.fcntl = borrow("_weakref"), borrow("mmap"), borrow("fcntl")
        self.codecs = borrow("_codecs")
        self.main = self.thread.get_ident()
        self.library = self.os.path.dirname(self.os.__file__) + "/"
        self.pid = 0  # of the process that the memory belongs to: one that was forked gets its own
        self.memory = None  # type: Any
        self.foreign = {}  # type: dict[str, bool]
        self.sockets = {}  # type: dict[int, tuple[Any, Any, int]]
        self.counts = {}  # type: dict[tuple[object, ...], int]

    def attach(self, module):
        # type: (object) -> bool
        """Observe ``socket.socket`` of a module ``socket``; False when it is not the library's (a student's socket.py,
        or one whose import failed)."""
        native = getattr(sys.modules.get("_socket"), "socket", None)
        kind = getattr(module, "socket", None)
        if not (isinstance(native, type) and isinstance(kind, type) and issubclass(kind, native) and kind != native):
            return False
        self.native = native.__dict__  # what a subclass of the program's may have redefined is not called
        for name, call in CALLS.items():
            method = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), None)
            amplifier = self.amplifier if call == "send" else None
            if method is not None and (self.folder is not None or amplifier is not None):
                setattr(kind, name, Method(self, call, method, amplifier))
        self.room()
        return True

    def note(self, sock, call, frame):
        # type: (object, str, FrameType) -> None
        """Note that ``frame``, or the frame of the program that it was called from, is about to make a call."""
        if self.folder is None:
            return
        known = self.sockets.get(id(sock))
        if known is None or known[0]() is not sock:  # that number belonged to one that is gone
            known = self.look_at(sock)
        _, port, peer = known
        if port is None:
            return
        frame = self.own_frame(frame)
        key = (frame.f_code.co_filename, frame.f_lineno, call, port, peer)
        count = self.counts.get(key, 0) + 1
        if count == 1 and len(self.counts) >= MOST_KEPT:
            return
        self.counts[key] = count
        if count > EVERY and count & (count - 1):
            return
        unread = linger = ""
        if call == "close":
            fd = self.native["fileno"](sock)
            if fd < 0:
                return  # closed already
            unread, linger = self.left(sock, fd)
        self.write(call, port, peer, count, unread, linger, frame)

    def own_frame(self, frame):
        # type: (FrameType) -> FrameType
        """The innermost frame that is neither the library's nor an installed package's; else the one given."""
        inner, depth = frame, 0  # type: FrameType | None, int
        while inner is not None and depth < DEEPEST:
            file = inner.f_code.co_filename
            foreign = self.foreign.get(file)
            if foreign is None:
                if len(self.foreign) >= MOST_KEPT:
                    self.foreign.clear()
                foreign = self.foreign[file] = (
                    "/site-packages/" in file
                    or "/dist-packages/" in file
                    or file.startswith((self.library, "<frozen "))
                )
            if not foreign:
                return inner
            inner, depth = inner.f_back, depth + 1
        return frame

    def look_at(self, sock):
        # type: (object) -> tuple[Any, Any, int]
        """A socket's ports, 0 when it has none; None for its own when it is not TCP. Remembered when they are final."""
        family, kind, proto = (self.native[name].__get__(sock) for name in ("family", "type", "proto"))
        port, peer = None, 0  # type: Any, int
        if family in (2, 10) and kind & 15 == 1 and proto in (0, 6):  # AF_INET or AF_INET6, SOCK_STREAM, IPPROTO_TCP
            port = 0
            try:
                port = self.native["getsockname"](sock)[1]
                peer = self.native["getpeername"](sock)[1]
            except OSError:
                pass  # not connected, or closed
        known = (self.weakref.ref(sock), port, peer)
        if port is None or peer:
            if len(self.sockets) >= MOST_KEPT:
                self.sockets.clear()
            self.sockets[id(sock)] = known
        return known

    def left(self, sock, fd):
        # type: (object, int) -> tuple[str, str]
        """Bytes that nobody has read, and seconds of SO_LINGER when it is on; empty when unknown or off."""
        unread = linger = ""
        try:
            unread = str(int.from_bytes(self.fcntl.ioctl(fd, FIONREAD, bytes(4)), sys.byteorder))
        except OSError:
            pass  # it listens
        on = self.native["getsockopt"](sock, SOL_SOCKET, SO_LINGER, 8)
        if any(on[:4]):
            linger = str(int.from_bytes(on[4:], sys.byteorder))
        return unread, linger

    def thread_name(self):
        # type: () -> str
        """The name of this thread; one that `threading` does not know is not made known to it by asking."""
        ident = self.thread.get_ident()
        active = getattr(sys.modules.get("threading"), "_active", {})
        name = getattr(active.get(ident), "_name", None)
        return name if isinstance(name, str) else "MainThread" if ident == self.main else "thread %d" % ident

    def write(self, call, port, peer, count, unread, linger, frame):
        # type: (str, int, int, int, str, str, FrameType) -> None
        code = frame.f_code
        names = [self.thread_name()[:LONGEST], code.co_name[:LONGEST], code.co_filename[-LONGEST:]]
        thread, function, file = (text if text.isprintable() else printable(text) for text in names)
        now = int(self.time.clock_gettime(0) * 1e9) if sys.version_info < (3, 7) else self.time.clock_gettime_ns(0)
        noted = (now, thread, call, port, peer, count, unread, linger, frame.f_lineno or 0, function, file)
        memory = self.room()
        if memory is not None:
            try:
                memory.write(("%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%s\t%s\n" % noted).encode("utf-8", "replace"))
            except ValueError:
                self.memory = None  # full

    def room(self):
        # type: () -> Any
        """This process's memory; None when there is none, or no more."""
        pid = self.os.getpid()
        if pid != self.pid and self.folder is not None:
            self.pid, self.memory = pid, None
            self.memory = self.claim()
        return self.memory

    def claim(self):
        # type: () -> Any
        """Memory shared with the first file that is still free; None when all are taken, or the machine refuses."""
        os = self.os
        for number in range(FILES):
            try:
                fd = os.open("%s/%d" % (self.folder, number), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            except OSError:
                return None
            try:
                os.posix_fallocate(fd, 0, BYTES)  # or a full disk would kill the program as it writes, mmap(2)
                memory = self.mmap.mmap(fd, BYTES)
                self.without_copy(fd, memory)
                return memory
            except OSError:
                return None
            finally:
                os.close(fd)
        return None

    def without_copy(self, fd, memory):
        # type: (int, Any) -> None
        """Close the copy of ``fd`` that Python's `mmap` keeps: it takes a number that the program's next file would have.

        The object closes that number once more when it is freed, and by then it is another's. So it is made to last
        until no code runs any more: the table of codecs' error handlers is emptied after all modules are gone.
        """
        self.codecs.register_error("%s %d" % (VARIABLE, self.pid), memory.write)
        ours = self.os.fstat(fd)
        for name in self.os.listdir("/proc/self/fd"):
            try:
                if int(name) != fd and self.os.path.samestat(self.os.fstat(int(name)), ours):
                    self.os.close(int(name))
            except OSError:
                pass  # the listing's own


class Amplifier:
    """Makes races show: takes random moments in which other threads run. Holds no lock either.

    The moments follow from ``seed``. They are bounded, so that nothing that is right can come too late by them: each
    one (``longest``, seconds), and the sum of all threads' in any time (``share`` of it), because a thread that wants a
    lock may come away empty-handed again and again while the others pause.
    """

    def __init__(self, seed, longest, share):
        # type: (int, float, float) -> None
        self.state, self.longest, self.share, self.time = seed, longest, share, borrow("time")
        self.left, self.since = MOST_PAUSED, self.time.monotonic()

    def pause(self):
        # type: () -> None
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64  # Knuth's MMIX
        seconds = self.longest * (0.5 + (self.state >> 11) / 2**54)  # never short: two halves of a frame stay apart
        now = self.time.monotonic()
        self.left = min(MOST_PAUSED, self.left + (now - self.since) * self.share)
        self.since = now
        if seconds <= self.left:
            self.left -= seconds
            self.time.sleep(seconds)


class Method:
    """Stands for a method in the class `socket.socket`: notes who looks it up, and hands out the method itself."""

    __slots__ = ("amplifier", "call", "method", "observer")

    def __init__(self, observer, call, method, amplifier):
        # type: (Observer, str, Any, Amplifier | None) -> None
        self.observer, self.call, self.method, self.amplifier = observer, call, method, amplifier

    def __get__(self, sock, owner=None):
        # type: (object, object) -> object
        if sock is not None:
            if self.amplifier is not None:
                self.amplifier.pause()
            try:
                self.observer.note(sock, self.call, sys._getframe(1))
            except Exception as error:
                if not is_ours(error):
                    raise  # what the program's own handler of a signal raised, which came just now
        return self.method.__get__(sock, owner)

    def __getattr__(self, name):
        # type: (str) -> object
        return getattr(self.method, name)


class Finder:
    """Is told when ``socket`` is about to be imported, and hears of the end of it.

    The import itself is left to those who would have done it. When it is over, importlib marks the module's spec as no
    longer initializing, and that is where we come in: no frame of ours is there while the module is executed.
    """

    def __init__(self, observer):
        # type: (Observer) -> None
        class Spec(type(sys.__spec__)):  # type: ignore
            def __setattr__(spec, name, value):
                # type: (str, object) -> None
                object.__setattr__(spec, name, value)
                if name == "_initializing" and not value:
                    try:
                        spec.__class__ = Spec.__base__
                        if observer.attach(sys.modules.get("socket")):
                            sys.meta_path.remove(self)
                    except Exception:
                        pass

        self.spec = Spec

    def find_spec(self, name, path=None, target=None):
        # type: (str, Any, Any) -> Any
        if name != "socket":
            return None
        try:
            found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
            spec = next((spec for spec in found if spec is not None), None)
            if type(spec) is self.spec.__base__:
                spec.__class__ = self.spec
            return spec
        except Exception:
            return None


def borrow(name):
    # type: (str) -> Any
    """A module of the library, imported without a trace: a program may have one of its own with that name."""
    there = name in sys.modules
    module = __import__(name)
    if not there:
        del sys.modules[name]
    return module


def printable(text):
    # type: (str) -> str
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def is_ours(error):
    # type: (BaseException) -> bool
    """Whether an error arose in this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is None or trace.tb_frame.f_code.co_filename == is_ours.__code__.co_filename


def vanish():
    # type: () -> tuple[str | None, str | None]
    """Take back what brought us here, so that the program finds its environment as it would be without; returns the
    folder to write to, and how races are amplified."""
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    told = os.environ.pop(VARIABLE, None), os.environ.pop(AMPLIFY, None)
    rest = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry != here]
    if rest:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    return told


def begin():
    # type: () -> None
    folder, amplify = vanish()
    if (folder is None and amplify is None) or sys.version_info < (3, 6):
        return
    amplifier = None
    if amplify is not None:
        seed, longest, share = amplify.split()
        amplifier = Amplifier(int(seed), float(longest), float(share))
    observer = Observer(folder, amplifier)
    if not observer.attach(sys.modules.get("socket")):
        sys.meta_path.insert(0, Finder(observer))


try:
    begin()
except Exception:
    pass
del sys.modules["sitecustomize"]
__import__("sitecustomize")  # the machine's own; when there is none, this is the error that Python expects then
