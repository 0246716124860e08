"""Whom paths belong to, and why."""

from __future__ import annotations

from collections.abc import Iterable

from gitops_gate.approvals.codeowners.index import EntryIndex
from gitops_gate.approvals.codeowners.values import (
    Dialect,
    Owned,
    OwnerMatch,
    OwnersEntry,
    OwnersFile,
)


def owners_of(file: OwnersFile, path: str) -> tuple[OwnerMatch, ...]:
    """What each section says about a path, in the order of the file; () where none does.

    On GitHub there is one answer at most. Owners are those of the last entry that matches. On
    GitLab one exclusion that matches settles its section. See `OwnerMatch` for what did not count.
    """
    return all_owners(file, [path])[path]


def all_owners(file: OwnersFile, paths: Iterable[str]) -> dict[str, tuple[OwnerMatch, ...]]:
    """`owners_of` for many paths at once, without a `/` or `./` at their start."""
    index = EntryIndex(file.entries, winners=False)
    return {path: _matches(file, path, index) for path in paths}


def owned_paths(file: OwnersFile, paths: Iterable[str]) -> tuple[Owned, ...]:
    """The paths that somebody owns, together where the same owners are asked for the same reason.

    Sorted. Paths without owners, and those that are excluded, are in none.
    """
    alive = [entry for entry in file.entries if entry.replaced_by is None]
    index = EntryIndex(alive, winners=True)
    groups: dict[tuple[object, ...], list[OwnerMatch]] = {}
    for path in sorted(set(paths)):
        for match in _matches(file, path, index):
            if match.owners:
                groups.setdefault(_group(file, match), []).append(match)
    owned = [_owned(file, matches) for matches in groups.values()]
    return tuple(sorted(owned, key=lambda one: (one.paths, one.section or "", one.lines)))


def _group(file: OwnersFile, match: OwnerMatch) -> tuple[object, ...]:
    if file.dialect is Dialect.GITLAB:
        return (match.entry.line,)
    return tuple(sorted(owner.identity for owner in match.owners))


def _owned(file: OwnersFile, matches: list[OwnerMatch]) -> Owned:
    first = matches[0]
    return Owned(
        paths=tuple(match.path for match in matches),
        owners=tuple(sorted(first.owners, key=lambda owner: owner.identity)),
        required=first.required,
        optional=first.optional,
        section=first.section,
        lines=tuple(sorted({match.entry.line for match in matches})),
        file=file.path,
    )


def _matches(file: OwnersFile, path: str, index: EntryIndex) -> tuple[OwnerMatch, ...]:
    sections: dict[str | None, list[OwnersEntry]] = {}
    for entry in index.matching(path):
        sections.setdefault(entry.section, []).append(entry)
    matches = [_decided(file, path, entries) for entries in sections.values()]
    order = (
        {entry.section: at for at, entry in reversed(list(enumerate(file.entries)))}
        if (len(matches) > 1)
        else {}
    )
    return tuple(sorted(matches, key=lambda match: order.get(match.section, 0)))


def _decided(file: OwnersFile, path: str, entries: list[OwnersEntry]) -> OwnerMatch:
    """The entry that counts in one section, of those that match."""
    first, *others = sorted(
        entries,
        key=lambda entry: (entry.replaced_by is None, entry.exclusion, entry.rank, entry.line),
        reverse=True,
    )
    return OwnerMatch(
        path=path,
        section=first.section,
        entry=first,
        optional=first.section in file.optional,
        others=tuple(others),
    )
