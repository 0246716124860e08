"""The rules of a SARIF log: what each one asks for, and how to satisfy it.

Of the shipped library everything is known from its own metadata. Of other rules, such as a
repository's own, a report knows what their findings say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.checks.policy.library import shipped_rules
from gitops_gate.checks.policy.rules import Rule
from gitops_gate.findings import Finding, Severity
from gitops_gate.reports.escaping import markdown_sentence, one_line, visible
from gitops_gate.reports.links import safe_link

_LONGEST_DESCRIPTION = 1_000
_LONGEST_HELP = 4_000
_LONGEST_NAME = 200

_SECURITY_AREAS = frozenset({"images", "ingress", "pod-security", "rbac", "secrets", "services"})
"""Areas whose rules are about what an attacker could use."""
_SCORES = {Severity.ERROR: "7.5", Severity.WARNING: "5.0"}
"""`security-severity`, which GitHub shows as high and medium."""

_OUTSIDE = {
    "conftest": "A rule of the repository, in the dialect of conftest",
    "gatekeeper": "A rule of the repository, in the dialect of Gatekeeper",
    "render": "The application renders to what its agent would apply",
    "repository": "The repository holds what can be deployed from it",
    "rules": "The rules load and can be evaluated",
    "schema": "Resources are what the schema of their kind allows",
    "waiver": "Waivers are complete, in force and used",
    "yaml": "Documents are resources that Kubernetes can read",
}
"""What the ids outside the library ask for, by their first part (`docs/findings.md`)."""


def descriptors(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """A SARIF `reportingDescriptor` for each rule that has a finding, sorted by id."""
    shipped = {rule.id: rule for rule in shipped_rules()[0]}
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.rule, []).append(finding)
    return [
        _shipped(shipped[rule], found[rule]) if rule in shipped else _other(rule, found[rule])
        for rule in sorted(found)
    ]


def _shipped(rule: Rule, findings: Sequence[Finding]) -> dict[str, Any]:
    description = " ".join(rule.description.split()) or rule.title
    links = [link for link in map(safe_link, rule.related) if link]
    todo = f"To satisfy it: {rule.remediation}" if rule.remediation else ""
    paragraphs = [part for part in (description, todo) if part]
    secure = not _SECURITY_AREAS.isdisjoint(rule.areas)
    properties: dict[str, Any] = {
        "tags": [*rule.areas, *(["security"] if secure and "security" not in rule.areas else [])],
        "precision": "high",
        "problem.severity": rule.severity.value,
    }
    if secure:
        properties["security-severity"] = _SCORES[rule.severity]
    return _descriptor(
        rule.id,
        title=rule.title,
        description=description,
        text="\n\n".join([*paragraphs, *links]),
        markdown="\n\n".join([*paragraphs, *(f"<{link}>" for link in links)]),
        link=links[0] if links else _link(findings),
        level=rule.severity,
        properties=properties,
    )


def _other(rule: str, findings: Sequence[Finding]) -> dict[str, Any]:
    first = rule.partition("/")[0]
    title = _OUTSIDE.get(first, f"A rule of the repository: {_words(rule)}")
    todo = next((each.remediation for each in findings if each.remediation), None)
    link = _link(findings)
    worst = min((each.severity for each in findings), key=lambda severity: severity.rank)
    text = f"{title}.\n\nTo satisfy it: {todo}" if todo else f"{title}."
    safe = f"{markdown_sentence(title)}."
    if todo:
        safe += f"\n\nTo satisfy it: {markdown_sentence(todo, _LONGEST_HELP)}"
    return _descriptor(
        rule,
        title=title,
        description=title,
        text=f"{text}\n\n{link}" if link else text,
        markdown=f"{safe}\n\n<{link}>" if link else safe,
        link=link,
        level=worst,
        properties={"tags": [one_line(first, 60)], "problem.severity": worst.value},
    )


def _descriptor(
    rule: str,
    *,
    title: str,
    description: str,
    text: str,
    markdown: str,
    link: str | None,
    level: Severity,
    properties: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "id": rule,
        "name": _name(rule),
        "shortDescription": {"text": one_line(title, _LONGEST_DESCRIPTION)},
        "fullDescription": {"text": one_line(description, _LONGEST_DESCRIPTION)},
        "help": {"text": visible(text[:_LONGEST_HELP]), "markdown": markdown},
        **({"helpUri": link} if link else {}),
        "defaultConfiguration": {"level": level.value},
        "properties": dict(properties),
    }


def _name(rule: str) -> str:
    """`ImagesPinned`, as SARIF wants the name beside an id."""
    words = re.findall(r"[A-Za-z0-9]+", rule)
    return "".join(word[:1].upper() + word[1:] for word in words)[:_LONGEST_NAME] or "Rule"


def _words(rule: str) -> str:
    return rule.rpartition("/")[2].replace("-", " ") or rule


def _link(findings: Sequence[Finding]) -> str | None:
    links = (safe_link(each.documentation) for each in findings)
    return next((link for link in links if link), None)
