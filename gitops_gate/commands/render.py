"""`gitops-gate render`: the manifests that a cluster would get, as a YAML stream."""

from __future__ import annotations

import sys

import click

from gitops_gate.errors import ConfigurationError


@click.command("render")
@click.argument("names", nargs=-1, metavar="[APPLICATION]...")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option("--head", metavar="REV", help="A revision; default: the files as they are.")
@click.option("--origin", is_flag=True, help="Say in a comment where each document comes from.")
@click.option("--list", "only_list", is_flag=True, help="Only list the applications.")
def command(
    names: tuple[str, ...], repo: str, head: str | None, origin: bool, only_list: bool
) -> int:
    """Print the rendered manifests of applications (default: all) as one YAML stream.

    Secrets are printed as they are: this is what the cluster would get. Exits 2 when an
    application cannot be rendered, after printing the others.
    """
    from gitops_gate.commands.options import cache_folder
    from gitops_gate.pipeline import Options, render_applications
    from gitops_gate.source import open_repository, scan_tree

    options = Options(applications=names, cache_folder=cache_folder())
    if head is None:
        rendered = list(render_applications(scan_tree(repo), options))
    else:
        with open_repository(repo) as repository:
            rendered = list(render_applications(repository.revision(head).tree, options))
    if not all(result.sandboxed for _, result in rendered):
        click.echo("gitops-gate: warning: there is no sandbox on this system", err=True)
    failed = 0
    for application, result in rendered:
        if only_list:
            where = f"{application.renderer.value}, {application.environment}"
            click.echo(f"{application.name}  ({where})")
            continue
        if result.failure is not None:
            failed += 1
            error = ConfigurationError(
                f"{application.name}: {result.failure.message}",
                path=result.failure.path,
                line=result.failure.line,
                remedy=result.failure.remedy,
            )
            click.echo(f"gitops-gate: {error}", err=True)
            continue
        for manifest in result.manifests:
            source = manifest.origin.path
            place = f" from {source}:{manifest.origin.line}" if source else ""
            note = f"# {application.name}{place}\n" if origin else ""
            text = manifest.text.strip(b"\n")
            sys.stdout.buffer.write(b"---\n" + note.encode("utf-8", "replace") + text + b"\n")
    sys.stdout.flush()
    return 2 if failed else 0
