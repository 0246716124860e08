"""A survey as JSON text and back, for the cache on disk.

Most files have one of a few dozen different facts, so these are written once and referred to by
their position.
"""

from __future__ import annotations

import json
from typing import Any, cast

from gitops_gate.discovery.chart_nodes import Chart
from gitops_gate.discovery.facts import ManifestFacts, Purpose, from_json, to_json
from gitops_gate.discovery.nodes import Node
from gitops_gate.discovery.survey import Survey
from gitops_gate.discovery.values import Refusal, RemoteReference


def encode(survey: Survey) -> str:
    """The survey as ASCII text; names that are not UTF-8 survive as escapes of surrogates."""
    positions: dict[ManifestFacts, int] = {}
    manifests = {
        path: positions.setdefault(facts, len(positions))
        for path, facts in survey.manifests.items()
    }
    return json.dumps(
        {
            "facts": [to_json(facts) for facts in positions],
            "manifests": manifests,
            "kustomizations": {d: _node(node) for d, node in survey.kustomizations.items()},
            "charts": {d: _chart(chart) for d, chart in survey.charts.items()},
            "pointers": sorted(survey.pointers),
            "notable": sorted(survey.notable),
        },
        separators=(",", ":"),
    )


def decode(text: str) -> Survey:
    """The inverse of `encode`.

    Raises `ValueError`, `TypeError` or `LookupError` for text that it did not write.
    """
    value = json.loads(text)
    facts = [cast(ManifestFacts, from_json(Purpose.MANIFEST, item)) for item in value["facts"]]
    return Survey(
        manifests={path: facts[position] for path, position in value["manifests"].items()},
        kustomizations={d: _to_node(item) for d, item in value["kustomizations"].items()},
        charts={d: _to_chart(item) for d, item in value["charts"].items()},
        pointers=frozenset(value["pointers"]),
        notable=frozenset(value["notable"]),
    )


def _node(node: Node) -> list[Any]:
    """A node as a list whose empty rest is left out."""
    written: list[Any] = [
        [int(node.component), int(node.opaque)],
        list(node.files),
        list(node.children),
        list(node.missing),
        list(node.shaped_by),
        list(node.charts),
        list(node.folders),
        [[r.reference, r.path, r.line] for r in node.remotes],
        _refusals(node.refusals),
    ]
    while not written[-1]:
        written.pop()
    return written


def _to_node(value: list[Any]) -> Node:
    whole: list[Any] = value + [()] * (9 - len(value))
    flags, files, children, missing, shaped_by, charts, folders, remotes, refusals = whole
    return Node(
        component=bool(flags[0]),
        opaque=bool(flags[1]),
        files=frozenset(files),
        missing=frozenset(missing),
        shaped_by=frozenset(shaped_by),
        children=tuple(children),
        charts=tuple(charts),
        folders=tuple(folders),
        remotes=tuple(
            RemoteReference(reference=reference, path=path, line=line)
            for reference, path, line in remotes
        ),
        refusals=_to_refusals(refusals),
    )


def _chart(chart: Chart) -> list[Any]:
    return [
        chart.name,
        chart.library,
        list(chart.files),
        list(chart.missing),
        list(chart.folders),
        list(chart.local),
        _refusals(chart.refusals),
    ]


def _to_chart(value: list[Any]) -> Chart:
    name, library, files, missing, folders, local, refusals = value
    return Chart(
        name=name,
        library=bool(library),
        files=frozenset(files),
        missing=frozenset(missing),
        folders=tuple(folders),
        local=tuple(local),
        refusals=_to_refusals(refusals),
    )


def _refusals(refusals: tuple[Refusal, ...]) -> list[list[Any]]:
    return [[r.code, r.message, r.path, r.line, r.remedy] for r in refusals]


def _to_refusals(value: list[list[Any]]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(code=code, message=message, path=path, line=line, remedy=remedy)
        for code, message, path, line, remedy in value
    )
