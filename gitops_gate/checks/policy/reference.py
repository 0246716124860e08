"""The Markdown reference of rules, generated from their own metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable

from gitops_gate.checks.policy.rules import Rule

_HEADING = """# Rules

Every rule of the shipped library, as `gitops-gate policy docs` writes it. The id of a rule is its
heading here, its file below `policies/`, the key under `policies.rules` and the key of a waiver.
Profiles, areas and ids are what `policies.builtin` takes. Parameters are set under
`policies.rules.<id>.parameters`.

"""


def rules_reference(rules: Iterable[Rule]) -> str:
    """One section a rule, sorted by id, after a table of them all."""
    ordered = sorted(rules, key=lambda rule: rule.id)
    lines = ["| Rule | Severity | Profiles | What it asks for |", "|---|---|---|---|"]
    lines += [
        f"| [`{rule.id}`](#{anchor(rule.id)}) | {rule.severity.value} | "
        f"{', '.join(rule.profiles) or '–'} | {rule.title} |"
        for rule in ordered
    ]
    return _HEADING + "\n".join(lines) + "\n\n" + "\n".join(_section(rule) for rule in ordered)


def anchor(rule_id: str) -> str:
    """The anchor of a rule's section, as forges make it from the heading."""
    return rule_id.replace("/", "")


def _section(rule: Rule) -> str:
    lines = [f"## {rule.id}", "", f"**{rule.title}** ({rule.severity.value})", ""]
    lines += [rule.description, ""] if rule.description else []
    lines += [f"To satisfy it: {rule.remediation}", ""] if rule.remediation else []
    kinds = "every kind" if rule.kinds == ("*",) else _listed(rule.kinds)
    lines += [
        f"Looks at {kinds} on {', '.join(rule.operations)}. Areas: {_listed(rule.areas)}.",
        "",
    ]
    if rule.parameters:
        lines += ["| Parameter | Default | Meaning |", "|---|---|---|"]
        lines += [
            f"| `{name}` | `{json.dumps(about.default)}` | {' '.join(about.description.split())} |"
            for name, about in rule.parameters.items()
        ]
        lines += [""]
    lines += [f"- <{reference}>" for reference in rule.related]
    return "\n".join(lines).rstrip() + "\n"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
