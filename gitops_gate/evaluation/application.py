"""One application: render both sides, read them, compare them, check them.

The middle of the flow, seen from one application. What belongs to the whole run (waivers,
coverage, the verdict) comes after, in the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gitops_gate.changes import compare, pair
from gitops_gate.changes.values import Pair, ResourceChange
from gitops_gate.errors import GitOpsGateError, PolicyError
from gitops_gate.evaluation.checking import CheckedSide, check_side
from gitops_gate.evaluation.defects import FindingBuilder
from gitops_gate.evaluation.engines import Engines
from gitops_gate.evaluation.values import Counts, Result, Side, SideName, Task
from gitops_gate.render import render
from gitops_gate.render.values import Failure, Rendered
from gitops_gate.resources.digests import application_digest
from gitops_gate.resources.read import Unreadable, read_resources
from gitops_gate.resources.values import Resource, ResourceKey
from gitops_gate.verdict.values import ApplicationOutcome, Reason, Sides, Status, Verdict

_UNREADABLE = "render/unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One side, rendered and read; `failure` says why there is nothing to evaluate."""

    side: Side | None
    rendered: Rendered = field(default_factory=Rendered)
    resources: tuple[Resource, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    failure: Failure | None = None
    digest: str | None = None


def evaluate(task: Task, engines: Engines) -> Result:
    """Everything that can be said about one application. Content never makes it raise."""
    base, head = _read(task.base, engines), _read(task.head, engines)
    builder = FindingBuilder(task, engines.context.settings)
    if task.head is not None and head.failure is not None:
        return _failed(task, base, head, builder)
    try:
        return _evaluated(task, base, head, engines, builder)
    except GitOpsGateError as error:
        code = "policy_error" if isinstance(error, PolicyError) else "check_error"
        said = builder.masked(str(error), (*head.resources, *base.resources))
        message = f"{task.name} could not be checked: {said}"
        reason = Reason(code=code, message=message, verdict=Verdict.INDETERMINATE)
        outcome = _outcome(task, base, head, Status.FAILED, reason=said)
        return Result(outcome=outcome, undecided=(reason,), tools=head.rendered.tools)


def render_side(side: Side, engines: Engines) -> Rendered:
    """The manifests of an application at one revision; content never makes it raise."""
    context = engines.context
    application = side.application
    return render(
        application,
        side.closure,
        side.tree,
        context.settings.render,
        kubernetes=context.settings.kubernetes(application.environment),
        cache=engines.cache,
        require_sandbox=context.require_sandbox,
        remotes=context.remotes,
    )


def _read(side: Side | None, engines: Engines) -> _Read:
    if side is None:
        return _Read(side=None)
    rendered = render_side(side, engines)
    if rendered.failure is not None:
        return _Read(side=side, rendered=rendered, failure=rendered.failure)
    read = read_resources(rendered.manifests, engines.documents)
    failure = _unreadable(read.unreadable)
    digest = None
    if failure is None:
        volatile = {(entry.resource, entry.field) for entry in rendered.volatile}
        digest = application_digest(read.resources, volatile, engines.digests)
    return _Read(
        side=side,
        rendered=rendered,
        resources=read.resources,
        unreadable=read.unreadable,
        failure=failure,
        digest=digest,
    )


def _unreadable(problems: Sequence[Unreadable]) -> Failure | None:
    """An application with a document that nobody can read is not evaluated without it."""
    if not problems:
        return None
    first = problems[0]
    more = f" (and {len(problems) - 1} more documents)" if len(problems) > 1 else ""
    return Failure(
        code=_UNREADABLE,
        message=f"{first.message}{more}",
        path=first.origin.path,
        line=first.origin.line + first.line - 1,
    )


def _failed(task: Task, base: _Read, head: _Read, builder: FindingBuilder) -> Result:
    assert head.failure is not None
    new = base.failure is None or base.failure.message != head.failure.message
    finding = builder.failure(head.failure, new=new)
    unreadable = builder.unreadable(head.unreadable, new=new)
    older = base.rendered.findings
    told = builder.rendering(head.rendered.findings, older)
    return Result(
        outcome=_outcome(task, base, head, Status.FAILED, reason=str(finding.message)),
        findings=(*(unreadable or [finding]), *told),
        tools=head.rendered.tools,
        warnings=_warnings(head),
        excerpts=builder.excerpts,
    )


def _evaluated(
    task: Task, base: _Read, head: _Read, engines: Engines, builder: FindingBuilder
) -> Result:
    context = engines.context
    comparable = context.compare and base.failure is None
    known_base = base if comparable else _Read(side=None)
    pairs = pair(known_base.resources, head.resources) if comparable else ()
    changes = _changes(task, known_base, head, engines, pairs) if comparable else ()
    after = _check(task.head, head, "head", engines, pairs)
    before = _check(known_base.side, known_base, "base", engines, ())
    if task.head is None and known_base.side is not None:
        after = _check(known_base.side, replace(known_base, resources=()), "head", engines, pairs)
    findings = builder.build(after.found, before.found, head.resources, known_base.resources)
    older = known_base.rendered.findings
    findings += builder.rendering(head.rendered.findings, older)
    reason = None
    if base.failure is not None:
        said = builder.failure(base.failure, new=False).message.split("\n", 1)[0]
        reason = f"the base could not be rendered, so what changes is unknown: {said}"
    outcome = _outcome(task, base, head, Status.RENDERED, reason=reason)
    return Result(
        outcome=outcome,
        changes=changes,
        findings=findings,
        counts=Counts(
            resources=len(head.resources),
            schema_checked=after.schema_checked,
            schema_missing=after.schema_missing,
            policy_checked=after.policy_checked,
            redacted=sum(change.redacted for change in changes),
            omitted=sum(change.omitted for change in changes),
        ),
        rules=after.rules | before.rules,
        tools={**head.rendered.tools, **base.rendered.tools, **after.tools},
        warnings=(*(_warnings(head) or _warnings(base)), *engines.schema_problems),
        excerpts=builder.excerpts,
        keys=frozenset(resource.key for resource in head.resources),
    )


def _changes(
    task: Task, base: _Read, head: _Read, engines: Engines, pairs: Sequence[Pair]
) -> tuple[ResourceChange, ...]:
    return compare(
        task.name,
        base.resources,
        head.resources,
        redact=engines.context.settings.redact,
        volatile=(base.rendered.volatile, head.rendered.volatile),
        pairs=pairs,
        delivery=engines.context.settings.delivery,
    )


def _check(
    side: Side | None, read: _Read, name: SideName, engines: Engines, pairs: Sequence[Pair]
) -> CheckedSide:
    if side is None:
        return CheckedSide()
    return check_side(side.application, read.resources, name, engines, pairs=pairs)


def _warnings(read: _Read) -> tuple[str, ...]:
    if read.side is None or read.rendered.sandboxed:
        return ()
    return ("this system has no sandbox: renderers ran with the rights of this process",)


def _outcome(
    task: Task, base: _Read, head: _Read, status: Status, *, reason: str | None
) -> ApplicationOutcome:
    application = task.application
    return ApplicationOutcome(
        name=task.name,
        path=application.path,
        renderer=application.renderer.value,
        environment=application.environment,
        status=status,
        affected=True,
        reason=reason,
        digest=Sides(base=base.digest, head=head.digest),
        resources=Sides(base=len(base.resources), head=len(head.resources)),
        moved_from=task.moved_from,
    )


def resource_keys(side: Side, engines: Engines) -> frozenset[ResourceKey]:
    """The keys of everything that one side of an application renders to."""
    return frozenset(resource.key for resource in _read(side, engines).resources)


def unexpected(task: Task, error: BaseException) -> Result:
    """The result of a task whose evaluation broke: failed, and the run cannot be decided."""
    message = f"{task.name} could not be evaluated: {type(error).__name__} inside gitops-gate"
    reason = Reason(code="internal_error", message=message, verdict=Verdict.INDETERMINATE)
    nothing = _Read(side=None)
    outcome = _outcome(task, nothing, nothing, Status.FAILED, reason=message)
    return Result(outcome=outcome, undecided=(reason,))
