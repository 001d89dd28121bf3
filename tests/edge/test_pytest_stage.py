"""The fixture ``stage``: tests in Python on the real stage, what they print when they fail, and docs/pytest.md."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.edge.command import PATIENCE, until
from tests.edge.suite import Suite, cases, outcome
from wirelab.base.errors import HarnessBug
from wirelab.compose.artifacts import read_run
from wirelab.compose.kit import protocol_text
from wirelab.declare.scenario_writer import as_yaml
from wirelab.declare.source import read_yaml
from wirelab.edge.pytest_errors import Misused
from wirelab.edge.pytest_setting import Setting, file_name, setting_of
from wirelab.judge.verdict import Verdict
from wirelab.stage.companion import Companion

PLAIN = st.text() | st.integers(-(10**9), 10**9) | st.booleans() | st.floats(0, 1e6)
ROOT = Path(__file__).parents[2]
FAILS = '''
    import pytest
    import wirelab

    def begin(stage):
        server = stage.start("server")
        return server, stage.start("alice", until="Connected to")

    def test_shows(stage):
        server, alice = begin(stage)
        alice.types("hello")
        server.shows("hullo", within=0.2)

    def test_trace(stage):
        server, alice = begin(stage)
        alice.presses("ctrl-d")
        assert stage.trace(alice).matches("""
            alice > server   SYN      seq=x
            server > alice   SYN,ACK  seq=y    ack=x+2
            ...
            alice > server   FIN
            ...
        """)

    def test_expect(stage):
        server, alice = begin(stage)
        server.types("/quit")
        alice.exits()
        with pytest.raises(wirelab.Missed) as missed:
            stage.expect(teardown=alice, first=alice)
        assert "WL501" in missed.value.codes
        assert stage.expect(teardown=alice, first=server)

    def test_plain(stage):
        server, alice = begin(stage)
        assert "Disconnected" in server.screen

    def test_unsure(stage):
        stage.start("server", until="never said", within=0.2)

'''
MISUSED = """
    import pytest
    import wirelab

    def begin(stage):
        server = stage.start("server")
        return server, stage.start("alice", until="Connected to")

    @pytest.mark.parametrize("wrong, told", [
        (lambda stage: stage.start("Bob"), "'Bob' cannot be an actor's name"),
        (lambda stage: begin(stage)[1].presses("ctrl-x"), "did you mean 'ctrl-z'?"),
        (lambda stage: begin(stage)[1].sends("hello"), "'alice' is a program"),
        (lambda stage: stage.start("server", peer=True).sends("x", pieces=[2, 0]), "'pieces"),
        (lambda stage: begin(stage) and stage.start("server"), "second time"),
        (lambda stage: begin(stage) and stage.expect(teardwn="alice"), "did you mean 'teardown'?"),
        (lambda stage: begin(stage)[1].shows(pattern="["), "not a regular expression"),
        (lambda stage: begin(stage) and stage.trace("bob").matches("alice > server SYN"), "does not speak of bob"),
        (lambda stage: begin(stage) and stage.trace("alice").matches("\\nalice > server SYN\\nalice > server SIN"), "trace, line 2"),
        (lambda stage: stage.start("alice", command="python3 nowhere.py"), "nowhere.py"),
        (lambda stage: stage.start("alice", command="no-such-program"), "no-such-program"),
        (lambda stage: stage.start("alice", command=["python3", "nowhere.py"]), "nowhere.py"),
        (lambda stage: stage.start("alice", command=5), "a list of words, not 5"),
        (lambda stage: stage.start("alice", command=[]), "a list of words, not []"),
        (lambda stage: stage.start(stage), "<stage test-own-py-test-misused-"),
        (lambda stage: stage.start("alice", within="2"), "are numbers, not '2'"),
        (lambda stage: stage.start("alice", env={"A": b"x" * 100}), "b'" + "x" * 78 + "…"),
        (lambda stage: stage.start("alice", env=["A=1"]), "'env'"),
        (lambda stage: begin(stage)[1].types(b"hello"), "b'hello' cannot be part of"),
        (lambda stage: begin(stage)[1].types("hello", every="1"), "are numbers, not '1'"),
        (lambda stage: begin(stage)[1].types("hello", repeat=float("inf")), "are numbers, not inf"),
        (lambda stage: stage.wait(10**400), "are numbers, not 1000000"),
        (lambda stage: begin(stage)[1].shows("hello", within=float("nan")), "are numbers, not nan"),
        (lambda stage: begin(stage)[1].shows("hello", within=1e9), "'within' must be"),
        (lambda stage: begin(stage) and stage.expect(messages=stage), "<stage test-own-py-test-misused-"),
        (lambda stage: begin(stage) and stage.trace("alice").matches(5), "5 cannot be part of"),
        (lambda stage: bool(stage.trace("alice")), "call .matches(…) on it"),
        (lambda stage: stage.start("bob", peer=True, role="server") and stage.start("alice", until="Connected to") and
            stage.wait(-1), "wait"),
    ])
    def test_misused(stage, wrong, told):
        with pytest.raises(wirelab.Misused) as raised:
            wrong(stage)
        assert told in str(raised.value)
        assert stage.start("zoe", until=None), "the stage goes on"

    def test_twice(stage):
        begin(stage)[1].presses("ctrl-d")
        with pytest.raises(wirelab.Misused, match="second time"):
            stage.start("alice", role="server")
        assert stage.expect(teardown="alice", first="alice")

    def test_over(stage):
        stage.close()
        with pytest.raises(wirelab.Misused, match="come to its end"):
            stage.start("server")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path)
    yield suite
    suite.gone()


def test_failures_are_told_in_the_words_of_the_findings(suite: Suite):
    suite.write("test_own.py", FAILS)
    done = suite(
        "--client", "python3 client.py", "--wirelab-keep", "kept", "--junitxml", "out.xml", "--wirelab-lang=en"
    )
    assert {"passed": 1, "failed": 3, "error": 1} == outcome(done), done.out
    for told in (
        'server.shows("hullo", within=0.2)',
        "wirelab.Missed: WL604 the terminal did not show what was expected",
        "E   ✗ fail  server  shows  {server: shows, text: hullo, within: 0.2}",
        "▌ Received from",
        "hint: Compare letter by letter",
        "wirelab.Missed: WL701",
        "expected and seen, side by side:",
        "assert 'Disconnected' in",
        "wirelab.Inconclusive: WL905",
        f"kept in {suite.folder}/kept/test_own.py-test_shows",
    ):
        assert told in done.out
    assert "pytest_stage.py" not in done.out, "only lines of the test are shown"
    came = cases(suite.folder / "out.xml")
    assert {"failure"} == {came[f"test_{name}"] for name in ("shows", "trace", "plain")}
    assert "error" == came["test_unsure"]
    kept = read_run(suite.folder / "kept" / "test_own.py-test_expect")
    assert [Verdict.FAIL, Verdict.PASS] == [one.verdict for one in kept.judged().checks if one.name == "teardown"]
    assert (suite.folder / "kept" / "test_own.py-test_expect" / "capture.pcapng").is_file()


def test_a_run_is_kept_whatever_came_later(suite: Suite):
    """Whose connection was meant when there was one client; and no more is done than can be read again."""
    suite.write(
        "test_own.py",
        """\
        import pytest
        import wirelab

        def test_reset(stage):
            server = stage.start("server", peer=True)
            alice = stage.start("alice", peer=True)
            alice.sends("one")
            assert server.expects("one")
            stage.inject(to=server)
            stage.start("bob", peer=True).sends("two")
            assert server.expects("two")

        def test_much(stage):
            server = stage.start("server", peer=True)
            alice = stage.start("alice", peer=True)
            with pytest.raises(wirelab.Misused, match="'line' has no frame for 'xxxx"):
                alice.sends("x" * 4096)
            with pytest.raises(wirelab.Misused, match="'line' has no frame for"):
                alice.sends(["one", "two\\nlines"])
            alice.sends(raw="x" * 500_000)
            with pytest.raises(wirelab.Misused, match="longer than 1000000 characters"):
                alice.sends(raw="y" * 500_000)
            alice.sends(raw="y" * 499_000)
            with pytest.raises(wirelab.Misused, match="longer than 1000000 characters"):
                stage.expect(messages="alice", sent=["z" * 1000])
        """,
    )
    done = suite("--wirelab-keep", "kept", "--wirelab-lang=en")
    assert {"passed": 2} == outcome(done), done.out
    kept = suite.folder / "kept"
    written = [step.written for step in read_run(kept / "test_own.py-test_reset").scenario.script]
    assert "{inject: RST, to: server, of: alice}" in written
    assert 999_000 < len(read_run(kept / "test_own.py-test_much").scenario.text) <= 1_000_000


def test_what_cannot_be_is_said_as_of_scenarios_and_the_stage_goes_on(suite: Suite):
    suite.write("test_own.py", MISUSED)
    done = suite("--wirelab-lang=en")
    assert {"passed": 30} == outcome(done), done.out


def test_everything_that_can_be_done_is_done(suite: Suite):
    suite.write(
        "test_own.py",
        """\
        import pytest

        def test_a_peer(stage):
            server = stage.start("server", peer=True, answers=False)
            alice = stage.start("alice", env={"OWN": "1"}, command=["python3", "own.py"])
            assert alice.shows(pattern="environment 1 [0-9]+")
            server.sends("BROADCAST 中文 \\U0001f600 \\x85", pieces="bytes", pause=0.001)
            server.sends(raw=b"BROADCAST of bytes\\n", pieces=[1, 3])
            alice.types("a: 'b' #c", every=0.001)
            assert server.expects("a: 'b' #c")
            server.stops_reading()
            server.reads_again()
            server.half_closes()
            assert alice.shows("end")
            server.closes()
            assert alice.exits(status=3)
            assert alice.never_shows("Traceback")
            assert "中文 \\U0001f600" in alice.screen
            assert "BROADCAST of bytes" in alice.screen.splitlines()

        def test_the_wire(stage):
            server = stage.start("server")
            alice = stage.start("alice", until="Connected to")
            stage.cut(alice)
            alice.types("lost for now")
            assert server.never_shows("lost", within=0.3)
            stage.heal()
            assert server.shows("lost for now", within=5)
            stage.inject(to=alice)
            assert alice.exits(status=1)

        def test_programs_and_signals(stage, monkeypatch):
            monkeypatch.setenv("OWN", "from the test")
            stage.start("bob", command="python3 own.py", until="environment from the test")
            bob = stage.start("bob2", command="python3 own.py", role="client", until="environment")
            bob.signal("KILL")
            assert bob.exits()
            server = stage.start("server")
            server.closes_terminal()
            assert server.exits(within=5)

        @pytest.mark.wirelab(port=12345, protocol="length", client="python3 own.py")
        def test_a_mark(stage):
            assert 12345 == stage.port
            stage.start("alice", until="12345")
        """,
    )
    suite.write(
        "own.py",
        """\
        import os, socket, sys
        print("environment", os.environ.get("OWN"), sys.argv[2], flush=True)
        try:
            connection = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
        except OSError:
            input()
        connection.sendall((input() + "\\n").encode())
        data = b""
        while piece := connection.recv(100):
            data += piece
        print(data.decode(), "end", flush=True)
        raise SystemExit(3)
        """,
    )
    done = suite("-p", "xdist", "-n", 2)
    assert {"passed": 4} == outcome(done), done.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_a_test_ends_nothing_is_left(suite: Suite, number: signal.Signals):
    suite.write(
        "test_own.py",
        """\
        import pathlib

        def test_own(stage):
            server = stage.start("server")
            pathlib.Path("runs").touch()
            server.shows("never", within=100)
        """,
    )
    running = suite.begin("test_own.py")
    assert until((suite.folder / "runs").exists, 30)
    out = b""
    for _ in range(
        8
    ):  # an interrupt in the middle of an import is lost in CPython's import locks: a person presses again
        running.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            out, _ = running.communicate(timeout=10)
            break
    assert (2 if number is signal.SIGINT else -9) == running.returncode, out.decode()
    suite.gone(20)


def test_a_process_that_plays_and_dies_is_replaced(suite: Suite):
    suite.write(
        "test_own.py",
        """\
        import os, signal
        import pytest

        def test_first(stage):
            stage.start("server")
            os.kill(stage._companion._process.pid, signal.SIGKILL)
            with pytest.raises(Exception, match="SIGKILL"):
                while True:  # the process that it forked for the stage ends with it, but a moment later
                    stage.wait(0.01)

        def test_second(stage):
            stage.start("server")
        """,
    )
    assert {"passed": 2} == outcome(suite("test_own.py"))


def test_a_protocol_is_looked_for_beside_the_test_wherever_pytest_is_called(suite: Suite):
    text = protocol_text("line")[0].replace("protocol: line", "protocol: mine").replace("MSG", "SAY")
    suite.write("sub/protocols/mine.yaml", text)
    suite.write(
        "sub/test_own.py",
        """\
        import pytest

        @pytest.mark.wirelab(protocol="mine")
        def test_own(stage):
            server = stage.start("server", peer=True)
            stage.start("alice", peer=True).sends("SAY hi")
            assert server.expects("SAY hi")
            assert stage.expect(messages="alice", sent=["hi"])

        @pytest.mark.wirelab(protocol="nine")
        def test_none(stage):
            pass

        @pytest.mark.wirelab(sever="python3 own.py")
        def test_slip(stage):
            pass
        """,
    )
    done = suite("sub/test_own.py", "--wirelab-lang=en")
    assert {"passed": 1, "errors": 2} == outcome(done), done.out
    assert "test_own.py: there is no protocol profile 'nine'" in done.out
    assert (
        "\nwirelab.Misused: the mark wirelab of a test takes client, server, protocol, port and env, not 'sever'"
        in done.out
    )
    assert "def stage(" not in done.out
    assert "hidden" not in done.out


def test_a_stage_whose_process_died_costs_the_next_test_nothing(suite: Suite):
    suite.write(
        "test_own.py",
        """\
        import os, signal
        import pytest
        import wirelab

        def children(pid):
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                return [int(one) for one in file.read().split()]

        def test_dies(stage):
            server = stage.start("server")
            player = stage._companion._process.pid
            for worker in children(player):
                os.kill(worker, signal.SIGKILL)
            while children(player):
                pass
            with pytest.raises(wirelab.Inconclusive):
                stage.wait(0)

        def test_next(stage):
            assert stage.start("server").screen.startswith("Listening on")
        """,
    )
    assert {"passed": 2} == outcome(suite("test_own.py"))


def test_what_goes_wrong_in_the_harness_is_an_error_of_no_program(suite: Suite):
    suite.write(
        "test_own.py",
        """\
        import os, signal
        import pytest
        import wirelab

        def test_bug(stage):
            os.kill(stage._companion._process.pid, signal.SIGKILL)
            try:
                while True:
                    stage.wait(0.01)
            finally:
                with pytest.raises(wirelab.Inconclusive, match="come to its end"):
                    stage.start("server")
        """,
    )
    done = suite("test_own.py")
    assert {"error": 1} == outcome(done)
    assert "SIGKILL" in done.out


def test_a_companion_that_is_none_says_why(tmp_path: Path):
    companion = Companion("wirelab.no_such_module", str(tmp_path))
    with pytest.raises(HarnessBug, match="No module named"):
        companion.ask("anything", 30)
    assert not companion.alive
    companion.end()


def test_a_companion_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "deaf.py").write_text("import sys\nwhile sys.stdin.read(1):\n    pass\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    companion = Companion("deaf", str(tmp_path))
    with pytest.raises(HarnessBug, match="has not answered"):
        companion.ask("anything", 0.1)
    assert not companion.alive


ECHO = """
import pickle, struct, sys, time
while head := sys.stdin.buffer.read(8):
    value = pickle.loads(sys.stdin.buffer.read(struct.unpack("!Q", head)[0]))
    time.sleep(value % 3 / 1000)
    data = pickle.dumps(value)
    sys.stdout.buffer.write(struct.pack("!Q", len(data)) + data)
    sys.stdout.buffer.flush()
"""


def test_answers_belong_to_their_questions_whichever_thread_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "echo.py").write_text(ECHO)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    companion = Companion("echo", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        assert list(range(40)) == list(pool.map(lambda value: companion.ask(value, PATIENCE), range(40)))
    companion.end()
    with pytest.raises(HarnessBug, match="ended before"):
        companion.ask(1, 30)


@given(st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5))
@example("true")
@example("never shows")
@example("\x00\x85\u2028\ufeff中\U0001f600")
def test_what_a_test_says_is_read_as_it_was_said(value: object):
    assert {"a": value} == read_yaml("{a: " + as_yaml(value) + "}", "here").data


def test_a_mark_says_only_what_a_stage_can_be_made_of(tmp_path: Path):
    def made(nodeid: str, *marks: dict[str, Any]) -> Setting:
        given = {"client": "a"}
        return setting_of(
            nodeid, marks, commands=given, folder=tmp_path, file=tmp_path, language="en", width=80, keep=None
        )

    one = made("a/test_b.py::test_C[ü/1]", {"client": "b", "env": {"A": "1"}}, {"client": "c"})
    assert "python/test-b-py-test-c-1" == one.name
    assert ({"client": "c"}, {"A": "1"}) == (one.commands, one.env)
    with pytest.raises(Misused, match="not 'clent'"):
        made("test_b.py::test_c", {"clent": "b"})


def test_the_folders_of_two_tests_have_two_names():
    assert "a-test_b.py-test_C[ü-1]" == file_name("a/test_b.py::test_C[ü-1]")
    ids = ["a/b.py::t[1]", "a-b.py::t[1]", "t.py::t[a/b]", "t.py::t[a b]", "t.py::t[a::b]", "t.py::t[a-b]"]
    ids += [f"t.py::t[{'你' * 300}{end}]" for end in "xy"]
    names = [file_name(one) for one in ids]
    assert len(ids) == len(set(names))
    assert all(len(name.encode()) < 200 and "/" not in name for name in names)


def blocks(language: str, page: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE | re.DOTALL
    )


def test_both_pages_have_the_same_examples():
    for language in ("yaml", "python", "sh"):
        assert blocks(language, "pytest.md") == blocks(language, "pytest.zh.md")


@pytest.mark.parametrize(("example", "passed"), [(0, 1), (1, 1), (2, 4)])
def test_the_examples_of_the_documentation_pass(suite: Suite, example: int, passed: int):
    for text in (*blocks("yaml", "pytest.md"), *blocks("python", "pytest.md")):
        suite.write(text.splitlines()[0].removeprefix("# "), text)
    program, *words = shlex.split(blocks("sh", "pytest.md")[example])
    done = suite(*words)
    assert ("pytest", {"passed": passed}) == (program, outcome(done)), done.out


def test_the_words_of_the_documentation_are_all_there_are():
    from wirelab.edge.pytest_stage import Actor, Stage

    public = {name for kind in (Actor, Stage) for name in vars(kind) if not name.startswith("_")} - {"close", "kept"}
    for page in ("pytest.md", "pytest.zh.md"):
        text = (ROOT / "docs" / page).read_text("utf-8")
        assert not {name for name in public if not re.search(rf"`{name}\b", text)}
    assert os.sep not in file_name("a/b")


@pytest.mark.parametrize(("page", "language"), [("pytest.md", "en"), ("pytest.zh.md", "zh")])
def test_the_failure_in_the_documentation_is_what_is_printed(suite: Suite, page: str, language: str):
    passing, _ = blocks("python", page)
    suite.write("test_chat.py", passing.replace('shows("hello"', 'shows("hullo"'))
    done = suite("test_chat.py", "--tb=long", "--wirelab-lang", language)
    (told,) = blocks("text", page)

    def without_ports(text: str) -> list[str]:
        return [re.sub(r"', \d+\)", "', 0)", line) for line in text.splitlines() if "^" not in line]

    assert told.strip() != ""
    assert "\n".join(without_ports(told)) in "\n".join(without_ports(done.out)), done.out
