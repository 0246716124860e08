"""How a GitHub runner reads a job's output, after `ActionCommand` and `ActionCommandManager`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

COMMANDS = frozenset(
    {
        *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group"),
        *("notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands"),
        "warning",
    }
)


@dataclass
class Command:
    name: str
    properties: dict[str, str]
    data: str


@dataclass
class Runner:
    """Reads lines, and keeps what it obeyed, and what it only printed."""

    obeyed: list[Command] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    stopped_by: str | None = None

    def read(self, output: str) -> Runner:
        """Take the output of a process, whose lines end in CR, LF or both."""
        lines = re.split(r"\r\n|\r|\n", output)
        for line in lines[:-1] if lines[-1] == "" else lines:
            self._take(line)
        return self

    def _take(self, line: str) -> None:
        known = {*COMMANDS, *({self.stopped_by.lower()} if self.stopped_by else ())}
        command = _parsed(line, known) or _parsed_old(line, known)
        if command is None:
            self.printed.append(line)
        elif self.stopped_by is not None:
            if command.name.lower() == self.stopped_by.lower():
                self.stopped_by = None
            else:
                self.printed.append(line)
        elif command.name.lower() == "stop-commands":
            self.stopped_by = command.data
        else:
            self.obeyed.append(command)


def _parsed(line: str, known: set[str]) -> Command | None:
    """`::name key=value,key=value::data`."""
    text = line.lstrip()
    if not text.startswith("::"):
        return None
    end = text.find("::", 2)
    if end < 0:
        return None
    name, _, properties = text[2:end].partition(" ")
    if name.lower() not in known:
        return None
    return Command(
        name=name,
        properties=_properties(properties.strip(), ",", ("%0D", "%0A", "%3A", "%2C", "%25")),
        data=_unescaped(text[end + 2 :], ("%0D", "%0A", "%25")),
    )


def _parsed_old(line: str, known: set[str]) -> Command | None:
    """`##[name key=value;key=value]data`, anywhere in the line."""
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, properties = line[start + 3 : end].partition(" ")
    if name.lower() not in known:
        return None
    escapes = ("%3B", "%0D", "%0A", "%5D", "%25")
    return Command(
        name=name,
        properties=_properties(properties, ";", escapes),
        data=_unescaped(line[end + 1 :], escapes),
    )


def _properties(text: str, separator: str, escapes: tuple[str, ...]) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(separator) if part)
    return {key: _unescaped(value, escapes) for key, _, value in pairs if key and value}


def _unescaped(text: str, escapes: tuple[str, ...]) -> str:
    for escape in escapes:
        text = text.replace(escape, chr(int(escape[1:], 16)))
    return text
