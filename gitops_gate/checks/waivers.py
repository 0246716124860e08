"""Waivers applied to findings: what is accepted, and which waivers need somebody's attention.

The last step of the checks, before the verdict. A waived finding stays in every report and no
longer blocks. A waiver that has expired, that nothing needs any more, or that asks for what cannot
be waived is a finding itself, at its place in the waiver file.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gitops_gate.checks.identity import fingerprint
from gitops_gate.config.waivers import Waiver
from gitops_gate.findings import Finding, Location, Severity, WaiverUse

EXPIRED = "waiver/expired"
UNUSED = "waiver/unused"
NOT_WAIVABLE = "waiver/not-waivable"

# Who waives these would turn "it was not evaluated" or "the rules are broken" into "it is fine".
_NEVER_WAIVED = frozenset({"yaml", "render", "rules", "waiver"})

# What a renderer says about single fields is a judgement like any other rule's.
_ABOUT_FIELDS = frozenset({"render/cluster-dependent", "render/volatile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivedFindings:
    """`findings` are all of them: first those given, in their order, then those about waivers.

    `used` are the waivers that accepted something, `expired` those that no longer count; both in
    the order of the file.
    """

    findings: tuple[Finding, ...]
    used: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()


def _in_default_file(_: Waiver) -> Location:
    return Location(path=".gitops-gate/waivers.yaml")


def apply_waivers(
    findings: Sequence[Finding],
    waivers: Sequence[Waiver],
    environments: Mapping[str, str],
    at: datetime.date,
    *,
    locate: Callable[[Waiver], Location] = _in_default_file,
    evaluated: Collection[str] | None = None,
    introduced: bool = False,
) -> WaivedFindings:
    """Mark the findings that a waiver accepts on the day `at` (UTC).

    `environments` maps the name of every application to its environment; `evaluated` names the
    applications whose findings are here, all of them by default. Only a waiver whose applications
    were all evaluated can be called unused. `locate` says where a waiver stands, and is asked only
    about those that become findings. `introduced` is what these say of themselves: waivers come
    from the base, so as a rule they are older than the change. Of several waivers for one finding
    the first in the file accepts it.
    """
    active = [one for one in waivers if is_waivable(one.rule) and not one.expired(at)]
    used: set[int] = set()
    accepted = [_accepted(finding, active, environments, used) for finding in findings]
    unneeded = [
        waiver
        for index, waiver in enumerate(active)
        if index not in used and _was_evaluated(waiver, environments, evaluated)
    ]
    about = [_about(waiver, at, unneeded, locate, introduced) for waiver in waivers]
    return WaivedFindings(
        findings=(*accepted, *(finding for finding in about if finding is not None)),
        used=tuple(waiver for index, waiver in enumerate(active) if index in used),
        expired=tuple(one for one in waivers if is_waivable(one.rule) and one.expired(at)),
    )


def is_waivable(rule: str) -> bool:
    """Whether findings of a rule may be accepted at all."""
    return rule in _ABOUT_FIELDS or rule.partition("/")[0] not in _NEVER_WAIVED


def _scope(waiver: Waiver) -> str:
    """What a waiver is about, so that two of one rule are told apart wherever they stand."""
    return repr((waiver.resources, waiver.applications, waiver.environments))


def _accepted(
    finding: Finding,
    waivers: Sequence[Waiver],
    environments: Mapping[str, str],
    used: set[int],
) -> Finding:
    """The finding with the first waiver that matches it; every one that does has been of use."""
    environment = None if finding.application is None else environments.get(finding.application)
    matching = [
        index
        for index, waiver in enumerate(waivers)
        if waiver.matches(
            rule=finding.rule,
            resource=finding.resource,
            application=finding.application,
            environment=environment,
        )
    ]
    used.update(matching)
    if not matching:
        return finding
    waiver = waivers[matching[0]]
    use = WaiverUse(
        rule=waiver.rule, reason=waiver.reason, owner=waiver.owner, expires=waiver.expires
    )
    return replace(finding, waiver=use)


def _was_evaluated(
    waiver: Waiver, environments: Mapping[str, str], evaluated: Collection[str] | None
) -> bool:
    """Whether each application that the waiver is about has been looked at."""
    if evaluated is None:
        return True
    everything = replace(waiver, resources=())
    return all(
        name in evaluated
        for name, environment in environments.items()
        if everything.matches(
            rule=waiver.rule, resource=None, application=name, environment=environment
        )
    )


def _about(
    waiver: Waiver,
    at: datetime.date,
    unneeded: Sequence[Waiver],
    locate: Callable[[Waiver], Location],
    introduced: bool,
) -> Finding | None:
    """What is to be said about one waiver, if anything."""
    if not is_waivable(waiver.rule):
        rule = NOT_WAIVABLE
        message = f"{waiver.rule} cannot be waived; this waiver has no effect."
        remedy = "mend what the rule reports, and remove the waiver"
    elif waiver.expired(at):
        rule = EXPIRED
        message = f"The waiver of {waiver.rule} by {waiver.owner} expired on {waiver.expires}."
        remedy = "mend what it accepted, or have its owner extend it"
    elif any(waiver is one for one in unneeded):
        rule = UNUSED
        message = f"The waiver of {waiver.rule} by {waiver.owner} accepts nothing that is found."
        remedy = "remove it"
    else:
        return None
    return Finding(
        rule=rule,
        severity=Severity.WARNING,
        message=message,
        location=locate(waiver),
        introduced=introduced,
        remediation=remedy,
        fingerprint=fingerprint(None, (rule, message, _scope(waiver))),
    )
