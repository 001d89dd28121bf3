"""Whose program plays which actor, and what somebody is told whose command cannot be right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wirelab.base.errors import UsageError
from wirelab.base.texts import LANGUAGES
from wirelab.compose import kit
from wirelab.compose.programs import castings
from wirelab.declare.scenario import Scenario, parse_scenario

CAST = (
    "{server: {role: server}, alice: {role: client}, bob: {role: client, peer: true}, "
    "carol: {role: client, plays: reference}}"
)
ADDRESS = ("127.0.0.1", "12001")


def scenario(tests: str = "client") -> Scenario:
    text = f"scenario: t\ntitle: {{en: T, zh: 题}}\ntests: {tests}\ncast: {CAST}\nscript: [{{wait: 0}}]\n"
    return parse_scenario(text, "t.yaml")


def reference(role: str) -> tuple[str, ...]:
    return (sys.executable, str(kit.kit_root() / "reference" / f"{role}.py"), *ADDRESS)


def commands(tests: str, given: dict[str, str], folder: Path) -> dict[str, tuple[str, ...]]:
    found = castings(scenario(tests), given, folder)
    assert {str(folder)} == {casting.folder for casting in found.values()}
    # With which options the interpreter starts the reference is a matter of speed.
    return {
        name: tuple(word for word in casting.command if not (casting.reference and word.startswith("-")))
        for name, casting in found.items()
    }


def test_without_a_command_the_reference_plays_all_but_the_peers(tmp_path: Path):
    expected = {"server": reference("server"), "alice": reference("client"), "carol": reference("client")}
    assert expected == commands("client", {}, tmp_path)
    assert all(casting.reference for casting in castings(scenario(), {}, tmp_path).values())


def test_a_command_plays_what_is_tested(tmp_path: Path):
    found = commands("client", {"client": "./client --name 'a b'"}, tmp_path)
    assert ("./client", "--name", "a b", *ADDRESS) == found["alice"]
    assert reference("server") == found["server"]
    assert reference("client") == found["carol"]
    casting = castings(scenario(), {"client": "./client"}, tmp_path)
    assert {"alice": False, "server": True, "carol": True} == {name: item.reference for name, item in casting.items()}


def test_a_command_for_the_other_role_as_well_is_not_used(tmp_path: Path):
    found = commands("server", {"client": "./c", "server": "./s"}, tmp_path)
    assert ("./s", *ADDRESS) == found["server"]
    assert reference("client") == found["alice"]


def test_both_may_be_tested(tmp_path: Path):
    found = commands("both", {"client": "./c", "server": "./s"}, tmp_path)
    assert [("./s", *ADDRESS), ("./c", *ADDRESS)] == [found["server"], found["alice"]]
    assert reference("server") == commands("both", {"client": "./c"}, tmp_path)["server"]


@pytest.mark.parametrize("tests", ["client", "server"])
def test_a_command_for_a_role_that_is_not_tested_is_refused(tmp_path: Path, tests: str):
    other = "server" if tests == "client" else "client"
    with pytest.raises(UsageError) as raised:
        castings(scenario(tests), {other: "./x"}, tmp_path)
    assert f"the scenario t tests the {tests}; give its command with --{tests}" in str(raised.value)
    assert f"--{tests}" in raised.value.text("zh")


@pytest.mark.parametrize(
    ("command", "key", "said"),
    [
        ("./client 'a", "programs.quoting", "No closing quotation"),
        ("./client \\", "programs.quoting", "No escaped character"),
        ("", "programs.empty", "client"),
        ("   ", "programs.empty", "client"),
        ("python3 mine.py", "programs.no-file", "'mine.py'"),
        ("node sub/mine.js", "programs.no-file", "'sub/mine.js'"),
        ("java -jar mine.jar", "programs.no-file", "'mine.jar'"),
        *[(f"./a {word} ./b", "programs.shell", f"'{word}'") for word in "&& || ; | > < & 2>&1".split()],
        ("cd sub; ./client", "programs.shell", "'sub;'"),
        ("./a && ./b", "programs.shell", 'exec ./client "$@"\' sh'),
        ("FOO=1 python3 mine.py", "programs.variable", "env FOO=1 …"),
    ],
)
def test_a_command_that_cannot_be_right_is_refused(tmp_path: Path, command: str, key: str, said: str):
    with pytest.raises(UsageError) as raised:
        castings(scenario(), {"client": command}, tmp_path)
    assert key == raised.value.key
    assert all(said in raised.value.text(language) for language in LANGUAGES)


def test_a_source_file_is_looked_for_in_the_folder_of_the_command(tmp_path: Path):
    (tmp_path / "mine.py").touch()
    assert ("mine.py", *ADDRESS) == commands("client", {"client": "./run mine.py"}, tmp_path)["alice"][1:]
    absolute = str(tmp_path / "mine.py")
    assert absolute == commands("client", {"client": f"./run {absolute}"}, Path("/"))["alice"][1]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sh -c 'cd a && ./b; ./c > x'", ("sh", "-c", "cd a && ./b; ./c > x")),
        ("./python3 -c 'x=1;'", ("./python3", "-c", "x=1;")),
        ("sh -c 'python3 mine.py'", ("sh", "-c", "python3 mine.py")),
        ("env FOO=1 ./client a=b 'x; y'", ("env", "FOO=1", "./client", "a=b", "x; y")),
    ],
)
def test_a_shell_may_be_started_and_variables_be_set(tmp_path: Path, command: str, words: tuple[str, ...]):
    assert (*words, *ADDRESS) == commands("client", {"client": command}, tmp_path)["alice"]


def test_the_home_folder_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    found = commands("client", {"client": "~/run ~/mine.py a~/b"}, Path("/"))["alice"]
    assert (f"{tmp_path}/run", f"{tmp_path}/mine.py", "a~/b", *ADDRESS) == found


def test_what_only_looks_like_a_file_is_left_alone(tmp_path: Path):
    assert ("./a.py", *ADDRESS) == commands("client", {"client": "./a.py"}, tmp_path)["alice"]
    assert ("java", "Client", *ADDRESS) == commands("client", {"client": "java Client"}, tmp_path)["alice"]


@pytest.mark.parametrize("program", ["python", "python3"])
def test_a_version_managers_shim_is_passed_by(tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.py").touch()
    for folder in ("shims", "bin"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / program).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / folder / program).chmod(0o755)

    def first_word(path: str) -> str:
        monkeypatch.setenv("PATH", path)
        return commands("client", {"client": f"{program} mine.py"}, tmp_path)["alice"][0]

    assert program == first_word(str(tmp_path / "bin"))
    assert Path(first_word(str(tmp_path / "shims"))).samefile(sys.executable)
    assert Path(first_word(str(tmp_path / "nowhere"))).samefile(sys.executable)


def test_the_port_of_the_scenario_is_given(tmp_path: Path):
    text = scenario().text.replace("tests: client", "tests: client\nport: 13000")
    found = castings(parse_scenario(text, "t.yaml"), {}, tmp_path)
    assert {("127.0.0.1", "13000")} == {casting.command[-2:] for casting in found.values()}
