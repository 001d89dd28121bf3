"""The evidence in a lab report: cells that show a connection, with what they show already in them.

The cells call wirelab's own API (``wirelab.open_run``), so that they show the same when a student runs them.
"""

from __future__ import annotations

from collections.abc import Iterator

from wirelab.base.texts import Language, Text, register, say
from wirelab.compose.report_pictures import pictured
from wirelab.compose.report_source import Source
from wirelab.observe.connections import Noted
from wirelab.present.charts import heartbeat_chart, sequence_chart
from wirelab.present.ladder import ladder
from wirelab.present.ladder_svg import ladder_svg
from wirelab.present.report_notebook import Shown
from wirelab.present.segment_table import (
    Table,
    handshake_segments,
    heartbeat_segments,
    segment_table,
    teardown_segments,
)
from wirelab.present.style import safe

MOST_LINES = 40  # of a terminal
WIDTH = 110  # cells of the ladder in text

register(
    {
        "evidence.ladder": Text("The ladder of the connection", "连接的时序图"),
        "evidence.handshake": Text("The handshake", "三次握手"),
        "evidence.heartbeat": Text("A heartbeat and its answer", "一次心跳及其应答"),
        "evidence.teardown": Text("The teardown", "连接的释放"),
        "evidence.delays": Text("Heartbeats and how soon they were answered", "心跳及其应答时间"),
        "evidence.sequence": Text("Sequence numbers over time", "序号随时间的变化"),
        "evidence.terminal": Text("The terminal of {actor}", "{actor} 的终端"),
        "evidence.open": Text(
            "# the run (or the capture) that this report is about", "# 这份报告所依据的运行（或抓包）"
        ),
        "evidence.scapy": Text(
            "# the same packets with scapy; the first of them is frame {frame}",
            "# 用 scapy 查看同样的报文，其中第一个是第 {frame} 帧",
        ),
        "evidence.raw": Text("# raw numbers, as they are in the header", "# 报文首部中的原始序号"),
        "evidence.messages": Text("# every message, and the frames that carried it", "# 每条消息，以及携带它的帧"),
    }
)


def names_of(source: Source) -> dict[int, str]:
    """Who plays the end with a port."""
    view, connection = source.view, source.connection
    if view is None:
        return {connection.server.port: "server", connection.client.port: "client"}
    return {
        connection.client.port: view.actor_at(connection, "client"),
        connection.server.port: view.actor_at(connection, "server"),
    }


def evidence(source: Source, language: Language, opening: str) -> list[Shown]:
    """The cells that show the connection; the first of them opens it."""
    return list(_evidence(source, language, opening))


def _evidence(source: Source, language: Language, opening: str) -> Iterator[Shown]:
    connection, facts, names = source.connection, source.facts, names_of(source)

    def table(segments: tuple[Noted, ...]) -> dict[str, str]:
        return _shown(segment_table(segments, connection, source.profile, names, language=language))

    start = f"import wirelab\n\n{say('evidence.open', language)}\nrun = {opening}\nrun.ladder()"
    svg = ladder_svg(connection.noted, source.profile, names, language=language)
    lines = ladder(connection.noted, source.profile, names, language=language, width=WIDTH, colour=False)
    yield Shown(start, {**pictured(svg), "text/plain": "\n".join(lines)}, say("evidence.ladder", language))
    yield Shown("run.handshake", table(handshake_segments(connection)), say("evidence.handshake", language))
    if facts.answered:
        exchange = facts.answered[0]
        at = facts.pairing.exchanges.index(exchange)
        shown = table(heartbeat_segments(connection, exchange))
        yield Shown(f"run.heartbeat({at + 1})", shown, say("evidence.heartbeat", language))
    yield Shown("run.teardown", table(teardown_segments(connection)), say("evidence.teardown", language))
    if facts.pairing.exchanges:
        chart = pictured(
            heartbeat_chart(facts.pairing.exchanges, language=language, origin=connection.noted[0].segment.time)
        )
        yield Shown("run.plot_heartbeats()", chart, say("evidence.delays", language))
    chart = pictured(sequence_chart(connection, language=language))
    yield Shown("run.plot_sequence()", chart, say("evidence.sequence", language))
    yield from _terminals(source, language)


def _terminals(source: Source, language: Language) -> Iterator[Shown]:
    view = source.view
    if view is None:
        return
    for actor in dict.fromkeys(names_of(source).values()):
        shown = view.lines(actor) if actor in view.transcripts else []
        if shown:
            text = "\n".join(safe(line) for line in shown[:MOST_LINES])
            yield Shown(
                f"run.terminal({actor!r})", {"text/plain": text}, say("evidence.terminal", language, actor=actor)
            )


def _shown(table: Table) -> dict[str, str]:
    return {"text/markdown": table.markdown(), "text/plain": "\n".join(table.lines())}


def explore(source: Source, language: Language) -> list[Shown]:
    """Cells with which the student goes on: they show nothing until they are run."""
    comment = say("evidence.scapy", language, frame=source.frames[0])
    scapy = f"{comment}\npackets = run.packets()\npackets[0].show()"
    raw = f"{say('evidence.raw', language)}\n[(s.frame, s.seq_raw, s.ack_raw) for s in run.segments][:5]"
    said = f"{say('evidence.messages', language)}\nrun.messages"
    return [Shown(raw), Shown(said), Shown(scapy)]
