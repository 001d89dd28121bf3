"""A run made by hand: two clients, one of them scripted, and most of what can be shown; and a judgement of it."""

from __future__ import annotations

from itertools import chain

from tests.wire import MILLISECOND, START, dialogue
from wirelab.base.texts import Text
from wirelab.judge.verdict import CheckResult, Finding, Judgement, Said, Verdict
from wirelab.observe.connections import Noted, Tracker
from wirelab.observe.evidence import (
    Bounded,
    Called,
    Ending,
    Event,
    Exited,
    Owned,
    Part,
    Peered,
    Role,
    Shown,
    SourceLine,
    Started,
    StepBegan,
    StepEnded,
    ThreadSeen,
    Typed,
    Wire,
    Witnessed,
)
from wirelab.observe.framing import Framing
from wirelab.observe.messages import MessageSpec, Profile
from wirelab.observe.segments import Segment

LINE = Profile(
    "line",
    Framing("line"),
    (
        MessageSpec("message", "client", "MSG(?: (?P<text>.*))?", "MSG {text}"),
        MessageSpec("heartbeat", "server", "HEARTBEAT (?P<n>[0-9]+)", "HEARTBEAT {n}"),
        MessageSpec("heartbeat-ack", "client", "HEARTBEAT-ACK (?P<n>[0-9]+)", "HEARTBEAT-ACK {n}", "heartbeat", "n"),
        MessageSpec("broadcast", "server", "BROADCAST(?: (?P<text>.*))?", "BROADCAST {text}"),
    ),
)
ACTORS: list[tuple[str, Role, Part]] = [
    ("server", "server", "reference"),
    ("alice", "client", "submission"),
    ("bob", "client", "peer"),
]
ALICE, BOB = 40000, 40002  # ports, as ``dialogue`` gives them out


def noted(segments: list[Segment]) -> list[Noted]:
    tracker = Tracker(server_port=12001)
    return [tracker.feed(segment) for segment in segments]


def at(milliseconds: float) -> int:
    return START + round(milliseconds * MILLISECOND)


def threads() -> tuple[ThreadSeen, ...]:
    """One that joins another, and one of each other kind that there is no room for."""
    library = SourceLine("/usr/lib/python3.11/threading.py", 1112, "join")
    return (
        ThreadSeen(
            8,
            "MainThread",
            "waiting",
            "futex",
            stack=(library, SourceLine("/home/a/客户端.py", 90, "main")),
            waits_for="receiver",
        ),
        ThreadSeen(9, "receiver", "receiving", "recvfrom", ALICE, 12001, (SourceLine("client.py", 52, "receive"),)),
        ThreadSeen(10, "sender\u202e", "keyboard", "read"),
        ThreadSeen(11, "timer", "sleeping", "clock_nanosleep"),
        ThreadSeen(12, "other", "other"),
        ThreadSeen(13, "last", "running"),
    )


def played() -> list[Event | Noted]:
    """Everything that happened, in the order of time."""
    segments = dialogue(r"""
        a > s SYN                                at=60ms
        s > a SYN,ACK                            +0.1ms
        a > s ACK                                +0.1ms
        b > s SYN                                at=80ms
        s > b SYN,ACK                            +0.1ms
        b > s ACK                                +0.1ms
        s > a "HEARTBEAT 1\n"                    at=260ms
        s > b "HEARTBEAT 1\n"
        a > s "HEARTBEAT-ACK 1\n"                +0.2ms
        s > a ACK                                +40ms
        a > s "MSG 你好,世界:今天天气不错 🚀\nMSG half "  at=400ms
        a > s "a line\nhow do you do\n"          +3ms
        s > b "BROADCAST how long a line may become before it has to be cut short in the ladder, which is live\n"
        b > s "MSG \u202edetrever\x1b[2J\n"
        a > s FIN                                at=1500ms
        a > s FIN  seq=89                        +207ms
        s > a FIN
        a > s ACK
        s > b RST                                at=1800ms
    """)
    events: list[Event] = [
        StepBegan(at(0), 0, "{start: server, until: Listening on}"),
        Started(at(0.2), "server", "server", "reference", ("python3", "server.py", "127.0.0.1", "12001"), 7),
        Shown(at(40), "server", "\x1b[1mListening on 127.0."),
        Shown(at(40.1), "server", "0.1:12001\x1b[0m\r\n"),
        StepEnded(at(40.1), 0, "done"),
        StepBegan(at(40.2), 1, "{start: alice, until: Connected to}"),
        Started(at(40.3), "alice", "client", "submission", ("./client", "127.0.0.1", "12001"), 8),
        Owned(at(59), "alice", ALICE),
        Shown(at(60.3), "alice", "Connected to 127.0.0.1:12001\r\nEnter message"),
        Shown(at(60.4), "alice", " to send: "),
        StepEnded(at(60.4), 1, "done"),
        StepBegan(at(70), 2, "{start: bob}"),
        Started(at(70), "bob", "client", "peer", ("peer", "client")),
        Peered(at(80.15), "bob", "connected"),
        Owned(at(81), "bob", BOB),
        StepBegan(at(300), 3, "{alice: type, text: ok, every: 0.01}"),
        Typed(at(300), "alice", "o"),
        Shown(at(300.1), "alice", "o"),
        Typed(at(310), "alice", "k"),
        Shown(at(310.1), "alice", "k"),
        Typed(at(320), "alice", "⏎"),
        Shown(at(320.1), "alice", "\r\nEnter message to send: "),
        StepBegan(at(399), 4, "{alice: type, text: 你好,世界:今天天气不错 🚀}"),
        Typed(at(399.1), "alice", "你好,世界:今天天气不错 🚀⏎"),
        Shown(at(402), "server", "Received from ('127.0.0.1', 40000): 你好,世界:今天天气不错 🚀\r\n"),
        Shown(at(402.1), "server", "\x1b]0;title\x07what a \u202eline\u2066, \x9b2J and this one is long\r\n"),
        Peered(at(405.5), "bob", "sends", b"MSG \xe2\x80\xaedetrever\x1b[2J\n"),
        StepBegan(at(500), 5, "{drop: FIN, from: client, nth: 1}"),
        Wire(at(500.1), "drop", "FIN (1) client"),
        StepBegan(at(600), 6, "{server: shows, text: half a line, within: 0.5}"),
        StepEnded(at(1100), 6, "missed"),
        StepBegan(at(1400), 7, "{alice: press, key: ctrl-d}"),
        Typed(at(1400.5), "alice", "Ctrl-D"),
        Witnessed(at(1450), "alice", "missed", 0.0, threads()),
        Called(at(1490), "alice", "receiver", "close", ALICE, 12001, SourceLine("client.py", 61, "leave"), unread=3),
        Exited(at(1709.5), "alice", 1, "itself"),
        StepBegan(at(1750), 8, "{alice: type, text: more}"),
        StepEnded(at(1750), 8, "impossible"),
        StepBegan(at(1760), 9, "{server: signal, name: TERM}"),
        Ending(at(1760.1), "server", "script", "SIGTERM"),
        Bounded(at(1790), "server", 4_000_000, "bytes"),
        Bounded(at(1791), None, 250_000, "packets"),
        Peered(at(1801), "bob", "closes"),
        Ending(at(1900), "server", "harness", "SIGKILL"),
        Exited(at(1901), "server", -9, "harness"),
    ]
    merged = chain(events, noted(segments))
    return sorted(merged, key=lambda one: one.segment.time if isinstance(one, Noted) else one.time)


def judgement() -> Judgement:
    """A pass, a fail with all that a finding can have, and one that stays open."""
    waits = Finding(
        "WL351",
        "alice",
        Said(
            Text(
                "alice answered only after Enter: MainThread sat in input() at {line}, and no other thread receives",
                "alice 按下回车后才应答：MainThread 停在 {line} 的 input() 中，而没有别的线程在接收",
            ),
            {"line": "client.py:90"},
        ),
        Said(Text("Receive in a thread of its own.", "请在单独的线程中接收。")),
        (14,),
        (("alice", "Enter message to send: "),),
    )
    late = Finding(
        "WL302",
        "server",
        Said(
            Text(
                "expected every heartbeat to be answered within {limit} s; heartbeat {n} was answered after {took} s, "
                "and by then alice showed '{line}'",
                "每个心跳都应在 {limit} 秒内得到应答;第 {n} 个心跳过了 {took} 秒才得到应答,"
                "那时 alice 的终端显示“{line}”",
            ),
            {"limit": 0.1, "n": 3, "took": "0.412", "line": "half a \u202eline"},
        ),
        Said(
            Text(
                "While one thread waits for the keyboard, another must receive: start it before the first input().",
                "一个线程等待键盘输入时,必须由另一个线程接收数据:请在第一次调用 input() 之前启动接收线程。",
            )
        ),
        (12, 14),
        (
            ("alice", "Enter message to send: " + "你好 " * 30 + "end"),
            ("alice", "\ttwo"),
            ("server", "Disconnected ('127.0.0.1', 40000)"),
        ),
        cause=waits,
    )
    unread = Finding("WL502", "alice", Said(Text("alice sent RST", "alice 发送了 RST")), late.hint, (31,), cause=waits)
    lost = Finding(
        "WL901",
        None,
        Said(Text("{count} packets were lost by the capture", "捕获时丢失了 {count} 个分组"), {"count": 3}),
        Said(Text("Run it again on a machine that is less busy.", "请在不太繁忙的机器上重新运行。")),
    )
    opened = Text("SYN, SYN+ACK, ACK in frames {frames}", "第 {frames} 帧完成 SYN、SYN+ACK、ACK")
    written = Text("{written}", "{written}")
    heartbeat = "{heartbeat: alice, at_least: 4, answered_within: 0.1}"
    broadcast = "{broadcast: 大家好, to: [alice, bob]}"
    return Judgement(
        "heartbeat/answers-while-typing",
        (
            CheckResult("handshake", "alice", 16, "", Verdict.PASS, Said(opened, {"frames": "1, 2, 3"})),
            CheckResult(
                "heartbeat", "alice", 17, "", Verdict.FAIL, Said(written, {"written": heartbeat}), (late, unread)
            ),
            CheckResult(
                "broadcast", None, 18, "", Verdict.INCONCLUSIVE, Said(written, {"written": broadcast}), (lost,)
            ),
        ),
        Verdict.FAIL,
    )
