"""System calls by their numbers, as /proc/PID/task/TID/syscall gives them, and what a thread inside one waits for.

Tables only; knows no processes. Numbers differ between architectures: arch/x86/entry/syscalls/syscall_64.tbl, and
include/uapi/asm-generic/unistd.h for aarch64. On any other the kernel function that a thread sleeps in must do.
"""

from __future__ import annotations

import os
from typing import Literal

Waits = Literal[
    "reads", "writes", "connects", "accepts", "receives", "sends", "polls", "waits", "sleeps", "awaits a child"
]

_X86_64 = """
    0 read 1 write 7 poll 17 pread64 19 readv 20 writev 23 select 34 pause 35 nanosleep 42 connect 43 accept 44 sendto
    45 recvfrom 46 sendmsg 47 recvmsg 61 wait4 128 rt_sigtimedwait 130 rt_sigsuspend 202 futex 230 clock_nanosleep
    232 epoll_wait 247 waitid 270 pselect6 271 ppoll 281 epoll_pwait 288 accept4 299 recvmmsg 307 sendmmsg
    441 epoll_pwait2 449 futex_waitv 455 futex_wait
"""
_AARCH64 = """
    22 epoll_pwait 63 read 64 write 65 readv 66 writev 72 pselect6 73 ppoll 95 waitid 98 futex 101 nanosleep
    115 clock_nanosleep 133 rt_sigsuspend 137 rt_sigtimedwait 202 accept 203 connect 206 sendto 207 recvfrom
    211 sendmsg 212 recvmsg 242 accept4 243 recvmmsg 260 wait4 269 sendmmsg 441 epoll_pwait2 449 futex_waitv
    455 futex_wait
"""
_WAITS: dict[Waits, str] = {
    "reads": "read readv",
    "writes": "write writev",
    "connects": "connect",
    "accepts": "accept accept4",
    "receives": "recvfrom recvmsg recvmmsg",
    "sends": "sendto sendmsg sendmmsg",
    "polls": "poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2",
    "waits": "futex futex_wait futex_waitv",
    "sleeps": "nanosleep clock_nanosleep",
    "awaits a child": "wait4 waitid",
}
_SLEEPS_IN: tuple[tuple[str, Waits], ...] = (
    ("futex_", "waits"),
    ("hrtimer_nanosleep", "sleeps"),
    ("do_nanosleep", "sleeps"),
    ("do_wait", "awaits a child"),
    ("do_poll", "polls"),
    ("do_sys_poll", "polls"),
    ("do_select", "polls"),
    ("poll_schedule", "polls"),
    ("ep_poll", "polls"),
    ("do_epoll", "polls"),
    ("inet_csk_accept", "accepts"),
)


def _table(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_NAMES = {"x86_64": _table(_X86_64), "aarch64": _table(_AARCH64)}.get(os.uname().machine, {})
_KINDS: dict[str, Waits] = {name: waits for waits, names in _WAITS.items() for name in names.split()}


def named(number: str) -> str:
    """The name of a system call that a thread may be blocked in, by its decimal number; empty when it is another."""
    return _NAMES.get(number, "")


def waits(name: str, wchan: str) -> Waits | None:
    """What a thread inside the system call waits for; without a name, by the kernel's function (/proc/PID/wchan): that
    is so on an unknown architecture, and after a stop, when Linux goes on with ``restart_syscall``."""
    if name:
        return _KINDS.get(name)
    return next((kind for beginning, kind in _SLEEPS_IN if wchan.startswith(beginning)), None)
