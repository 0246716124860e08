"""Which pull requests brought a commit, and which repository it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.github.snapshot import moment, rest_account
from gitops_gate.forges.identity import identify
from gitops_gate.forges.values import Endpoint, LandedChange, RepositoryIdentity, Target
from gitops_gate.source.objects import is_object_id


class GithubLanded:
    """Reads the merged pull requests of a commit. `repository_id` is the repository's own id."""

    def __init__(self, api: Api, repository_id: int) -> None:
        self._api = api
        self._repository_id = repository_id

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        """See `ReadsLanded.landed`: one request, and one for each merged pull request.

        docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit lists open
        ones as well, and in a fork those of its parent. Who merged stands in none of its rows.
        """
        if not is_object_id(commit):
            raise forge_error("a change request is asked for by something that is no commit's id")
        pages = self._api.pages(
            f"{self._api.repository}/commits/{commit}/pulls",
            can="list the pull requests of a commit",
        )
        with as_documented("the pull requests of a commit"):
            numbers = {
                int(pull["number"])
                for page in pages
                for pull in page
                if pull["merged_at"] is not None and self._is_here(pull)
            }
        return tuple(self._read(number) for number in sorted(numbers))

    def _read(self, number: int) -> LandedChange:
        pull = self._api.get(
            f"{self._api.repository}/pulls/{number}", can="read a merged pull request"
        )
        with as_documented("a merged pull request"):
            if pull["merged_at"] is None or not self._is_here(pull):
                raise forge_error(f"GitHub says two things about whether {number} was merged")
            merger, landed = pull.get("merged_by"), pull["merge_commit_sha"]
            return LandedChange(
                number=int(pull["number"]),
                base_ref=f"refs/heads/{pull['base']['ref']}",
                head=_commit(pull["head"]["sha"]),
                merged_at=moment(pull["merged_at"]),
                merged_by=rest_account(merger) if merger else None,
                merge_commit=_commit(landed) if landed else None,
            )

    def _is_here(self, pull: Mapping[str, Any]) -> bool:
        return int(pull["base"]["repo"]["id"]) == self._repository_id


class GithubIdentity:
    """Reads which repository it is: docs.github.com/rest/repos/repos#get-a-repository."""

    def __init__(self, api: Api, endpoint: Endpoint, target: Target) -> None:
        self._api = api
        self._endpoint = endpoint
        self._target = target

    def identity(self) -> RepositoryIdentity:
        """See `ReadsIdentity.identity`."""
        about = self._api.get(self._api.repository, can="read the repository")
        with as_documented("the repository"):
            return identify(
                self._endpoint,
                self._target,
                number=int(about["id"]),
                path=str(about["full_name"]),
                default_branch=about.get("default_branch") or None,
            )


def _commit(value: object) -> str:
    """A commit's id in full. Raises `ValueError`."""
    if not isinstance(value, str) or not is_object_id(value):
        raise ValueError("not a commit id")
    return value
