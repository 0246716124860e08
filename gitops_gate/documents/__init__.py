"""Bytes to documents, as Kubernetes reads YAML.

The bottom of the flow: every stage that looks into a manifest, a configuration file or the output
of a renderer comes through here.

    stream ──split_stream──> RawDocument ──load_document──> JSON-like value ──expand_lists──> items
                                  │                                │
                               locate: line and column          dump_yaml: text for people and diffs

`load_yaml` is the first two steps in one, for a whole stream.
"""

from __future__ import annotations

from gitops_gate.documents.emit import dump_yaml
from gitops_gate.documents.limits import DEFAULT_LIMITS, Limits
from gitops_gate.documents.lists import expand_lists
from gitops_gate.documents.load import load_document, load_yaml
from gitops_gate.documents.positions import Position, locate
from gitops_gate.documents.sops import is_sops, without_sops
from gitops_gate.documents.stream import RawDocument, split_stream

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "Position",
    "RawDocument",
    "dump_yaml",
    "expand_lists",
    "is_sops",
    "load_document",
    "load_yaml",
    "locate",
    "split_stream",
    "without_sops",
]
