"""The checks of what was said: the messages a client sent, and the broadcasts that clients got."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from wirelab.base.texts import Bilingual, Text
from wirelab.declare.expectations import BroadcastExpected, MessagesExpected
from wirelab.judge.blame import left_early, not_yours, talk_of, telling
from wirelab.judge.findings import finding
from wirelab.judge.verdict import Finding, Said
from wirelab.judge.view import View
from wirelab.observe.connections import Connection
from wirelab.observe.messages import PLACEHOLDER, Message, other_encoding

QUOTED = 20  # texts that a sentence lists
NEARBY, ALIKE = 100, 0.8  # pairs of texts among which near misses are looked for, and how alike they are
COMPARED = 1_000_000  # pairs of texts up to which the nearest alignment is looked for

_SENT = Text("in order, each whole ({count}): {texts}", "顺序正确且完整（{count} 条）：{texts}")
_REACHED = Text("'{text}' reached {names} exactly once", "“{text}”恰好一次到达 {names}")


def check_messages(view: View, expected: MessagesExpected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not."""
    client = expected.messages
    connections, found = talk_of(view, client)
    if not connections:
        return None, found
    every = [item for one in connections for item in view.messages(one.index, "client")]
    messages = tuple(sorted(every, key=lambda message: message.time))  # some open a connection for each message
    wanted = [text for text in expected.sent if text]
    if view.profile.framing.kind == "none":
        found = list(_missing_unframed(view, client, wanted, messages))
    else:
        found = list(_differences(view, client, wanted, messages))
    if view.part(client) == "submission":
        found = [*malformed(view, client, messages), *found]
    elif found:  # what else a peer sent, it sent as the script says
        what = Bilingual("did not send what the script says", "没有发送脚本规定的内容")
        found = [left_early(view, client, connections[-1]) or not_yours(client, what)]
    return Said(_SENT, {"count": len(wanted), "texts": _quoted(wanted)}), found


def _text(view: View, message: Message) -> str:
    """What was typed, as far as it can be made out: bytes in another encoding are a fault of their own."""
    encoding = other_encoding(message.raw, view.profile.encoding) if message.problem == "encoding" else None
    groups = message.groups
    if encoding and (again := view.profile.recognise(message.sender, message.raw.decode(encoding))):
        groups = again[1]
    return groups.get("text", message.text)


def malformed(view: View, client: str, messages: tuple[Message, ...]) -> Iterator[Finding]:
    """What a side sent that is no message: without an end, too long, in another encoding, or nothing the protocol knows."""
    senders = {message.sender for message in messages}
    templates = (spec.template for spec in view.profile.messages if spec.sender in senders)
    known = ", ".join(PLACEHOLDER.sub(r"<\1>", template) for template in templates)
    for message in messages:
        if message.problem == "unfinished":
            yield finding("WL203", client, frames=message.frames, actor=client, text=repr(message.text))
        elif message.problem == "encoding":
            encoding = other_encoding(message.raw, view.profile.encoding)
            readable = message.raw.decode(encoding) if encoding else ""
            guess = Bilingual(f" (read as {encoding}: {readable})", f"（按 {encoding} 解读为：{readable}）")
            own = view.profile.encoding.upper()
            raw, read = repr(message.raw), guess if encoding else ""
            yield finding("WL205", client, frames=message.frames, actor=client, encoding=own, raw=raw, guess=read)
        elif message.problem == "too-long":
            limit, text = view.profile.framing.limit, repr(message.text[:40])
            length = _length(view, message) if view.profile.framing.kind == "length-prefix" else ""
            yield finding("WL208", client, frames=message.frames, actor=client, limit=limit, text=text, length=length)
        elif message.kind is None:
            yield finding("WL206", client, frames=message.frames, actor=client, text=repr(message.text), known=known)


def _length(view: View, message: Message) -> Bilingual:
    """What the bytes where a length belongs say, if they are read as one: text, most often, that should follow it."""
    width, order = view.profile.framing.width, view.profile.framing.order
    raw, length = message.raw[:width], int.from_bytes(message.raw[:width], order)
    return Bilingual(
        f": its first {width} bytes, {raw!r}, are read as a length of {length}",
        f"：它的前 {width} 个字节 {raw!r} 被读作长度 {length}",
    )


def spoiled(view: View, connections: tuple[Connection, ...]) -> Iterator[Finding]:
    """What the submission's server sent that has another message in it: a line that is none of the protocol's, or that
    begins like one typed there and goes on otherwise.

    Told beside what a client missed. Other lines that the protocol does not have are no fault: clients pass over them.
    """
    heads = [spec.head for spec in view.profile.messages if spec.sender == "server" and spec.head]
    for connection in connections:
        server = view.actor_at(connection, "server")
        if view.part(server) != "submission" or view.profile.framing.kind == "none":
            continue
        typed = {line for _, line in view.typed_lines(server) if line}
        for message in view.messages(connection.index, "server"):
            if not any(head in message.text[1:] for head in heads) or message.problem is not None:
                continue
            said = message.groups.get("text", "") if message.kind == "broadcast" else ""
            meant = max((line for line in typed if said.startswith(line)), key=len, default=said)
            if message.kind is None:
                yield from malformed(view, server, (message,))
            elif meant != said and said not in typed:
                yield finding("WL209", server, frames=message.frames, actor=server, text=repr(meant), sent=repr(said))


def _differences(view: View, client: str, wanted: list[str], messages: tuple[Message, ...]) -> Iterator[Finding]:
    said = [(message, _text(view, message)) for message in messages if message.kind == "message"]
    sent = [(message, text) for message, text in said if text]
    texts = [text for _, text in sent]
    if texts == wanted:
        return
    if sorted(texts) == sorted(wanted):
        frames = tuple(frame for message, _ in sent for frame in message.frames)
        yield finding("WL204", client, frames=frames, actor=client, expected=_quoted(wanted), sent=_quoted(texts))
        return
    missing, extra = _aligned(wanted, texts)
    for text, index in _near(missing, extra, texts):
        missing.remove(text)
        extra.remove(index)
        frames, rest = sent[index][0].frames, texts[index].removeprefix(text)
        if rest != texts[index] and view.profile.recognise("client", rest):
            yield finding("WL203", client, frames=frames, actor=client, text=repr(text))
        else:
            yield finding("WL209", client, frames=frames, actor=client, text=repr(text), sent=repr(texts[index]))
    # What crossed the wire in a frame that is no message is told as such.
    spoiled = "\n".join(message.text for message in messages if message.kind is None)
    for text in missing:
        if text not in spoiled:
            yield finding("WL201", client, actor=client, text=f"'{text}'", sent=_quoted(texts))
    for index in extra:
        message, text = sent[index]
        yield finding("WL202", client, frames=message.frames, actor=client, text=f"'{text}'")


def _near(missing: list[str], extra: list[int], texts: list[str]) -> list[tuple[str, int]]:
    """Pairs of a missing text and the position of one sent instead that begins with it or is nearly the same."""
    pairs = []
    left = list(extra) if len(missing) * len(extra) <= NEARBY else []
    for text in missing:
        for index in left:
            near = texts[index].startswith(text) or texts[index].strip("\0 \t\r") == text.strip()
            if near or (len(text) > 2 and difflib.SequenceMatcher(None, text, texts[index]).ratio() > ALIKE):
                pairs.append((text, index))
                left.remove(index)
                break
    return pairs


def _aligned(wanted: list[str], texts: list[str]) -> tuple[list[str], list[int]]:
    """The texts that are missing, and the positions of those that are too many."""
    missing: list[str] = []
    extra: list[int] = []
    if len(texts) * len(wanted) > COMPARED:  # far more than was typed: aligning them would take minutes
        left = Counter(texts) - Counter(wanted)
        for index, text in enumerate(texts):
            if left[text]:
                left[text] -= 1
                extra.append(index)
        return list((Counter(wanted) - Counter(texts)).elements()), extra
    for operation, first, last, start, stop in difflib.SequenceMatcher(
        None, wanted, texts, autojunk=False
    ).get_opcodes():
        if operation != "equal":
            missing += wanted[first:last]
            extra += range(start, stop)
    return missing, extra


def _missing_unframed(view: View, client: str, wanted: list[str], messages: tuple[Message, ...]) -> Iterator[Finding]:
    """Without framing, texts may run together: each must occur, after the one before."""
    raw = b"".join(message.raw for message in messages if message.kind == "message")
    stream = raw.decode(view.profile.encoding, "replace")
    at = 0
    for text in wanted:
        found = stream.find(text, at)
        if found < 0:
            yield finding("WL201", client, actor=client, text=f"'{text}'", sent=repr(stream))
        else:
            at = found + len(text)


def check_broadcast(view: View, expected: BroadcastExpected) -> tuple[Said | None, list[Finding]]:
    """What was seen when all is well, and what is not."""
    text = expected.broadcast
    found: list[Finding] = []
    for client in expected.to:
        times, frames = _received(view, client, text)
        connections, missing = talk_of(view, client)
        if not connections:
            found += missing
        elif not times:
            found += [_by_server(view, client, "WL401", (), text=text, actor=client), *spoiled(view, connections)]
        elif times > 1:
            found.append(_by_server(view, client, "WL402", frames, text=text, actor=client, count=times))
    for client in expected.not_to:
        times, frames = _received(view, client, text)
        if times:
            found.append(_by_server(view, client, "WL403", frames, text=text, actor=client, frame=frames[-1]))
    return Said(_REACHED, {"text": text, "names": ", ".join(expected.to)}), found


def _received(view: View, client: str, text: str) -> tuple[int, tuple[int, ...]]:
    """How often a broadcast came on a client's connections, and the frames that brought it."""
    times = 0
    frames: list[int] = []
    for connection in view.connections_of(client):
        for message in view.messages(connection.index, "server"):
            said = message.groups.get("text", "") if message.kind == "broadcast" else ""
            # Without framing several may have run together.
            count = said.count(text) if view.profile.framing.kind == "none" else int(said == text)
            times += count
            frames += message.frames if count else ()
    return times, tuple(frames)


def _by_server(view: View, client: str, code: str, frames: tuple[int, ...], **values: object) -> Finding:
    """What a server did wrong, unless it is the harness's own: no client can make it broadcast otherwise."""
    server = view.actor_at(telling(view, client)[-1], "server")
    if view.part(server) == "submission":
        return finding(code, server, frames=frames, terminal=(), **values)
    return not_yours(server, Bilingual("did not broadcast as it should", "没有正确地广播"), frames=frames)


def _quoted(texts: list[str]) -> str:
    listed = ", ".join(f"'{text}'" for text in texts[:QUOTED]) or "-"
    return listed + (f", … ({len(texts)})" if len(texts) > QUOTED else "")
