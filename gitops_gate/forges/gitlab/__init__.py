"""GitLab: gitlab.com and self-managed, Free and Premium, through python-gitlab and GraphQL.

    connect ──> connection (REST, errors) + graph (GraphQL) ──> facts: one merge request's
                                                                  │
      reading ── approvals ── summary ── inline ── status ── protection ── opening

`connect_gitlab` asks once what the token may do and hands out a capability for each thing that
it may; `notes` reads what GitLab says in discussions. A review of a merge request that has
nothing new takes six requests: GraphQL, discussions, statuses (`read`), versions, approvals
(`approvals`) and the members of one group (`members`).
"""

from __future__ import annotations

from gitops_gate.forges.gitlab.connect import connect_gitlab

__all__ = ["connect_gitlab"]
