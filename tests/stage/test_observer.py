"""The observer inside Python programs: names the right lines, leaves no trace in the program, trusts nothing it reads.

Each program here is run by a Python of its own, observed as on the stage, over loopback ports that the kernel chose.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stage.inside import SECONDS
from wirelab.observe.evidence import Called
from wirelab.stage import observer
from wirelab.stage.observer import Observer

INJECTED = observer.INJECTED / "sitecustomize.py"
PAIR = """\
import socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
"""


@dataclass(frozen=True)
class Ran:
    """A program that ended: what it printed, and what was noted of it."""

    out: str
    err: str
    status: int
    called: tuple[Called, ...]

    @property
    def brief(self) -> list[tuple[str, int]]:
        return [(called.call, called.line.line) for called in self.called]


def run(
    folder: Path, source: str, *options: str, observe: bool = True, variables: Mapping[str, str] | None = None
) -> Ran:
    """Run a program to its end, observed or not; ``variables`` are added to a plain environment."""
    (folder / "client.py").write_text(textwrap.dedent(source), encoding="utf-8")
    names = ("PATH", "HOME", "LANG", "LC_ALL")
    plain = {name: os.environ[name] for name in names if name in os.environ} | {"PYTHONHASHSEED": "0"}
    plain |= variables or {}
    watching = Observer()
    try:
        environment = watching.environment("alice", "client", str(folder), plain) if observe else plain
        command = [sys.executable, *options, "client.py"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return Ran(done.stdout, done.stderr, done.returncode, tuple(watching.read()))
    finally:
        watching.end()


def both(folder: Path, source: str, *options: str, variables: Mapping[str, str] | None = None) -> tuple[Ran, Ran]:
    """The same program without the observer and with it."""
    bare = run(folder, source, *options, observe=False, variables=variables)
    return bare, run(folder, source, *options, variables=variables)


def same(bare: Ran, watched: Ran) -> None:
    assert (bare.out, bare.err, bare.status) == (watched.out, watched.err, watched.status)


# --- what is noted


def test_each_call_is_noted_with_its_line_thread_and_ports(tmp_path: Path):
    ran = run(
        tmp_path,
        PAIR
        + """\
import struct, threading

def serve():
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            connection.sendall(line)

def leave(wire):
    wire.shutdown(
        socket.SHUT_WR,
    )
    server.join()
    wire.close()

server = threading.Thread(target=serve, name="服务器")
server.start()
wire = socket.create_connection(listener.getsockname())
print(wire.getsockname()[1], listener.getsockname()[1])
wire.send(b"hello\\n")
wire.recv(1)
wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
leave(wire)
wire.close()
listener.close()
""",
    )
    assert ("", 0) == (ran.err, ran.status)
    own, port = map(int, ran.out.split())
    assert all(called.actor == "alice" and called.line.file == "client.py" for called in ran.called)
    assert sorted(ran.called, key=lambda called: called.time) == list(ran.called)
    found = [
        (item.thread, item.call, item.port, item.peer, item.line.function, item.line.line, item.count)
        for item in ran.called
    ]
    served = next(called.line.line for called in ran.called if called.thread == "服务器" and called.call == "close")
    assert served in (9, 11), "where a with ends, Python tells since 3.10"
    assert [
        ("服务器", "accept", port, 0, "serve", 8, 1),
        ("服务器", "recv", port, own, "serve", 10, 1),
        ("服务器", "send", port, own, "serve", 11, 1),
        ("服务器", "recv", port, own, "serve", 10, 2),
        ("服务器", "close", port, own, "serve", served, 1),
    ] == [item for item in found if item[0] != "MainThread"]
    assert [
        ("MainThread", "connect", 0, 0, "<module>", 22, 1),
        ("MainThread", "send", own, port, "<module>", 24, 1),
        ("MainThread", "recv", own, port, "<module>", 25, 1),
        ("MainThread", "shutdown", own, port, "leave", 14, 1),
        ("MainThread", "close", own, port, "leave", 18, 1),  # the second finds nothing to close
        ("MainThread", "close", port, 0, "<module>", 29, 1),
    ] == [item for item in found if item[0] == "MainThread"]
    assert [(0, None), (5, 5), (None, None)] == [
        (item.unread, item.linger) for item in ran.called if item.call == "close"
    ]


def test_a_call_in_a_loop_is_noted_often_enough_to_be_understood_and_no_more(tmp_path: Path):
    ran = run(
        tmp_path,
        PAIR
        + """\
for _ in range(3):
    wire = socket.create_connection(listener.getsockname())
    for _ in range(100):
        wire.send(b"x")
    wire.close()
""",
    )
    per_connection = [*range(1, 17), 32, 64]
    assert per_connection * 3 == [called.count for called in ran.called if called.call == "send"]
    assert 3 == len({called.port for called in ran.called if called.call == "send"})
    assert [1] * 3 == [called.count for called in ran.called if called.call == "close"], "each is another connection's"
    assert [1, 2, 3] == [called.count for called in ran.called if called.call == "connect"]


def test_every_way_to_call_works_and_most_are_noted(tmp_path: Path):
    ran = run(
        tmp_path,
        PAIR
        + """\
import asyncio, functools, selectors

class Wire(socket.socket):
    def send(self, data):
        return super().send(data)
    @property
    def family(self):
        raise SystemExit("nobody asked")

wire = Wire()
wire.connect_ex(listener.getsockname())
other, _ = listener.accept()
wire.send(b"1")
socket.socket.sendall(wire, b"2")
getattr(wire, "sendmsg")([b"3"])
read = functools.partial(other.recv, 1)
print(read(), read(), read())
selector = selectors.DefaultSelector()
selector.register(other, selectors.EVENT_READ)
wire.sendto(b"4", listener.getsockname())
selector.select()
print(other.recv_into(bytearray(9)))
wire.close()
try:
    wire.send(b"5")
except OSError as error:
    print(error)

async def ask():
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"6")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

asyncio.run(ask())
""",
    )
    assert ("", 0) == (ran.err, ran.status)
    assert "b'1' b'2' b'3'\n1\n[Errno 9] Bad file descriptor\n" == ran.out
    expected = [
        ("connect", 15),
        ("accept", 16),
        ("send", 9),
        ("send", 19),
        ("recv", 20),
        ("send", 24),
        ("recv", 26),
        ("close", 27),
        ("send", 9),
        ("connect", 34),
        ("send", 35),
        ("close", 40),
    ]
    assert expected == ran.brief  # what the class is asked for (line 18) is not a socket's; a partial (20) is made once


def test_only_tcp_is_noted(tmp_path: Path):
    ran = run(
        tmp_path,
        """\
        import socket
        one, other = socket.socketpair()
        one.send(b"x")
        other.recv(1)
        one.close()
        mail = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        mail.sendto(b"x", ("127.0.0.1", 9))
        mail.close()
        """,
    )
    assert ("", 0, ()) == (ran.err, ran.status, ran.called)


def test_a_forked_process_notes_for_itself(tmp_path: Path):
    ran = run(
        tmp_path,
        PAIR
        + """\
import os
wire = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
if not os.fork():
    connection.recv(1)
    os._exit(0)
wire.send(b"x")
os.wait()
wire.close()
""",
    )
    assert 0 == ran.status, ran.err
    assert [("connect", 6), ("accept", 7), ("close", 13), ("recv", 9), ("send", 11)] == sorted(
        ran.brief, key=lambda item: ("ca".find(item[0][0]) < 0, item[1])
    )


def test_more_than_there_is_room_for_is_left_out(tmp_path: Path):
    lines = "\n".join(["wire.recv(0)"] * 4000)
    ran = run(tmp_path, PAIR + f"wire = socket.create_connection(listener.getsockname())\n{lines}\nprint('end')\n")
    assert ("end\n", "", 0) == (ran.out, ran.err, ran.status)
    assert 1000 < len(ran.called) < 4000
    assert [6 + at for at in range(len(ran.called) - 1)] == [called.line.line for called in ran.called[1:]]


# --- the program goes on as without


LOOKS_AROUND = """\
import os, sys
def look():
    print(sys.path, sorted(sys.modules), sorted(sys.path_importer_cache), sys.argv, sys.flags)
    print(sorted(os.environ.items()), os.listdir("/proc/self/fd"))
look()
import socket, pickle, inspect, copyreg
look()
print(len(sys.meta_path), len(sys.path_hooks), type(socket.__spec__), type(socket.__loader__))
print(pickle.dumps((socket.socket, socket.socket.recv)), inspect.signature(socket.socket.sendfile))
print(socket.socket.recv, socket.socket.recv.__doc__, socket.socket.accept.__qualname__, dir(socket.socket))
print(vars(socket.socket)["accept"].__name__)
import subprocess
subprocess.run([sys.executable, "-c", "import os, sys; print(sys.path, sorted(os.environ.items()))"])
"""


@pytest.mark.parametrize("variables", [{}, {"PYTHONPATH": "lib:/nowhere"}])
def test_a_program_that_looks_around_finds_everything_as_without(tmp_path: Path, variables: dict[str, str]):
    bare, watched = both(tmp_path, LOOKS_AROUND, "-u", variables=variables)
    assert 0 == bare.status, bare.err
    same(bare, watched)


def test_tracebacks_show_no_line_that_is_not_the_programs(tmp_path: Path):
    source = """\
        import socket, threading
        def dial(wire):
            wire.connect(("127.0.0.1", 1))
        worker = threading.Thread(target=lambda: socket.create_connection(("127.0.0.1", 1), 9, None).send(b""))
        worker.start()
        worker.join()
        dial(socket.socket())
        """
    bare, watched = both(tmp_path, source)
    assert 2 == bare.err.count("ConnectionRefusedError: [Errno 111]")
    same(bare, watched)
    assert ["connect", "close", "connect"] == [called.call for called in watched.called]


@pytest.mark.parametrize("name", ["socket", "selectors", "mmap"])
def test_a_file_of_the_students_with_a_librarys_name_fails_as_it_would(tmp_path: Path, name: str):
    """A mistake that beginners make; Python finds theirs first, whatever was imported before them."""
    (tmp_path / f"{name}.py").write_text("print('mine')\n1 / 0\n", encoding="utf-8")
    bare, watched = both(
        tmp_path, f"try:\n    import {name}\nexcept ZeroDivisionError:\n    pass\nimport socket, mmap\n"
    )
    assert "ZeroDivisionError" in bare.err
    same(bare, watched)


def test_a_students_own_socket_module_is_left_alone(tmp_path: Path):
    (tmp_path / "socket.py").write_text("class socket:\n    def connect(self): print('mine')\n", encoding="utf-8")
    bare, watched = both(tmp_path, "import socket\nsocket.socket().connect()\n")
    assert "mine\n" == bare.out
    same(bare, watched)


@pytest.mark.parametrize("own", ["print('own')", "1 / 0", "import nothing_of_that_name"])
def test_the_machines_own_sitecustomize_is_imported_as_ever(tmp_path: Path, own: str):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(own + "\n", encoding="utf-8")
    bare, watched = both(
        tmp_path,
        "import sys; print(sys.modules.get('sitecustomize'))",
        variables={"PYTHONPATH": str(tmp_path / "lib")},
    )
    assert ("own" in bare.out) == (own == "print('own')")
    same(bare, watched)


@pytest.mark.parametrize("option", ["-S", "-I", "-E"])
def test_where_python_does_not_let_it_in_nothing_breaks(tmp_path: Path, option: str):
    source = PAIR + "socket.create_connection(listener.getsockname()).close()\nprint('end')\n"
    ran = run(tmp_path, source, option)
    assert ("end\n", "", 0, ()) == (ran.out, ran.err, ran.status, ran.called)


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "ConnectionError", "SystemExit"])
def test_what_a_handler_of_a_signal_raises_is_never_swallowed(tmp_path: Path, raised: str):
    """The signal comes while a call is being noted: its handler is made to run from there."""
    ran = run(
        tmp_path,
        PAIR
        + f"""\
import signal, threading
def handler(number, frame):
    raise {raised}("stop")
signal.signal(signal.SIGINT, handler)
class Active(dict):
    def get(self, ident):
        signal.raise_signal(signal.SIGINT)
kept, threading._active = threading._active, Active()
try:
    listener.close()
except {raised}:
    threading._active = kept
    print("stopped")
listener.close()
""",
    )
    assert ("stopped\n", "", 0) == (ran.out, ran.err, ran.status)


def test_what_fails_in_the_observer_stays_there(tmp_path: Path):
    ran = run(
        tmp_path,
        PAIR
        + """\
import threading
kept, threading._active = threading._active, None
def deep():
    try:
        deep()
    except RecursionError:
        listener.fileno, listener.close
deep()
listener.close()
threading._active = kept
print(listener.fileno())
""",
    )
    assert ("-1\n", "", 0) == (ran.out, ran.err, ran.status)


def test_a_program_that_closes_everything_keeps_its_files_to_itself(tmp_path: Path):
    ran = run(
        tmp_path,
        """\
        import os, socket
        os.closerange(3, 4096)
        logs = [open(name, "w") for name in ("one", "two")]
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        wire = socket.create_connection(listener.getsockname())
        for log in logs:
            log.write("mine")
        print(*(log.fileno() for log in logs))
        wire.close()
        """,
    )
    assert ("3 4\n", "") == (ran.out, ran.err)
    assert ["mine", "mine"] == [(tmp_path / name).read_text(encoding="utf-8") for name in ("one", "two")]
    assert [("connect", 7), ("close", 11)] == ran.brief


def test_sockets_can_be_used_until_the_very_end_of_the_program(tmp_path: Path):
    source = """\
        import builtins, socket
        class Holder:
            def __init__(self):
                self.wire = socket.socket()
            def __del__(self):
                print(self.wire.connect_ex(("127.0.0.1", 1)), self.wire.close())
        module, cycle, builtins.kept = Holder(), Holder(), Holder()
        cycle.itself = cycle
        """
    bare, watched = both(tmp_path, source)
    assert "111 None\n" * 3 == bare.out
    same(bare, watched)
    assert ["connect", "close"] * 3 == [called.call for called in watched.called]


def test_no_other_thread_gets_a_turn_while_a_call_is_noted(tmp_path: Path):
    """To get the interpreter back from a thread that never pauses takes 5 ms, and races would go another way."""
    ran = run(
        tmp_path,
        PAIR
        + """\
import sys, threading
wire = socket.create_connection(listener.getsockname())
wire.send(b"")
gate, turns, over = threading.Lock(), [], False
def spin():
    with gate:
        while not over and len(turns) < 1000:
            turns.append(1)
gate.acquire()
other = threading.Thread(target=spin)
other.start()
looks = compile("wire.send\\n" * 1000, "looks", "exec")
sys.setswitchinterval(1000)  # from here on nobody is interrupted
gate.release()
exec(looks)
over = True
print(len(turns))
other.join()
""",
    )
    assert ("0\n", "") == (ran.out, ran.err)
    assert 1000 == sum(called.line.file == "looks" for called in ran.called)


def test_without_a_place_to_write_the_program_goes_on(tmp_path: Path):
    source = PAIR + "socket.create_connection(listener.getsockname()).close()\nprint('end')\n"
    (tmp_path / "client.py").write_text(source, encoding="utf-8")
    variables = {"PYTHONPATH": str(observer.INJECTED), observer.VARIABLE: str(tmp_path / "nowhere")}
    command = [sys.executable, "client.py"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, timeout=SECONDS, check=False)
    assert (b"end\n", b"") == (done.stdout, done.stderr)
