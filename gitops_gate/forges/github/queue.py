"""GitHub's merge queue: who waits, and the commit that GitHub made for each.

`Repository.mergeQueue` (docs.github.com/graphql/reference/objects#mergequeue) names both. It takes
the permission of an app to read merge queues, which a workflow's own token cannot be given. The
branches of the queue say the same, to whoever may read contents: `head_ref` of the webhook
`merge_group` is one of them, `gh-readonly-queue/<branch>/pr-<number>-<commit before>`. Neither is
believed further than Git confirms it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api, GraphqlError, as_documented
from gitops_gate.forges.github.reading import known_repository, names_of
from gitops_gate.forges.queues import Queue, Waiting
from gitops_gate.forges.values import Target
from gitops_gate.source.objects import is_object_id

_CAN = "read the merge queue"
_QUEUE = """
query Queue($owner: String!, $name: String!, $branch: String!, $ref: String!, $prefix: String!) {
  repository(owner: $owner, name: $name) {
    databaseId
    ref(qualifiedName: $ref) { target { oid } }
    refs(refPrefix: $prefix, first: 100) { totalCount nodes { name target { oid } } }
    mergeQueue(branch: $branch) {
      entries(first: 100) { totalCount nodes { headCommit { oid } pullRequest { number } } }
    }
  }
}
"""
_BRANCH = re.compile(r"(?:.*/)?pr-([1-9][0-9]{0,17})-[0-9a-f]{40,64}")
"""A branch of a queue. What stands last is what the queue's commit was built on."""


class GithubQueue:
    """Reads the merge queues of a repository, a hundred entries of each, by one request."""

    def __init__(self, api: Api, target: Target) -> None:
        self._api = api
        self._target = target

    def queue(self, branch: str) -> Queue:
        """The queue of a branch. Raises `ForgeError`, also where it was not told whole."""
        variables = {
            **names_of(self._target),
            "branch": branch,
            "ref": f"refs/heads/{branch}",
            "prefix": f"refs/heads/gh-readonly-queue/{branch}/",
        }
        data, errors = self._api.graphql(_QUEUE, variables, can=_CAN)
        hidden = any(map(_hides_queue, errors))
        self._api.refuse_partial([e for e in errors if not _hides_queue(e)], can=_CAN)
        repository = known_repository(data.get("repository"), self._target)
        with as_documented("the merge queue"):
            tip = ((repository.get("ref") or {}).get("target") or {}).get("oid")
            waiting = _by_branch(repository["refs"]) if hidden else _entries(repository)
            return Queue(tip=tip, waiting=tuple(waiting))


def _entries(repository: Mapping[str, Any]) -> Iterator[Waiting]:
    """Those that have a commit already; what has none yet is behind all that have one."""
    queue = repository["mergeQueue"]
    for node in _whole((queue or {}).get("entries") or {"totalCount": 0, "nodes": []}):
        commit, pull = node["headCommit"], node["pullRequest"]
        if commit and pull:
            yield _waiting(pull["number"], commit["oid"])


def _by_branch(refs: Mapping[str, Any]) -> Iterator[Waiting]:
    for node in _whole(refs):
        found, commit = _BRANCH.fullmatch(str(node["name"])), node["target"]
        if found and commit:
            yield _waiting(found[1], commit["oid"])


def _whole(connection: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nodes = [node for node in connection["nodes"] if node]
    if len(nodes) < int(connection["totalCount"]):
        raise forge_error("GitHub does not list the merge queue to its end")
    return nodes


def _waiting(number: object, head: object) -> Waiting:
    if not isinstance(head, str) or not is_object_id(head):
        raise ValueError(head)
    return Waiting(number=int(str(number)), head=head)


def _hides_queue(error: GraphqlError) -> bool:
    """Whether an error is about the queue alone, which another permission guards."""
    return error.type == "FORBIDDEN" and error.path[:2] == ("repository", "mergeQueue")
