"""The commands ``dissector`` and ``open``: what a run or a capture looks like in Wireshark, messages by name."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path

from wirelab.base.errors import InputError, UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import analysis, artifacts, report
from wirelab.edge.output import put
from wirelab.observe.messages import Profile
from wirelab.present.dissector import DEFAULT_PORT, filter_name
from wirelab.present.dissector import dissector as dissector_of
from wirelab.present.style import safe
from wirelab.stage import viewers

CAPTURE = "capture.pcapng"
DEFAULT_PROTOCOL = "line"
PORTS = range(1, 65536)

register(
    {
        "viewing.port": Text(
            "a TCP port is a number from 1 to 65535, not '{found}'", "TCP 端口是 1 到 65535 的数，不是 '{found}'"
        ),
        "viewing.nothing": Text(
            "{path} is neither a run folder, which `wirelab run -o` writes, nor a capture file",
            "{path} 既不是 `wirelab run -o` 写出的运行文件夹，也不是抓包文件",
        ),
        "viewing.written": Text(
            "{file}: the dissector of the protocol {name}; open a capture with it: "
            "wireshark -X lua_script:{file} CAPTURE",
            "{file}：协议 {name} 的解析脚本；用它打开抓包文件：wireshark -X lua_script:{file} CAPTURE",
        ),
        "viewing.opened": Text(
            "{capture} is open in Wireshark; display filter: {filter}",
            "已用 Wireshark 打开 {capture}；显示过滤器：{filter}",
        ),
    }
)


def dissector(options: argparse.Namespace, language: Language) -> int:
    """Print a dissector, or write it to a file."""
    profile = analysis.load(options.protocol)
    text = dissector_of(profile, _port(options.port), options.protocol)
    if options.output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # a program for Wireshark, in whatever language the terminal is
        put(text.rstrip("\n"))
        return 0
    file = Path(options.output)
    report.write(file, text, replace=options.force)
    put(safe(say("viewing.written", language, file=file, name=profile.name)))
    return 0


def open_run(options: argparse.Namespace, language: Language) -> int:
    """Start Wireshark on the capture of a run, or on a capture."""
    path = Path(options.run)
    if os.path.isdir(path):
        if not (path / CAPTURE).is_file():
            raise InputError("viewing.nothing", path=path)
        run = artifacts.read_run(path)
        capture, profile, port = path / CAPTURE, run.profile, run.evidence.port or DEFAULT_PORT
        if options.protocol is not None:
            profile = analysis.load(options.protocol)
    elif os.path.isfile(path):
        capture, profile, port = path, analysis.load(options.protocol or DEFAULT_PROTOCOL), DEFAULT_PORT
        with analysis.opened(capture):  # what is no capture is told here, in words, and not in a window
            pass
    else:
        raise InputError("viewing.nothing", path=path)
    port = _port(options.port) if options.port is not None else port
    _show(capture, profile, port)
    put(safe(say("viewing.opened", language, capture=capture, filter=filter_name(profile))))
    return 0


def _show(capture: Path, profile: Profile, port: int) -> None:
    viewers.wireshark(capture)  # whether there is one is told before anything is made
    viewers.open_capture(capture, dissector_of(profile, port))


def _port(word: str) -> int:
    if not (word.isascii() and word.isdigit() and int(word) in PORTS):
        raise UsageError("viewing.port", found=word)
    return int(word)
