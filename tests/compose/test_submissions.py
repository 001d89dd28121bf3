"""Which programs a folder holds: recognised as they lie there, or as wirelab.toml says; and clear words when neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirelab.base.errors import InputError, UsageError
from wirelab.compose.submissions import find_programs
from wirelab.observe.evidence import Role


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("names", "command", "build"),
    [
        (["client.py"], "python3 client.py", ()),
        (["Client.PY"], "python3 Client.PY", ()),
        (["src/client.py", "src/util.py"], "python3 src/client.py", ()),
        (["Client.java"], "java Client", ("javac -encoding UTF-8 Client.java",)),
        (["code/Client.java"], "java -cp code Client", ("cd code && javac -encoding UTF-8 Client.java",)),
        (["client.c"], "./client", ("cc -O1 -g -pthread -o client client.c",)),
        (["my code/client.c"], "./'my code'/client", ("cd 'my code' && cc -O1 -g -pthread -o client client.c",)),
        (["client.c", "Makefile"], "./client", ("make",)),
        (["main.c", "makefile"], "./client", ("make",)),
        (["client.js"], "node client.js", ()),
        (["client.rs"], "./client", ("rustc -O -o client client.rs",)),
        (["client.go"], "./client", ("go build -o client client.go",)),
        (["client.py", "old/client.py"], "python3 client.py", ()),
        (["client.py", "__pycache__/client.py", ".git/client.py"], "python3 client.py", ()),
        (["client.py", "server.py"], "python3 client.py", ()),
    ],
)
def test_programs_are_recognised(tmp_path: Path, names: list[str], command: str, build: tuple[str, ...]):
    found = find_programs(files(tmp_path, *names), ["client"])
    assert ({"client": command}, build) == (found.commands, found.build)


def test_both_roles_and_each_build_once(tmp_path: Path):
    found = find_programs(files(tmp_path, "client.c", "server.c", "Makefile"), ["client", "server"])
    assert ({"client": "./client", "server": "./server"}, ("make",)) == (found.commands, found.build)


def test_settings_win(tmp_path: Path):
    files(tmp_path, "client.py", "a.py")
    (tmp_path / "wirelab.toml").write_text('client = "python3 a.py"\nbuild = "make all"\n', encoding="utf-8")
    found = find_programs(tmp_path, ["client"])
    assert ({"client": "python3 a.py"}, ("make all",)) == (found.commands, found.build)


@pytest.mark.parametrize("role", ["client", "server"])
def test_nothing_that_fits_is_told_with_what_was_looked_for_and_found(tmp_path: Path, role: Role):
    with pytest.raises(UsageError) as raised:
        find_programs(files(tmp_path, "lab2.py", "deep/er/client.py"), [role])
    said = raised.value.text("en")
    assert f"there is no {role}" in said
    assert f"{role}.py, {role}.java, {role}.c" in said
    assert "found: lab2.py" in said
    assert f'{role} = "python3 my_program.py"' in said


def test_more_than_one_is_told_with_all_of_them(tmp_path: Path):
    with pytest.raises(UsageError) as raised:
        find_programs(files(tmp_path, "client.py", "Client.java"), ["client"])
    assert "Client.java, client.py" in raised.value.text("en")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("client = 3\n", "'client' must be a command in quotes, found 3"),
        ('clinet = "x"\n', "unknown key 'clinet'"),
        ('client = "x\n', "wirelab.toml: "),
        ('client = ""\n', "must be a command"),
    ],
)
def test_mistakes_in_settings_are_told(tmp_path: Path, text: str, words: str):
    (tmp_path / "wirelab.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        find_programs(tmp_path, ["client"])
    assert words in raised.value.text("en")


def test_no_folder(tmp_path: Path):
    with pytest.raises(InputError):
        find_programs(tmp_path / "none", ["client"])
