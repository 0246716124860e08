"""Loads documents: the fast reader where it is certain, the exact one everywhere else."""

from __future__ import annotations

from gitops_gate.documents.exact import load_exactly
from gitops_gate.documents.fast import NOT_READ, load_fast
from gitops_gate.documents.limits import DEFAULT_LIMITS, Limits
from gitops_gate.documents.stream import cut
from gitops_gate.errors import ManifestError


def load_document(
    text: bytes, *, strict: bool = True, limits: Limits = DEFAULT_LIMITS, first_line: int = 1
) -> object:
    """One document as JSON-like values: what `sigs.k8s.io/yaml.YAMLToJSONStrict` makes of it.

    Values are dict (with str keys), list, str, int, float, bool and None, all fresh. With `strict`
    off, as `YAMLToJSON`: the last of duplicate keys counts, and a merge overrides what stands
    before it. Nothing but comments gives None. Errors count lines from `first_line`.

    Raises `ManifestError` for what Kubernetes would not read and beyond the limits, and in these
    cases that Kubernetes reads by chance or in part: something follows the document, two keys
    differ only until they become JSON (`1` and `"1"`), a byte order mark inside the document, a
    tag that runs into `,` `[` or `]`.
    """
    if len(text) > limits.max_bytes:
        raise ManifestError(f"a document of more than {limits.max_bytes:,} bytes", line=first_line)
    value = load_fast(text, limits)
    if value is not NOT_READ:
        return value
    try:
        return load_exactly(text, strict=strict, limits=limits, first_line=first_line)
    except RecursionError:
        raise ManifestError("nested too deeply", line=first_line) from None


def load_yaml(data: bytes | str, *, strict: bool = True) -> tuple[object, ...]:
    """A YAML stream as Kubernetes reads it: one JSON-like value a document.

    Documents that are empty or hold only comments are left out. See `split_stream` for where the
    stream is cut, and `load_document` for what the values are and what `strict` means.

    Raises `ManifestError`, with the line and column counted from the start of the stream.
    """
    raw = data if isinstance(data, bytes) else _encoded(data)
    documents = cut(raw, DEFAULT_LIMITS, close_last_line=False)
    return tuple(
        load_document(each.text, strict=strict, first_line=each.line) for each in documents
    )


def _encoded(data: str) -> bytes:
    try:
        return data.encode()
    except UnicodeEncodeError as error:
        line = data.count("\n", 0, error.start) + 1
        raise ManifestError("not YAML: half of a surrogate pair", line=line) from None
