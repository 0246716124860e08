"""`gitops-gate init`: a working configuration for what is found in the repository."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from gitops_gate.commands.ci_files import (
    NEXT,
    SHARED,
    TEMPLATES,
    ci_of,
    files_for,
    origin_of,
    own_forge,
)
from gitops_gate.config import CONFIGURATION_PATH
from gitops_gate.errors import ConfigurationError

SCHEMA_COPY = ".gitops-gate/configuration.schema.json"
WAIVERS = ".gitops-gate/waivers.yaml"
NO_WAIVERS = "# Accepted findings: rule, reason, owner and expires each.\n[]\n"

_ENVIRONMENTS = {
    "production": ("production", "prod"),
    "staging": ("staging", "stage"),
    "development": ("development", "dev"),
    "test": ("test", "testing", "qa"),
}


@click.command("init")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option(
    "--ci",
    type=click.Choice([*TEMPLATES, "none"]),
    help="Which CI to write files for; default: the one that the remote `origin`, or a file that "
    "is there, says.",
)
@click.option("--force", is_flag=True, help="Write over what is there, but for waivers.")
@click.option("--dry-run", is_flag=True, help="Print the configuration and write nothing.")
def command(repo: str, ci: str | None, force: bool, dry_run: bool) -> int:
    """Write a configuration for the applications that are found, and the files for the CI.

    Everything in the configuration can be left out: an empty one works as well. Files that are
    there are kept.
    """
    from gitops_gate.config.settings import Settings
    from gitops_gate.discovery import discover
    from gitops_gate.source import scan_tree

    tree = scan_tree(repo)
    applications = list(discover(tree, Settings()).applications.values())
    root = Path(repo)
    origin = origin_of(root)
    chosen = ci or ci_of(root, origin)
    paths = [application.path for application in applications]
    forge = own_forge(origin, chosen)
    text = configuration_for(paths, forge)
    if dry_run:
        click.echo(text, nl=False)
        return 0
    files = {CONFIGURATION_PATH: text, SCHEMA_COPY: _schema(), WAIVERS: NO_WAIVERS}
    written = _write_missing(root, files | files_for(chosen, forge), force)
    number = "1 application" if len(applications) == 1 else f"{len(applications)} applications"
    for path in written:
        click.echo(f"wrote {path}{f' for {number}' if path == CONFIGURATION_PATH else ''}")
    click.echo("next: gitops-gate scan, then commit, then gitops-gate check on a branch")
    if chosen and chosen in NEXT:
        click.echo(f"then: {NEXT[chosen]}")
    return 0


def _write_missing(root: Path, files: Mapping[str, str], force: bool) -> list[str]:
    """Write the files that are not there, or all but the waivers, and return their paths.

    Raises `ConfigurationError` when there is nothing to write, or a file cannot be written.
    """
    there = {path for path in files if (root / path).exists()}
    kept = there & {WAIVERS} if force else there
    for path in sorted(kept & SHARED):
        if "gitops-gate" not in (root / path).read_text("utf-8", "replace"):
            click.echo(f"add this to {path}, which is there already:\n\n{files[path]}")
    if len(kept) == len(files):
        raise ConfigurationError(
            "all that init writes is there already",
            remedy="--force writes over it, but for waivers",
        )
    for path in sorted(kept - {WAIVERS}):
        click.echo(f"kept {path}, which is there already")
    written = [path for path in files if path not in kept]
    for path in written:
        _write(root / path, files[path])
    return written


def _schema() -> str:
    """What editors complete and check the configuration by."""
    folder = importlib.resources.files("gitops_gate.config") / "schema"
    return (folder / "configuration.json").read_text("utf-8")


def configuration_for(paths: Sequence[str], forge: str | None = None) -> str:
    """The text of a configuration for applications with these paths, on a forge of one's own."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_COPY}",
        "version: 1",
        "",
    ]
    environments = list(_environments(paths))
    if environments:
        lines += ["# The first match wins; an application that matches none is in `default`."]
        lines += ["environments:"]
        for name, patterns in environments:
            lines += [f"  {name}:", f"    match: {json.dumps(patterns)}"]
        lines += [""]
    if forge:
        lines += ["forge:", f"  url: {forge}  # tokens are sent to no other server", ""]
    lines += [
        "schemas:",
        '  kubernetes: "1.36"       # the version that your clusters run',
        "  missing: warning         # error, once every kind has a schema",
        "",
        "policies:",
        "  builtin: [recommended]   # gitops-gate policy list shows the rules",
        "",
        "approvals:",
        "  codeowners: required     # off, or rules besides: docs/approvals.md of gitops-gate",
        "",
    ]
    return "\n".join(lines)


def _environments(paths: Iterable[str]) -> Iterable[tuple[str, list[str]]]:
    """The environments that the paths speak of, with the patterns that they need."""
    segments = {segment for path in paths for segment in path.split("/")}
    for name, words in _ENVIRONMENTS.items():
        found = [word for word in words if word in segments]
        if found:
            yield name, [f"**/{word}/**" for word in found]


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot be written: {error.strerror}", path=str(path)) from None
