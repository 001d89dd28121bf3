"""The command ``analyze``: a capture made by hand, listed or judged. Prints; decides nothing about verdicts."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import analysis
from wirelab.compose.analysis import Analysis, Selection
from wirelab.edge.output import put
from wirelab.observe.connections import Connection
from wirelab.observe.conversations import Conversation, follow
from wirelab.observe.pcap import Capture
from wirelab.present.style import safe, wrap

NARROWEST, WIDEST, PLAIN = 80, 160, 100  # columns
PORTS = range(1, 65536)

register(
    {
        "analyze.address": Text(
            "'{found}' is no address: write HOST, HOST:PORT or [IPv6]:PORT, with numbers as Wireshark shows them, "
            "such as 127.0.0.1:12001",
            "'{found}' 不是地址：请写 HOST、HOST:PORT 或 [IPv6]:PORT，用 Wireshark 显示的数字形式，例如 127.0.0.1:12001",
        ),
        "analyze.port": Text(
            "a TCP port is a number from 1 to 65535, not '{found}'", "TCP 端口是 1 到 65535 的数，不是 '{found}'"
        ),
        "analyze.two-ports": Text(
            "--port {port} and --address …:{other} name two ports; name one",
            "--port {port} 与 --address …:{other} 给出了两个端口；请只给一个",
        ),
        "analyze.trace-only": Text(
            "--as-trace prints a trace and judges nothing: it goes with neither --json, --expect nor --output",
            "--as-trace 只输出轨迹，不作判定：不能与 --json、--expect 或 --output 同用",
        ),
        "analyze.title": Text(
            "{file}, tcp.stream {stream}: {client} to {server}, {packets} packets",
            "{file}，tcp.stream {stream}：{client} 到 {server}，{packets} 个报文",
        ),
        "analyze.title.selected": Text(
            "{file}, conversation {stream} with port {port}: {client} to {server}, {packets} packets",
            "{file}，端口 {port} 的会话 {stream}：{client} 到 {server}，{packets} 个报文",
        ),
        "analyze.truncated": Text(
            "the file ends in the middle of a packet: the capturing program was killed. All before is there",
            "文件在一个报文中间结束：抓包程序被强行终止。之前的内容都在",
        ),
        "analyze.protocol": Text("protocol: {name}", "协议：{name}"),
        "analyze.protocol.guessed": Text(
            "protocol: {name} (guessed; --protocol chooses another)",
            "协议：{name}（推测所得；可用 --protocol 另选）",
        ),
        "analyze.protocol.none": Text(
            "protocol: {name} (text without framing), as none of the messages follows {tried}; "
            "`--protocol {first}` shows what is wrong with each",
            "协议：{name}（无边界的文本），因为没有一条消息符合 {tried}；`--protocol {first}` 会指出每条消息的问题",
        ),
        "analyze.written": Text(
            "{packets} packets with comments written to {file}", "{packets} 个带注释的报文已写入 {file}"
        ),
        "analyze.list": Text(
            "{file}: {packets} packets, {count} TCP conversations", "{file}：{packets} 个报文，{count} 个 TCP 会话"
        ),
        "analyze.list.selected": Text(
            "{file}: {packets} packets, {count} TCP conversations with {wanted}",
            "{file}：{packets} 个报文，{count} 个 {wanted} 的 TCP 会话",
        ),
        "analyze.among": Text(
            "with a port given, conversations are numbered among those of that port, not as Wireshark's tcp.stream",
            "给出端口时，会话只在该端口的会话之中编号，与 Wireshark 的 tcp.stream 不同",
        ),
        "analyze.how": Text(
            "pick one: wirelab analyze {file}{options} --stream {example}",
            "选择其中一个：wirelab analyze {file}{options} --stream {example}",
        ),
        "analyze.several": Text(
            "several conversations are left, so none was judged; pick one with --stream",
            "还剩多个会话，因此没有判定任何一个；请用 --stream 选择",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    file: Path
    selection: Selection
    protocol: str | None
    expect: Path | None
    as_trace: bool
    json: bool
    output: Path | None
    language: Language

    @property
    def width(self) -> int:
        """Columns of the terminal, within reason."""
        columns = shutil.get_terminal_size((PLAIN, 24)).columns if self.colour else PLAIN
        return max(NARROWEST, min(WIDEST, columns))

    @property
    def colour(self) -> bool:
        """Whether standard output is a terminal."""
        return sys.stdout.isatty()


def analyze(options: argparse.Namespace, language: Language) -> int:
    """Run the command; the exit status is the verdict's, 0 for a list."""
    if options.as_trace and (options.json or options.expect is not None or options.output is not None):
        raise UsageError("analyze.trace-only")
    wanted = Wanted(
        Path(options.capture),
        _selection(options),
        options.protocol,
        Path(options.expect) if options.expect is not None else None,
        options.as_trace,
        options.json,
        Path(options.output) if options.output is not None else None,
        language,
    )
    expected = analysis.load_trace(wanted.expect) if wanted.expect is not None else None
    if wanted.protocol is not None:
        analysis.load(wanted.protocol)  # what is wrong with it is told before a large file is read
    selection = wanted.selection
    with analysis.opened(wanted.file, selection.port) as (capture, let_go):
        found = analysis.conversations(capture, selection, wanted.file, let_go)
        one = analysis.pick(found, selection)
        if one is None:
            return _list(wanted, capture, found)
        if wanted.as_trace:
            connection = follow(capture, one, analysis.server_port(selection), analysis.MOST)
            put(_as_trace(connection))
            return 0
        name = f"{wanted.file.name} #{one.index}" if selection.port is None else f"{wanted.file.name} {one.client}"
        result = analysis.analyse(
            capture,
            one,
            selection,
            name=name,
            protocol=wanted.protocol,
            expected=expected,
            trace_file=wanted.expect,
        )
        data = None if wanted.output is None else analysis.annotated(capture, result, language, wanted.file)
    if wanted.output is not None and data is not None:
        analysis.write(wanted.output, data, wanted.file)
    (_json if wanted.json else _show)(wanted, capture, result)
    return result.judgement.verdict.exit_status


# --- what was asked for


def _selection(options: argparse.Namespace) -> Selection:
    port = None if options.port is None else _port(options.port)
    host = None
    if options.address is not None:
        host, other = _address(options.address)
        if port is not None and other not in (None, port):
            raise UsageError("analyze.two-ports", port=port, other=other)
        port = other if port is None else port
    return Selection(host, port, options.stream)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) not in PORTS:
        raise UsageError("analyze.port", found=text)
    return int(text)


def _address(text: str) -> tuple[str | None, int | None]:
    """An address as endpoints have it, and a port, if there is one. Raises UsageError for a name or nonsense."""
    import ipaddress

    bracketed = re.fullmatch(r"\[(.+)\](?::(.+))?", text)
    plain = re.fullmatch(r"([^:]*)(?::([^:]+))?", text)
    found = bracketed or plain
    host, port = (found[1], found[2]) if found else (text, None)
    host = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(host) if host else None
    except ValueError:
        raise UsageError("analyze.address", found=text) from None
    if address is None and port is None:
        raise UsageError("analyze.address", found=text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    written = f"::ffff:{mapped}" if mapped else str(address)
    return None if address is None else written, None if port is None else _port(port)


# --- what is shown


def _list(wanted: Wanted, capture: Capture, found: Sequence[Conversation]) -> int:
    """All conversations that are left, and how to pick one; that is what was asked for, unless something was to be
    done with one."""
    asked = wanted.selection != Selection() or wanted.expect or wanted.as_trace or wanted.output
    if wanted.json:
        document = {"file": str(wanted.file), "packets": capture.total, "truncated": capture.truncated}
        put(json.dumps(document | {"conversations": [analysis.as_json(item) for item in found]}, indent=1))
    elif not wanted.as_trace:
        put("\n".join(_listed(wanted, capture, found)))
    if asked:
        raise UsageError("analyze.several")
    return 0


def _listed(wanted: Wanted, capture: Capture, found: Sequence[Conversation]) -> list[str]:
    from wirelab.present.conversations import conversation_lines

    selection, language = wanted.selection, wanted.language
    among = selection.port is not None
    values = {"file": wanted.file, "packets": capture.total, "count": len(found), "wanted": selection.words}
    key = "analyze.list" if selection == Selection() else "analyze.list.selected"
    lines = [safe(say(key, language, **values))]
    if capture.truncated:
        lines.append(say("analyze.truncated", language))
    lines += ["", *conversation_lines(found, among_selected=among, language=language, colour=wanted.colour), ""]
    options = "" if selection.host is None else f" --address {selection.host}"
    options += "" if selection.port is None else f" --port {selection.port}"
    example = max(found, key=lambda item: item.packets).index
    lines.append(safe(say("analyze.how", language, file=wanted.file, options=options, example=example)))
    if among:
        lines.append(say("analyze.among", language))
    return lines


def _as_trace(connection: Connection) -> str:
    from wirelab.declare.trace_writer import write_trace
    from wirelab.judge.retell import retell

    return write_trace(retell(connection)).rstrip("\n")


def _json(wanted: Wanted, capture: Capture, result: Analysis) -> None:
    from wirelab.compose import artifacts

    document = {
        "file": str(wanted.file),
        "packets": capture.total,
        "truncated": capture.truncated,
        "conversation": analysis.as_json(result.conversation),
        "protocol": result.profile.name,
        "judgement": artifacts.as_json(result.judgement),
    }
    put(json.dumps(document, ensure_ascii=False, indent=1))


def _show(wanted: Wanted, capture: Capture, result: Analysis) -> None:
    from wirelab.present.console import LiveConsole
    from wirelab.present.outcome import verdict_lines

    language, one = wanted.language, result.conversation
    key = "analyze.title" if wanted.selection.port is None else "analyze.title.selected"
    values = {"client": one.client, "server": one.server, "packets": one.packets, "port": wanted.selection.port}
    lines = [say(key, language, file=wanted.file, stream=one.index, **values)]
    lines += [say("analyze.truncated", language)] if capture.truncated else []
    lines.append(_protocol(wanted, result))
    put("\n".join([line for text in lines for line in wrap(text, wanted.width)]))
    console = LiveConsole(
        [("client", "client", "submission"), ("server", "server", "submission")],
        result.profile,
        one.server.port,
        language=language,
        width=wanted.width,
        colour=wanted.colour,
        names={one.client.port: "client", one.server.port: "server"},
    )
    put("")
    for noted in result.connection.noted:
        lines = console.feed(noted)
        if lines:
            put("\n".join(lines))
    put("\n".join([*console.finish(), ""]))
    judged = verdict_lines(result.judgement, language=language, width=wanted.width, colour=wanted.colour)
    put("\n".join(judged))
    if wanted.output is not None:
        put(safe(say("analyze.written", language, packets=one.packets, file=wanted.output)))


def _protocol(wanted: Wanted, result: Analysis) -> str:
    """Which profile the messages were read by, and why."""
    name, language = result.profile.name, wanted.language
    if wanted.protocol is not None:
        return say("analyze.protocol", language, name=name)
    if name == analysis.UNFRAMED:
        tried = ", ".join(analysis.GUESSES)
        return say("analyze.protocol.none", language, name=name, tried=tried, first=analysis.GUESSES[0])
    return say("analyze.protocol.guessed", language, name=name)
