"""A system-call filter: no sockets, no tracing, no mounts, no signals to others, no `chmod`.

It closes what namespaces and Landlock leave open: a socket file of a local service can be
connected to from an empty network namespace; modes, owners and times of the user's files can be
changed, and by old versions their lengths, without opening them. And it stands in for both in
containers, which as a rule forbid new namespaces but allow filters. Refused calls fail with
EPERM, so that a program goes on without what it wanted. Source: the kernel's
`Documentation/userspace-api/seccomp_filter.rst`, `linux/filter.h`, and `asm/unistd.h` of the two
architectures.
"""

from __future__ import annotations

import ctypes
import platform

from gitops_gate.render.sandbox import system

# Each name: the number on x86-64, and on 64-bit ARM, which has fewer.
_REFUSED: dict[str, tuple[int, int | None]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
# Allowed only towards the process itself: the first argument must be its own id.
_TO_ITSELF: dict[str, tuple[int, int]] = {"kill": (62, 129), "tgkill": (234, 131)}
_REFUSED_SIGNALS: dict[str, tuple[int, int | None]] = {"tkill": (200, 130)}

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
_X32_BIT = 0x40000000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENT_OFFSET = 0, 4, 16
_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_REFUSE = 0x00050000 | 1  # SECCOMP_RET_ERRNO, EPERM
_MODE_FILTER = 2


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("constant", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def supported() -> bool:
    """Whether the call numbers of this machine are known here."""
    return system.is_linux() and platform.machine() in _ARCHITECTURES


def restrict(*, own_process: int | None) -> None:
    """Install the filter in this process and all it starts.

    `own_process` is the process id when signals to any other process must be refused; None in a
    process namespace of its own, where none can be seen. Raises `OSError`.
    """
    instructions = _instructions(platform.machine(), own_process)
    array = (_Instruction * len(instructions))(*(_Instruction(*each) for each in instructions))
    program = _Program(length=len(instructions), filter=array)
    system.prctl(system.PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program))


def _instructions(machine: str, own_process: int | None) -> list[tuple[int, int, int, int]]:
    """The filter as `(code, jump if true, jump if false, constant)`.

    Every test is followed by its own verdict, so that no jump is longer than two instructions.
    """
    column, architecture = _ARCHITECTURES[machine]
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
    ]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _REFUSE)]
    refused = _REFUSED if own_process is None else _REFUSED | _REFUSED_SIGNALS
    for number in (numbers[column] for numbers in refused.values()):
        if number is not None:
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    if own_process is not None:
        for numbers in _TO_ITSELF.values():
            program += [
                (_EQUAL, 0, 4, numbers[column]),
                (_LOAD, 0, 0, _ARGUMENT_OFFSET),
                (_EQUAL, 0, 1, own_process),
                (_RETURN, 0, 0, _ALLOW),
                (_RETURN, 0, 0, _REFUSE),
            ]
    return [*program, (_RETURN, 0, 0, _ALLOW)]
