"""From several runs of one script, what can be expected of every run: candidates, of which those stay that always hold.

A candidate is made from what the runs have in common, and asks for less than they showed where timing may cost
something. Whether it holds is for the checks to say, the same that will judge. Plays nothing, writes no YAML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from wirelab.declare import steps
from wirelab.declare.expectations import (
    BroadcastExpected,
    Expectation,
    HandshakeExpected,
    HeartbeatExpected,
    MessagesExpected,
    TeardownExpected,
    TraceExpected,
)
from wirelab.declare.scenario import Expected, Scenario
from wirelab.declare.trace import Either, Gap, Item, Line, Place, Trace, Value
from wirelab.declare.trace_writer import write_trace
from wirelab.judge.checks import check_expectation
from wirelab.judge.transcribe import Acted
from wirelab.judge.verdict import Verdict
from wirelab.judge.view import View
from wirelab.observe.connections import Connection, Side
from wirelab.observe.evidence import Evidence
from wirelab.observe.messages import Profile

SPARED = 10  # of so many heartbeats one more may be lost to timing
STARVED = "WL903"
_NOWHERE = Place(0, 1)
Candidates = tuple[tuple[Expectation, ...], ...]
"""What may be expected: of each group the first that holds is enough."""


def candidates(scenario: Scenario, profile: Profile, runs: Sequence[Evidence]) -> Candidates:
    """What may be expected of every run, from the runs that there were (one at least)."""
    views = [View(scenario, profile, run) for run in runs]
    found: list[tuple[Expectation, ...]] = []
    spoken = {spec.name for spec in profile.messages}
    for client in scenario.clients:
        if all(client in view.started for view in views):
            found += _of_client(views, client, spoken)
    if "broadcast" in spoken:
        found += [(broadcast,) for broadcast in _broadcasts(views)]
    for client in scenario.clients:
        if trace := _trace(views, client):
            found.append((TraceExpected(trace=write_trace(trace)),))
    return tuple(found)


def holding(
    scenario: Scenario, profile: Profile, runs: Sequence[Evidence], groups: Candidates
) -> tuple[Expectation, ...]:
    """The first of each group that holds in every run. ``scenario`` is the one that expects all of them, in order."""
    views = [View(scenario, profile, run) for run in runs]
    items = iter(scenario.expect)
    kept: list[Expectation] = []
    for group in groups:
        held = [item.expectation for _, item in zip(group, items, strict=False) if _holds(views, item)]
        kept += held[:1]
    return tuple(kept)


def _holds(views: Iterable[View], item: Expected) -> bool:
    """Whether it was so in every run, but for those of which the machine's load is all that speaks against it."""
    checks = [check_expectation(view, item) for view in views]
    fair = [check for check in checks if {found.code for found in check.findings} != {STARVED}]
    return bool(fair) and all(check.verdict is Verdict.PASS for check in fair)


# --- of one client


def _of_client(views: Sequence[View], client: str, spoken: set[str]) -> Iterator[tuple[Expectation, ...]]:
    yield HandshakeExpected(handshake=client), HandshakeExpected(handshake=client, refused=True)
    if "message" in spoken:
        sent = {tuple(_sent(view, client)) for view in views}
        if len(sent) == 1:
            yield (MessagesExpected(messages=client, sent=sent.pop()),)
    if "heartbeat" in spoken and (least := min(_answered(view, client) for view in views)):
        spared = 1 + least // SPARED
        yield (HeartbeatExpected(heartbeat=client, at_least=least - spared),)
    yield tuple(_teardowns(views, client))


def _killed(view: View, client: str) -> bool:
    """Whether the script killed one end of a client's connection: its kernel did the rest, in one way or another."""
    connection = _last(view, client)
    ends = (client, view.server_of(connection) if connection is not None else None)
    return any(view.exits[end].by == "script" for end in ends if end in view.exits)


def _sent(view: View, client: str) -> Iterator[str]:
    """What was sent in messages; an empty line may be sent or not, once so and once so."""
    messages = [one for each in view.connections_of(client) for one in view.messages(each.index, "client")]
    for message in sorted(messages, key=lambda one: one.time):
        if message.kind == "message" and (text := message.groups.get("text")):
            yield text


def _answered(view: View, client: str) -> int:
    pairings = map(view.pairing, view.connections_of(client))
    return sum(exchange.answer is not None for pairing in pairings for exchange in pairing.exchanges)


def _teardowns(views: Sequence[View], client: str) -> Iterator[TeardownExpected]:
    """From the most that can be asked to the least."""
    if any(_killed(view, client) for view in views):
        yield TeardownExpected(teardown=client, style="any")
        return
    firsts = {_first(view, client) for view in views}
    first = firsts.pop() if len(firsts) == 1 else None
    if first is not None:
        yield TeardownExpected(teardown=client, first=first)
    yield TeardownExpected(teardown=client)
    yield TeardownExpected(teardown=client, style="reset")
    if all(_ended(view, client) for view in views):
        yield TeardownExpected(teardown=client, style="any")


def _last(view: View, client: str) -> Connection | None:
    return next(reversed(view.connections_of(client)), None)


def _first(view: View, client: str) -> str | None:
    connection = _last(view, client)
    if connection is None or connection.teardown.first is None:
        return None
    return view.actor_at(connection, connection.teardown.first)


def _ended(view: View, client: str) -> bool:
    """Whether somebody other than the harness ended the connection."""
    connection = _last(view, client)
    if connection is None:
        return False
    end = connection.teardown
    moments = [one.segment.time for one in (end.client_fin, end.server_fin, *end.resets) if one is not None]
    return bool(moments) and min(moments) < view.end


# --- of the server's lines


def _broadcasts(views: Sequence[View]) -> Iterator[BroadcastExpected]:
    """Each line typed at a server's keyboard, and which clients it reached, where that was the same every time."""
    scenario = views[0].scenario
    servers = [name for name, member in scenario.cast.items() if member.role == "server"]
    typed = Counter(text for server in servers for _, text in views[0].typed_lines(server) if text.strip())
    for text, times in typed.items():
        reached = {_reached(view, text) for view in views}
        to = reached.pop() if len(reached) == 1 else ()
        if to and times == 1:  # of what was typed twice it cannot be told which was which
            others = tuple(name for name in scenario.clients if name not in to and name in views[0].started)
            yield BroadcastExpected(broadcast=text, to=to, not_to=others)


def _reached(view: View, text: str) -> tuple[str, ...]:
    return tuple(
        client
        for client in view.scenario.clients
        if any(
            message.kind == "broadcast" and message.groups.get("text") == text
            for connection in view.connections_of(client)
            for message in view.messages(connection.index, "server")
        )
    )


# --- the segments


def _trace(views: Sequence[View], client: str) -> Trace | None:
    """The connection as textbooks tell it, with whatever is between handshake and teardown as a gap; where the runs
    ended in different ways, each of them. None where a run has no such connection, or it did not end."""
    servers = {_server(view, client) for view in views}
    ends: dict[tuple[Item, ...], None] = {}
    server = servers.pop() if len(servers) == 1 else None
    if server is None:
        return None
    names: dict[Side, str] = {"client": client, "server": server}
    talked = any(_talked(view, client) for view in views)
    for view in views:
        connection = _last(view, client)
        end = _end(connection, names) if connection is not None and _ended(view, client) else ()
        if connection is None or connection.handshake.ack is None or not end or _killed(view, client):
            return None
        ends[end] = None
    last = next(iter(ends)) if len(ends) == 1 else (Either(_NOWHERE, tuple(ends)),)
    middle = (Gap(_NOWHERE),) if talked else ()
    return Trace((*_opening(names), *middle, *last), actors=(client, server))


def _server(view: View, client: str) -> str | None:
    connection = _last(view, client)
    server = view.server_of(connection) if connection is not None else None
    return server if len(view.connections_of(client)) == 1 else None


def _talked(view: View, client: str) -> bool:
    return any(noted.segment.length for one in view.connections_of(client) for noted in one.noted)


def _line(sender: str, receiver: str, flags: str, seq: str = "", ack: str = "") -> Line:
    values = [Value((text[0],), int(text[1:] or 0)) if text else None for text in (seq, ack)]
    named = frozenset(flags.split(","))
    return Line(_NOWHERE, "", sender, receiver, named, seq=values[0], ack=values[1])


def _opening(names: dict[Side, str]) -> tuple[Item, ...]:
    client, server = names["client"], names["server"]
    return (
        _line(client, server, "SYN", "x"),
        _line(server, client, "SYN,ACK", "y", "x+1"),
        _line(client, server, "ACK", "x+1", "y+1"),
    )


def _end(connection: Connection, names: dict[Side, str]) -> tuple[Item, ...]:
    """Four segments in textbook order: that fewer may do, and that FINs may cross, whoever compares them knows."""
    end = connection.teardown
    if end.resets or end.first is None:
        reset = end.aborts[0].sender if end.aborts else None
        if reset is None or end.first is not None:
            return ()
        return (_line(names[reset], names["server" if reset == "client" else "client"], "RST"),)
    if not end.orderly:
        return ()
    other: Side = "server" if end.first == "client" else "client"
    first, second = names[end.first], names[other]
    fins = [connection.fin(end.first), connection.fin(other)]
    since, until = (noted.segment.frame if noted else 0 for noted in fins)
    between = any(
        noted.segment.length and noted.sender == other and since < noted.segment.frame < until
        for noted in connection.noted
    )
    return (
        _line(first, second, "FIN", "u"),
        _line(second, first, "ACK", "", "u+1"),
        *((Gap(_NOWHERE),) if between else ()),
        _line(second, first, "FIN", "w"),
        _line(first, second, "ACK", "u+1", "w+1"),
    )


# --- the steps


def repeatable(scenario: Scenario, profile: Profile, runs: Sequence[Evidence]) -> tuple[Acted, ...]:
    """The script without what it waited for in vain in any of the runs: a text that did not show again; and an exit
    status that was not the same every time is no longer asked for."""
    missed: set[int] = set()
    gone: set[int] = set()
    for run in runs:
        for played in View(scenario, profile, run).steps():
            if played.ended is not None and played.ended.outcome == "missed":
                missed.add(played.began.index)
                if "status" not in played.ended.detail:
                    gone.add(played.began.index)
    kept: list[Acted] = []
    for step in scenario.script:
        action = step.action
        if step.index not in missed or not isinstance(action, steps.Shows | steps.Exits):
            kept.append((step.actor, action))
        elif isinstance(action, steps.Exits) and step.index not in gone:
            kept.append((step.actor, steps.Exits(within=action.within)))
    return tuple(kept)
