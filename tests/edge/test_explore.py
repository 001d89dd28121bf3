"""Exploring a run or a capture in Python: what it gives, how it shows itself, and that the docs' examples run."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wirelab
from tests.judge.runs import GOODBYE, HELLO, PROTOCOLS, evidence, packets, profile_of, scenario, shown
from tests.wire import dialogue
from wirelab.base.errors import InputError, UsageError
from wirelab.compose.artifacts import Run as Kept
from wirelab.compose.artifacts import write_run
from wirelab.edge.displayed import MOST_ROWS
from wirelab.observe.pcap import write_pcapng
from wirelab.observe.segments import RAW_IP

DOCS = Path(__file__).parents[2] / "docs"
TALK = r"""
    s > alice "HEARTBEAT 1\n"      at=500ms
    alice > s "HEARTBEAT-ACK 1\n"  +4ms
    s > alice ACK
    alice > s "MSG 你好\n"
"""
BOB = r"""
    bob > s SYN
    s > bob SYN,ACK
    bob > s ACK
    bob > s "MSG I am here, and say more than alice does in all of her life\n"
"""
CAST = "{server: {role: server}, alice: {role: client}, bob: {role: client, peer: true}}"


def keep(folder: Path, wire: str, cast: str = "{server: {role: server}, alice: {role: client}}") -> Path:
    """A run folder."""
    script = scenario("{handshake: alice}", "{teardown: alice, first: alice, style: orderly}", cast=cast)
    left = evidence(script, wire, shown(1, "alice", "Connected to 127.0.0.1:12001\r\nEnter message to send: \x1b[1mhi"))
    run = Kept(script, (PROTOCOLS / "line.yaml").read_text("utf-8"), profile_of(script), left)
    write_run(folder, run, run.judged(), "en")
    return folder


@pytest.fixture
def folder(here: Path) -> Path:
    keep(here / "my-run", HELLO + TALK + GOODBYE)
    capture = write_pcapng(packets(dialogue(HELLO + TALK + GOODBYE)), RAW_IP, application="test")
    (here / "lab.pcapng").write_bytes(capture)
    return here


@pytest.mark.parametrize("name", ["explore.md", "explore.zh.md"])
def test_every_example_of_the_docs_runs(folder: Path, name: str) -> None:
    blocks = re.findall("```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    known: dict[str, Any] = {}
    displayed = 0
    for block in blocks:
        for statement in ast.parse(block).body:
            if isinstance(statement, ast.Expr):
                value = eval(compile(ast.Expression(statement.value), name, "eval"), known)
                displayed += hasattr(value, "_repr_mimebundle_") and "text/plain" in value._repr_mimebundle_()
            else:
                exec(compile(ast.Module([statement], []), name, "exec"), known)
    assert 15 == displayed
    assert (folder / "ladder.svg").read_text("utf-8").startswith("<svg ")


def test_both_languages_of_the_docs_have_the_same_examples() -> None:
    english, chinese = ((DOCS / name).read_text("utf-8") for name in ("explore.md", "explore.zh.md"))

    def code(text: str) -> list[str]:
        found = "".join(re.findall("```python\n(.*?)```", text, re.DOTALL))
        return [re.sub(r"#.*", "", line).strip() for line in found.splitlines() if "print(f" not in line]

    assert code(english) == code(chinese)


def test_a_run_is_the_students_connection(folder: Path) -> None:
    run = wirelab.open_run("my-run")
    assert [1, 2, 3] == [one.frame for one in run.handshake]
    assert [8, 9, 10] == [one.frame for one in run.teardown]
    syn, answer = run.handshake[:2]
    assert (0.0, "client", "SYN", 0, None, "SYN-SENT") == (
        *(syn.time, syn.sender, syn.flags, syn.seq, syn.ack, syn.client_state),
    )
    assert (1, syn.seq_raw + 1) == (answer.ack, answer.ack_raw)
    assert [4_000_000] == [one.delay_ns for one in run.heartbeats]
    assert ["HEARTBEAT 1", "HEARTBEAT-ACK 1", "MSG 你好"] == [one.text for one in run.messages]
    assert ("pass", ()) == (run.judgement.verdict.value, run.findings)
    assert "Enter message to send: hi" == repr(run.terminal("alice", last=1))
    assert run.terminals == ("alice",)
    assert "pass: t" in repr(run.verdict)
    assert "<alice 127.0.0.1:40001 > server 127.0.0.1:12001: 10 segments>" == repr(run)


def test_a_run_of_several_clients_has_all_of_them(here: Path) -> None:
    run = wirelab.open_run(keep(here / "two", BOB + HELLO + TALK + GOODBYE, CAST), language="zh")
    assert [40002, 40001] == [one.connection.client.port for one in run.connections]
    assert 40001 == run.connection.client.port  # alice is the submission
    assert "bob 127.0.0.1:40002" in run.connections[0].ladder().svg
    assert "状态" in run.ladder().svg


def test_figures_and_tables_show_themselves(folder: Path) -> None:
    run = wirelab.open_capture("lab.pcapng")
    figure = run.ladder()._repr_mimebundle_()
    assert {"image/svg+xml", "text/plain"} <= set(figure)
    assert "├─ SYN seq=0" in figure["text/plain"]
    table = run.segments[:2]._repr_mimebundle_()
    assert {"text/markdown", "text/plain"} == set(table)
    assert table["text/markdown"].startswith("| Frame | Time / s |")
    assert 3 == len(table["text/plain"].splitlines())
    assert 10 == len(run.packets())
    assert ("A", 12001) == (str(run.packets()[2]["TCP"].flags), run.packets()[2]["TCP"].dport)


def test_a_long_list_is_shown_in_part(here: Path) -> None:
    flood = HELLO + "".join(f'alice > s "MSG {number}\\n"\n' for number in range(500))
    (here / "long.pcapng").write_bytes(write_pcapng(packets(dialogue(flood)), RAW_IP, application="test"))
    capture = wirelab.open_capture("long.pcapng")
    lines = repr(capture.segments).splitlines()
    assert (MOST_ROWS + 2, "… 303 more; a slice such as [200:400] shows them") == (len(lines), lines[-1])
    assert "… 443 more segments" in repr(capture.ladder())


def test_mistakes_are_told_in_words(folder: Path) -> None:
    run = wirelab.open_run("my-run")
    with pytest.raises(UsageError, match="no terminal of 'carol'; it has: alice"):
        run.terminal("carol")
    with pytest.raises(UsageError, match="frame 99 is not of this connection; its frames are 1 to 10"):
        run.frame(99)
    with pytest.raises(UsageError, match=r"saved as \.svg or \.png"):
        run.ladder().save("ladder.pdf")
    with pytest.raises(InputError, match="cannot write"):
        run.ladder().save("nowhere/ladder.svg")
    with pytest.raises(InputError, match="not a run folder"):
        wirelab.open_run("elsewhere")
    with pytest.raises(InputError, match="cannot read"):
        wirelab.open_capture("elsewhere.pcapng")
    with pytest.raises(UsageError, match="not 0"):
        wirelab.open_capture("lab.pcapng", port=0)
    with pytest.raises(UsageError, match="not de"):
        wirelab.open_run("my-run", language="de")  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="open_door"):
        wirelab.open_door  # noqa: B018


def test_the_locale_chooses_the_language(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert repr(wirelab.open_run("my-run").handshake).startswith("帧号")


def test_importing_wirelab_imports_nothing_else() -> None:
    code = "import sys, wirelab; print(*[m for m in sys.modules if m.startswith('wirelab.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "" == done.stdout.strip()
