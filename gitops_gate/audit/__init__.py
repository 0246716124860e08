"""Does the forge's protection make the gate unavoidable?

    forge ──reading──> Protection, RepositoryProtection ─┐
    Git (CODEOWNERS, workflows, configuration) ──files───┴──checks──> Audit ──> text, JSON, SARIF

Every check answers with a hole, with what is fine, or with "unknown": what the token may not read
is never taken for fine. `catalogue` says of each hole what an attacker could do and which setting
closes it. Nothing is ever written to the forge.
"""

from __future__ import annotations

from gitops_gate.audit.run import audit
from gitops_gate.audit.values import Audit, Level, Outcome, State

__all__ = ["Audit", "Level", "Outcome", "State", "audit"]
