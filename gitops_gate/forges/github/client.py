"""A connected GitHub: what this token can do here, found out by the first reading.

The first reading is also what the first `read` returns, so that finding out costs no request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.github.approvals import GithubApprovals
from gitops_gate.forges.github.inline import GithubInline
from gitops_gate.forges.github.landed import GithubIdentity, GithubLanded
from gitops_gate.forges.github.opening import GithubOpening
from gitops_gate.forges.github.protection import GithubProtection
from gitops_gate.forges.github.publishing import GithubSarif, GithubStatus, GithubSummary
from gitops_gate.forges.github.queue import GithubQueue
from gitops_gate.forges.github.reading import (
    Reading,
    read_comments,
    read_pull_request,
    read_repository,
    read_tips,
)
from gitops_gate.forges.github.snapshot import (
    comments_of,
    snapshot_of,
    tips_of,
)
from gitops_gate.forges.http import ForgeSession
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import Comment, Endpoint, Snapshot, Target, Tips

_PUBLIC = "https://api.github.com"
_WRITERS = ("ADMIN", "MAINTAIN", "WRITE")
_WRITTEN = ("commit status", "SARIF upload", "new pull requests")


def connect_github(
    endpoint: Endpoint,
    target: Target,
    session: ForgeSession,
    token: str,
    *,
    fork_reads_only: bool = False,
) -> Forge:
    """GitHub for one repository and its pull request, by one request.

    For `fork_reads_only` see `gitops_gate.forges.connect`. Raises `ForgeError` when the
    repository or the pull request cannot be read, or when it is not the pinned one.
    """
    owner, slash, name = target.repository.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise ConfigurationError(f"{target.repository!r} is not a repository's path, owner/name")
    api = Api(session, endpoint, token, target.repository)
    changes = GithubChangeRequests(api, target)
    first = changes.connect()
    allowed = _allowed(first, fork_reads_only=fork_reads_only)
    forge = Forge(
        kind="github",
        change_requests=changes,
        approvals=None,
        summary=None,
        inline=None,
        status=GithubStatus(api, first.viewer) if allowed.set_status else None,
        sarif=GithubSarif(api) if allowed.set_status else None,
        protection=GithubProtection(api, public=endpoint.api_url == _PUBLIC),
        opening=GithubOpening(api, owner) if allowed.open else None,
        landed=GithubLanded(api, _id_of(first)),
        queue=GithubQueue(api, target),
        identity=GithubIdentity(api, endpoint, target),
        missing=allowed.missing,
    )
    if target.number is None:
        return replace(forge, missing=(*forge.missing, "this run is of no pull request"))
    return replace(
        forge,
        approvals=GithubApprovals(api, owner, changes.reading_of),
        summary=GithubSummary(api, target.number) if allowed.comment else None,
        inline=GithubInline(api, target.number, changes.read) if allowed.comment else None,
    )


class GithubChangeRequests:
    """Reads the pull request, and remembers each reading for what is asked about it later."""

    def __init__(self, api: Api, target: Target) -> None:
        self._api = api
        self._target = target
        self._readings: list[tuple[Snapshot, Reading]] = []
        self._unused: Snapshot | None = None

    def connect(self) -> Reading:
        """Read for the first time, and keep it for `read`."""
        if self._target.number is None:
            return read_repository(self._api, self._target)
        self._unused = self._read()
        return self._readings[-1][1]

    def read(self) -> Snapshot:
        """Everything about it at this moment, every list to its end.

        The first time it is what was read to connect. Raises `ForgeError` when it cannot be read
        or the repository's id is not the pinned one.
        """
        snapshot, self._unused = self._unused, None
        return snapshot if snapshot is not None else self._read()

    def tips(self) -> Tips:
        """Where the head and the target are at this moment."""
        pull = read_tips(self._api, self._numbered())
        with as_documented("the pull request"):
            return tips_of(pull)

    def comments(self) -> Sequence[Comment]:
        """The comments at this moment, the oldest first."""
        nodes = read_comments(self._api, self._numbered())
        with as_documented("the comments"):
            return comments_of(nodes)

    def reading_of(self, snapshot: Snapshot) -> Reading:
        """The reading that a snapshot was made of. Raises `ForgeError` for another's snapshot."""
        for known, reading in reversed(self._readings):
            if known is snapshot or known == snapshot:
                return reading
        raise forge_error("approvals are asked for of a snapshot that was not read here")

    def sharing(self, snapshot: Snapshot) -> tuple[int, ...]:
        """Other open pull requests with the same head, from the reading of the snapshot."""
        nodes = self.reading_of(snapshot).pull["sharing"]["nodes"]
        head, own = snapshot.change.head_commit, snapshot.change.number
        with as_documented("the pull requests of the head"):
            if not nodes or nodes[-1]["commit"]["oid"] != head:
                raise forge_error("GitHub does not list the head among the commits yet")
            listed = nodes[-1]["commit"]["associatedPullRequests"]
            found = [pull for pull in listed["nodes"] if pull]
            if len(found) < int(listed["totalCount"]):
                raise forge_error("GitHub does not list every pull request that has the head")
            return tuple(
                sorted(
                    int(pull["number"])
                    for pull in found
                    if pull["state"] == "OPEN"
                    and pull["headRefOid"] == head
                    and int(pull["number"]) != own
                )
            )

    def protects(self, branch: str) -> bool | None:
        """Whether a branch is protected, by a classic rule or a ruleset: `repos/get-branch`."""
        path = f"{self._api.repository}/branches/{quote(branch, safe='')}"
        try:
            answer = self._api.get(path, can="read the target branch")
        except ForgeError as error:
            if error.status in (403, 404):
                return None
            raise
        with as_documented("the target branch"):
            return bool(answer["protected"])

    def number_of(self, head: str) -> int | None:
        """The number of the one open pull request whose head is this commit, by `pulls/list`."""
        found = set()
        pages = self._api.pages(
            f"{self._api.repository}/pulls", can="list the pull requests", state="open"
        )
        with as_documented("the pull requests"):
            for pull in (pull for page in pages for pull in page):
                if pull["head"]["sha"] == head:
                    found.add(int(pull["number"]))
        return found.pop() if len(found) == 1 else None

    def _read(self) -> Snapshot:
        reading = read_pull_request(self._api, self._numbered())
        snapshot = snapshot_of(reading)
        self._readings.append((snapshot, reading))
        return snapshot

    def _numbered(self) -> Target:
        if self._target.number is None:
            raise forge_error("this run is of no pull request")
        return self._target


def _id_of(first: Reading) -> int:
    with as_documented("the repository"):
        return int(first.repository["databaseId"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowed:
    """What the token may do, as far as it is certain beforehand, and why not the rest."""

    comment: bool = True
    set_status: bool = True
    open: bool = True
    missing: tuple[str, ...] = ()


def _allowed(first: Reading, *, fork_reads_only: bool) -> _Allowed:
    """Take away only what certainly fails; the rest shows at the first write, with a remedy.

    GitHub gives a token no way of asking what it may do. `viewerPermission` is the role of a
    person; for an app's token (GITHUB_TOKEN) it says nothing about what the token was given.
    """
    if fork_reads_only and first.pull.get("isCrossRepository"):
        return _Allowed(
            comment=False,
            set_status=False,
            open=False,
            missing=tuple(
                f"no {what}: in this run GitHub gives a change from a fork a token that only reads"
                for what in ("summary comment", "inline comments", *_WRITTEN)
            ),
        )
    role = first.repository.get("viewerPermission")
    if first.viewer_is_bot or role in (None, *_WRITERS):
        return _Allowed()
    return _Allowed(
        set_status=False,
        open=False,
        missing=tuple(
            f"no {what}: the token's account has only the role {str(role).lower()}"
            for what in _WRITTEN
        ),
    )
