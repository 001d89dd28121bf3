"""The command line as a person meets it: help, exit statuses, languages, the live view with and without a terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pexpect
import pytest

import wirelab
from tests.edge.command import ALICE, BEGIN, HEAD, PATIENCE, Command, expect, steps
from tests.edge.test_bad_programs import CONNECT, JUNK, TALK
from wirelab.compose import kit, library
from wirelab.edge import cli

COMMANDS = ("demo", "run", "judge", "analyze", "lint", "schema", "doctor")
USAGE, DATA, NO_INPUT, UNAVAILABLE = 64, 65, 66, 69
TALKING = (
    HEAD
    + ALICE
    + steps(
        BEGIN,
        "- {alice: type, text: 你好}",
        '- {server: shows, text: "): 你好"}',
        "- {alice: type, text: /quit}",
        "- {alice: exits, status: 0}",
    )
)
EXPECTED = expect("{handshake: alice}", "{messages: alice, sent: [你好]}", "{teardown: alice, first: alice}")


def ended(*words: str) -> object:
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    return end.value.code


# --- help, usage, languages


@pytest.mark.usefixtures("here")
def test_help_names_every_command_and_every_option_is_explained(capsys: pytest.CaptureFixture[str]):
    assert 0 == ended("--help")
    page = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^    {name} +\w", page, re.M)
        assert 0 == ended(name, "--help")
        own = capsys.readouterr().out
        assert f"wirelab {name}" in own
        for option in re.findall(r"^  (-\S.*?)(?:  +(\S.*))?$(?=\n {20,}(\S.*))?", own, re.M):
            assert option[1] or option[2], option
        assert max(map(len, own.splitlines())) <= 120


@pytest.mark.usefixtures("here")
def test_the_version(capsys: pytest.CaptureFixture[str]):
    assert 0 == ended("--version")
    assert f"wirelab {wirelab.__version__}\n" == capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "words",
    [["dance"], ["run", "--nothing"], ["run", "--lang", "fr"], ["judge"], ["lint"], ["demo", "extra"]],
    ids=" ".join,
)
def test_a_command_line_that_cannot_be_read(capsys: pytest.CaptureFixture[str], words: list[str]):
    assert USAGE == ended(*words)  # not 2: that says inconclusive
    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.startswith("usage: wirelab")


@pytest.mark.usefixtures("here")
def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]):
    assert USAGE == cli.main([])
    assert "wirelab run heartbeat --client" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("setting", "option", "word"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, [], "没有"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_TW.UTF-8"}, [], "没有"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}, [], "没有"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, [], "there is no"),
        ({"LC_ALL": "de_DE.UTF-8"}, [], "there is no"),
        ({"LC_ALL": "zh_CN.UTF-8"}, ["--lang", "en"], "there is no"),
        ({"LC_ALL": "C.UTF-8"}, ["--lang", "zh"], "没有"),
    ],
)
def test_the_language(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: dict[str, str],
    option: list[str],
    word: str,
):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    for words in (["run", "no-such-scenario", *option], [*option, "run", "no-such-scenario"]):
        assert USAGE == cli.main(words)
        assert word in capsys.readouterr().err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["run", "mine/gone.yaml"], NO_INPUT, "cannot read mine/gone.yaml: No such file"),
        (["lint", "mine/gone.yaml"], NO_INPUT, "mine/gone.yaml"),
        (["run", "messaging/one-line", "-o", ""], USAGE, "-o is empty"),
        (["report", "export", "x.ipynb", "-o", ""], USAGE, "-o is empty"),
        (["run", "--watch", "--client", "python3 x.py"], USAGE, "name at least one scenario"),
    ],
)
def test_words_that_cannot_be_meant(capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str):
    assert status == cli.main([*words, "--lang", "en"])
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_of_two_languages_the_last_counts(capsys: pytest.CaptureFixture[str]):
    assert USAGE == cli.main(["--lang", "en", "run", "no-such-scenario", "--lang", "zh"])
    assert "没有" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_the_list_names_what_run_understands(capsys: pytest.CaptureFixture[str]):
    assert 0 == cli.main(["run", "--list"])
    names = capsys.readouterr().out.split()
    assert sorted(names) == names
    assert len(names) >= 10
    assert {"messaging", "heartbeat", "broadcast", "teardown"} <= {name.split("/")[0] for name in names}
    assert len(names) == len(library.find(names))


# --- lint and schema


@pytest.mark.usefixtures("here")
def test_everything_in_the_kit_is_without_mistakes(capsys: pytest.CaptureFixture[str]):
    root = kit.scenarios_root()
    assert 0 == cli.main(["lint", str(root)])
    said = capsys.readouterr()
    assert "" == said.err
    count = len(list(root.rglob("*.yaml")))
    assert f"files: {count}, mistakes: 0" in said.out
    assert count + 1 == len(said.out.splitlines())


def test_lint_tells_every_mistake_of_every_file(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "good.yaml").write_text(TALKING, encoding="utf-8")
    (here / "bad.yaml").write_text(TALKING.replace("text:", "txt:").replace("exits", "exists"), encoding="utf-8")
    (here / "protocols").mkdir()
    (here / "protocols" / "mine.yaml").write_text("protocol: mine\n", encoding="utf-8")
    assert DATA == cli.main(["lint", "good.yaml", "bad.yaml", "protocols"])
    said = capsys.readouterr()
    assert "good.yaml: ok\nfiles: 3, mistakes: " in said.out
    for place in ("bad.yaml:8:", "bad.yaml:9:", "bad.yaml:10:", "bad.yaml:11:", "mine.yaml"):
        assert place in said.err
    for meant in ("'text'", "'exits'"):
        assert meant in said.err


@pytest.mark.usefixtures("here")
def test_lint_checks_the_labs_as_labs(capsys: pytest.CaptureFixture[str]):
    root = kit.labs_root()
    assert 0 == cli.main(["lint", str(root), str(root / "2-heartbeat" / "lab.yaml")]), capsys.readouterr().err
    assert f"files: {len(list(root.rglob('*.yaml'))) + 1}, mistakes: 0" in capsys.readouterr().out


def test_lint_tells_the_mistakes_of_a_lab_and_of_its_scenarios(here: Path, capsys: pytest.CaptureFixture[str]):
    lab = (kit.labs_root() / "2-heartbeat" / "lab.yaml").read_text(encoding="utf-8").replace("-idle", "-idel")
    folder = here / "2-heartbeat"
    (folder / "scenarios" / "test").mkdir(parents=True)
    (folder / "lab.yaml").write_text(lab, encoding="utf-8")
    (folder / "scenarios" / "test" / "case.yaml").write_text(TALKING, encoding="utf-8")
    assert DATA == cli.main(["lint", "2-heartbeat"])
    said = capsys.readouterr()
    assert "answers-while-idle'" in said.err
    assert "'script'" not in said.err
    assert "case.yaml: ok\nfiles: 2, mistakes: 1" in said.out
    (folder / "lab.yaml").write_text(lab.replace("heartbeat/answers-while-idel", "test/case"), encoding="utf-8")
    (folder / "scenarios" / "test" / "case.yaml").write_text(TALKING.replace("exits", "exists"), encoding="utf-8")
    assert DATA == cli.main(["lint", "2-heartbeat"])
    said = capsys.readouterr()
    assert 1 == said.err.count("'exits'")
    assert "files: 2, mistakes: 1" in said.out


PROFILE = """\
protocol: mine
framing: {kind: line}
messages:
  - {name: message, from: client, pattern: 'SAY (?P<text>.*)', template: 'SAY {text}'}
"""


@pytest.mark.parametrize("folder", [".", "protocols", "scenarios"])
def test_lint_tells_a_protocol_from_a_scenario_wherever_it_is_called(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: str
):
    (here / folder).mkdir(exist_ok=True)
    monkeypatch.chdir(here / folder)
    Path("p1.yaml").write_text(PROFILE, encoding="utf-8")
    assert 0 == cli.main(["lint", "p1.yaml"]), capsys.readouterr().err
    Path("p1.yaml").write_text(PROFILE.replace("framing", "framming"), encoding="utf-8")
    assert DATA == cli.main(["lint", "p1.yaml"])
    assert "'framing'" in capsys.readouterr().err


def test_in_a_folder_of_protocols_what_says_nothing_is_a_protocol(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (here / "protocols").mkdir()
    monkeypatch.chdir(here / "protocols")
    Path("p1.yaml").write_text("protocol: p1\n", encoding="utf-8")
    Path("s1.yaml").write_text(TALKING, encoding="utf-8")
    assert DATA == cli.main(["lint", "p1.yaml", "s1.yaml"])
    said = capsys.readouterr()
    assert "'framing' is missing" in said.err
    assert "s1.yaml: ok" in said.out


def test_lint_of_a_file_without_end(here: Path, capsys: pytest.CaptureFixture[str]):
    assert NO_INPUT == cli.main(["lint", "/dev/zero"])
    assert "cannot read /dev/zero: not a regular file\n" == capsys.readouterr().err
    with open(here / "long.yaml", "wb") as file:
        file.truncate(1 << 40)
    assert DATA == cli.main(["lint", "long.yaml", "--lang", "zh"])
    assert "long.yaml:1:1: 文件超过 1000000 个字符，不再读取\n" == capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_lint_of_a_folder_without_files(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "empty").mkdir()
    assert NO_INPUT == cli.main(["lint", "empty"])
    assert "wirelab: there is no .yaml file in the folder empty\n" == capsys.readouterr().err


def test_lint_of_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]):
    assert NO_INPUT == cli.main(["lint", "nothing.yaml"])
    assert "wirelab: there is no file nothing.yaml\n" == capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_the_schema_is_a_schema_and_knows_the_fields(capsys: pytest.CaptureFixture[str]):
    assert 0 == cli.main(["schema"])
    schema = json.loads(capsys.readouterr().out)
    assert "json-schema.org" in schema["$schema"]
    assert {"scenario", "title", "tests", "cast", "script"} <= set(schema["required"])
    assert {"protocol", "port", "env", "expect"} <= set(schema["properties"])
    text = json.dumps(schema)
    for verb in ("never shows", "closes terminal", "half-closes", "answered_within"):
        assert verb in text


def test_references_are_printed_of_scenarios_and_of_traces(capsys: pytest.CaptureFixture[str]):
    assert 0 == cli.main(["schema", "--reference"])
    assert "### `{alice: type, …}`" in capsys.readouterr().out
    assert 0 == cli.main(["schema", "--reference", "--of", "trace", "--lang", "zh"])
    assert "| `seq=*` | 任意值，与不写相同 |" in capsys.readouterr().out
    assert 64 == cli.main(["schema", "--reference", "--of", "lab"])
    assert "--reference is there of scenarios and of traces" in capsys.readouterr().err
    assert 64 == cli.main(["schema", "--of", "trace"])
    assert "'wirelab schema --reference --of trace' prints its notation" in capsys.readouterr().err


# --- the live view


def test_without_a_terminal_the_live_view_is_plain_lines(command: Command):
    done = command("run", command.write("case.yaml", TALKING + EXPECTED))
    assert (0, "") == (done.status, done.err)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100
    for step in ("{start: server, until: Listening on}", "{alice: type, text: 你好}", "{alice: exits, status: 0}"):
        assert any(step in line for line in lines)
    for pattern in (
        r"server ▌ Listening on 127\.0\.0\.1:12001",  # what is shown on each terminal
        r"server ▌ Received from \('127\.0\.0\.1', \d+\): 你好",
        r"alice +⌨ 你好⏎",  # what is typed
        r" 1 alice +\*SYN-SENT ├─ SYN seq=0 ─+▶│ +LISTEN",  # the ladder: frame, states, flags, relative numbers
        r" 2 alice .*│◀─ SYN,ACK seq=0 ack=1 ─+┤ +\*SYN-RECEIVED",
        r" 3 alice +\*ESTABLISHED ├─ ACK seq=1 ack=1 ",
        r"├─ ACK seq=1 ack=1 len=11  MSG 你好 ─+▶│ +ESTABLISHED",  # the message inside
        r"\*FIN-WAIT-1 ├─ FIN,ACK seq=12 ack=1 ",
        r"\*TIME-WAIT",
        r"alice +■ exits by itself with status 0",
        r"✓ pass +alice +handshake ",  # then the checks
        r"✓ pass +alice +messages .*你好",
        r"✓ pass +alice +teardown +orderly: alice sent the first FIN",
        r"✓ pass: test/case \(\d+ passed, 0 failed, 0 inconclusive\)",
    ):
        assert any(re.search(pattern, line) for line in lines), pattern
    order = [done.out.index(words) for words in ("Listening on 127", "*SYN-SENT", "MSG 你好", "*FIN-WAIT-1", "✓ pass")]
    assert sorted(order) == order


def test_in_chinese(command: Command):
    done = command("run", command.write("case.yaml", TALKING + EXPECTED), "--lang", "zh")
    assert (0, "") == (done.status, done.err)
    for words in ("测试用例", "✓ 通过", "自行退出", "正常关闭"):
        assert words in done.out
    assert "exits by itself" not in done.out


def test_quiet_says_the_verdict_only_and_json_is_json_only(command: Command):
    scenario = command.write("case.yaml", TALKING + EXPECTED)
    quiet = command("run", scenario, "--quiet").out
    assert "▶" not in quiet
    assert "✓ pass: test/case" in quiet
    (judgement,) = json.loads(command("run", scenario, "--json").out)
    assert "pass" == judgement["verdict"]
    assert {"handshake", "messages", "teardown", "exits"} <= {check["check"] for check in judgement["checks"]}


def test_a_stored_run_is_shown_again_as_it_was_live(command: Command):
    live = command("run", command.write("case.yaml", TALKING + EXPECTED), "-o", "kept").out.splitlines()
    again = command("judge", "kept", "--ladder").out.splitlines()
    ladder = [line for line in live if "├" in line or "┤" in line]
    assert len(ladder) >= 8
    assert ladder == [line for line in again if "├" in line or "┤" in line]
    assert [line for line in live if "✓" in line] == [line for line in again if "✓" in line]


def test_on_a_terminal_it_is_coloured_and_as_wide_as_that(command: Command):
    command.write("case.yaml", TALKING + EXPECTED)
    arguments = ["-m", "wirelab", "run", "case.yaml"]
    environment = command.env | {"TERM": "xterm-256color"}
    environment.pop("COLUMNS", None)
    child: Any = pexpect.spawn(
        sys.executable,
        arguments,
        cwd=str(command.folder),
        env=environment,
        timeout=PATIENCE,
        dimensions=(40, 132),
    )
    child.expect(pexpect.EOF)
    out = child.before.decode()
    child.close()
    assert 0 == child.exitstatus
    assert "\x1b[32m" in out  # green, for what passed
    assert set(re.findall(r"\x1b[^m]*m", out)) == set(re.findall(r"\x1b\[[0-9;]*m", out))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out).replace("\r\n", "\n")
    assert re.search(r"\*SYN-SENT ├─ SYN seq=0 ─+▶│ +LISTEN", plain)
    assert 100 < max(map(_cells, plain.splitlines())) <= 132


def _cells(line: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in line)


def test_hostile_output_never_reaches_the_terminal(command: Command):
    client = CONNECT + JUNK + "wire.sendall(b'MSG \\x1b[2J\\xc2\\x9b31m\\xe2\\x80\\xae\\n')" + TALK
    played = command.play(TALKING + EXPECTED, client=client)
    again = command("judge", "kept", "--ladder")
    for text in (played.done.out, again.out):
        found = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert {"\n"} == found
        assert "⟨ESC⟩[2J" in text


@pytest.mark.parametrize(
    "words",
    [("schema",), ("doctor",), ("doctor", "--json"), ("run", "--list"), ("lint", "case.yaml"), ("--help",), ()],
    ids=" ".join,
)
def test_a_full_output_is_told_once(command: Command, words: tuple[str, ...]):
    command.write("case.yaml", TALKING)
    done = redirected(command, ">/dev/full", *words)
    assert (UNAVAILABLE, "") == (done.returncode, done.stdout)
    assert "wirelab: cannot write the output: No space left on device\n" == done.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_closed_output_is_nobody_looking(command: Command, closed: str):
    command.write("case.yaml", TALKING + EXPECTED)
    done = redirected(command, closed, "run", "case.yaml", "-o", "kept")
    assert (0, "") == (done.returncode, done.stderr)
    assert "pass" == json.loads((command.folder / "kept" / "run.json").read_text("utf-8"))["judgement"]["verdict"]
    assert USAGE == redirected(command, closed, "run", "no-such-scenario").returncode
    assert USAGE == redirected(command, closed, "--nothing").returncode


def redirected(command: Command, how: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does that redirects its output."""
    argv = ["sh", "-c", f'exec "$@" {how}', "sh", *command.argv(*words)]
    return subprocess.run(
        argv, cwd=command.folder, env=command.env, capture_output=True, encoding="utf-8", timeout=PATIENCE, check=False
    )


def test_an_output_that_cannot_express_it_all(command: Command):
    scenario = command.write("case.yaml", TALKING)
    done = command("run", scenario, env={"PYTHONIOENCODING": "ascii"})
    assert (0, "") == (done.status, done.err)
    assert "? pass: test/case" in done.out


# --- a broken installation


@pytest.mark.parametrize(("name", "package"), [("msgspec", "msgspec"), ("wcwidth", "wcwidth"), ("yaml", "PyYAML")])
def test_a_package_that_is_missing_is_named_with_its_remedy(command: Command, name: str, package: str):
    command.write("x.yaml", TALKING + EXPECTED)
    code = f"import sys; sys.modules[{name!r}] = None; from wirelab.edge.cli import main; sys.exit(main(['lint', 'x.yaml']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=command.folder,
        env=command.env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert UNAVAILABLE == done.returncode
    assert "Traceback" not in done.stderr
    assert f"-m pip install {package}\n" in done.stderr
