"""Finding scenarios and profiles: by file, folder, name and topic; and what somebody is told who asks for another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wirelab.base.errors import AuthorError, InputError, UsageError
from wirelab.base.texts import LANGUAGES
from wirelab.compose import kit, library

ONE_LINE = kit.scenarios_root() / "messaging" / "one-line.yaml"
OWN = """\
protocol: {name}
framing: {{kind: line, limit: 77}}
messages:
  - {{name: message, from: client, pattern: 'SAY (?P<text>.*)', template: 'SAY {{text}}'}}
"""


def test_the_kit_names_its_scenarios_and_no_protocol():
    names = library.names()
    assert sorted(names) == names
    assert {"messaging/one-line", "heartbeat/answers-while-typing"} <= set(names)
    assert not [name for name in names if name.startswith("protocols/")]


def test_a_scenario_is_found_by_name_by_file_and_by_topic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert [ONE_LINE] == library.find(["messaging/one-line"])
    assert [ONE_LINE] == library.find(["messaging/one-line.yaml"])
    assert [ONE_LINE] == library.find([str(ONE_LINE)])
    assert sorted(ONE_LINE.parent.glob("*.yaml")) == library.find(["messaging"])
    assert [ONE_LINE, ONE_LINE] == library.find(["messaging/one-line", str(ONE_LINE)])


def test_a_file_here_comes_before_a_name_of_the_kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "messaging").mkdir()
    mine = Path("messaging", "one-line.yaml")
    mine.write_text("mine", encoding="utf-8")
    assert [mine] == library.find(["messaging/one-line.yaml"])
    assert [mine] == library.find(["messaging"])


def test_a_folder_gives_its_scenarios_but_not_its_protocols(tmp_path: Path):
    for name in ("b.yaml", "a.yaml", "deep/c.yaml", "protocols/p.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "deep" / "c.yaml"] == library.find([str(tmp_path)])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("messaging/one-lin", "did you mean 'messaging/one-line'?"),
        ("heartbeat/answer-while-typing.yaml", "did you mean 'heartbeat/answers-while-typing'?"),
        ("xyzzy", "there is no scenario 'xyzzy': neither a file nor a name;"),
        ("no\0where", "neither a file nor a name"),
    ],
)
def test_a_name_that_means_nothing_is_told_with_the_nearest(word: str, said: str):
    with pytest.raises(UsageError) as raised:
        library.find([word])
    assert said in str(raised.value)
    assert word in raised.value.text("zh")


def test_a_folder_without_scenarios_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match="no scenario in the folder"):
        library.find([str(tmp_path)])


def test_a_scenario_below_a_folder_scenarios_is_named_by_its_path(tmp_path: Path):
    text = ONE_LINE.read_text("utf-8")
    right = tmp_path / "scenarios" / "messaging" / "one-line.yaml"
    wrong = right.with_name("another.yaml")
    elsewhere = tmp_path / "anything.yaml"
    right.parent.mkdir(parents=True)
    for path in (right, wrong, elsewhere):
        path.write_text(text, encoding="utf-8")
    assert "messaging/one-line" == library.load(right).name == library.load(elsewhere).name
    with pytest.raises(AuthorError, match=r"another\.yaml:2:11: the scenario is called 'messaging/one-line' but"):
        library.load(wrong)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"scenario: \xe4\n", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None):
    path = tmp_path / "x.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        library.load(path)
    assert all("x.yaml" in raised.value.text(language) for language in LANGUAGES)


def test_line_ends_are_read_as_python_reads_them(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_bytes("心\r\nb\rc\n\nd".encode())
    assert path.read_text("utf-8") == library.read_text(path) == "心\nb\nc\n\nd"


def test_what_has_no_end_is_not_read(tmp_path: Path):
    with pytest.raises(InputError, match="not a regular file"):
        library.read_text(Path("/dev/zero"))
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="not a regular file"):
        library.read_text(pipe)
    path = tmp_path / "x.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(AuthorError, match=r"x\.yaml:1:1: the file is longer than 1000000 characters"):
        library.read_text(path)


def test_a_folder_is_no_scenario_file(tmp_path: Path):
    with pytest.raises(InputError, match="directory"):
        library.load(tmp_path)


def scenario(folder: Path, protocol: str) -> Path:
    path = folder / "mine.yaml"
    text = ONE_LINE.read_text("utf-8").replace("tests: client\n", f"tests: client\nprotocol: {protocol}\n")
    path.write_text(text, encoding="utf-8")
    return path


def test_a_scenario_without_a_profile_of_its_own_gets_the_kits(tmp_path: Path):
    path = scenario(tmp_path, "length")
    profile, text = library.profile_for(library.load(path), path)
    assert ("length", "length-prefix") == (profile.name, profile.framing.kind)
    assert kit.protocol_text("length")[0] == text


@pytest.mark.parametrize("name", ["line", "own"])
def test_a_profile_beside_the_scenario_or_above_it_wins(tmp_path: Path, name: str):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / f"{name}.yaml").write_text(OWN.format(name=name), encoding="utf-8")
    (tmp_path / "topic").mkdir()
    for folder in (tmp_path, tmp_path / "topic"):
        path = scenario(folder, name)
        profile, text = library.profile_for(library.load(path), path)
        assert (name, 77) == (profile.name, profile.framing.limit)
        assert OWN.format(name=name) == text


def test_the_nearest_profile_wins(tmp_path: Path):
    for folder, limit in ((tmp_path, "77"), (tmp_path / "topic", "88")):
        (folder / "protocols").mkdir(parents=True)
        own = OWN.format(name="own").replace("77", limit)
        (folder / "protocols" / "own.yaml").write_text(own, encoding="utf-8")
    path = scenario(tmp_path / "topic", "own")
    assert 88 == library.profile_for(library.load(path), path)[0].framing.limit


def test_a_profile_that_is_nowhere_is_told_where_it_is_asked_for(tmp_path: Path):
    path = scenario(tmp_path, "lenght")
    with pytest.raises(AuthorError) as raised:
        library.profile_for(library.load(path), path)
    assert (
        f"{path}:5:11: there is no protocol profile 'lenght' (did you mean 'length'?); known: bare, length, line"
        == str(raised.value)
    )
    assert "length" in raised.value.text("zh")


def test_a_profile_with_mistakes_is_told_with_its_own_place(tmp_path: Path):
    (tmp_path / "protocols").mkdir()
    broken = tmp_path / "protocols" / "own.yaml"
    broken.write_text("protocol: own\nframing: {kind: lines}\nmessages: []\n", encoding="utf-8")
    path = scenario(tmp_path, "own")
    with pytest.raises(AuthorError) as raised:
        library.profile_for(library.load(path), path)
    assert f"{broken}:2:17" == str(raised.value.problems[0].place)


def test_an_unrelated_folder_of_a_topics_name_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "messaging").mkdir()
    monkeypatch.chdir(tmp_path)
    assert {"messaging"} == {path.parent.name for path in library.find(["messaging"])}
    assert all(path.is_absolute() for path in library.find(["messaging"]))


def test_a_profile_far_above_a_scenario_is_not_its_own(tmp_path: Path):
    stray = tmp_path / "protocols" / "line.yaml"
    stray.parent.mkdir()
    stray.write_text("not a profile", encoding="utf-8")
    folder = tmp_path / "a" / "scenarios" / "messaging"
    folder.mkdir(parents=True)
    path = folder / "one-line.yaml"
    path.write_text(library.find(["messaging/one-line"])[0].read_text(encoding="utf-8"), encoding="utf-8")
    profile, _ = library.profile_for(library.load(path), path)
    assert "line" == profile.name


def test_an_expectation_about_messages_that_the_profile_lacks_is_a_mistake(tmp_path: Path):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "mute.yaml").write_text(
        "protocol: mute\nframing: {kind: line}\nmessages:\n"
        "  - {name: message, from: client, pattern: '(?P<text>.*)', template: '{text}'}\n",
        encoding="utf-8",
    )
    path = tmp_path / "case.yaml"
    path.write_text(
        "scenario: case\ntitle: {en: a, zh: b}\ntests: client\nprotocol: mute\n"
        "cast: {server: {role: server}, alice: {role: client}}\n"
        "script: [{start: server}, {start: alice}]\nexpect:\n  - {heartbeat: alice}\n",
        encoding="utf-8",
    )
    with pytest.raises(AuthorError, match=r"case\.yaml:8: the expectation 'heartbeat'"):
        library.profile_for(library.load(path), path)


@pytest.mark.parametrize(
    ("protocol", "encoding", "text"),
    [
        ("{kind: line}", "utf-8", '"a\\nb"'),
        ("{kind: line, limit: 6}", "utf-8", "[fine, long enough]"),
        ("{kind: length-prefix, width: 1}", "utf-8", "x" * 256),
        ("{kind: none}", "latin-1", "中文"),
    ],
)
def test_what_a_peer_is_to_send_and_the_protocol_cannot_carry_is_a_mistake(
    tmp_path: Path, protocol: str, encoding: str, text: str
):
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / "own.yaml").write_text(
        f"protocol: own\nencoding: {encoding}\nframing: {protocol}\nmessages:\n"
        "  - {name: message, from: client, pattern: 'M (?P<text>.*);', template: 'M {text};', example: {text: a}}\n",
        encoding="utf-8",
    )
    path = tmp_path / "case.yaml"
    path.write_text(
        "scenario: case\ntitle: {en: a, zh: b}\ntests: client\nprotocol: own\n"
        "cast: {server: {role: server, peer: true}, alice: {role: client}}\nscript:\n  - {start: server}\n"
        f"  - {{server: sends, text: M fi;}}\n  - {{server: sends, text: {text}}}\n"
        f"  - {{server: sends, raw: {text if text[0] != '[' else 'x'}}}\n",
        encoding="utf-8",
    )
    with pytest.raises(AuthorError) as raised:
        library.profile_for(library.load(path), path)
    assert [9] == [problem.place.line for problem in raised.value.problems]
    assert "the protocol 'own' has no frame for" in str(raised.value)
    assert len(str(raised.value)) < 400
