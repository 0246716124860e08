"""The step before rendering that brings in allowed bases, with all that they refer to in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Closure, RemoteReference
from gitops_gate.errors import GitOpsGateError
from gitops_gate.render.failures import failure_of
from gitops_gate.render.remote.closures import base_closure
from gitops_gate.render.remote.git import fetch_commit
from gitops_gate.render.remote.references import CODE, allowed_source
from gitops_gate.render.remote.values import Remote, RemoteResult
from gitops_gate.render.values import Failure
from gitops_gate.tools import clean_text

MAXIMUM_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """What stays the same while bases and their own bases are fetched; `found` grows."""

    prefixes: tuple[str, ...]
    folder: str
    offline: bool
    found: dict[str, RemoteResult]


def fetch_remotes(
    closures: Iterable[Closure], settings: RenderSettings, folder: str, *, offline: bool = False
) -> Mapping[str, RemoteResult]:
    """Fetch every base that the closures take from elsewhere, as far as it is allowed.

    Keyed by the reference as it is written. What is not allowed, cannot be had, or refers to
    such a base itself, is a `Failure`. `folder` is kept between runs; with `offline`, only what
    is in it is there. Nothing but Git runs, and never on files of a checkout.
    """
    errand = _Errand(prefixes=settings.allow_remote, folder=folder, offline=offline, found={})
    for closure in closures:
        for remote in closure.remotes:
            _fetch(remote, errand, ())
    return dict(sorted(errand.found.items()))


def _fetch(remote: RemoteReference, errand: _Errand, way: tuple[str, ...]) -> RemoteResult:
    """Fetch one base and those below it; `way` are the references that led to it."""
    reference = remote.reference
    known = errand.found.get(reference)
    if known is not None:
        return known
    if reference in way or len(way) >= MAXIMUM_DEPTH:
        return Failure(code=CODE, message=f"{reference} refers to itself, or through too many")
    try:
        source = allowed_source(remote, errand.prefixes)
        tree = fetch_commit(source, errand.folder, offline=errand.offline)
        closure = base_closure(tree, source.path)
        result: RemoteResult = Remote(source=source, tree=tree, closure=closure)
        problem = _problem_below(reference, closure, errand, (*way, reference))
        if problem is not None:
            result = problem
    except GitOpsGateError as error:
        result = failure_of(error)
    errand.found[reference] = result
    return result


def _problem_below(
    reference: str, closure: Closure, errand: _Errand, way: tuple[str, ...]
) -> Failure | None:
    """Why a fetched base cannot be used: what is refused everywhere, or a base of its own."""
    for refusal in closure.refusals:
        what = f"{reference}: {refusal.path}: {refusal.message}"
        return Failure(code=refusal.code, message=clean_text(what), remedy=refusal.remedy)
    for inner in closure.remotes:
        result = _fetch(inner, errand, way)
        if isinstance(result, Failure):
            what = f"{reference}: {inner.path}: {result.message}"
            return Failure(code=result.code, message=clean_text(what), remedy=result.remedy)
    return None
