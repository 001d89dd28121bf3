"""What the script of a run's page reads: compact JSON that nothing in it can break out of. Knows no HTML.

Every text in it has been made inert before, so that the script may show it as it stands.
"""

from __future__ import annotations

import base64
import json
from typing import get_args

from wirelab.base.texts import Text, register, say
from wirelab.observe.connections import Note
from wirelab.observe.segments import parse_options
from wirelab.observe.tcpstate import State
from wirelab.present.html import Html
from wirelab.present.ladder import Rung
from wirelab.present.run_page_scene import Scene
from wirelab.present.style import safe

WORDS = {
    "play": Text("Play", "播放"),
    "pause": Text("Pause", "暂停"),
    "clock": Text("Moment of the run", "运行的时刻"),
    "speed": Text("Speed", "速度"),
    "spacing": Text("Spacing", "间距"),
    "even": Text("evenly spaced", "等间距"),
    "scaled": Text("time to scale", "按时间比例"),
    "closer": Text("Zoom in", "放大"),
    "wider": Text("Zoom out", "缩小"),
    "connections": Text("Connections", "连接"),
    "all": Text("all", "全部"),
    "client": Text("client", "客户端"),
    "server": Text("server", "服务器"),
    "ladder": Text("Segments, oldest first", "报文段，按时间先后"),
    "choose": Text(
        "Point at a segment, click it, or choose it with ↑ and ↓: its header and bytes are shown here.",
        "把鼠标移到报文段上、点击它，或用 ↑ ↓ 选择：这里会显示首部字段和字节。",
    ),
    "frame": Text("Frame", "帧"),
    "time": Text("Time", "时间"),
    "since": Text("since the one before", "距前一个"),
    "way": Text("From → to", "方向"),
    "flags": Text("Flags", "标志位"),
    "seq": Text("Sequence number", "序号"),
    "ack": Text("Acknowledgment", "确认号"),
    "relative": Text("relative", "相对"),
    "window": Text("Window", "窗口"),
    "length": Text("Payload", "数据"),
    "bytes": Text("bytes", "字节"),
    "options": Text("Options", "选项"),
    "state": Text("state", "状态"),
    "states": Text("States after it", "此后的状态"),
    "notes": Text("Note", "说明"),
    "carries": Text("Carries", "内容"),
    "missing": Text(
        "… {count} more bytes, which are not in this page (capture.pcapng)",
        "… 还有 {count} 字节不在本页中（capture.pcapng）",
    ),
    "merged": Text(
        "segments besides, at the same place: {count}; zoom in to see them",
        "同一处另有 {count} 个报文段；放大后可以看到",
    ),
    "here": Text("Set the clock here", "把时钟拨到这里"),
}
"""What the script says, by the name it knows it by."""

register({f"runpage.js.{name}": text for name, text in WORDS.items()})

WHOLE, HEAD = 4096, 64  # bytes of a payload: what is kept, and of a flood
MOST_BYTES = 1 << 21  # of payloads that are kept whole
NOTES = get_args(Note)
STATES = tuple(State)


def page_data(scene: Scene) -> Html:
    """The data as the content of a ``<script type="application/json">``: ASCII, with no ``<``, ``>`` or ``&``.

    A segment is a list: frame, time (ns), connection, sender (0 client, 1 server), flags, relative seq, relative ack
    (-1: none), window, length, states of client and server (indices), seq and ack as they are in the header, ends (source,
    destination, indices), notes (bits), what changed (1 client's state, 2 server's, 4 first of its connection), options,
    payload (Base64), what it carried.
    """
    ends: dict[str, int] = {}
    kept = 0
    segments = []
    for rung in scene.rungs:
        data = rung.noted.segment.payload[: WHOLE if kept < MOST_BYTES else HEAD]
        kept += len(data)
        segments.append(_segment(scene, rung, data, ends))
    document = {
        "words": {name: say(f"runpage.js.{name}", scene.language, count="{count}") for name in WORDS},
        "states": [state.value for state in STATES],
        "lost": NOTES.index("lost"),
        "notes": [say(f"ladder.note.{note}", scene.language) for note in NOTES],
        "end": scene.end,
        "ends": list(ends),
        "segments": segments,
        "marks": scene.marks,
        "parted": scene.parted,
        "screens": [screen.pieces for screen in scene.screens],
        "events": [event.time for event in scene.events],
    }
    said = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":  # the rest that could end a script is not ASCII, and escaped already
        said = said.replace(character, f"\\u{ord(character):04x}")
    return Html(said)


def _segment(scene: Scene, rung: Rung, data: bytes, ends: dict[str, int]) -> list[object]:
    noted, segment = rung.noted, rung.noted.segment
    places = []
    for end in (segment.src, segment.dst):
        name = scene.named(end)
        shown = str(end) if name.startswith(":") else f"{name} {end}"
        places.append(ends.setdefault(shown, len(ends)))
    changed = ("client" in rung.changed) + 2 * ("server" in rung.changed) + 4 * rung.opens
    return [
        segment.frame,
        segment.time - scene.start,
        noted.connection,
        int(noted.sender == "server"),
        segment.flags,
        noted.seq,
        -1 if noted.ack is None else noted.ack,
        segment.window,
        segment.length,
        STATES.index(noted.client_state),
        STATES.index(noted.server_state),
        segment.seq,
        segment.ack,
        *places,
        sum(1 << at for at, note in enumerate(NOTES) if note in noted.notes),
        changed,
        options_text(segment.options),
        base64.b64encode(data).decode(),
        scene.contents(rung),
    ]


def options_text(options: bytes) -> str:
    """TCP options as people write them; empty where there are none."""
    if not options:
        return ""
    found = parse_options(options)
    said = [] if found.mss is None else [f"MSS {found.mss}"]
    said += ["SACK permitted"] if found.sack_permitted else []
    said += [] if found.window_scale is None else [f"window scale {found.window_scale}"]
    said += [] if found.timestamps is None else ["TSval {} TSecr {}".format(*found.timestamps)]
    return safe(", ".join(said))
