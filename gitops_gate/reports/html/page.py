"""Puts the page together: the parts, the templates, the policy, and a last look at every line."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from gitops_gate import __version__
from gitops_gate.reports import approvals, wording
from gitops_gate.reports.escaping import visible
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.html.changes import changes_in
from gitops_gate.reports.html.facets import facets_of
from gitops_gate.reports.html.findings import found_in, states_of
from gitops_gate.reports.html.graph import WIDTH, graph_of
from gitops_gate.reports.html.rows import failures_in, rows_of
from gitops_gate.reports.links import page_link
from gitops_gate.reports.options import ReportOptions
from gitops_gate.verdict.values import Report

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = (
    "page.html.j2",
    "header.html.j2",
    "findings.html.j2",
    "approvals.html.j2",
    "changes.html.j2",
    "graph.html.j2",
    "applications.html.j2",
    "run.html.j2",
)
_STYLES = ("page.css", "parts.css")
_SCRIPTS = ("page.js", "filters.js", "diffs.js", "keys.js")
_LARGE = 200
"""Cards from which on a browser leaves those that are out of sight for later."""
_MOST_FAILURES = 5
"""Reasons that are not folded away: the findings come after them."""
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|#(?=#(?:\[|vso\[))", re.MULTILINE)
"""What a CI's runner would take for a command, were the page printed into its log."""


def write(report: Report, options: ReportOptions) -> str:
    """The report as an HTML page that holds everything, whatever the options say.

    `options.review` gives the links to source lines and to the run. No line of the page begins
    with `::` or holds `##[`.
    """
    context = options.review
    overview = Overview(report=report)
    effect = report.rules_effect
    states = {state for group in overview.groups for state in states_of(group, overview)}
    if effect is not None:
        states |= {"newly-denied"} if effect.newly_denied else set()
        states |= {"no-longer-denied"} if effect.no_longer_denied else set()
    facets = facets_of(overview, sorted(states))
    rows = rows_of(overview, facets)
    style, script = _assets(_STYLES), _assets(_SCRIPTS)
    answer = wording.answer(overview)
    text = _template().render(
        report=report,
        overview=overview,
        context=context,
        wording=wording,
        approvals=approvals,
        version=__version__,
        style=style,
        script=script,
        policy=_policy(style, script),
        answer=f"{answer[:1].upper()}{answer[1:]}",
        facets=facets,
        large=len(overview.groups) + len(overview.changes) > _LARGE,
        found=found_in(overview, facets, context),
        changes=changes_in(overview, facets),
        rows=rows,
        failures=failures_in(rows),
        most_failures=_MOST_FAILURES,
        graph=graph_of(rows, facets),
        graph_width=WIDTH,
        run_url=page_link(context.run_url) if context else None,
    )
    return _COMMAND.sub(_spelled, f"{text}\n")


def _spelled(match: re.Match[str]) -> str:
    return "&#35;" if match.group().startswith("#") else f"{match.group(1)}&#58;"


@cache
def _template() -> Template:
    from jinja2 import DictLoader, Environment, StrictUndefined

    environment = Environment(
        loader=DictLoader({name: _file("templates", name) for name in _TEMPLATES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    return environment.get_template("page.html.j2")


def _finalized(value: Any) -> Any:
    """What a template's `{{ }}` becomes: plain text is made visible, our own HTML stays."""
    return value if hasattr(value, "__html__") else visible(str(value))


def _file(folder: str, name: str) -> str:
    files = importlib.resources.files("gitops_gate.reports.html")
    return files.joinpath(folder, name).read_text("utf-8")


@cache
def _assets(names: tuple[str, ...]) -> str:
    return "".join(_file("assets", name) for name in names)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
