r"""CODEOWNERS as GitLab reads it: sections, counts, default owners, exclusions.

Pages: docs.gitlab.com, user/project/codeowners/reference and .../advanced. Where they are silent,
GitLab's own reading decides (`ee/lib/gitlab/code_owners/file.rb`, `section_parser.rb`,
`reference_extractor.rb`, versions 17.11 and later), in particular:

- a line that starts like a header and has a `]` is one; without a `]` it has no effect;
- sections of one name are one, whatever the case, under the first spelling. Count, `^` and default
  owners are those of the header above each entry; a section is optional if all its entries are;
- a pattern that is repeated in a section takes the place of the first, which is earlier than its
  own: entries between the two still win over it;
- an exclusion wins over every entry of its section, before or after it, except over a later entry
  with the very same pattern, whose place it shares;
- inline comments are none: what looks like an owner in one is an owner, and an entry that has
  nothing but a comment does not get its section's default owners.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gitops_gate.approvals.codeowners.fnmatch import compile_fnmatch
from gitops_gate.approvals.codeowners.patterns import Pattern
from gitops_gate.approvals.codeowners.references import references
from gitops_gate.approvals.codeowners.values import Owner, OwnersEntry, OwnersProblem

MAXIMUM_BYTES = 10 * 1024 * 1024
"""What GitLab loads of a file at most (`Gitlab::Git::Blob::MAX_DATA_DISPLAY_SIZE`)."""

_SPACE = " \t\r\f\v\0"
_HEADER = re.compile(
    r"(?P<optional>\^)?\[(?P<name>.*?)\](?:\[(?P<count>[\s\d]*)\])?(?P<owners>[@\w./\s-]*)",
    re.ASCII,
)
_HEADER_END = re.compile(r"\^?\[[^\]]+\](?:\[\d+\])?(?:\s+[@\w./\s-]+)?\Z", re.ASCII)
_COUNT = re.compile(r"\s*\d+\s*\Z", re.ASCII)
_BREAK = re.compile(r"(?<!\\)[ \t\r\f\v]+")
_ESCAPED_SPACE = re.compile(r"\\[ \t\r\f\v]+")
_LONGEST_NAME = 255
_MOST = 1_000_000
"""A count larger than this is this: nothing depends on the difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What a header says to the entries below it."""

    name: str | None = None
    optional: bool = False
    required: int = 1
    defaults: tuple[Owner, ...] = ()


class _Reading:
    """The state of reading one file from its first line to its last."""

    def __init__(self) -> None:
        self.entries: list[OwnersEntry] = []
        self.problems: list[OwnersProblem] = []
        self.section = _Section()
        self.names: dict[str, str] = {}
        self.places: dict[tuple[str | None, str], int] = {}

    def problem(self, number: int, line: str, reason: str, *, skipped: bool = False) -> None:
        self.problems.append(OwnersProblem(line=number, reason=reason, text=line, skipped=skipped))

    def header(self, number: int, line: str) -> bool:
        """Whether the line is a header; the entries that follow are in its section."""
        found = _HEADER.match(line)
        if found is None:
            return False
        count = found["count"]
        owners, strangers = references(found["owners"])
        optional = found["optional"] is not None
        self.section = _Section(
            name=self._name(found["name"]),
            optional=optional,
            required=_required(count),
            defaults=owners,
        )
        before = len(self.problems)
        if not found["name"].strip():
            self.problem(number, line, "the section has no name")
        if len(found["name"]) > _LONGEST_NAME:
            self.problem(number, line, f"a section's name has at most {_LONGEST_NAME} characters")
        if count is not None and not _COUNT.match(count):
            self.problem(number, line, "the number of approvals is no number; 1 is asked for")
        elif count is not None and optional:
            self.problem(number, line, "an optional section asks for no number of approvals")
        elif count is not None and not count.strip(_SPACE + "0"):
            self.problem(number, line, "the least number of approvals is 1")
        if strangers:
            self.problem(number, line, _no_owners(strangers))
        if len(self.problems) == before and not _HEADER_END.match(line):
            self.problem(number, line, "what follows in the header is not understood, and ignored")
        return True

    def _name(self, name: str) -> str | None:
        """The section's first spelling; None for the one before any header, by its own name."""
        if not self.names and name == _DEFAULT:
            return None
        folded = name.casefold()
        if self.names and folded == _DEFAULT:
            return None
        # A first header that spells the name in another case is a section of its own for GitLab.
        known = self.names.setdefault(folded, name) if self.names else name
        self.names[folded] = known
        return known

    def entry(self, number: int, line: str) -> None:
        """Read a line that is no header."""
        pattern, _, rest = _divided(line)
        exclusion = pattern.startswith("!")
        pattern = pattern[1:] if exclusion else pattern
        if exclusion and not pattern:
            self.problem(number, line, "an exclusion without a pattern", skipped=True)
            return
        owners: tuple[Owner, ...] = ()
        inherited = False
        if not exclusion:
            owners, inherited = self._owners(number, line, rest)
        normal = normalised(pattern)
        key = (self.section.name, normal)
        rank = self.places.setdefault(key, number)
        self.entries.append(
            OwnersEntry(
                line=number,
                pattern=pattern,
                compiled=_compiled(normal),
                owners=owners,
                rank=rank,
                section=self.section.name,
                required=self.section.required,
                optional=self.section.optional,
                exclusion=exclusion,
                inherited=inherited,
            )
        )

    def _owners(self, number: int, line: str, rest: str) -> tuple[tuple[Owner, ...], bool]:
        if not rest:
            if not self.section.defaults:
                self.problem(number, line, "nobody owns it: GitLab approves it by itself")
            return self.section.defaults, True
        owners, strangers = references(rest)
        if rest.startswith("#") and self.section.defaults:
            reason = "a comment after a pattern hides the section's default owners"
        elif not owners:
            reason = f"{_no_owners(strangers)}; nobody owns it, and GitLab approves it by itself"
        elif strangers:
            reason = _no_owners(strangers)
        else:
            return owners, False
        self.problem(number, line, reason)
        return owners, False


_DEFAULT = "codeowners"
"""The name that GitLab gives to the section before the first header."""


def parse_lines(
    text: str,
) -> tuple[list[OwnersEntry], list[OwnersProblem], frozenset[str | None]]:
    """The entries, what is wrong with lines, and the sections that are optional."""
    reading = _Reading()
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(_SPACE)
        if not line or line.isspace() or line.startswith("#"):
            continue
        if reading.header(number, line):
            continue
        if line.startswith(("[", "^[")):
            reading.problem(number, line, "a header without a ]", skipped=True)
            continue
        reading.entry(number, line)
    entries = _with_replaced(reading.entries)
    return entries, reading.problems, _optional(entries)


def _divided(line: str) -> tuple[str, str, str]:
    """A line before, at and after the first space that no backslash escapes."""
    found = _BREAK.search(line)
    if found is None:
        return line, "", ""
    return line[: found.start()], found.group(), line[found.end() :]


def normalised(pattern: str) -> str:
    r"""A pattern as GitLab hands it to `fnmatch`, matched against paths that start with `/`."""
    if pattern == "*":
        return "/**/*"
    pattern = _ESCAPED_SPACE.sub(" ", re.sub(r"\A\\#", "#", pattern))
    if not pattern.startswith("/"):
        pattern = f"/**/{pattern}"
    return f"{pattern}**/*" if pattern.endswith("/") else pattern


def compile_pattern(pattern: str) -> Pattern:
    """What a pattern matches."""
    return _compiled(normalised(pattern))


def _compiled(normal: str) -> Pattern:
    return compile_fnmatch(normal.removeprefix("/"))


def _required(count: str | None) -> int:
    found = re.match(r"\s*(\d*)", count or "", re.ASCII)
    digits = (found[1] if found else "").lstrip("0")
    return max(1, _MOST if len(digits) > 6 else int(digits or "0"))


def _no_owners(words: Iterable[str]) -> str:
    named = ", ".join(words)
    return f"no owners, and ignored: {named}"


def _with_replaced(entries: list[OwnersEntry]) -> list[OwnersEntry]:
    last = {(entry.section, entry.rank): entry.line for entry in entries}
    return [
        entry
        if (line := last[entry.section, entry.rank]) == entry.line
        else replace(entry, replaced_by=line)
        for entry in entries
    ]


def _optional(entries: Iterable[OwnersEntry]) -> frozenset[str | None]:
    alive = [entry for entry in entries if entry.replaced_by is None]
    required = {entry.section for entry in alive if not entry.optional}
    return frozenset(entry.section for entry in alive) - required
