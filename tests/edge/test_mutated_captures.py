"""2 000 captures that were damaged on purpose, the same ones every time: a clear error or a result, and an end.

Half are damaged as files (cut anywhere, bytes changed, lengths wrong), half hold damaged packets in a sound file (cut, lengths,
flags, numbers, ports and options wrong, times astray, frames missing, doubled, in another order), which get further.
Each is given to ``wirelab analyze``, a part of them also to ``wirelab judge`` as the capture of a run folder.
"""

from __future__ import annotations

import json
import re
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.edge.command import inside
from tests.frames import frame
from tests.judge.runs import HELLO, PROTOCOLS, evidence, profile_of, scenario, typed
from tests.observe.synthetic import synthetic
from tests.wire import dialogue
from wirelab.compose.artifacts import Run, write_run
from wirelab.edge.cli import BUG
from wirelab.observe.pcap import write_pcap, write_pcapng
from wirelab.observe.segments import ETHERNET, RAW_IP, Packet

SHARES, EACH = 20, 100
HANGING = 120  # seconds for a share, which takes one: only what never ends takes as long
RUN_FOLDERS = 300
OPTIONS = (
    (),
    ("--json",),
    ("--as-trace",),
    ("--port", "12001"),
    ("--stream", "0"),
    ("--lang", "zh"),
    ("--protocol", "bare"),
)
TALK = (
    HELLO.replace("alice", "c")
    + r"""
    s > c "HEARTBEAT 1\nBROADCAST news\n"
    c > s "MSG one\nHEART"
    c > s "BEAT-ACK 1\n"
    s > c ACK
    c > s FIN
    s > c FIN
    c > s ACK
"""
)
OPTIONED = b"\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\1\0\0\0\0\x01\x03\x03\x07"
MADE = [(RAW_IP, tuple(frame(item) for item in dialogue(TALK)))] * 3 + [
    (one.linktype, one.packets) for one in synthetic()
]


@contextmanager
def that_ends() -> Iterator[None]:
    """What takes so long that it must hang is interrupted, with a traceback of where it is."""

    def hangs(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGING)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def changed(random: Random, data: bytes, most: int) -> bytes:
    """Up to ``most`` bytes or words of some bytes replaced: by any, or by what is a limit somewhere."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, most) if damaged else 0):
        at = random.randrange(len(damaged))
        word = random.choice(
            (0, 1, 2, 3, 4, 15, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, random.getrandbits(32))
        )
        size = random.choice((1, 1, 2, 4))
        value = (word & (1 << 8 * size) - 1).to_bytes(size, "little")
        damaged[at : at + size] = (value if random.random() < 0.5 else value[::-1])[: len(damaged) - at]
    return bytes(damaged)


def packet_with_a_fault(random: Random, packet: Packet, linktype: int) -> Packet:
    time, data, length = packet
    tcp = {RAW_IP: 20, ETHERNET: 34}.get(linktype, 36)  # near enough elsewhere: any damage will do
    damaged = bytearray(data)
    match random.choice(("cut", "IP length", "offset", "flags", "numbers", "options", "time", "length", "port", "any")):
        case "cut":
            return Packet(time, data[: random.randint(0, len(data))], length)
        case "IP length":
            damaged[tcp - 18 : tcp - 16] = random.choice((0, 19, 40, 41, 1500, 65535)).to_bytes(2, "big")
        case "offset":
            damaged[tcp + 12 : tcp + 13] = bytes([random.randrange(256)])
        case "flags":
            damaged[tcp + 13 : tcp + 14] = bytes([random.randrange(256)])
        case "numbers":
            at = tcp + random.choice((4, 8))
            damaged[at : at + 4] = random.choice((0, 1 << 31, (1 << 32) - 1, random.getrandbits(32))).to_bytes(4, "big")
        case "options":
            words = random.randint(1, 10)
            damaged[tcp + 12 : tcp + 13] = bytes([5 + words << 4])
            damaged[tcp + 20 : tcp + 20] = random.choice((OPTIONED, random.randbytes(40)))[: words * 4]
        case "time":
            return Packet(random.choice((0, 2**32 * 10**9 - 1, time - 10**12, random.randrange(2**61))), data, length)
        case "length":
            return Packet(time, data, random.choice((0, len(data), 65535, 2**31 - 1)))
        case "port":
            damaged[tcp : tcp + 2] = random.choice((0, 12001, 65535)).to_bytes(2, "big")
        case _:
            damaged = bytearray(changed(random, data, 4))
    return Packet(time, bytes(damaged), max(length, len(damaged)))


def mutated(number: int) -> bytes:
    """Capture file ``number``, damaged; the same every time."""
    random = Random(number)
    linktype, packets = random.choice(MADE)
    mine = list(packets)
    if number % 2:
        for _ in range(random.randint(1, 6)):
            at = random.randrange(len(mine))
            match random.choice(("fault", "fault", "fault", "missing", "doubled", "moved")):
                case "fault":
                    mine[at] = packet_with_a_fault(random, mine[at], linktype)
                case "missing" if len(mine) > 1:
                    del mine[at]
                case "doubled":
                    mine.insert(random.randint(0, len(mine)), mine[at])
                case _:
                    mine.insert(random.randint(0, len(mine) - 1), mine.pop(at))
    data = (
        write_pcap([packet._replace(time=packet.time % (2**32 * 10**9)) for packet in mine], linktype)
        if random.random() < 0.5
        else write_pcapng(mine, linktype, comments={1: "first"}, lost=random.randint(0, 1), application="test")
    )
    if number % 2 == 0:
        data = changed(random, data, 6) if random.random() < 0.7 else data
        data = data[: random.randint(0, len(data))] if random.random() < 0.5 else data
        data += random.randbytes(random.randint(0, 40)) if random.random() < 0.2 else b""
        if random.random() < 0.2 and data:
            at = random.randrange(len(data))
            data = data[:at] + data[at + random.randint(1, 64) :]
    return data


def check(status: int, out: str, err: str, why: object) -> None:
    """A result, or an error of one message without a traceback."""
    assert status != BUG, (why, err)
    assert "Traceback" not in out + err, (why, err)
    if status in (0, 1, 2):
        assert out, why
    else:
        assert status >= 64, why
        assert err.startswith("wirelab: "), (why, err)
        assert not re.search(r"\{\w*\}", err), (why, err)


@pytest.mark.parametrize("share", range(SHARES))
def test_a_damaged_capture_gives_a_clear_error_or_a_result(
    share: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, written = tmp_path / "capture.pcapng", tmp_path / "out.pcapng"
    judged = 0
    with that_ends():
        for number in range(share * EACH, (share + 1) * EACH):
            file.write_bytes(mutated(number))
            options = (*OPTIONS[number % len(OPTIONS)], *(("-o", written) if number % 8 == 3 else ()))
            done = inside(capsys, "analyze", file, *options)
            check(done.status, done.out, done.err, number)
            judged += done.status in (0, 1, 2)
            if "--json" in options and done.status in (0, 1, 2):
                json.loads(done.out)
    assert judged > EACH / 3  # else they would only show that headers are checked


def test_a_run_folder_with_a_damaged_capture_is_refused_or_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = scenario("{handshake: alice}", "{messages: alice, sent: [one]}", "{teardown: alice, first: alice}")
    left = evidence(script, TALK.replace("c >", "alice >").replace("> c", "> alice"), typed(4, "alice", "one⏎"))
    run = Run(script, (PROTOCOLS / "line.yaml").read_text("utf-8"), profile_of(script), left)
    folder = tmp_path / "run"
    write_run(folder, run, run.judged(), "en")
    sound = (folder / "capture.pcapng").read_bytes()
    random = Random(0)
    judged = 0
    with that_ends():
        for number in range(RUN_FOLDERS):
            packets = list(left.packets)
            for _ in range(random.randint(1, 4)):
                at = random.randrange(len(packets))
                packets[at] = packet_with_a_fault(random, packets[at], RAW_IP)
            data = write_pcapng(packets, RAW_IP, application="test")
            (folder / "capture.pcapng").write_bytes(data if number % 3 else changed(random, sound, 3))
            done = inside(capsys, "judge", folder, *(("--ladder",) if number % 2 else ("--json",)))
            check(done.status, done.out, done.err, number)
            judged += done.status in (0, 1, 2)
    assert judged > RUN_FOLDERS / 3


def test_the_captures_are_of_many_kinds() -> None:
    """Damage that only ever hit the same place would show little."""
    made = [mutated(number) for number in range(200)]
    assert len(set(made)) > 190
    assert {struct.unpack("<I", data[:4])[0] for data in made if len(data) >= 4} >= {0xA1B23C4D, 0x0A0D0D0A}
    assert made[:20] == [mutated(number) for number in range(20)]
