"""`gitops-gate blame`: which landed step brought a rendered value, and what it was before."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import (
    cache_folder,
    configuration_of,
    form_option,
    keys_in,
    look_of,
    look_options,
)

if TYPE_CHECKING:
    from gitops_gate.changes.values import ResourceChange
    from gitops_gate.pipeline import Options
    from gitops_gate.recovery.blame import Blame
    from gitops_gate.recovery.blame_claims import Delivery
    from gitops_gate.reports.lines import Line
    from gitops_gate.source import Repository
    from gitops_gate.source.commits import CommitFacts

_MOST_RESOURCES = 20
_MOST_FIELDS = 20
_LONGEST_VALUE = 300
_EXIT_CODES = {"found": 0, "older": 1, "unknown": 2}


@click.command("blame")
@click.argument("application")
@click.option(
    "--resource",
    metavar="KIND/[NAMESPACE/]NAME",
    help="Only this resource of the application; KIND may be Kind.group.",
)
@click.option(
    "--field",
    metavar="PATH",
    help="Only this field, as reports write it: spec.template.spec.containers[name=web].image, "
    "or with an index, containers[0].image.",
)
@click.option("--branch", default="HEAD", metavar="REV", help="Where to start; default: HEAD.")
@click.option(
    "--limit",
    default=1000,
    type=click.IntRange(min=1),
    metavar="N",
    help="Look at this many steps; default: 1000.",
)
@click.option("--repo", default=".", metavar="DIR", help="The repository; default: around here.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A public key (PEM): say who approved the step, by the attestations that it verifies.",
)
@click.option(
    "--repository-id",
    type=click.IntRange(min=1),
    metavar="ID",
    help="With --key: the numeric id that the forge has for the repository.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Use this configuration for every commit, instead of its own.",
)
@form_option
@click.option("--offline", is_flag=True, help="Contact nothing, not even allowed remote bases.")
@click.option("--no-cache", is_flag=True, help="Keep nothing between runs.")
@look_options
def command(application: str, **arguments: Any) -> int:
    """Say which landed step brought what APPLICATION renders to, and what it was before.

    Goes back along the first parents of a branch, newest first, and renders the application at
    each step that touches any file it is made of: its own, a base, a component, a values file.
    The first step across which the value differs is the answer. Without --resource and --field,
    it is the newest step that changed anything the cluster gets of the application.

    The number of a change request is taken from the commit's message, which says what its author
    wrote. With --key and --repository-id it is the attestation that says it, and who approved
    it. Values of Secrets are never shown, only that they changed.

    \b
    Examples:
      gitops-gate blame apps/shop/overlays/production
      gitops-gate blame apps/shop/overlays/production --resource Deployment/web
      gitops-gate blame shop --resource Deployment/shop/web --field spec.replicas
      gitops-gate blame shop --resource Deployment/web --field 'containers[name=web].image'

    \b
    Exit codes: 0 found; 1 not changed in the steps that were looked at; 2 it cannot be known
    (history was not fetched, nothing can be rendered), or there is no such thing.
    """
    from gitops_gate.recovery.blame import Question, blame
    from gitops_gate.recovery.blame_selecting import parse_field, parse_resource
    from gitops_gate.source import open_repository

    resource, field, config = arguments["resource"], arguments["field"], arguments["config"]
    question = Question(
        application=application,
        resource=parse_resource(resource) if resource is not None else None,
        field=parse_field(field) if field is not None else (),
    )
    options, revision, limit = _options(arguments), arguments["branch"], arguments["limit"]
    with open_repository(arguments["repo"]) as repository:
        delivered = _delivered(repository, arguments)
        found = blame(repository, question, options, revision=revision, limit=limit)
        if arguments["form"] == "json":
            text = _json(found, delivered)
        else:
            _, color = look_of(no_color=arguments["no_color"], terminal=sys.stdout.isatty())
            text = _text(found, delivered, _attested_in(repository, arguments), color=color)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
    if config is not None:
        click.echo(f"gitops-gate: warning: the rules are those of --config {config.name}", err=True)
    return _EXIT_CODES[found.answer.value]


def _options(arguments: dict[str, Any]) -> Options:
    from gitops_gate.commands.progress import stage
    from gitops_gate.pipeline import Options

    return Options(
        configuration=configuration_of(arguments["config"]),
        offline=arguments["offline"],
        cache_folder=None if arguments["no_cache"] else cache_folder(),
        stage=stage(quiet=arguments["quiet"]),
    )


def _delivered(repository: Repository, arguments: Mapping[str, Any]) -> Mapping[str, Delivery]:
    """The deliveries that the attestations of the clone tell of, by commit."""
    from gitops_gate.recovery.blame_claims import deliveries

    if bool(arguments["keys"]) != bool(arguments["repository_id"]):
        raise click.UsageError("--key and --repository-id go together")
    if not arguments["keys"]:
        return {}
    return deliveries(repository, arguments["repository_id"], keys_in(arguments["keys"]))


def _attested_in(repository: Repository, arguments: Mapping[str, Any]) -> str | None:
    """The branch of attestations, where nothing is read from it for want of a key."""
    from gitops_gate.recovery.blame_claims import attestation_branch

    return None if arguments["keys"] else attestation_branch(repository)


def _text(
    found: Blame, delivered: Mapping[str, Delivery], branch: str | None, *, color: bool
) -> str:
    from gitops_gate.reports.lines import paint

    return paint(_lines(found, delivered, branch), color=color)


def _lines(found: Blame, delivered: Mapping[str, Delivery], branch: str | None) -> Iterator[Line]:
    from gitops_gate.reports.escaping import one_line
    from gitops_gate.reports.wording import path_text, plural

    subject = str(found.resource) if found.resource else "all resources"
    if found.field:
        value = "absent" if found.value is None else _value(found.value)
        subject += f"  {path_text(found.field)} is {value}"
    yield ((one_line(found.application), "strong"), (f"  {one_line(subject)}", ""))
    yield ()
    if len(found.steps) > 1:
        yield ((f"One of these {len(found.steps)} steps, which cannot be told apart:", ""),)
    for commit in found.steps:
        yield from _step(commit, delivered.get(commit.commit))
    if found.moved_from:
        yield ((f"  the application moved from {one_line(found.moved_from)}", ""),)
    for change in found.changes[:_MOST_RESOURCES]:
        yield from _change(change)
    if len(found.changes) > _MOST_RESOURCES:
        rest = len(found.changes) - _MOST_RESOURCES
        yield ((f"  and {plural(rest, 'more resource')} (--format json has all)", "dim"),)
    if found.reason:
        remedy = f" ({found.remedy})" if found.remedy else ""
        yield ((one_line(f"{found.reason}{remedy}"), ""),)
    yield ()
    counts = f"{plural(found.seen, 'step')} looked at, {plural(found.rendered, 'render')}"
    yield ((counts, "dim"),)
    if branch is not None and found.steps:
        yield ((f"Deliveries are attested in {branch}: --key says who approved", "dim"),)


def _step(commit: CommitFacts, delivery: Delivery | None) -> Iterator[Line]:
    from gitops_gate.recovery.blame_claims import claimed_changes
    from gitops_gate.reports.escaping import one_line

    when = commit.committed_at.isoformat(" ", "seconds")
    yield ((commit.commit, "name"), (f"  {when}, by the committer's clock", "dim"))
    yield ((f"  {one_line(commit.subject, 200)}", ""),)
    if claimed := claimed_changes(commit.message):
        yield ((f"  change request {', '.join(claimed)}, as the commit's message says", ""),)
    if delivery is not None:
        numbers = ", ".join(map(str, delivery.changes))
        people = ", ".join(map(one_line, delivery.approved_by)) or "nobody"
        yield ((f"  change request {numbers}, approved by {people} (attested)", ""),)


def _change(change: ResourceChange) -> Iterator[Line]:
    from gitops_gate.reports.escaping import one_line
    from gitops_gate.reports.wording import OPERATION_SIGNS, path_text, plural

    before = f", before {change.previous}" if change.previous is not None else ""
    name = one_line(f"{change.resource}{before}")
    operation = change.operation.value
    sign = OPERATION_SIGNS[change.operation]
    yield ((f"  {sign} ", operation), (f"{name}  ", ""), (operation, "dim"))
    for field in change.fields[:_MOST_FIELDS]:
        sides = ["absent" if s is None else _value(s) for s in (field.base, field.head)]
        yield ((f"      {one_line(path_text(field.path))}: {sides[0]} → {sides[1]}", ""),)
    rest = len(change.fields) - _MOST_FIELDS + change.omitted
    if rest > 0:
        yield ((f"      and {plural(rest, 'more field')} (--format json has all)", "dim"),)


def _value(value: Any) -> str:
    from gitops_gate.reports.escaping import one_line
    from gitops_gate.reports.wording import value_text

    return one_line(value_text(value, _LONGEST_VALUE))


def _json(found: Blame, delivered: Mapping[str, Delivery]) -> str:
    from gitops_gate.reports.json_text import json_text

    resource = _reference(found.resource)
    value = {
        "application": found.application,
        "resource": resource,
        "field": list(found.field) or None,
        "value": found.value,
        "tip": found.tip.commit,
        "answer": found.answer.value,
        "reason": found.reason,
        "steps": [_step_value(commit, delivered.get(commit.commit)) for commit in found.steps],
        "moved_from": found.moved_from,
        "changes": [
            {
                "operation": change.operation.value,
                "resource": _reference(change.resource),
                "previous": _reference(change.previous),
                "fields": [
                    {"path": list(field.path), "before": field.base, "after": field.head}
                    for field in change.fields
                ],
                "omitted": change.omitted,
            }
            for change in found.changes
        ],
        "looked_at": {"steps": found.seen, "renders": found.rendered},
    }
    return json_text(value, 3)


def _step_value(commit: CommitFacts, delivery: Delivery | None) -> dict[str, Any]:
    from dataclasses import asdict

    from gitops_gate.recovery.blame_claims import claimed_changes

    return {
        "commit": commit.commit,
        "committed_at": commit.committed_at.isoformat(),
        "subject": commit.subject,
        "claimed_change_requests": list(claimed_changes(commit.message)),
        "delivery": asdict(delivery) if delivery is not None else None,
    }


def _reference(reference: Any) -> dict[str, str] | None:
    if reference is None:
        return None
    return {
        "apiVersion": reference.api_version,
        "kind": reference.kind,
        "namespace": reference.namespace,
        "name": reference.name,
    }
