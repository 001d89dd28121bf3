"""For every cause the smallest run that shows it: ``CAUSED[code]()`` is judged, and a finding of it has this cause.

The runs in ``BARE`` show it by keys, terminals and packets; those in ``SEEN`` need witnesses: what the threads were
doing (``witnessed``), which line made which call (``called``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tests.judge.runs import (
    GOODBYE,
    HELLO,
    STARTS,
    at,
    exited,
    judged,
    killed,
    missed,
    scenario,
    shown,
    typed,
)
from wirelab.judge.verdict import Finding, Judgement
from wirelab.observe.evidence import Called, Doing, Event, SocketSeen, SourceLine, ThreadSeen, Witnessed

ALICE, BOB, SERVER = 40001, 40002, 12001
EXITS = (*STARTS, "{alice: type, text: /quit}", "{alice: exits, status: 0}")
CROWD = "{server: {role: server}, alice: {role: client}, bob: {role: client}}"
PAIR = "{server: {role: server}, alice: {role: client, peer: true}, bob: {role: client, peer: true}}"
EOF_REPORT = 'Enter message: Traceback (most recent call last):\r\n  File "client.py", line 9\r\nEOFError\r\n'
SHUTDOWN_REPORT = (
    "Goodbye.\r\nFatal Python error: _enter_buffered_busy: could not acquire lock for <_io.BufferedWriter name='<stdout>'> "
    "at interpreter shutdown, possibly due to daemon threads\r\nPython runtime state: finalizing (tstate=0x0000a1)\r\n"
    "\r\nCurrent thread 0x00007f01 (most recent call first):\r\n<no Python frame>\r\n"
)
BOB_HELLO = HELLO.replace("alice", "bob")


def beat(number: int, time: float, answer: float | None = None, who: str = "alice") -> str:
    """A heartbeat at a moment (ms), and its answer at another."""
    lines = f's > {who} "HEARTBEAT {number}\\n" at={time}ms\n{who} > s ACK +0.1ms\n'
    return lines + (f'{who} > s "HEARTBEAT-ACK {number}\\n" at={answer}ms\n' if answer is not None else "")


def line(number: int, function: str = "main", file: str = "client.py") -> SourceLine:
    return SourceLine(file, number, function)


def thread(
    name: str,
    doing: Doing,
    number: int | None = None,
    port: int | None = None,
    peer: int | None = None,
    waits_for: str | None = None,
    library: str = "",
) -> ThreadSeen:
    """A thread in a line of client.py, inside a function of the library if one is named; without a line, not Python."""
    inner = (SourceLine("/usr/lib/python3.11/threading.py", 1100, library),) if library else ()
    stack = (*inner, line(number)) if number is not None else inner
    return ThreadSeen(1, name, doing, "recvfrom" if doing == "receiving" else "", port, peer, stack, waits_for)


def witnessed(
    milliseconds: float,
    actor: str,
    *threads: ThreadSeen,
    sockets: tuple[SocketSeen, ...] = (),
    cpu: float = 0.0,
    why: Literal["missed", "end"] = "missed",
) -> Event:
    return Witnessed(at(milliseconds), actor, why, cpu, threads, sockets)


def called(
    milliseconds: float,
    actor: str,
    call: Literal["connect", "accept", "send", "recv", "shutdown", "close"],
    number: int,
    *,
    thread: str = "MainThread",
    port: int = ALICE,
    peer: int = SERVER,
    count: int = 1,
    unread: int | None = None,
    linger: int | None = None,
) -> Event:
    return Called(at(milliseconds), actor, thread, call, port, peer, line(number), count, unread, linger)


OPEN = (SocketSeen(ALICE, SERVER, "ESTABLISHED", 0, 0),)
RECEIVER = thread("receiver", "receiving", 52, ALICE, SERVER)
JOINING = thread("MainThread", "waiting", 90, waits_for="receiver", library="join")
MAIN_IS_OVER = thread("MainThread", "waiting", waits_for="receiver", library="_shutdown")
CRASH = 'Traceback (most recent call last):\r\n  File "client.py", line 40, in <module>\r\nTypeError: not bytes\r\n'


def quits(wire: str, *events: Event | tuple[Event, ...]) -> Judgement:
    """A client that is told to quit at 10 ms and is still there when its two seconds are over."""
    late = (typed(10, "alice", "/quit⏎"), missed(3, 2010, run_delay=0.01), killed(2020, "alice"))
    return judged(scenario("{teardown: alice}", script=EXITS), wire, *late, *events)


def keeps(wire: str) -> Judgement:
    """A line is typed, another one a second later, and at 2.5 s /quit; the server is to show the first one at once."""
    return judged(
        scenario(script=(*STARTS, "{alice: type, text: hello}", "{server: shows, text: '): hello'}")),
        HELLO + wire,
        typed(100, "alice", "hello⏎"),
        typed(1100, "alice", "you⏎"),
        missed(3, 2100, run_delay=0.0),
        typed(2500, "alice", "/quit⏎"),
    )


def by_server(
    expect: str, wire: str, *events: Event | tuple[Event, ...], cast: str = CROWD, script: tuple[str, ...] = ()
) -> Judgement:
    starts = (
        (*STARTS, "{start: bob}", *script) if "peer" not in cast else ("{start: server, until: Listening on}", *script)
    )
    return judged(scenario(expect, tests="server", cast=cast, script=starts), wire, *events)


CLOSE_WAIT = HELLO + "s > alice FIN at=20ms\nalice > s ACK at=21ms\n"
LEFT = HELLO + "s > alice FIN at=5ms\nalice > s ACK at=6ms\n"  # before it is told to quit
NAMED = "Listening on 127.0.0.1:12001\r\nConnected ('127.0.0.1', 40001)\r\n"

BARE: dict[str, Callable[[], Judgement]] = {
    "WL151": lambda: judged(
        scenario(tests="server", script=STARTS[:1]),
        "",
        missed(0, 50, run_delay=0.0),
        shown(5, "server", "Cannot listen: [Errno 98] Address already in use\r\n"),
        exited(40, "server", 1),
        unstarted=["alice"],
        played=1,
    ),
    "WL152": lambda: judged(
        scenario("{handshake: alice}"), "alice > x SYN\nx > alice RST,ACK seq=0 ack=1\n", exited(9, "alice", 1)
    ),
    "WL153": lambda: judged(scenario("{handshake: alice}"), "", shown(1, "alice", EOF_REPORT.replace("EOF", "Index"))),
    "WL251": lambda: judged(
        scenario(script=(*STARTS, "{alice: shows, text: 'Broadcast: news'}")),
        HELLO
        + r's > alice "BROADCAST first\n" at=5ms'
        + "\n"
        + r's > alice "BROADCAST more\nBROADCAST news\n" at=99ms',
        shown(6, "alice", "Broadcast: first\r\n"),
        missed(2, 2000, run_delay=0.0),
    ),
    "WL252": lambda: judged(
        "{messages: alice, sent: [hello]}",
        HELLO
        + r'alice > s "MSG hello" at=10ms'
        + "\n"
        + r's > alice "HEARTBEAT 1\n" at=11ms'
        + "\n"
        + r'alice > s "HEARTBEAT-ACK 1\n" at=12ms'
        + "\n"
        + r'alice > s "\n" at=30ms',
        typed(9, "alice", "hello⏎"),
    ),
    "WL253": lambda: judged(
        "{messages: alice, sent: [one, last]}",
        HELLO + r'alice > s "MSG one\n" at=6ms' + "\nalice > s FIN at=21ms\ns > alice FIN\nalice > s ACK\n",
        typed(5, "alice", "one⏎"),
        typed(19, "alice", "last⏎"),
        typed(20, "alice", "/quit⏎"),
    ),
    "WL254": lambda: keeps(r'alice > s "MSG hello\nMSG you\n" at=2505ms' + "\n" + GOODBYE),
    "WL351": lambda: judged(
        "{heartbeat: alice}",
        HELLO
        + beat(1, 200)
        + beat(2, 400)
        + r'alice > s "MSG x\nHEARTBEAT-ACK 1\n" at=601ms'
        + "\n"
        + r'alice > s "HEARTBEAT-ACK 2\n" at=602ms',
        typed(600, "alice", "x⏎"),
        exited(900, "alice"),
    ),
    "WL352": lambda: judged(
        "{heartbeat: alice}",
        HELLO
        + beat(1, 100, 101)
        + r's > alice "BROADCAST a\nHEARTBEAT 2\n" at=300ms'
        + "\nalice > s ACK\n"
        + beat(3, 500, 501),
        exited(1500, "alice"),
    ),
    "WL353": lambda: judged(
        "{heartbeat: alice}",
        HELLO
        + beat(1, 100, 101)
        + r's > alice "HEART" at=300ms'
        + "\n"
        + r's > alice "BEAT 2\n" at=330ms'
        + "\nalice > s ACK\n"
        + beat(3, 500, 501),
        exited(1500, "alice"),
    ),
    "WL354": lambda: judged(
        "{heartbeat: alice}",
        HELLO + beat(1, 100, 101) + beat(2, 300) + beat(3, 500),
        shown(302, "alice", "Exception in thread receiver:\r\n  File 'c.py', line 3\r\nValueError: too many\r\n"),
        exited(1500, "alice"),
    ),
    "WL355": lambda: judged(
        "{heartbeat: alice}",
        HELLO + beat(1, 100, 101) + beat(2, 300) + r'alice > s "HEARTBEAT-ACK 1\n" at=301ms' + "\n",
        exited(1500, "alice"),
    ),
    "WL356": lambda: judged(
        "{heartbeat: alice}",
        HELLO + beat(1, 100) + r'alice > s "Heartbeat-Ack 1\n" at=101ms' + "\n",
        exited(1500, "alice"),
    ),
    "WL451": lambda: by_server(
        "{broadcast: news, to: [alice]}",
        HELLO + BOB_HELLO + 's > bob len=100 at=50ms\nbob > s ACK win=0 at=51ms\nalice > s "MSG x\\n" at=1500ms\n',
        typed(100, "server", "news⏎"),
    ),
    "WL452": lambda: by_server(
        "{broadcast: news, to: [bob]}",
        HELLO + BOB_HELLO + 'alice > s "MSG x\\n" at=1500ms\n',
        shown(1, "server", NAMED),
        typed(100, "server", "news⏎"),
    ),
    "WL453": lambda: by_server(
        "{broadcast: news, to: [alice]}",
        HELLO + BOB_HELLO + "bob > s RST,ACK at=50ms\n",
        typed(100, "server", "news⏎"),
        shown(101, "server", "Traceback (most recent call last):\r\n  File 's.py', line 3\r\nBrokenPipeError: 32\r\n"),
    ),
    "WL551": lambda: judged(
        "{teardown: alice}", HELLO + beat(1, 100, 101) + beat(2, 300) + "alice > s RST,ACK at=310ms\n"
    ),
    "WL552": lambda: judged("{teardown: alice}", HELLO + beat(1, 100, 101) + "alice > s RST,ACK at=310ms\n"),
    "WL553": lambda: judged(
        "{teardown: alice}",
        HELLO
        + "alice > s FIN at=20ms\ns > alice ACK\n"
        + r's > alice "HEARTBEAT 1\n" at=30ms'
        + "\nalice > s RST at=30.1ms\n",
    ),
    "WL555": lambda: quits(HELLO + "alice > s FIN at=2020.2ms\ns > alice FIN\nalice > s ACK\n"),
    "WL556": lambda: quits(LEFT + "alice > s FIN at=2020.2ms\ns > alice ACK\n"),
    "WL557": lambda: quits(HELLO + "alice > s FIN at=12ms\ns > alice ACK at=13ms\n"),
    "WL558": lambda: judged(
        "{teardown: alice, first: alice}",
        HELLO
        + beat(1, 100)
        + beat(2, 300)
        + beat(3, 500)
        + "s > alice FIN at=700ms\nalice > s FIN at=701ms\ns > alice ACK\n",
    ),
    "WL657": lambda: judged(
        scenario(), HELLO + GOODBYE, typed(5, "alice", "Ctrl-D"), shown(6, "alice", EOF_REPORT), exited(9, "alice", 1)
    ),
    "WL658": lambda: judged(
        scenario(script=EXITS), HELLO, typed(5, "alice", "Ctrl-C"), missed(3, 50, status=-2), exited(9, "alice", -2)
    ),
    "WL664": lambda: judged(
        "{messages: alice, sent: [hello]}",
        HELLO + "alice > s FIN at=2000ms\ns > alice FIN\nalice > s ACK\n",
        shown(1999, "alice", "lost: timed out\r\n"),
        exited(2010, "alice", 1),
    ),
    "WL661": lambda: judged(
        scenario(script=EXITS),
        HELLO + GOODBYE,
        typed(5, "alice", "/quit⏎"),
        shown(7, "alice", SHUTDOWN_REPORT),
        missed(3, 50, status=-6),
        exited(9, "alice", -6),
    ),
}
SEEN: dict[str, Callable[[], Judgement]] = {
    "WL554": lambda: quits(
        HELLO + "alice > s FIN at=2020.2ms\ns > alice FIN\nalice > s ACK\n",
        called(11, "alice", "close", 86),
        witnessed(2010, "alice", JOINING, RECEIVER),
    ),
    "WL651": lambda: quits(
        CLOSE_WAIT,
        witnessed(2010, "alice", thread("client", "running"), sockets=OPEN, cpu=0.98),
    ),
    "WL652": lambda: quits(HELLO, witnessed(2010, "alice", JOINING, RECEIVER, sockets=OPEN)),
    "WL653": lambda: judged(
        scenario("{teardown: alice}", script=(*STARTS, "{alice: press, key: ctrl-c}", "{alice: exits, status: 0}")),
        HELLO,
        typed(10, "alice", "Ctrl-C"),
        missed(3, 2010, run_delay=0.01),
        killed(2020, "alice"),
        witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN),
    ),
    "WL654": lambda: quits(
        HELLO,
        witnessed(2010, "alice", thread("MainThread", "waiting", None, library="_shutdown"), RECEIVER, sockets=OPEN),
    ),
    "WL655": lambda: judged(
        scenario(tests="server", script=("{start: server}", "{server: type, text: /quit}", "{server: exits}")),
        "",
        missed(2, 2010, run_delay=0.0),
        killed(2020, "server"),
        witnessed(2010, "server", thread("MainThread", "accepting", 30, SERVER, 0)),
    ),
    "WL656": lambda: quits(HELLO, witnessed(2010, "alice", thread("MainThread", "waiting", 44), sockets=OPEN)),
    "WL659": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("MainThread", "sending", 33, ALICE, SERVER), sockets=OPEN)
    ),
    "WL660": lambda: quits(
        HELLO, witnessed(2010, "alice", thread("MainThread", "sleeping", 90), RECEIVER, sockets=OPEN)
    ),
    "WL662": lambda: quits(
        HELLO + r'alice > s "MSG /quit\n" at=11ms',
        witnessed(2010, "alice", thread("MainThread", "keyboard", 40), sockets=OPEN),
    ),
    "WL663": lambda: quits(
        HELLO, shown(5, "alice", CRASH), witnessed(2010, "alice", MAIN_IS_OVER, RECEIVER, sockets=OPEN)
    ),
}
CAUSED = dict(sorted((BARE | SEEN).items()))


def causes(judgement: Judgement) -> list[tuple[str, str]]:
    """Each finding that has a cause, with it."""
    return [(finding.code, finding.cause.code) for finding in judgement.findings if finding.cause]


def cause(judgement: Judgement, code: str) -> Finding:
    """The cause of this code. Raises StopIteration when there is none."""
    return next(item.cause for item in judgement.findings if item.cause and item.cause.code == code)


def said(judgement: Judgement, code: str) -> str:
    """What the cause of this code says, in English."""
    return cause(judgement, code).rationale.in_("en")
