"""The REST API's notes and discussions; quick actions in them are really run."""

from __future__ import annotations

from typing import Any

from tests.forges.gitlab import access, positions, quick_actions
from tests.forges.gitlab.access import RefusedError, bad_request
from tests.forges.gitlab.rest import Call, operation
from tests.forges.gitlab.state import (
    DEVELOPER,
    GUEST,
    REPORTER,
    ExecutedCommand,
    MergeRequest,
    Note,
    Project,
)
from tests.forges.serving import Reply

CREATING = frozenset({"createNote", "createDiscussion", "createDiscussionNote"})
"""The operations that GitLab counts as new notes."""


def _readable(call: Call, level: int = REPORTER) -> tuple[Project, MergeRequest]:
    project = call.project()
    try:
        found = call.caller.merge_request(project, int(call.asked.path["merge_request_iid"]))
    except RefusedError as refused:
        raise access.not_found("MergeRequest") from refused
    if project.visibility != "public":
        call.caller.require(project, level)
    return project, found


def _visible(call: Call, project: Project, mr: MergeRequest) -> list[Note]:
    internal = call.caller.level(project) >= REPORTER
    return [note for note in mr.notes if internal or not note.internal]


def _note(mr: MergeRequest, number: int, discussion: str | None = None) -> Note:
    for note in mr.notes:
        if note.id == number and discussion in {None, note.discussion}:
            return note
    raise access.not_found()


def _discussion(mr: MergeRequest, identity: str) -> list[Note]:
    notes = [note for note in mr.notes if note.discussion == identity]
    if not notes:
        raise access.not_found("Discussion")
    return notes


# ---------------------------------------------------------------------- what is written


def _check_body(call: Call, mr: MergeRequest, body: str, *, new: bool) -> None:
    limits = call.state.limits
    if "\0" in body or any("\ud800" <= letter <= "\udfff" for letter in body):
        raise RefusedError(400, "400 Bad Request")
    if not body.strip():
        raise bad_request("""Note {:note=>["can't be blank"]}""")
    if len(body) > limits.note_characters:
        reason = f"is too long (maximum is {limits.note_characters} characters)"
        raise bad_request(f"""Note {{:note=>["{reason}"]}}""")
    if new and len(mr.notes) >= limits.notes:
        reason = f"Maximum number of comments exceeded ({limits.notes})"
        raise bad_request(f"""Note {{:base=>["{reason}"]}}""")


def _run(
    call: Call, project: Project, mr: MergeRequest, commands: tuple[quick_actions.Command, ...]
) -> dict[str, Any]:
    """Run quick actions; what they changed."""
    changes: dict[str, Any] = {}
    me = call.caller.known
    for command in commands:
        call.state.commands.append(
            ExecutedCommand(
                merge_request=mr.iid, author=me.id, name=command.name, argument=command.argument
            )
        )
        if call.caller.level(project) >= DEVELOPER:
            changes |= _apply(call, mr, command)
    return changes


def _apply(call: Call, mr: MergeRequest, command: quick_actions.Command) -> dict[str, Any]:
    """What an action does to the merge request; the rest are only recorded."""
    state, me, name = call.state, call.caller.known.id, command.name
    labels = [part.lstrip("~").strip('"') for part in command.argument.split()]
    if name == "approve":
        state.approve(mr, me)
    elif name == "unapprove":
        state.unapprove(mr, me)
    elif name == "close" and mr.state == "opened":
        state.close(mr, me)
        return {"state_event": "close"}
    elif name == "reopen" and mr.state == "closed":
        state.reopen(mr)
        return {"state_event": "reopen"}
    elif name in {"label", "labels"}:
        mr.labels = sorted({*mr.labels, *labels})
        return {"add_label_ids": labels}
    elif name in {"unlabel", "remove_label"}:
        mr.labels = [label for label in mr.labels if labels and label not in labels]
    elif name == "title" and command.argument:
        mr.title = command.argument
        return {"title": command.argument}
    elif name == "draft" and not mr.draft:
        mr.title = f"Draft: {mr.title}"
    elif name == "ready" and mr.draft:
        mr.title = mr.title.partition(":")[2].strip() or mr.title
    elif name == "lock":
        mr.locked_discussion = True
    return {}


def _create(
    call: Call, project: Project, mr: MergeRequest, body: str, **values: Any
) -> tuple[Note | None, dict[str, Any]]:
    _check_body(call, mr, body, new=True)
    text, commands = quick_actions.extract(body)
    note = call.state.comment(mr, call.caller.known.id, text, **values) if text.strip() else None
    return note, _run(call, project, mr, commands)


def _commands_only(changes: dict[str, Any]) -> Reply:
    return Reply.of({"commands_changes": changes, "summary": ["Applied the commands."]}, 202)


def _require_commenting(call: Call, project: Project, mr: MergeRequest) -> None:
    level = GUEST if project.visibility != "public" else 0
    if project.archived or call.caller.level(project) < level:
        raise access.forbidden()
    if mr.locked_discussion and call.caller.level(project) < GUEST:
        raise access.forbidden()


# ---------------------------------------------------------------------- notes


@operation("listNotes")
def list_notes(call: Call) -> Reply:
    project, mr = _readable(call)
    rows = _visible(call, project, mr)
    wanted = call.query.get("activity_filter", "all_notes")
    if wanted != "all_notes":
        rows = [note for note in rows if note.system == (wanted == "only_activity")]
    column = call.query.get("order_by", "created_at")
    rows = sorted(
        rows, key=lambda note: (getattr(note, column), note.id),
        reverse=call.query.get("sort", "desc") == "desc",
    )  # fmt: skip
    return call.page(rows, lambda note: call.show.note(mr, note))


@operation("createNote")
def create_note(call: Call) -> Reply:
    project, mr = _readable(call)
    _require_commenting(call, project, mr)
    internal = bool(call.body.get("internal", False))
    note, changes = _create(call, project, mr, call.body["body"], internal=internal)
    if note is None:
        return _commands_only(changes)
    return Reply.of(call.show.note(mr, note, changes), 201)


@operation("getNote")
def get_note(call: Call) -> Reply:
    project, mr = _readable(call)
    note = _note(mr, int(call.asked.path["note_id"]))
    if note not in _visible(call, project, mr):
        raise access.not_found("Note")
    return Reply.of(call.show.note(mr, note))


def _update(call: Call, discussion: str | None = None) -> Reply:
    project, mr = _readable(call)
    note = _note(mr, int(call.asked.path["note_id"]), discussion)
    if not call.caller.may_edit(project, note):
        raise access.forbidden()
    body = call.body["body"]
    _check_body(call, mr, body, new=False)
    text, commands = quick_actions.extract(body)
    if not text.strip():
        mr.notes.remove(note)
        return _commands_only(_run(call, project, mr, commands))
    if text != note.body:
        call.state.edit(note, call.caller.known.id, text)
    changes = _run(call, project, mr, commands)
    return Reply.of(call.show.note(mr, note, changes))


@operation("updateNote")
def update_note(call: Call) -> Reply:
    return _update(call)


def _delete(call: Call, discussion: str | None = None) -> Reply:
    project, mr = _readable(call)
    note = _note(mr, int(call.asked.path["note_id"]), discussion)
    if not call.caller.may_edit(project, note):
        raise access.forbidden()
    mr.notes.remove(note)
    return Reply(status=204)


@operation("deleteNote")
def delete_note(call: Call) -> Reply:
    return _delete(call)


# ---------------------------------------------------------------------- discussions


@operation("listDiscussions")
def list_discussions(call: Call) -> Reply:
    project, mr = _readable(call)
    grouped: dict[str, list[Note]] = {}
    for note in _visible(call, project, mr):
        grouped.setdefault(note.discussion, []).append(note)
    return call.page(list(grouped.values()), lambda notes: call.show.discussion(mr, notes))


@operation("getDiscussion")
def get_discussion(call: Call) -> Reply:
    _, mr = _readable(call)
    notes = _discussion(mr, str(call.asked.path["discussion_id"]))
    return Reply.of(call.show.discussion(mr, notes))


@operation("createDiscussion")
def create_discussion(call: Call) -> Reply:
    project, mr = _readable(call)
    _require_commenting(call, project, mr)
    values: dict[str, Any] = {"kind": "DiscussionNote"}
    if "position" in call.body:
        _check_body(call, mr, call.body["body"], new=True)
        place = positions.check(project, mr, call.body["position"])
        values = {"kind": "DiffNote", "position": place}
    note, changes = _create(call, project, mr, call.body["body"], **values)
    if note is None:
        reason = "Commands applied" if changes else "Failed to apply commands."
        raise bad_request(f"""Note {{:commands_only=>["{reason}"]}}""")
    return Reply.of(call.show.discussion(mr, [note]), 201)


@operation("createDiscussionNote")
def create_discussion_note(call: Call) -> Reply:
    project, mr = _readable(call)
    _require_commenting(call, project, mr)
    first = _discussion(mr, str(call.asked.path["discussion_id"]))[0]
    if first.system:
        raise bad_request("Discussion can not be replied to.")
    kind = first.kind or "DiscussionNote"
    note, changes = _create(
        call, project, mr, call.body["body"], discussion=first.discussion, kind=kind,
        position=first.position,
    )  # fmt: skip
    if note is None:
        return _commands_only(changes)
    first.kind = kind
    return Reply.of(call.show.note(mr, note, changes), 201)


@operation("resolveDiscussion")
def resolve_discussion(call: Call) -> Reply:
    project, mr = _readable(call)
    identity = str(call.asked.path["discussion_id"])
    notes = _discussion(mr, identity)
    resolved = call.body.get("resolved", call.query.get("resolved"))
    if resolved is None:
        raise RefusedError(400, "resolved is missing", key="error")
    if not any(n.resolvable for n in notes) or not call.caller.may_resolve(project, mr):
        raise access.forbidden()
    call.state.resolve(mr, identity, call.caller.known.id if resolved else None)
    return Reply.of(call.show.discussion(mr, notes))


@operation("updateDiscussionNote")
def update_discussion_note(call: Call) -> Reply:
    identity = str(call.asked.path["discussion_id"])
    if "body" in call.body:
        return _update(call, identity)
    project, mr = _readable(call)
    note = _note(mr, int(call.asked.path["note_id"]), identity)
    if not call.caller.may_resolve(project, mr):
        raise access.forbidden()
    if not note.resolvable:
        raise bad_request("Note is not resolvable")
    resolved = bool(call.body["resolved"])
    call.state.resolve(mr, identity, call.caller.known.id if resolved else None)
    return Reply.of(call.show.note(mr, note))


@operation("deleteDiscussionNote")
def delete_discussion_note(call: Call) -> Reply:
    return _delete(call, str(call.asked.path["discussion_id"]))
