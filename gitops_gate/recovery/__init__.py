"""Recovery and promotion, each through a change request: revert, ratify, bump; blame and rebuild.

    steps ──undone on the tip──────────┐
    a held step ──entry of its own─────┤──> Proposal ──propose──> branch ──> change request
    new versions ──edited in place─────┘        │
                                    rendered before and after: what a cluster gets

What is proposed passes the same gate as every other change, and nothing here moves a delivery ref.
Above the delivery, whose steps it takes back; `blame` and `rebuild` only read.
"""
