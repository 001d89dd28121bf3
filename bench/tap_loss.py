"""How many segments a second the tap stands: offered, lost, and what it costs, on an idle and on a busy machine.

    python bench/tap_loss.py [--rates 50000 100000 200000] [--mib 4 8 16] [--seconds 1] [--hogs 2]

One process reads the ring from a selector loop, as a run's does; another sends crafted segments over the loopback
of a private network. They carry RST, so that the kernel answers none of them. Nothing leaves the namespace.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "harness"))

from wirelab.stage import namespace
from wirelab.stage.tap import Tap

SLOTS_PER_MIB = 512
BATCH_SECONDS = 0.002


def segment(payload: int = 100) -> bytes:
    """An IPv4 packet 127.0.0.1 to itself with a TCP segment, RST set; checksums are not looked at before the tap."""
    local = socket.inet_aton("127.0.0.1")
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + payload, 1, 0, 64, socket.IPPROTO_TCP, 0, local, local)
    return header + struct.pack(">HHIIBBHHH", 40000, 12001, 1, 1, 0x50, 0x04, 512, 0, 0) + bytes(payload)


def send(rate: int, seconds: float, report: int) -> None:
    """Send ``rate`` segments a second in small batches, and write how many were sent and how long it took."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        packet, sent, began = segment(), 0, time.monotonic()
        while (spent := time.monotonic() - began) < seconds:
            for _ in range(int(spent * rate) - sent):
                raw.sendto(packet, ("127.0.0.1", 0))
                sent += 1
            time.sleep(BATCH_SECONDS)
        os.write(report, struct.pack("=Id", sent, time.monotonic() - began))


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure(rate: int, mib: int, seconds: float) -> str:
    """One row: rate achieved, segments sent, read and lost, and the reader's CPU time per packet."""
    setup = cpu()
    tap = Tap(slots=mib * SLOTS_PER_MIB, limit=sys.maxsize)
    setup = cpu() - setup
    reading, writing = os.pipe()
    sender = os.fork()
    if sender == 0:
        try:
            send(rate, seconds, writing)
        finally:
            os._exit(0)
    began, stored = cpu(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(tap, selectors.EVENT_READ)
        selector.register(reading, selectors.EVENT_READ)
        while reading not in (ready := {key.fd for key, _ in selector.select()}):
            if tap.fileno() in ready:
                stored += len(tap.read())
    sent, spent = struct.unpack("=Id", os.read(reading, 12))
    os.waitpid(sender, 0)
    tap.sync()
    stored += len(tap.read())
    used = cpu() - began
    lost = tap.lost
    closing = cpu()
    tap.close()
    setup += cpu() - closing
    for handle in (reading, writing):
        os.close(handle)
    balance = "" if stored + lost == sent else f"  UNACCOUNTED {sent - stored - lost}"
    return (
        f"{mib:4} MiB {sent / spent:10.0f}/s {sent:9} sent {lost:8} lost ({100 * lost / max(1, sent):5.2f} %)"
        f" {1e6 * used / max(1, stored):6.2f} us CPU a packet {1e3 * setup:6.2f} ms CPU to open and close{balance}"
    )


def hog() -> int:
    """Fork a process that only burns CPU time."""
    pid = os.fork()
    if pid == 0:
        while True:
            pass
    return pid


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rates", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    options.add_argument("--mib", type=int, nargs="+", default=[4, 8, 16, 32])
    options.add_argument("--seconds", type=float, default=1.0)
    options.add_argument("--hogs", type=int, default=2)
    asked = options.parse_args()
    namespace.enter(os.getppid())
    for hogs in (0, asked.hogs):
        print(f"{hogs} CPU hogs on {os.cpu_count()} processors", flush=True)
        running = [hog() for _ in range(hogs)]
        try:
            for rate in asked.rates:
                for mib in asked.mib:
                    print(f"  wanted {rate:7}/s", measure(rate, mib, asked.seconds), flush=True)
        finally:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
