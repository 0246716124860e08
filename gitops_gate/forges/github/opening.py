"""Opens a pull request: docs.github.com/rest/pulls/pulls#create-a-pull-request.

What a workflow's own token (`GITHUB_TOKEN`) opens starts no workflow, so that the gate would not
look at it before a person lets it
(docs.github.com/actions/concepts/security/github_token): a change request that is to pass through
the gate is opened with an App's token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.values import NewChangeRequest

_NEEDS = "pull-requests: write"


class GithubOpening:
    """Opens pull requests between branches of the repository; see the module about tokens."""

    def __init__(self, api: Api, owner: str) -> None:
        self._api = api
        self._owner = owner

    def open(self, request: NewChangeRequest) -> str:
        """See `OpensChangeRequest.open`. The open one is looked for before and after a failure.

        Labels are put on a new one only, by a request of their own. Where that fails, the pull
        request is open without them, and the next call finds it.
        """
        found = self._find(request)
        if found is not None:
            return found
        try:
            answer = self._create(request)
        except ForgeError as error:
            # 422: somebody has opened it meanwhile, among other things.
            found = self._find(request) if error.uncertain or error.status == 422 else None
            if found is None:
                raise
            return found
        with as_documented("the new pull request"):
            number, address = int(answer["number"]), str(answer["html_url"])
        if request.labels:
            self._label(number, request.labels)
        return address

    def _find(self, request: NewChangeRequest) -> str | None:
        pages = self._api.pages(
            f"{self._api.repository}/pulls",
            can="list the pull requests",
            state="open",
            head=f"{self._owner}:{_branch(request.head_ref)}",
            base=_branch(request.base_ref),
        )
        with as_documented("the pull requests"):
            for pull in (pull for page in pages for pull in page):
                if pull["head"]["ref"] == _branch(request.head_ref):
                    return str(pull["html_url"])
        return None

    def _create(self, request: NewChangeRequest) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._api.write(
            "POST",
            f"{self._api.repository}/pulls",
            {
                "title": request.title,
                "body": request.body,
                "head": _branch(request.head_ref),
                "base": _branch(request.base_ref),
                "draft": request.draft,
            },
            can="open the pull request",
            needs=_NEEDS,
        )
        return answer

    def _label(self, number: int, labels: tuple[str, ...]) -> None:
        """docs.github.com/rest/issues/labels#add-labels-to-an-issue."""
        self._api.write(
            "POST",
            f"{self._api.repository}/issues/{number}/labels",
            {"labels": list(labels)},
            can="label the pull request",
            needs=_NEEDS,
        )


def _branch(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
