"""How this room says that an attestation is wrong, or that nobody can tell."""

from __future__ import annotations

from gitops_gate.errors import AttestationError
from gitops_gate.source.paths import shown


def refuted(message: str, where: str, *, remedy: str | None = None) -> AttestationError:
    """It was read, and it is wrong. `where` may be a name that somebody else chose."""
    error = AttestationError(message, path=shown(where), remedy=remedy)
    error.refuted = True
    return error


def unchecked(message: str, where: str, *, remedy: str | None = None) -> AttestationError:
    """It may be right, but that could not be found out; never taken for verified."""
    return AttestationError(message, path=shown(where), remedy=remedy)
