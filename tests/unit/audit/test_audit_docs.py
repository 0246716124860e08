"""docs/audit.md has a section for every hole, with its threat and its remedies, and no other."""

from __future__ import annotations

import re

import pytest

from gitops_gate.audit.catalogue import CATALOGUE
from tests.engines import ROOT

TEXT = (ROOT / "docs" / "audit.md").read_text("utf-8")
FORGES = {"github": "GitHub", "gitlab": "GitLab"}


def sections() -> dict[str, str]:
    """The sections by their headings, each on one line."""
    parts = re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]
    return {
        heading: " ".join(body.split())
        for heading, _, body in (part.partition("\n") for part in parts)
    }


def test_every_hole_has_a_section_and_the_reverse() -> None:
    assert list(sections()) == list(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_section_says_what_the_audit_says(name: str) -> None:
    entry, section = CATALOGUE[name], sections()[name]
    lines = [
        f"- {FORGES[kind]}: {remedy.menu}. Set `{remedy.api}`"
        for kind, remedy in entry.remedies.items()
    ]
    assert section == " ".join(
        [
            f"**{entry.title}** ({entry.level.value}).",
            f"What an attacker could do: {entry.threat}",
            *lines,
        ]
    )
