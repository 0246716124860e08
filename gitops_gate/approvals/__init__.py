"""Who must approve a change, who did, and what exactly they saw.

    CODEOWNERS + rules + change ──> requirements
    reviews + pushes + people (facts, from a forge) ──> who counts, and for what content
                                                    ──evaluate──> a tree that explains itself

The second half of a verdict. Everything here is a function of values: what a forge says comes in
as `gitops_gate.approvals.facts`, what was rendered as digests. Unknown is never approved.
"""

from __future__ import annotations
