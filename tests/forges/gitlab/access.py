"""Who is asking, and what GitLab lets them do.

Tokens travel in `PRIVATE-TOKEN`, `Authorization: Bearer` or `JOB-TOKEN`
(docs.gitlab.com/api/rest/authentication). A job token is looked at only by the operations that
take one (docs.gitlab.com/ci/jobs/ci_job_token); everywhere else its owner is nobody, who can still
read what is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.forges.gitlab.state import (
    ADMINISTRATOR,
    DEVELOPER,
    GUEST,
    MAINTAINER,
    REPORTER,
    Group,
    MergeRequest,
    Note,
    Project,
    State,
    Token,
    User,
)

JOB_TOKEN_OPERATIONS = frozenset(
    {
        "getJobOfToken",
        "getMergeRequest",
        "listMergeRequests",
        "listNotes",
        "getNote",
        "listBranches",
        "listMergeRequestsOfCommit",
    }
)
"""What a job token may ask for, of the operations that are described."""

WITHOUT_AUTHENTICATION = frozenset(
    {
        "triggerPipeline",
        "getProject",
        "getGroup",
        "listMergeRequests",
        "getMergeRequest",
        "listMergeRequestVersions",
        "listMergeRequestCommits",
        "getMergeRequestApprovals",
        "getMergeRequestApprovalState",
        "listMergeRequestApprovalRules",
        "listMergeRequestsOfCommit",
        "listBranches",
        "getBranch",
    }
)
"""What answers nobody at all for what is public, or has a token of its own."""


class RefusedError(Exception):
    """An answer that is not what was asked for."""

    def __init__(self, status: int, message: object, *, key: str = "message", **more: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.body = {key: message, **more}


class MovedError(Exception):
    """The project has this id, and no longer the path that was asked for."""

    def __init__(self, project: int) -> None:
        super().__init__(project)
        self.project = project


def unauthorized() -> RefusedError:
    """Nobody is asking."""
    return RefusedError(401, "401 Unauthorized")


def forbidden(reason: str | None = None) -> RefusedError:
    """They may see it and not do it."""
    return RefusedError(403, "403 Forbidden" + (f" - {reason}" if reason else ""))


def not_found(what: str | None = None) -> RefusedError:
    """It is not there, or they may not see it."""
    return RefusedError(404, f"404 {what} Not Found" if what else "404 Not Found")


def bad_request(reason: str) -> RefusedError:
    """GitLab does not take it."""
    return RefusedError(400, f"400 Bad request - {reason}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who is asking: an account by a token, or nobody."""

    state: State
    user: User | None = None
    token: Token | None = None

    @property
    def known(self) -> User:
        """The account. Raises `RefusedError` when there is none."""
        if self.user is None:
            raise unauthorized()
        return self.user

    # ------------------------------------------------------------------ levels

    def level(self, project: Project) -> int:
        """The access level in a project, 0 for none."""
        if self.user is None:
            return 0
        if self.user.administrator:
            return ADMINISTRATOR
        return project_members(self.state, project).get(self.user.id, 0)

    def group_level(self, group: Group) -> int:
        """The access level in a group, 0 for none."""
        if self.user is None:
            return 0
        if self.user.administrator:
            return ADMINISTRATOR
        return group_members(self.state, group).get(self.user.id, 0)

    def require(self, project: Project, level: int) -> None:
        """Raises `RefusedError` below a level."""
        if self.level(project) < level:
            raise forbidden()

    # ------------------------------------------------------------------ what can be seen

    def project(self, name: str) -> Project:
        """A project by id or path that the caller may see. Raises `RefusedError`, `MovedError`."""
        found = next(
            (
                p
                for p in self.state.projects.values()
                if (str(p.id) == name if name.isdigit() else p.path.lower() == name.lower())
            ),
            None,
        )
        former = self.state.moved.get(name)
        if found is None and former is not None and self._sees(self.state.projects[former]):
            raise MovedError(former)
        if found is None or not self._sees(found):
            raise not_found("Project")
        return found

    def group(self, name: str) -> Group:
        """A group by id or path that the caller may see. Raises `RefusedError`."""
        found = next(
            (
                g
                for g in self.state.groups.values()
                if (str(g.id) == name if name.isdigit() else g.path.lower() == name.lower())
            ),
            None,
        )
        if found is None or not self.sees_group(found):
            raise not_found("Group")
        return found

    def sees_group(self, group: Group) -> bool:
        """Whether the caller may see a group: members of its projects may, too."""
        if group.visibility == "public" or self.group_level(group) >= GUEST:
            return True
        if self.user is None:
            return False
        if group.visibility == "internal":
            return True
        inside = [
            p
            for p in self.state.projects.values()
            if p.group == group.id or p.path.startswith(group.path + "/")
        ]
        return any(self.level(p) >= GUEST for p in inside)

    def merge_request(self, project: Project, iid: int) -> MergeRequest:
        """A merge request that the caller may see. Raises `RefusedError`."""
        found = next(
            (
                m
                for m in self.state.merge_requests.values()
                if m.project == project.id and m.iid == iid
            ),
            None,
        )
        if found is None:
            raise not_found()
        if project.visibility == "private" and self.level(project) < REPORTER:
            raise forbidden()
        return found

    def _sees(self, project: Project) -> bool:
        if self.token is not None and self.token.kind == "job":
            own = self.token.project == project.id or self.token.project in project.job_token_from
            return own and (project.visibility == "public" or self.level(project) >= GUEST)
        if project.visibility == "public" or self.level(project) >= GUEST:
            return True
        return project.visibility == "internal" and self.user is not None

    # ------------------------------------------------------------------ what can be done

    def may_edit(self, project: Project, note: Note) -> bool:
        """Change or remove a note: its author, and maintainers anybody's but GitLab's own."""
        if note.system or self.user is None:
            return False
        return note.author == self.user.id or self.level(project) >= MAINTAINER

    def may_resolve(self, project: Project, mr: MergeRequest) -> bool:
        """Resolve a discussion: developers, and the merge request's author."""
        if self.user is None:
            return False
        return mr.author == self.user.id or self.level(project) >= DEVELOPER

    def may_approve(self, project: Project, mr: MergeRequest) -> bool:
        """Whether an approval of theirs would be taken."""
        if self.user is None or mr.state != "opened":
            return False
        if self.level(project) < DEVELOPER:
            return False
        author_counts = not self.state.premium or project.approvals.author_may_approve
        return author_counts or mr.author != self.user.id


def project_members(state: State, project: Project) -> dict[int, int]:
    """Everybody in a project, with the highest level: direct, inherited, invited."""
    members = dict(project.members)
    if project.group is not None:
        _merge(members, group_members(state, state.groups[project.group]))
    for invitation in project.invited:
        _merge(
            members, _capped(group_members(state, state.groups[invitation.group]), invitation.level)
        )
    return members


def group_members(state: State, group: Group) -> dict[int, int]:
    """Everybody in a group, with the highest level: direct, inherited, invited."""
    members = dict(group.members)
    for invitation in group.invited:
        _merge(members, _capped(state.groups[invitation.group].members, invitation.level))
    if group.parent is not None:
        _merge(members, group_members(state, state.groups[group.parent]))
    return members


def _capped(members: Mapping[int, int], level: int) -> dict[int, int]:
    return {user: min(own, level) for user, own in members.items()}


def _merge(into: dict[int, int], more: Mapping[int, int]) -> None:
    for user, level in more.items():
        into[user] = max(level, into.get(user, 0))


def token_in(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """The token that came along and the header that it came in."""
    if value := headers.get("private-token"):
        return value, "private"
    if value := headers.get("job-token"):
        return value, "job"
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip(), "bearer"
    return None


def caller_of(state: State, headers: Mapping[str, str], operation: str, *, reads: bool) -> Caller:
    """Who is asking. Raises `RefusedError` for a bad token, or one whose scopes do not do."""
    came = token_in(headers)
    if came is None:
        return Caller(state=state)
    value, header = came
    token = state.tokens.get(value)
    if token is None or (token.kind == "job") != (header == "job"):
        raise unauthorized()
    if token.revoked:
        raise _oauth(
            401, "invalid_token", "Token was revoked. You have to re-authorize from the user."
        )
    if token.expired:
        raise _oauth(
            401, "invalid_token",
            "Token is expired. You can either do re-authorization or token refresh.",
        )  # fmt: skip
    user = state.users[token.user]
    if user.state != "active":
        raise forbidden("Your account has been blocked.")
    if token.kind == "job":
        taken = operation in JOB_TOKEN_OPERATIONS
        return Caller(state=state, user=user, token=token) if taken else Caller(state=state)
    _check_scopes(token, operation, reads=reads)
    return Caller(state=state, user=user, token=token)


def _check_scopes(token: Token, operation: str, *, reads: bool) -> None:
    if operation == "getPersonalAccessTokenSelf":
        return
    wanted = ["api", "read_api"] if reads else ["api"]
    if operation == "getUser":
        wanted.append("read_user")
    if not set(wanted) & set(token.scopes):
        raise _oauth(
            403, "insufficient_scope",
            "The request requires higher privileges than provided by the access token.",
            scope=" ".join(wanted),
        )  # fmt: skip


def _oauth(status: int, error: str, description: str, **more: str) -> RefusedError:
    return RefusedError(status, error, key="error", error_description=description, **more)
