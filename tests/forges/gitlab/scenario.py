"""A GitLab with a project and a merge request in it, to start a test from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.forges.gitlab import landing
from tests.forges.gitlab.repository import Repository
from tests.forges.gitlab.state import (
    DEVELOPER,
    MAINTAINER,
    REPORTER,
    MergeRequest,
    Project,
    ProtectedBranch,
    State,
)

PROJECT_ID = 4711
FILES = {"app/config.yaml": "replicas: 2\n", "README.md": "# Shop\n"}
TOKEN = "glpat-bot"
MAINTAINER_TOKEN = "glpat-carol"
JOB_TOKEN = "glcbt-job"


@dataclass(frozen=True, kw_only=True)
class Shop:
    """`group/shop` with the merge request `change` into `main`.

    alice wrote it, bob is a developer, carol maintains, dave is a member of `group/sre` only,
    mallory is nobody. The tokens are the module's constants.
    """

    state: State
    project: Project
    merge_request: MergeRequest


def bare_shop(folder: Path, *, files: Mapping[str, str] = FILES, **values: object) -> Shop:
    """The same around a new bare repository in a folder that is not there yet.

    `main` has the files, `change` two commits by alice.
    """
    landing.bare_repository(folder, files)
    return shop(folder, **values)  # type: ignore[arg-type]  # as below


def shop(repository: Path, *, source: str = "change", iid: int = 7, **values: object) -> Shop:
    """Build it around a repository that has `main` and the source branch."""
    state = State(**values)  # type: ignore[arg-type]  # the caller names State's own fields
    for number, name in enumerate(("alice", "bob", "carol", "dave", "mallory"), start=11):
        state.add_user(name, id=number)
    group = state.add_group("group", id=21, members={state.user("carol").id: MAINTAINER})
    state.add_group("group/sre", id=22, members={state.user("dave").id: DEVELOPER})
    project = state.add_project(
        "group/shop",
        id=PROJECT_ID,
        group=group.id,
        repository=Repository(repository),
        members={
            state.user("alice").id: DEVELOPER,
            state.user("bob").id: DEVELOPER,
            state.user("dave").id: REPORTER,
        },
        protected=[ProtectedBranch(name="main")],
    )
    state.add_bot_token(TOKEN, project="group/shop", level=DEVELOPER)
    state.add_token(MAINTAINER_TOKEN, "carol")
    mr = state.open_merge_request("group/shop", source, author="alice", iid=iid, title="A change")
    head = state.head(mr) or ""
    pipeline = state.add_pipeline(
        "group/shop", head, f"refs/merge-requests/{iid}/head", by="alice",
        source="merge_request_event",
    )  # fmt: skip
    state.add_job_token(JOB_TOKEN, pipeline, "group/shop")
    return Shop(state=state, project=project, merge_request=mr)
