"""The parts of the sandbox that can be looked at without being in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gitops_gate.render import sandbox, sandbox_status
from gitops_gate.render.sandbox import landlock, programs, seccomp

ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def verdict(machine: str, number: int, argument: int = 0, *, own: int | None = None) -> int:
    """Run the filter's program as the kernel would."""
    words = {0: number, 4: ARCHITECTURE[machine], 16: argument}
    accumulator, place = 0, 0
    program = seccomp._instructions(machine, own)
    while True:
        code, if_true, if_false, constant = program[place]
        place += 1
        if code == 0x20:
            accumulator = words[constant]
        elif code == 0x06:
            return constant
        else:
            holds = accumulator == constant if code == 0x15 else accumulator >= constant
            place += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "number", "expected"),
    [
        ("x86_64", 0, ALLOWED),  # read
        ("x86_64", 59, ALLOWED),  # execve
        ("x86_64", 56, ALLOWED),  # clone: threads
        ("x86_64", 41, REFUSED),  # socket
        ("x86_64", 101, REFUSED),  # ptrace
        ("x86_64", 425, REFUSED),  # io_uring_setup
        ("x86_64", 0x40000000, REFUSED),  # the x32 calls
        ("x86_64", 0x40000000 | 41, REFUSED),
        ("aarch64", 198, REFUSED),  # socket
        ("aarch64", 41, REFUSED),  # pivot_root
        ("aarch64", 63, ALLOWED),  # read
        ("aarch64", 221, ALLOWED),  # execve
    ],
)
def test_the_filter_refuses_what_is_listed(machine: str, number: int, expected: int) -> None:
    assert verdict(machine, number) == expected


@pytest.mark.parametrize(
    ("machine", "kill", "tgkill"), [("x86_64", 62, 234), ("aarch64", 129, 131)]
)
def test_signals_go_to_the_process_itself_alone(machine: str, kill: int, tgkill: int) -> None:
    for number in (kill, tgkill):
        assert verdict(machine, number, 77, own=77) == ALLOWED
        assert verdict(machine, number, 78, own=77) == REFUSED
        assert verdict(machine, number, 0xFFFFFFFF, own=77) == REFUSED
        assert verdict(machine, number, 78) == ALLOWED


def test_a_program_of_another_architecture_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURE, "x86_64", 0x40000003)
    assert verdict("x86_64", 0) == KILLED


def test_every_landlock_version_refuses_more_than_the_one_before() -> None:
    rights = [landlock.every_right(version) for version in range(1, 8)]
    assert rights == sorted(rights)
    assert rights[0] & landlock.READ_FILE
    assert landlock.every_right(0) == 0


def test_promises_are_divided_between_available_and_missing() -> None:
    status = sandbox_status()
    assert sorted((*status.available, *status.missing)) == sorted(sandbox.PROMISES)
    assert status.complete is (not status.missing)


@pytest.mark.parametrize(
    ("landlock_version", "flags", "has_filter", "missing"),
    [
        (7, 1, True, ()),
        (7, 0, True, ()),
        (7, 1, False, ()),
        (7, 0, False, ("network", "processes")),
        (0, 1, True, ("files",)),
        (0, 0, False, ("files", "network", "processes")),
    ],
)
def test_what_is_missing_follows_from_the_mechanisms(
    monkeypatch: pytest.MonkeyPatch,
    landlock_version: int,
    flags: int,
    has_filter: bool,
    missing: tuple[str, ...],
) -> None:
    found = sandbox._Mechanisms(landlock=landlock_version, namespaces=flags, seccomp=has_filter)
    monkeypatch.setattr(sandbox, "_mechanisms", lambda: found)
    assert sandbox_status().missing == missing


def test_other_systems_have_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox._mechanisms.__wrapped__() == sandbox._Mechanisms()
    assert not seccomp.supported()


def executable(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o755)
    return str(path)


def test_a_command_is_looked_up_in_absolute_folders_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = executable(tmp_path / "tool", b"#!/bin/sh\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "relative"]))
    assert programs.find("tool") is None
    assert programs.find("./tool") is None
    assert programs.find(program) == program
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find("tool") == program


def test_what_cannot_be_run_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert programs.find(str(tmp_path / "data")) is None
    assert programs.find(str(tmp_path)) is None
    assert programs.find("") is None


def test_a_script_needs_its_interpreter(tmp_path: Path) -> None:
    script = executable(tmp_path / "tool", b"#!/bin/sh -e\n")
    assert os.path.realpath("/bin/sh") in programs.needs(script)


def test_a_dynamic_program_needs_the_libraries_and_a_static_one_does_not(tmp_path: Path) -> None:
    header = b"\x7fELF\x02\x01\x01" + bytes(25) + (64).to_bytes(8, "little") + bytes(14)
    header += (56).to_bytes(2, "little") + (1).to_bytes(2, "little") + bytes(6)
    dynamic = executable(tmp_path / "dynamic", header + (3).to_bytes(4, "little") + bytes(52))
    static = executable(tmp_path / "static", header + (1).to_bytes(4, "little") + bytes(52))
    assert "/usr/lib" in programs.needs(dynamic)
    assert set(programs.needs(static)) == {static, os.path.realpath(static)}


def test_a_broken_program_needs_no_less(tmp_path: Path) -> None:
    assert "/usr/lib" in programs.needs(executable(tmp_path / "cut", b"\x7fELF\x02\x01"))
