"""What a `Chart.yaml` or a `requirements.yaml` says about a Helm chart."""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.discovery.facts import ChartFacts
from gitops_gate.discovery.reading import LFS_POINTER, first_document, items, text
from gitops_gate.errors import ManifestError

CHART = "Chart.yaml"
REQUIREMENTS = "requirements.yaml"


def read_chart(data: bytes) -> ChartFacts:
    """The facts of a `Chart.yaml` or `requirements.yaml`; never raises for its content.

    A file that cannot be read has no facts: Helm will say what is wrong with it.
    """
    try:
        document = None if data.startswith(LFS_POINTER) else first_document(data)
    except ManifestError:
        document = None
    if not isinstance(document, Mapping):
        return ChartFacts()
    dependencies = [d for d in items(document.get("dependencies")) if isinstance(d, Mapping)]
    return ChartFacts(
        name=text(document.get("name")),
        library=document.get("type") == "library",
        dependencies=tuple((text(d.get("name")), text(d.get("repository"))) for d in dependencies),
    )
