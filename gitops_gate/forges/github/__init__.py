"""GitHub, github.com and Enterprise Server, through PyGithub.

    connect_github ──> client ──> api (PyGithub's requester over our session)
                          │
                          ├── reading:    one GraphQL query, every list to its end ──> Snapshot
                          ├── approvals:  the same answer, and the activity of the head's branch
                          └── publishing, inline, protection: REST, and one GraphQL mutation

Import it lazily: it brings PyGithub.
"""

from __future__ import annotations

from gitops_gate.forges.github.client import connect_github

__all__ = ["connect_github"]
