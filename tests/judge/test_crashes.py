"""Where crash reports begin, and which lines only look like one."""

from __future__ import annotations

import pytest

from wirelab.judge.crashes import crash_report

PANIC = ["panic: runtime error: index out of range [3]", "goroutine 1 [running]:", "main.main()"]
UNCAUGHT = ["PHP Fatal error:  Uncaught Exception: x in client.php:3", "Stack trace:", "#0 {main}"]


@pytest.mark.parametrize("before", ["", "Enter message to send: ", "> ", "> ^C"])
def test_a_panic_is_found_by_what_follows(before: str) -> None:
    assert [before + PANIC[0], *PANIC[1:]] == crash_report(["hello", before + PANIC[0], *PANIC[1:], "more"])


def test_other_heads_of_reports() -> None:
    assert UNCAUGHT[:2] == crash_report(UNCAUGHT)
    nested = ["panic: one [recovered]", "\tpanic: two", "goroutine 7 [running]:", "main.main()"]
    assert nested == crash_report(nested)
    signal = ["panic: nil pointer", "[signal SIGSEGV: segmentation violation]", "goroutine 1 [running]:"]
    assert signal[:2] == crash_report(signal)


@pytest.mark.parametrize(
    "line",
    [
        "Received from ('127.0.0.1', 4324): panic: x",
        "Broadcast: panic: at the disco",
        "Enter message to send: panic: x",
        "panic: x",
        "Received from ('127.0.0.1', 4324): Uncaught x",
    ],
)
def test_a_message_of_such_words_is_none(line: str) -> None:
    assert [] == crash_report([line])
    assert [] == crash_report([line, "Received from ('127.0.0.1', 4324): panic: y"])


SCRIPT = [
    "/home/li/client.js:15",
    " if (line) sock.write('HEARTBEAT-ACK ' + undefinedVar);",
    "                                         ^",
    "ReferenceError: undefinedVar is not defined",
    "    at Socket.<anonymous> (/home/li/client.js:15:57)",
    "Node.js v20.20.2",
]
JAVA = ['Exception in thread "receiver" java.lang.NullPointerException: x', "\tat Client.run(Client.java:40)", "bye"]


@pytest.mark.parametrize("head", [SCRIPT[0], "file:///home/li/client.mjs:3", "> /home/li/client.cjs:3", "client.ts:9"])
def test_a_report_of_node_goes_from_the_place_to_the_error(head: str) -> None:
    assert [head, *SCRIPT[1:4]] == crash_report(["Connected", head, *SCRIPT[1:]])


def test_a_report_of_node_about_source_at_the_margin() -> None:
    lines = ["/home/li/client.js:3", "let a = ;", "        ^", "SyntaxError: Unexpected token ';'", "    at wrap (x)"]
    assert lines[:4] == crash_report(lines)


@pytest.mark.parametrize("line", ["see client.js:15", "Broadcast: client.js:15"])
def test_a_place_in_a_script_without_carets_is_none(line: str) -> None:
    assert [] == crash_report([line, "  look there", "ReferenceError: no"])


@pytest.mark.parametrize("before", ["", "half a li", "Enter message to send: half a li"])
def test_a_report_is_found_behind_what_is_being_typed(before: str) -> None:
    assert [before + JAVA[0], JAVA[1]] == crash_report(["hello", before + JAVA[0], *JAVA[1:]])
    python = [before + "Traceback (most recent call last):", '  File "c.py", line 9, in f', "ValueError: x"]
    assert python == crash_report([*python, "more"])


@pytest.mark.parametrize("line", ["I like Traceback (most recent call last):", 'say Exception in thread "main" a.b.C'])
def test_such_words_without_a_stack_are_none(line: str) -> None:
    assert [] == crash_report([line, "and more"])


def test_what_somebody_said_begins_no_report() -> None:
    head, rest = "Traceback (most recent call last):", ['  File "c.py", line 9, in f', "ValueError: x"]
    assert [] == crash_report([f"> {head}", *rest], said=["hello", head])
    assert [f"> {head}", *rest] == crash_report([f"> {head}", *rest], said=["hello", "ValueError: x"])


UNREADABLE = [
    '  File "/home/student/client.py", line 3',
    "    while True",
    "              ^",
    "SyntaxError: expected ':'",
]


def test_a_program_that_python_cannot_read():
    assert UNREADABLE == crash_report([*UNREADABLE, "more"])
    indented = [UNREADABLE[0], "    return", "IndentationError: unexpected indent"]
    assert indented == crash_report(["hello", *indented])
    assert [] == crash_report([*UNREADABLE[:2], "hello", UNREADABLE[3]])
    assert [] == crash_report(UNREADABLE, [UNREADABLE[0].strip()])


@pytest.mark.parametrize(
    "line",
    [
        r"SyntaxError: Non-UTF-8 code starting with '\xbf' in file client.py on line 1, but no encoding declared; see …",
        "SyntaxError: encoding problem: klingon",
        "SyntaxError: unknown encoding: klingon",
    ],
)
def test_a_program_whose_bytes_python_cannot_read_has_a_report_without_a_place(line: str) -> None:
    assert [line] == crash_report([line]) == crash_report(["", line, "more"])
    assert [] == crash_report(["Connected to 127.0.0.1:12001", line]), "somebody said that"
    assert [] == crash_report(["SyntaxError: is what I had"])
