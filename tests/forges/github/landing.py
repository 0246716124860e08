"""How pull requests land: by every method, through a queue, and by somebody's push.

Commits are named as GitHub names them (docs.github.com/pull-requests/collaborating-with-pull-
requests/incorporating-changes-from-a-pull-request/about-pull-request-merges): a merge commit is its
merger's, a squashed one the author's, both committed by GitHub; a rebased one keeps its author, is
committed by the merger, and is always a new commit.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.forges import workbench
from tests.forges.github import actions
from tests.forges.github.actions import RefusedError
from tests.forges.github.state import Account, Activity, Pull, QueueEntry, Repository, World
from tests.forges.workbench import ConflictError, Who

MERGE_QUEUE = "github-merge-queue[bot]"


def land(
    world: World, repository: Repository, pull: Pull, actor: Account, method: str = "merge", *,
    delete_branch: bool = False,
) -> str:  # fmt: skip
    """Merge a pull request. Raises `RefusedError` where it conflicts."""
    actions.sync(world)
    tip = repository.branches[pull.base_ref]
    world.tick()
    made = landing_commits(world, repository, pull, tip, actor, method)
    actions.finish(world, pull, actor, tip, made)
    actions.push(world, repository, pull.base_ref, made[-1], actor)
    _last_move(repository, pull.base_ref).kind = "pr_merge"
    if delete_branch:
        delete_head(world, pull, actor)
    return made[-1]


def landing_commits(
    world: World, repository: Repository, pull: Pull, tip: str, actor: Account, method: str
) -> list[str]:
    """The commits that a method makes on a tip, the oldest first. Raises `RefusedError`."""
    folder, now = repository.git.path, world.now()
    title = f"Merge pull request #{pull.number} from {_label(world, repository, pull)}"
    try:
        if method == "rebase":
            made = workbench.rebased(folder, pull.head, tip, committer=_who(actor, now))
            if not made:
                raise RefusedError("There are no commits to rebase")
            return made
        tree = workbench.merged(folder, tip, pull.head)
    except ConflictError:
        words = "This branch can't be rebased" if method == "rebase" else "is not mergeable"
        raise RefusedError(f"Pull Request {words}") from None
    github = Who(name="GitHub", email="noreply@github.com", at=now)
    parents: tuple[str, ...] = (tip,)
    if method == "squash":
        message = f"{pull.title} (#{pull.number})\n\n{_bullets(world, pull)}"
        author = _who(pull.author or actor, now)
    else:
        parents, message = (tip, pull.head), f"{title}\n\n{pull.title}"
        author = _who(actor, now)
    return [
        workbench.commit(folder, tree, parents, message + "\n", author=author, committer=github)
    ]


def _label(world: World, repository: Repository, pull: Pull) -> str:
    source = world.repositories.get(pull.head_repository or 0, repository)
    return f"{source.owner.login}/{pull.head_ref}"


def _bullets(world: World, pull: Pull) -> str:
    repository = next(one for one, other in world.pulls() if other is pull)
    commits = world.commits(repository, pull)
    return "\n\n".join(f"* {one.message}" for one in commits) if len(commits) > 1 else ""


def _who(account: Account, at: datetime.datetime) -> Who:
    return Who(name=account.name or account.login, email=account.emails[0], at=at)


def _last_move(repository: Repository, branch: str) -> Activity:
    ref = f"refs/heads/{branch}"
    return next(one for one in reversed(repository.activities) if one.ref == ref)


# ---------------------------------------------------------------------- the queue


def enqueue(
    world: World, repository: Repository, pull: Pull, method: str = "merge",
    enqueuer: Account | None = None,
) -> QueueEntry:  # fmt: skip
    """Put a pull request into its base branch's merge queue, behind those that wait."""
    actions.sync(world)
    waiting = [one for one in repository.queue if one.base_ref == pull.base_ref]
    tip = waiting[-1].head if waiting else repository.branches[pull.base_ref]
    who = enqueuer or pull.author or repository.owner
    world.tick()
    made = landing_commits(world, repository, pull, tip, who, method)
    name = f"gh-readonly-queue/{pull.base_ref}/pr-{pull.number}-{tip}"
    actions.push(world, repository, name, made[-1])
    entry = QueueEntry(
        id=world.next_id(), number=pull.number, base_ref=pull.base_ref, head=made[-1],
        base=tip, at=world.now(), enqueuer=who, commits=tuple(made),
    )  # fmt: skip
    repository.queue.append(entry)
    return entry


def land_queue(
    world: World, repository: Repository, base: str, count: int | None = None
) -> tuple[str, ...]:
    """Land the first entries of a queue as one group, by one push. The last commit of each."""
    entries = [one for one in repository.queue if one.base_ref == base][:count]
    if not entries or entries[0].base != repository.branches[base]:
        raise RefusedError("the queue does not stand on the branch's tip")
    bot = actions.add_account(world, MERGE_QUEUE, "Bot")
    world.tick()
    for entry in entries:
        pull = repository.pulls[entry.number]
        actions.finish(world, pull, bot, entry.base, entry.commits or (entry.head,))
        repository.queue.remove(entry)
    actions.push(world, repository, base, entries[-1].head, bot)
    _last_move(repository, base).kind = "merge_queue_merge"
    for entry in entries:
        name = f"gh-readonly-queue/{base}/pr-{entry.number}-{entry.base}"
        _delete(world, repository, name, bot)
    return tuple(entry.head for entry in entries)


# ---------------------------------------------------------------------- other ways to land


def direct_commit(
    world: World, repository: Repository, branch: str, files: Mapping[str, str | None], *,
    parents: Sequence[str], actor: Account, message: str = "A commit", start: str | None = None,
) -> str:  # fmt: skip
    """Push a commit with these parents (two for a merge), and files that are written into it.

    It starts from the tree of `start`, else from the merge of the parents (conflicts are won by
    the first), else from the first parent's.
    """
    folder = repository.git.path
    world.tick()
    base = start or _merged(folder, parents)
    who = _who(actor, world.now())
    tree = workbench.edited(folder, base, files)
    made = workbench.commit(folder, tree, parents, message + "\n", author=who, committer=who)
    actions.push(world, repository, branch, made, actor)
    return made


def _merged(folder: Path, parents: Sequence[str]) -> str:
    if len(parents) != 2:
        return parents[0]
    try:
        return workbench.merged(folder, *parents)
    except ConflictError:
        return parents[0]


def open_revert(
    world: World, repository: Repository, pull: Pull, actor: Account, *, title: str | None = None
) -> Pull:
    """The pull request that the button "Revert" makes of a merged one."""
    assert pull.merge_commit, "it is not merged"
    tip, name = repository.branches[pull.base_ref], f"revert-{pull.number}-{pull.head_ref}"
    world.tick()
    title = title or f'Revert "{pull.title}"'
    shas = [pull.merge_commit, *reversed(pull.landed[:-1])]
    made = workbench.reverted(
        repository.git.path, shas, tip, message=f"{title}\n", who=_who(actor, world.now())
    )
    actions.push(world, repository, name, made, actor)
    body = f"Reverts {repository.full_name}#{pull.number}"
    return actions.open_pull(
        world, repository, head=name, base=pull.base_ref, title=title, body=body, author=actor
    )


def delete_head(world: World, pull: Pull, actor: Account) -> None:
    """Delete the branch of a merged pull request; those that are for it are for its base then."""
    source = world.repositories[pull.head_repository or 0]
    for target, other in list(world.pulls()):
        if target is source and other.base_ref == pull.head_ref and other.closed_at is None:
            actions.retarget(world, target, other, pull.base_ref, actor, automatic=True)
    _delete(world, source, pull.head_ref, actor)


def _delete(world: World, repository: Repository, branch: str, actor: Account) -> None:
    actions.sync(world)
    repository.git("update-ref", "-d", f"refs/heads/{branch}")
    actions.seen(world, repository, actor)
