"""The server as a process, for runs of the Action and of anything else from outside.

    python -m tests.forges.github --repository DIR --state state.json [--port N] [--host H]

It prints its address (`http://127.0.0.1:PORT`) as the first line of its output and serves until
it is interrupted: REST under `/api/v3` and `/`, GraphQL under `/api/graphql` and `/graphql`, and
Git under `/OWNER/NAME.git`. DIR is the Git repository of every repository in the state file that
names none itself and is no fork. It is not copied: branches that move in it move on the forge
with the next request, and `refs/pull/N/head` and `refs/pull/N/merge` are written into it.

The state file:

    {
      "accounts": [{"login": "rita", "emails": ["rita@example.com"], "kind": "User", "number": 7}],
      "repositories": [{
        "name": "acme/shop", "number": 4711, "private": false, "default_branch": "main",
        "collaborators": {"rita": "write"}, "git": "DIR", "fork_of": "acme/other",
        "protections": {"main": {...}}, "rulesets": [{...}], "methods": {"squash": false},
        "pulls": [{
          "head": "change", "base": "main", "title": "A change", "author": "rita",
          "body": "", "draft": false, "number": 7, "head_repository": "rita/shop",
          "labels": ["hotfix"],
          "comments": [{"author": "rita", "body": "Hello"}],
          "reviews": [{"author": "sam", "state": "APPROVED", "body": "", "commit": "SHA",
                       "comments": [{"path": "a.yaml", "line": 2, "body": "Why?"}]}]
        }],
        "statuses": [{"sha": "SHA", "context": "ci", "state": "success"}]
      }],
      "teams": [{"organisation": "acme", "slug": "sre", "members": ["sam"], "parent": "all"}],
      "tokens": [{"value": "ghs_token", "permissions": {"contents": "read",
                  "pull_requests": "write", "statuses": "write"}},
                 {"value": "ghp_token", "account": "rita", "kind": "classic"}],
      "faults": [{"kind": "bad_gateway", "operation": "issues/create-comment",
                  "committed": true, "times": 1, "skip": 0}],
      "do": []
    }

Only `name`, `head`, `login`, `slug`, `organisation`, `value` and the like are needed; a token
without an account is a GITHUB_TOKEN. `protections` and `rulesets` are as GitHub's API gives them.
A fork without `git` starts as a copy of its parent; without DIR a new repository is made.

`POST /__state` takes the same form and adds to the world. Its `do` is a list of actions, each with
`repository`, most with `pull` (the number): `push` (branch, sha, actor), `commit` (branch, files,
message, force, actor), `comment` (author, body), `review` (author, state, body, comments),
`dismiss` (review, message), `label` (label), `retarget` (base), `close`, `merge` (method,
delete_branch), `enqueue` (method, by), `land_queue` (base, count), `revert`, `delete_branch`,
`direct` (branch, files, by, parents), `status` (sha, context, state). Faults are those of
`GitHubServer` and of `Faults` by their names: `bad_gateway`, `drop`, `slow`, `too_many_requests`,
`redirect`, `reorder`, `secondary_limit`, `primary_limit`, `graphql_rate_limited`, `stale`; and
those of `pushes` as `push_die`, `landed_lag`, `api_down` and so on.

`GET /__state` shows pull requests with their comments, reviews and threads, statuses and the like;
`GET /__log` every request so far; `DELETE /__log` forgets them; `GET /__violations` is what broke
GitHub's descriptions, an empty list when all was well. None of these needs a token.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.forges.github import arrange
from tests.forges.github.server import GitHubServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="tests.forges.github")
    parser.add_argument("--repository", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--edition", default="api.github.com")
    given = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    server = GitHubServer(edition=given.edition, host=given.host, port=given.port)
    server.github.aside = lambda said: arrange.add(server, said)
    server.github.shown = lambda: arrange.show(server)
    with server:
        if given.state is not None:
            arrange.add(server, json.loads(given.state.read_text("utf-8")), given.repository)
        print(server.origin, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
