"""The kernel calls Python has no name for: unshare, mount, prctl, capset, interface ioctls, packet-ring options.

The only module with ctypes and numbers from kernel headers, system calls' numbers aside. Knows no policy: which call is made when, and
what a refusal means to a person, is decided above. Every call raises OSError with the kernel's errno.
Sources: unshare(2), mount(2), prctl(2), capabilities(7), netdevice(7), packet(7), linux/ethtool.h, linux/filter.h,
linux/inet_diag.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x10000000, 0x20000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 0x2

PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 28, 36, 38, 47
SECBIT_NOROOT_FOR_EVER = 1 << 0 | 1 << 1  # SECBIT_NOROOT and its lock
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4
CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP = 5, 6, 7, 8
CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SETFCAP = 12, 13, 19, 21, 31
_CAPABILITY_VERSION_3 = 0x20080522

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFMTU, _SIOCETHTOOL = 0x8913, 0x8914, 0x8922, 0x8946
_IFF_UP = 1
_IFREQ_BYTES = 40
ETHTOOL_GTSO, ETHTOOL_STSO = 0x1E, 0x1F
ETHTOOL_GGSO, ETHTOOL_SGSO = 0x23, 0x24
ETHTOOL_GGRO, ETHTOOL_SGRO = 0x2B, 0x2C

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_COPY_THRESH, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 5, 6, 7, 10, 23
TPACKET_V2 = 1
TP_STATUS_KERNEL, TP_STATUS_USER, TP_STATUS_COPY = 0, 1, 2
TPACKET2_HEADER = struct.Struct("=IIIHHII")
"""tp_status, tp_len, tp_snaplen, tp_mac, tp_net, tp_sec, tp_nsec: the part of tpacket2_hdr that is read."""

_TIOCGPTPEER = 0x5441  # ioctl_tty(2)
_SO_ATTACH_FILTER = 26
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY = 4, 20
_NLM_F_REQUEST, _NLM_F_DUMP, _NLMSG_ERROR, _NLMSG_DONE = 0x1, 0x300, 2, 3
_NETLINK_HEADER = struct.Struct("=IHHII")
BPF_LD_H_ABS, BPF_LD_B_ABS, BPF_LD_H_IND, BPF_LDX_B_MSH = 0x28, 0x30, 0x48, 0xB1
BPF_JEQ, BPF_JSET, BPF_RET = 0x15, 0x45, 0x06
_IPC_RMID = 0

Instruction = tuple[int, int, int, int]
"""One instruction of a classic BPF program: code, jump if true, jump if false, operand."""

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def unshare(flags: int) -> None:
    """Move the calling process into new namespaces, unshare(2). It must have one thread only."""
    _checked(_libc.unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    words = (os.fsencode(source), os.fsencode(target), kind.encode())
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None))


def unmount(target: str) -> None:
    """umount2(2), also of what is still in use: it is gone when nobody uses it any more."""
    _checked(_libc.umount2(os.fsencode(target), ctypes.c_int(MNT_DETACH)))


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """prctl(2); the arguments that are not given are zero, as newer options demand."""
    words = [ctypes.c_ulong(word) for word in (first, second, 0, 0)]
    return _checked(_libc.prctl(ctypes.c_int(option), *words))


def capset(permitted: int, inheritable: int) -> None:
    """Set this process's capability sets to bit masks, effective equal to permitted, capset(2)."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    halves = ((mask >> shift & 0xFFFFFFFF) for shift in (0, 32) for mask in (permitted, permitted, inheritable))
    _checked(_libc.capset(header, struct.pack("=6I", *halves)))


def capabilities() -> int:
    """This process's effective capabilities as a bit mask, capget(2)."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    found = ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, found))
    low, _, _, high, _, _ = struct.unpack("=6I", found.raw[:24])
    return int(low | high << 32)


def remove_ipc(user: int) -> None:
    """Remove what a user has left of System V's shared memory, semaphores and queues, sysvipc(7). Only that user may."""
    for kind, control in (("shm", _libc.shmctl), ("sem", _libc.semctl), ("msg", _libc.msgctl)):
        try:
            with open(f"/proc/sysvipc/{kind}", encoding="ascii") as table:
                names, *rows = [line.split() for line in table]
        except (OSError, ValueError):  # this kernel has none
            continue
        for row in rows:
            if int(row[names.index("uid")]) == user:
                number = ctypes.c_int(int(row[1]))
                control(number, *([0] if kind == "sem" else []), ctypes.c_int(_IPC_RMID), None)


def _interface_call(request: int, name: str, argument: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        block = struct.pack("=16s", name.encode()) + argument
        return fcntl.ioctl(channel, request, block.ljust(_IFREQ_BYTES, b"\0"))


def bring_up(interface: str) -> None:
    """Set an interface administratively up in the caller's network namespace, netdevice(7)."""
    (flags,) = struct.unpack_from("=H", _interface_call(_SIOCGIFFLAGS, interface, b""), 16)
    _interface_call(_SIOCSIFFLAGS, interface, struct.pack("=H", flags | _IFF_UP))


def set_mtu(interface: str, mtu: int) -> None:
    """Set the largest IP packet in bytes that an interface takes."""
    _interface_call(_SIOCSIFMTU, interface, struct.pack("=i", mtu))


def ethtool(interface: str, command: int, value: int = 0) -> int:
    """Get or set one number of an interface's offload settings (``ETHTOOL_G…`` returns it)."""
    request = ctypes.create_string_buffer(struct.pack("=II", command, value), 8)
    _interface_call(_SIOCETHTOOL, interface, struct.pack("P", ctypes.addressof(request)))
    (answer,) = struct.unpack_from("=I", request, 4)
    return int(answer)


def deliver_keys(master: int) -> None:
    """Return when the kernel has handed to the terminal all that was written to its master, and woken who reads there.

    A worker of the kernel's does that some time after write(2), on a busy machine much later; poll(2) of the other end
    waits for it (drivers/tty/n_tty.c, n_tty_poll)."""
    slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        select.select([slave], [], [], 0)
    finally:
        os.close(slave)


def tcp_socket_owner(local: tuple[str, int], remote: tuple[str, int]) -> tuple[int, int]:
    """The user and the inode of the TCP socket with these ends in the caller's network namespace, sock_diag(7).

    One exact question to the kernel: /proc/net/tcp walks the machine's whole table, which takes milliseconds.
    """
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    ends = [socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (local, remote)]
    question = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    question += (
        struct.pack(">HH", local[1], remote[1]) + ends[0] + ends[1] + struct.pack("=III", 0, 2**32 - 1, 2**32 - 1)
    )
    with _sock_diag(question, _NLM_F_REQUEST) as channel:
        answer = channel.recv(4096)
    _check_answer(answer, 0)
    user, inode = struct.unpack_from("=II", answer, 16 + 64)
    return int(user), int(inode)


class TcpSocket(NamedTuple):
    """A TCP socket of the caller's network namespace: local and remote port, the kernel's number for its state
    (include/net/tcp_states.h), bytes unread and unsent (of a listening one: connections waiting, and how many may),
    the user who made it, inode (0 when no process has it open any more)."""

    port: int
    peer: int
    state: int
    unread: int
    unsent: int
    user: int
    inode: int


def tcp_sockets() -> list[TcpSocket]:
    """All TCP sockets of the caller's network namespace, sock_diag(7). Takes milliseconds, as the kernel walks the
    machine's whole table."""
    found: list[TcpSocket] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        question = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + bytes(48)
        with _sock_diag(question, _NLM_F_REQUEST | _NLM_F_DUMP) as channel:
            done = False
            while not done:
                answer, at = channel.recv(65536), 0
                while at + _NETLINK_HEADER.size <= len(answer) and not done:
                    length, kind, _, _, _ = _NETLINK_HEADER.unpack_from(answer, at)
                    _check_answer(answer, at)
                    done = kind == _NLMSG_DONE
                    if not done:
                        found.append(_tcp_socket(answer, at + 16))
                    at += length + 3 & ~3
    return found


def _tcp_socket(answer: bytes, at: int) -> TcpSocket:
    """struct inet_diag_msg, linux/inet_diag.h."""
    local, remote = struct.unpack_from(">HH", answer, at + 4)
    unread, unsent, user, inode = struct.unpack_from("=IIII", answer, at + 56)
    return TcpSocket(local, remote, answer[at + 1], unread, unsent, user, inode)


def _sock_diag(question: bytes, flags: int) -> socket.socket:
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG)
    try:
        header = _NETLINK_HEADER.pack(16 + len(question), _SOCK_DIAG_BY_FAMILY, flags, 1, 0)
        channel.sendto(header + question, (0, 0))
    except OSError:
        channel.close()
        raise
    return channel


def _check_answer(answer: bytes, at: int) -> None:
    (kind,) = struct.unpack_from("=H", answer, at + 4)
    if kind == _NLMSG_ERROR:
        (error,) = struct.unpack_from("=i", answer, at + 16)
        raise OSError(-error, os.strerror(-error))


def attach_filter(target: socket.socket, program: Sequence[Instruction]) -> None:
    """Attach a classic BPF program to a socket, socket(7): only what it accepts is queued."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    target.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
