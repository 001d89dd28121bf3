"""Scenarios and labs as tests of pytest: what is collected, what a verdict becomes, and that nothing is left."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.command import BEGIN, HEAD, until
from tests.edge.suite import Suite, cases, outcome
from wirelab.compose.artifacts import read_run
from wirelab.compose.kit import labs_root

CLIENT = "--client", "python3 client.py"
BOTH = (*CLIENT, "--server", "python3 server.py")
CAST = "cast: {server: {role: server}, alice: {role: client}}\n"
WAIT_LONG = "  - {wait: 60}\n"


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path)
    yield suite
    suite.gone()


def scenario(name: str, *steps: str, tests: str = "client") -> str:
    head = HEAD.replace("test/case", name) + f"tests: {tests}\n" + CAST + "script:\n"
    return head + "".join(f"  {line}\n" for line in (*BEGIN.splitlines(), *steps))


LEAVES = "- {alice: press, key: ctrl-d}", "- {alice: exits, status: 0}"
SHOWS_NOT = "- {server: shows, text: 'hullo ]]> \\e[2J', within: 0.2}".replace("'", '"')


def test_a_verdict_becomes_an_outcome_and_findings_an_assertion_that_failed(suite: Suite):
    suite.write("own/good.yaml", scenario("good", *LEAVES))
    suite.write("own/bad.yaml", scenario("bad", "- {alice: type, text: hello}", SHOWS_NOT))
    suite.write("own/other.yml", scenario("other", tests="server"))
    done = suite("own", *CLIENT, "--junitxml", "out.xml", "--wirelab-lang", "en", "--wirelab-keep", "kept", "-rs")
    assert 1 == done.status, done.out + done.err
    assert {"passed": 1, "failed": 1, "skipped": 1} == outcome(done)
    for told in (
        "WL604  expected the terminal of server to show",
        "hint: Compare letter by letter",
        "▌ Received from",
        f"kept in {suite.folder}/kept/bad",
        "to watch it live: wirelab run own/bad.yaml --client 'python3 client.py'",
        "nobody plays the server that this tests; give its command with --server",
    ):
        assert told in done.out, done.out
    assert "✓ pass" not in done.out, done.out
    assert "pytest_plugin.py" not in done.out, "no line of ours is of use to anybody"
    assert "\x1b" not in done.out, done.out
    assert {"good": "pass", "bad": "failure", "other": "skipped"} == cases(suite.folder / "out.xml")
    assert "wirelab-codes" in (suite.folder / "out.xml").read_text()
    assert {"WL604"} == {one.code for one in read_run(suite.folder / "kept" / "bad").judged().findings}


def test_what_only_the_machine_or_the_reference_is_to_blame_for_is_tried_again_and_then_an_error(suite: Suite):
    suite.write("own/odd.yaml", scenario("odd", SHOWS_NOT))
    done = suite("own/odd.yaml", "--junitxml", "out.xml", "--wirelab-lang", "zh", "-rE")
    assert 1 == done.status, done.out
    assert "WL905" in done.out, done.out
    assert "共试 3 次" in done.out, done.out
    assert {"odd": "error"} == cases(suite.folder / "out.xml")


def test_pytests_own_options_choose_among_a_labs_scenarios(suite: Suite):
    lab = str(labs_root() / "2-heartbeat")
    listed = suite(lab, *CLIENT, "--collect-only", "-q", "-k", "answers or typing").out
    names = [line.partition("::")[2] for line in listed.splitlines() if "::" in line]
    assert ["heartbeat/answers-while-idle", "heartbeat/answers-while-typing", "broadcast/while-typing"] == names
    done = suite(lab, *CLIENT, "-m", "wirelab(scenario='heartbeat/right-number')")
    assert {"passed": 1, "deselected": 4} == outcome(done)
    assert {"skipped": 5} == outcome(suite(lab)), "a lab is played with somebody's programs"


def test_mistakes_are_errors_of_collection_with_their_places(suite: Suite):
    suite.write("own/wrong.yaml", scenario("wrong", "- {alice: typ, text: a}", "- {bob: type, text: a}"))
    suite.write("own/lab.yaml", "lab: own\nshown: [nothing/like-it]\n")
    suite.write("own/compose.yml", "services: {web: {image: a}}\nscript: [make]\n")
    suite.write("own/binary.yaml", "\x00\x01")
    done = suite("own", *CLIENT)
    assert 2 == done.status, done.out
    assert {"errors": 2} == outcome(done)
    assert "own/wrong.yaml:8:13: 'alice' cannot do 'typ' (did you mean 'type'?)" in done.out, done.out
    assert "own/wrong.yaml:9:6: unknown step 'bob'" in done.out, done.out
    assert "own/lab.yaml:" in done.out, done.out
    assert "Traceback" not in done.out, done.out
    assert "pytest_plugin" not in done.out, done.out


def test_the_plugin_is_found_and_says_what_it_takes(suite: Suite):
    suite.autoload()
    done = suite("--help")
    for option in ("--wirelab-client=CMD", "--client=CMD", "--wirelab-keep=DIR", "--wirelab-lang={en,zh}"):
        assert option in done.out
    assert "@pytest.mark.wirelab(" in suite("--markers").out
    assert "\nstage -- " in suite("--fixtures", "-q").out


def test_where_nothing_is_named_nothing_of_wirelab_happens(suite: Suite):
    suite.write("own/good.yaml", scenario("good"))
    suite.write("tests/test_a.py", "def test_a():\n    pass\n")
    assert {"passed": 1} == outcome(suite())
    suite.write("pytest.ini", "[pytest]\ntestpaths = tests own\n")
    assert {"passed": 1} == outcome(suite())
    assert {"passed": 2} == outcome(suite(".")), "here a folder is named"


def test_a_labs_own_scenarios_are_the_labs_unless_named(suite: Suite):
    text = scenario("topic/good", *LEAVES)
    suite.write("mine/scenarios/topic/good.yaml", text)
    suite.write(
        "mine/lab.yaml", (labs_root() / "1-messaging" / "lab.yaml").read_text().replace("lab: 1-messaging", "lab: mine")
    )
    listed = suite("mine", *CLIENT, "--collect-only", "-q").out
    assert "topic/good" not in listed
    assert "mine/lab.yaml::messaging/one-line" in listed
    for named in ("mine/scenarios/topic/good.yaml", "mine/scenarios/topic", "mine/scenarios"):
        assert "topic/good" in suite(named, "--collect-only", "-q").out


def test_words_that_a_conftest_has_for_itself_stay_its_own(suite: Suite):
    suite.write(
        "conftest.py",
        """\
        def pytest_addoption(parser):
            parser.addoption("--server", action="store_true")
            parser.addoption("--client", type=int)
        """,
    )
    suite.write(
        "test_own.py",
        """\
        def test_own(request):
            assert (True, 7) == (request.config.option.server, request.config.option.client)
            assert "python3 client.py" == request.config.option.wirelab_client
        """,
    )
    done = suite("test_own.py", "--server", "--client", 7, "--wirelab-client", "python3 client.py")
    assert {"passed": 1} == outcome(done), done.out + done.err


def test_a_command_that_cannot_be_is_an_error_of_usage(suite: Suite):
    done = suite("--client", "python3 nowhere.py", "--wirelab-lang", "en")
    assert (4, True) == (done.status, "names the file 'nowhere.py', which does not exist" in done.err), done.err


def test_workers_of_xdist_play_side_by_side_and_keep_runs_apart(suite: Suite):
    for name in ("a", "b"):
        suite.write(f"{name}/same.yaml", scenario("same", *LEAVES))
    done = suite("a", "b", *BOTH, "-p", "xdist", "-n", 2, "--wirelab-keep", "kept")
    assert {"passed": 2} == outcome(done), done.out
    assert {"same", "same-2"} == set(os.listdir(suite.folder / "kept"))


def test_a_home_that_nobody_has_is_a_name_like_any_other(suite: Suite):
    suite.write("own/leaves.yaml", scenario("leaves", *LEAVES))
    done = suite("own", *BOTH, "--wirelab-keep", "~nobody-at-all/kept")
    assert {"passed": 1} == outcome(done), done.out + done.err
    assert ["leaves"] == os.listdir(suite.folder / "~nobody-at-all" / "kept")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_however_pytest_ends_nothing_is_left(suite: Suite, number: signal.Signals):
    suite.write("own/long.yaml", scenario("long") + WAIT_LONG)
    # A child for each client tells that it runs; the file is written when it has connected.
    suite.write(
        "mark.py",
        "import pathlib, runpy, sys\npathlib.Path('runs').touch()\nrunpy.run_path('client.py', run_name='__main__')\n",
    )
    running = suite.begin("own", "--client", f"{shlex.quote(sys.executable)} mark.py")
    assert until((suite.folder / "runs").exists, 30)
    running.send_signal(number)
    out, _ = running.communicate(timeout=40)
    assert (2 if number is signal.SIGINT else -9) == running.returncode, out.decode()
    suite.gone(20)


def test_the_plugin_itself_loads_next_to_nothing():
    heavy = (
        "{'msgspec', 'yaml', 'scapy', 'pexpect', 'subprocess.x', 'wirelab.declare', 'wirelab.judge', 'wirelab.compose'}"
    )
    code = f"import sys, pytest; import wirelab.edge.pytest_plugin; print(*{heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert ("\n", "", 0) == (done.stdout, done.stderr, done.returncode)
