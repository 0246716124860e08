"""`gitops-gate init`: a working configuration for what is found in the repository."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from gitops_gate.commands.ci_files import (
    NEXT,
    NEXT_TO_DELIVER,
    PUBLIC,
    SHARED,
    TEMPLATES,
    ci_of,
    delivered_branch,
    delivery_section,
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
@click.option(
    "--deliver",
    is_flag=True,
    help="Also what delivers: a ref that follows the default branch, and the CI's job for it.",
)
@click.option("--force", is_flag=True, help="Write over what is there, but for waivers.")
@click.option("--dry-run", is_flag=True, help="Print the configuration and write nothing.")
def command(repo: str, ci: str | None, deliver: bool, force: bool, dry_run: bool) -> int:
    """Write a configuration for the applications that are found, and the files for the CI.

    Everything in the configuration can be left out: an empty one works as well. Files that are
    there are kept. What --deliver adds takes credentials that only a person can make:
    docs/delivery.md.
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
    branch, section = _delivery(root) if deliver else (None, [])
    text = configuration_for(paths, forge, section, chosen)
    if dry_run:
        click.echo(text, nl=False)
        return 0
    files = {CONFIGURATION_PATH: text, SCHEMA_COPY: _schema(), WAIVERS: NO_WAIVERS}
    if not force:
        _show_what_is_lacking(root, section)
    written = _write_missing(root, files | files_for(chosen, forge, branch), force)
    number = "1 application" if len(applications) == 1 else f"{len(applications)} applications"
    for path in written:
        click.echo(f"wrote {path}{f' for {number}' if path == CONFIGURATION_PATH else ''}")
    click.echo("next: gitops-gate scan, then commit, then gitops-gate check on a branch")
    if chosen and chosen in NEXT:
        click.echo(f"then: {NEXT[chosen]}")
    if deliver:
        how = NEXT_TO_DELIVER.get(chosen or "", "make the credentials and the key")
        click.echo(f"to deliver: {how}: see docs/delivery.md of gitops-gate")
    return 0


def _delivery(root: Path) -> tuple[str, list[str]]:
    """The branch that is delivered, and the section of the configuration that says so."""
    branch, commit = delivered_branch(root)
    return branch, delivery_section(branch, commit)


def _show_what_is_lacking(root: Path, section: Sequence[str]) -> None:
    """A configuration that is there is a person's own: what it lacks is shown, to be added."""
    path = root / CONFIGURATION_PATH
    if section and path.exists() and "\ndelivery:" not in f"\n{path.read_text('utf-8', 'replace')}":
        lines = "\n".join(section)
        click.echo(f"add this to {CONFIGURATION_PATH}, which is there already:\n\n{lines}")


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


def configuration_for(
    paths: Sequence[str],
    forge: str | None = None,
    delivery: Sequence[str] = (),
    ci: str | None = None,
) -> str:
    """The text of a configuration for applications with these paths, on a forge of one's own.

    `delivery` are the lines of that section, where something is delivered, on the forge of `ci`.
    """
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
    if delivery and not forge and ci in PUBLIC:
        forge = f"https://{PUBLIC[ci]}"
    if forge:
        lines += ["forge:", f"  url: {forge}  # tokens are sent to no other server"]
        lines += ["  # repository_id: 123456     # pin the numeric id as well"] if delivery else []
        lines += [""]
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
        *delivery,
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
