"""What the harness reads back of an observed program's notes: clean, bounded, and nothing left behind."""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirelab.base.clock import now_ns
from wirelab.observe.evidence import Called, SourceLine
from wirelab.stage import observer
from wirelab.stage.observer import Observer, Program, parse

INJECTED = observer.INJECTED / "sitecustomize.py"


# --- what is read back


@pytest.fixture
def watching() -> Iterator[Observer]:
    watching = Observer()
    yield watching
    watching.end()


PROGRAM = Program("alice", "", "/home/me/lab", 0)
GOOD = b"7\tT\tclose\t40000\t12001\t1\t5\t0\t9\tmain\t/home/me/lab/src/client.py"


def test_a_line_becomes_an_event():
    source = SourceLine("src/client.py", 9, "main")
    assert Called(7, "alice", "T", "close", 40000, 12001, source, 1, 5, 0) == parse(GOOD, PROGRAM)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        (0, b"-1"),
        (0, b"9" * 20),
        (2, b"open"),
        (3, b"65536"),
        (4, b""),
        (5, b"x"),
        (6, b"-5"),
        (8, "٣".encode()),
        (10, b""),
    ],
)
def test_a_line_with_a_field_that_cannot_be_is_passed_over(field: int, bad: bytes):
    fields = GOOD.split(b"\t")
    fields[field] = bad
    assert parse(b"\t".join(fields), PROGRAM) is None


@given(
    st.one_of(
        st.binary(),
        st.lists(st.one_of(st.binary(), st.sampled_from(GOOD.split(b"\t"))), min_size=11, max_size=11).map(b"\t".join),
        st.tuples(st.integers(0, 10), st.binary(max_size=700)).map(
            lambda change: b"\t".join(
                change[1] if at == change[0] else field for at, field in enumerate(GOOD.split(b"\t"))
            )
        ),
    )
)
def test_whatever_stands_there_nothing_that_a_terminal_obeys_comes_out(line: bytes):
    found = parse(line, PROGRAM)
    if found is not None:
        assert found.actor == "alice"
        for text in (found.thread, found.line.file, found.line.function):
            assert text.isprintable()
            assert len(text) <= observer.LONGEST


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("/home/me/lab/client.py", "client.py"),
        ("./client.py", "client.py"),
        ("/home/me/labs/client.py", "~/labs/client.py"),
        ("/usr/lib/python3/socketserver.py", "/usr/lib/python3/socketserver.py"),
        ("<string>", "<string>"),
    ],
)
def test_files_are_named_as_the_student_knows_them(monkeypatch: pytest.MonkeyPatch, file: str, shown: str):
    monkeypatch.setenv("HOME", "/home/me")
    fields = GOOD.split(b"\t")
    fields[10] = file.encode()
    found = parse(b"\t".join(fields), PROGRAM)
    assert found is not None
    assert shown == found.line.file


def note(time: int) -> bytes:
    return b"%d\t" % time + GOOD.partition(b"\t")[2] + b"\n"


def test_what_a_hostile_program_leaves_is_bounded_and_harmless(watching: Observer, tmp_path: Path):
    notes = Path(watching.environment("alice", "client", "/", {})[observer.VARIABLE])
    now = now_ns()
    os.mkfifo(notes / "0")
    (notes / "1").symlink_to(tmp_path)
    (notes / "2").mkdir()
    (notes / "3").write_bytes(b"\xff\n" + note(1) + note(now) + note(now + 10**15) + note(now)[:-9])
    for number in range(4, observer.FILES + 4):
        (notes / str(number)).write_bytes(note(now) * 10_000)
    found = watching.read()
    each = observer.BYTES // len(note(now))
    assert min(observer.MOST, 1 + (observer.FILES - 4) * each) == len(found)
    assert {now} == {called.time for called in found}
    watching.end()
    watching.end()
    assert not notes.parent.exists()
    assert [] == watching.read()


def test_what_a_run_left_that_was_killed_is_removed_by_the_next_and_no_others(watching: Observer):
    notes = Path(watching.environment("alice", "client", "/", {})[observer.VARIABLE])
    left = Path(tempfile.mkdtemp(prefix=observer.PREFIX, dir=notes.parent.parent))
    (left / "0").mkdir()
    (left / "0" / "0").write_bytes(GOOD)
    later = Observer()
    later.environment("bob", "client", "/", {})
    later.end()
    assert not left.exists()
    assert notes.exists()


def test_a_link_in_the_place_of_the_whole_folder_is_removed_and_not_followed(watching: Observer, tmp_path: Path):
    notes = Path(watching.environment("alice", "client", "/", {})[observer.VARIABLE])
    home, kept = notes.parent, tmp_path / "kept"
    kept.write_text("mine")
    left = home.with_name(home.name + "-left")  # of a run that was killed
    left.symlink_to(tmp_path)
    notes.rmdir()
    home.rmdir()
    home.symlink_to(tmp_path)
    watching.end()
    assert not home.is_symlink()
    later = Observer()
    later.environment("bob", "client", "/", {})
    later.end()
    assert not left.is_symlink()
    assert "mine" == kept.read_text()


def test_a_folder_that_was_swapped_for_a_link_is_not_followed(watching: Observer, tmp_path: Path):
    notes = Path(watching.environment("alice", "client", "/", {})[observer.VARIABLE])
    (tmp_path / "0").write_bytes(note(now_ns()))
    notes.rmdir()
    notes.symlink_to(tmp_path)
    assert [] == watching.read()
    watching.end()
    assert (tmp_path / "0").exists()


def test_environments_are_those_of_the_program_plus_two_variables(watching: Observer):
    given_ = {"PYTHONPATH": "lib", "HOME": "/home/me"}
    found = watching.environment("alice", "client", "/", given_)
    assert {"PYTHONPATH": "lib", "HOME": "/home/me"} == given_
    assert {"PYTHONPATH": f"{observer.INJECTED}:lib", "HOME": "/home/me"} == {
        name: value for name, value in found.items() if name != observer.VARIABLE
    }


# --- the two halves


def test_the_injected_half_agrees_with_this_one_and_can_be_read_by_old_pythons():
    source = INJECTED.read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            constants[node.targets[0].id] = ast.unparse(node.value)
    for name in ("VARIABLE", "AMPLIFY", "FILES", "BYTES", "LONGEST"):
        assert getattr(observer, name) == eval(constants[name]), name
    assert set(observer._CALLS) == set(ast.literal_eval(constants["CALLS"]).values())
    annotated = (ast.AnnAssign, ast.JoinedStr, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(tree) if isinstance(node, annotated)], "Python 2.7 could not read it"
