"""What the tree of a branch says about who owns the files that decide, and about its jobs.

The tree is the branch's tip in the checkout, as the last fetch left it. Whoever may change a file
that is not there yet counts too: a workflow that is added runs like one that is edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitops_gate.approvals.codeowners import Dialect, OwnersFile, find_codeowners, owners_of
from gitops_gate.approvals.codeowners.find import PLACES
from gitops_gate.audit.values import DeliveringJob, Files, Owned
from gitops_gate.config import CONFIGURATION_PATH, load_settings
from gitops_gate.config.settings import Settings
from gitops_gate.documents import load_document
from gitops_gate.errors import ConfigurationError, ManifestError
from gitops_gate.forges.values import ForgeKind
from gitops_gate.source.values import Mode, Tree

_WORKFLOWS = ".github/workflows/"
_ACTIONS = ".github/actions/"
_NEW = "a-new-file"
_OURS = "gitops-gate"
_DELIVERS = re.compile(r"gitops[-_]gate[\s\\]+deliver\b")


def settings_of(tree: Tree) -> Settings:
    """The configuration of a tree. Raises `ConfigurationError` when it is wrong."""
    if CONFIGURATION_PATH not in tree.entries:
        return Settings()
    return load_settings(tree.read(CONFIGURATION_PATH))


def read_files(tree: Tree, kind: ForgeKind, ci_definition: str | None) -> Files:
    """What a branch's tree says. Raises `ConfigurationError` when its configuration is wrong."""
    settings = settings_of(tree)
    gate_jobs, jobs = _jobs(tree) if kind == "github" else ((), ())
    return Files(
        check_name=settings.review.check_name,
        owned=_owned(tree, kind, settings, ci_definition),
        gate_jobs=gate_jobs,
        jobs=jobs,
    )


def _owned(tree: Tree, kind: ForgeKind, settings: Settings, ci_definition: str | None) -> Owned:
    try:
        file = find_codeowners(tree, Dialect(kind))
    except ConfigurationError as error:
        return Owned(problem=str(error))
    if file is None:
        return Owned()
    places = PLACES[Dialect(kind)]
    before = places[: places.index(file.path) + 1]
    ci = _workflows(tree) if kind == "github" else _pipeline(ci_definition)
    return Owned(
        file=file.path,
        codeowners=not _unowned(file, before),
        unowned_ci=_unowned(file, ci),
        unowned_rules=_unowned(file, _rules(settings)),
    )


def _unowned(file: OwnersFile, paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        path
        for path in paths
        if not any(match.owners and not match.optional for match in owners_of(file, path))
    )


def _workflows(tree: Tree) -> list[str]:
    found = [path for path in tree.entries if path.startswith((_WORKFLOWS, _ACTIONS))]
    return [*sorted(found), f"{_WORKFLOWS}{_NEW}.yml"]


def _pipeline(definition: str | None) -> list[str]:
    """The file that GitLab reads, where it is one of this project."""
    return [] if not definition or "@" in definition or "://" in definition else [definition]


def _rules(settings: Settings) -> list[str]:
    policies = [f"{path.rstrip('/')}/{_NEW}.rego" for path in settings.policies.paths]
    return [CONFIGURATION_PATH, settings.waivers, *policies]


# --------------------------------------------------------------------------------- workflows


def _jobs(tree: Tree) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that jobs report under: of those that run the gate, and of all."""
    gate, every = set(), set()
    for name, job in _all_jobs(tree):
        every.add(name)
        if any(_OURS in text for text in _texts(job)):
            gate.add(name)
    return tuple(sorted(gate)), tuple(sorted(every))


def delivering_jobs(tree: Tree) -> tuple[DeliveringJob, ...]:
    """The jobs of GitHub workflows that call `gitops-gate deliver`, by a command or an action."""
    return tuple(
        DeliveringJob(name=name, environment=_environment(job.get("environment")))
        for name, job in _all_jobs(tree)
        if _delivers(job)
    )


def _delivers(job: Mapping[str, Any]) -> bool:
    for step in _steps(job):
        given = step.get("with")
        command = given.get("command") if isinstance(given, dict) else None
        if command == "deliver" and "uses" in step:
            return True
        if _DELIVERS.search(str(step.get("run", ""))):
            return True
    return False


def _environment(value: object) -> str | None:
    """`environment: NAME`, or `{name: NAME, url: …}`."""
    name = value.get("name") if isinstance(value, dict) else value
    return str(name) if name else None


def _all_jobs(tree: Tree) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, entry in sorted(tree.entries.items()):
        is_file = entry.mode in (Mode.FILE, Mode.EXECUTABLE)
        if not path.startswith(_WORKFLOWS) or not path.endswith((".yml", ".yaml")) or not is_file:
            continue
        try:
            workflow = load_document(tree.read(path), strict=False)
        except ManifestError:
            continue  # GitHub runs no workflow that is no YAML
        jobs = workflow.get("jobs") if isinstance(workflow, dict) else None
        for key, job in (jobs if isinstance(jobs, dict) else {}).items():
            if isinstance(job, dict):
                yield str(job.get("name") or key), job


def _texts(job: Mapping[str, Any]) -> Iterator[str]:
    """What a job calls: another workflow, actions, commands."""
    for step in _steps(job):
        yield from (str(step[key]) for key in ("uses", "run") if key in step)


def _steps(job: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The steps of a job, and the job itself, which may call another workflow."""
    steps = job.get("steps")
    for step in [job, *(steps if isinstance(steps, list) else [])]:
        if isinstance(step, Mapping):
            yield step
