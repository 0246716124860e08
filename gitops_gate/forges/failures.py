"""How the rooms of a forge say that something failed."""

from __future__ import annotations

from gitops_gate.errors import ForgeError


def forge_error(
    message: str,
    *,
    status: int | None = None,
    uncertain: bool = False,
    remedy: str | None = None,
) -> ForgeError:
    """A `ForgeError` with everything that is known about it; see there for what the fields mean.

    `message` is shown as it is: texts of a server belong through `ForgeSession.clean` first.
    """
    error = ForgeError(message, remedy=remedy)
    error.status = status
    error.uncertain = uncertain
    return error
