"""System calls that a program in a sandbox is refused: those by which it could take what no other limit bounds, or reach
past the private network.

A constant only, a classic BPF program for seccomp(2), for bubblewrap's ``--seccomp``. What is refused fails with the
errno of a kernel that lacks it, so that runtimes that would like it do without. ptrace(2) is not: the leak checker of
gcc and clang needs it, and it reaches the sandbox's own processes only. Numbers: as for ``syscalls``.
"""

from __future__ import annotations

import errno
import os
import socket
import sys

from wirelab.stage.linux import BPF_JEQ, BPF_RET, Instruction

SHARED_BYTES = 256 * 1024
"""The largest segment of shmget(2): there may be 4096, and their memory is nobody's in /proc."""
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)
"""A network namespace bounds these; not so AF_VSOCK, which reaches the host of a virtual machine."""
_REFUSED = {  # x86_64, aarch64
    "memfd_create": (319, 279),  # memory that is in no process and no file system with a limit
    "memfd_secret": (447, 447),
    "io_uring_setup": (425, 425),  # opens sockets without socket(2)
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),  # keyrings are the machine's
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
_MACHINES = {"x86_64": (0, 0xC000003E, 41, 29), "aarch64": (1, 0xC00000B7, 198, 194)}
"""Column above, AUDIT_ARCH, socket(2), shmget(2)."""
_ANY_X32 = 0x40000000  # x86_64 once more, under other numbers
_LOAD, _AT_LEAST, _GREATER = 0x20, 0x35, 0x25  # BPF_LD|W|ABS, BPF_JMP|JGE|K, BPF_JMP|JGT|K; linux/filter.h
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data, linux/seccomp.h
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000


def _fails(number: int) -> Instruction:
    return BPF_RET, 0, 0, _FAIL | number


def _filter(machine: str) -> tuple[Instruction, ...]:
    """The program for a kind of machine; none for one whose numbers are not known here."""
    if machine not in _MACHINES or sys.byteorder != "little":
        return ()
    column, architecture, opens, shares = _MACHINES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (BPF_JEQ, 1, 0, architecture),
        _fails(errno.ENOSYS),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _ANY_X32),
        _fails(errno.ENOSYS),
    ]
    for numbers in _REFUSED.values():
        program += [(BPF_JEQ, 0, 1, numbers[column]), _fails(errno.ENOSYS)]
    families = [(BPF_JEQ, len(_FAMILIES) - at, 0, int(family)) for at, family in enumerate(_FAMILIES)]
    program += [(BPF_JEQ, 0, len(families) + 3, opens), (_LOAD, 0, 0, _ARGUMENTS), *families]
    program += [_fails(errno.EAFNOSUPPORT), (BPF_RET, 0, 0, _ALLOW)]
    size = _ARGUMENTS + 8  # of shmget's second argument, the low half first
    program += [(BPF_JEQ, 0, 5, shares), (_LOAD, 0, 0, size + 4), (BPF_JEQ, 0, 2, 0)]
    program += [(_LOAD, 0, 0, size), (_GREATER, 0, 1, SHARED_BYTES), _fails(errno.EINVAL), (BPF_RET, 0, 0, _ALLOW)]
    return tuple(program)


FILTER = _filter(os.uname().machine)
