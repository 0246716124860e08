"""From an endpoint and a token to a connected forge.

The token is handed over once and kept out of everything that can be shown: see
`gitops_gate.forges.http`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gitops_gate.forges.interface import Forge
from gitops_gate.forges.limits import DEADLINE
from gitops_gate.forges.values import Endpoint, ForgeKind, Target

if TYPE_CHECKING:
    from gitops_gate.forges.http import Clock, ForgeSession

_Connect = Callable[[Endpoint, Target, "ForgeSession", str, bool], Forge]


def connect(
    endpoint: Endpoint,
    target: Target,
    token: str,
    *,
    deadline: float = DEADLINE,
    fork_reads_only: bool = False,
    clock: Clock | None = None,
) -> Forge:
    """The forge, with what this token can do there; GitHub is asked once, for the first reading.

    `fork_reads_only` says that in this run a change from a fork is given a token that may only
    read, as GitHub does for the events `pull_request` and `pull_request_review`
    (docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows):
    nothing is written with it, and `missing` says so. Raises `ConfigurationError` for a token
    or an endpoint that cannot be used, and `ForgeError` when the forge cannot be read.
    """
    from gitops_gate.forges.http import open_session

    session = open_session(endpoint, token, deadline=deadline, clock=clock)
    return REGISTRY[endpoint.kind](endpoint, target, session, token, fork_reads_only)


def _github(
    endpoint: Endpoint, target: Target, session: ForgeSession, token: str, fork_reads_only: bool
) -> Forge:
    from gitops_gate.forges.github import connect_github

    return connect_github(endpoint, target, session, token, fork_reads_only=fork_reads_only)


def _gitlab(
    endpoint: Endpoint, target: Target, session: ForgeSession, token: str, _reads_only: bool
) -> Forge:
    from gitops_gate.forges.gitlab import connect_gitlab

    return connect_gitlab(endpoint, target, session, token)


REGISTRY: Mapping[ForgeKind, _Connect] = {"github": _github, "gitlab": _gitlab}
"""How each kind of forge is connected."""
