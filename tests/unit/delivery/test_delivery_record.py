"""What is attested of a decision: all of its inputs, as plain JSON, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gitops_gate import __version__
from gitops_gate.delivery.record import body_of, landed_numbers, landing_json, policies_of
from gitops_gate.delivery.walk import Walked
from tests.unit.delivery.branches import DI, A, B, Branch
from tests.unit.delivery.lives import CONFIGURATION, RATIFIED, Rules

pytestmark = pytest.mark.usefixtures("in_memory")


@pytest.fixture
def branch() -> Branch:
    """One change that landed by a merge, and one past a direct push that it ratifies."""
    branch = Branch()
    branch.land(branch.change(A))
    branch.direct({B: branch.life.value(B, 1)})
    held, good = branch.life.tip, branch.life.git.commits[branch.life.tip].parents[0]
    request = branch.request({RATIFIED: branch.life.ratifying((held, good))})
    branch.life.approve(request, DI, 60)
    branch.land(request, method="squash")
    return branch


def body(branch: Branch, walked: Walked, **more: Any) -> dict[str, Any]:
    assert walked.whole is not None
    given: dict[str, Any] = {"start": branch.start, "hydrated": None, **more}
    return body_of(
        walked.steps,
        walked.whole,
        forge="github",
        policies="sha256:1",
        at=branch.life.clock,
        **given,
    )


def test_says_what_it_was_decided_from(branch: Branch) -> None:
    value = body(branch, branch.walk())
    assert value["at"] == f"{branch.life.clock:%Y-%m-%dT%H:%M:%SZ}"
    assert value["verifier"] == {"name": "gitops-gate", "version": __version__}
    assert value["tools"]["gitops-gate"] == __version__
    assert (value["forge"], value["policies"]) == ("github", {"digest": "sha256:1"})
    assert (value["start"], value["hydrated"]) == (branch.start, None)
    assert value["verdict"] == "allow"
    assert value["reasons"] == value["whole"]["reasons"]
    first, second = value["steps"]
    assert (first["since"], first["ratifies"]) == (branch.start, [])
    assert second["since"] == first["commits"][0]
    assert second["ratifies"] == [second["before"]]
    assert [one["method"] for one in value["steps"]] == ["merge", "squash"]
    assert first["testimony"][0]["facts"]["reviews"][0]["author"]["login"] == "bo"
    assert first["approvals"][0]["requirements"][0]["name"] == "rule"
    assert first["membership"] == "as the forge told it at the delivery"
    assert first["verdict"] == "allow"


def test_has_what_git_gives_again_by_its_digest_alone(branch: Branch) -> None:
    value = body(branch, branch.walk())
    for report in (value["whole"], *(step["report"] for step in value["steps"])):
        assert report["digest"].startswith("sha256:")
        assert isinstance(report["changes"], int)
        assert not {"excerpts", "approvals", "schema"} & report.keys()
    assert value["steps"][0]["report"]["changes"] == 1


def test_is_the_same_bytes_for_the_same_decision(branch: Branch) -> None:
    one, other = body(branch, branch.walk()), body(branch, branch.walk())
    assert json.dumps(one) == json.dumps(other)
    assert json.loads(json.dumps(one)) == one


def test_differs_where_anything_does(branch: Branch) -> None:
    known = body(branch, branch.walk())
    assert body(branch, branch.walk(), hydrated="1" * 40)["hydrated"] == "1" * 40
    assert body(branch, branch.walk(), start=None)["start"] is None
    branch.life.requests[1].labels = ("hotfix",)
    assert body(branch, branch.walk()) != known


def test_names_the_changes_that_landed(branch: Branch) -> None:
    walked = branch.walk()
    assert landed_numbers([body(branch, walked)]) == {1, 2}
    assert landed_numbers([]) == frozenset()
    landing = walked.steps[0].landing
    assert landing_json(landing) == {
        "before": branch.start,
        "commits": [landing.after],
        "method": "merge",
        "changes": [{"number": 1, "head": branch.life.requests[1].head}],
        "merged_at": "2026-01-01T00:03:00Z",
    }


class TestTheDigestOfThePolicies:
    def digest(self, branch: Branch, files: dict[str, bytes]) -> str:
        written = {path: branch.life.git.blob(content) for path, content in files.items()}
        commit = branch.life.edited(branch.start, written, branch.life.people[branch.life.tip][0])
        return policies_of(branch.life.git, commit)  # type: ignore[arg-type]

    def test_is_of_those_that_the_configuration_names(self, branch: Branch) -> None:
        plain = self.digest(branch, {})
        assert plain.startswith("sha256:")
        assert plain == self.digest(branch, {"apps/other.yaml": b"a"})
        assert plain == self.digest(branch, {"policies.rego": b"a"})
        one = self.digest(branch, {"policies/a.rego": b"a"})
        assert one != plain
        assert one != self.digest(branch, {"policies/a.rego": b"b"})
        assert one != self.digest(branch, {"policies/b.rego": b"a"})

    def test_is_of_the_shipped_ones_by_their_selection(self, branch: Branch) -> None:
        content = Rules().content.replace(b'"builtin": []', b'"builtin": ["recommended"]')
        assert self.digest(branch, {}) != self.digest(branch, {CONFIGURATION: content})


def test_says_no_more_than_a_step_knows(branch: Branch) -> None:
    """Where nobody had to approve, there is no tree of approvals."""
    walked = branch.walk()
    bare = replace(walked, steps=(replace(walked.steps[0], approvals=(), testimony=()),))
    (step,) = body(branch, bare)["steps"]
    assert (step["approvals"], step["testimony"]) == ([], [])
