"""Attempts to have something delivered from a GitLab that nobody approved."""

from __future__ import annotations

import pytest

from tests.forges.delivering import config_map, make_key
from tests.forges.github.server import GitHubServer
from tests.forges.gitlab import scenario
from tests.forges.serving import Fault, Reply, Request
from tests.forges.test_deliver_gitlab import DELIVERER, Ground
from tests.forges.test_deliver_gitlab import ground as ground  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow

EVIL = {"apps/settings.yaml": config_map("evil")}
MORE = {"apps/more.yaml": config_map("more", "more")}


def stays(ground: Ground, *codes: str) -> None:
    before = ground.delivered
    done = ground.deliver()
    assert done.code in (1, 2), done.out + done.err
    assert ground.delivered == before
    if codes:
        assert done.hold in codes, done.out


class TestFastForwards:
    def test_of_commits_of_which_the_first_was_pushed_before_the_approval(
        self, ground: Ground
    ) -> None:
        """The reviewer saw the second alone; together they would pass for one change."""
        first = ground.server.commit("two", EVIL, by="alice", start=ground.main)
        ground.server.commit("two", MORE, by="alice")
        mr = ground.server.open("two", by="alice", title="Two")
        ground.server.force("main", first, by="carol")
        ground.server.approve(mr, by="bob")
        ground.server.merge(mr, method="ff", by="carol")
        stays(ground)

    def test_of_commits_of_which_the_first_was_pushed_after_the_approval(
        self, ground: Ground
    ) -> None:
        """All of it was seen, but the first of them came without a merge."""
        first = ground.server.commit("two", EVIL, by="alice", start=ground.main)
        ground.server.commit("two", MORE, by="alice")
        mr = ground.server.open("two", by="alice", title="Two")
        ground.server.approve(mr, by="bob")
        ground.server.force("main", first, by="carol")
        ground.server.merge(mr, method="ff", by="carol")
        stays(ground)

    def test_of_a_change_that_was_opened_on_the_commit_below(self, ground: Ground) -> None:
        ground.server.direct("main", EVIL, by="carol")
        mr = ground.change("more", MORE)
        ground.server.approve(mr, by="bob")
        ground.server.merge(mr, method="ff", by="carol")
        stays(ground, "direct_push")


def test_another_merge_request_of_the_same_head_stops_nothing(ground: Ground) -> None:
    mr = ground.change("one", MORE)
    head = str(ground.shop.state.head(mr))
    ground.server.commit("copy", {"x": "x"}, by="alice", start=ground.main)
    ground.server.force("copy", head, by="alice")
    ground.server.open("copy", by="bob", title="Mine")
    ground.server.approve(mr, by="bob")
    ground.server.merge(mr, method="merge", by="carol")
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert ground.verify().code == 0


class TestVariablesThatACallerMayOverride:
    @pytest.fixture(autouse=True)
    def _one_to_deliver(self, ground: Ground) -> None:
        mr = ground.change("one", MORE)
        ground.server.approve(mr, by="bob")
        ground.server.merge(mr, method="merge", by="carol")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CI_PROJECT_ID", "666"),
            ("CI_API_V4_URL", "https://evil.example/api/v4"),
            ("CI_API_V4_URL", "http://127.0.0.1:1/api/v4"),
            ("CI_COMMIT_BRANCH", "elsewhere"),
            ("CI_COMMIT_BRANCH", "::set-env"),
        ],
    )
    def test_lead_nowhere_else(self, ground: Ground, name: str, value: str) -> None:
        ground.environment[name] = value
        before, log = ground.delivered, len(ground.server.log)
        assert ground.deliver().code == 2
        assert ground.delivered == before
        assert len(ground.server.log) == log or name == "CI_COMMIT_BRANCH"

    @pytest.mark.parametrize("source", ["web", "trigger", "pipeline", "api", "merge_request_event"])
    def test_another_cause_of_the_pipeline_names_no_branch(
        self, ground: Ground, source: str
    ) -> None:
        ground.environment["CI_PIPELINE_SOURCE"] = source
        ground.environment["CI_MERGE_REQUEST_IID"] = "1"
        before = ground.delivered
        assert ground.deliver().code == 2
        assert ground.delivered == before

    def test_another_signing_key_goes_on_from_no_chain(self, ground: Ground) -> None:
        ground.environment["GITOPS_GATE_SIGNING_KEY"] = make_key(ground.folder / "other.pub")
        before = ground.delivered
        done = ground.deliver()
        assert done.code == 2, done.out
        assert "no trusted key signed it" in done.out + done.err
        assert ground.delivered == before

    def test_another_project_of_the_same_name(self, ground: Ground) -> None:
        ground.environment["CI_PROJECT_PATH"] = "group/other"
        before = ground.delivered
        assert ground.deliver().code == 2
        assert ground.delivered == before


class TestElsewhere:
    @pytest.mark.parametrize("status", [301, 307])
    def test_a_redirect_is_not_followed(self, ground: Ground, status: int) -> None:
        mr = ground.change("one", MORE)
        ground.server.approve(mr, by="bob")
        ground.server.merge(mr, method="merge", by="carol")
        with GitHubServer() as other:

            def before(request: Request) -> Reply:
                place = f"{other.origin}{request.raw_path}"
                return Reply(status=status, headers=(("Location", place),))

            fault = Fault(name="redirect", operation="*", times=None, before=before)
            ground.server.faults.add(fault)
            was = ground.delivered
            done = ground.deliver()
            assert done.code == 2, done.out + done.err
            assert ground.delivered == was
            for entry in other.log:
                assert "authorization" not in entry.headers
                assert "private-token" not in entry.headers
                said = entry.body + entry.path + str(entry.headers)
                assert DELIVERER not in said
                assert scenario.TOKEN not in said
            other.violations.clear()
