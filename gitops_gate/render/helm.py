"""Applications that are charts, rendered with `helm template`, the same way by Helm 3 and 4.

Called exactly as the contract says (section 3): the release, namespace, values and API versions
that are configured, the environment's Kubernetes version, CRDs included. Tests are left out
afterwards (`gitops_gate.render.hooks` says why). There is no cluster, no repository and no
plug-in; dependencies are those inside the chart.
"""

from __future__ import annotations

import csv
import io
import re

from gitops_gate.discovery.values import HelmRelease
from gitops_gate.documents import split_stream
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render import engines
from gitops_gate.render.cached import Produced, render_cached
from gitops_gate.render.charts import chart_files
from gitops_gate.render.differences import Identity, differing_fields
from gitops_gate.render.engines import Engine
from gitops_gate.render.external import SecondRender, execute
from gitops_gate.render.hooks import can_tell_tests, without_tests
from gitops_gate.render.job import RenderJob
from gitops_gate.render.template_paths import TemplatePaths
from gitops_gate.render.values import Manifest, Rendered, VolatileField
from gitops_gate.render.volatile import (
    cluster_findings,
    find_uses,
    second_render,
    unseen_findings,
)
from gitops_gate.resources.values import Origin, ResourceReference

_SOURCE = re.compile(rb"\A(?:[ \t]*\n)*# Source: ([^\n]+)")
_AT_LINE = re.compile(r"([^\s()'\"]+/[^\s()'\":]+)(?::(\d+))?")


def render_chart(job: RenderJob) -> Rendered:
    """Render the chart. Raises `RenderError`, `SourceError`, `ManifestError`."""
    engine = engines.helm(job.settings.helm_command)
    return render_cached(job, engine, produce=_template, cut=_cut)


def arguments(job: RenderJob) -> tuple[str, ...]:
    """What follows the program's name. Paths are relative to the repository's root."""
    application = job.application
    release = application.helm or HelmRelease(release=application.path.rpartition("/")[2])
    words = ["template", release.release, f"./{application.path}"]
    words += ["--namespace", release.namespace, "--include-crds"]
    words += ["--kube-version", job.kubernetes]
    for path in release.values:
        words += ["--values", _one_item(f"./{path}")]
    for version in release.api_versions:
        words += ["--api-versions", _one_item(version)]
    return tuple(words)


def _one_item(text: str) -> str:
    """A flag's value that Helm would cut at commas, written so that it stays whole (RFC 4180)."""
    if not any(special in text for special in ',"\r\n'):
        return text
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([text])
    return line.getvalue()


def _template(job: RenderJob, engine: Engine) -> Produced:
    files = tuple(chart_files(job))
    uses = find_uses(files)
    again = second_render(uses)
    outputs = execute(
        job,
        engine,
        arguments(job),
        locate=lambda message: _locate(job, message),
        again=again,
    )
    streams = outputs.streams
    if can_tell_tests(files):
        streams = tuple(map(without_tests, streams))
    found = _differing(job, streams) if again is not SecondRender.NONE else ()
    seen = frozenset(manifest.origin.path or "" for manifest, _, _ in found)
    return Produced(
        stream=streams[0],
        sandboxed=outputs.sandboxed,
        findings=(
            *(_volatile_finding(*each) for each in found),
            *unseen_findings(uses, seen),
            *cluster_findings(uses),
        ),
        volatile=tuple(VolatileField(resource=which, field=field) for _, which, field in found),
    )


Difference = tuple[Manifest, Identity, tuple[str | int, ...]]


def _differing(job: RenderJob, streams: tuple[bytes, ...]) -> tuple[Difference, ...]:
    first, second = (_cut(job, stream) for stream in streams)
    return tuple(differing_fields(first, second))


def _volatile_finding(manifest: Manifest, which: Identity, field: tuple[str | int, ...]) -> Finding:
    reference = ResourceReference(
        api_version=which[0], kind=which[1], namespace=which[2], name=which[3]
    )
    what = "this field" if field else "this resource"
    path = manifest.origin.path
    return Finding(
        rule="render/volatile",
        severity=Severity.WARNING,
        message=f"{what} differs between two renders of the same files, so it is compared with "
        "nothing",
        resource=reference,
        field=field,
        location=Location(path=path) if path else None,
        remediation="set the value from the values file, or from a Secret that exists already",
    )


def _cut(job: RenderJob, stream: bytes) -> tuple[Manifest, ...]:
    """The documents with their templates; one without a comment is of the template before it."""
    paths = TemplatePaths(job.application.path, job.closure.files)
    manifests = []
    path: str | None = None
    for document in split_stream(stream):
        source = _SOURCE.match(document.text)
        if source:
            path = paths.find(source.group(1).decode("utf-8", "surrogateescape"))
        manifests.append(Manifest(text=document.text, origin=Origin(path=path)))
    return tuple(manifests)


def _locate(job: RenderJob, message: str) -> tuple[str | None, int | None]:
    """The last file that Helm's message names with a line, else the last at all, else the chart.

    Where templates include each other, the last is the one that fails.
    """
    paths = TemplatePaths(job.application.path, job.closure.files)
    named: str | None = None
    for name, line in reversed(_AT_LINE.findall(message)):
        path = name if name in job.closure.files else paths.exact(name)
        if path and line:
            return path, int(line[:9])
        named = named or path
    return named or paths.chart, None
