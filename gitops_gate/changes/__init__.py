"""Changes: what applying the head instead of the base does to the cluster.

After reading (`gitops_gate.resources`) and before the checks, which look at what changed.

- `pairing`: which resource of the base is which one of the head.
- `differences`: the fields in which two normal forms differ, without indexes.
- `text_diff`: a unified diff in bounded time; `limits` bounds what a change may hold.
- `risk`, `immutable`, `rbac`: labels for what a reviewer must not miss.
- `comparison`: all of it together, for one application.
"""

from __future__ import annotations

from gitops_gate.changes.comparison import compare
from gitops_gate.changes.pairing import pair

__all__ = ["compare", "pair"]
