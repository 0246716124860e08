"""REST operations on what people say: comments, reviews, comments on lines, labels, events."""

from __future__ import annotations

from typing import Any

from tests.forges.github import actions
from tests.forges.github.actions import RefusedError
from tests.forges.github.calls import (
    Call,
    Refusal,
    error,
    invalid,
    limited,
    not_found,
    operation,
    unprocessable,
)
from tests.forges.github.shapes import iso
from tests.forges.github.state import Comment, Pull, Review, Thread
from tests.forges.serving import Reply

TALK = "issues:write|pull_requests:write"
LISTEN = "issues:read|pull_requests:read"
EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
NOT_IN_TIMELINE = {"base_ref_changed", "base_ref_force_pushed", "comment_deleted"}


def _comment(call: Call) -> tuple[Pull, Comment]:
    number = call.number("comment_id")
    for pull in call.repository.pulls.values():
        for comment in pull.comments:
            if comment.id == number:
                return pull, comment
    raise not_found()


def _line_comment(call: Call) -> tuple[Pull, Thread, Comment]:
    number = call.number("comment_id")
    for pull in call.repository.pulls.values():
        if found := pull.thread_of(number):
            return pull, *found
    raise not_found()


def _own_or_writer(call: Call, comment: Comment) -> None:
    """Whoever wrote a comment may change it, and so may everybody who may write."""
    token = call.caller
    if token.kind == "installation" or comment.author is token.account:
        return
    if not call.world.may(call.repository, token.account, "write"):
        raise Refusal(error(403, "Must have admin rights to Repository."))


@operation("issues/list-comments", needs=LISTEN)
def list_comments(call: Call) -> Reply:
    """Oldest first, always."""
    pull, since = call.pull, call.query("since")
    found = [c for c in pull.comments if since is None or (iso(c.updated_at) or "") >= since]
    return call.page(found, lambda one: call.shapes.comment(call.repository, pull, one))


@operation("issues/create-comment", needs=TALK)
def create_comment(call: Call) -> Reply:
    """A comment on the pull request as a whole."""
    pull, token = call.pull, call.caller
    made = actions.comment(call.world, pull, token.account, call.text(), token.app_id)
    shape = call.shapes.comment(call.repository, pull, made)
    return Reply.of(shape, 201, Location=shape["url"])


@operation("issues/get-comment", needs=LISTEN)
def get_comment(call: Call) -> Reply:
    """One comment."""
    pull, comment = _comment(call)
    return Reply.of(call.shapes.comment(call.repository, pull, comment))


@operation("issues/update-comment", needs=TALK)
def update_comment(call: Call) -> Reply:
    """Another body; the last one wins."""
    pull, comment = _comment(call)
    _own_or_writer(call, comment)
    actions.edit(call.world, comment, call.caller.account, call.text())
    return Reply.of(call.shapes.comment(call.repository, pull, comment))


@operation("issues/delete-comment", needs=TALK)
def delete_comment(call: Call) -> Reply:
    """Remove a comment."""
    pull, comment = _comment(call)
    _own_or_writer(call, comment)
    actions.delete_comment(call.world, pull, comment, call.caller.account)
    return Reply(status=204)


@operation("pulls/list-reviews", needs="pull_requests:read")
def list_reviews(call: Call) -> Reply:
    """In the order of time; a pending one is its author's alone to see."""
    pull = call.pull
    return call.page(
        _visible_reviews(call, pull), lambda one: call.shapes.review(call.repository, pull, one)
    )


def _visible_reviews(call: Call, pull: Pull) -> list[Review]:
    own = call.token.account if call.token else None
    return [one for one in pull.reviews if one.state != "PENDING" or one.author is own]


@operation("pulls/get-review", needs="pull_requests:read")
def get_review(call: Call) -> Reply:
    """One review."""
    pull = call.pull
    return Reply.of(call.shapes.review(call.repository, pull, _review(call, pull)))


def _review(call: Call, pull: Pull) -> Review:
    number = call.number("review_id")
    found = next((one for one in _visible_reviews(call, pull) if one.id == number), None)
    if found is None:
        raise not_found()
    return found


@operation("pulls/create-review", needs="pull_requests:write")
def create_review(call: Call) -> Reply:
    """A review with its comments on lines, all or nothing."""
    pull, body, author = call.pull, call.body, call.caller.account
    event = body.get("event")
    _may_review(pull, author, event, body)
    text = limited(body.get("body") or "", "PullRequestReview", "body")
    for one in body.get("comments", []):
        limited(one["body"], "PullRequestReviewComment", "body")
    commit = body.get("commit_id")
    listed = {one.sha for one in call.world.commits(call.repository, pull)}
    if commit is not None and commit not in listed:
        raise unprocessable("commit_id is not part of the pull request")
    try:
        made = actions.review(
            call.world,
            call.repository,
            pull,
            author,
            state=EVENTS[event] if event else "PENDING",
            body=text,
            commit=commit,
            comments=[_positioned(call, pull, one) for one in body.get("comments", [])],
        )
    except RefusedError as refused:
        raise unprocessable(*map(str, refused.args)) from None
    return Reply.of(call.shapes.review(call.repository, pull, made))


def _may_review(pull: Pull, author: Any, event: str | None, body: dict[str, Any]) -> None:
    if author is pull.author and event in {"APPROVE", "REQUEST_CHANGES"}:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise unprocessable(f"Can not {verb} your own pull request")
    pending = any(one.state == "PENDING" and one.author is author for one in pull.reviews)
    if event is None and pending:
        raise unprocessable("User can only have one pending review per pull request")
    if event == "REQUEST_CHANGES" and not body.get("body"):
        raise unprocessable("Review body can not be blank")
    if event == "COMMENT" and not (body.get("body") or body.get("comments")):
        raise unprocessable("Review body can not be blank")


def _positioned(call: Call, pull: Pull, one: dict[str, Any]) -> dict[str, Any]:
    """A comment by its line, for one that was given by its place in the diff."""
    if "position" not in one or "line" in one:
        return one
    base = call.world.merge_base(call.repository, pull)
    place = 0
    for file in call.repository.git.diff(base, pull.head):
        if file.path != one["path"]:
            continue
        for hunk in file.hunks:
            for side in ("RIGHT", "LEFT"):
                for line, inside in hunk.lines_of(side).items():
                    if place + inside + 1 == one["position"]:
                        return {**one, "line": line, "side": side}
            place += len(hunk.lines) + 1
    return one


@operation("pulls/submit-review", needs="pull_requests:write")
def submit_review(call: Call) -> Reply:
    """Make a pending review count."""
    pull, body = call.pull, call.body
    found = _review(call, pull)
    if found.state != "PENDING":
        raise unprocessable("Can not submit a review that was already submitted")
    _may_review(pull, call.caller.account, body["event"], {"comments": True, **body})
    found.state, found.body = EVENTS[body["event"]], body.get("body") or found.body
    found.submitted_at = found.updated_at = call.world.tick()
    return Reply.of(call.shapes.review(call.repository, pull, found))


@operation("pulls/dismiss-review", needs="pull_requests:write", role="write")
def dismiss_review(call: Call) -> Reply:
    """Take a review's effect away."""
    pull = call.pull
    found = _review(call, pull)
    if found.state not in {"APPROVED", "CHANGES_REQUESTED"}:
        raise unprocessable("Can not dismiss a commented pull request review")
    actions.dismiss(call.world, pull, found, call.caller.account, call.body["message"])
    return Reply.of(call.shapes.review(call.repository, pull, found))


@operation("pulls/list-review-comments", needs="pull_requests:read")
def list_line_comments(call: Call) -> Reply:
    """Comments on lines, by the time they were made."""
    pull = call.pull
    found = [(thread, one) for thread in pull.threads for one in thread.comments]
    found.sort(key=lambda pair: pair[1].id, reverse=call.query("direction") == "desc")
    return call.page(found, lambda pair: call.shapes.line_comment(call.repository, pull, *pair))


@operation("pulls/list-comments-for-review", needs="pull_requests:read")
def list_comments_of_review(call: Call) -> Reply:
    """The comments on lines that one review made, in the older form."""
    pull, number = call.pull, call.number("review_id")
    found = [(t, c) for t in pull.threads for c in t.comments if c.review == number]
    return call.page(found, lambda pair: _older(call, pull, *pair))


def _older(call: Call, pull: Pull, thread: Thread, comment: Comment) -> dict[str, Any]:
    shape = call.shapes.line_comment(call.repository, pull, thread, comment)
    return {"position": None, **shape}


@operation("pulls/get-review-comment", needs="pull_requests:read")
def get_line_comment(call: Call) -> Reply:
    """One comment on a line."""
    return Reply.of(call.shapes.line_comment(call.repository, *_line_comment(call)))


@operation("pulls/update-review-comment", needs="pull_requests:write")
def update_line_comment(call: Call) -> Reply:
    """Another body for a comment on a line."""
    pull, thread, comment = _line_comment(call)
    _own_or_writer(call, comment)
    actions.edit(call.world, comment, call.caller.account, call.text())
    return Reply.of(call.shapes.line_comment(call.repository, pull, thread, comment))


@operation("pulls/delete-review-comment", needs="pull_requests:write")
def delete_line_comment(call: Call) -> Reply:
    """Remove a comment on a line, and its thread with the last one."""
    pull, thread, comment = _line_comment(call)
    _own_or_writer(call, comment)
    call.world.tick()
    thread.comments.remove(comment)
    if not thread.comments:
        pull.threads.remove(thread)
    return Reply(status=204)


@operation("pulls/create-review-comment", needs="pull_requests:write")
def create_line_comment(call: Call) -> Reply:
    """One comment on a line, as a review of its own."""
    pull, body = call.pull, call.body
    limited(body["body"], "PullRequestReviewComment", "body")
    try:
        actions.review(
            call.world, call.repository, pull, call.caller.account,
            commit=body["commit_id"], comments=[body],
        )  # fmt: skip
    except RefusedError as refused:
        field = "pull_request_review_thread.line"
        raise invalid("PullRequestReviewComment", field, "invalid", str(refused)) from None
    thread = pull.threads[-1]
    shape = call.shapes.line_comment(call.repository, pull, thread, thread.comments[0])
    return Reply.of(shape, 201, Location=shape["url"])


@operation("pulls/create-reply-for-review-comment", needs="pull_requests:write")
def reply_to_line_comment(call: Call) -> Reply:
    """A reply in a thread."""
    pull = call.pull
    found = pull.thread_of(call.number("comment_id"))
    if found is None:
        raise not_found()
    made = actions.reply(call.world, pull, found[0], call.caller.account, call.text())
    shape = call.shapes.line_comment(call.repository, pull, found[0], made)
    return Reply.of(shape, 201, Location=shape["url"])


@operation("issues/list-events", needs=LISTEN)
def list_events(call: Call) -> Reply:
    """Events, the change of the base branch among them."""
    shown = [e for e in call.pull.events if e.event != "comment_deleted"]
    return call.page(shown, lambda one: call.shapes.event(call.repository, one))


@operation("issues/list-events-for-timeline", needs=LISTEN)
def list_timeline(call: Call) -> Reply:
    """Commits by their own dates, then everything else by the server's."""
    repository, pull = call.repository, call.pull
    entries: list[tuple[str, int, dict[str, Any]]] = []
    for place, commit in enumerate(call.world.commits(repository, pull)):
        shape = call.shapes.commit(repository, commit)
        entry = {
            "event": "committed", "sha": commit.sha, "node_id": shape["node_id"],
            "url": shape["commit"]["url"], "author": shape["commit"]["author"],
            "committer": shape["commit"]["committer"], "message": commit.message,
            "tree": shape["commit"]["tree"], "parents": shape["parents"],
            "html_url": shape["html_url"],
            "verification": {
                "verified": False, "reason": "unsigned", "signature": None, "payload": None,
                "verified_at": None,
            },
        }  # fmt: skip
        entries.append(("", place, entry))
    for one in pull.comments:
        entry = {"event": "commented", **call.shapes.comment(repository, pull, one)}
        entry["actor"] = entry["user"]
        entries.append((iso(one.created_at) or "", one.id, entry))
    for found in _visible_reviews(call, pull):
        entry = {"event": "reviewed", **call.shapes.review(repository, pull, found)}
        entries.append((iso(found.submitted_at) or "", found.id, entry))
    for event in pull.events:
        if event.event not in NOT_IN_TIMELINE:
            entry = call.shapes.event(repository, event)
            entries.append((iso(event.created_at) or "", event.id, entry))
    ordered = [entry for _, _, entry in sorted(entries, key=lambda entry: entry[:2])]
    return call.page(ordered, lambda entry: entry)


def _labels(call: Call, pull: Pull) -> Reply:
    return Reply.of([call.shapes.label(call.repository, name) for name in pull.labels])


def _names(call: Call) -> list[str]:
    body = call.body
    listed = body.get("labels", []) if isinstance(body, dict) else body
    return [one["name"] if isinstance(one, dict) else one for one in listed]


@operation("issues/list-labels-on-issue", needs=LISTEN)
def list_labels(call: Call) -> Reply:
    """The labels of a pull request."""
    return call.page(call.pull.labels, lambda one: call.shapes.label(call.repository, one))


@operation("issues/add-labels", needs=TALK, role="triage")
def add_labels(call: Call) -> Reply:
    """Put labels on."""
    for name in _names(call):
        actions.label(call.world, call.repository, call.pull, name, call.caller.account)
    return _labels(call, call.pull)


@operation("issues/set-labels", needs=TALK, role="triage")
def set_labels(call: Call) -> Reply:
    """Replace the labels."""
    wanted = _names(call)
    for name in [name for name in call.pull.labels if name not in wanted]:
        actions.unlabel(call.world, call.pull, name, call.caller.account)
    return add_labels(call)


@operation("issues/remove-label", needs=TALK, role="triage")
def remove_label(call: Call) -> Reply:
    """Take one label off."""
    name = call.parameters["name"]
    if name not in call.pull.labels:
        raise Refusal(error(404, "Label does not exist"))
    actions.unlabel(call.world, call.pull, name, call.caller.account)
    return _labels(call, call.pull)
