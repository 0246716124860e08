"""Deliveries without Git and without rendering."""

from __future__ import annotations

import pytest

from tests.unit.delivery import cheaply, memory_git


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repositories are `MemoryGit`, and a changed file is a changed resource."""
    for module, name, function in memory_git.in_memory():
        monkeypatch.setattr(f"{module}.{name}", function)
    monkeypatch.setattr("gitops_gate.delivery.judging.compare", cheaply.compare)
    monkeypatch.setattr("gitops_gate.review.approving.compare", cheaply.compare)
    monkeypatch.setattr("gitops_gate.review.judging.load_rules", cheaply.rules)
    monkeypatch.setattr("gitops_gate.review.change_facts.load_rules", cheaply.rules)
