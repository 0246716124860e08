"""What an engine returned for one rule -> defects, or the reason why it is not an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.checks.interface import Defect
from gitops_gate.checks.policy.rules import Rule
from gitops_gate.errors import PolicyError
from gitops_gate.findings import FieldPath, Severity

_RESULT_KEYS = {"message", "field", "remediation", "suggestion"}


def read_results(rule: Rule, severity: Severity, results: Any) -> tuple[Defect, ...]:
    """The elements of `deny` as defects, in a stable order.

    Raises `PolicyError` when `deny` is undefined, is not a set, or holds something that is
    neither a string nor a result object (contract, section 4): never silence.
    """
    if not isinstance(results, list):
        raise PolicyError(f"{rule.id}: deny is undefined or not a set", path=rule.path)
    defects = [_defect(rule, severity, result) for result in results]
    return tuple(sorted(defects, key=lambda d: (d.message, [str(part) for part in d.field])))


def _defect(rule: Rule, severity: Severity, result: Any) -> Defect:
    if isinstance(result, str):
        result = {"message": result}
    if not isinstance(result, Mapping) or not isinstance(result.get("message"), str):
        raise PolicyError(
            f"{rule.id}: a result must be a string or an object with a message", path=rule.path
        )
    unknown = sorted(set(result) - _RESULT_KEYS)
    if unknown:
        raise PolicyError(f"{rule.id}: a result has no key {unknown[0]}", path=rule.path)
    return Defect(
        rule=rule.id,
        severity=severity,
        message=result["message"],
        field=_field(rule, result.get("field", [])),
        remediation=_optional_text(rule, result, "remediation") or rule.remediation,
        suggestion=_optional_text(rule, result, "suggestion"),
        documentation=rule.related[0] if rule.related else None,
    )


def _field(rule: Rule, path: Any) -> FieldPath:
    if isinstance(path, str):
        path = [path]
    valid = isinstance(path, list) and all(
        isinstance(part, str | int) and not isinstance(part, bool) for part in path
    )
    if not valid:
        raise PolicyError(f"{rule.id}: field must be an array of keys and indexes", path=rule.path)
    return tuple(path)


def _optional_text(rule: Rule, result: Mapping[str, Any], key: str) -> str | None:
    value = result.get(key)
    if value is not None and not isinstance(value, str):
        raise PolicyError(f"{rule.id}: {key} must be a string", path=rule.path)
    return value or None
