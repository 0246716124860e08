"""gitops-gate: only approved, valid changes reach the cluster."""

from __future__ import annotations

__version__ = "0.1.0"
