"""One conversation out of a capture of a million packets: ``wirelab analyze --port`` against ``tshark -Y``.

Makes a capture of 1 000 000 packets (about 350 MB), always the same one, in a temporary folder: traffic of many other
connections, and among it one conversation of 30 packets with port 12001. Then both tools find it, in turn, each as a
process of its own with its start-up. Prints wall time and peak memory of each, medians, and their ratio; the file is in
the page cache. Needs tshark for the comparison. Every number comes from this machine, now.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

PACKETS, PORT, OTHERS = 1_000_000, 12001, 443
ROUNDS, TSHARK_ROUNDS = 5, 2
SECONDS_LIMIT, MEMORY_LIMIT, RATIO_LIMIT = 1.5, 150, 10
SYN, ACK, PSH, FIN = 2, 16, 8, 1
HOME, AWAY = bytes([127, 0, 0, 1]), bytes([192, 0, 2, 7])


def main() -> None:
    """Measure and print; always exits 0, because a number is not a test."""
    with tempfile.TemporaryDirectory(prefix="wirelab-bench-") as folder:
        pcap = Path(folder, "big.pcap")
        write(pcap)
        files = [pcap]
        if shutil.which("editcap"):
            files.append(pcap.with_suffix(".pcapng"))
            subprocess.run(["editcap", "-F", "pcapng", *files], check=True, stderr=subprocess.DEVNULL)
        for file in files:
            print(f"{file.suffix[1:]}: {PACKETS} packets, {file.stat().st_size / 1e6:.0f} MB")
            compare(file)


def compare(file: Path) -> None:
    """Both tools on one file."""
    command = [sys.executable, "-m", "wirelab", "analyze", str(file), "--port", str(PORT)]
    seconds, memory = median(command, ROUNDS)
    print(f"  wirelab analyze --port {seconds:6.2f} s {memory:5.0f} MB (limits: {SECONDS_LIMIT} s, {MEMORY_LIMIT} MB)")
    if shutil.which("tshark"):
        other, memory = median(["tshark", "-n", "-r", str(file), "-Y", f"tcp.port=={PORT}"], TSHARK_ROUNDS)
        print(f"  tshark -Y              {other:6.2f} s {memory:5.0f} MB")
        print(f"  ratio                  {other / seconds:6.1f}     (at least {RATIO_LIMIT})")


def median(command: list[str], rounds: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a command, medians over some rounds."""
    measured = [measure(command) for _ in repeat(None, rounds)]
    return statistics.median(seconds for seconds, _ in measured), statistics.median(memory for _, memory in measured)


def measure(command: list[str]) -> tuple[float, float]:
    """Wall time in seconds and peak resident memory in megabytes of a command, which must find the conversation."""
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        found = said.read().count(b"FIN")
    if process.returncode or found < 2:
        raise SystemExit(f"{command[0]} did not find the conversation (status {process.returncode})")
    return seconds, usage.ru_maxrss / 1024


def write(path: Path) -> None:
    """The capture: its conversation lies in the middle half, a packet every 16 000."""
    chance = random.Random(12001)
    noise = chance.randbytes(8192)
    wanted = {PACKETS // 4 + number * PACKETS // 62: frame for number, frame in enumerate(conversation())}
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number in range(PACKETS):
            data = wanted.get(number) or frame(
                AWAY, HOME, (OTHERS, 20_000 + number % 40_000), (number, number), ACK, cut(noise, chance)
            )
            file.write(struct.pack("<IIII", 1_700_000_000 + number // 5000, number % 5000 * 200, len(data), len(data)))
            file.write(data)


def cut(noise: bytes, chance: random.Random) -> bytes:
    """Some payload, 0 to 570 bytes."""
    at = chance.randrange(4096)
    return noise[at : at + chance.randrange(571)]


def conversation() -> Iterator[bytes]:
    """30 packets: handshake, heartbeats, messages, teardown."""
    client, server, ports = 1000, 2000, (40_000, PORT)

    def out(flags: int, payload: bytes = b"") -> bytes:
        return frame(HOME, HOME, ports, (client, server), flags, payload)

    def back(flags: int, payload: bytes = b"") -> bytes:
        return frame(HOME, HOME, ports[::-1], (server, client), flags, payload)

    yield frame(HOME, HOME, ports, (client, 0), SYN, b"")
    client += 1
    yield back(SYN | ACK)
    server += 1
    yield out(ACK)
    for number in range(1, 9):
        beat, answer = b"HEARTBEAT %d\n" % number, b"HEARTBEAT-ACK %d\n" % number
        yield back(PSH | ACK, beat)
        server += len(beat)
        yield out(PSH | ACK, answer)
        client += len(answer)
        yield back(ACK)
    yield out(FIN | ACK)
    client += 1
    yield back(FIN | ACK)
    server += 1
    yield out(ACK)


def frame(
    src: bytes, dst: bytes, ports: tuple[int, int], numbers: tuple[int, int], flags: int, payload: bytes
) -> bytes:
    """An Ethernet frame with a TCP segment over IPv4; its checksums are left out."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, src, dst)
    tcp = struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 512, 0, 0)
    return b"".join((bytes(12), b"\x08\x00", ip, tcp, payload))


if __name__ == "__main__":
    main()
