"""Starts, for each open merge request, the pipeline that the webhook starts at its events.

A scheduled job of the GitLab template runs it (`action/gitlab again`): freezes and waivers end
without an event. It needs nothing but Python, and reads its environment alone:

    GATE_URL                  the address of this GitLab, which alone gets the tokens
    CI_PROJECT_ID, CI_PROJECT_PATH, CI_DEFAULT_BRANCH
    GITOPS_GATE_TOKEN         lists the merge requests
    GITOPS_GATE_TRIGGER_TOKEN starts the pipelines

https://docs.gitlab.com/api/merge_requests/ and https://docs.gitlab.com/ci/triggers/. The trigger
token travels in the body, where no log of addresses shows it and GitLab takes it out of
TRIGGER_PAYLOAD. What GitLab says is somebody's text: it is printed as words, and never run.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

PAUSE = 1
"""Seconds between two pipelines."""
MINUTE = 60
"""Seconds after which GitLab's limits let go; gitlab.com makes 25 pipelines of a commit in them."""
TRIES = 3
LARGEST = 32 * 1024 * 1024
TIMEOUT = 30


class RefusedError(Exception):
    """GitLab did not do it, or could not be asked. `busy`: it may, a minute later."""

    def __init__(self, text: str, *, busy: bool = False) -> None:
        super().__init__(text)
        self.busy = busy


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever is elsewhere gets no token: a redirect is a refusal."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def words(text: object) -> str:
    """Text of somebody's as one printable line of moderate length."""
    return "".join(c if c.isprintable() else " " for c in str(text))[:300]


def ask(address: str, *, token: str = "", body: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """What GitLab answers, and the header that names the next page. Raises `RefusedError`."""
    headers = {"User-Agent": "gitops-gate", "Content-Type": "application/json"}
    if token:
        headers["PRIVATE-TOKEN"] = token
    data = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(address, data=data, headers=headers)  # noqa: S310 - see GATE_URL
        with _OPENER.open(request, timeout=TIMEOUT) as answer:
            return json.loads(answer.read(LARGEST)), answer.headers.get("Link") or ""
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise RefusedError(f"no answer: {words(reason)}") from None
    except ValueError:
        raise RefusedError("the answer is no JSON document") from None


def _refusal(error: urllib.error.HTTPError) -> RefusedError:
    try:
        said = error.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        said = ""
    busy = error.code == 429 or "Too many pipelines" in said
    return RefusedError(f"{error.code} {words(said)}", busy=busy)


def open_merge_requests(project: str, token: str) -> list[dict[str, Any]]:
    """The open merge requests of a project by its address in the API, the oldest first.

    Each as the part of a webhook's payload that says what it is about. Raises `RefusedError`.
    """
    query, seen = "state=opened&order_by=created_at&sort=asc&per_page=100", set[str]()
    found: dict[int, dict[str, Any]] = {}
    while query not in seen:
        seen.add(query)
        listed, link = ask(f"{project}/merge_requests?{query}", token=token)
        try:
            for one in listed:
                found[int(one["iid"])] = {
                    "iid": int(one["iid"]),
                    "state": str(one["state"]),
                    "target_branch": str(one["target_branch"]),
                    "last_commit": {"id": one["sha"]},
                }
        except (KeyError, TypeError, ValueError):
            raise RefusedError("the answer is no list of merge requests") from None
        # Of the address only the query is taken: a server behind a proxy may name another one.
        following = re.search(r'<[^>]*\?([^>]*)>; rel="next"', link)
        if following is None:
            return list(found.values())
        query = following[1]
    raise RefusedError("the pages of merge requests have no end")


def start(
    address: str, body: Mapping[str, Any], *, sleep: Callable[[float], object] = time.sleep
) -> str:
    """Start one pipeline and wait where GitLab is busy; its page. Raises `RefusedError`."""
    for attempt in range(1, TRIES + 1):
        try:
            made, _ = ask(address, body=body)
            return words(made["web_url"])
        except RefusedError as refused:
            if not refused.busy or attempt == TRIES:
                raise
            sleep(MINUTE)
        except (KeyError, TypeError):
            raise RefusedError("the answer is no pipeline") from None
    raise AssertionError("unreachable")


def run(environment: Mapping[str, str], *, sleep: Callable[[float], object] = time.sleep) -> int:
    """Start them all, and say what became of each; 2 if one was not started."""
    token, trigger = (
        environment.get(name, "") for name in ("GITOPS_GATE_TOKEN", "GITOPS_GATE_TRIGGER_TOKEN")
    )
    for name, value in (("GITOPS_GATE_TOKEN", token), ("GITOPS_GATE_TRIGGER_TOKEN", trigger)):
        if not re.fullmatch(r"[!-~]+", value):
            _say(f"{name} is not there, or is not one word: docs/gitlab.md, on the schedule")
            return 2
    number = environment.get("CI_PROJECT_ID", "")
    if not re.fullmatch(r"[0-9]{1,18}", number):
        _say("CI_PROJECT_ID is no number")
        return 2
    about = {"id": int(number), "path_with_namespace": environment.get("CI_PROJECT_PATH", "")}
    branch = urllib.parse.quote(environment.get("CI_DEFAULT_BRANCH", ""), safe="")
    project = f"{environment['GATE_URL']}/api/v4/projects/{number}"
    try:
        opened = open_merge_requests(project, token)
    except RefusedError as refused:
        _say(f"the open merge requests cannot be listed: {refused}")
        return 2
    failed = 0
    for position, attributes in enumerate(opened):
        if position:
            sleep(PAUSE)
        event = {
            "object_kind": "merge_request",
            "event_type": "merge_request",
            "project": about,
            "object_attributes": attributes,
            "token": trigger,
        }
        try:
            page = start(f"{project}/ref/{branch}/trigger/pipeline", event, sleep=sleep)
            _say(f"!{attributes['iid']}: {page}")
        except RefusedError as refused:
            failed += 1
            _say(f"!{attributes['iid']}: not started: {refused}")
    _say(f"{len(opened) - failed} of {len(opened)} open merge requests are judged again")
    return 2 if failed else 0


def _say(text: str) -> None:
    print(f"gitops-gate: {text}", flush=True)  # noqa: T201 - it is a program


if __name__ == "__main__":
    sys.exit(run(os.environ))
