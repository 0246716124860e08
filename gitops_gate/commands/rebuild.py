"""`gitops-gate rebuild`: an environment's whole desired state, in the order of an empty cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.commands.options import cache_folder, configuration_of
from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.pipeline import Options
    from gitops_gate.recovery.rebuild import Rebuilt
    from gitops_gate.recovery.rebuild_missing import Lack

_MOST_NAMED = 3


@click.command("rebuild")
@click.argument("commit")
@click.option("--environment", required=True, metavar="NAME", help="Which environment.")
@click.option("--repo", default=".", metavar="DIR", help="The repository; default: around here.")
@click.option(
    "--output",
    default="-",
    metavar="DIR",
    help="A new or empty folder for one file a phase; default: -, all on stdout.",
)
@click.option(
    "--application",
    "applications",
    multiple=True,
    metavar="NAME",
    help="Only this one, to look at or to recover alone; may be repeated.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Use this configuration instead of the commit's.",
)
@click.option("--offline", is_flag=True, help="Contact nothing, not even allowed remote bases.")
@click.option("--no-cache", is_flag=True, help="Keep nothing between runs.")
@click.option("--quiet", "-q", is_flag=True, help="On stderr, only what is missing.")
def command(commit: str, environment: str, **arguments: Any) -> int:
    """Write everything that an environment is at COMMIT, ordered for a cluster with nothing in it.

    Namespaces come first, then definitions, settings of the cluster, accounts, configuration,
    storage, services, workloads, custom resources, the objects of Argo CD and Flux, and webhooks
    last. Secrets are written as they are in Git; files are readable by their owner alone.

    Stderr says what Git does not hold and the environment needs: namespaces and Secrets that are
    used and nowhere defined, definitions of custom kinds, keys, values made by chance. Argo CD and
    Flux objects make their agents deploy what these follow, which may be another commit.

    \b
    Examples:
      gitops-gate rebuild HEAD --environment production --output recovery
      for phase in recovery/*.yaml; do
        kubectl apply --server-side -f "$phase"
        kubectl wait --for=condition=Established crd --all
      done
      gitops-gate rebuild v42 --environment production | kubectl diff -f -

    `kubectl apply -f recovery` takes the files in the same order, but looks up all kinds before it
    applies any: run it again once the definitions are there.

    \b
    Exit codes: 0 complete; 1 something that is needed is missing (all there is was written);
    2 something could not be rendered or written, and nothing was.
    """
    from gitops_gate.recovery.rebuild import as_files, as_stream, rebuild
    from gitops_gate.source import open_repository

    with open_repository(arguments["repo"]) as repository:
        revision = repository.revision(commit)
        rebuilt = rebuild(revision.tree, _options(arguments), environment)
    if arguments["output"] == "-":
        sys.stdout.buffer.write(as_stream(rebuilt))
        sys.stdout.flush()
    else:
        _write(Path(arguments["output"]), as_files(rebuilt))
    for line in _summary(rebuilt, str(revision.commit), arguments):
        click.echo(line, err=True)
    return 0 if rebuilt.complete else 1


def _options(arguments: dict[str, Any]) -> Options:
    from gitops_gate.commands.progress import stage
    from gitops_gate.pipeline import Options

    return Options(
        configuration=configuration_of(arguments["config"]),
        applications=arguments["applications"],
        offline=arguments["offline"],
        cache_folder=None if arguments["no_cache"] else cache_folder(),
        stage=stage(quiet=arguments["quiet"]),
    )


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """The files in a folder of their own: what else lay there would be applied as well."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigurationError(
                f"the folder {folder} is not empty, and kubectl would apply what is there as well",
                remedy="name a new folder",
            )
        for name, content in files.items():
            opened = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(content)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}") from None


def _summary(rebuilt: Rebuilt, commit: str, arguments: dict[str, Any]) -> Iterator[str]:
    """What was written and what is missing, for the operator; nothing of it is a secret value."""
    from gitops_gate.reports.escaping import one_line
    from gitops_gate.reports.wording import plural

    quiet: bool = arguments["quiet"]
    if arguments["config"] is not None:
        yield f"gitops-gate: warning: the rules are those of --config {arguments['config'].name}"
    if arguments["applications"]:
        names = ", ".join(map(one_line, arguments["applications"]))
        yield f"gitops-gate: warning: narrowed to {names}: this is not the whole environment"
    if not rebuilt.sandboxed:
        yield "gitops-gate: warning: there is no sandbox on this system"
    total = sum(map(len, rebuilt.phases.values()))
    if not quiet:
        yield (
            f"{one_line(rebuilt.environment)} at {commit}: "
            f"{plural(len(rebuilt.applications), 'application')}, {plural(total, 'resource')}"
        )
        for phase, resources in rebuilt.phases.items():
            yield f"  {len(resources):6,}  {phase}"
        for namespace, count in rebuilt.placed.items():
            where = f"the namespace {one_line(namespace)}, their destination"
            yield f"  {plural(count, 'resource')} without a namespace put into {where}"
        for reference in rebuilt.left_out:
            yield f"  left out, since no installation runs it: the hook {one_line(str(reference))}"
    needed = [lack for lack in rebuilt.lacks if lack.needed]
    others = [lack for lack in rebuilt.lacks if not lack.needed]
    if needed:
        yield "Needed, and not in Git:"
        yield from _grouped(needed)
    if others and not quiet:
        yield "Comes from elsewhere:"
        yield from _grouped(others)
    if not needed and not quiet:
        yield "Nothing that is known to be needed is missing."


def _grouped(lacks: Iterable[Lack]) -> Iterator[str]:
    """Each sort once with what to do about it, and below it what is missing, and for whom."""
    from itertools import groupby

    from gitops_gate.reports.escaping import one_line

    for (what, remedy), some in groupby(lacks, key=lambda lack: (lack.what, lack.remedy)):
        yield f"  {what}: {remedy}" if remedy else f"  {what}"
        for lack in some:
            names = ", ".join(map(one_line, lack.applications[:_MOST_NAMED]))
            rest = len(lack.applications) - _MOST_NAMED
            more = f" and {rest} more" if rest > 0 else ""
            yield f"    {one_line(lack.name)}" + (f" (for {names}{more})" if names else "")
