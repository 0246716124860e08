"""`gitops-gate render`: the manifests that a cluster would get, as a YAML stream."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops_gate.errors import RenderError
from gitops_gate.reports.escaping import one_line

if TYPE_CHECKING:
    from gitops_gate.discovery.values import Application
    from gitops_gate.render import Rendered


@click.command("render")
@click.argument("names", nargs=-1, metavar="[APPLICATION]...")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option("--head", metavar="REV", help="A revision; default: the files as they are.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Try out this configuration instead of the repository's.",
)
@click.option("--origin", is_flag=True, help="Say in a comment where each document comes from.")
@click.option("--list", "only_list", is_flag=True, help="Only list the applications.")
def command(
    *,
    names: tuple[str, ...],
    repo: str,
    head: str | None,
    config: Path | None,
    origin: bool,
    only_list: bool,
) -> int:
    """Print the rendered manifests of applications (default: all) as one YAML stream.

    Secrets are printed as they are: this is what the cluster would get. Exits 2 when an
    application cannot be rendered, after printing the others.
    """
    from gitops_gate.commands.options import cache_folder, configuration_of
    from gitops_gate.pipeline import Options, list_applications, render_applications
    from gitops_gate.source import open_repository, scan_tree

    options = Options(
        configuration=configuration_of(config),
        applications=names,
        cache_folder=cache_folder(),
    )
    with contextlib.ExitStack() as opened:
        if head is None:
            tree = scan_tree(repo)
        else:
            tree = opened.enter_context(open_repository(repo)).revision(head).tree
        if only_list:
            for application in list_applications(tree, options):
                where = f"{application.renderer.value}, {application.environment}"
                click.echo(one_line(f"{application.name}  ({where})"))
            return 0
        rendered = list(render_applications(tree, options))
    if not all(result.sandboxed for _, result in rendered):
        click.echo("gitops-gate: warning: there is no sandbox on this system", err=True)
    complete = [_print(application, result, origin=origin) for application, result in rendered]
    sys.stdout.flush()
    return 0 if all(complete) else 2


def _print(application: Application, result: Rendered, *, origin: bool) -> bool:
    """Print an application's manifests, or on stderr why there are none."""
    if result.failure is not None:
        error = RenderError(
            f"{application.name}: {result.failure.message}",
            path=result.failure.path,
            line=result.failure.line,
            remedy=result.failure.remedy,
        )
        click.echo(f"gitops-gate: {error}", err=True)
        return False
    for manifest in result.manifests:
        source = manifest.origin.path
        place = f" from {source}:{manifest.origin.line}" if source else ""
        note = one_line(f"{application.name}{place}") if origin else ""
        comment = f"# {note}\n" if note else ""
        text = manifest.text.strip(b"\n")
        sys.stdout.buffer.write(b"---\n" + comment.encode("utf-8", "replace") + text + b"\n")
    return True
