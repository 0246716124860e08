"""Finds the quick actions in a note, as GitLab would run them.

GitLab has read notes in two ways: up to 15 by a regular expression that leaves out code, HTML and
quote blocks of a few exact forms (`lib/gitlab/quick_actions/extractor.rb`); since then only in
paragraphs of the Markdown (`lib/banzai/filter/quick_action_filter.rb`). What
either of them runs is run here, because self-managed servers are of any age.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import comrak

_KNOWN = """
    add_contacts approve assign assign_reviewer award blocked_by blocks board_move cc
    clear_health_status clear_weight clone close confidential convert_to_ticket
    copy_metadata create_merge_request done draft due duplicate epic estimate
    estimate_time health_status invite_email iteration label labels link lock merge
    milestone move page promote promote_to publish react ready reassign reassign_reviewer
    rebase relabel relate remove_child remove_contacts remove_due_date remove_email
    remove_epic remove_estimate remove_iteration remove_label remove_milestone
    remove_parent remove_time_spent reopen request_changes request_review requires
    reviewer run_pipeline set_parent severity ship shrug spend spend_time spent
    submit_review subscribe tableflip tag target_branch timeline title todo type unapprove
    unassign unassign_reviewer unblock unlabel unlink unlock unrequest_review unsubscribe
    weight wip zoom
"""
COMMANDS = tuple(sorted(_KNOWN.split(), key=lambda name: (-len(name), name)))
_NAMES = "|".join(COMMANDS)
_COMMAND = rf"^/(?P<cmd>{_NAMES})(?:[ ](?P<arg>[^\n]*))?(?:\s*\n|$)"
_OLD = re.compile(
    rf"""
    (?P<code>^```.+?\n```$)
    |(?P<inline>^.*`\n*.+?\n*`$)
    |(?P<html>^<[^>]+?>\n.+?\n</[^>]+?>$)
    |(?P<quote>^>>>.+?\n>>>$)
    |(?:{_COMMAND})
    """,
    re.MULTILINE | re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_NEW = re.compile(_COMMAND, re.MULTILINE | re.IGNORECASE)
_PARAGRAPH = re.compile(r'^<p data-sourcepos="(\d+):\d+-(\d+):\d+">', re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """A quick action that is run, without its slash."""

    name: str
    argument: str


def extract(text: str) -> tuple[str, tuple[Command, ...]]:
    """The text that is stored, and the commands that are run, in the order of the text."""
    text = text.replace("\r", "")
    found: dict[int, re.Match[str]] = {}
    for match in _OLD.finditer(text):
        if match["cmd"]:
            found[match.start("cmd")] = match
    for start, end in _paragraphs(text):
        for match in _NEW.finditer(text, start, end):
            found.setdefault(match.start("cmd"), match)
    matches = [found[place] for place in sorted(found)]
    kept, last = [], 0
    for match in matches:
        kept.append(text[last : match.start()])
        last = max(last, match.end())
    kept.append(text[last:])
    commands = tuple(Command(m["cmd"].lower(), (m["arg"] or "").strip()) for m in matches)
    return "".join(kept).rstrip(), commands


def _paragraphs(text: str) -> list[tuple[int, int]]:
    """Where the paragraphs are, as offsets, by plain CommonMark.

    Nested ones too: only their lazy continuations start with a slash, and the old way ran those.
    GitLab's extensions would only make fewer paragraphs.
    """
    options = comrak.RenderOptions()
    options.sourcepos = True
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    html = comrak.render_markdown(text, render_options=options)
    return [
        (starts[int(match[1]) - 1], min(starts[int(match[2])], len(text)))
        for match in _PARAGRAPH.finditer(html)
    ]
