"""The dissector in tshark: message by message what ``observe/messages`` makes of the same streams."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import textwrap
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.edge.command import Command
from tests.frames import frames
from tests.wire import dialogue
from wirelab.compose.analysis import load
from wirelab.compose.artifacts import read_run
from wirelab.declare.protocol import load_profile
from wirelab.observe.connections import SIDES, Connection, Tracker
from wirelab.observe.heartbeats import pair
from wirelab.observe.messages import Decoder, Message, Profile, decode_stream
from wirelab.observe.pcapng_writer import write_pcapng
from wirelab.observe.segments import RAW_IP, Segment, decode
from wirelab.present.dissector import dissector, filter_name
from wirelab.present.dissector_patterns import translated

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


class Seen(NamedTuple):
    """A message, as tshark or as wirelab tells it; ``frame`` is the one it became whole in (0: the end of the stream)."""

    sender: str
    kind: str
    text: str
    problem: str | None
    frame: int
    groups: tuple[str, ...] = ()


class Shark:
    """tshark with the dissector of a profile, on a capture."""

    def __init__(self, folder: Path, profile: Profile, capture: Path) -> None:
        self.name = filter_name(profile)
        self.script = folder / "protocol.lua"
        self.script.write_text(dissector(profile), encoding="utf-8")
        self.capture = capture

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [
                "tshark",
                "-2",
                "-X",
                f"lua_script:{self.script}",
                "-o",
                "tcp.reassemble_out_of_order:TRUE",
                "-r",
                str(self.capture),
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
        assert "Lua" not in done.stderr, done.stderr
        return done.stdout

    def trees(self) -> list[tuple[int, ET.Element]]:
        """Each message's tree with its frame's number."""
        found = []
        for packet in ET.fromstring(self("-T", "pdml")).iter("packet"):
            number = int(packet.find("proto[@name='geninfo']/field[@name='num']").attrib["show"])  # type: ignore[union-attr]
            found += [(number, proto) for proto in packet.iter() if self._is_message(proto)]
        return found

    def _is_message(self, element: ET.Element) -> bool:
        return element.attrib.get("name") == self.name and element.find(f"field[@name='{self.name}.kind']") is not None

    def value(self, tree: ET.Element, field: str) -> str | None:
        found = tree.find(f".//field[@name='{self.name}.{field}']")
        return None if found is None else found.attrib["show"]

    def messages(self) -> list[Seen]:
        seen = []
        for frame, tree in self.trees():
            kind = str(self.value(tree, "kind"))
            groups = [
                item.attrib["show"]
                for item in tree.iter("field")
                if item.attrib["name"].startswith(f"{self.name}.{kind}.")
            ]
            one = Seen(
                str(self.value(tree, "sender")),
                kind,
                self.value(tree, "text") or "",
                self.value(tree, "problem"),
                frame,
                tuple(groups),
            )
            seen.append(one)
        return seen


def connections(segments: list[Segment]) -> list[Connection]:
    tracker = Tracker(server_port=12001)
    for segment in segments:
        tracker.feed(segment)
    return list(tracker.connections)


def as_seen(message: Message, end: int | None = None) -> Seen:
    frame = max(message.frames) if message.problem != "unfinished" or end is None else end
    return Seen(
        message.sender, message.kind or "unknown", message.text, message.problem, frame, tuple(message.groups.values())
    )


def expected(profile: Profile, connection: Connection) -> list[Seen]:
    """What is to be seen of a connection; what is unfinished is seen where its stream ends."""
    found = []
    for side in SIDES:
        fin = connection.fin(side)
        end = fin.segment.frame if fin else min((one.segment.frame for one in connection.teardown.resets), default=None)
        found += [as_seen(one, end) for one in decode_stream(profile, side, connection.stream(side))]
    return sorted(found)


def capture_of(folder: Path, text: str) -> tuple[Path, list[Segment]]:
    segments = dialogue(textwrap.dedent(text))
    path = folder / "talk.pcapng"
    path.write_bytes(write_pcapng(frames(segments), RAW_IP, application="wirelab tests"))
    return path, segments


OPEN = "c > s SYN\ns > c SYN,ACK\nc > s ACK\n"
CLOSE = "c > s FIN\ns > c FIN\nc > s ACK\n"


def talk(folder: Path, protocol: str | Profile, text: str) -> tuple[Shark, Profile, Connection]:
    profile = load(protocol) if isinstance(protocol, str) else protocol
    path, segments = capture_of(folder, OPEN + textwrap.dedent(text).strip() + "\n" + CLOSE)
    return Shark(folder, profile, path), profile, connections(segments)[0]


def payloads(sender: str, data: bytes, sizes: int) -> str:
    receiver = "s" if sender == "c" else "c"
    pieces = [data[at : at + sizes] for at in range(0, len(data), sizes)]
    return "".join(f"{sender} > {receiver} {literal(piece)}\n" for piece in pieces)


def literal(data: bytes) -> str:
    return 'b"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


LINES = "MSG 你好，网络\r\nMSG half a line\nMSG\nnonsense <b>%s%n</b>\nHEARTBEAT-ACK 7\nMSG 🙂\n"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 64, 10_000])
def test_lines_however_they_are_cut(tmp_path: Path, size: int):
    shark, profile, connection = talk(tmp_path, "line", payloads("c", LINES.encode(), size))
    assert expected(profile, connection) == sorted(shark.messages())
    assert "nonsense <b>%s%n</b>" in {message.text for message in shark.messages()}


def test_what_is_wrong_with_lines_is_told(tmp_path: Path):
    text = "\n".join(
        [
            f'c > s "MSG {"x" * 3000}"',
            f'c > s "{"x" * 3000}\\nMSG after\\n"',
            'c > s b"MSG \\xc4\\xe3\\xba\\xc3 \\xe4\\xbd end\\xf0\\x9f\\n"',
            'c > s b"MSG a\\x00b\\n"',
            'c > s "MSG not fin"',
        ]
    )
    shark, profile, connection = talk(tmp_path, "line", text)
    seen, wanted = shark.messages(), expected(profile, connection)
    key = [(one.sender, one.frame, one.kind, one.problem or "") for one in wanted]
    assert sorted(key) == sorted((one.sender, one.frame, one.kind, one.problem or "") for one in seen)
    texts = {one.text.replace("\0", "␀") for one in wanted}
    assert texts == {one.text for one in seen}
    assert ["too-long", "encoding", "unfinished"] == [one.problem for one in seen if one.problem]
    experts = shark("-T", "fields", "-e", "_ws.expert.message").split("\n")
    assert {
        "Longer than the protocol allows",
        "Not in the protocol's encoding",
        "The stream ended inside this message",
    } <= {word for line in experts for word in line.split(",")}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 30, 10_000])
def test_length_prefixes_however_they_are_cut(tmp_path: Path, size: int):
    profile = load("length")
    data = b"".join(profile.encode("message", text=text) for text in ("hi", "你好", "", "x" * 300))
    data += profile.framing.wrap(b"what?") + profile.framing.wrap(b"") + b"\0\0\0\7abc"
    shark, profile, connection = talk(tmp_path, "length", payloads("c", data, size))
    assert expected(profile, connection) == sorted(shark.messages())


def test_a_text_where_a_length_belongs_and_nothing_after_it(tmp_path: Path):
    shark, profile, connection = talk(tmp_path, "length", 'c > s "MSG hi"\nc > s "MSG there"')
    wanted = expected(profile, connection)
    assert [wanted[0]] == shark.messages()
    assert "too-long" == wanted[0].problem
    lost = shark("-T", "fields", "-e", "wirelab_length.lost").split()
    assert wanted[1].text.encode() == b"".join(map(bytes.fromhex, lost))


BARE = "hello HEARTBEAT_ACK\nmore 你好HEARTBEAT_ACKHEART and so on HEARTBEAT_ACK HEARTBEAT_A"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 16, 10_000])
def test_words_anywhere_however_they_are_cut(tmp_path: Path, size: int):
    """Without framing, text is shown as it comes: what the decoder of the live ladder says, segment by segment."""
    shark, profile, connection = talk(tmp_path, "bare", payloads("c", BARE.encode(), size))
    decoder = Decoder(profile, "client")
    wanted = [as_seen(one) for chunk in connection.client_stream.chunks for one in decoder.feed(chunk)]
    rest = [as_seen(one) for one in decoder.finish()]
    seen = shark.messages()
    without = [one._replace(frame=0) for one in [*wanted, *rest]]
    assert without == [one._replace(frame=0) for one in seen]
    assert 3 == sum(one.kind == "heartbeat-ack" for one in seen)


def test_a_protocol_of_one_s_own(tmp_path: Path):
    text = """
        protocol: mine
        framing: {kind: length-prefix, width: 2, order: little, limit: 300}
        encoding: gb18030
        messages:
          - name: say
            from: client
            pattern: '(?i:say)\\s(?P<文>[^;]{,9});(?P<n>\\d++)(?P<same>=(?P=n))?\\v?'
            template: 'say {文};{n}'
          - {name: ok, from: server, pattern: 'OK (?P<n>[0-9]+)', template: 'OK {n}', answers: say, by: n}
        """
    profile = load_profile(textwrap.dedent(text), "mine.yaml")
    data = b"".join(
        profile.framing.wrap(body.encode("gb18030")) for body in ("SAY 你好;12=12\v", "say x;1=2", "say 🙂;٣")
    )
    shark, _, connection = talk(tmp_path, profile, payloads("c", data, 3) + 's > c b"\\x05\\x00OK 12"\n')
    seen = shark.messages()
    assert sorted(one._replace(text="", groups=()) for one in expected(profile, connection)) == sorted(
        one._replace(text="", groups=()) for one in seen
    )
    assert ["你好", "12", "=12"] == [
        shark.value(shark.trees()[0][1], f"say.{word}") for word in ("group1", "n", "same")
    ]
    assert "say 🙂;٣" in {one.text for one in seen}


PATTERNS = [
    *(r"\s \S [\s] [^\s] [\S] [^\S] [\s\S] [\Sx] \d \D \w \W [\w-] [:a:] [^:a:] [.a.] [=a=] []a[:] .".split(" ")),
    "a(?#some)*b",
    r"a{,2}b|\x1c|\v",
    "(?i:k)",
    r"(?P<n>a)(?P=n)\Z",
    *(r"[\012] [^\012\015] [\101-\132] [\07] \é [\é] \² [\²] \012 \101 (.)\1 (.)(?:)\1".split(" ")),
    "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10",
]
SUBJECTS = [
    *map(chr, (*range(0x80), 0x85, 0xA0, 0x180E, 0x200A, 0x200B, 0x2028, 0x3000, 0x4E2D, 0x663, 0x1F600)),
    "ab",
    "aab",
    "aa",
]


ASK = """
for _, pattern in ipairs({PATTERNS}) do
  local rex, said = rex_pcre2.new("(*UTF)(*UCP)(*LF)(?s)(?:" .. pattern .. ")"), {}
  for at, subject in ipairs({SUBJECTS}) do
    local from, to = rex:find(subject)
    local found = from and subject:sub(from, to) or "-"
    said[at] = found:gsub(".", function(c) return ("%02x"):format(c:byte()) end)
  end
  print("found " .. table.concat(said, ","))
end
"""


def test_a_pattern_finds_in_wireshark_what_it_finds_in_python(tmp_path: Path):
    def literal(text: str) -> str:
        return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'

    script = tmp_path / "ask.lua"
    script.write_text(
        ASK.replace("PATTERNS", ",".join(literal(translated(one)) for one in PATTERNS)).replace(
            "SUBJECTS", ",".join(map(literal, SUBJECTS))
        ),
        encoding="utf-8",
    )
    (tmp_path / "none.pcapng").write_bytes(write_pcapng([], RAW_IP, application="wirelab"))
    argv = ["tshark", "-X", f"lua_script:{script}", "-r", str(tmp_path / "none.pcapng")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    told = [line.removeprefix("found ").split(",") for line in done.stdout.splitlines() if line.startswith("found ")]
    assert len(PATTERNS) == len(told), done.stderr
    for pattern, answers in zip(PATTERNS, told, strict=True):
        wanted = [re.search(pattern, subject, re.DOTALL) for subject in SUBJECTS]
        hexed = [(found[0] if found else "-").encode().hex() for found in wanted]
        unlike = [ascii(s) for s, theirs, ours in zip(SUBJECTS, answers, hexed, strict=True) if theirs != ours]
        assert not unlike, f"{pattern}: {unlike}"


def test_a_hostile_profile_runs_nothing(tmp_path: Path):
    mark = tmp_path / "ran"
    evil = f'"]]}}; os.execute("touch {mark}") --%s'
    profile = load_profile(
        "protocol: mine\nframing: {kind: line}\nmessages:\n"
        f"  - {{name: a, from: client, literal: {json.dumps(evil)}}}\n",
        "mine.yaml",
    )
    shark, _, _ = talk(tmp_path, profile, f"c > s {json.dumps(evil + chr(10))}")
    assert [("a", evil)] == [(one.kind, one.text) for one in shark.messages()]
    assert not mark.exists()


def test_columns_name_messages_and_answers_find_their_questions(tmp_path: Path):
    text = """
        s > c "HEARTBEAT 1\\nHEARTBEAT 2\\n"
        c > s "HEARTBEAT-ACK 2\\nMSG hi\\n"  +5ms
        c > s "HEARTBEAT-ACK 1\\n"
        c > s "HEARTBEAT-ACK 9\\n"
        """
    shark, _, _ = talk(tmp_path, "line", text)
    columns = shark("-Y", "wirelab_line", "-T", "fields", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info").splitlines()
    assert [
        "wirelab line\theartbeat 1; heartbeat 2",
        "wirelab line\theartbeat-ack 2; message hi",
        "wirelab line\theartbeat-ack 1",
        "wirelab line\theartbeat-ack 9",
    ] == columns
    found = [
        tuple(shark.value(tree, word) for word in ("kind", "answered_in", "answer_to", "time"))
        for _, tree in shark.trees()
    ]
    assert [
        ("heartbeat", "6", None, None),
        ("heartbeat", "5", None, None),
        ("heartbeat-ack", None, "4", "0.005000000"),
        ("message", None, None, None),
        ("heartbeat-ack", None, "4", "0.006000000"),
        ("heartbeat-ack", None, None, None),
    ] == found
    assert "Answers no question that waits" in shark(
        "-Y", "frame.number==7", "-T", "fields", "-e", "_ws.expert.message"
    )


RUNS = ["heartbeat/coalesced-and-cut", "heartbeat/byte-by-byte", "messaging/chinese", "messaging/half-a-line"]


@pytest.mark.parametrize("scenario", RUNS)
def test_real_runs(tmp_path: Path, command: Command, scenario: str):
    done = command("run", scenario, "-o", "kept", "--quiet")
    assert done.status in (0, 2), done.out
    run = read_run(command.folder / "kept")
    segments = [
        segment
        for number, packet in enumerate(run.evidence.packets, 1)
        if (segment := decode(packet, number, run.evidence.linktype)) is not None
    ]
    shark = Shark(tmp_path, run.profile, command.folder / "kept" / "capture.pcapng")
    found = connections(segments)
    wanted = sorted(seen for connection in found for seen in expected(run.profile, connection))
    assert wanted
    assert wanted == sorted(shark.messages())
    delays = [
        (exchange.question.frames[-1], exchange.answer.frames[-1])
        for connection in found
        for exchange in pair(
            run.profile,
            *(decode_stream(run.profile, side, connection.stream(side)) for side in ("server", "client")),
        ).exchanges
        if exchange.answer
    ]
    told = [
        (int(str(shark.value(tree, "answer_to"))), frame)
        for frame, tree in shark.trees()
        if shark.value(tree, "answer_to")
    ]
    assert sorted(delays) == sorted(told)
