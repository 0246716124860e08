"""`gitops-gate schema`: the JSON Schemas that ship with the package."""

from __future__ import annotations

import importlib.resources
import json

import click

_FILES = {
    "config": ("gitops_gate.config", "configuration.json"),
    "waivers": ("gitops_gate.config", "waivers.json"),
    "ratifications": ("gitops_gate.config", "ratifications.json"),
    "audit": ("gitops_gate.audit", "audit.json"),
    "delivery": ("gitops_gate.delivery", "delivery.json"),
    "verification": ("gitops_gate.delivery", "verification.json"),
}
"""The package and the file of each schema that is written by hand."""


@click.command("schema")
@click.argument("name", type=click.Choice([*_FILES, "report"]))
def command(name: str) -> int:
    """Print a JSON Schema: of the configuration, of a file beside it, or of a report.

    Beside the configuration are waivers and ratifications; reports are the JSON report, that of an
    audit, and what `deliver` and `verify` print as JSON.
    """
    if name == "report":
        from gitops_gate.reports.report_schema import report_schema

        click.echo(json.dumps(report_schema(), indent=2, ensure_ascii=False))
        return 0
    package, file = _FILES[name]
    folder = importlib.resources.files(package) / "schema"
    click.echo(folder.joinpath(file).read_text("utf-8").rstrip())
    return 0
