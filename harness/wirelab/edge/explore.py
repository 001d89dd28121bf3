"""A run, or a capture made by hand, for exploring in Python: ``wirelab.open_run`` and ``wirelab.open_capture``.

Everything shows itself in Jupyter, and as plain text elsewhere. The connection is the one that a lab report is about.
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wirelab.base.errors import UsageError
from wirelab.base.texts import Language, Text, register, say, spoken
from wirelab.compose import report_source
from wirelab.compose.analysis import Selection
from wirelab.compose.report_source import Source
from wirelab.edge.displayed import Figure, Lines, Listed, Seen, seen
from wirelab.judge.questions.facts import Facts, facts_of
from wirelab.judge.verdict import Finding, Judgement
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Noted
from wirelab.observe.heartbeats import Exchange
from wirelab.observe.messages import Message, Profile
from wirelab.observe.pcap import write_pcap
from wirelab.observe.segments import Packet
from wirelab.present import segment_table
from wirelab.present.charts import heartbeat_chart, sequence_chart
from wirelab.present.ladder import Gap, Ladder, port_name, shortened
from wirelab.present.ladder_svg import MOST, ladder_svg
from wirelab.present.outcome import verdict_lines
from wirelab.present.style import cells, safe
from wirelab.present.words import grouped

if TYPE_CHECKING:
    from scapy.plist import PacketList

COLUMNS = 110  # of plain text
_LANGUAGES: tuple[Language, ...] = ("en", "zh")

register(
    {
        "explore.no-terminal": Text(
            "this run has no terminal of '{actor}'; it has: {known}", "这次运行没有 '{actor}' 的终端；现有：{known}"
        ),
        "explore.port": Text("a port is a number from 1 to 65535, not {found}", "端口是 1 到 65535 的数，不是 {found}"),
        "explore.language": Text('language is "en" or "zh", not {found}', 'language 应为 "en" 或 "zh"，不是 {found}'),
        "explore.frame": Text(
            "frame {frame} is not of this connection; its frames are {first} to {last}",
            "第 {frame} 帧不属于这个连接；它的帧从 {first} 到 {last}",
        ),
    }
)


def open_run(folder: str | Path, *, language: Language | None = None) -> Run:
    """Open a run folder, as ``wirelab run … -o FOLDER`` writes it.

    ``language`` is "en" or "zh"; without it, that of the locale. Raises InputError for what is no run folder, or has no
    connection in it.

    >>> import wirelab
    >>> run = wirelab.open_run("my-run")  # doctest: +SKIP
    >>> run.ladder()  # doctest: +SKIP
    """
    chosen = _language(language)
    return Run(report_source.of_run(Path(folder).expanduser()), chosen)


def open_capture(
    path: str | Path,
    port: int | None = None,
    stream: int | None = None,
    protocol: str | None = None,
    *,
    language: Language | None = None,
) -> Conversation:
    """Open one TCP conversation of a capture file (pcap or pcapng) from Wireshark, tcpdump or dumpcap.

    ``port`` and ``stream`` (Wireshark's ``tcp.stream``) say which one, where there are several; ``protocol`` is the
    profile of the messages, guessed without it. Raises InputError for what is no capture, UsageError where several
    conversations are left, or there is no such protocol.

    >>> capture = wirelab.open_capture("lab.pcapng", port=12001)  # doctest: +SKIP
    >>> capture.handshake  # doctest: +SKIP
    """
    chosen = _language(language)
    if port is not None and not 0 < port < 65536:
        raise UsageError("explore.port", found=port)
    source = report_source.of_capture(Path(path).expanduser(), Selection(None, port, stream), protocol)
    names = {source.connection.server.port: "server", source.connection.client.port: "client"}
    return Conversation(source.connection, source.profile, names, source.packets, source.linktype, chosen, source.seed)


class Conversation:
    """One TCP connection: its segments, messages, heartbeats, and figures of them.

    Times are nanoseconds in values and seconds in tables; sequence numbers are relative, as Wireshark shows them.
    """

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        names: Mapping[int, str],
        packets: tuple[Packet, ...],
        linktype: int,
        language: Language,
        seed: str = "",
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._names = names
        self._packets = packets
        self._linktype = linktype
        self._language: Language = language
        self._seed = seed

    @property
    def connection(self) -> Connection:
        """The connection as wirelab rebuilt it: both ends, states, streams (``connection.client_stream.data``)."""
        return self._connection

    @functools.cached_property
    def facts(self) -> Facts:
        """What questions of a lab report are asked about."""
        return facts_of(self._connection, self._profile, self._seed)

    @property
    def segments(self) -> Listed[Seen]:
        """All segments: ``help(run.segments[0])`` names their fields.

        >>> [one.frame for one in run.segments if one.length]  # doctest: +SKIP
        """
        return self._listed(self._connection.noted)

    @property
    def handshake(self) -> Listed[Seen]:
        """The three segments that opened the connection."""
        return self._listed(segment_table.handshake_segments(self._connection))

    @property
    def teardown(self) -> Listed[Seen]:
        """The segments that ended it: FINs and what acknowledged them, or RST."""
        return self._listed(segment_table.teardown_segments(self._connection))

    @property
    def heartbeats(self) -> Listed[Exchange]:
        """Every heartbeat with its answer: ``heartbeats[0].delay_ns`` is how long that took, None without an answer."""

        connection, language = self._connection, self._language
        return Listed(
            self.facts.pairing.exchanges,
            lambda some: segment_table.heartbeat_table(some, connection, language=language),
            language,
        )

    @property
    def messages(self) -> Listed[Message]:
        """What was said by both sides, in the order in which it was whole: ``messages[0].text``."""
        connection, names, language = self._connection, self._names, self._language
        return Listed(
            self.facts.messages,
            lambda some: segment_table.message_table(some, connection, names, language=language),
            language,
        )

    def frame(self, number: int) -> Listed[Seen]:
        """The segment in a frame, as a table of one row. Raises UsageError when it is not of this connection."""
        one = self.facts.frame(number)
        if one is None:
            first, last = (self._connection.noted[at].segment.frame for at in (0, -1))
            raise UsageError("explore.frame", frame=number, first=first, last=last)
        return self._listed([one])

    def heartbeat(self, number: int = 1) -> Listed[Seen]:
        """The segments of one heartbeat, counted from 1: the question, the answer, and what acknowledged each."""
        exchanges = self.facts.pairing.exchanges
        wanted = exchanges[number - 1] if 0 < number <= len(exchanges) else None
        return self._listed(() if wanted is None else segment_table.heartbeat_segments(self._connection, wanted))

    def ladder(self, most: int = MOST) -> Figure:
        """The connection as a ladder diagram; of more than ``most`` segments the middle is left out."""
        noted, language = self._connection.noted, self._language
        svg = ladder_svg(noted, self._profile, self._names, language=language, most=most)
        return Figure(svg, "\n".join(self._terminal_ladder(most)))

    def plot_heartbeats(self) -> Figure:
        """When heartbeats came, and how soon they were answered."""
        origin = self._connection.noted[0].segment.time
        svg = heartbeat_chart(self.facts.pairing.exchanges, language=self._language, origin=origin)
        return Figure(svg, repr(self.heartbeats))

    def plot_sequence(self) -> Figure:
        """Sequence numbers of both sides over time, and how far they were acknowledged (a Stevens graph)."""
        return Figure(sequence_chart(self._connection, language=self._language), "\n".join(self._terminal_ladder(MOST)))

    def packets(self) -> PacketList:
        """The connection's packets for scapy, in the order of ``segments``: ``packets()[0].show()``."""
        from scapy.layers import inet, inet6, l2  # noqa: F401  scapy knows the layers that were imported
        from scapy.utils import rdpcap

        return rdpcap(io.BytesIO(write_pcap(self._packets, self._linktype)))

    def __repr__(self) -> str:
        connection = self._connection
        ends = [f"{self._names.get(end.port, '')} {end}".strip() for end in (connection.client, connection.server)]
        return safe(f"<{' > '.join(ends)}: {len(connection.noted)} segments>")

    def _terminal_ladder(self, most: int) -> list[str]:
        """The ladder as a terminal shows it, shortened as the drawing is."""
        noted, language, lines = self._connection.noted, self._language, []
        names = {port: safe(name) for port, name in self._names.items()}
        reader = Ladder(
            self._profile,
            lambda end: names.get(end.port) or port_name(end),
            language=language,
            width=COLUMNS,
            colour=False,
            name_width=max(map(cells, names.values()), default=0),
        )
        for one in shortened([reader.see(each) for each in noted], most):
            if isinstance(one, Gap):
                lines.append(say("live.more.segments", language, count=grouped(len(one.rungs))))
            else:
                lines += reader.draw(one, (one.noted.segment.time - noted[0].segment.time) / 1e9)
        return lines

    def _listed(self, some: tuple[Noted, ...] | list[Noted]) -> Listed[Seen]:
        connection, profile, names, language = self._connection, self._profile, self._names, self._language
        start = connection.noted[0].segment.time
        return Listed(
            [seen(one, start) for one in some],
            lambda chosen: segment_table.segment_table(
                [one.noted for one in chosen], connection, profile, names, language=language
            ),
            language,
        )


class Run(Conversation):
    """A run: the connection that is the student's, and what the programs showed. ``connections`` are all of them."""

    def __init__(self, source: Source, language: Language) -> None:
        assert source.run is not None
        self._run = source.run
        self._view = View(source.run.scenario, source.run.profile, source.run.evidence)
        names = self._actors(source.connection)
        super().__init__(
            source.connection, source.profile, names, source.packets, source.linktype, language, source.seed
        )

    @functools.cached_property
    def connections(self) -> tuple[Conversation, ...]:
        """Every connection of the run to the server's port, in order."""
        return tuple(self._conversation(one) for one in self._view.connections)

    @property
    def terminals(self) -> tuple[str, ...]:
        """Who has a terminal: the programs of the run by name."""
        return tuple(self._view.transcripts)

    def terminal(self, actor: str, last: int | None = None) -> Lines:
        """What a program's terminal showed, readable; only the ``last`` lines of it, if that is given.

        Raises UsageError for a name that no program of the run has.

        >>> run.terminal("alice", last=5)  # doctest: +SKIP
        """
        if actor not in self.terminals:
            raise UsageError("explore.no-terminal", actor=actor, known=", ".join(self.terminals))
        lines = self._view.lines(actor)
        return Lines([safe(line) for line in (lines if last is None else lines[max(0, len(lines) - last) :])])

    @functools.cached_property
    def judgement(self) -> Judgement:
        """What wirelab says of the run: every check and its findings."""
        return self._run.judged()

    @property
    def verdict(self) -> Lines:
        """The verdict with every check; ``judgement.verdict.value`` is the word alone."""
        lines = verdict_lines(self.judgement, language=self._language, width=COLUMNS, colour=False)
        return Lines(lines)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found: ``findings[0].code`` is for ``wirelab explain``."""
        return self.judgement.findings

    def _conversation(self, connection: Connection) -> Conversation:
        evidence = self._run.evidence
        packets = tuple(evidence.packets[one.segment.frame - 1] for one in connection.noted)
        names = self._actors(connection)
        return Conversation(connection, self._run.profile, names, packets, evidence.linktype, self._language)

    def _actors(self, connection: Connection) -> dict[int, str]:
        ports = {"client": connection.client.port, "server": connection.server.port}
        return {
            ports["client"]: self._view.actor_at(connection, "client"),
            ports["server"]: self._view.actor_at(connection, "server"),
        }


def _language(wanted: Language | None) -> Language:
    """The language that was asked for, else that of the locale, as the command line has it."""
    if wanted is None:
        return spoken(os.environ)
    if wanted not in _LANGUAGES:
        raise UsageError("explore.language", found=wanted)
    return wanted
