"""What many questions say in the same words: the two sides, and which number was written in place of the other."""

from __future__ import annotations

from collections.abc import Mapping

from wirelab.base.texts import Bilingual, Text
from wirelab.judge.verdict import Said
from wirelab.observe.connections import Side

SIDE: Mapping[Side, Bilingual] = {
    "client": Bilingual("the client", "客户端"),
    "server": Bilingual("the server", "服务器"),
}
HANDSHAKE = Text("a complete three-way handshake", "完整的三次握手")
RAW = Said(
    Text(
        "this is the raw number; the relative one is asked for, which counts from the ISN (`tcp.seq`, `tcp.ack`)",
        "这是原始值；这里要填从 ISN 算起的相对值（`tcp.seq`、`tcp.ack`）",
    )
)
RELATIVE = Said(
    Text(
        "this is a relative number, which Wireshark counts from the ISN; the raw one is asked for (`tcp.seq_raw`, "
        "`tcp.ack_raw`)",
        "这是 Wireshark 从 ISN 算起的相对值；这里要填原始值（`tcp.seq_raw`、`tcp.ack_raw`）",
    )
)
