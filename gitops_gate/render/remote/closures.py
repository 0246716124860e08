"""Which files of a fetched commit a base reads, found as discovery finds them."""

from __future__ import annotations

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.nodes import Node, build_node
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.values import Closure
from gitops_gate.render.failures import failed
from gitops_gate.render.remote.references import CODE
from gitops_gate.source.values import Tree


def base_closure(tree: Tree, directory: str) -> Closure:
    """The closure of the kustomization in `directory`, and of all that it leads to in its tree.

    Raises `RenderError` when there is no kustomization.
    """
    listing = Listing(tree)
    reader = FactReader(listing)
    if not listing.named(directory, NAMES):
        raise failed(CODE, f"there is no kustomization in {directory}")
    nodes: dict[str, Node] = {}
    waiting = [directory]
    while waiting:
        here = waiting.pop()
        if here not in nodes:
            nodes[here] = build_node(here, listing, reader)
            waiting += nodes[here].children
    found = list(nodes.values())
    return Closure(
        files=frozenset().union(*(node.files for node in found)),
        missing=frozenset().union(*(node.missing for node in found)),
        remotes=tuple(dict.fromkeys(remote for node in found for remote in node.remotes)),
        refusals=tuple(dict.fromkeys(refusal for node in found for refusal in node.refusals)),
    )
