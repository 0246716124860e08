"""What an audit finds out: one outcome for each check and each thing that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gitops_gate.forges.values import ForgeKind, Protection, RepositoryProtection


class Level(StrEnum):
    """How bad a hole is. A note is worth knowing and opens nothing by itself."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting puts errors first."""
        return list(Level).index(self)

    @property
    def counts(self) -> bool:
        """Whether it decides about the exit code."""
        return self is not Level.NOTE


class State(StrEnum):
    """What a check came to."""

    HOLE = "hole"
    FINE = "fine"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """The setting that closes a hole: where a person finds it, and its field in the API."""

    menu: str
    api: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a kind of hole. `threat` says what an attacker could do with it."""

    id: str
    level: Level
    title: str
    threat: str
    remedies: Mapping[ForgeKind, Remedy]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one check came to. `subject` is a full ref name, or None for the whole repository.

    `message` may hold names that strangers chose and is escaped when it is shown. For what is
    unknown it says what could not be read, and `needs` which permission would help.
    """

    id: str
    level: Level
    state: State
    subject: str | None
    message: str
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Which of the paths that decide belong to nobody, by the CODEOWNERS of a branch.

    `file` is None where there is none. `problem` says why it could not be read.
    """

    file: str | None = None
    codeowners: bool = False
    unowned_ci: tuple[str, ...] = ()
    unowned_rules: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What the tree of a branch says: its owners, the names that jobs report under.

    `check_name` is the status's context by the branch's own configuration. `gate_jobs` are names
    under which jobs that run gitops-gate report, `jobs` those of all jobs that are known.
    """

    check_name: str
    owned: Owned
    gate_jobs: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveringJob:
    """A job of the default branch's workflows that delivers; `environment` is None without one."""

    name: str
    environment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch: how it is protected and what it holds; `files` is None for one not fetched."""

    protection: Protection
    files: Files | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the checks look at. `other_refs` are delivery refs that are no branches.

    `attestations` is None where nothing is delivered; `deliveries_unread`: the branch whose
    configuration says what is delivered was not fetched. `sources` are patterns of the branches
    that are delivered, and `delivering` the jobs that do, on GitHub. `signing_variables` are names
    of variables that hold the signing key. `not_looked_at` says, a line each, which branches were
    left out.
    """

    kind: ForgeKind
    web_url: str
    repository: RepositoryProtection
    branches: tuple[Branch, ...] = ()
    deliveries: tuple[Protection, ...] = ()
    attestations: Protection | None = None
    deliveries_unread: bool = False
    sources: tuple[str, ...] = ()
    delivering: tuple[DeliveringJob, ...] = ()
    signing_variables: tuple[str, ...] = ()
    other_refs: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The outcomes, the worst first, of one repository."""

    kind: ForgeKind
    repository: str
    web_url: str
    branches: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    def of(self, state: State) -> tuple[Outcome, ...]:
        """The outcomes of one kind, in order."""
        return tuple(one for one in self.outcomes if one.state is state)

    @property
    def exit_code(self) -> int:
        """0 nothing found, 1 a hole, 2 something that decides is unknown, which outranks."""
        if any(one.level.counts for one in self.of(State.UNKNOWN)):
            return 2
        return 1 if any(one.level.counts for one in self.of(State.HOLE)) else 0
