"""Policies: Rego rules that look at each resource, and say what is wrong with it.

The rules come from the library that ships with gitops-gate and from the repository; they are
evaluated by the embedded engine or by OPA, with the same findings from both. In the flow this
room stands behind `resources` and `changes`, beside `checks.schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gitops_gate.checks.policy.library import RuleSet, SelectedRule, is_policy_path, select

if TYPE_CHECKING:
    from gitops_gate.checks.interface import PolicyEngine
    from gitops_gate.config.settings import PolicySettings

__all__ = ["ENGINES", "RuleSet", "SelectedRule", "build_engine", "is_policy_path", "select"]


def _embedded(rules: RuleSet, settings: PolicySettings) -> PolicyEngine:
    from gitops_gate.checks.policy.embedded import EmbeddedEngine

    return EmbeddedEngine(rules)


def _opa(rules: RuleSet, settings: PolicySettings) -> PolicyEngine:
    from gitops_gate.checks.policy.opa import OpaEngine

    return OpaEngine(rules, command=settings.opa_command, url=settings.opa_url)


ENGINES: Mapping[str, Callable[[RuleSet, PolicySettings], PolicyEngine]] = {
    "embedded": _embedded,
    "opa": _opa,
}
"""Every policy engine, by the name that `policies.engine` gives it."""


def build_engine(rules: RuleSet, settings: PolicySettings) -> PolicyEngine:
    """The configured engine with the rules loaded. Raises `PolicyError` or `ToolError`."""
    return ENGINES[settings.engine](rules, settings)
