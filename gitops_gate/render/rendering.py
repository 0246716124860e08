"""Rendering one application: what must be refused first, then the renderer of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Application, Closure
from gitops_gate.discovery.values import Renderer as Kind
from gitops_gate.errors import GitOpsGateError, RenderError
from gitops_gate.render import engines
from gitops_gate.render.cache import RenderCache
from gitops_gate.render.failures import failed, failure_of, failure_of_refusal
from gitops_gate.render.interface import RENDERERS
from gitops_gate.render.job import RenderJob
from gitops_gate.render.remote.references import check_remotes
from gitops_gate.render.remote.values import RemoteResult
from gitops_gate.render.sandbox import SandboxStatus, sandbox_status
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


def prepare(settings: RenderSettings, kinds: Iterable[Kind]) -> SandboxStatus:
    """Find out once what every worker would find out again: the sandbox, and program versions.

    For the process that forks the workers. `kinds` are those of the applications to come; a
    program that is missing is reported by the applications that need it.
    """
    wanted = set(kinds)
    with suppress(RenderError, OSError):
        if Kind.KUSTOMIZE in wanted:
            engines.kustomize(settings.kustomize_command)
    with suppress(RenderError, OSError):
        if Kind.HELM in wanted:
            engines.helm(settings.helm_command)
    return sandbox_status()
