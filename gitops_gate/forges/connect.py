"""From an endpoint and a token to a connected forge.

The token is handed over once and kept out of everything that can be shown: see
`gitops_gate.forges.http`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import Endpoint, ForgeKind, Target

if TYPE_CHECKING:
    from gitops_gate.forges.http import Clock, ForgeSession

DEADLINE = 600.0
"""Seconds that all requests of one run have together."""

_Connect = Callable[[Endpoint, Target, "ForgeSession", str, bool | None], Forge]


def connect(
    endpoint: Endpoint,
    target: Target,
    token: str,
    *,
    deadline: float = DEADLINE,
    may_write: bool | None = None,
    clock: Clock | None = None,
) -> Forge:
    """The forge, with what this token can do there; GitHub is asked once, for the first reading.

    `may_write` is what is known of the run's token beforehand: False where the CI gives one that
    may only read, True where it is known to write (on GitHub: every event but `pull_request` and
    `pull_request_review`), None where nothing is known. Raises `ConfigurationError` for a token
    or an endpoint that cannot be used, and `ForgeError` when the forge cannot be read.
    """
    from gitops_gate.forges.http import open_session

    session = open_session(endpoint, token, deadline=deadline, clock=clock)
    return REGISTRY[endpoint.kind](endpoint, target, session, token, may_write)


def _github(
    endpoint: Endpoint, target: Target, session: ForgeSession, token: str, may_write: bool | None
) -> Forge:
    from gitops_gate.forges.github import connect_github

    return connect_github(endpoint, target, session, token, may_write=may_write)


def _gitlab(
    endpoint: Endpoint, target: Target, session: ForgeSession, token: str, _may_write: bool | None
) -> Forge:
    from gitops_gate.forges.gitlab import connect_gitlab

    return connect_gitlab(endpoint, target, session, token)


REGISTRY: Mapping[ForgeKind, _Connect] = {"github": _github, "gitlab": _gitlab}
"""How each kind of forge is connected."""
