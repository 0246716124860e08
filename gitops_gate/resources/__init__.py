"""Resources: rendered documents, read, named, normalised, and made safe to show.

Between rendering and everything that asks what a manifest means.

- `read`: manifests -> resources, and what could not be read.
- `canonical`, `shapes`, `normal_forms`, `quantities`, `plain`: the normal form that makes equal
  what Kubernetes reads as equal; `digests` are made from it.
- `merge_keys`, `paths`: which item of a list is which, without indexes.
- `hash_names`: generated names without their hash.
- `redact`, `masking`: what must not be shown, in fields and in text.
"""

from __future__ import annotations

from gitops_gate.resources.canonical import canonical_text
from gitops_gate.resources.digests import application_digest, resource_digest
from gitops_gate.resources.masking import mask, secret_values
from gitops_gate.resources.read import DocumentMemo, ReadResult, Unreadable, read_resources

__all__ = [
    "DocumentMemo",
    "ReadResult",
    "Unreadable",
    "application_digest",
    "canonical_text",
    "mask",
    "read_resources",
    "resource_digest",
    "secret_values",
]
