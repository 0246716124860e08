"""The GitLab template as text: its inputs, where they are pasted, what its jobs let in."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

import gitops_gate
from tests.engines import ROOT

TEMPLATE = (ROOT / "templates" / "gitops-gate.yml").read_text("utf-8")
SCRIPT = (ROOT / "action" / "gitlab").read_text("utf-8")
PAGE = (ROOT / "docs" / "gitlab.md").read_text("utf-8")
JOBS = (
    *("gitops-gate:review", "gitops-gate:check", "gitops-gate:publish", "gitops-gate:again"),
    "gitops-gate:deliver",
)
PASTED = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")

HOSTILE = [
    "'; touch canary; '",
    '"; touch canary; "',
    "$(touch canary)",
    "`touch canary`",
    "${IFS}",
    "a\nscript: [touch canary]",
    "a\n",
    "\na",
    "a; b",
    "a && b",
    "a | b",
    "a > b",
    "a\\",
    "a'",
    'a"',
    "a #",
    "]]",
    "$[[ inputs.url ]]",
    "-e",
    "--upload-pack=touch",
    "ext::sh -c touch",
    "file:///etc/passwd",
    "http://elsewhere.example/x",
    "https://a.example@b.example",
    "https://a.example/$(x)",
    "../../etc",
    "é",
    "\u202e",
    "\x1b[0m",
]


class _Loader(yaml.SafeLoader):
    """Reads `!reference` as the list that it is."""


def _reference(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


_Loader.add_constructor("!reference", _reference)


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    header, body = yaml.load_all(TEMPLATE, _Loader)
    return header["spec"]["inputs"], body


INPUTS, BODY = documents()
FREE = {
    name: given
    for name, given in INPUTS.items()
    if given.get("type", "string") == "string" and "options" not in given
}


def matches(given: dict[str, Any], value: str) -> bool:
    """As RE2 and JavaScript match: `$` is the end, and not a line's."""
    return re.search(given["regex"].replace("$", r"\Z"), value) is not None


@pytest.mark.parametrize("document", [{"spec": {"inputs": INPUTS}}, BODY], ids=["spec", "jobs"])
def test_gitlabs_own_schema_accepts_it(document: dict[str, Any]) -> None:
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    described = json.loads((folder / "gitlab-ci.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(described)(described)
    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_file_at_the_root_is_a_copy() -> None:
    assert (ROOT / ".gitlab-ci-template.yml").read_text("utf-8") == TEMPLATE


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_has_a_default_and_says_what_it_is(name: str) -> None:
    given = INPUTS[name]
    assert len(given["description"]) > 20
    assert "default" in given
    assert set(given) <= {"description", "default", "type", "options", "regex"}


@pytest.mark.parametrize("name", FREE)
def test_an_input_of_free_text_takes_nothing_that_could_be_script(name: str) -> None:
    given = FREE[name]
    assert matches(given, str(given["default"]))
    assert given["regex"].startswith("^")
    assert given["regex"].endswith("$")
    # Words are harmless where they stand, between quotes; signs of a shell or of YAML never are.
    taken = [value for value in HOSTILE if matches(given, value)]
    assert [value for value in taken if re.search(r"[^A-Za-z0-9 ./:@-]", value)] == []


@pytest.mark.parametrize("name", ["url", "source"])
def test_an_address_is_one_of_a_server_over_tls(name: str) -> None:
    for value in HOSTILE:
        assert not matches(INPUTS[name], value), value
    assert not matches(INPUTS[name], "http://gitlab.example.com/x")
    assert matches(INPUTS[name], "https://gitlab.example.com:8443/gitlab/x")


def test_the_defaults_are_those_of_this_version() -> None:
    assert INPUTS["version"]["default"] == f"v{gitops_gate.__version__}"


def test_inputs_are_pasted_between_quotes_and_none_is_left_out() -> None:
    _, _, body = TEMPLATE.partition("\n---\n")
    assert set(PASTED.findall(body)) == set(INPUTS)
    assert body.count("$[[") == len(PASTED.findall(body))
    script = BODY[".gitops-gate:run"]["script"][0]
    rest = script
    for name in PASTED.findall(script):
        quoted = re.search(rf"=('|\")[^'\"]*\$\[\[ inputs\.{name} \]\][^'\"]*\1", rest)
        assert quoted or f'$[[ inputs.{name} ]] " in' in rest, name
    for line in body.splitlines():
        if PASTED.search(line) and "script" not in line:
            assert re.search(r"[\"'].*\$\[\[.*[\"']", line), line


@pytest.mark.parametrize("name", JOBS)
def test_a_job_takes_nothing_from_beside_and_no_failure_is_allowed(name: str) -> None:
    job = BODY[".gitops-gate"] | BODY[name]
    assert job["inherit"] == {"default": ["tags"], "variables": False}
    assert (job["cache"], job["before_script"], job["after_script"]) == ([], [], [])
    assert job["variables"] == {"GIT_STRATEGY": "none"}
    assert "allow_failure" not in TEMPLATE
    for rule in job["rules"]:
        assert set(rule) <= {"if", "interruptible", "when"}
        assert rule.get("interruptible") is None or "merge_request_event" in rule["if"]


@pytest.mark.parametrize(("name", "source"), [(JOBS[2], "trigger"), (JOBS[3], "schedule")])
def test_what_has_the_environment_runs_on_the_protected_default_branch_alone(
    name: str, source: str
) -> None:
    assert "environment" not in BODY[".gitops-gate"] | BODY[JOBS[0]] | BODY[JOBS[1]]
    assert BODY[name]["environment"]["action"] == "access"
    (rule,) = BODY[name]["rules"]
    assert "||" not in rule["if"]
    for part in (
        '"trusted"',
        f'$CI_PIPELINE_SOURCE == "{source}"',
        "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
        '$CI_COMMIT_REF_PROTECTED == "true"',
    ):
        assert part in rule["if"]


def test_what_delivers_runs_on_protected_branches_alone_and_to_its_end() -> None:
    job = BODY[".gitops-gate"] | BODY["gitops-gate:deliver"]
    assert job["environment"] == {
        "name": "$[[ inputs.deliver-environment ]]",
        "action": "access",
    }
    assert job["resource_group"] == "gitops-gate/deliver/$CI_COMMIT_BRANCH"
    assert job["interruptible"] is False
    assert job["cache"] == []
    default, others = (rule["if"] for rule in job["rules"])
    for rule in (default, others):
        assert "||" not in rule
        for part in (
            '"$[[ inputs.deliver ]]" == "true"',
            "$CI_PIPELINE_SOURCE =~ /^(push|schedule|web)$/",
            '$CI_COMMIT_REF_PROTECTED == "true"',
        ):
            assert part in rule
    assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in default
    assert '"$[[ inputs.branches ]]" != ""' in others


def test_no_other_job_sees_the_keys_of_a_delivery() -> None:
    script = BODY[".gitops-gate:run"]["script"][0]
    (keys,) = re.findall(r'\[ "\$1" != deliver \] \|\| own="(.*)"', script)
    theirs, own = re.findall(r'own="(.*)"', script)
    assert set(keys.split()) - set(theirs.split()) == {
        "GITOPS_GATE_DELIVERY_TOKEN",
        "GITOPS_GATE_DELIVERY_SSH_KEY",
        "GITOPS_GATE_SIGNING_KEY",
    }
    assert own == keys
    for name in keys.split():
        assert re.search(rf"^unset .*\b{name}\b", SCRIPT, re.MULTILINE), name


def test_what_is_delivered_is_said_in_the_file_and_not_by_variables() -> None:
    """Whoever starts a pipeline may set variables, and inputs only whoever may merge."""
    called = '"$here/deliver" --forge-url "$GATE_URL" --repository-id "$GATE_REPOSITORY_ID"'
    assert called in SCRIPT
    for name in ("repository-id", "push-url", "ssh-known-hosts", "trusted-keys", "dry-run"):
        assert f"='$[[ inputs.{name} ]]'" in TEMPLATE


def test_the_scripts_put_no_token_into_an_argument() -> None:
    for text in (TEMPLATE, SCRIPT):
        for line in text.splitlines():
            if "TOKEN" in line or "job_token" in line or "$token" in line:
                # printf is a builtin of the shell: its arguments are in no list of processes.
                assert re.search(
                    r"^\s*#|printf|=|unset|\[ -|say |for a|case |description|read with", line
                ), line
    assert "set -x" not in TEMPLATE + SCRIPT


def test_the_page_has_every_input_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*?) \| .* \|$", PAGE, re.MULTILINE))
    assert list(rows) == list(INPUTS)
    for name, given in INPUTS.items():
        default = given["default"]
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        assert rows[name].strip("`") == (shown or "empty"), name
