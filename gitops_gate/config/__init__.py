"""Raw YAML -> validated settings and waivers, from the revision that decides.

    .gitops-gate.yaml ──load_settings──> Settings ──settings_digest──> sha256:…
    waivers.yaml ──load_waivers──> Waiver …
    ratified.yaml ──load_ratifications──> Ratification …

All are checked against the JSON Schemas in `schema/`, which are published as they are. Errors tell
everything that is wrong with a file at once. `matches` is how every pattern of the configuration
is compared with a path.
"""

from __future__ import annotations

from gitops_gate.config.delivery_settings import delivery_targets
from gitops_gate.config.globs import is_glob, matches, matches_any
from gitops_gate.config.load import CONFIGURATION_PATH, load_settings, settings_digest
from gitops_gate.config.ratifications import (
    RATIFICATIONS_PATH,
    Ratification,
    load_ratifications,
    locate_ratification,
)
from gitops_gate.config.settings import Settings
from gitops_gate.config.validation import published_schema
from gitops_gate.config.waivers import WaivedResource, Waiver, load_waivers, locate_waiver

__all__ = [
    "CONFIGURATION_PATH",
    "RATIFICATIONS_PATH",
    "Ratification",
    "Settings",
    "WaivedResource",
    "Waiver",
    "delivery_targets",
    "is_glob",
    "load_ratifications",
    "load_settings",
    "load_waivers",
    "locate_ratification",
    "locate_waiver",
    "matches",
    "matches_any",
    "published_schema",
    "settings_digest",
]
