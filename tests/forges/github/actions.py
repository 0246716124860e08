"""What people and programs do on the forge, and what it makes of it.

Used by the API's operations and by tests that arrange things. Each takes the world first, moves
its clock, and keeps the history as GitHub would: pushes become activities, a forced one an event,
comments on lines move with their lines or become outdated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.forges.github.git import NO_COMMIT, Git
from tests.forges.github.state import (
    ACTIONS_APP,
    ACTIONS_BOT,
    Account,
    Activity,
    Comment,
    Event,
    Pull,
    Repository,
    Review,
    Status,
    Thread,
    Token,
    World,
)


class RefusedError(Exception):
    """GitHub would not do it; the arguments are its words, one for each error."""


def add_account(
    world: World, login: str, kind: str = "User", *, emails: Iterable[str] = (),
    number: int | None = None,
) -> Account:  # fmt: skip
    """An account, or the one that already has the name."""
    if known := world.account(login):
        return known
    account = Account(
        id=world.next_id("account") if number is None else number,
        login=login.removesuffix("[bot]"),
        kind=kind,  # type: ignore[arg-type]
        emails=tuple(emails) or (f"{login.removesuffix('[bot]')}@example.com",),
    )
    world.accounts[account.login.lower()] = account
    return account


def add_token(
    world: World, value: str, account: Account | None = None, *, kind: str = "installation",
    permissions: Mapping[str, str] | None = None, repositories: Iterable[str] | None = None,
    app_id: int = ACTIONS_APP, app_slug: str = "github-actions",
    core_limit: int | None = None, graphql_limit: int | None = None,
) -> Token:  # fmt: skip
    """A credential. Without an account it is a GITHUB_TOKEN, the Actions app's own."""
    account = account or add_account(world, "github-actions", "Bot", number=ACTIONS_BOT)
    small = kind == "installation" and app_id == ACTIONS_APP
    token = Token(
        value=value,
        account=account,
        kind=kind,  # type: ignore[arg-type]
        permissions={"metadata": "read", **(permissions or {})},
        repositories=None if repositories is None else tuple(repositories),
        app_id=app_id if kind == "installation" else None,
        app_slug=app_slug if kind == "installation" else None,
        core_limit=core_limit or (1000 if small else 5000),
        graphql_limit=graphql_limit or (1000 if small else 5000),
    )
    world.tokens[value] = token
    return token


def add_repository(
    world: World, full_name: str, git: Git, *, owner: str = "Organization", private: bool = False,
    default_branch: str | None = None, fork_of: Repository | None = None,
    number: int | None = None, collaborators: Mapping[str, str] | None = None,
) -> Repository:  # fmt: skip
    """A repository over a Git repository on disk."""
    login, name = full_name.split("/")
    branches = git.branches()
    main = next((name for name in ("main", "master") if name in branches), "main")
    repository = Repository(
        id=world.next_id("repository") if number is None else number,
        owner=add_account(world, login, owner),
        name=name,
        git=git,
        private=private,
        default_branch=default_branch or main,
        fork_of=None if fork_of is None else fork_of.id,
        created_at=world.tick(),
    )
    for person, role in (collaborators or {}).items():
        repository.collaborators[add_account(world, person).login.lower()] = role
    world.repositories[repository.id] = repository
    repository.branches = branches
    repository.fingerprint = git.fingerprint()
    return repository


def open_pull(
    world: World, repository: Repository, *, head: str, base: str | None = None,
    title: str = "A change", body: str | None = None, author: Account | None = None,
    head_repository: Repository | None = None, draft: bool = False, number: int | None = None,
) -> Pull:  # fmt: skip
    """A pull request from a branch. Raises `RefusedError`."""
    sync(world)
    source = head_repository or repository
    base = base or repository.default_branch
    if base not in repository.branches:
        raise RefusedError(f"base:invalid:{base}")
    if head not in source.branches:
        raise RefusedError(f"head:invalid:{head}")
    for other in repository.pulls.values():
        same = (other.head_repository, other.head_ref, other.base_ref) == (source.id, head, base)
        if same and other.state == "open":
            name = f"{source.owner.login}:{head}"
            raise RefusedError(f"A pull request already exists for {name}.")
    now = world.tick()
    number = repository.next_number if number is None else number
    repository.next_number = max(repository.next_number, number) + 1
    pull = Pull(
        id=world.next_id("pull"),
        number=number,
        title=title,
        body=body,
        author=author or source.owner,
        base_ref=base,
        base_sha=repository.branches[base],
        head_ref=head,
        head=source.branches[head],
        head_repository=source.id,
        created_at=now,
        updated_at=now,
        draft=draft,
    )
    repository.pulls[number] = pull
    _publish_refs(world, repository, pull)
    if not world.commits(repository, pull):
        del repository.pulls[number]
        raise RefusedError(f"No commits between {base} and {head}")
    return pull


def sync(world: World) -> None:
    """See what moved in the Git repositories since the last time."""
    for repository in world.repositories.values():
        fingerprint = repository.git.fingerprint()
        if fingerprint != repository.fingerprint:
            repository.fingerprint = fingerprint
            _take(world, repository, repository.git.branches(), None)


def seen(world: World, repository: Repository, actor: Account | None) -> None:
    """What moved in one repository was somebody's push."""
    repository.fingerprint = repository.git.fingerprint()
    _take(world, repository, repository.git.branches(), actor)


def push(
    world: World, repository: Repository, branch: str, sha: str, actor: Account | None = None
) -> None:
    """Move a branch, by force where that is what it takes."""
    sync(world)
    repository.git("update-ref", f"refs/heads/{branch}", sha)
    seen(world, repository, actor)


def _take(
    world: World, repository: Repository, branches: dict[str, str], actor: Account | None
) -> None:
    old, repository.branches = repository.branches, branches
    for name in sorted({*old, *branches}):
        before, after = old.get(name), branches.get(name)
        if before != after:
            _moved(world, repository, name, before, after, actor)


def _moved(
    world: World, repository: Repository, name: str, before: str | None, after: str | None,
    actor: Account | None,
) -> None:  # fmt: skip
    now = world.tick()
    forced = bool(before and after and not repository.git.ancestor(before, after))
    kind = "force_push" if forced else "push"
    kind = "branch_creation" if before is None else "branch_deletion" if after is None else kind
    heads = [
        (target, pull)
        for target, pull in world.pulls()
        if pull.head_repository == repository.id and pull.head_ref == name and not pull.closed_at
    ]
    actor = actor or (heads[0][1].author if heads else None) or repository.owner
    repository.activities.append(
        Activity(
            id=world.next_id(), ref=f"refs/heads/{name}", before=before or NO_COMMIT,
            after=after or NO_COMMIT, actor=actor, at=now, kind=kind,
        )
    )  # fmt: skip
    for pull in _merged_from(world, repository, name, before) if after is None else ():
        record(world, pull, "head_ref_deleted", actor)
    for target, pull in heads:
        if after is None:
            record(world, pull, "head_ref_deleted", actor)
        else:
            _head_moved(world, target, pull, after, actor, forced=forced)
    for pull in repository.pulls.values():
        if pull.base_ref == name and not pull.closed_at and after is not None:
            if forced:
                data = {"before": before, "after": after}
                record(world, pull, "base_ref_force_pushed", actor, data)
            _publish_refs(world, repository, pull)
            if before is not None and repository.git.ancestor(pull.head, after):
                _land_by_push(world, repository, pull, before, after, actor)


def _merged_from(world: World, repository: Repository, name: str, before: str | None) -> list[Pull]:
    """The merged pull requests that a branch, deleted now, was the head of."""
    return [
        pull
        for _, pull in world.pulls()
        if pull.head_repository == repository.id
        and (pull.head_ref, pull.head) == (name, before)
        and pull.merged_at is not None
    ]


def _head_moved(
    world: World, repository: Repository, pull: Pull, after: str, actor: Account, *, forced: bool
) -> None:
    before, pull.head = pull.head, after
    pull.base_sha = repository.branches.get(pull.base_ref, pull.base_sha)
    pull.updated_at = world.now()
    if forced:
        data = {"before": before, "after": after}
        record(world, pull, "head_ref_force_pushed", actor, data)
    _publish_refs(world, repository, pull)
    for thread in pull.threads:
        _reanchor(world, repository, pull, thread, before)


def _publish_refs(world: World, repository: Repository, pull: Pull) -> None:
    """Bring the head's objects over from a fork, and set `refs/pull/N/head` and `merge`."""
    git = repository.git
    source = world.repositories.get(pull.head_repository or 0)
    if source is not None and source.git.directory != git.directory and not git.has(pull.head):
        git("fetch", "-q", "--no-tags", str(source.git.directory), f"refs/heads/{pull.head_ref}")
    refs = {f"refs/pull/{pull.number}/head": pull.head}
    if merge := landing(repository, pull):
        refs[f"refs/pull/{pull.number}/merge"] = merge
    git.set(refs)


def landing(repository: Repository, pull: Pull) -> str | None:
    """The commit that would land, made of the tips of base and head; None when they conflict."""
    tip = repository.branches.get(pull.base_ref, pull.base_sha)
    return repository.git.merge(tip, pull.head, f"Merge {pull.head} into {tip}")


def _reanchor(
    world: World, repository: Repository, pull: Pull, thread: Thread, before: str
) -> None:
    """Move a thread's lines with the file, or find that they are gone."""
    if thread.line is None or thread.side == "LEFT":
        return
    moved = None
    if repository.git.has(before):
        moved = _follow(repository.git, before, pull.head, thread.path, thread.line)
    start = None
    if moved is not None and thread.start_line is not None:
        start = moved - (thread.line - thread.start_line)
    if moved is None or hunk_at(world, repository, pull, thread.path, "RIGHT", moved) is None:
        thread.line = thread.start_line = None
        thread.outdated = True
        return
    thread.line, thread.start_line, thread.commit = moved, start, pull.head


def _follow(git: Git, before: str, after: str, path: str, line: int) -> int | None:
    changed = {file.old_path or file.path: file for file in git.diff(before, after)}
    file = changed.get(path)
    if file is None:
        return line
    if file.status == "removed":
        return None
    shift = 0
    for hunk in file.hunks:
        old_first, old_count, new_first = _numbers(hunk.header)
        if line < old_first:
            break
        if line < old_first + old_count:
            return _within(hunk.lines, old_first, new_first, line)
        shift += sum(x.startswith("+") for x in hunk.lines)
        shift -= sum(x.startswith("-") for x in hunk.lines)
    return line + shift


def _numbers(header: str) -> tuple[int, int, int]:
    found = re.match(r"@@ -(\d+)(?:,(\d+))? \+(\d+)", header)
    assert found
    return int(found[1]), int(found[2] if found[2] is not None else 1), int(found[3])


def _within(lines: tuple[str, ...], old: int, new: int, wanted: int) -> int | None:
    for text in lines:
        if text.startswith("-"):
            if old == wanted:
                return None
            old += 1
        elif text.startswith("+"):
            new += 1
        elif not text.startswith("\\"):
            if old == wanted:
                return new
            old, new = old + 1, new + 1
    return None


def hunk_at(
    world: World, repository: Repository, pull: Pull, path: str, side: str, line: int
) -> Any:
    """The hunk of the pull request's diff that shows a line, or None."""
    base = world.merge_base(repository, pull)
    for file in repository.git.diff(base, pull.head):
        if file.path == path:
            return next((hunk for hunk in file.hunks if line in hunk.lines_of(side)), None)
    return None


def record(
    world: World, pull: Pull, event: str, actor: Account | None, data: dict[str, Any] | None = None
) -> Event:
    """Put an event into a pull request's history."""
    made = Event(
        id=world.next_id(), event=event, actor=actor, created_at=world.now(), data=data or {}
    )
    pull.events.append(made)
    return made


def comment(
    world: World, pull: Pull, author: Account, body: str, app_id: int | None = None
) -> Comment:
    """A comment on a pull request."""
    now = world.tick()
    made = Comment(
        id=world.next_id(), author=author, body=body, created_at=now, updated_at=now, app_id=app_id
    )
    pull.comments.append(made)
    pull.updated_at = now
    return made


def edit(world: World, target: Comment, editor: Account, body: str) -> None:
    """Another body for a comment; the same body is no edit."""
    now = world.tick()
    if body != target.body:
        target.body, target.updated_at = body, now
        target.edited_at, target.editor = now, editor


def delete_comment(world: World, pull: Pull, target: Comment, actor: Account) -> None:
    """Remove a comment, which leaves an event when somebody else's was removed."""
    world.tick()
    pull.comments.remove(target)
    record(world, pull, "comment_deleted", actor, {"author": target.author})


def review(
    world: World, repository: Repository, pull: Pull, author: Account, *, state: str = "COMMENTED",
    body: str = "", commit: str | None = None, comments: Iterable[Mapping[str, Any]] = (),
) -> Review:  # fmt: skip
    """A review with comments on lines, all of them or none. Raises `RefusedError`."""
    placed = [(one, _place(world, repository, pull, one)) for one in comments]
    now = world.tick()
    made = Review(
        id=world.next_id(), author=author, body=body, state=state, commit=commit or pull.head,
        submitted_at=None if state == "PENDING" else now, updated_at=now,
    )  # fmt: skip
    pull.reviews.append(made)
    pull.updated_at = now
    for one, hunk in placed:
        side = one.get("side") or "RIGHT"
        thread = Thread(
            id=world.next_id(),
            path=one["path"],
            side=side,
            line=one["line"],
            start_line=one.get("start_line"),
            start_side=(one.get("start_side") or side) if one.get("start_line") else None,
            original_line=one["line"],
            original_start_line=one.get("start_line"),
            commit=pull.head,
            original_commit=made.commit or pull.head,
            hunk=hunk.until(side, one["line"]),
        )
        thread.comments.append(_line_comment(world, author, one["body"], made.id, None))
        pull.threads.append(thread)
    return made


def _place(world: World, repository: Repository, pull: Pull, one: Mapping[str, Any]) -> Any:
    """Where a comment goes, refused as GitHub refuses lines that the diff does not show."""
    if not one.get("body"):
        raise RefusedError("Body can't be blank")
    base = world.merge_base(repository, pull)
    if one["path"] not in {file.path for file in repository.git.diff(base, pull.head)}:
        raise RefusedError("Path could not be resolved")
    side, line = one.get("side") or "RIGHT", one.get("line")
    if not isinstance(line, int):
        raise RefusedError("Line could not be resolved")
    hunk = hunk_at(world, repository, pull, one["path"], side, line)
    if hunk is None:
        raise RefusedError("Line could not be resolved")
    start = one.get("start_line")
    if start is not None:
        start_side = one.get("start_side") or side
        if start_side == side and start >= line:
            raise RefusedError("Start line must precede the end line.")
        if start not in hunk.lines_of(start_side):
            raise RefusedError("Start line must be part of the same hunk as the line.")
    return hunk


def _line_comment(
    world: World, author: Account, body: str, review_id: int, reply_to: int | None
) -> Comment:
    now = world.now()
    return Comment(
        id=world.next_id(), author=author, body=body, created_at=now, updated_at=now,
        review=review_id, reply_to=reply_to,
    )  # fmt: skip


def reply(world: World, pull: Pull, thread: Thread, author: Account, body: str) -> Comment:
    """A reply in a thread, which GitHub wraps into a review of its own."""
    now = world.tick()
    wrapped = Review(
        id=world.next_id(), author=author, body="", state="COMMENTED", commit=pull.head,
        submitted_at=now, updated_at=now,
    )  # fmt: skip
    pull.reviews.append(wrapped)
    made = _line_comment(world, author, body, wrapped.id, thread.comments[0].id)
    thread.comments.append(made)
    return made


def dismiss(world: World, pull: Pull, target: Review, actor: Account, message: str) -> None:
    """Dismiss a review."""
    target.updated_at = world.tick()
    data = {"state": target.state, "review": target.id, "message": message}
    record(world, pull, "review_dismissed", actor, data)
    target.state = "DISMISSED"


def retarget(
    world: World, repository: Repository, pull: Pull, base: str, actor: Account | None = None, *,
    automatic: bool = False,
) -> None:  # fmt: skip
    """Change the branch that a pull request is for; GitHub does it where that one is deleted."""
    world.tick()
    data = {"from": pull.base_ref, "to": base}
    pull.base_ref, pull.base_sha = base, repository.branches[base]
    event = "automatic_base_change_succeeded" if automatic else "base_ref_changed"
    record(world, pull, event, actor or pull.author, data)
    _publish_refs(world, repository, pull)


def label(world: World, repository: Repository, pull: Pull, name: str, actor: Account) -> None:
    """Put a label on, which makes it when the repository has none of the name."""
    known = {one.lower(): one for one in repository.labels}
    name = known.get(name.lower(), name)
    repository.labels.setdefault(name, world.next_id())
    if name not in pull.labels:
        world.tick()
        pull.labels.append(name)
        record(world, pull, "labeled", actor, {"label": name})


def unlabel(world: World, pull: Pull, name: str, actor: Account) -> None:
    """Take a label off."""
    world.tick()
    pull.labels.remove(name)
    record(world, pull, "unlabeled", actor, {"label": name})


def close(world: World, pull: Pull, actor: Account) -> None:
    """Close without merging."""
    pull.closed_at = pull.updated_at = world.tick()
    record(world, pull, "closed", actor)


def finish(world: World, pull: Pull, actor: Account, tip: str, made: Sequence[str]) -> None:
    """Mark a pull request as merged by commits that stand on `tip`, before its branch moves."""
    pull.merged_by, pull.merge_commit, pull.landed = actor, made[-1], list(made)
    pull.closed_at = pull.merged_at = pull.updated_at = world.now()
    pull.base_sha = tip
    record(world, pull, "merged", actor, {"commit": made[-1]})
    record(world, pull, "closed", actor)


def _land_by_push(
    world: World, repository: Repository, pull: Pull, before: str, after: str, actor: Account
) -> None:
    """Somebody's push has brought the head of an open pull request into its base branch.

    It counts as merged (docs.github.com/pull-requests/collaborating-with-pull-requests/
    incorporating-changes-from-a-pull-request/about-pull-request-merges#indirect-merges), as the
    first step of the branch that has it.
    """
    git = repository.git
    steps = git("rev-list", "--first-parent", "--reverse", f"{before}..{after}").split()
    finish(world, pull, actor, before, [next(s for s in steps if git.ancestor(pull.head, s))])


def set_status(
    world: World, repository: Repository, sha: str, creator: Account, *, state: str,
    context: str = "default", description: str | None = None, target_url: str | None = None,
) -> Status:  # fmt: skip
    """A commit status. Raises `RefusedError` at GitHub's limits."""
    if description is not None and len(description) > 140:
        raise RefusedError("description is too long (maximum is 140 characters)")
    same = [s for s in repository.statuses if s.sha == sha and s.context == context]
    if len(same) >= 1000:
        raise RefusedError("This SHA and context has reached the maximum number of statuses.")
    made = Status(
        id=world.next_id(), sha=sha, context=context, state=state, description=description,
        target_url=target_url, creator=creator, created_at=world.tick(),
    )  # fmt: skip
    repository.statuses.append(made)
    return made
