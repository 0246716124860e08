"""Defects -> findings: whose application, which line of the sources, introduced or older.

A check knows what is wrong with a resource; here it gets its place, its fingerprint and its
history, and loses every secret value that a message may quote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gitops_gate.checks.identity import fingerprint, identity, introduced
from gitops_gate.checks.interface import Defect
from gitops_gate.config.settings import Settings
from gitops_gate.evaluation.checking import Found
from gitops_gate.evaluation.places import Places
from gitops_gate.evaluation.source_secrets import source_secrets
from gitops_gate.evaluation.values import Task
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render.values import Failure
from gitops_gate.resources.hash_names import plain_names
from gitops_gate.resources.masking import mask, secret_values
from gitops_gate.resources.read import Unreadable
from gitops_gate.resources.values import Resource

EXCERPTS_AT_MOST = 200


class FindingBuilder:
    """Makes the findings of one application, and collects the source lines they point at."""

    def __init__(self, task: Task, settings: Settings) -> None:
        redact, kubernetes = settings.redact, settings.kubernetes(task.application.environment)
        self._task = task
        self._redact = redact
        self._identities: dict[Any, Any] = {}
        self._head = Places(task.head, kubernetes) if task.head else None
        self._base = Places(task.base, kubernetes) if task.base else None
        self._hidden: frozenset[int] = frozenset()
        self.excerpts: dict[str, str] = {}

    def build(
        self,
        after: Sequence[Found],
        before: Sequence[Found],
        head: Sequence[Resource],
        base: Sequence[Resource],
    ) -> tuple[Finding, ...]:
        """The findings of the head; those that the base has too are not introduced."""
        if not after:
            return ()
        values = [(one, secret_values(one, self._redact)) for one in (*head, *base)]
        secrets = frozenset(secret for _, hidden in values for secret in hidden)
        self._hidden = frozenset(id(resource) for resource, hidden in values if hidden)
        names = plain_names([*base, *head])
        memo = self._identities
        sightings = [(identity(*found, names, memo), found[1].message) for found in after]
        earlier = [(identity(*found, names, memo), found[1].message) for found in before]
        current = {id(resource) for resource in head}
        findings = []
        for found, (name, _), new in zip(
            after, sightings, introduced(earlier, sightings), strict=True
        ):
            resource, defect = found
            places = self._head if resource is None or id(resource) in current else self._base
            mark = fingerprint(self._task.name, name)
            findings.append(self._finding(resource, defect, mark, new, places))
        if not secrets:
            return tuple(findings)
        self.excerpts = {key: mask(line, secrets) for key, line in self.excerpts.items()}
        return tuple(
            replace(
                finding,
                message=mask(finding.message, secrets),
                suggestion=finding.suggestion and mask(finding.suggestion, secrets),
                remediation=finding.remediation and mask(finding.remediation, secrets),
            )
            for finding in findings
        )

    def rendering(
        self, findings: Sequence[Finding], older: Sequence[Finding]
    ) -> tuple[Finding, ...]:
        """What the renderer said about its templates; `older` is what it said at the base."""
        known = Counter(_said(finding) for finding in older)
        told = []
        for finding in findings:
            new = known[_said(finding)] <= 0
            known[_said(finding)] -= 1
            said = replace(finding, application=self._task.name, introduced=new)
            told.append(replace(said, fingerprint=self._fingerprint(said)))
        return tuple(told)

    def failure(self, failure: Failure, *, new: bool) -> Finding:
        """The finding of an application that could not be rendered."""
        location = None
        if failure.path:
            location = Location(path=failure.path, line=failure.line or 0, exact=bool(failure.line))
        finding = Finding(
            rule=failure.code,
            severity=Severity.ERROR,
            message=self.masked(failure.message),
            application=self._task.name,
            location=location,
            introduced=new,
            remediation=failure.remedy,
        )
        return replace(finding, fingerprint=self._fingerprint(finding))

    def masked(self, message: str, resources: Sequence[Resource] = ()) -> str:
        """What somebody said about these resources or about the sources, without secret values."""
        secrets = [secret_values(resource, self._redact) for resource in resources]
        secrets += [source_secrets(side, self._redact) for side in (self._head, self._base) if side]
        return mask(message, frozenset().union(*secrets))

    def unreadable(self, problems: Sequence[Unreadable], *, new: bool) -> list[Finding]:
        """One finding for each document that is no resource."""
        findings = []
        for problem in problems:
            location = None
            if problem.origin.path:
                line = problem.origin.line + problem.line - 1
                location = Location(
                    path=problem.origin.path, line=line, column=problem.column, exact=True
                )
                if self._head and not self._head.mentions_secrets(location.path):
                    self._keep_excerpt(location, self._head)
            finding = Finding(
                rule="yaml",
                severity=Severity.ERROR,
                message=problem.message,
                application=self._task.name,
                resource=problem.reference,
                location=location,
                introduced=new,
            )
            findings.append(replace(finding, fingerprint=self._fingerprint(finding)))
        return findings

    def _finding(
        self,
        resource: Resource | None,
        defect: Defect,
        mark: str,
        new: bool,
        places: Places | None,
    ) -> Finding:
        misspelt = (defect.suggestion or "").endswith(":")
        location = places.of(resource, defect.field, name=misspelt) if places else None
        if location and resource and self._is_open(resource):
            self._keep_excerpt(location, places)
        return Finding(
            rule=defect.rule,
            severity=defect.severity,
            message=defect.message,
            application=self._task.name,
            resource=resource.reference if resource else None,
            field=defect.field,
            location=location,
            introduced=new,
            remediation=defect.remediation,
            suggestion=defect.suggestion,
            documentation=defect.documentation,
            fingerprint=mark,
        )

    def _is_open(self, resource: Resource) -> bool:
        """Whether the lines of a resource may be shown: not where a value of it is secret."""
        return resource.reference.kind != "Secret" and id(resource) not in self._hidden

    def _fingerprint(self, finding: Finding) -> str:
        return fingerprint(self._task.name, _said(finding))

    def _keep_excerpt(self, location: Location, places: Places | None) -> None:
        key = f"{location.path}:{location.line}"
        if places is None or key in self.excerpts or len(self.excerpts) >= EXCERPTS_AT_MOST:
            return
        excerpt = places.excerpt(location)
        if excerpt is not None:
            self.excerpts[key] = excerpt


def _said(finding: Finding) -> tuple[str, ...]:
    return (finding.rule, str(finding.resource), *map(str, finding.field), finding.message)
