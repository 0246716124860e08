"""Tests of a release, taken out of what Helm renders: what `helm test` runs, and nothing else does.

`helm template --skip-tests` leaves out every hook that is a test among other things. One that is
`pre-install,test` runs when the release is installed, so it is rendered and judged here like any
other resource; those that are tests only are taken out (helm.sh/docs/topics/charts_hooks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops_gate.documents import load_yaml, split_stream
from gitops_gate.errors import ManifestError
from gitops_gate.render.charts import ChartFile

_HOOK = "helm.sh/hook"
_TESTS = frozenset({"test", "test-success"})


def can_tell_tests(files: Iterable[ChartFile]) -> bool:
    """Whether an annotation tells a test for sure.

    Files of `crds/` are printed as they are and installed whatever they say; where one of them
    speaks of hooks, or nobody can look, tests cannot be told from what is installed.
    """
    return not any(
        file.content is None
        or ("crds" in (file.inner or file.path).split("/")[:-1] and _HOOK.encode() in file.content)
        for file in files
    )


def without_tests(stream: bytes) -> bytes:
    """The stream without the documents that are tests only. Raises `ManifestError`."""
    if _HOOK.encode() not in stream:
        return stream
    documents = split_stream(stream)
    kept = [document.text for document in documents if not _is_test(document.text)]
    if len(kept) == len(documents):
        return stream
    return b"".join(b"---\n" + text for text in kept)


def _is_test(text: bytes) -> bool:
    if _HOOK.encode() not in text:
        return False
    try:
        [value] = load_yaml(text)
    except (ManifestError, ValueError):
        return False
    for name in ("metadata", "annotations", _HOOK):
        value = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(value, str) and _TESTS.issuperset(
        event.strip().lower() for event in value.split(",")
    )
