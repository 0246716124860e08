"""The server as a process, for runs of the CI template and of anything else from outside.

    python -m tests.forges.gitlab --repository DIR --state state.json [--port N] [--root /gitlab]

It prints its address (`http://127.0.0.1:PORT`, with the relative root) as the first line of its
output and serves until it is interrupted: REST under `/api/v4`, GraphQL under `/api/graphql`, Git
under `/GROUP/PROJECT.git`. DIR is the Git repository of every project in the state file that
names none. It is not copied, and `refs/merge-requests/N/head` are written into it; a branch that
moves in it moves on the server when a push comes over HTTP, or the action `push` is posted.

The state file (levels by name or number; merge requests as `group/shop!7`):

    {
      "premium": false, "enterprise": false, "version": "19.1.0",
      "limits": {"requests": 2000, "notes_created": 60},
      "keyset": ["listDiscussions"],
      "users": [{"username": "alice", "id": 11, "emails": ["alice@example.com"], "bot": false}],
      "groups": [{"path": "group", "id": 21, "visibility": "private",
                  "members": {"alice": "developer"},
                  "invited": [{"group": "other", "level": "reporter"}]}],
      "projects": [{
        "path": "group/shop", "id": 4711, "members": {"alice": "developer"}, "repository": "DIR",
        "protected": [{"name": "main", "push": ["nobody"], "merge": ["maintainer"]}],
        "rules": [{"name": "sre", "required": 1, "groups": ["group/sre"]}],
        "approvals": {"reset_on_push": true}, "push_rule": null, "ci_config_path": "",
        "pipelines_must_succeed": true
      }],
      "merge_requests": [{
        "project": "group/shop", "source_branch": "change", "author": "alice", "iid": 7,
        "title": "A change", "labels": ["hotfix"], "reviewers": ["bob"],
        "comments": [{"author": "bob", "body": "Hello"}], "approved_by": ["bob"]
      }],
      "pipelines": [{"id": 90, "merge_request": "group/shop!7", "by": "alice"}],
      "tokens": [{"value": "glpat-bot", "project": "group/shop", "level": "developer"},
                 {"value": "glpat-carol", "user": "carol", "scopes": ["read_api"]},
                 {"value": "glcbt-job", "pipeline": 90},
                 {"value": "glptt-1", "project": "group/shop", "triggers_as": "carol"}],
      "faults": [{"kind": "bad_gateway", "operation": "createNote", "committed": true}],
      "do": [{"action": "push", "merge_request": "group/shop!7", "by": "alice"}]
    }

`POST /__state` takes the same form and adds to the state. Actions: `push`, `approve`, `unapprove`,
`request_changes`, `close`, `merge` (merge_commit, squash_commit, landed) for what was merged in
Git already, `land` (method, squash, delete_branch, automatic_rebase) which merges, `revert`,
`delete_branch`, each with `by`; `comment` (by, body), `retarget` (branch, by), `label` (labels),
`reopen`, and `diff` (ready) for a merge request whose diff is still being made; `train`
(merge_requests, by), `direct` (branch, files, by, project) and `force` (branch, sha, by, project).
Faults are those of `serving.Faults` by name, `stale`, and those of `pushes` as `push_die`,
`landed_lag`, `api_down` and so on.

`GET /__state` shows merge requests with notes and approvals, pipelines, statuses, and the quick
actions that notes made GitLab run; `GET /__log` every request so far, `DELETE /__log` forgets
them; `GET /__violations` is what broke the description. None of these needs a token.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.forges.gitlab import arrange
from tests.forges.gitlab.server import GitLabServer
from tests.forges.serving import Reply, Request


class Process(GitLabServer):
    """The server with what lies beside the API; that stands in no log."""

    def handle(self, request: Request) -> Reply | None:
        """One request."""
        if not request.path.startswith("/__"):
            return super().handle(request)
        with self.work():
            return self._aside(request)

    def _aside(self, request: Request) -> Reply:
        asked = (request.method, request.path)
        if asked == ("GET", "/__log"):
            return Reply.of([entry.plain() for entry in self.log])
        if asked == ("DELETE", "/__log"):
            self.forget()
            return Reply(status=204)
        if asked == ("GET", "/__violations"):
            return Reply.of([str(violation) for violation in self.violations])
        if asked == ("GET", "/__state"):
            return Reply.of(arrange.show(self))
        if asked == ("POST", "/__state"):
            try:
                arrange.add(self, request.json())
            except (KeyError, TypeError, ValueError, StopIteration) as error:
                return Reply.of({"error": f"{type(error).__name__}: {error}"}, 400)
            return Reply.of(arrange.show(self), 201)
        return Reply.of({"error": "not found"}, 404)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="tests.forges.gitlab")
    parser.add_argument("--repository", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--root", default="")
    given = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Process(root=given.root, port=given.port) as server:
        if given.state is not None:
            arrange.add(server, json.loads(given.state.read_text("utf-8")), given.repository)
        print(server.url, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
