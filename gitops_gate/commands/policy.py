"""`gitops-gate policy`: the rules themselves, to list, to explain, to test and to document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from gitops_gate.errors import ConfigurationError

if TYPE_CHECKING:
    from gitops_gate.checks.policy.rules import Rule


@click.group("policy")
def command() -> None:
    """List, explain, test and document the rules."""


@command.command("list", short_help="List the selected rules with severity and source.")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option("--all", "everything", is_flag=True, help="Rules that are not selected, too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def list_rules(repo: str, everything: bool, form: str) -> int:
    """List the rules that the repository's configuration selects, with severity and source."""
    from gitops_gate.checks.policy.library import shipped_rules

    selected = {one.rule.id: one for one in _rule_set(repo).rules}
    rules = {identity: one.rule for identity, one in selected.items()}
    if everything:
        rules |= {rule.id: rule for rule in shipped_rules()[0] if rule.id not in rules}
    rows = []
    for identity, rule in sorted(rules.items()):
        chosen = selected.get(identity)
        severity = chosen.severity("") if chosen else None
        rows.append(
            {
                "rule": identity,
                "severity": severity.value if severity else "off",
                "source": rule.source,
                "title": rule.title,
            }
        )
    if form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    width = max((len(row["rule"]) for row in rows), default=0)
    for row in rows:
        click.echo(
            f"{row['rule']:<{width}}  {row['severity']:<7}  {row['source']:<10}  {row['title']}"
        )
    return 0


@command.command("show", short_help="Explain one rule.")
@click.argument("rule_id", metavar="RULE")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
def show(rule_id: str, repo: str) -> int:
    """Explain one rule: what it looks at, why, how to satisfy it, its parameters."""
    click.echo(_description(_find(rule_id, repo)))
    return 0


@command.command("test", short_help="Run the tests and golden cases of the policies.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--repo", default=".", metavar="DIR", help="The repository or directory.")
@click.option("--minimum-coverage", type=click.IntRange(0, 100), metavar="PERCENT")
def test(paths: tuple[str, ...], repo: str, minimum_coverage: int | None) -> int:
    """Run the _test.rego files and golden cases of the repository's policies, or of PATHs.

    Exits 1 when a test fails or the coverage is below the minimum, 2 when there is no test.
    """
    from gitops_gate.checks.policy.testing import run_tests

    outcome = run_tests(_test_files(repo, paths))
    for failure in outcome.failures:
        click.echo(f"FAIL  {failure.name}  {failure.path}\n      {failure.message}")
    covered = f"{outcome.coverage:.0f} % of lines covered"
    click.echo(f"{outcome.passed} passed, {len(outcome.failures)} failed; {covered}")
    if outcome.passed + len(outcome.failures) == 0:
        raise ConfigurationError(
            "no policy test was found", remedy="write <rule>_test.rego beside <rule>.rego"
        )
    below = minimum_coverage is not None and outcome.coverage < minimum_coverage
    return 1 if outcome.failures or below else 0


@command.command("docs")
@click.option("--repo", metavar="DIR", help="Document a repository's rules, not the library's.")
def docs(repo: str | None) -> int:
    """Write the Markdown reference of the rules to stdout."""
    from gitops_gate.checks.policy.library import shipped_rules
    from gitops_gate.checks.policy.reference import rules_reference

    rules = [one.rule for one in _rule_set(repo).rules] if repo else list(shipped_rules()[0])
    click.echo(rules_reference(rules), nl=False)
    return 0


def _rule_set(repo: str) -> Any:
    from gitops_gate.evaluation.rules import load_rules
    from gitops_gate.source import scan_tree

    return load_rules(scan_tree(repo)).rule_set


def _find(rule_id: str, repo: str) -> Rule:
    import difflib

    from gitops_gate.checks.policy.library import shipped_rules

    rules = {rule.id: rule for rule in shipped_rules()[0]}
    if rule_id not in rules:
        rules |= {one.rule.id: one.rule for one in _rule_set(repo).rules}
    if rule_id not in rules:
        near = difflib.get_close_matches(rule_id, sorted(rules), n=1)
        hint = f"did you mean {near[0]}?" if near else "gitops-gate policy list names them"
        raise ConfigurationError(f"there is no rule {rule_id}", remedy=hint)
    return rules[rule_id]


def _description(rule: Rule) -> str:
    lines = [
        f"{rule.id}  ({rule.severity.value}, {rule.source}: {rule.path})",
        rule.title,
        "",
        rule.description,
        "",
    ]
    if rule.remediation:
        lines += [f"To satisfy it: {rule.remediation}"]
    lines += [f"Looks at: {', '.join(rule.kinds)} on {', '.join(rule.operations)}"]
    lines += [
        f"Parameter {name}: {about.description} Default: {json.dumps(about.default)}."
        for name, about in rule.parameters.items()
    ]
    lines += [f"See: {reference}" for reference in rule.related]
    return "\n".join(lines)


def _test_files(repo: str, paths: tuple[str, ...]) -> dict[str, bytes]:
    from gitops_gate.checks.policy import is_policy_path
    from gitops_gate.evaluation.rules import load_rules
    from gitops_gate.source import scan_tree

    files: dict[str, bytes] = {}
    if paths:
        for path in paths:
            tree = scan_tree(path)
            files |= {name: tree.read(name) for name in tree.entries if _is_test_file(name)}
        return files
    tree = scan_tree(repo)
    settings = load_rules(tree).settings.policies
    wanted = [name for name in tree.entries if is_policy_path(name, settings)]
    return {name: tree.read(name) for name in wanted if _is_test_file(name)}


def _is_test_file(name: str) -> bool:
    return name.endswith((".rego", ".cases.yaml"))
