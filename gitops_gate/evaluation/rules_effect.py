"""What a change of the rules would do: the whole repository under the old and the new ones.

The verdict of a change request comes from the base's rules. When the head edits them, every
application of the head is evaluated under both, and the difference is shown to whoever approves.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import RulesEffect


def effect_of(
    changed: Sequence[str],
    under_old: tuple[Sequence[Finding], GateSettings],
    under_new: tuple[Sequence[Finding], GateSettings],
) -> RulesEffect:
    """The findings that block under one set of rules and not under the other."""
    old, new = _blocking(*under_old), _blocking(*under_new)
    return RulesEffect(
        changed=tuple(changed),
        newly_denied=tuple(new[mark] for mark in new if mark not in old),
        no_longer_denied=tuple(old[mark] for mark in old if mark not in new),
    )


def _blocking(findings: Sequence[Finding], gate: GateSettings) -> dict[str, Finding]:
    return {finding.fingerprint: finding for finding in findings if blocks(finding, gate)}
