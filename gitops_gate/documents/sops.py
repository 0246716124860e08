"""Recognises documents that SOPS has encrypted; they are never decrypted.

SOPS adds one mapping `sops` at the top, with the message authentication code of everything else.
Source: <https://getsops.io/docs/>.
"""

from __future__ import annotations


def is_sops(value: object) -> bool:
    """Whether this document was encrypted by SOPS."""
    if not isinstance(value, dict):
        return False
    block = value.get("sops")
    return isinstance(block, dict) and all(
        isinstance(block.get(key), str) for key in ("mac", "version")
    )


def without_sops(value: object) -> object:
    """The document without the block that SOPS added, or as it is when there is none."""
    if not (isinstance(value, dict) and is_sops(value)):
        return value
    return {key: member for key, member in value.items() if key != "sops"}
