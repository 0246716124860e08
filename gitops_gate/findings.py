"""One defect, in the words that every room, report and waiver shares.

Discovery, rendering and the checks produce findings; the verdict weighs them; reports show them.
This module only says what a finding is. How two findings are recognised as the same one is in
`gitops_gate.checks.identity`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum

from gitops_gate.resources.values import ResourceReference

FieldPath = tuple[str | int, ...]


class Severity(StrEnum):
    """How bad a finding is. Only `gate.fail_on` decides which severities block."""

    ERROR = "error"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting puts errors first."""
        return 0 if self is Severity.ERROR else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in a source file. `line` and `column` are 1-based; 0 means the file as a whole.

    `exact` says whether it is the very line that causes the finding, or the nearest known place.
    """

    path: str
    line: int = 0
    column: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverUse:
    """The waiver that accepts a finding."""

    rule: str
    reason: str
    owner: str
    expires: datetime.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of one resource, application or file.

    `rule` is the stable id (contract, section 4). `field` is the path into the resource.
    `introduced` is false for what the base has too. `fingerprint` identifies the finding across
    runs: sha256 over rule, application, resource (without hash suffix) and identified field.
    `suggestion` is YAML on one line: the right value of the field, or, ending in a colon, the
    right name of it.
    """

    rule: str
    severity: Severity
    message: str
    application: str | None = None
    resource: ResourceReference | None = None
    field: FieldPath = ()
    location: Location | None = None
    introduced: bool = True
    waiver: WaiverUse | None = None
    remediation: str | None = None
    suggestion: str | None = None
    documentation: str | None = None
    fingerprint: str = ""
