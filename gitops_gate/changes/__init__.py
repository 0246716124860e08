"""Changes: what applying the head instead of the base does to the cluster.

After reading (`gitops_gate.resources`) and before the checks, which look at what changed.

- `pairing`: which resource of the base is which one of the head.
- `differences`: the fields in which two normal forms differ, without indexes.
- `text_diff`: a unified diff in bounded time; `display` writes the YAML that it compares.
- `risk`, `immutable`, `rbac`: labels for what a reviewer must not miss.
- `comparison`: all of it together, for one application.
"""
