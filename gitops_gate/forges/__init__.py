"""The servers that host change requests: reading one, and publishing a review of it.

    ci.Environment ──> endpoint ──> connect ──> Forge ──> Snapshot
                                                     <── comment, inline comments, status, SARIF

What a forge or a token can do is known when `connect` returns: every capability is a small
protocol of `gitops_gate.forges.interface`, and one that is missing is None with a line that says
why. Values are in `gitops_gate.forges.values`. Nothing here decides anything: what is published
is composed by `gitops_gate.reports`, and in which order by `gitops_gate.review`.
"""
