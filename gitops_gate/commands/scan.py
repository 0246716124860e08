"""`gitops-gate scan`: check a whole tree at once, with no base."""

from __future__ import annotations

import sys
from typing import Any

import click

from gitops_gate.commands.options import pipeline_options, shared, write_reports


@click.command("scan")
@click.argument("path", default=".")
@click.option("--head", metavar="REV", help="Scan this revision of the repository at PATH.")
@shared
def command(path: str, head: str | None, **arguments: Any) -> int:
    """Check everything in PATH: a directory, one file, or - for a YAML stream on stdin.

    Every finding counts, since there is no base to compare with. In a Git checkout, the files
    that Git does not ignore are read as they are in the working tree.

    \b
    Examples:
      gitops-gate scan
      gitops-gate scan clusters/production --all
      kustomize build overlays/prod | gitops-gate scan -
    """
    from gitops_gate.pipeline import scan
    from gitops_gate.source import open_repository, scan_tree, stream_tree

    options = pipeline_options(arguments)
    if path == "-":
        report = scan(stream_tree(sys.stdin.buffer.read(), "stdin.yaml"), options)
    elif head is not None:
        with open_repository(path) as repository:
            revision = repository.revision(head)
            report = scan(revision.tree, options, commit=revision.commit)
    else:
        report = scan(scan_tree(path), options)
    return write_reports(report, arguments)
