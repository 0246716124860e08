"""Resources: rendered documents, read, named, normalised, and made safe to show.

Between rendering and everything that asks what a manifest means.

- `read`: manifests -> resources, and what could not be read.
- `canonical`, `shapes`, `normal_forms`, `quantities`, `plain`: the normal form that makes equal
  what Kubernetes reads as equal; `digests` are made from it.
- `merge_keys`, `paths`: which item of a list is which, without indexes.
- `hash_names`: generated names without their hash.
- `redact`, `masking`: what must not be shown, in fields and in text.
"""
