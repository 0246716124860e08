"""Writing to GitHub: the summary comment, the status, SARIF.

Each write is one REST request. A `ForgeError` that is `uncertain` comes through where only the
caller can know what to look for; where looking is simple, it is done here.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.github.snapshot import (
    is_ours,
    rest_comment,
    status_state,
)
from gitops_gate.forges.values import Comment, CommitStatus

COMMENT_LIMIT = 65_536
"""Code points of one comment, as GitHub's own error names it."""
_DESCRIPTION_LIMIT = 140
_SARIF_RUNS = 20
_SARIF_RESULTS = 25_000
_SARIF_BYTES = 10 * 1024 * 1024
_COMMENTS = "pull-requests: write"


class GithubSummary:
    """Comments on the pull request as a whole (`issues/create-comment` and its kin)."""

    limit = COMMENT_LIMIT

    def __init__(self, api: Api, number: int) -> None:
        self._api = api
        self._number = number

    def create_comment(self, body: str) -> Comment:
        """A new comment. A `ForgeError` that is `uncertain` may have made one."""
        path = f"{self._api.repository}/issues/{self._number}/comments"
        answer = self._api.write(
            "POST", path, {"body": body}, can="take a comment", needs=_COMMENTS
        )
        with as_documented("a comment"):
            return rest_comment(answer)

    def update_comment(self, comment: Comment, body: str) -> Comment:
        """The same comment with another body."""
        answer = self._api.write(
            "PATCH", self._path(comment), {"body": body}, can="change a comment", needs=_COMMENTS
        )
        with as_documented("a comment"):
            return rest_comment(answer)

    def delete_comment(self, comment: Comment) -> None:
        """Remove a comment of our own; one that is already gone is no error."""
        try:
            self._api.write(
                "DELETE", self._path(comment), None, can="delete a comment", needs=_COMMENTS
            )
        except ForgeError as error:
            if error.status not in (404, 410):
                raise

    def _path(self, comment: Comment) -> str:
        return f"{self._api.repository}/issues/comments/{quote(comment.id, safe='')}"


class GithubStatus:
    """Commit statuses (`repos/create-commit-status`). `viewer` is the token's account's login."""

    def __init__(self, api: Api, viewer: str) -> None:
        self._api = api
        self._viewer = viewer

    def statuses(self, commit: str) -> Sequence[CommitStatus]:
        """The newest status of each context on a commit."""
        path = f"{self._api.repository}/commits/{quote(commit, safe='')}/statuses"
        newest: dict[str, CommitStatus] = {}
        entries = [
            entry for page in self._api.pages(path, can="list the statuses") for entry in page
        ]
        with as_documented("the statuses"):
            for entry in sorted(entries, key=lambda one: int(one["id"])):
                newest[str(entry["context"])] = CommitStatus(
                    context=str(entry["context"]),
                    state=status_state(str(entry["state"])),
                    description=str(entry.get("description") or ""),
                    url=entry.get("target_url"),
                    ours=is_ours(entry.get("creator"), self._viewer),
                )
        return tuple(newest[context] for context in sorted(newest))

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Set a status. Where it is not certain that it arrived, look, and set it once more."""
        try:
            self._set(commit, status)
        except ForgeError as error:
            if not error.uncertain:
                raise
            there = (replace(one, ours=status.ours) for one in self.statuses(commit))
            if _as_sent(status) not in there:
                self._set(commit, status)

    def _set(self, commit: str, status: CommitStatus) -> None:
        sent = _as_sent(status)
        body = {"state": sent.state, "context": sent.context, "description": sent.description}
        if sent.url:
            body["target_url"] = sent.url
        self._api.write(
            "POST",
            f"{self._api.repository}/statuses/{quote(commit, safe='')}",
            body,
            can="take a commit status",
            needs="statuses: write",
        )


def _as_sent(status: CommitStatus) -> CommitStatus:
    """The status as GitHub takes it: a description of at most 140 characters."""
    text = " ".join(status.description.split())
    if len(text) > _DESCRIPTION_LIMIT:
        text = f"{text[: _DESCRIPTION_LIMIT - 1]}…"
    return replace(status, description=text)


class GithubSarif:
    """Code scanning (`code-scanning/upload-sarif`)."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def upload(self, commit: str, ref: str, sarif: str) -> None:
        """Hand a SARIF report over for a commit on a full ref name.

        Raises `ForgeError` for a report that GitHub would cut or refuse, before it is sent
        (docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads).
        """
        _check_sarif(sarif)
        packed = base64.b64encode(gzip.compress(sarif.encode(), mtime=0))
        if len(packed) > _SARIF_BYTES:
            raise forge_error(
                f"the SARIF report has {len(packed):,} bytes when packed, and GitHub takes "
                f"{_SARIF_BYTES:,}",
                remedy="keep it as an artifact",
            )
        self._api.write(
            "POST",
            f"{self._api.repository}/code-scanning/sarifs",
            {"commit_sha": commit, "ref": ref, "sarif": packed.decode()},
            can="take the SARIF report",
            needs="security-events: write",
        )


def _check_sarif(sarif: str) -> None:
    try:
        runs = json.loads(sarif)["runs"]
        results = [len(run.get("results") or ()) for run in runs]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise forge_error("the report is not SARIF: it has no list of runs") from None
    if len(results) > _SARIF_RUNS:
        raise forge_error(f"the SARIF report has {len(results)} runs, and GitHub takes 20")
    if max(results, default=0) > _SARIF_RESULTS:
        raise forge_error(
            f"the SARIF report has {max(results):,} results, and GitHub takes {_SARIF_RESULTS:,}",
            remedy="keep it as an artifact",
        )
