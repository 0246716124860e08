"""Rendering a job once: from the cache when it is there, by its program when it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render.cache import CachedStream
from gitops_gate.render.engines import Engine
from gitops_gate.render.job import RenderJob, cache_key
from gitops_gate.render.values import Manifest, Rendered, VolatileField
from gitops_gate.resources.values import ResourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """What a program made of a job; the part of the result that is worth keeping."""

    stream: bytes
    sandboxed: bool
    findings: tuple[Finding, ...] = ()
    volatile: tuple[VolatileField, ...] = ()


def render_cached(
    job: RenderJob,
    engine: Engine,
    *,
    produce: Callable[[RenderJob, Engine], Produced],
    cut: Callable[[RenderJob, bytes], tuple[Manifest, ...]],
) -> Rendered:
    """Take the stream of a job from its cache or produce it, and cut it into manifests.

    A stream that was made without a sandbox is not taken where one is required. What cannot be
    cut is not kept. Raises what `produce` and `cut` raise.
    """
    key = cache_key(job, engine) if job.cache else ""
    cached = job.cache.get(key) if job.cache else None
    produced = _unpacked(cached) if cached else None
    fresh = produced is None or (job.require_sandbox and not produced.sandboxed)
    if produced is None or fresh:
        produced = produce(job, engine)
    manifests = cut(job, produced.stream)
    if job.cache and fresh:
        job.cache.put(key, _packed(produced))
    return Rendered(
        manifests=manifests,
        findings=tuple(
            replace(each, application=job.application.name) for each in produced.findings
        ),
        volatile=produced.volatile,
        tools={engine.name: engine.version},
        sandboxed=produced.sandboxed,
    )


def _packed(produced: Produced) -> CachedStream:
    about = {
        "sandboxed": produced.sandboxed,
        "volatile": [[list(each.resource), list(each.field)] for each in produced.volatile],
        "findings": [_packed_finding(each) for each in produced.findings],
    }
    return CachedStream(stream=produced.stream, about=about)


def _unpacked(cached: CachedStream) -> Produced | None:
    """What was kept, or None when it was not written by this version of the room."""
    about = cached.about
    try:
        return Produced(
            stream=cached.stream,
            sandboxed=about["sandboxed"],
            findings=tuple(_unpacked_finding(each) for each in about["findings"]),
            volatile=tuple(
                VolatileField(resource=tuple(resource), field=tuple(field))
                for resource, field in about["volatile"]
            ),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _packed_finding(finding: Finding) -> dict[str, Any]:
    resource, location = finding.resource, finding.location
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": finding.message,
        "remediation": finding.remediation,
        "field": list(finding.field),
        "resource": resource
        and [resource.api_version, resource.kind, resource.namespace, resource.name],
        "location": location and [location.path, location.line, location.column, location.exact],
    }


def _unpacked_finding(kept: dict[str, Any]) -> Finding:
    resource, location = kept["resource"], kept["location"]
    if resource is not None:
        names = ("api_version", "kind", "namespace", "name")
        resource = ResourceReference(**dict(zip(names, resource, strict=True)))
    if location is not None:
        names = ("path", "line", "column", "exact")
        location = Location(**dict(zip(names, location, strict=True)))
    return Finding(
        rule=kept["rule"],
        severity=Severity(kept["severity"]),
        message=kept["message"],
        remediation=kept["remediation"],
        field=tuple(kept["field"]),
        resource=resource,
        location=location,
    )
