"""From a finding to its likeliest cause: for each symptom, the rules that may explain it, the surest and closest first.

A rule is a function of the view of a run and a finding. It gives a cause only on evidence that shows it, across the
layers (keys, terminals, packets, what threads did, which calls they made); where the evidence leaves it open, no cause
is given rather than a guess. A cause never changes a verdict. Adding one: its sentences go into ``registry_causes``, its
rule into the module of its layer, its place into ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wirelab.judge.causes_buffered import kept_in_a_buffer
from wirelab.judge.causes_crash import ran_out, thread_ended
from wirelab.judge.causes_heartbeat import (
    came_in_pieces,
    came_with_others,
    given_up,
    misspelt,
    own_number,
    thread_had_ended,
)
from wirelab.judge.causes_keyboard import only_after_enter, quit_unheeded
from wirelab.judge.causes_messages import (
    a_slow_client,
    at_a_lock,
    broke_off,
    one_at_a_time,
    one_recv_one_message,
    still_unsent,
)
from wirelab.judge.causes_program import (
    address_in_use,
    crashed_early,
    daemons_at_shutdown,
    elsewhere,
    end_of_input,
    floods,
    interrupted,
    keeps_running,
    spins,
)
from wirelab.judge.causes_reset import linger_zero, peer_was_gone, unread_bytes
from wirelab.judge.causes_teardown import another_thread_receives, close_wait, fin_wait_2, left_waiting, never_ended
from wirelab.judge.causes_threads import two_threads_at_once
from wirelab.judge.verdict import CheckResult, Finding, Verdict
from wirelab.judge.view import View

Rule = Callable[[View, Finding], Finding | None]

_START: tuple[Rule, ...] = (address_in_use, elsewhere, crashed_early)
_CRASH: tuple[Rule, ...] = (daemons_at_shutdown, end_of_input, interrupted, address_in_use)
_ANSWER: tuple[Rule, ...] = (thread_had_ended, misspelt, own_number, only_after_enter, came_in_pieces, came_with_others)
_BROADCAST: tuple[Rule, ...] = (broke_off, a_slow_client, at_a_lock, one_at_a_time)
_RESET: tuple[Rule, ...] = (one_at_a_time, peer_was_gone, linger_zero, unread_bytes)
_NO_FIN: tuple[Rule, ...] = (thread_ended, another_thread_receives, spins, quit_unheeded, close_wait, never_ended)

RULES: dict[str, tuple[Rule, ...]] = {
    "WL101": _START,
    "WL102": _START,
    "WL104": _START,
    "WL201": (given_up, ran_out, thread_ended, two_threads_at_once, still_unsent),
    "WL202": (quit_unheeded,),
    "WL203": (two_threads_at_once,),
    "WL206": (two_threads_at_once,),
    "WL207": (
        kept_in_a_buffer,
        *_ANSWER,
        *_BROADCAST,
        thread_ended,
        linger_zero,
        unread_bytes,
        another_thread_receives,
        quit_unheeded,
        close_wait,
    ),
    "WL209": (two_threads_at_once,),
    "WL301": (one_at_a_time, ran_out),
    "WL302": _ANSWER,
    "WL303": (own_number, only_after_enter, kept_in_a_buffer),
    "WL304": (own_number, came_in_pieces),
    "WL305": (own_number, came_in_pieces),
    "WL401": _BROADCAST,
    "WL501": (given_up, quit_unheeded),
    "WL502": _RESET,
    "WL503": (peer_was_gone, *_NO_FIN),
    "WL504": _NO_FIN,
    "WL601": (
        thread_ended,
        another_thread_receives,
        spins,
        fin_wait_2,
        quit_unheeded,
        interrupted,
        keeps_running,
        one_at_a_time,
        close_wait,
        left_waiting,
    ),
    "WL602": (*_CRASH, elsewhere, crashed_early, ran_out),
    "WL603": (daemons_at_shutdown, end_of_input, interrupted),
    "WL604": (one_recv_one_message, still_unsent, kept_in_a_buffer, *_BROADCAST, thread_ended, ran_out, *_START),
    "WL606": _CRASH,
    "WL607": (floods,),
    "WL608": (*_CRASH, elsewhere, crashed_early, given_up, ran_out),
    "WL609": (a_slow_client, at_a_lock),
    "WL701": _RESET[1:],
    "WL703": _RESET[1:],
}
"""The rules for each symptom, in order: the first that fits is the cause."""


def explained(view: View, finding: Finding) -> Finding:
    """The finding with its likeliest cause, where the evidence shows one; else as it was."""
    found = (rule(view, finding) for rule in RULES.get(finding.code, ()))
    return replace(finding, cause=next((cause for cause in found if cause is not None), None))


def with_causes(view: View, check: CheckResult) -> CheckResult:
    """A check whose findings have their likeliest causes, if it failed; that changes nothing else."""
    if check.verdict is not Verdict.FAIL:
        return check
    return replace(check, findings=tuple(explained(view, entry) for entry in check.findings))
