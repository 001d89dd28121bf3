"""The files that come of grading: each is there, for one and for all, and what they show of a run is bounded."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.frames import frames
from tests.judge import runs
from tests.present import grades as samples
from tests.wire import dialogue
from wirelab.base.errors import InputError
from wirelab.compose import labs, preparation, records, results
from wirelab.compose.artifacts import Run
from wirelab.judge.grades import Grade, Student
from wirelab.judge.points import score
from wirelab.observe.evidence import Event
from wirelab.observe.messages import Profile
from wirelab.observe.pcap import write_pcap
from wirelab.observe.pcapng_writer import write_pcapng
from wirelab.observe.segments import RAW_IP
from wirelab.present.exports.junit import junit
from wirelab.present.exports.moodle import moodle_gradebook
from wirelab.present.exports.results import results_json

ROOT = Path(__file__).resolve().parents[2]
LINES = 1000
FLOOD = "\n".join(f'alice > s "MSG {number}\\n"\ns > alice ACK' for number in range(LINES))


def run(wire: str, *events: Event) -> Run:
    script = runs.scenario()
    profile: Profile = runs.profile_of(script)
    return Run(script, "", profile, runs.evidence(script, wire, *events))


def test_what_is_shown_of_a_run():
    found = results.shown(run(runs.HELLO + runs.GOODBYE, runs.shown(1, "alice", "Connected to\r\nbye\r\n")), "en")
    assert ["Connected to", "bye"] == [line for line in found.terminals["alice"] if line]
    assert any("SYN" in line and "alice" in line for line in found.ladder)
    assert not any("\x1b" in line for line in found.ladder)


def test_a_flood_is_not_shown_to_its_end():
    told = runs.shown(1, "alice", "x\r\n" * LINES)
    found = results.shown(run(runs.HELLO + FLOOD + "\n" + runs.GOODBYE, told), "zh")
    assert results.MOST_LINES == len(found.terminals["alice"])
    assert len(found.ladder) <= 2 * results.MOST_LINES


def test_everybody_gets_all_files(tmp_path: Path):
    found = results.shown(run(runs.HELLO + runs.GOODBYE), "en")
    for grade in samples.CLASS:
        results.write_student(tmp_path, grade, {samples.BURST: found}, {"client": "python3 client.py"})
        folder = tmp_path / "students" / grade.student.key
        names = {path.name for path in folder.iterdir()}
        assert {"feedback.html", "feedback.md", "prairielearn.json"} <= names
        assert (grade.mark is not None) == ("gradescope.json" in names)
        assert grade.student.language == ("zh" if "分" in (folder / "feedback.md").read_text("utf-8") else "en")


def test_the_class_gets_all_files_and_one_row_each(tmp_path: Path):
    results.write_class_results(tmp_path, samples.LAB, samples.CLASS, "en")
    names = "gradebook.csv index.html junit.xml moodle.csv results.json summary.md".split()
    assert names == sorted(path.name for path in tmp_path.iterdir())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "gradebook.csv").read_text("utf-8-sig"))))
    assert ["ada", "li-lei", "eve", "bob", "mal"] == [row["key"] for row in rows]
    assert ["100", "0", ""] == [rows[at]["mark"] for at in (0, 3, 4)]
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_what_is_written_in_pieces_is_the_same_as_at_once(tmp_path: Path, count: int):
    grades = samples.CLASS[:count]
    results.write_class_results(tmp_path, samples.LAB, grades, "zh")
    assert results_json(samples.LAB, grades) == (tmp_path / "results.json").read_text("utf-8")
    assert junit(grades, language="zh") == (tmp_path / "junit.xml").read_text("utf-8")
    assert moodle_gradebook(grades).encode() == (tmp_path / "moodle.csv").read_bytes()


def test_packed_grades_are_what_they_were():
    packed = results.Grades(samples.CLASS)
    assert list(samples.CLASS) == list(packed)
    assert (len(samples.CLASS), samples.CLASS[-1], list(samples.CLASS[1:3])) == (len(packed), packed[-1], packed[1:3])
    assert [samples.CLASS[3], samples.CLASS[0]] == list(packed.in_order(["bob", "ada"]))
    assert (True, False) == (packed.knows("eve"), packed.knows("nobody"))
    assert not results.Grades()


def test_written_again_they_are_the_same(tmp_path: Path):
    for folder in ("a", "b"):
        results.write_class_results(tmp_path / folder, samples.LAB, samples.CLASS, "zh")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_folder_that_takes_nothing(tmp_path: Path):
    (tmp_path / "students").write_text("a file", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        results.write_student(tmp_path, samples.CLASS[0], {}, {})


def test_who_handed_in_the_same_program_is_pointed_out(tmp_path: Path):
    """But for names and comments. The lab's own starter is nobody's."""
    program = (ROOT / "reference" / "client.py").read_text(encoding="utf-8")
    starter = (ROOT / "labs" / "2-heartbeat" / "starter" / "client.py").read_text(encoding="utf-8")
    lab = labs.load(labs.found("2-heartbeat"), hidden=True).lab
    handed_in = {"ann": program, "bob": program.replace("sock", "plug") + "# mine\n", "eve": starter, "joe": starter}
    grades = []
    for key, text in handed_in.items():
        folder = tmp_path / "files" / key
        folder.mkdir(parents=True)
        (folder / "client.py").write_text(text, encoding="utf-8")
        student = Student(key, key.title())
        record = records.Submission(student, key, {}, prints=preparation.prints(folder))
        records.write_submission(tmp_path / records.STUDENTS / key, record)
        grades.append(Grade(student, lab, score(lab.rubric, {})))
    results.write_class_results(tmp_path, lab, grades, "en")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    section = page[page.index("The same programs (1)") :]
    section = section[: section.index("</section>")]
    assert ["Ann", "Bob"] == [name for name in ("Ann", "Bob", "Eve", "Joe") if name in section]


HANDSHAKE = r"""
c > s SYN
s > c SYN,ACK
c > s ACK
c > s "MSG hi\n"
"""


def test_who_handed_in_the_same_conversation_is_pointed_out(tmp_path: Path):
    """Whatever the file is called, its format, its times and what was cut off."""
    lab = labs.load(labs.found("2-heartbeat"), hidden=True).lab
    own = frames(dialogue(HANDSHAKE, isn={"c": 77, "s": 4_000_000_000}))
    other = frames(dialogue(HANDSHAKE, isn={"c": 77, "s": 4_000_000_001}))
    handed_in = {
        "ann": ("lab.pcapng", write_pcapng(own, RAW_IP, application="Wireshark")),
        "bob": ("mine.PCAP", write_pcap([packet._replace(time=5) for packet in own[:2]], RAW_IP)),
        "eve": ("lab.pcapng", write_pcapng(other, RAW_IP, application="Wireshark")),
        "joe": ("lab.pcapng", b"no capture at all"),
    }
    grades = []
    for key, (name, content) in handed_in.items():
        folder = tmp_path / "files" / key
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        student = Student(key, key.title())
        record = records.Submission(student, key, {}, prints=preparation.prints(folder))
        records.write_submission(tmp_path / records.STUDENTS / key, record)
        grades.append(Grade(student, lab, score(lab.rubric, {})))
    results.write_class_results(tmp_path, lab, grades, "en")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    section = page[page.index("The same captures (1)") :]
    section = section[: section.index("</section>")]
    assert ["Ann", "Bob"] == [name for name in ("Ann", "Bob", "Eve", "Joe") if name in section]
    assert "The same programs" not in page
