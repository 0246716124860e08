"""Which forge and repository may be spoken to: what the approved configuration pins.

Whoever starts a pipeline can set its variables, the name of the target branch among them. So the
pins are read from the default branch as well as from the target, and both must say the same;
without any, only the two public forges are spoken to.
"""

from __future__ import annotations

from dataclasses import dataclass

from gitops_gate.ci import Environment
from gitops_gate.config import CONFIGURATION_PATH, load_settings
from gitops_gate.config.settings import ForgeSettings
from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.forges.endpoint import endpoint_for
from gitops_gate.forges.values import Endpoint, ForgeKind, Target
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository

_FORGES: dict[str, ForgeKind] = {"github": "github", "gitlab": "gitlab"}
_OF_THE_COMMIT = ("detached", "merge_train", "push")
"""GitLab pipelines that run on the very commit that is judged, so that its status belongs there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What is given outside of the repository: an option of the job's own command line."""

    url: str | None = None
    repository_id: int | None = None
    number: int | None = None


def tip_in_git(repository: Repository, ref: str) -> str:
    """The commit of a full ref name of the forge, as the last fetch left it in the checkout.

    Raises `SourceError` when it was not fetched.
    """
    branch = ref.removeprefix("refs/heads/")
    try:
        return repository.resolve(f"refs/remotes/origin/{branch}")
    except SourceError as error:
        try:
            return repository.resolve(ref)
        except SourceError:
            raise error from None


def pinned_forge(repository: Repository, base_ref: str | None, given: Pinned) -> ForgeSettings:
    """The pins that hold: those given, else those of the default branch and of the target.

    Raises `ConfigurationError` when the two branches pin different forges.
    """
    if given.url is not None:
        return ForgeSettings(url=given.url, repository_id=given.repository_id)
    found = {}
    for ref in dict.fromkeys((_default_branch(repository), base_ref)):
        if ref is not None:
            found[ref] = _pins_at(repository, tip_in_git(repository, ref))
    if not found:
        raise ConfigurationError(
            "neither the default branch nor the target branch is known: nothing says which forge",
            remedy="git fetch origin, or name it: --forge-url URL",
        )
    pins = list(found.values())
    if any(one != pins[0] for one in pins):
        raise ConfigurationError(
            f"{' and '.join(found)} pin different forges, and only an approved one is spoken to",
            path=CONFIGURATION_PATH,
            remedy="give both branches the same `forge`",
        )
    chosen = pins[0]
    return ForgeSettings(url=chosen.url, repository_id=given.repository_id or chosen.repository_id)


def endpoint_of(environment: Environment, pins: ForgeSettings) -> Endpoint:
    """Where the forge answers. Raises `ConfigurationError` where variables say otherwise."""
    kind = _FORGES.get(environment.ci)
    if kind is None:
        raise ConfigurationError(
            f"there is nothing to publish to from {environment.ci}",
            remedy="gitops-gate check --ci compares the same revisions and keeps the report",
        )
    return endpoint_for(
        kind,
        pinned_url=pins.url,
        api_hint=environment.api_url,
        graphql_hint=environment.graphql_url,
    )


def target_of(environment: Environment, pins: ForgeSettings, given: Pinned) -> Target:
    """Which repository, and which change request in it.

    Raises `ConfigurationError` when the CI names none, or names another than the pinned one.
    """
    hinted = environment.repository_id
    if pins.repository_id and hinted and hinted != pins.repository_id:
        raise ConfigurationError(
            f"this run is of repository {hinted}, and the configuration pins {pins.repository_id}"
        )
    if not environment.repository:
        raise ConfigurationError("the CI does not say which repository this run is of")
    return Target(
        repository=environment.repository,
        repository_id=pins.repository_id or hinted,
        number=given.number or environment.number,
        base_ref=environment.base_ref,
        pipeline_id=environment.pipeline_id if environment.event in _OF_THE_COMMIT else None,
    )


def _default_branch(repository: Repository) -> str | None:
    """The full ref name of the default branch on the forge, None where nothing says which."""
    try:
        name = repository.default_branch()
    except SourceError:
        return None
    return f"refs/heads/{name.removeprefix('refs/remotes/origin/').removeprefix('refs/heads/')}"


def _pins_at(repository: Repository, tip: str) -> ForgeSettings:
    tree = repository.revision(tip).tree
    if CONFIGURATION_PATH not in tree.entries:
        return ForgeSettings()
    try:
        return load_settings(tree.read(CONFIGURATION_PATH)).forge
    except ConfigurationError:
        return rules_of(repository, tip).rules.settings.forge
