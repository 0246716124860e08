"""How merge requests land: by every merge method, on a train, and by somebody's push.

As GitLab does it (https://docs.gitlab.com/user/project/merge_requests/methods/, and in its source
`app/services/merge_requests/merge_strategies/from_source_branch.rb`, `create_ref_service.rb`): a
squashed commit stands on the target's tip of the newest version, a rebase keeps authors and is
committed by who merges, and the head that the merge request names stays what it was.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.forges import workbench
from tests.forges.gitlab.repository import NoCommitError, Repository
from tests.forges.gitlab.state import MergeRequest, Project, PushEvent, State
from tests.forges.workbench import ConflictError, Who


class NotMergeableError(Exception):
    """GitLab would not merge it."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a merge makes on its first parent. `commits` are those of the branch, oldest first."""

    commits: tuple[str, ...]
    merge_commit: str | None = None
    squash_commit: str | None = None
    generated: bool = False

    @property
    def last(self) -> str:
        """Where the branch is then."""
        return self.commits[-1]


def merge(
    state: State, mr: MergeRequest, by: str | int, *, method: str | None = None,
    squash: bool | None = None, delete_branch: bool = False, automatic_rebase: bool = True,
) -> str:  # fmt: skip
    """Merge by `merge`, `rebase_merge` (semi-linear) or `ff`, else by the project's method.

    Raises `NotMergeableError` where it conflicts, or needs a rebase that is not automatic.
    """
    project = state.projects[mr.project]
    tip = project.git.tip(mr.target_branch)
    made = _make(state, mr, tip, by, method, squash=squash, rebases=automatic_rebase)
    _finish(state, mr, by, made)
    point(state, project, mr.target_branch, made.last, by)
    if delete_branch:
        delete_source(state, mr, by)
    return made.last


def train(
    state: State, requests: Iterable[MergeRequest], by: str | int, *, method: str | None = None,
    squash: bool | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """Land merge requests of one target on a train, each on the one before it, car by car."""
    cars: list[tuple[MergeRequest, Made]] = []
    for mr in requests:
        project = state.projects[mr.project]
        tip = cars[-1][1].last if cars else project.git.tip(mr.target_branch)
        made = _make(state, mr, tip, by, method, squash=squash, rebases=True)
        project.git.point(f"refs/merge-requests/{mr.iid}/train", made.last)
        cars.append((mr, made))
    for mr, made in cars:
        _finish(state, mr, by, made)
        point(state, state.projects[mr.project], mr.target_branch, made.last, by)
    return tuple(made.last for _, made in cars)


def _make(
    state: State, mr: MergeRequest, tip: str, by: str | int, method: str | None, *,
    squash: bool | None, rebases: bool,
) -> Made:  # fmt: skip
    project, source = state.projects[mr.project], state.head(mr)
    assert source is not None
    chosen = method or project.merge_method
    folder, who = project.git.path, _who(state, by)
    squashed, rebased = None, [source]
    try:
        if mr.squash if squash is None else squash:
            squashed = source = _squashed(state, mr, who)
        if chosen != "merge" and not workbench.is_ancestor(folder, tip, source):
            if not rebases:
                raise NotMergeableError("Only fast-forward merge is allowed for your project")
            rebased = workbench.rebased(folder, source, tip, committer=who)
            if not rebased:
                raise NotMergeableError("The merge request has no changes after rebasing")
            source = rebased[-1]
            squashed = squashed and source
        elif chosen == "ff":
            rebased = workbench.run(folder, "rev-list", "--reverse", f"{tip}..{source}").split()
        if chosen == "ff":
            return Made(
                commits=tuple(rebased), squash_commit=squashed, generated=source != state.head(mr)
            )
        message = (
            f"Merge branch '{mr.source_branch}' into '{mr.target_branch}'\n\n{mr.title}\n\n"
            f"See merge request {project.path}!{mr.iid}\n"
        )
        tree = workbench.merged(folder, tip, source)
    except ConflictError as error:
        raise NotMergeableError("Merge request is not mergeable") from error
    made = workbench.commit(folder, tree, (tip, source), message, author=who, committer=who)
    return Made(commits=(made,), merge_commit=made, squash_commit=squashed)


def _squashed(state: State, mr: MergeRequest, who: Who) -> str:
    """One commit on the target's tip that the newest version knows; the head, if it is one so."""
    git, newest = state.projects[mr.project].git, mr.newest
    assert newest is not None
    commits = git.commits(f"{newest.base}..{newest.head}")
    if len(commits) == 1 and commits[0].message.strip() == mr.title.strip():
        return newest.head
    tree = workbench.merged(git.path, newest.start, newest.head)
    author = _who(state, mr.author)
    return workbench.commit(
        git.path, tree, (newest.start,), f"{mr.title}\n", author=author, committer=who
    )


def _finish(state: State, mr: MergeRequest, by: str | int, made: Made) -> None:
    landed = list(made.commits)
    if made.generated and not state.links_generated_commits:
        landed = landed[-1:]
    state.merged(
        mr, by, merge_commit=made.merge_commit, squash_commit=made.squash_commit, landed=landed
    )


# ---------------------------------------------------------------------- pushes


def point(state: State, project: Project, branch: str, sha: str, by: str | int) -> PushEvent:
    """Move a branch, by force if it takes that, and let everything follow from it."""
    before = _tip(project.git, branch)
    project.git.point(f"refs/heads/{branch}", sha)
    return moved(state, project, branch, before, by)


def moved(
    state: State, project: Project, branch: str, before: str | None, by: str | int
) -> PushEvent:
    """A branch has moved in Git: an event, a version of its merge requests, and merges by it."""
    after = _tip(project.git, branch)
    event = PushEvent(
        id=state.new_id(), author=state.user(by).id, ref=branch, before=before, after=after,
        created_at=state.now(),
    )  # fmt: skip
    project.events.append(event)
    if after is None:
        return event
    for mr in list(state.merge_requests.values()):
        if mr.state != "opened":
            continue
        if (mr.source_project, mr.source_branch) == (project.id, branch):
            if state.head(mr) != after:
                state.push(mr, by)
        elif (mr.project, mr.target_branch) == (project.id, branch) and before is not None:
            _merged_by_push(state, mr, before, after, by)
    return event


def _merged_by_push(state: State, mr: MergeRequest, before: str, after: str, by: str | int) -> None:
    """The push has brought the head: `post_merge_manually_merged` in `refresh_service.rb`."""
    folder, head = state.projects[mr.project].git.path, state.head(mr)
    if head is None or workbench.is_ancestor(folder, head, before):
        return
    steps = workbench.first_parents(folder, before, after)
    holding = [step for step in steps if workbench.is_ancestor(folder, head, step)]
    if holding:
        state.merged(mr, by, merge_commit=holding[0], landed=[holding[0]])


def direct(
    state: State, project: Project, branch: str, files: Mapping[str, str | None], *,
    by: str | int, parents: Sequence[str] | None = None, message: str = "A direct push",
    start: str | None = None,
) -> str:  # fmt: skip
    """Push a commit with these parents (two for a merge), and files that are written into it.

    It starts from the tree of `start`, else from the merge of two parents (conflicts are won by
    the first), else from the first parent's.
    """
    folder = project.git.path
    tip = _tip(project.git, branch) or project.git.tip(project.default_branch)
    chosen = tuple(parents) if parents is not None else (tip,)
    tree = workbench.edited(folder, start or _start(folder, chosen), files)
    who = _who(state, by)
    made = workbench.commit(folder, tree, chosen, f"{message}\n", author=who, committer=who)
    point(state, project, branch, made, by)
    return made


def _start(folder: Path, parents: Sequence[str]) -> str:
    if len(parents) != 2:
        return parents[0]
    try:
        return workbench.merged(folder, *parents)
    except ConflictError:
        return parents[0]


# ---------------------------------------------------------------------- afterwards


def delete_source(state: State, mr: MergeRequest, by: str | int) -> None:
    """Delete a merged one's branch; merge requests for it are for its target then."""
    assert mr.source_project is not None
    source = state.projects[mr.source_project]
    for other in state.merge_requests.values():
        about = (other.project, other.target_branch, other.state)
        if about == (source.id, mr.source_branch, "opened"):
            state.retarget(other, mr.target_branch, by)
    before = source.git.tip(mr.source_branch)
    source.git.git("update-ref", "-d", f"refs/heads/{mr.source_branch}")
    moved(state, source, mr.source_branch, before, by)


def delete_project(state: State, project: Project) -> None:
    """Delete a fork: its merge requests stay, and come from nowhere."""
    del state.projects[project.id]
    for mr in state.merge_requests.values():
        if mr.source_project == project.id:
            mr.source_project = None


def open_revert(state: State, mr: MergeRequest, by: str | int) -> MergeRequest:
    """The merge request that the button "Revert" makes of a merged one."""
    project = state.projects[mr.project]
    what = mr.merge_commit or mr.squash_commit
    shas = [what] if what else list(reversed(mr.landed))
    assert shas, "it is not merged"
    title, tip = f'Revert "{mr.title}"', project.git.tip(mr.target_branch)
    message = f"{title}\n\nThis reverts merge request !{mr.iid}\n"
    made = workbench.reverted(project.git.path, shas, tip, message=message, who=_who(state, by))
    branch = f"revert-{shas[0][:8]}"
    point(state, project, branch, made, by)
    return state.open_merge_request(
        project.id, branch, author=by, target_branch=mr.target_branch, title=title,
        description=f"This reverts merge request !{mr.iid}",
    )  # fmt: skip


def bare_repository(folder: Path, files: Mapping[str, str]) -> Repository:
    """A bare repository with `main`, and `change` with two commits by alice on top of it."""
    folder.mkdir(parents=True)
    workbench.run(folder, "init", "-q", "--bare", "-b", "main")
    at = datetime.datetime(2026, 11, 24, 7, tzinfo=datetime.UTC)
    tip = None
    for branch, name, changed in (
        ("main", "Carol", files),
        ("change", "Alice", {"one.yaml": "a: 1\n"}),
        ("change", "Alice", {"two.yaml": "a: 2\n"}),
    ):
        who = Who(name=name, email=f"{name.lower()}@example.com", at=at)
        start = tip or workbench.run(folder, "mktree")
        tree = workbench.edited(folder, start, changed)
        tip = workbench.commit(
            folder, tree, (tip,) if tip else (), f"Write {' '.join(changed)}\n",
            author=who, committer=who,
        )  # fmt: skip
        workbench.run(folder, "update-ref", f"refs/heads/{branch}", tip)
    return Repository(folder)


def _who(state: State, by: str | int) -> Who:
    user = state.user(by)
    return Who(name=user.name, email=user.emails[0], at=state.clock)


def _tip(git: Repository, branch: str) -> str | None:
    try:
        return git.tip(branch)
    except NoCommitError:
        return None
