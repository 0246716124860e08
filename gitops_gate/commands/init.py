"""`gitops-gate init`: a working configuration for what is found in the repository."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from gitops_gate.config import CONFIGURATION_PATH
from gitops_gate.errors import ConfigurationError

SCHEMA_COPY = ".gitops-gate/configuration.schema.json"
WAIVERS = ".gitops-gate/waivers.yaml"

_ENVIRONMENTS = {
    "production": ("production", "prod"),
    "staging": ("staging", "stage"),
    "development": ("development", "dev"),
    "test": ("test", "testing", "qa"),
}


@click.command("init")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option("--force", is_flag=True, help="Write over a configuration that is there.")
@click.option("--dry-run", is_flag=True, help="Print the configuration and write nothing.")
def command(repo: str, force: bool, dry_run: bool) -> int:
    """Write a configuration for the applications that are found, and its schema for editors.

    Everything in it can be left out: an empty configuration works as well.
    """
    from gitops_gate.config.settings import Settings
    from gitops_gate.discovery import discover
    from gitops_gate.source import scan_tree

    tree = scan_tree(repo)
    applications = list(discover(tree, Settings()).applications.values())
    paths = [application.path for application in applications]
    text = configuration_for(paths)
    if dry_run:
        click.echo(text, nl=False)
        return 0
    root = Path(repo)
    if (root / CONFIGURATION_PATH).exists() and not force:
        raise ConfigurationError("is there already", path=CONFIGURATION_PATH, remedy="say --force")
    schema = importlib.resources.files("gitops_gate.config") / "schema" / "configuration.json"
    _write(root / CONFIGURATION_PATH, text)
    _write(root / SCHEMA_COPY, schema.read_text("utf-8"))
    if not (root / WAIVERS).exists():
        _write(root / WAIVERS, "# Accepted findings: rule, reason, owner and expires each.\n[]\n")
    number = "1 application" if len(applications) == 1 else f"{len(applications)} applications"
    click.echo(f"wrote {CONFIGURATION_PATH} for {number}")
    click.echo(f"wrote {SCHEMA_COPY}, which editors complete and check the configuration by")
    click.echo("next: gitops-gate scan, then commit, then gitops-gate check on a branch")
    return 0


def configuration_for(paths: Sequence[str]) -> str:
    """The text of a configuration for applications with these paths."""
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
    lines += [
        "schemas:",
        '  kubernetes: "1.36"       # the version that your clusters run',
        "  missing: warning         # error, once every kind has a schema",
        "",
        "policies:",
        "  builtin: [recommended]   # gitops-gate policy list shows the rules",
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
