"""How much one YAML stream may hold: what protects every later stage from hostile input."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on what is read; going over one is a `ManifestError` that names it.

    `max_bytes`      size of a stream in bytes
    `max_documents`  documents that one stream may be cut into, empty ones counted
    `max_depth`      mappings and sequences inside one another, aliases followed
    `max_nodes`      keys, scalars, mappings and sequences of one document, aliases expanded
    `max_aliases`    how many of these may come from aliases and merges

    The defaults let through whatever an API server stores (an object of some 1.5 MB), and keep one
    document below 300 MB of memory.
    """

    max_bytes: int = 50_000_000
    max_documents: int = 100_000
    max_depth: int = 100
    max_nodes: int = 1_000_000
    max_aliases: int = 250_000


DEFAULT_LIMITS = Limits()
"""What every stage uses unless it is told otherwise."""
