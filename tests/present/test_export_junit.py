"""JUnit XML, held against the structure that Jenkins' schema and GitLab's documentation have in common."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.present.grades import BURST, CLASS, EVE, HALF, LATE, LI, grade, run, unclear
from wirelab.judge.grades import Grade
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.present.exports.junit import junit

RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    # element: required attributes, further ones, children
    "testsuites": ({"name", "tests", "failures", "errors"}, {"time", "skipped"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped"}, {"time", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "classname"}, {"time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set(), set()),
    "error": ({"message", "type"}, set(), set()),
    "system-out": (set(), set(), set()),
}


def valid(text: str) -> ElementTree.Element:
    """The document, after a check of its structure and of its sums."""
    root = ElementTree.fromstring(text.encode())
    assert "testsuites" == root.tag
    for element in root.iter():
        required, further, children = RULES[element.tag]
        assert required <= set(element.attrib) <= required | further, element.attrib
        assert {child.tag for child in element} <= children
        if children:
            assert not (element.text or "").strip()
    for suite in root:
        cases = list(suite)
        assert str(len(cases)) == suite.get("tests")
        for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert str(sum(case.find(tag) is not None for case in cases)) == suite.get(attribute)
            assert all(len(case.findall(tag)) <= 1 for case in cases)
        assert float(suite.get("time", "")) >= 0
    for name in ("tests", "failures", "errors", "skipped"):
        assert str(sum(int(suite.get(name, "")) for suite in root)) == root.get(name)
    return root


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("for_students", [False, True])
def test_the_class_as_junit_is_sound(language, for_students):
    root = valid(junit(CLASS, language=language, for_students=for_students))
    names = [suite.get("name") for suite in root]
    assert ["Lovelace, Ada (ada)", "李雷 (li-lei)", "Bob (bob)", "Mal (mal)"] == [*names[:2], *names[3:]]
    assert "⟨ESC⟩" in str(names[2])
    counts = [(suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in root]
    assert [("6", "0", "0"), ("6", "2", "1"), ("6", "1", "0"), ("1", "1", "0"), ("5", "0", "5")] == counts


def test_wrong_behaviour_is_a_failure_and_the_machines_fault_an_error():
    suite = valid(junit([CLASS[1]], language="en"))[0]
    found = {f"{case.get('classname')} {case.get('name')}": case for case in suite}
    failure = found["messaging.one-line messages alice"].find("failure")
    assert failure is not None
    assert "WL201" == failure.get("type")
    assert "▌ alice: Traceback: boom" in str(failure.text)
    error = found["heartbeat.late heartbeat alice"].find("error")
    assert error is not None
    assert "WL901" == error.get("type")
    assert "run folder: runs/messaging/burst, tries: 1" in str(
        found["messaging.burst exits alice"].findtext("system-out")
    )


def test_students_see_of_hidden_scenarios_a_number_and_a_verdict():
    text = junit([CLASS[1]], language="en", for_students=True)
    suite = valid(text)[0]
    hidden = [case for case in suite if case.get("classname") == "hidden"]
    assert ["hidden check 1", "hidden check 2"] == [case.get("name") for case in hidden]
    assert ["failure", "error"] == [case[0].tag for case in hidden]
    assert HALF.replace("/", ".") not in text
    assert LATE.replace("/", ".") not in text


def test_a_run_without_checks_is_one_case():
    played = run(BURST)
    inconclusive = Judgement(BURST, (), Verdict.INCONCLUSIVE)
    one = Grade(LI, CLASS[0].lab, (), (played.__class__(BURST, played.title, False, inconclusive, 3, "runs/x"),))
    case = valid(junit([one], language="zh"))[0][0]
    assert ("messaging.burst", "标题 Title of messaging/burst") == (case.get("classname"), case.get("name"))
    assert ["error"] == [child.tag for child in case]


def test_an_empty_class_is_sound():
    assert 0 == len(valid(junit([], language="en")))


def test_control_characters_are_named_in_it():
    text = junit([grade(EVE, {BURST: (unclear("messages"),)})], language="en")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "⟨U+FFFE⟩⟨U+D800⟩" in text
