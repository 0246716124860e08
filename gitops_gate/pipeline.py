"""The stages in order, and the only place that wires them.

    source -> rules -> discovery -> [render -> resources -> changes -> checks] -> verdict -> report

`check` compares two revisions of a repository; `scan` looks at one tree. What stands in brackets
is done for each application, by `gitops_gate.evaluation`, over as many workers as there are
processors. Whatever breaks on the way makes the verdict indeterminate, never allow.
"""

from __future__ import annotations

import contextlib
import datetime
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import FactCache, affected, discover, discover_pair
from gitops_gate.discovery.values import Application, Discovery
from gitops_gate.errors import ConfigurationError, GitOpsGateError
from gitops_gate.evaluation.application import render_side
from gitops_gate.evaluation.assembly import Run, assemble
from gitops_gate.evaluation.deadline import within
from gitops_gate.evaluation.engines import Engines
from gitops_gate.evaluation.pool import Progress, default_jobs, evaluate_all, keys_of
from gitops_gate.evaluation.rules import Rules, edited_rules, load_rules
from gitops_gate.evaluation.rules_effect import effect_of
from gitops_gate.evaluation.selection import side_of, tasks_of
from gitops_gate.evaluation.values import Context, Result, SchemaFiles, Side, Task
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.render import Rendered, fetch_remotes
from gitops_gate.source import Repository, Revision, Tree
from gitops_gate.verdict.values import Reason, Report, RulesEffect

PATIENCE = 5.0
"""Seconds, besides a multiple of what the deciding rules took, for the rules of a head."""

Stage = Callable[[str], Progress]


def _silent(_: str) -> Progress:
    return lambda _done, _total: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run, and what to narrow the run to. Narrowing is for looking, never for deciding.

    `configuration` is the content of a file to try out instead of the repository's own, with the
    name to show for it. `at` is the moment at which expiries are judged. `cache_folder` keeps
    facts and rendered manifests between runs, or None. `everything` evaluates all applications of
    both sides, not only those that the change affects: a ref that carries the whole tree needs a
    verdict on the whole tree. `stage` is told of each long stage, and
    gives what is told of its progress.
    """

    configuration: tuple[str, bytes] | None = None
    applications: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    at: datetime.datetime | None = None
    jobs: int | None = None
    offline: bool = False
    cache_folder: str | None = None
    require_sandbox: bool = False
    everything: bool = False
    stage: Stage = _silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """Whose rules judge a change, as a report names their source, and what stays undecided.

    `head` is the commit to report as the head where the judged revision is none, but a merge.
    """

    rules: Rules
    source: str
    head: str | None = None
    undecided: tuple[Reason, ...] = ()


def check(repository: Repository, base: str | None, head: str, options: Options) -> Report:
    """Compare two revisions of a repository, as `gitops-gate check` does.

    Without a base, the merge base of the default branch and the head is compared with, and the
    rules are those of the default branch's tip; otherwise both come from the base. Raises
    `GitOpsGateError` when there is nothing to compare or the deciding rules do not load.
    """
    after = _proposed_revision(repository, head)
    before, tip = _base(repository, base, after)
    rules = _rules(tip.tree, options)
    source = _source(options, "base" if base else "default branch")
    return compare(before, after, Deciding(rules=rules, source=source), options)


def compare(before: Revision, after: Revision, deciding: Deciding, options: Options) -> Report:
    """What a change from one revision to another does, judged by some revision's rules."""
    rules = deciding.rules
    cache = _fact_cache(options)
    options.stage("discovering applications")
    pair = discover_pair(before.tree, after.tree, rules.settings, cache)
    hit = affected(*pair, before.tree, after.tree)
    old, new = (pair[0], before.tree), (pair[1], after.tree)
    jobs = options.jobs or default_jobs()
    everywhere = pair[0].applications.keys() | pair[1].applications.keys()
    names = sorted(everywhere) if options.everything else hit.applications
    sides = [side_of(name, *place) for name in names for place in (old, new)]
    with _with_remotes(_context(rules, old, new, options), sides, options) as context:
        tasks = _narrow(
            tasks_of(names, old, new, partial(keys_of, context=context, jobs=jobs)),
            options,
        )
        results = evaluate_all(tasks, context, jobs=jobs, progress=options.stage("evaluating"))
    effect, findings = _rules_effect(before.tree, after.tree, rules, options)
    run = Run(
        rules=rules,
        source=deciding.source,
        at=options.at or datetime.datetime.now(datetime.UTC),
        base=before.commit,
        head=deciding.head or after.commit,
        known=_known(pair, options),
        unreached=hit.unreached,
        unclaimed=hit.unclaimed,
        unclaimed_total=hit.unchanged_unclaimed + len(hit.unclaimed) + len(hit.unreached),
        findings=findings,
        broken=deciding.undecided,
        warnings=_warnings(options),
        rules_effect=effect,
    )
    return assemble(results, run)


def scan(tree: Tree, options: Options, *, commit: str | None = None) -> Report:
    """Evaluate every application of one tree, as `gitops-gate scan` does: every finding counts.

    Raises `GitOpsGateError` when the tree's rules do not load.
    """
    rules = _rules(tree, options)
    options.stage("discovering applications")
    results, discovery = _whole_tree(tree, rules, options)
    run = Run(
        rules=rules,
        source=_source(options, "tree"),
        scanned=True,
        at=options.at or datetime.datetime.now(datetime.UTC),
        head=commit,
        known=_known((discovery,), options),
        unclaimed=discovery.unclaimed,
        unclaimed_total=len(discovery.unclaimed),
        warnings=_warnings(options),
    )
    return assemble(results, run)


def list_applications(tree: Tree, options: Options) -> Sequence[Application]:
    """A tree's applications, in the order of their names, rendering none of them.

    Raises `GitOpsGateError` when the tree's rules do not load or a named application is not there.
    """
    discovery = discover(tree, _rules(tree, options).settings, cache=_fact_cache(options))
    return tuple(_known((discovery,), options).values())


def render_applications(tree: Tree, options: Options) -> Iterator[tuple[Application, Rendered]]:
    """The rendered manifests of a tree's applications, in the order of their names.

    Raises `GitOpsGateError` when the tree's rules do not load or a named application is not there.
    """
    rules = _rules(tree, options)
    discovery = discover(tree, rules.settings, cache=_fact_cache(options))
    _known((discovery,), options)
    here = (discovery, tree)
    wanted = [one for one in discovery.applications.values() if _wanted(one, options)]
    sides = [side for one in wanted if (side := side_of(one.name, *here)) is not None]
    with (
        _with_remotes(_context(rules, here, here, options), sides, options) as context,
        contextlib.closing(Engines(context)) as engines,
    ):
        for side in sides:
            yield side.application, render_side(side, engines)


def _proposed_revision(repository: Repository, head: str) -> Revision:
    """The head: `worktree` and `staged` are no commits yet."""
    if head == "worktree":
        return repository.worktree()
    return repository.staged() if head == "staged" else repository.revision(head)


def _base(repository: Repository, base: str | None, head: Revision) -> tuple[Revision, Revision]:
    """What is compared with, and what decides."""
    if base is not None:
        revision = repository.revision(base)
        return revision, revision
    tip = repository.revision(repository.default_branch())
    assert tip.commit is not None
    start = head.commit or repository.resolve("HEAD")
    return repository.revision(repository.merge_base(tip.commit, start)), tip


def _rules(tree: Tree, options: Options) -> Rules:
    if options.configuration is None:
        return load_rules(tree)
    name, content = options.configuration
    return load_rules(tree, configuration=content, name=name)


def _whole_tree(tree: Tree, rules: Rules, options: Options) -> tuple[list[Result], Discovery]:
    cache = _fact_cache(options)
    discovery = discover(tree, rules.settings, cache=cache)
    here = (discovery, tree)
    context = replace(_context(rules, here, here, options), compare=False)
    tasks = [
        Task(name=name, base=None, head=side_of(name, *here)) for name in discovery.applications
    ]
    tasks = _narrow(tasks, options)
    jobs = options.jobs or default_jobs()
    with _with_remotes(context, (task.head for task in tasks), options) as complete:
        progress = options.stage("evaluating")
        return evaluate_all(tasks, complete, jobs=jobs, progress=progress), discovery


def _context(
    rules: Rules,
    base: tuple[Discovery, Tree],
    head: tuple[Discovery, Tree],
    options: Options,
) -> Context:
    return Context(
        settings=rules.settings,
        rules=rules.rule_set,
        base_schemas=_schema_files(*base, rules.settings),
        head_schemas=_schema_files(*head, rules.settings),
        require_sandbox=options.require_sandbox,
        cache_folder=options.cache_folder,
    )


@contextlib.contextmanager
def _with_remotes(
    context: Context, sides: Iterable[Side | None], options: Options
) -> Iterator[Context]:
    """The context with the remote bases that the sides take, fetched for as long as it is used."""
    closures = [side.closure for side in sides if side is not None and side.closure.remotes]
    if not closures or not context.settings.render.allow_remote:
        yield context
        return
    with tempfile.TemporaryDirectory(prefix="gitops-gate-") as scratch:
        folder = str(Path(options.cache_folder or scratch) / "remotes")
        options.stage("fetching remote bases")
        render = context.settings.render
        remotes = fetch_remotes(closures, render, folder, offline=options.offline)
        yield replace(context, remotes=remotes)


def _schema_files(discovery: Discovery, tree: Tree, settings: Settings) -> SchemaFiles:
    folders = tuple(f"{folder.strip('/')}/" for folder in settings.schemas.locations)
    found = [path for path in tree.entries if folders and path.startswith(folders)]
    crds = frozenset(discovery.crds)
    closures = discovery.closures.values()
    deployed = frozenset(path for closure in closures for path in crds & closure.files)
    return SchemaFiles(
        crds=tree.subset(discovery.crds), locations=tree.subset(found), deployed=deployed
    )


def _rules_effect(
    before: Tree, after: Tree, rules: Rules, options: Options
) -> tuple[RulesEffect | None, tuple[Finding, ...]]:
    """What the head's edit of the rules would do; rules that do not load are a finding."""
    edited = edited_rules(before, after, rules.settings)
    if options.configuration is not None or not edited:
        return None, ()
    started = time.monotonic()
    old, undecided = _judged(after, rules, options)
    patience = PATIENCE + 4 * (time.monotonic() - started)
    try:
        proposed = within(patience, partial(_proposed, after, rules, options))
    except GitOpsGateError as error:
        location = Location(path=error.path, line=error.line or 0) if error.path else None
        finding = Finding(
            rule="rules/invalid",
            severity=Severity.ERROR,
            message=f"the rules of the head cannot be used: {error.message}",
            location=location,
            remediation=error.remedy,
            fingerprint="rules/invalid",
        )
        return RulesEffect(changed=edited, error=str(error)), (finding,)
    changed = tuple(sorted({*edited, *edited_rules(before, after, proposed.settings)}))
    gates = rules.settings.gate, proposed.settings.gate
    effect = effect_of(changed, (old, gates[0]), (proposed.findings, gates[1]))
    broken = [reason.message for reason in proposed.undecided if reason not in undecided]
    return replace(effect, error=broken[0] if broken else None), ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposed:
    """What the head's own rules say about the whole of the head."""

    settings: Settings
    findings: tuple[Finding, ...]
    undecided: tuple[Reason, ...]


def _proposed(tree: Tree, deciding: Rules, options: Options) -> _Proposed:
    rules = load_rules(tree)
    settings = _with_engines_of(deciding.settings, rules.settings)
    alone = replace(options, jobs=1, stage=_silent)
    findings, undecided = _judged(tree, replace(rules, settings=settings), alone)
    return _Proposed(settings=settings, findings=findings, undecided=tuple(undecided))


def _with_engines_of(trusted: Settings, proposed: Settings) -> Settings:
    """The proposed rules with the deciding ones' engines: no head names a program that runs."""
    return replace(
        proposed,
        render=trusted.render,
        schemas=replace(
            proposed.schemas,
            engine=trusted.schemas.engine,
            kubeconform_command=trusted.schemas.kubeconform_command,
        ),
        policies=replace(
            proposed.policies,
            engine=trusted.policies.engine,
            opa_command=trusted.policies.opa_command,
            opa_url=trusted.policies.opa_url,
        ),
    )


def _judged(tree: Tree, rules: Rules, options: Options) -> tuple[tuple[Finding, ...], list[Reason]]:
    """All findings of a tree under some rules, with their waivers, and what nobody could decide."""
    results, discovery = _whole_tree(tree, rules, options)
    at = options.at or datetime.datetime.now(datetime.UTC)
    run = Run(rules=rules, source="", at=at, known=discovery.applications)
    undecided = [reason for result in results for reason in result.undecided]
    return assemble(results, run).findings, undecided


def _fact_cache(options: Options) -> FactCache | None:
    return FactCache(options.cache_folder) if options.cache_folder else None


def _narrow(tasks: Sequence[Task], options: Options) -> list[Task]:
    return [task for task in tasks if _wanted(task.application, options)]


def _wanted(application: Application, options: Options) -> bool:
    by_name = not options.applications or application.name in options.applications
    by_place = not options.environments or application.environment in options.environments
    return by_name and by_place


def _known(discoveries: Sequence[Discovery], options: Options) -> Mapping[str, Application]:
    known = {
        name: application
        for discovery in discoveries
        for name, application in discovery.applications.items()
    }
    unknown = sorted(set(options.applications) - set(known))
    if unknown:
        raise ConfigurationError(
            f"{unknown[0]}: no such application",
            remedy="gitops-gate render --list names them all",
        )
    return {name: one for name, one in known.items() if _wanted(one, options)}


def _source(options: Options, otherwise: str) -> str:
    return f"--config {options.configuration[0]}" if options.configuration else otherwise


def _warnings(options: Options) -> tuple[str, ...]:
    warnings = []
    if options.configuration:
        warnings.append(f"the rules are those of --config {options.configuration[0]}")
    if options.applications or options.environments:
        names = ", ".join((*options.applications, *options.environments))
        warnings.append(f"narrowed to {names}: this is no verdict on the whole change")
    return tuple(warnings)
