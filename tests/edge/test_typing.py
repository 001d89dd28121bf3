"""A text typed again and again: all of it arrives, a pause of the reader is waited out, and nobody waits without end."""

from __future__ import annotations

from tests.edge.command import HEAD, Command, steps

ALONE = "tests: client\ncast: {alice: {role: client}}\n"
START = "- {start: alice, until: ready}"
COUNTS = """\
    import sys, time
    print("ready", flush=True)
    time.sleep(0.6)  # by when its keyboard is full
    for number, line in enumerate(sys.stdin, 1):
        assert line == "é" * 300 + "\\n", line
        print(f"line {number}.", flush=True)
"""
NEVER_READS = """\
    import signal
    print("ready", flush=True)
    signal.pause()
"""


def test_all_of_it_arrives_though_the_reader_pauses(command: Command):
    """A hundred lines of 600 bytes: three times what a terminal keeps of what is not read."""
    script = steps(
        START,
        f"- {{alice: type, text: {'é' * 300}, repeat: 100}}",
        "- {alice: shows, text: line 100.}",
        "- {alice: type, text: ab, enter: false, repeat: 3}",
        "- {alice: never shows, text: line 101.}",
    )
    played = command.play(HEAD + ALONE + script, client=COUNTS)
    assert 0 == played.done.status, played.done.out
    assert (("é" * 300 + "⏎") * 100) + "ababab" == "".join(played.typed("alice"))


def test_key_by_key_the_pause_is_also_between_two_times(command: Command):
    script = steps(START, "- {alice: type, text: ab, every: 0.01, repeat: 2}", "- {alice: type, text: c}")
    played = command.play(HEAD + ALONE + script, client=NEVER_READS)
    assert ["done", "done", "done"] == played.outcomes
    assert ["a", "b", "⏎", "a", "b", "⏎", "c⏎"] == played.typed("alice")


def test_a_keyboard_that_nobody_reads_ends_the_typing_at_once(command: Command):
    script = steps(START, f"- {{alice: type, text: {'x' * 300}, repeat: 1000}}")
    played = command.play(HEAD + ALONE + script, client=NEVER_READS)
    assert ["done", "impossible"] == played.outcomes
    assert {("WL609", "alice")} == played.codes
    assert played.done.seconds < 30  # not 1000 times the patience with one
    assert len("".join(played.typed("alice"))) < 300 * 100  # what nobody took was not typed
