"""What the CI says about the run it started: hints, never facts.

    variables + event payload ──detect──> Environment

The first thing a review reads. A re-run replays an old payload, and whoever starts a pipeline can
set its variables: so everything here is compared with Git and the forge before it counts, and no
address is taken from here that the approved configuration does not allow.
"""

from __future__ import annotations

from gitops_gate.ci.detect import detect
from gitops_gate.ci.values import Environment, Occasion

__all__ = ["Environment", "Occasion", "detect"]
