"""The world as REST shows it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.forges.github.actions import landing
from tests.forges.github.git import Commit, FileDiff
from tests.forges.github.state import (
    ACTIONS_APP,
    Account,
    Activity,
    CheckRun,
    Comment,
    Event,
    Pull,
    Repository,
    Review,
    Status,
    Team,
    Thread,
    Token,
    World,
    by_context,
)

GHOST = Account(id=10137, login="ghost")
"""Whoever opened a pull request and is gone; others that are gone are null."""
REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}", "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors",
    "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
    "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
    "merges_url": "/merges", "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags",
    "teams_url": "/teams", "trees_url": "/git/trees{/sha}", "hooks_url": "/hooks",
}  # fmt: skip


def iso(moment: datetime.datetime | None) -> str | None:
    """A time as GitHub writes it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Shapes:
    """Makes REST's objects; `api` and `web` are addresses without a slash at the end."""

    world: World
    api: str
    web: str

    def user(self, account: Account | None) -> Any:
        """A `simple-user`."""
        if account is None:
            return None
        login = account.rest_login
        url = f"{self.api}/users/{quote(login)}"
        return {
            "login": login, "id": account.id, "node_id": account.node_id,
            "avatar_url": f"{self.web}/avatars/u/{account.id}", "gravatar_id": "", "url": url,
            "html_url": f"{self.web}/{quote(login)}", "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions", "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos", "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events", "type": account.kind,
            "site_admin": False,
        }  # fmt: skip

    def repository(self, repository: Repository, token: Token | None = None) -> dict[str, Any]:
        """A `full-repository`, which is all the smaller ones as well."""
        url = self.repository_url(repository)
        html = f"{self.web}/{repository.full_name}"
        now = iso(repository.created_at)
        private = repository.private
        shape: dict[str, Any] = {
            "id": repository.id, "node_id": repository.node_id, "name": repository.name,
            "full_name": repository.full_name, "owner": self.user(repository.owner),
            "private": private, "visibility": "private" if private else "public",
            "html_url": html, "description": None, "fork": repository.fork_of is not None,
            "url": url, **{name: url + path for name, path in REPOSITORY_URLS.items()},
            "clone_url": f"{html}.git", "git_url": f"git:{repository.full_name}.git",
            "ssh_url": f"git@example.com:{repository.full_name}.git", "svn_url": html,
            "mirror_url": None, "homepage": None, "language": None, "license": None,
            "default_branch": repository.default_branch, "forks": 0, "forks_count": 0,
            "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1,
            "network_count": 0, "subscribers_count": 0, "archived": False, "disabled": False,
            "open_issues": len(repository.pulls), "open_issues_count": len(repository.pulls),
            "has_issues": True, "has_projects": False, "has_wiki": False, "has_pages": False,
            "has_discussions": False, "has_downloads": False, "pushed_at": now,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        if self._sees_merging(repository, token):
            names = {"merge": "merge_commit", "squash": "squash_merge", "rebase": "rebase_merge"}
            shape |= {f"allow_{names[one]}": on for one, on in repository.methods.items()}
        if token is not None and token.kind != "installation":
            roles = ("pull", "triage", "push", "maintain", "admin")
            needs = ("read", "triage", "write", "maintain", "admin")
            shape["permissions"] = {
                name: self.world.may(repository, token.account, role)
                for name, role in zip(roles, needs, strict=True)
            }
        return shape

    def _sees_merging(self, repository: Repository, token: Token | None) -> bool:
        if token is None:
            return False
        if token.kind == "installation":
            return token.has("contents", "write")
        return self.world.may(repository, token.account, "write")

    def repository_url(self, repository: Repository) -> str:
        """Its address in the API."""
        return f"{self.api}/repos/{repository.full_name}"

    def association(self, repository: Repository, account: Account | None) -> str:
        """How somebody is related to a repository."""
        if account is None or account.kind == "Bot":
            return "NONE"
        if account.id == repository.owner.id:
            return "OWNER"
        return "COLLABORATOR" if account.login.lower() in repository.collaborators else "NONE"

    def label(self, repository: Repository, name: str) -> dict[str, Any]:
        """A label."""
        number = repository.labels.get(name, 0)
        return {
            "id": number, "node_id": f"LA_{number}", "name": name, "description": "",
            "url": f"{self.repository_url(repository)}/labels/{quote(name, safe='')}",
            "color": "ededed", "default": False,
        }  # fmt: skip

    def pull(self, repository: Repository, pull: Pull, *, full: bool = True) -> dict[str, Any]:
        """A `pull-request`, or the `pull-request-simple` of lists."""
        base = self.repository_url(repository)
        url, issue = f"{base}/pulls/{pull.number}", f"{base}/issues/{pull.number}"
        html = self.pull_html(repository, pull)
        links = {
            "self": url, "html": html, "issue": issue, "comments": f"{issue}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{base}/pulls/comments{{/number}}", "commits": f"{url}/commits",
            "statuses": f"{base}/statuses/{pull.head}",
        }  # fmt: skip
        landed = pull.merge_commit
        if landed is None and not pull.closed_at and not pull.mergeable_unknown:
            landed = landing(repository, pull)
        shape = {
            "url": url, "id": pull.id, "node_id": pull.node_id, "html_url": html,
            "diff_url": f"{html}.diff", "patch_url": f"{html}.patch", "issue_url": issue,
            "commits_url": links["commits"], "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"], "comments_url": links["comments"],
            "statuses_url": links["statuses"], "number": pull.number, "state": pull.state,
            "locked": False, "title": pull.title, "user": self.user(pull.author or GHOST),
            "body": pull.body, "labels": [self.label(repository, name) for name in pull.labels],
            "milestone": None, "active_lock_reason": None, "created_at": iso(pull.created_at),
            "updated_at": iso(pull.updated_at), "closed_at": iso(pull.closed_at),
            "merged_at": iso(pull.merged_at), "merge_commit_sha": landed, "assignee": None,
            "assignees": [], "requested_reviewers": [], "requested_teams": [],
            "head": self._end(
                self.world.repositories.get(pull.head_repository or 0), pull.head_ref, pull.head
            ),
            "base": self._end(repository, pull.base_ref, pull.base_sha),
            "_links": {name: {"href": address} for name, address in links.items()},
            "author_association": self.association(repository, pull.author), "auto_merge": None,
            "draft": pull.draft,
        }  # fmt: skip
        return shape | (self._pull_counts(repository, pull, landed) if full else {})

    def _pull_counts(
        self, repository: Repository, pull: Pull, landed: str | None
    ) -> dict[str, Any]:
        files = repository.git.diff(self.world.merge_base(repository, pull), pull.head)
        mergeable: bool | None = landed is not None
        if pull.mergeable_unknown or pull.closed_at:
            mergeable = None
        state = {True: "clean", False: "dirty", None: "unknown"}[mergeable]
        return {
            "merged": pull.merged_at is not None, "mergeable": mergeable, "rebaseable": mergeable,
            "mergeable_state": "draft" if pull.draft and mergeable else state,
            "merged_by": self.user(pull.merged_by), "comments": len(pull.comments),
            "review_comments": sum(len(thread.comments) for thread in pull.threads),
            "maintainer_can_modify": False,
            "commits": len(self.world.commits(repository, pull)),
            "additions": sum(file.additions for file in files),
            "deletions": sum(file.deletions for file in files), "changed_files": len(files),
        }  # fmt: skip

    def _end(self, repository: Repository | None, ref: str, sha: str) -> dict[str, Any]:
        if repository is None:
            return {"label": f"unknown:{ref}", "ref": ref, "sha": sha, "user": None, "repo": None}
        return {
            "label": f"{repository.owner.login}:{ref}", "ref": ref, "sha": sha,
            "user": self.user(repository.owner), "repo": self.repository(repository),
        }  # fmt: skip

    def pull_html(self, repository: Repository, pull: Pull) -> str:
        """A pull request's page."""
        return f"{self.web}/{repository.full_name}/pull/{pull.number}"

    def commit(self, repository: Repository, commit: Commit) -> dict[str, Any]:
        """A commit."""
        base = self.repository_url(repository)
        url = f"{base}/commits/{commit.sha}"
        html = f"{self.web}/{repository.full_name}/commit"
        names = ("author", "committer")
        people = {name: getattr(commit, name) for name in names}
        return {
            "url": url, "sha": commit.sha, "node_id": f"C_{commit.sha}",
            "html_url": f"{html}/{commit.sha}", "comments_url": f"{url}/comments",
            "commit": {
                "url": f"{base}/git/commits/{commit.sha}", "message": commit.message,
                "comment_count": 0,
                "tree": {"sha": commit.tree, "url": f"{base}/git/trees/{commit.tree}"},
                **{
                    name: {"name": person.name, "email": person.email, "date": person.date}
                    for name, person in people.items()
                },
            },
            **{name: self.user(self.world.by_email(p.email)) for name, p in people.items()},
            "parents": [
                {"sha": sha, "url": f"{base}/commits/{sha}", "html_url": f"{html}/{sha}"}
                for sha in commit.parents
            ],
        }  # fmt: skip

    def file(self, repository: Repository, sha: str, file: FileDiff) -> dict[str, Any]:
        """A `diff-entry`."""
        path = quote(file.path)
        html = f"{self.web}/{repository.full_name}"
        shape: dict[str, Any] = {
            "sha": file.blob, "filename": file.path, "status": file.status,
            "additions": file.additions, "deletions": file.deletions,
            "changes": file.additions + file.deletions, "blob_url": f"{html}/blob/{sha}/{path}",
            "raw_url": f"{html}/raw/{sha}/{path}",
            "contents_url": f"{self.repository_url(repository)}/contents/{path}?ref={sha}",
        }  # fmt: skip
        if file.patch is not None:
            shape["patch"] = file.patch
        if file.old_path:
            shape["previous_filename"] = file.old_path
        return shape

    def comment(self, repository: Repository, pull: Pull, comment: Comment) -> dict[str, Any]:
        """An `issue-comment`."""
        base = self.repository_url(repository)
        html = self.pull_html(repository, pull)
        app = None if comment.app_id is None else self.app(comment.app_id)
        return {
            "url": f"{base}/issues/comments/{comment.id}", "id": comment.id,
            "html_url": f"{html}#issuecomment-{comment.id}",
            "issue_url": f"{base}/issues/{pull.number}", "node_id": f"IC_{comment.id}",
            "user": self.user(comment.author), "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at), "body": comment.body,
            "author_association": self.association(repository, comment.author),
            "performed_via_github_app": app,
        }  # fmt: skip

    def app(self, number: int) -> dict[str, Any]:
        """An `integration`."""
        token = next((t for t in self.world.tokens.values() if t.app_id == number), None)
        slug = token.app_slug if token and token.app_slug else "github-actions"
        owner = token.account if token and number != ACTIONS_APP else self._github()
        return {
            "id": number, "slug": slug, "node_id": f"A_{number}", "owner": self.user(owner),
            "name": slug, "description": None, "external_url": f"{self.web}/apps/{slug}",
            "html_url": f"{self.web}/apps/{slug}", "created_at": "2018-07-30T09:30:17Z",
            "updated_at": "2018-07-30T09:30:17Z", "permissions": {}, "events": [],
        }  # fmt: skip

    def _github(self) -> Account:
        return Account(id=9919, login="github", kind="Organization")

    def review(self, repository: Repository, pull: Pull, review: Review) -> dict[str, Any]:
        """A `pull-request-review`."""
        html = f"{self.pull_html(repository, pull)}#pullrequestreview-{review.id}"
        url = f"{self.repository_url(repository)}/pulls/{pull.number}"
        shape: dict[str, Any] = {
            "id": review.id, "node_id": f"PRR_{review.id}", "user": self.user(review.author),
            "body": review.body, "state": review.state, "html_url": html,
            "pull_request_url": url,
            "_links": {"html": {"href": html}, "pull_request": {"href": url}},
            "commit_id": review.commit,
            "author_association": self.association(repository, review.author),
        }  # fmt: skip
        if review.submitted_at is not None:
            shape["submitted_at"] = iso(review.submitted_at)
        return shape

    def line_comment(
        self, repository: Repository, pull: Pull, thread: Thread, comment: Comment
    ) -> dict[str, Any]:
        """A `pull-request-review-comment`."""
        base = self.repository_url(repository)
        url = f"{base}/pulls/comments/{comment.id}"
        html = f"{self.pull_html(repository, pull)}#discussion_r{comment.id}"
        of_pull = f"{base}/pulls/{pull.number}"
        place = thread.hunk.count("\n")
        shape: dict[str, Any] = {
            "url": url, "pull_request_review_id": comment.review, "id": comment.id,
            "node_id": f"PRRC_{comment.id}", "diff_hunk": thread.hunk, "path": thread.path,
            "commit_id": thread.commit, "original_commit_id": thread.original_commit,
            "user": self.user(comment.author), "body": comment.body,
            "created_at": iso(comment.created_at), "updated_at": iso(comment.updated_at),
            "html_url": html, "pull_request_url": of_pull,
            "author_association": self.association(repository, comment.author),
            "_links": {
                "self": {"href": url}, "html": {"href": html}, "pull_request": {"href": of_pull},
            },
            "original_position": place, "original_line": thread.original_line,
            "side": thread.side, "start_line": thread.start_line,
            "original_start_line": thread.original_start_line, "start_side": thread.start_side,
            "subject_type": "line",
        }  # fmt: skip
        if thread.line is not None:
            shape |= {"line": thread.line, "position": place}
        if comment.reply_to is not None:
            shape["in_reply_to_id"] = comment.reply_to
        return shape

    def status(self, repository: Repository, status: Status) -> dict[str, Any]:
        """A `status`."""
        avatar = f"{self.web}/avatars/u/{status.creator.id}" if status.creator else None
        return {
            "url": f"{self.repository_url(repository)}/statuses/{status.sha}",
            "avatar_url": avatar, "id": status.id, "node_id": f"SC_{status.id}",
            "state": status.state, "description": status.description,
            "target_url": status.target_url, "context": status.context,
            "created_at": iso(status.created_at), "updated_at": iso(status.created_at),
            "creator": self.user(status.creator),
        }  # fmt: skip

    def combined(self, repository: Repository, sha: str, page: Iterable[Status]) -> dict[str, Any]:
        """A `combined-commit-status`."""
        every = by_context(repository.statuses, sha)
        url = self.repository_url(repository)
        shown = []
        for status in page:
            shape = self.status(repository, status)
            del shape["creator"]
            shown.append(shape)
        return {
            "state": combined_state(status.state for status in every.values()),
            "statuses": shown, "sha": sha, "total_count": len(every),
            "repository": self.repository(repository), "commit_url": f"{url}/commits/{sha}",
            "url": f"{url}/commits/{sha}/status",
        }  # fmt: skip

    def check_run(self, repository: Repository, run: CheckRun) -> dict[str, Any]:
        """A `check-run`."""
        url = f"{self.repository_url(repository)}/check-runs/{run.id}"
        html = f"{self.web}/{repository.full_name}/runs/{run.id}"
        return {
            "id": run.id, "node_id": f"CR_{run.id}", "head_sha": run.sha, "name": run.name,
            "url": url, "html_url": html, "details_url": run.details_url or html,
            "external_id": run.external_id, "status": run.status, "conclusion": run.conclusion,
            "started_at": run.started_at, "completed_at": run.completed_at,
            "output": {
                "title": run.title, "summary": run.summary, "text": run.text,
                "annotations_count": len(run.annotations), "annotations_url": f"{url}/annotations",
            },
            "check_suite": {"id": run.app_id}, "app": self.app(run.app_id), "pull_requests": [],
        }  # fmt: skip

    def activity(self, activity: Activity) -> dict[str, Any]:
        """An `activity`."""
        return {
            "id": activity.id, "node_id": f"PSH_{activity.id}", "before": activity.before,
            "after": activity.after, "ref": activity.ref, "timestamp": iso(activity.at),
            "activity_type": activity.kind, "actor": self.user(activity.actor),
        }  # fmt: skip

    def event(self, repository: Repository, event: Event) -> dict[str, Any]:
        """An event of an issue, as both lists of events show it."""
        base = self.repository_url(repository)
        sha = event.data.get("commit")
        shape: dict[str, Any] = {
            "id": event.id, "node_id": f"EV_{event.id}", "event": event.event,
            "url": f"{base}/issues/events/{event.id}", "actor": self.user(event.actor),
            "commit_id": sha, "commit_url": f"{base}/commits/{sha}" if sha else None,
            "created_at": iso(event.created_at), "performed_via_github_app": None,
        }  # fmt: skip
        if "label" in event.data:
            shape["label"] = {"name": event.data["label"], "color": "ededed"}
        if event.event == "head_ref_force_pushed":
            shape["commit_id"] = event.data["after"]
            shape["commit_url"] = f"{base}/commits/{event.data['after']}"
        if event.event == "review_dismissed":
            shape["dismissed_review"] = {
                "state": event.data["state"].lower(), "review_id": event.data["review"],
                "dismissal_message": event.data["message"],
            }  # fmt: skip
        return shape

    def team(self, team: Team) -> dict[str, Any]:
        """A `team-full`."""
        organisation = self.user(team.organisation)
        login = team.organisation.login
        url = f"{self.api}/orgs/{login}"
        of_team = f"{self.api}/organizations/{team.organisation.id}/team/{team.id}"
        times = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
        return {
            "id": team.id, "node_id": f"T_{team.id}", "url": of_team,
            "html_url": f"{self.web}/orgs/{login}/teams/{team.slug}", "name": team.name,
            "slug": team.slug, "description": None, "permission": "pull",
            "privacy": "secret" if team.secret else "closed", "type": "organization",
            "members_url": f"{of_team}/members{{/member}}",
            "repositories_url": f"{of_team}/repos", "parent": None,
            "members_count": len(self.world.members(team)), "repos_count": 0, **times,
            "organization": {
                **{key: organisation[key] for key in ("login", "id", "node_id", "avatar_url")},
                "url": url, "repos_url": f"{url}/repos", "events_url": f"{url}/events",
                "hooks_url": f"{url}/hooks", "issues_url": f"{url}/issues",
                "members_url": f"{url}/members{{/member}}",
                "public_members_url": f"{url}/public_members{{/member}}", "description": None,
                "html_url": f"{self.web}/{login}", "has_organization_projects": True,
                "has_repository_projects": True, "public_repos": 1, "public_gists": 0,
                "followers": 0, "following": 0, "type": "Organization", **times,
                "archived_at": None,
            },
        }  # fmt: skip


def combined_state(states: Iterable[str]) -> str:
    """What several statuses come to: pending when there are none."""
    seen = set(states)
    if seen & {"error", "failure"}:
        return "failure"
    return "pending" if "pending" in seen or not seen else "success"
