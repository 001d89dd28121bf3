"""Faults on the private wire: lose the n-th segment of a kind, cut the cable and heal it, inject RST.

Rules are nftables' and sit on the input hook, behind the tap: the capture shows the lost segment and the
retransmission that follows. Nothing is started before the first fault is asked for. Works only inside a
namespace that ``namespace.enter`` made; knows no scenario. Sources: nft(8), RFC 9293 3.10.7, RFC 5961 3.2.
"""

from __future__ import annotations

import json
import socket
from typing import Literal

from wirelab.base.errors import HarnessBug
from wirelab.base.texts import Text, register
from wirelab.observe.connections import Side
from wirelab.observe.segments import Endpoint
from wirelab.stage.namespace import require_private, run_privileged

Kind = Literal["SYN", "SYN,ACK", "FIN", "RST", "ACK", "DATA"]

_PURE_ACK_BYTES = 100
"""The longest IP packet without payload: IPv6 with all TCP options. Unpushed data fills its segment instead."""
_KINDS: dict[str, str] = {
    "SYN": "tcp flags & (syn | ack) == syn",
    "SYN,ACK": "tcp flags & (syn | ack) == (syn | ack)",
    "FIN": "tcp flags & fin == fin",
    "RST": "tcp flags & rst == rst",
    "ACK": f"tcp flags & (fin | syn | rst | psh | ack) == ack meta length <= {_PURE_ACK_BYTES}",
    "DATA": "tcp flags & psh == psh",
}
_COUNT_MODULUS = 1_000_000_000

_TABLE = """
table inet wirelab {{
  set cut {{ type inet_service; }}
  set client_fin {{ type inet_service; flags dynamic; size 65535; }}
  set server_fin {{ type inet_service; flags dynamic; size 65535; }}
  chain cuts {{
  }}
  chain drops {{
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    tcp dport {port} tcp sport @cut drop
    tcp sport {port} tcp dport @cut drop
    jump cuts
    tcp dport {port} tcp flags & (syn | ack) == syn delete @client_fin {{ tcp sport }}
    tcp dport {port} tcp flags & (syn | ack) == syn delete @server_fin {{ tcp sport }}
    jump drops
    tcp dport {port} tcp flags & fin == fin add @client_fin {{ tcp sport }}
    tcp sport {port} tcp flags & fin == fin add @server_fin {{ tcp dport }}
  }}
}}
"""

register(
    {
        "faults.misuse": Text("internal: {what}", "内部错误：{what}"),
    }
)


class Faults:
    """What can go wrong on the wire between the clients and the server at ``port``.

    A connection is told by its client's port. Operations raise EnvironmentFault when nft is missing (Debian
    package nftables) or refuses, with its own words, and HarnessBug outside a private network.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._ready = False
        self._drops = 0

    def _nft(self, *commands: str) -> None:
        """Run nft commands as one transaction, after making the table the first time."""
        lines = [] if self._ready else [_TABLE.format(port=self.port)]
        run_privileged(["nft", "-f", "-"], "\n".join([*lines, *commands, ""]), package="nftables")
        self._ready = True

    def arm(self) -> None:
        """Make the table now, without a rule. From here on the FINs that ``after`` asks for are noted."""
        if not self._ready:
            self._nft()

    def drop(
        self,
        flags: Kind,
        sender: Side,
        nth: int = 1,
        client_port: int | None = None,
        after: Literal["FIN"] | None = None,
    ) -> int:
        """Lose exactly the ``nth`` matching segment from now on; returns a number to ask ``dropped`` about.

        ``SYN``: without ACK. ``FIN``: with or without ACK. ``ACK``: nothing but an ACK. ``DATA``: PSH set.
        Copies sent again count as further matches, so ``nth=1`` loses the first and lets its repetition pass.
        ``after="FIN"``: only segments after the other side's FIN was delivered on the same connection, so that
        ``drop("ACK", "client", after="FIN")`` is the last ACK of a teardown that the client began. FINs
        are noted from the first fault (or ``arm``) on.
        """
        if nth < 1:
            raise HarnessBug("faults.misuse", what=f"drop(nth={nth})")
        client = "sport" if sender == "client" else "dport"
        server = "dport" if sender == "client" else "sport"
        other = "server" if sender == "client" else "client"
        match = [f"tcp {server} {self.port}"]
        if client_port is not None:
            match.append(f"tcp {client} {client_port}")
        if after is not None:
            match.append(f"tcp {client} @{other}_fin")
        match += [_KINDS[flags], f"numgen inc mod {_COUNT_MODULUS} == {nth - 1}"]
        number = self._drops + 1
        self._nft(
            f"add counter inet wirelab drop{number}",
            f"add rule inet wirelab drops {' '.join(match)} counter name drop{number} drop",
        )
        self._drops = number
        return number

    def dropped(self, number: int | None = None) -> int:
        """How many segments a drop has lost so far (0 or 1), or all drops together; cuts are not counted."""
        if not self._drops:
            return 0
        listing = run_privileged(["nft", "-j", "list", "counters", "table", "inet", "wirelab"], package="nftables")
        items = [item["counter"] for item in json.loads(listing)["nftables"] if "counter" in item]
        counted = {str(item["name"]): int(item["packets"]) for item in items}
        return sum(counted.values()) if number is None else counted[f"drop{number}"]

    def cut(self, client_port: int | None = None) -> None:
        """Silently lose everything of one connection, or of all, both ways, until ``heal``."""
        if client_port is not None:
            self._nft(f"add element inet wirelab cut {{ {client_port} }}")
        else:
            self._nft(
                f"add rule inet wirelab cuts tcp dport {self.port} drop",
                f"add rule inet wirelab cuts tcp sport {self.port} drop",
            )

    def heal(self) -> None:
        """End every cut. Armed drops stay armed."""
        if self._ready:
            self._nft("flush set inet wirelab cut", "flush chain inet wirelab cuts")

    def prepare(self) -> None:
        """Load scapy, which takes 0.2 s of CPU time and more: before the script starts, if it injects."""
        import scapy.layers.inet6  # noqa: F401 - reset() finds it loaded

    def reset(self, src: Endpoint, dst: Endpoint, seq: int, ack: int | None = None) -> None:
        """Inject a RST to ``dst`` that looks as if ``src`` had sent it; with ``ack`` a RST,ACK.

        ``seq`` is the next sequence number ``dst`` expects from ``src``: a receiver obeys no other
        (RFC 5961, 3.2). It passes the tap like any segment.
        """
        require_private("reset")
        from scapy.layers.inet import IP, TCP
        from scapy.layers.inet6 import IPv6

        six = ":" in dst.host
        network = IPv6 if six else IP
        flags, number = ("R", 0) if ack is None else ("RA", ack)
        packet = bytes(
            network(src=src.host, dst=dst.host)
            / TCP(sport=src.port, dport=dst.port, seq=seq, ack=number, flags=flags, window=0)
        )
        with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            raw.sendto(packet, (dst.host, 0))
