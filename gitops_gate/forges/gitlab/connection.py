"""Requests to one GitLab, and its refusals in our own words.

python-gitlab is given the session of `gitops_gate.forges.http`, which decides what is repeated,
what waits and what is never sent; its own retries are off. What it raises becomes `ForgeError`,
with the server's words cleaned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.values import Endpoint, Target

if TYPE_CHECKING:
    from gitlab import Gitlab
    from gitlab.exceptions import GitlabError
    from gitlab.v4.objects import Project, ProjectMergeRequest

    from gitops_gate.forges.http import ForgeSession

_SUFFIX = "/api/v4"


class Connection:
    """REST and GraphQL requests about one project and one merge request in it.

    `project_id` is the numeric id once it is known: from the pin, or from the first answer. An
    answer with another one is refused by `pinned`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        target: Target,
        session: ForgeSession,
        token: str,
        *,
        job_token: bool,
    ) -> None:
        from gitlab import Gitlab

        from gitops_gate import __version__

        if not endpoint.api_url.endswith(_SUFFIX):
            raise ConfigurationError(
                f"the address of GitLab's API must end in {_SUFFIX}", remedy="give forge.url alone"
            )
        self.target = target
        self.job_token = job_token
        self.project_id = target.repository_id
        self._session = session
        self._graphql_url = endpoint.graphql_url
        self._bearer = f"Bearer {token}"
        self._api: Gitlab = Gitlab(
            endpoint.api_url.removesuffix(_SUFFIX),
            private_token=None if job_token else token,
            job_token=token if job_token else None,
            session=session,
            user_agent=f"gitops-gate/{__version__}",
            per_page=100,
            # A server behind a proxy names itself otherwise; another host is refused below.
            keep_base_url=True,
            retry_transient_errors=False,
        )

    @property
    def api(self) -> Gitlab:
        """python-gitlab's client."""
        return self._api

    @property
    def project(self) -> Project:
        """The project, without a request for it."""
        return self._api.projects.get(self.project_id or self.target.repository, lazy=True)

    @property
    def number(self) -> int:
        """The merge request's iid. Raises `ForgeError` when the run has none."""
        if self.target.number is None:
            raise forge_error("this run has no merge request to read")
        return self.target.number

    @property
    def merge_request(self) -> ProjectMergeRequest:
        """The merge request, without a request for it. Raises `ForgeError` when there is none."""
        return self.project.mergerequests.get(self.number, lazy=True)

    def pinned(self, project_id: int) -> int:
        """The id that GitLab gave for the project. Raises `ForgeError` when another is pinned."""
        if self.target.repository_id not in (None, project_id):
            raise forge_error(
                f"{self.target.repository} is project {project_id} on GitLab, "
                f"but project {self.target.repository_id} is pinned",
                remedy="pin the id of the project that is meant as forge.repository_id",
            )
        self.project_id = project_id
        return project_id

    def clean(self, text: object, *, limit: int = 500) -> str:
        """A text of the server's, as people may be shown it."""
        return self._session.clean(
            text if isinstance(text, bytes | str) else str(text), limit=limit
        )

    def every(self, manager: Any, **parameters: Any) -> list[dict[str, Any]]:
        """All entries of a list, page by page to its end, as GitLab gave them."""
        return [item.attributes for item in manager.list(iterator=True, **parameters)]

    @contextmanager
    def asking(self, what: str, *, writes: bool = False) -> Iterator[None]:
        """Turn what goes wrong inside into a `ForgeError` that says `what` was asked or written."""
        from gitlab.exceptions import GitlabError

        try:
            yield
        except GitlabError as error:
            raise self._refused(what, error, writes=writes) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise forge_error(
                f"GitLab's answer about {what} cannot be understood ({type(error).__name__})",
                uncertain=writes,
            ) from None

    def _refused(self, what: str, error: GitlabError, *, writes: bool) -> ForgeError:
        status = error.response_code
        said = self.clean(error.error_message)
        return forge_error(
            f"GitLab refused {what}: {status}: {said}"
            if status
            else f"GitLab's answer about {what} cannot be read: {said}",
            status=status,
            # Something came back that is no refusal, so GitLab has acted.
            uncertain=writes and status is None,
            remedy=self._remedy(status, said),
        )

    def _remedy(self, status: int | None, said: str) -> str | None:
        if status == 401:
            return "the token is not valid here; it may have expired"
        if status == 403 and "scope" in said:
            return "give the token the scope api"
        if status in (403, 404) and self.job_token:
            return (
                "a CI_JOB_TOKEN reads only merge requests of projects that let its own project in; "
                "publish from a pipeline of the target project, with a project access token"
            )
        return None

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """GitLab's answer, `data` and `errors`; None where GraphQL is not served.

        https://docs.gitlab.com/api/graphql/. A refused token is a `ForgeError`.
        """
        response = self._session.post(
            self._graphql_url,
            json={"query": query, "variables": dict(variables)},
            headers={"Authorization": self._bearer},
        )
        if response.status_code in (403, 404):
            return None
        if response.status_code != 200:
            raise forge_error(
                f"GitLab refused a GraphQL query: {response.status_code}: "
                f"{self.clean(response.content)}",
                status=response.status_code,
                remedy=self._remedy(response.status_code, ""),
            )
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise forge_error("GitLab's answer to a GraphQL query is not JSON")
        return answer
