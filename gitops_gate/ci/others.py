"""Jenkins, Bitbucket Pipelines, CircleCI and Azure Pipelines: enough for `check --ci`.

The variables are those of the pages named at each function. Nothing is published from there: the
report is kept as an artifact, and the exit code is the answer. The working trees of all four may
hold a merge of their own; what is judged is the head that the CI names, merged anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.ci.payload import branch, commit, positive
from gitops_gate.ci.values import Ci, Environment, Occasion


def jenkins(variables: Mapping[str, str]) -> Environment:
    """A multibranch pipeline: https://www.jenkins.io/doc/book/pipeline/multibranch/.

    Where the branch source merges before it builds, `GIT_COMMIT` is that merge, which nobody else
    has: judging it says the same, under another name. The example names the head itself.
    """
    return _environment(
        "jenkins",
        variables,
        number="CHANGE_ID",
        target="CHANGE_TARGET",
        head="GIT_COMMIT",
        run_url="BUILD_URL",
    )


def bitbucket(variables: Mapping[str, str]) -> Environment:
    """https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/.

    `BITBUCKET_COMMIT` is the source branch's, though the working tree holds a merge with the
    target. `BITBUCKET_PR_DESTINATION_COMMIT` is not used: it may be short, and may be old.
    """
    return _environment(
        "bitbucket",
        variables,
        number="BITBUCKET_PR_ID",
        target="BITBUCKET_PR_DESTINATION_BRANCH",
        head="BITBUCKET_COMMIT",
        repository="BITBUCKET_REPO_FULL_NAME",
    )


def circleci(variables: Mapping[str, str]) -> Environment:
    """https://circleci.com/docs/reference/variables/.

    The target branch is in no variable, but in the pipeline value
    `pipeline.event.github.pull_request.base.ref`, which the configuration has to hand on. CircleCI
    writes a value that is not there as `<nil>`.
    """
    number = variables.get("CIRCLE_PULL_REQUEST", "").rstrip("/").rpartition("/")[2]
    known = {name: value for name, value in variables.items() if value != "<nil>"}
    return _environment(
        "circleci",
        {**known, "number": number},
        number="number",
        target="GITOPS_GATE_TARGET_BRANCH",
        head="CIRCLE_SHA1",
        run_url="CIRCLE_BUILD_URL",
    )


def azure(variables: Mapping[str, str]) -> Environment:
    """https://learn.microsoft.com/azure/devops/pipelines/build/variables.

    Of a pull request on GitHub, `PullRequestId` is an id of GitHub's own and `PullRequestNumber`
    what people call it; Azure Repos has the first alone. The target is a full ref name in Azure
    Repos and a short one on GitHub. `Build.SourceVersion`, not used, is the merge.
    """
    number = "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"
    return _environment(
        "azure",
        variables,
        number=number if variables.get(number) else "SYSTEM_PULLREQUEST_PULLREQUESTID",
        target="SYSTEM_PULLREQUEST_TARGETBRANCH",
        head="SYSTEM_PULLREQUEST_SOURCECOMMITID",
        repository="BUILD_REPOSITORY_NAME",
    )


def _environment(
    ci: Ci,
    variables: Mapping[str, str],
    *,
    number: str,
    target: str,
    head: str,
    repository: str = "",
    run_url: str = "",
) -> Environment:
    given: dict[str, Any] = {
        "number": positive(variables.get(number)),
        "base_ref": branch(variables.get(target)),
        "head": commit(variables.get(head)),
        "repository": variables.get(repository) or None,
        "run_url": variables.get(run_url) or None,
    }
    about = given["number"] or given["base_ref"]
    occasion = Occasion.CHANGE_REQUEST if about else Occasion.OTHER
    return Environment(ci=ci, event=occasion.value, occasion=occasion, **given)
