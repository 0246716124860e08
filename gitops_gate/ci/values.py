"""What a CI says about a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Ci = Literal["github", "gitlab", "jenkins", "bitbucket", "circleci", "azure", "other"]
"""`other` is any that is not known, and no CI at all."""


class Occasion(StrEnum):
    """What a run is about: a change request, a merge queue or train, commits that landed."""

    CHANGE_REQUEST = "change_request"
    MERGE_QUEUE = "merge_queue"
    PUSH = "push"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The hints of one run. None stands for what the CI does not say.

    `event` is the CI's own word for what started the run. `base_ref` is a full ref name; `base`
    and `head` are commit ids: of the target and the change request's own head, or of what was
    before and after a push or in a queue. `head_label` is `owner:branch`, for finding a change
    request whose number is not said. `defined_by_head`: whoever wrote the change also wrote the
    definition of this job, so what it reports is a claim. `output_file` and `summary_file` are
    where a GitHub step writes its outputs and its summary. `pipeline_id` is GitLab's.
    """

    ci: Ci
    event: str
    occasion: Occasion
    repository: str | None = None
    repository_id: int | None = None
    number: int | None = None
    base_ref: str | None = None
    base: str | None = None
    head: str | None = None
    head_label: str | None = None
    api_url: str | None = None
    graphql_url: str | None = None
    run_url: str | None = None
    defined_by_head: bool = True
    output_file: str | None = None
    summary_file: str | None = None
    pipeline_id: int | None = None
