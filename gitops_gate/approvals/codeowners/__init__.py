"""CODEOWNERS: whom a path belongs to, as GitHub and as GitLab read the file.

    tree of the base ──find──> text ──parse──> OwnersFile ──match──> OwnerMatch, Owned

The two dialects share a name and little else: `docs/*` is anchored at the root on GitHub and
matches in any directory on GitLab; GitHub has one list in which the last match wins, GitLab one in
each section. Both are read by parsers of our own: no library reads both as their forges do. PyPI's
`codeowners` 0.9 takes `[ab]` for a range, which GitHub refuses, knows no exclusions, counts or
default owners of GitLab, and drops an owner that it cannot read without a word.
"""

from __future__ import annotations

from gitops_gate.approvals.codeowners.find import dialect_of_place, find_codeowners
from gitops_gate.approvals.codeowners.match import all_owners, owned_paths, owners_of
from gitops_gate.approvals.codeowners.parse import parse
from gitops_gate.approvals.codeowners.resolve import resolved
from gitops_gate.approvals.codeowners.values import (
    Dialect,
    Owned,
    Owner,
    OwnerKind,
    OwnerMatch,
    OwnersEntry,
    OwnersFile,
    OwnersProblem,
)

__all__ = [
    "Dialect",
    "Owned",
    "Owner",
    "OwnerKind",
    "OwnerMatch",
    "OwnersEntry",
    "OwnersFile",
    "OwnersProblem",
    "all_owners",
    "dialect_of_place",
    "find_codeowners",
    "owned_paths",
    "owners_of",
    "parse",
    "resolved",
]
