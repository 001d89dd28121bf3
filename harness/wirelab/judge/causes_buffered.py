"""The rule for what a program wrote into a buffer of its own, and sent only when it left (WL254).

A rule takes the view of a run and a finding, and gives a cause when the evidence shows it, else None.
"""

from __future__ import annotations

from wirelab.judge.clues import AT_ONCE, MS, framed, listed, told_of, unquoted
from wirelab.judge.findings import cause
from wirelab.judge.verdict import Finding
from wirelab.judge.view import View
from wirelab.observe.connections import Connection
from wirelab.observe.messages import Message

KEPT = 500 * MS  # a line that was typed so long before is not merely on its way


def kept_in_a_buffer(view: View, finding: Finding) -> Finding | None:
    """Before the client was told to quit it sent nothing at all, though lines had been typed long before; then these
    lines came, all at once with whatever else it had to send."""
    values = finding.rationale.values
    for client in view.scenario.clients:
        if view.part(client) != "submission" or (finding.code in ("WL201", "WL303") and client != finding.actor):
            continue
        for connection in view.connections_of(client)[-1:]:
            found = view.once(_came_late, client, connection.index)
            if found is None:
                continue
            cause_found, texts, sent = found
            wanted = unquoted(values.get("text", values.get("wanted", "")))
            about = finding.code == "WL303" or told_of(wanted, texts) is not None or wanted in sent
            if about:
                return cause_found
    return None


def _came_late(view: View, client: str, index: int) -> tuple[Finding, tuple[str, ...], tuple[str, ...]] | None:
    """The cause, the texts of the lines that came so late, and all that was sent with them."""
    connection = next(item for item in view.connections if item.index == index)
    quit_at, chunks = view.quit_time(client), connection.client_stream.chunks
    if quit_at is None or view.wire or not chunks or chunks[0].time < quit_at:
        return None
    sent = [item for item in view.messages(index, "client") if item.time <= chunks[0].time + AT_ONCE]
    typed = [(time, line) for time, line in view.typed_lines(client) if line and time < quit_at - KEPT]
    late = [(time, item) for time, line in typed for item in sent if item.groups.get("text") == line]
    if not late or not _opened(connection, late[0][0]):
        return None
    time, first = late[0]
    frames = tuple(sorted({frame for item in sent for frame in item.frames}))
    return (
        cause(
            "WL254",
            client,
            frames=frames,
            actor=client,
            text=first.text,
            typed=view.seconds(time),
            quit=view.seconds(quit_at),
            time=view.seconds(first.time),
            came=framed(frames),
            texts=listed([repr(item.text) for item in sent]),
        ),
        tuple(item.groups["text"] for _, item in late),
        _all(sent),
    )


def _opened(connection: Connection, time: int) -> bool:
    """Whether the connection was open when a line was typed."""
    opened = connection.handshake.ack
    return opened is not None and opened.segment.time < time


def _all(sent: list[Message]) -> tuple[str, ...]:
    return tuple(item.text for item in sent)
