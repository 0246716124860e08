"""Errors of this room, each with the rule id that it is reported under.

    render/refused            what a kustomization or chart asks for is never given (discovery says)
    render/remote-base        a base from elsewhere that is not allowed, not pinned, or not there
    render/missing-tool       the configured program does not exist, or is none of those known
    render/no-sandbox         confinement is required, and this machine has not all of it
    render/timeout            the program did not end in time
    render/failed             the program ended with an error
    render/unreadable         a source file, or what came out, is no YAML stream
    render/not-a-manifest     a document of a directory has no apiVersion and kind (a finding)
    render/volatile           a field differs between two renders of one input (a finding)
    render/cluster-dependent  a template asks the cluster (a finding)

Discovery has further ids for what it refuses.
"""

from __future__ import annotations

from gitops_gate.discovery.values import Refusal
from gitops_gate.errors import GitOpsGateError, RenderError
from gitops_gate.render.values import Failure
from gitops_gate.tools import clean_text


def failed(
    code: str,
    message: str,
    *,
    path: str | None = None,
    line: int | None = None,
    remedy: str | None = None,
) -> RenderError:
    """An error of this room with its rule id."""
    error = RenderError(message, path=path, line=line, remedy=remedy)
    error.code = code
    return error


def failure_of(error: GitOpsGateError) -> Failure:
    """What a report shows of an error; one of another room is about content that it cannot read."""
    return Failure(
        code=error.code if isinstance(error, RenderError) else "render/unreadable",
        message=clean_text(error.message),
        path=error.path,
        line=error.line,
        remedy=error.remedy,
    )


def failure_of_refusal(refusal: Refusal) -> Failure:
    """A reason of discovery's not to start a program at all."""
    return Failure(
        code=refusal.code,
        message=clean_text(refusal.message),
        path=refusal.path,
        line=refusal.line or None,
        remedy=refusal.remedy,
    )
