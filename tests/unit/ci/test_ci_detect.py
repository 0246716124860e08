"""What a run's variables and payload are read as, for every CI and event that is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.ci import Environment, Occasion, detect
from gitops_gate.ci.outputs import summary_size, write_outputs, write_summary
from gitops_gate.errors import ConfigurationError

BASE, HEAD, MERGE = "b" * 40, "a" * 40, "c" * 40
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "shop/deploy",
    "GITHUB_REPOSITORY_ID": "42",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
    "GITHUB_RUN_ID": "7",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_ID": "9",
    "CI_PROJECT_PATH": "shop/deploy",
    "CI_API_V4_URL": "https://gitlab.com/api/v4",
    "CI_PIPELINE_URL": "https://gitlab.com/shop/deploy/-/pipelines/5",
    "CI_PIPELINE_ID": "5",
    "CI_DEFAULT_BRANCH": "main",
}
COMMENT = {
    "object_kind": "note",
    "project": {"id": 9, "path_with_namespace": "shop/deploy"},
    "object_attributes": {
        "id": 77,
        "noteable_type": "MergeRequest",
        "action": "create",
        "note": "/gitops-gate override aaaaaaa it burns",
    },
    "merge_request": {
        "id": 5,
        "iid": 3,
        "state": "opened",
        "target_branch": "main",
        "last_commit": {"id": HEAD},
    },
}
PULL_REQUEST = {
    "number": 3,
    "pull_request": {
        "number": 3,
        "base": {"ref": "main", "sha": BASE},
        "head": {"ref": "change", "sha": HEAD},
    },
}


def found(variables: Mapping[str, str]) -> Environment:
    environment = detect(variables)
    assert environment is not None
    return environment


@pytest.fixture
def event(tmp_path: Path) -> Any:
    """The environment of a GitHub job that some event started."""

    def read(name: str, payload: Any, **more: str) -> Environment:
        file = tmp_path / "event.json"
        file.write_text(json.dumps(payload))
        return found({**GITHUB, "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file), **more})

    return read


class TestGitHub:
    @pytest.mark.parametrize(
        ("name", "by_head"),
        [("pull_request", True), ("pull_request_target", False), ("pull_request_review", True)],
    )
    def test_a_pull_request(self, event: Any, name: str, by_head: bool) -> None:
        environment = event(name, PULL_REQUEST)
        assert environment.occasion is Occasion.CHANGE_REQUEST
        assert (environment.number, environment.base_ref) == (3, "refs/heads/main")
        assert (environment.base, environment.head) == (BASE, HEAD)
        assert environment.defined_by_head is by_head
        assert environment.run_url == "https://github.com/shop/deploy/actions/runs/7"

    def test_a_merge_queue_judges_the_group_itself(self, event: Any) -> None:
        group = {"head_sha": MERGE, "base_sha": BASE, "base_ref": "refs/heads/main"}
        environment = event("merge_group", {"merge_group": group})
        assert environment.occasion is Occasion.MERGE_QUEUE
        assert (environment.base, environment.head, environment.number) == (BASE, MERGE, None)

    def test_a_push(self, event: Any) -> None:
        environment = event("push", {"ref": "refs/heads/main", "before": BASE, "after": HEAD})
        assert environment.occasion is Occasion.PUSH
        assert (environment.base_ref, environment.base, environment.head) == (
            "refs/heads/main",
            BASE,
            HEAD,
        )

    def test_the_first_push_of_a_branch_has_no_base(self, event: Any) -> None:
        environment = event("push", {"ref": "refs/heads/x", "before": "0" * 40, "after": HEAD})
        assert environment.base is None

    def test_a_pushed_tag_is_no_change(self, event: Any) -> None:
        environment = event("push", {"ref": "refs/tags/v1", "before": BASE, "after": HEAD})
        assert environment.occasion is Occasion.OTHER

    def test_a_run_after_a_run_of_a_fork_names_no_pull_request(self, event: Any) -> None:
        run = {
            "event": "pull_request_review",
            "head_sha": HEAD,
            "head_branch": "change",
            "head_repository": {"owner": {"login": "stranger"}},
            "pull_requests": [],
        }
        environment = event("workflow_run", {"workflow_run": run})
        assert environment.occasion is Occasion.CHANGE_REQUEST
        assert (environment.number, environment.head) == (None, HEAD)
        assert environment.head_label == "stranger:change"
        assert not environment.defined_by_head

    def test_a_comment_on_a_pull_request(self, event: Any) -> None:
        payload = {"issue": {"number": 3, "pull_request": {"url": "x"}}}
        assert event("issue_comment", payload).number == 3

    def test_a_comment_on_an_issue_is_about_no_change(self, event: Any) -> None:
        assert event("issue_comment", {"issue": {"number": 3}}).occasion is Occasion.OTHER

    def test_a_dispatched_run_is_trusted_on_the_default_branch_alone(self, event: Any) -> None:
        payload = {"repository": {"default_branch": "main"}}
        dispatched = event("workflow_dispatch", payload, GITHUB_REF="refs/heads/main")
        elsewhere = event("workflow_dispatch", payload, GITHUB_REF="refs/heads/change")
        assert (dispatched.defined_by_head, elsewhere.defined_by_head) == (False, True)

    def test_a_dispatched_run_is_about_the_number_that_was_given(self, event: Any) -> None:
        inputs = {"number": "3", "base": "main", "head": HEAD}
        environment = event("workflow_dispatch", {"inputs": inputs})
        assert environment.occasion is Occasion.CHANGE_REQUEST
        assert (environment.number, environment.base_ref, environment.head) == (
            3,
            "refs/heads/main",
            HEAD,
        )

    def test_an_event_nobody_knows_is_about_nothing_and_trusts_nobody(self, event: Any) -> None:
        environment = event("star", {})
        assert (environment.occasion, environment.defined_by_head) == (Occasion.OTHER, True)

    @pytest.mark.parametrize("content", ["", "[1]", "{", '"text"'])
    def test_a_payload_that_is_none_names_the_file(self, tmp_path: Path, content: str) -> None:
        file = tmp_path / "event.json"
        file.write_text(content)
        with pytest.raises(ConfigurationError, match=r"event\.json: the event is no JSON"):
            found({**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(file)})

    def test_a_payload_that_is_missing(self) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read"):
            found({**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": "/nowhere"})

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "pull_request",
                            "number",
                            "base",
                            "head",
                            "sha",
                            "ref",
                            "merge_group",
                            "base_sha",
                            "workflow_run",
                            "pull_requests",
                            "issue",
                            "before",
                            "after",
                        ]
                    ),
                    inner,
                )
            ),
        )
    )
    def test_no_payload_breaks_the_reading(self, payload: Any) -> None:
        import tempfile

        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(
                {
                    "pull_request": payload,
                    "merge_group": payload,
                    "workflow_run": payload,
                    "issue": payload,
                    "before": payload,
                    "ref": payload,
                },
                file,
            )
            file.flush()
            for name in ("pull_request", "merge_group", "workflow_run", "issue_comment", "push"):
                environment = found(
                    {**GITHUB, "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": file.name}
                )
                assert environment.number is None or environment.number > 0
                assert environment.head is None or len(environment.head) in (40, 64)


@pytest.fixture
def started(tmp_path: Path) -> Any:
    """The environment of a job on GitLab's protected default branch that a webhook started."""

    def read(payload: Any) -> Environment:
        file = tmp_path / "payload"
        file.write_text(json.dumps(payload))
        return found(
            {
                **GITLAB,
                "CI_PIPELINE_SOURCE": "trigger",
                "TRIGGER_PAYLOAD": str(file),
                "CI_COMMIT_BRANCH": "main",
                "CI_COMMIT_REF_PROTECTED": "true",
            }
        )

    return read


class TestGitLab:
    def test_a_detached_pipeline_has_the_head_alone(self) -> None:
        environment = found(
            {
                **GITLAB,
                "CI_PIPELINE_SOURCE": "merge_request_event",
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
                "CI_COMMIT_SHA": HEAD,
            }
        )
        assert environment.occasion is Occasion.CHANGE_REQUEST
        assert (environment.head, environment.base, environment.number) == (HEAD, None, 3)
        assert environment.base_ref == "refs/heads/main"
        assert environment.defined_by_head

    def test_a_merged_results_pipeline_names_both_tips(self) -> None:
        environment = found(
            {
                **GITLAB,
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
                "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": BASE,
                "CI_COMMIT_SHA": MERGE,
            }
        )
        assert (environment.base, environment.head) == (BASE, HEAD)

    def test_a_train_judges_its_own_commit(self) -> None:
        environment = found(
            {
                **GITLAB,
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
                "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": BASE,
                "CI_COMMIT_SHA": MERGE,
            }
        )
        assert environment.occasion is Occasion.MERGE_QUEUE
        assert (environment.base, environment.head) == (BASE, MERGE)

    def test_a_pipeline_of_a_fork_is_about_the_project_it_wants_to_change(self) -> None:
        environment = found(
            {
                **GITLAB,
                "CI_PROJECT_ID": "77",
                "CI_PROJECT_PATH": "stranger/deploy",
                "CI_MERGE_REQUEST_IID": "3",
                "CI_MERGE_REQUEST_PROJECT_ID": "9",
                "CI_MERGE_REQUEST_PROJECT_PATH": "shop/deploy",
                "CI_COMMIT_SHA": HEAD,
            }
        )
        assert (environment.repository, environment.repository_id) == ("shop/deploy", 9)

    def test_a_webhook_on_the_protected_default_branch_is_trusted(self, tmp_path: Path) -> None:
        payload = tmp_path / "payload"
        payload.write_text(
            json.dumps(
                {
                    "object_kind": "merge_request",
                    "project": {"id": 9, "path_with_namespace": "shop/deploy"},
                    "object_attributes": {
                        "iid": 3,
                        "action": "approved",
                        "target_branch": "main",
                        "last_commit": {"id": HEAD},
                    },
                }
            )
        )
        variables = {
            **GITLAB,
            "CI_PIPELINE_SOURCE": "trigger",
            "TRIGGER_PAYLOAD": str(payload),
            "CI_COMMIT_BRANCH": "main",
            "CI_COMMIT_REF_PROTECTED": "true",
        }
        environment = found(variables)
        assert (environment.number, environment.head) == (3, HEAD)
        assert not environment.defined_by_head
        assert found({**variables, "CI_COMMIT_REF_PROTECTED": "false"}).defined_by_head
        assert found({**variables, "CI_COMMIT_BRANCH": "change"}).defined_by_head

    def test_a_comment_that_is_a_command_names_its_merge_request(self, started: Any) -> None:
        environment = started(COMMENT)
        assert environment.occasion is Occasion.CHANGE_REQUEST
        assert (environment.repository, environment.repository_id) == ("shop/deploy", 9)
        assert (environment.number, environment.head) == (3, HEAD)
        assert environment.base_ref == "refs/heads/main"
        assert not environment.defined_by_head

    @pytest.mark.parametrize(
        "attributes",
        [
            {"noteable_type": "Issue", "note": "/gitops-gate override a b"},
            {"noteable_type": "MergeRequest", "note": "see /gitops-gate override a b"},
            {"noteable_type": "MergeRequest", "note": "/gitops-gateway"},
            {"noteable_type": "MergeRequest", "note": ["/gitops-gate override a b"]},
            {"noteable_type": "MergeRequest"},
            None,
        ],
    )
    def test_another_comment_is_about_no_change(self, started: Any, attributes: Any) -> None:
        environment = started({**COMMENT, "object_attributes": attributes})
        assert (environment.occasion, environment.number) == (Occasion.OTHER, None)

    @given(
        st.recursive(
            st.none() | st.integers() | st.text() | st.just("MergeRequest"),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["iid", "target_branch", "last_commit", "id", "note"]), inner
                )
            ),
        )
    )
    def test_no_webhook_breaks_the_reading(self, payload: Any) -> None:
        import tempfile

        for said in (
            {**COMMENT, "merge_request": payload, "project": payload},
            {**COMMENT, "object_attributes": payload},
            {"object_kind": "merge_request", "object_attributes": payload},
        ):
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(said, file)
                file.flush()
                environment = found(
                    {**GITLAB, "CI_PIPELINE_SOURCE": "trigger", "TRIGGER_PAYLOAD": file.name}
                )
            assert environment.number is None or environment.number > 0
            assert environment.head is None or len(environment.head) in (40, 64)

    def test_a_push(self) -> None:
        environment = found(
            {
                **GITLAB,
                "CI_PIPELINE_SOURCE": "push",
                "CI_COMMIT_BRANCH": "main",
                "CI_COMMIT_BEFORE_SHA": BASE,
                "CI_COMMIT_SHA": HEAD,
            }
        )
        assert environment.occasion is Occasion.PUSH
        assert (environment.base, environment.head) == (BASE, HEAD)


@pytest.mark.parametrize(
    ("ci", "variables"),
    [
        (
            "jenkins",
            {
                "JENKINS_URL": "https://ci.example.com/",
                "CHANGE_ID": "3",
                "CHANGE_TARGET": "main",
                "GIT_COMMIT": HEAD,
            },
        ),
        (
            "bitbucket",
            {
                "BITBUCKET_BUILD_NUMBER": "1",
                "BITBUCKET_PR_ID": "3",
                "BITBUCKET_PR_DESTINATION_BRANCH": "main",
                "BITBUCKET_COMMIT": HEAD,
            },
        ),
        (
            "circleci",
            {
                "CIRCLECI": "true",
                "CIRCLE_PULL_REQUEST": "https://github.com/shop/deploy/pull/3",
                "CIRCLE_SHA1": HEAD,
                "GITOPS_GATE_TARGET_BRANCH": "main",
            },
        ),
        (
            "azure",
            {
                "TF_BUILD": "True",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "3",
                "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
                "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
            },
        ),
    ],
)
def test_the_other_cis_say_what_to_compare(ci: str, variables: Mapping[str, str]) -> None:
    environment = found(variables)
    assert (environment.ci, environment.number) == (ci, 3)
    assert (environment.base_ref, environment.head) == ("refs/heads/main", HEAD)
    assert environment.occasion is Occasion.CHANGE_REQUEST


def test_jenkins_is_known_where_nobody_told_it_its_url() -> None:
    assert found({"JENKINS_HOME": "/var/jenkins_home"}).ci == "jenkins"


def test_azure_says_the_number_that_github_gives_a_pull_request() -> None:
    variables = {
        "TF_BUILD": "True",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "1234567890",
        "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER": "3",
        "SYSTEM_PULLREQUEST_TARGETBRANCH": "main",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
    }
    environment = found(variables)
    assert (environment.number, environment.base_ref) == (3, "refs/heads/main")


def test_a_value_that_circleci_does_not_have_is_none() -> None:
    variables = {"CIRCLECI": "true", "CIRCLE_SHA1": HEAD, "GITOPS_GATE_TARGET_BRANCH": "<nil>"}
    environment = found(variables)
    assert (environment.base_ref, environment.occasion) == (None, Occasion.OTHER)


@pytest.mark.parametrize(
    "variables",
    [
        {"JENKINS_URL": "https://ci.example.com/", "GIT_COMMIT": HEAD},
        {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_COMMIT": HEAD, "BITBUCKET_BRANCH": "main"},
        {"CIRCLECI": "true", "CIRCLE_SHA1": HEAD, "CIRCLE_BRANCH": "main"},
        {"TF_BUILD": "True", "BUILD_SOURCEVERSION": HEAD, "BUILD_SOURCEBRANCH": "refs/heads/main"},
    ],
    ids=["jenkins", "bitbucket", "circleci", "azure"],
)
def test_a_branch_that_is_built_is_about_no_change(variables: Mapping[str, str]) -> None:
    assert found(variables).occasion is Occasion.OTHER


def test_a_commit_that_is_cut_short_is_none() -> None:
    variables = {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_COMMIT": HEAD[:12]}
    assert found(variables).head is None


def test_outside_of_a_ci_there_is_nothing_to_read() -> None:
    assert detect({"PATH": "/usr/bin"}) is None


class TestOutputs:
    def test_no_value_can_set_another_output(self, tmp_path: Path) -> None:
        file = tmp_path / "output"
        environment = found({**GITHUB, "GITHUB_OUTPUT": str(file)})
        write_outputs(environment, {"report": "a\nverdict=allow\nverdict<<EOF\nallow\nEOF"})
        name, _, delimiter = file.read_text().split("\n")[0].partition("<<")
        assert (name, file.read_text().endswith(f"EOF\n{delimiter}\n")) == ("report", True)
        assert file.read_text().count(delimiter) == 2

    def test_where_a_ci_has_no_outputs_none_are_written(self) -> None:
        write_outputs(found(GITLAB), {"verdict": "allow"})

    def test_a_summary_is_added_to_what_is_there(self, tmp_path: Path) -> None:
        file = tmp_path / "summary"
        environment = found({**GITHUB, "GITHUB_STEP_SUMMARY": str(file)})
        assert summary_size(environment) == 0
        write_summary(environment, "# one\n")
        write_summary(environment, "# two\n")
        assert file.read_text() == "# one\n# two\n"
        assert summary_size(environment) == 12

    def test_a_file_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        environment = found({**GITHUB, "GITHUB_OUTPUT": str(tmp_path)})
        with pytest.raises(ConfigurationError, match="cannot write"):
            write_outputs(environment, {"verdict": "allow"})
