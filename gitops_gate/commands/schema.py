"""`gitops-gate schema`: the JSON Schemas that ship with the package."""

from __future__ import annotations

import importlib.resources

import click

_SCHEMAS = {
    "config": ("gitops_gate.config", "schema/configuration.json"),
    "waivers": ("gitops_gate.config", "schema/waivers.json"),
    "report": ("gitops_gate.reports", "schema/report.json"),
}


@click.command("schema")
@click.argument("name", type=click.Choice(list(_SCHEMAS)))
def command(name: str) -> int:
    """Print the JSON Schema of the configuration, of a waiver file, or of the JSON report."""
    package, path = _SCHEMAS[name]
    click.echo(importlib.resources.files(package).joinpath(path).read_text("utf-8").rstrip())
    return 0
