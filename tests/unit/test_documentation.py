"""The documentation says what the code does: names, keys, ids, codes, examples and links."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.resources
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard

import click
import jsonschema
import pytest

import gitops_gate
from gitops_gate.checks.policy.builtins import REFUSED_BUILTINS
from gitops_gate.checks.policy.library import shipped_rules
from gitops_gate.checks.policy.modules import parse_module
from gitops_gate.checks.policy.reference import rules_reference
from gitops_gate.checks.policy.rules import _METADATA_KEYS, read_rule
from gitops_gate.commands import group
from gitops_gate.config import load_ratifications, load_settings, load_waivers
from gitops_gate.discovery import discover
from gitops_gate.documents import load_document
from gitops_gate.documents.limits import Limits
from gitops_gate.errors import ConfigurationError
from gitops_gate.reports import REPORTERS
from gitops_gate.source import folder_tree
from gitops_gate.verdict.values import Verdict
from tests.engines import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
EVERYTHING = [
    *PAGES,
    *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *sorted(DOCS.glob("adr/*.md")),
    *sorted(ROOT.glob("policies/*.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
]
SCHEMAS = ROOT / "gitops_gate" / "config" / "schema"
SOURCES = sorted((ROOT / "gitops_gate").rglob("*.py"))

FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def page(named: str) -> str:
    return (DOCS / f"{named}.md").read_text("utf-8")


def blocks(language: str, pages: list[Path]) -> Iterator[tuple[str, str]]:
    """Every code block of a language, with the page and line that it is on."""
    for path in dict.fromkeys(pages):
        text = path.read_text("utf-8")
        for found in FENCE.finditer(text):
            if found[2] == language:
                indent = len(found[1])
                content = "".join(line[indent:] for line in found[3].splitlines(keepends=True))
                yield f"{name(path)}:{text.count(chr(10), 0, found.start()) + 1}", content


def prose(text: str) -> str:
    return FENCE.sub("", text)


# ------------------------------------------------------------------------- made from the code


@pytest.mark.slow
def test_what_is_made_from_the_code_is_up_to_date() -> None:
    """The README's output included, which the example's check prints anew here."""
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "docs", "--check"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_of_rules_is_what_policy_docs_prints() -> None:
    assert page("rules") == rules_reference(shipped_rules()[0])


def test_the_first_screen_shows_a_policy_a_command_and_its_output() -> None:
    first = (ROOT / "README.md").read_text("utf-8").split("\n## ", 1)[0]
    assert "package gitops_gate." in first
    assert "deny contains" in first
    assert "\n$ gitops-gate check" in first
    assert "denied" in first.split("\n$ gitops-gate check", 1)[1]
    assert len(first.splitlines()) <= 65


# ------------------------------------------------------------------------- names, paths, commands


def python_or_rego(dotted: str) -> bool:
    """Whether a dotted name is something of the package, or a package of a policy."""
    parts = dotted.split(".")
    value: Any = gitops_gate
    for number, part in enumerate(parts[1:], start=1):
        try:
            value = importlib.import_module(".".join(parts[: number + 1]))
        except ImportError:
            if not hasattr(value, part):
                break
            value = getattr(value, part)
    else:
        return True
    policies = [*ROOT.glob("policies/**/*.rego"), *ROOT.glob("examples/**/*.rego")]
    declared = {
        found.group(1)
        for path in policies
        if (found := re.search(r"^package (\S+)", path.read_text("utf-8"), re.MULTILINE))
    }
    return any(f"{package}.".startswith(f"{dotted}.") for package in declared)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_name_of_the_package_exists(path: Path) -> None:
    named = set(re.findall(r"\bgitops_gate(?:\.\w+)+", prose(path.read_text("utf-8"))))
    assert [one for one in sorted(named) if not python_or_rego(one)] == []


def test_the_walk_through_the_rooms_meets_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "gitops_gate").glob("*/__init__.py")}
    rooms |= {"pipeline", "cli", "tools", "errors"}
    assert [
        room for room in sorted(rooms) if f"gitops_gate.{room}" not in page("how-it-works")
    ] == []


def test_the_walk_through_the_rooms_lists_the_applications_of_the_shop() -> None:
    settings = load_settings((ROOT / "examples/shop/.gitops-gate.yaml").read_bytes())
    found = discover(folder_tree(ROOT / "examples" / "shop"), settings).applications.values()
    rows = [f"| `{one.name}` | {one.renderer.value} | {one.environment} |" for one in found]
    table = page("how-it-works").split("| application | renderer |", 1)[1].split("\n\n", 1)[0]
    assert table.splitlines()[2:] == rows


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_every_path_that_is_named_exists(path: Path) -> None:
    tops = "gitops_gate|policies|docs|examples/(?:shop|first)|scripts|tests|benchmarks|requirements"
    text = prose(path.read_text("utf-8"))
    named = re.findall(rf"`((?:{tops})/[\w./-]*)`", text)
    elsewhere = {"policies/shop/two-replicas.rego", "gitops_gate/_policies/"}
    assert [one for one in named if one not in elsewhere and not (ROOT / one).exists()] == []


MESSAGES = {"needs"}
"""First words of messages that begin with our name, as pages quote them."""


def command_lines() -> Iterator[tuple[str, list[str]]]:
    for where, text in blocks("console", PAGES):
        for line in text.splitlines():
            if line.startswith("$ gitops-gate "):
                yield where, shlex.split(line[2:], comments=True)[1:]
    for path in PAGES:
        for inline in re.findall(r"`gitops-gate ([^`|]+)`", prose(path.read_text("utf-8"))):
            words = shlex.split(inline)
            if words[0] not in MESSAGES and not words[0].startswith("("):
                yield name(path), words


@pytest.mark.parametrize(("where", "words"), list(command_lines()), ids=str)
def test_every_command_that_is_shown_is_understood(where: str, words: list[str]) -> None:
    command: click.Command = group
    # With the group's own settings: a command keeps the first help option that it is asked for.
    context = click.Context(command, info_name="gitops-gate", **group.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{where}: {words[0]}"
        command, words = found, words[1:]
    options = {option for one in command.get_params(context) for option in one.opts}
    shown = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
    assert [option for option in shown if option not in options] == [], where


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_every_make_target_that_is_named_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    text = path.read_text("utf-8")
    named = set(re.findall(r"(?:`|^\$ )make ([a-z]+)\b", text, re.MULTILINE))
    assert [one for one in named if not re.search(rf"^{one}:", makefile, re.MULTILINE)] == []


def test_the_example_of_code_owners_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    before, shown = page("codeowners").split("```console\n", 1)
    (tmp_path / "CODEOWNERS").write_text(FENCE.findall(before)[-1][2])
    command, expected = shown.split("```", 1)[0].split("\n", 1)
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(group, shlex.split(command)[2:], standalone_mode=False)
    assert ran.output == expected


# ------------------------------------------------------------------------- configuration


def schema_keys(schema: str, content: Any = None) -> set[str]:
    """The names of all keys that a schema describes, at any depth."""
    found: set[str] = set()
    whole = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))
    waiting, followed = [content or whole], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found |= set(node.get("properties", {}))
            waiting += [v for k, v in node.items() if k not in ("examples", "default", "$defs")]
            if (name := str(node.get("$ref", "")).rpartition("/")[2]) and name not in followed:
                followed.add(name)
                waiting.append(whole["$defs"][name])
        elif isinstance(node, list):
            waiting += node
    return found


@pytest.mark.parametrize("schema", ["configuration", "waivers"])
def test_every_key_of_the_schema_has_a_section(schema: str) -> None:
    headings = re.findall(r"^### `([^`]+)`$", page("configuration"), re.MULTILINE)
    described = {part for heading in headings for part in re.split(r"\[\]\.|\.", heading)}
    assert schema_keys(schema) - described == set()


def understood(key: str) -> bool:
    """Whether a configuration may have this key at its top, as the schema says it will."""
    try:
        load_settings(f"version: 1\n{key}:\n".encode())
    except ConfigurationError as error:
        return "unknown key" not in str(error)
    return True


def test_one_example_uses_every_key() -> None:
    text = page("configuration").split("## A configuration with every key\n", 1)[1]
    example = FENCE.search(text)
    assert example
    value = load_document(example[3].encode())
    used: set[str] = set()
    waiting: list[Any] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            used |= set(node)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    schema = json.loads((SCHEMAS / "configuration.json").read_text("utf-8"))
    known = {key: part for key, part in schema["properties"].items() if understood(key)}
    wanted = schema_keys("configuration", {**schema, "properties": known})
    assert wanted - used == set()


FORGES = {"github": "github-workflows", "gitlab": "gitlab-ci"}
"""The pages whose YAML is the CI's own, and the schema that it follows."""


def accepted_by_a_ci(schema: str, value: dict[str, Any]) -> None:
    """Hold a whole file, or one of its jobs, against the schema that the vendor's editors use.

    A piece of a job alone (what stands below `with`, for example) only has to be YAML.
    """
    whole = {("on" if key == "true" else key): part for key, part in value.items()}
    if not {"on", "jobs", "include", "spec", "stages"} & set(whole):
        if not all(isinstance(part, dict) for part in whole.values()):
            return
        if schema == FORGES["github"]:
            whole = {"on": "push", "jobs": {"check": {"uses": "./check.yml"}, **whole}}
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    described = json.loads((folder / f"{schema}.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(described)(described)
    assert [error.message for error in validator.iter_errors(whole)] == []


@pytest.mark.parametrize(("where", "text"), list(blocks("yaml", PAGES)), ids=str)
def test_every_yaml_example_is_accepted(where: str, text: str) -> None:
    data = text.encode()
    value: Any = load_document(data)
    schema = FORGES.get(Path(where).stem)
    ours = set(json.loads((SCHEMAS / "configuration.json").read_text("utf-8"))["properties"])
    if schema and isinstance(value, dict) and not set(value) <= ours:
        accepted_by_a_ci(schema, value)
    elif isinstance(value, list):
        load = load_ratifications if "commit" in value[0] else load_waivers
        assert load(data, path=where)
    elif any("/" in key for key in value):
        assert all(set(cases) <= {"allowed", "denied"} for cases in value.values())
    else:
        load_settings(data, path=where)


# ------------------------------------------------------------------------- policies


@pytest.mark.parametrize(("where", "text"), list(blocks("rego", PAGES)), ids=str)
def test_every_policy_that_is_shown_loads(where: str, text: str) -> None:
    module = parse_module(where, text)
    rule = read_rule(module, source="repository", contextual=False, inventory=False)
    assert rule.title


def test_the_policy_page_explains_every_metadata_key_and_every_refused_function() -> None:
    text = page("policies")
    assert [key for key in sorted(_METADATA_KEYS) if f"| `{key}` |" not in text] == []
    assert [function for function in REFUSED_BUILTINS if f"`{function}`" not in text] == []


# ------------------------------------------------------------------------- findings and reasons

OUTSIDE = re.compile(r"(?:render|waiver|rules|repository)/[a-z]+(?:-[a-z]+)*")


def literals(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|PATH|CIRCLECI")


def test_every_variable_that_is_read_is_documented_and_the_reverse() -> None:
    """Those that a CI sets, tokens, proxies, and what changes how a command behaves."""
    readers = [
        *(ROOT / "gitops_gate" / "ci").glob("*.py"),
        *(ROOT / "gitops_gate" / "commands").glob("*.py"),
        ROOT / "gitops_gate" / "forges" / "http.py",
        ROOT / "gitops_gate" / "render" / "sandbox" / "programs.py",
    ]
    read = {one for path in readers for one in literals(path) if VARIABLE.fullmatch(one)}
    read |= {"HTTPS_PROXY", "NO_PROXY"}  # by requests, for `forges/http.py`
    section = page("configuration").split("\n## Environment variables\n", 1)[1]
    tables = "\n".join(re.findall(r"^\| .*$", section.split("\n## ", 1)[0], re.MULTILINE))
    named = {one for one in re.findall(r"`([^`]+)`", tables) if VARIABLE.fullmatch(one)}
    read |= {"GITOPS_GATE_SIGNING_KEY"}  # the one that the packaged jobs set
    assert named == read - {"CERTIFICATE_VERIFY_FAILED"}  # an error's name, in `forges/http.py`


def test_every_finding_outside_the_library_has_a_section_and_the_reverse() -> None:
    used = {one for path in SOURCES for one in literals(path) if OUTSIDE.fullmatch(one)}
    sections = re.findall(r"^## (.+)$", page("findings"), re.MULTILINE)
    assert sorted(sections) == sorted({*used, "schema", "yaml"})


def test_every_finding_outside_the_library_says_how_to_mend_it() -> None:
    for section in page("findings").split("\n## ")[1:]:
        assert "\nTo mend it: " in section, section.splitlines()[0]


DELIVERY = sorted((ROOT / "gitops_gate" / "delivery").glob("*.py"))


def named_here(node: ast.AST, assigned: dict[str, ast.expr]) -> TypeGuard[ast.Name]:
    """Whether it is a name of a constant of the same module."""
    return isinstance(node, ast.Name) and isinstance(assigned.get(node.id), ast.Constant)


def reason_codes(sources: list[Path], calls: tuple[str, ...]) -> set[str]:
    """The codes of all reasons: what is given as `code`, where that is a constant or a choice."""
    found: set[str] = set()
    for path in sources:
        tree = ast.parse(path.read_text("utf-8"))
        assigned = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            code: ast.expr | None = None
            if node.func.id in calls:
                code = next((word.value for word in node.keywords if word.arg == "code"), None)
            elif node.func.id in ("_indeterminate", "undecided"):
                code = node.args[0]
            elif node.func.id == "undecided_by":
                code = node.args[1]
            if isinstance(code, ast.Name):
                code = assigned.get(code.id)
            parts = list(ast.walk(code)) if code is not None else []
            parts += [assigned[one.id] for one in parts if named_here(one, assigned)]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.add(part.value)
    return found


def test_every_reason_is_documented_with_the_verdict_that_it_leads_to() -> None:
    verdicts = "|".join(verdict.value for verdict in Verdict)
    rows = re.findall(rf"^\| `(\w+)` \| ({verdicts}) \| \S", page("report"), re.MULTILINE)
    reviewing = [path for path in SOURCES if path not in DELIVERY]
    codes = reason_codes(reviewing, ("Reason", "ApprovalReason"))
    assert sorted(code for code, _ in rows) == sorted(codes)


def test_every_hold_of_a_delivery_is_documented_with_how_to_mend_it() -> None:
    verdicts = "|".join(verdict.value for verdict in Verdict if verdict is not Verdict.ALLOW)
    rows = re.findall(
        rf"^\| `(\w+)` \| ({verdicts}) \| \S.* \| \S.* \|$", page("delivery"), re.MULTILINE
    )
    codes = reason_codes(DELIVERY, ("Hold", "Reason"))
    others = dict(re.findall(rf"^\| `(\w+)` \| ({verdicts}) \| \S", page("report"), re.MULTILINE))
    assert codes - {code for code, _ in rows} == set()
    assert {code for code, _ in rows} <= codes | set(others)
    assert all(others[code] == verdict for code, verdict in rows if code in others)


def said_somewhere(sources: list[Path]) -> str:
    """All that the sources say, as one text; what is filled in is `…`."""
    text = " ".join(" ".join(path.read_text("utf-8").split()) for path in sources)
    return re.sub(r'" f?"|\{[^{}]*\}', lambda found: "" if '"' in found[0] else "…", text)


def test_every_alarm_of_a_delivery_is_one_that_is_raised() -> None:
    section = page("delivery").split("\n## Alarms\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| (`.*?) \| ", section, re.MULTILINE)
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    said = said_somewhere(SOURCES)
    assert len(messages) > 6
    parts = [part.strip() for message in messages for part in message.split("…")]
    assert [part for part in parts if part not in said] == []


def test_every_key_of_a_delivery_is_described() -> None:
    schema = json.loads((DELIVERY[0].parent / "schema" / "delivery.json").read_text("utf-8"))
    section = page("delivery").split("\n## What `deliver` prints", 1)[1].split("\n## ", 1)[0]
    cells = " ".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE))
    assert re.findall(r"`(\w+)`", cells) == list(schema["$defs"]["delivery"]["properties"])


@pytest.mark.parametrize("path", [ROOT / "README.md", DOCS / "report.md"], ids=name)
def test_exit_codes_are_those_of_the_verdicts(path: Path) -> None:
    text = path.read_text("utf-8")
    for verdict in Verdict:
        cells = (str(verdict.exit_code), verdict.value)
        forms = ("| {} | {} |".format(*cells), "| `{}` | {} |".format(*cells[::-1]))
        assert any(form in text for form in forms), verdict


def test_every_risk_is_named() -> None:
    from gitops_gate.changes.risk import _LABELS

    section = page("report").split("\n## Risks\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"`([a-z-]+)`", section) == sorted(_LABELS)


def test_every_format_is_listed() -> None:
    section = (ROOT / "README.md").read_text("utf-8").split("\n## Formats\n", 1)[1]
    rows = re.findall(r"^\| `([a-z]+)` \|", section.split("\n## ", 1)[0], re.MULTILINE)
    assert rows == list(REPORTERS)


# ------------------------------------------------------------------------- other statements


def test_the_limits_on_yaml_are_the_real_ones() -> None:
    section = page("security-model").split("### Limits on YAML\n", 1)[1].split("\n## ", 1)[0]
    numbers = {
        int(one.replace(",", "")) for one in re.findall(r"\| ([\d,]+)(?: bytes)? \|", section)
    }
    limits = Limits()
    assert numbers == {getattr(limits, field) for field in Limits.__dataclass_fields__}


def test_reasons_of_unclaimed_files_are_those_of_discovery() -> None:
    said = {one for path in SOURCES if "discovery" in path.parts for one in literals(path)}
    section = page("discovery").split("| reason in the report |", 1)[1].split("\n\n", 1)[0]
    rows = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[1:]
    assert rows
    assert [row for row in rows if not any(row in one for one in said)] == []


@pytest.mark.parametrize("language", ["python"])
def test_the_examples_of_the_library_do_what_they_show(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = [text for _, text in blocks(language, [DOCS / "library.md"])]
    sessions = "\n".join(text for text in shown if text.startswith(">>>"))
    for where, text in blocks(language, PAGES):
        if not text.startswith(">>>"):
            compile(text, where, "exec")
    test = doctest.DocTestParser().get_doctest(sessions, {}, "library.md", "docs/library.md", 0)
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert "".join(said) == ""
    assert len(test.examples) > 10


def test_render_stays_a_function_when_its_room_is_imported() -> None:
    importlib.import_module("gitops_gate.render.rendering")
    assert gitops_gate.render.__module__ == "gitops_gate.api"


# ------------------------------------------------------------------------- links


def anchors(path: Path) -> set[str]:
    """The anchors of a page, as forges make them from its headings."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(path.read_text("utf-8")), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        again = found.count(anchor)
        found.append(anchor)
        if again:
            found.append(f"{anchor}-{again}")
    return set(found)


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [path.name for path in DOCS.glob("*.md") if f"(docs/{path.name})" not in readme] == []
