"""Every scenario of the kit, reference against reference: passes, is kept, and is judged again to the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.edge.command import ALICE, BEGIN, HEAD, Command, expect, steps
from wirelab.compose import kit, library

NFT = shutil.which("nft", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin") is not None
FAULTS = {"drop", "cut", "heal"}


def shipped() -> list[object]:
    """The kit's scenarios; those with faults on the wire need nft."""
    found: list[object] = []
    for name in library.names():
        script = yaml.safe_load((kit.scenarios_root() / f"{name}.yaml").read_text(encoding="utf-8"))["script"]
        needs = any(FAULTS & set(step) for step in script)
        marks = [pytest.mark.skipif(not NFT, reason="needs nft")] if needs else []
        found.append(pytest.param(name, marks=marks))
    return found


@pytest.mark.parametrize("name", shipped())
def test_the_reference_passes(command: Command, name: str):
    played = command("run", name, "--json", "-o", "kept")
    assert (0, "") == (played.status, played.err), played.out
    (live,) = json.loads(played.out)
    assert ("pass", name) == (live["verdict"], live["scenario"])
    again = command("judge", "kept", "--json")
    assert (0, "") == (again.status, again.err)
    assert live == json.loads(again.out)
    assert live == json.loads((command.folder / "kept" / "run.json").read_text(encoding="utf-8"))["judgement"]


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run in which a client sends what nobody typed, in Chinese, and never closes."""
    command = Command(tmp_path_factory.mktemp("failed"))
    client = """\
        import socket, time
        wire = socket.create_connection(("127.0.0.1", 12001))
        print("\\x1b[32mConnected to\\x1b[0m 你好", flush=True)
        wire.sendall("MSG 天气\\n".encode())
        time.sleep(100)
    """
    script = steps(BEGIN, "- {alice: type, text: hello}", '- {server: shows, text: "): 天气"}')
    played = command.play(
        HEAD + ALICE + script + expect("{messages: alice, sent: [hello]}", "{teardown: alice}"), client=client
    )
    assert 1 == played.done.status
    assert {("WL201", "alice"), ("WL202", "alice")} <= played.codes
    return command.folder / "kept"


def test_run_json_is_complete(failed: Path):
    document = json.loads((failed / "run.json").read_text(encoding="utf-8"))
    assert ("wirelab-run", 2) == (document["format"], document["version"])
    assert {"wirelab", "python", "system", "processor", "cores", "load", "tier"} <= set(document["machine"])
    assert (failed.parent / "case.yaml").read_text(encoding="utf-8") == document["scenario"]["source"]
    assert kit.protocol_text("line")[0] == document["protocol"]["source"]
    assert "fail" == document["judgement"]["verdict"]
    kinds = {event["event"] for event in document["events"]}
    assert {"started", "stepbegan", "stepended", "typed", "owned", "ending", "exited"} <= kinds
    times = [event["time"] for event in document["events"]]
    assert sorted(times) == times
    assert document["start"] == times[0]
    for check in document["judgement"]["checks"]:
        for finding in check["findings"]:
            assert {"en", "zh"} == set(finding["rationale"]) == set(finding["hint"])


def test_the_recordings_are_asciicast(failed: Path):
    """https://docs.asciinema.org/manual/asciicast/v2/: a header object, then [time, code, data] a line."""
    assert {"alice.cast", "server.cast"} == {path.name for path in failed.glob("*.cast")}
    for path in failed.glob("*.cast"):
        header, *events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert 2 == header["version"]
        assert {int} == {type(header[key]) for key in ("width", "height", "timestamp")}
        moments = [moment for moment, code, data in events if code in ("o", "i") and isinstance(data, str)]
        assert len(events) == len(moments) > 0
        assert moments == sorted(moments)
        assert moments[0] >= 0
    shown = "".join(
        json.loads(line)[2] for line in (failed / "alice.cast").read_text(encoding="utf-8").splitlines()[1:]
    )
    assert "\x1b[32mConnected to\x1b[0m 你好\r\n" in shown


def test_the_capture_opens_in_scapy(failed: Path):
    from scapy.layers.inet import TCP
    from scapy.utils import rdpcap

    packets = rdpcap(str(failed / "capture.pcapng"))
    document = json.loads((failed / "run.json").read_text(encoding="utf-8"))
    assert document["packets"] == len(packets)
    assert "S" == packets[0][TCP].flags
    assert 12001 == packets[0][TCP].dport
    assert any("MSG 天气\n".encode() == bytes(packet[TCP].payload) for packet in packets)
    begin, end = document["events"][0]["time"], document["events"][-1]["time"]
    # Last of all may come an acknowledgement that a kernel delayed, after the last event.
    assert all(begin <= packet.time * 10**9 <= end + 10**9 for packet in packets)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_wireshark_shows_a_comment_on_each_frame_that_a_finding_refers_to(failed: Path):
    document = json.loads((failed / "run.json").read_text(encoding="utf-8"))
    findings = [finding for check in document["judgement"]["checks"] for finding in check["findings"]]
    expected = {(frame, finding["code"]) for finding in findings for frame in finding["frames"]}
    assert expected
    fields = ["-e", "frame.number", "-e", "frame.comment"]
    argv = ["tshark", "-r", str(failed / "capture.pcapng"), "-Y", "frame.comment", "-T", "fields", *fields]
    lines = subprocess.run(argv, capture_output=True, check=True, encoding="utf-8").stdout.splitlines()
    comments = {int(number): comment for number, comment in (line.split("\t") for line in lines)}
    assert {frame for frame, _ in expected} == set(comments)
    for frame, code in expected:
        assert code in comments[frame]


def test_several_scenarios_have_a_folder_each_and_a_summary(command: Command):
    text = HEAD + ALICE + steps(BEGIN)
    one, two = command.write("one.yaml", text), command.write("two.yaml", text)  # the same name in both
    done = command("run", one, two, "messaging/server-absent", "--quiet", "-o", "kept")
    assert (0, "") == (done.status, done.err)
    assert "3 scenarios: 3 pass, 0 fail, 0 inconclusive" in done.out
    folders = {path.name for path in (command.folder / "kept").iterdir()}
    assert {"test-case", "test-case-2", "messaging-server-absent"} == folders


def test_the_exit_status_is_that_of_the_worst(command: Command):
    one, two = (
        command.write("one.yaml", HEAD + ALICE + steps(BEGIN)),
        command.write("two.yaml", HEAD + ALICE + steps(BEGIN, "- {alice: never shows, text: Connected}")),
    )
    client = command.program("client", "import time; print('Connected to', flush=True); time.sleep(100)")
    done = command("run", one, two, "--json", "--client", client)
    assert 1 == done.status
    assert ["pass", "fail"] == [item["verdict"] for item in json.loads(done.out)]
