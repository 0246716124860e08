"""`gitops-gate schema`: the JSON Schemas that ship with the package."""

from __future__ import annotations

import importlib.resources
import json

import click

_FILES = {"config": "configuration.json", "waivers": "waivers.json"}


@click.command("schema")
@click.argument("name", type=click.Choice([*_FILES, "report"]))
def command(name: str) -> int:
    """Print the JSON Schema of the configuration, of a waiver file, or of the JSON report."""
    if name == "report":
        from gitops_gate.reports.report_schema import report_schema

        click.echo(json.dumps(report_schema(), indent=2, ensure_ascii=False))
        return 0
    folder = importlib.resources.files("gitops_gate.config") / "schema"
    click.echo(folder.joinpath(_FILES[name]).read_text("utf-8").rstrip())
    return 0
