"""``wirelab run --watch``: plays again on save, tells what changed, ends on Ctrl-C and leaves nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.edge.command import PATIENCE, Command, until
from wirelab.base.texts import Text
from wirelab.compose import kit
from wirelab.edge import watching
from wirelab.edge.running import Options
from wirelab.judge.findings import finding
from wirelab.judge.verdict import CheckResult, Finding, Judgement, Said, Verdict
from wirelab.present.change import changes

SCENARIO = "messaging/one-line"
RIGHT = kit.reference_program("client").read_text(encoding="utf-8")
WRONG = RIGHT.replace('b"MSG "', 'b"MSG ?"')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def save(path: Path, text: str) -> None:
    """Write a file as an editor does: in a new file that takes its place, with a time of its own."""
    part = path.with_name(path.name + "~")
    part.write_text(text, encoding="utf-8")
    stamp = time.time_ns() + save.count  # type: ignore[attr-defined]
    save.count += 1_000_000  # type: ignore[attr-defined]
    os.utime(part, ns=(stamp, stamp))
    part.replace(path)


save.count = 0  # type: ignore[attr-defined]


@contextmanager
def running(command: Command, *words: str | Path) -> Iterator[pexpect.spawn[str]]:
    """A command on a terminal, that is closed in the end; nothing may be left then."""
    argv = command.argv(*words)
    child = pexpect.spawn(
        argv[0],
        argv[1:],
        cwd=str(command.folder),
        env=command.env,
        encoding="utf-8",
        timeout=PATIENCE,
        dimensions=(50, 160),
    )
    try:
        yield child
    finally:
        child.close(force=True)
    command.gone()


@pytest.fixture
def watched(folder: Path) -> Iterator[tuple[Command, pexpect.spawn[str]]]:
    command = Command(folder)
    save(folder / "mine.py", WRONG)
    with running(command, "run", SCENARIO, "--client", "python3 mine.py", "--watch", "--quiet") as child:
        yield command, child


def test_a_save_plays_again_and_tells_what_changed(watched: tuple[Command, pexpect.spawn[str]]) -> None:
    command, child = watched
    child.expect("fail: messaging/one-line")
    child.expect("save one to play again")
    save(command.folder / "mine.py", RIGHT)
    child.expect("mine.py was saved")
    child.expect("pass: messaging/one-line")
    child.expect("since the last run:")
    child.expect("passes now: messaging/one-line: alice messages")
    child.expect("save one to play again")
    save(command.folder / "helper.py", "x = 1\n")
    child.expect("helper.py was saved")
    child.expect("has changed|fail as before")
    child.expect("save one to play again")
    save(command.folder / "mine.py", "print('no'")
    child.expect("fails now: messaging/one-line")
    child.expect("save one to play again")
    child.kill(signal.SIGINT)
    child.expect(pexpect.EOF)
    child.wait()
    assert 1 == child.exitstatus, "the status of the last run"


def test_a_scenario_with_a_mistake_is_said_and_watched_on(folder: Path) -> None:
    command = Command(folder)
    save(folder / "mine.py", RIGHT)
    text = (kit.scenarios_root() / f"{SCENARIO}.yaml").read_text(encoding="utf-8")
    (folder / "messaging").mkdir()
    case = folder / "messaging" / "one-line.yaml"
    save(case, text.replace("script:", "scirpt:"))
    with running(command, "run", case, "--client", "python3 mine.py", "--watch", "--quiet") as child:
        child.expect("unknown key 'scirpt'")
        child.expect("save one to play again")
        save(case, text)
        child.expect("pass: messaging/one-line")
        child.expect("save one to play again")
        child.kill(signal.SIGINT)
        child.expect(pexpect.EOF)
        child.wait()
        assert 0 == child.exitstatus


def test_a_pattern_that_takes_for_ever_is_said_and_watched_on(folder: Path) -> None:
    command = Command(folder)
    save(folder / "mine.py", RIGHT.replace("Connected to", f"{'a' * 90}b Connected to"))
    text = (kit.scenarios_root() / f"{SCENARIO}.yaml").read_text(encoding="utf-8")
    (folder / "messaging").mkdir()
    case = folder / "messaging" / "one-line.yaml"
    slow = "until: Connected to}\n  - {alice: shows, pattern: '(?:a|aa)+$'}"
    save(case, text.replace("until: Connected to}", slow))
    with running(command, "run", case, "--client", "python3 mine.py", "--watch", "--quiet") as child:
        child.expect("was not done with")
        child.expect("save one to play again")
        save(case, text)
        child.expect("pass: messaging/one-line")


def test_a_folder_of_scenarios_is_watched_and_what_is_deleted_is_not_called_saved(folder: Path) -> None:
    command = Command(folder)
    save(folder / "mine.py", RIGHT)
    root = folder / "own" / "scenarios"
    (root / "messaging").mkdir(parents=True)
    text = (kit.scenarios_root() / f"{SCENARIO}.yaml").read_text(encoding="utf-8")
    save(root / "messaging" / "one-line.yaml", text)
    extra = root / "messaging" / "another.yaml"
    save(extra, text.replace("messaging/one-line", "messaging/another"))
    with running(command, "run", "own/scenarios", "--client", "python3 mine.py", "--watch", "--quiet") as child:
        child.expect("2 scenarios: 2 pass")
        child.expect("save one to play again")
        extra.unlink()
        child.expect("another.yaml was deleted, moved or renamed")
        child.expect("pass: messaging/one-line")
        child.expect("save one to play again")
        save(root / "messaging" / "one-line.yaml", text.replace("script:", "scirpt:"))
        child.expect("one-line.yaml was saved")
        child.expect("unknown key 'scirpt'")


def test_what_a_build_writes_is_not_taken_for_saved(folder: Path) -> None:
    """Also where it fails: the program is its product, and lies beside its source."""
    command = Command(folder)
    (folder / "sub").mkdir()
    save(folder / "sub" / "client.src", RIGHT)
    toml = 'client = "python3 client.py"\nbuild = "cp client.src client.py%s"\n'
    save(folder / "sub" / "wirelab.toml", toml % " && exit 3")
    with running(command, "run", "1-messaging", "sub", "--only", SCENARIO, "--watch", "--quiet") as child:
        child.expect("save one to play again")
        save(folder / "sub" / "wirelab.toml", toml % "")
        assert 0 == child.expect(["wirelab.toml was saved", "client.py was saved"])
        child.expect("pass: messaging/one-line")
        child.expect("save one to play again")
        save(folder / "sub" / "wirelab.toml", toml % " ")
        assert 0 == child.expect(["wirelab.toml was saved", "client.py was saved"])


def test_what_is_saved_during_a_build_is_played(folder: Path) -> None:
    """And a build that writes over what somebody saved is not played for ever."""
    command = Command(folder)
    (folder / "sub").mkdir()
    os.mkfifo(folder / "go")
    source = folder / "sub" / "client.py"
    save(source, RIGHT)
    save(folder / "sub" / "wirelab.toml", 'client = "python3 client.py"\nbuild = "sh build.sh"\n')
    save(folder / "sub" / "build.sh", "! rm ../wait || read line < ../go\ntest ! -e ../over || echo >> client.py\n")
    with running(command, "run", "1-messaging", "sub", "--only", SCENARIO, "--watch", "--quiet") as child:
        child.expect("save one to play again")
        (folder / "wait").touch()
        save(source, RIGHT)
        child.expect("client.py was saved")
        child.expect("building: sh build.sh")
        assert until(lambda: not (folder / "wait").exists(), PATIENCE), "the build waits"
        save(source, WRONG)
        (folder / "go").write_text("\n", encoding="utf-8")
        child.expect("fails now: messaging/one-line")
        child.expect("client.py was saved")
        child.expect("save one to play again")
        (folder / "over").touch()
        save(source, RIGHT)
        for _ in range(3):
            child.expect("client.py was saved")
            child.expect("save one to play again")
        save(folder / "sub" / "helper.py", "x = 1\n")
        assert 0 == child.expect(["helper.py was saved", "client.py was saved"])


def test_all_that_was_saved_is_known_to_be_somebody_s_and_saved_in_two_builds_it_is_played_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no more: each build might write over it."""
    one, two, other = folder / "a.py", folder / "b.py", folder / "c.py"
    now = {path: (0, 0) for path in (one, two, other)}
    builds = iter([{one}, {one, two}, {one, two, other}, {one, two}, {one, two}, set()])
    saves = iter([{one, two}, {one}])
    told: list[tuple[bool, set[Path]]] = []  # was it saved during the build? which?

    def write(files: set[Path]) -> None:
        now.update({path: (now[path][0] + 1, 0) for path in files})

    def play(options: Options) -> int:
        write(next(builds))
        options.built()
        return 0

    def change(_folders: object, _fixed: object, before: watching.State) -> set[Path]:
        during = watching._differ(before, now)
        if not during:
            files = next(saves, None)
            if files is None:
                raise KeyboardInterrupt
            write(files)
        told.append((bool(during), watching._differ(before, now)))
        return told[-1][1]

    monkeypatch.setattr(watching, "_state", lambda *_: dict(now))
    monkeypatch.setattr(watching, "_change", change)
    assert 0 == watching.watch(play, Options("en"), [str(folder)])
    assert [(False, {one, two}), (True, {one, two}), (True, {one, two}), (False, {one}), (True, {one})] == told


def test_a_file_that_came_and_went_was_not_saved(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "a.py"
    states = iter([{file: (1, 1), folder / "tmp.py": (1, 1)}, *[{file: (1, 1)}] * 3])
    last = {file: (2, 1)}
    monkeypatch.setattr(watching, "_state", lambda *_: next(states, last))
    assert {file} == watching._change([folder], [], {file: (1, 1)})


@pytest.mark.parametrize("words", [["a.yaml"], ["lab", "mine"], ["heartbeat/basic"], ["x" * 300]])
def test_what_is_given_is_watched_and_protocols_beside_a_scenario(
    folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(folder)
    for name in ("a.yaml", "client.py"):
        (folder / name).touch()
    for name in ("lab", "mine", "protocols"):
        (folder / name).mkdir()
    given = [Path(word) for word in words if len(word) < 300 and Path(word).exists()]
    beside = [folder / "protocols"] * bool(given)
    roots = watching._roots({"client": f"python3 client.py {'x' * 300}"}, words)
    assert [*given, *beside, Path("client.py"), Path()] == roots


@pytest.mark.parametrize("given", ["messaging", "messaging/one-line.yaml"])
def test_a_scenario_s_protocols_are_watched_wherever_they_are_looked_for(folder: Path, given: str) -> None:
    root = folder / "scenarios"
    for name in ("messaging/protocols", "protocols"):
        (root / name).mkdir(parents=True)
    (root / "messaging" / "one-line.yaml").touch()
    wanted = [root / given, root / "messaging" / "protocols", root / "protocols"]
    assert wanted == watching._roots({}, [str(root / given)])


def test_a_file_that_is_given_is_watched_though_its_folder_is_not(folder: Path) -> None:
    case = folder / "case.yaml"
    case.touch()
    (root,) = watching._roots({"client": "/bin/true"}, [str(case)])
    before = watching._state([], [root])
    save(case, "x")
    assert {case} == watching._change([], [root], before)


def test_what_cannot_be_watched_is_said(folder: Path) -> None:
    command = Command(folder)
    done = command("run", SCENARIO, "--client", "true", "--watch")
    assert 64 == done.status
    assert f"nothing to watch: nothing in `{SCENARIO} true` is a file or a folder" in done.err
    done = command("run", SCENARIO, "--client", "true", "--watch", "--json")
    assert 64 == done.status
    assert "--json" in done.err


def test_of_a_whole_disk_only_so_many_folders_are_looked_through(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_FOLDERS", 3)
    for name in "abcdef":
        (folder / name).mkdir()
        (folder / name / "x.py").touch()
    assert [folder / "a" / "x.py", folder / "b" / "x.py"] == watching._sources(folder)


def test_what_is_written_all_the_time_is_played_all_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SETTLES", 0.3)
    counts = iter(range(10**9))
    monkeypatch.setattr(watching, "_state", lambda *_: {folder / "log.py": (next(counts), 1)})
    assert {folder / "log.py"} == watching._change([folder], [], {})


def test_a_file_that_is_still_written_is_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by a twentieth of a second with every look."""
    file = folder / "a.py"
    seen: list[watching.State] = []
    written = 20  # looks

    def state(*_: object) -> watching.State:
        seen.append({file: (1, min(len(seen), written))})
        return seen[-1]

    class Looks:
        def __init__(self, seconds: float) -> None:
            self._until = len(seen) + round(seconds * 20)

        after = classmethod(lambda cls, seconds: cls(seconds))
        passed = property(lambda self: len(seen) >= self._until)

    monkeypatch.setattr(watching, "_state", state)
    monkeypatch.setattr(watching, "Deadline", Looks)
    monkeypatch.setattr(watching, "EVERY", 0.0)
    assert {file} == watching._change([folder], [], {file: (0, 0)})
    assert written + 1 + round(watching.QUIET * 20) == len(seen)


def test_what_a_broken_off_round_did_not_reach_is_compared_with_the_round_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """a passes and b fails; then only a is played; then both as at first: nothing has changed."""

    def judged(name: str, verdict: Verdict) -> Judgement:
        findings = (finding("WL601", "alice"),) if verdict is Verdict.FAIL else ()
        check = CheckResult("exits", "alice", 1, "", verdict, Said(Text("-", "-")), findings)
        return Judgement(name, (check,), verdict)

    rounds = iter([("a", "b"), ("a",), ("a", "b")])
    verdicts = {"a": Verdict.PASS, "b": Verdict.FAIL}

    def play(options: Options) -> int:
        for name in next(rounds):
            options.told(judged(name, verdicts[name]))
        return 1

    waits = iter([folder / "x.py", folder / "x.py"])

    def change(*_: object) -> set[Path]:
        file = next(waits, None)
        if file is None:
            raise KeyboardInterrupt
        return {file}

    monkeypatch.setattr(watching, "_change", change)
    assert 1 == watching.watch(play, Options("en"), [str(folder)])
    told = capsys.readouterr().out
    assert 1 == told.count("since the last run nothing has changed"), "after the round that reached a alone"
    assert 1 == told.count("1 checks fail as before")
    assert "not played before" not in told


def test_only_sources_are_watched(folder: Path) -> None:
    for name in ("client.c", "Makefile", "client", "client.o", ".git/config.py", "node_modules/x.js", "sub/deep.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    found = [str(path.relative_to(folder)) for path in watching._sources(folder)]
    assert ["Makefile", "client.c", "sub/deep.py"] == sorted(found)


def test_checks_of_one_name_and_actor_are_told_apart_and_new_ones_that_pass_are_not_told() -> None:
    def judged(*verdicts: Verdict) -> dict[str, Judgement]:
        checks = [
            CheckResult(
                "shows",
                "alice",
                1,
                "",
                each,
                Said(Text("-", "-")),
                (finding("WL601", "alice"),) * (each is Verdict.FAIL),
            )
            for each in verdicts
        ]
        return {"a/b": Judgement("a/b", tuple(checks), Verdict.FAIL)}

    good, bad = Verdict.PASS, Verdict.FAIL
    title = "since the last run:"
    assert [title, "  - fails now: a/b: alice shows 2 (WL601)"] == changes(
        judged(good, good), judged(good, bad), "en", colour=False
    )
    assert [title, "  - fails now: a/b: alice shows 2 (WL601)"] == changes(
        judged(good), judged(good, bad), "en", colour=False
    )
    assert [title, "  ? could not be decided now: a/b: alice shows 2"] == changes(
        judged(good), judged(good, Verdict.INCONCLUSIVE), "en", colour=False
    )
    assert [title, "  + fails no more: a/b: alice shows 2"] == changes(
        judged(good, bad), judged(good), "en", colour=False
    )
    assert ["since the last run nothing has changed"] == changes(judged(good, good), judged(good), "en", colour=False)
    assert ["since the last run nothing has changed"] == changes(judged(good), judged(good, good), "en", colour=False)


def test_changes_are_told_check_by_check() -> None:
    def judged(verdict: Verdict, *findings: Finding) -> dict[str, Judgement]:
        said = Said(Text("-", "-"))
        check = CheckResult("teardown", "alice", 1, "", verdict, said, findings)
        always = CheckResult("exits", "alice", 1, "", Verdict.FAIL, said, (finding("WL601", "alice"),))
        return {"a/b": Judgement("a/b", (check, always), Verdict.FAIL)}

    before = judged(Verdict.PASS)
    after = judged(Verdict.FAIL, finding("WL502", "alice"))
    other = judged(Verdict.FAIL, finding("WL503", "alice"))
    same = "  1 checks fail as before"
    assert ["since the last run:", same] == changes(before, before, "en", colour=False)
    broken = ["since the last run:", "  - fails now: a/b: alice teardown (WL502)", same]
    assert broken == changes(before, after, "en", colour=False)
    assert "  + 现在通过：a/b：alice teardown" in changes(after, before, "zh", colour=False)
    told = changes(after, other, "en", colour=False)
    assert "  ~ fails otherwise: a/b: alice teardown (WL502, now WL503)" in told
    assert "  ? could not be decided now: a/b: alice teardown" in changes(
        before, judged(Verdict.INCONCLUSIVE), "en", colour=False
    )
    assert "  * passes, not played before: a/b: alice teardown" in changes({}, before, "en", colour=False)
    assert "  - fails now: a/b: alice teardown (WL502)" in changes({}, after, "en", colour=False)
    assert ["since the last run nothing has changed"] == changes({}, {}, "en", colour=False)
