"""Rendering one application: what must be refused first, then the renderer of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Application, Closure
from gitops_gate.errors import GitOpsGateError
from gitops_gate.render.cache import RenderCache
from gitops_gate.render.failures import failed, failure_of, failure_of_refusal
from gitops_gate.render.interface import RENDERERS
from gitops_gate.render.job import RenderJob
from gitops_gate.render.remote.references import check_remotes
from gitops_gate.render.remote.values import RemoteResult
from gitops_gate.render.values import Rendered
from gitops_gate.source.values import Tree


def render(
    application: Application,
    closure: Closure,
    tree: Tree,
    settings: RenderSettings,
    *,
    kubernetes: str,
    cache: RenderCache | None = None,
    require_sandbox: bool = False,
    remotes: Mapping[str, RemoteResult] | None = None,
) -> Rendered:
    """Render one application at one revision; whatever its files hold, it never raises.

    `kubernetes` is the version of the application's environment, as `major.minor`. `remotes` is
    what `fetch_remotes` brought. With `require_sandbox`, an application that needs a program
    fails where that cannot be confined.
    """
    if closure.refusals:
        return Rendered(failure=failure_of_refusal(closure.refusals[0]))
    job = RenderJob(
        application=application,
        closure=closure,
        tree=tree,
        settings=settings,
        kubernetes=kubernetes,
        cache=cache,
        require_sandbox=require_sandbox,
        remotes=remotes or {},
    )
    try:
        check_remotes(closure, settings.allow_remote)
        return RENDERERS[application.renderer](job)
    except GitOpsGateError as error:
        return Rendered(failure=failure_of(error))
    except OSError as error:
        reason = f"the temporary folder cannot be used: {error.strerror or error}"
        return Rendered(failure=failure_of(failed("render/failed", reason)))
