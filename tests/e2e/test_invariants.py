"""The invariants of the design, seen from outside: what breaks, or is missing, never allows."""

from __future__ import annotations

import importlib
import json
import os
import signal
import stat
from pathlib import Path
from unittest import mock

import pytest

from tests.e2e.conftest import Gate
from tests.e2e.repositories import (
    QUIET,
    Link,
    chart,
    config_map,
    container,
    crd,
    deployment,
    kustomization,
    manifest,
    repository,
    rule,
)
from tests.unit.source.repositories import GitRepository

CONFIGURATION = ".gitops-gate.yaml"

DENY_RED = (
    'deny contains {"message": "is red", "field": ["data", "colour"]} if '
    '{\n\tinput.object.data.colour == "red"\n}'
)

# Each stage that a check goes through, as (where it is looked up, its name).
STAGES = [
    ("gitops_gate.source", "open_repository"),
    ("gitops_gate.source.repository:Repository", "revision"),
    ("gitops_gate.source.repository:Repository", "merge_base"),
    ("gitops_gate.source.repository:Repository", "default_branch"),
    ("gitops_gate.pipeline", "load_rules"),
    ("gitops_gate.pipeline", "discover_pair"),
    ("gitops_gate.pipeline", "affected"),
    ("gitops_gate.pipeline", "side_of"),
    ("gitops_gate.pipeline", "tasks_of"),
    ("gitops_gate.pipeline", "keys_of"),
    ("gitops_gate.pipeline", "evaluate_all"),
    ("gitops_gate.pipeline", "edited_rules"),
    ("gitops_gate.pipeline", "effect_of"),
    ("gitops_gate.pipeline", "discover"),
    ("gitops_gate.pipeline", "assemble"),
    ("gitops_gate.evaluation.pool", "evaluate"),
    ("gitops_gate.evaluation.pool", "resource_keys"),
    ("gitops_gate.evaluation.pool:Engines", "__init__"),
    ("gitops_gate.evaluation.pool:Engines", "close"),
    ("gitops_gate.evaluation.application", "render"),
    ("gitops_gate.evaluation.application", "read_resources"),
    ("gitops_gate.evaluation.application", "application_digest"),
    ("gitops_gate.evaluation.application", "pair"),
    ("gitops_gate.evaluation.application", "compare"),
    ("gitops_gate.evaluation.application", "check_side"),
    ("gitops_gate.evaluation.application", "FindingBuilder"),
    ("gitops_gate.evaluation.engines:Engines", "validate"),
    ("gitops_gate.evaluation.engines:Engines", "judge"),
    ("gitops_gate.checks.schema", "build_validator"),
    ("gitops_gate.checks.policy", "build_engine"),
    ("gitops_gate.evaluation.defects", "identity"),
    ("gitops_gate.evaluation.defects", "introduced"),
    ("gitops_gate.evaluation.defects", "fingerprint"),
    ("gitops_gate.evaluation.defects:Places", "of"),
    ("gitops_gate.evaluation.assembly", "apply_waivers"),
    ("gitops_gate.evaluation.assembly", "decide"),
    ("gitops_gate.reports", "render_report"),
]
ERRORS = [RuntimeError, KeyError, MemoryError, RecursionError, OSError]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A change that goes through every stage: a finding, an edited rule, a moved application."""
    made = repository(
        tmp_path_factory.mktemp("busy") / "repository",
        {
            CONFIGURATION: QUIET,
            "policies/red.rego": rule("red", DENY_RED, severity="warning"),
            "apps/shop/settings.yaml": config_map(colour="red"),
            "apps/old/settings.yaml": config_map("moving"),
            "apps/old/more.yaml": config_map("staying", namespace="other"),
        },
        {
            "policies/red.rego": rule("red", DENY_RED, severity="error"),
            "apps/shop/settings.yaml": config_map(colour="red", size="2"),
            "apps/old/settings.yaml": None,
            "apps/old/more.yaml": None,
            "apps/new/settings.yaml": config_map("moving"),
        },
    )
    return made.folder


def test_the_busy_change_is_allowed_when_nothing_breaks(busy: Path, gate: Gate) -> None:
    run = gate("check", "--repo", busy)
    assert run.code == 0
    assert run.report["rules_effect"]["newly_denied"]
    assert run.application("apps/new")["moved_from"] == "apps/old"


@pytest.mark.parametrize(("home", "name"), STAGES)
def test_a_stage_that_raises_never_allows(
    busy: Path, command: Gate, monkeypatch: pytest.MonkeyPatch, home: str, name: str
) -> None:
    module, _, inner = home.partition(":")
    owner = importlib.import_module(module)
    owner = getattr(owner, inner) if inner else owner
    for error in ERRORS:
        called = mock.Mock(side_effect=error("hello from the inside"))
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, called)
            run = command("check", "--repo", busy, "--jobs", "1", "--no-cache")
        assert called.called, "the stage is not called at all"
        assert run.code == 2, (error, run.out)
        assert "Traceback" not in run.out + run.err


WORKER_STAGES = [
    (home, name)
    for home, name in STAGES
    if home.startswith("gitops_gate.eval") and name != "resource_keys"  # sent, so no mock can be
]


@pytest.mark.parametrize(("home", "name"), WORKER_STAGES)
def test_a_stage_that_raises_in_a_worker_never_allows(
    busy: Path, command: Gate, monkeypatch: pytest.MonkeyPatch, home: str, name: str
) -> None:
    from gitops_gate.evaluation import pool

    module, _, inner = home.partition(":")
    owner = importlib.import_module(module)
    owner = getattr(owner, inner) if inner else owner
    for error in (RuntimeError, MemoryError):
        with monkeypatch.context() as patch:
            patch.setattr(pool, "WORTH_A_PROCESS", 0)
            patch.setattr(owner, name, mock.Mock(side_effect=error("hello from the inside")))
            run = command("check", "--repo", busy, "--jobs", "2", "--no-cache")
        answered = name == "close"  # by then, the answers have been given
        assert run.code == 2 or answered, (error, run.out)
        assert "Traceback" not in run.out + run.err


def test_a_stage_that_breaks_in_one_application_leaves_the_others(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gitops_gate.evaluation import application

    made = repository(
        tmp_path / "r",
        {"a/x.yaml": config_map(), "b/x.yaml": config_map(namespace="b")},
        {"a/x.yaml": config_map(a="1"), "b/x.yaml": config_map(namespace="b", b="1")},
    )
    original = getattr(application, "compare")  # noqa: B009 - the stage as the application sees it

    def sometimes(name: str, *rest: object, **more: object) -> object:
        if name == "a":
            raise KeyError("secret-inside")
        return original(name, *rest, **more)

    monkeypatch.setattr(application, "compare", sometimes)
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert "internal_error" in run.reasons
    assert "application_failed" in run.reasons
    assert run.application("a")["status"] == "failed"
    assert run.application("b")["status"] == "rendered"
    assert run.changes == [("b", "modified", "ConfigMap/settings")]
    assert "secret-inside" not in run.out + run.err + json.dumps(run.report)


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_worker_that_dies_makes_the_verdict_indeterminate(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    from gitops_gate.evaluation import application

    base = {f"apps/{n:02}/x.yaml": config_map(f"c{n}") for n in range(40)}
    head = {path: config_map(f"c{n}", n="1") for n, path in enumerate(base)}
    made = repository(tmp_path / "r", {**base, CONFIGURATION: QUIET}, head)
    parent = os.getpid()

    def die(*_: object, **__: object) -> None:
        assert os.getpid() != parent
        if end == "exit":
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(application, "compare", die)
    run = gate("check", "--repo", made.folder, "--base", "main", "--jobs", "2")
    assert run.code == 2
    assert "internal_error" in run.reasons
    assert run.report["coverage"]["applications"]["failed"] == 40


def test_nothing_discovered_is_indeterminate(tmp_path: Path, gate: Gate) -> None:
    made = repository(tmp_path / "r", {"README.md": "hello\n"}, {"README.md": "hello again\n"})
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert run.reasons == ["no_application_discovered"]


def test_a_readme_alone_affects_no_application(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {"README.md": "hello\n", "apps/x.yaml": config_map()},
        {"README.md": "hello again\n", ".github/workflows/ci.yaml": "on: push\njobs: {}\n"},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 0
    assert run.reasons == ["no_application_affected"]
    assert run.application("apps")["status"] == "unchanged"


@pytest.mark.parametrize(
    "body",
    [
        "deny := 1 if {\n\tinput.object.kind\n}",
        "deny contains 1 if {\n\tinput.object.kind\n}",
        'deny contains "x" if {\n\tto_number("x" + input.object.kind)\n}',
        'deny contains "x" if {\n\tto_number(input.object.kind) == 1\n}',
        'deny := {"x"} if {\n\tinput.object.kind == "Never"\n}',
        'deny contains {"field": ["x"]} if {\n\tinput.object.kind\n}',
        'deny contains {"message": "x", "field": 5} if {\n\tinput.object.kind\n}',
    ],
    ids=["number", "of-numbers", "type", "builtin", "undefined", "no-message", "no-path"],
)
def test_a_policy_that_does_not_answer_is_indeterminate(
    tmp_path: Path, gate: Gate, body: str
) -> None:
    made = repository(
        tmp_path / "r",
        {
            CONFIGURATION: QUIET,
            "policies/broken.rego": rule("broken", body),
            "apps/x.yaml": config_map(),
        },
        {"apps/x.yaml": config_map(a="1")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert "policy_error" in run.reasons or not run.report
    assert "house/broken" in json.dumps(run.report) + run.err or "broken.rego" in run.err


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://localhost"})',
        "opa.runtime()",
        "time.now_ns() > 0",
        'no.such.function("x")',
        "no_such_function(1)",
        'rand.intn("x", 3) > 0',
        'net.lookup_ip_addr("localhost")',
    ],
)
def test_a_function_that_is_not_allowed_does_not_load(
    tmp_path: Path, gate: Gate, call: str
) -> None:
    body = f'deny contains "x" if {{\n\t{call}\n}}'
    made = repository(
        tmp_path / "r",
        {"policies/broken.rego": rule("broken", body), "apps/x.yaml": config_map()},
        {"apps/x.yaml": config_map(a="1")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert "policies/broken.rego:6" in run.err
    assert call.partition("(")[0] in run.err


def test_a_missing_schema_decides_as_configured(tmp_path: Path, gate: Gate) -> None:
    odd = manifest("example.com/v1", "Widget", "w", spec={})
    codes = {}
    for missing in ("error", "warning", "ignore"):
        made = repository(
            tmp_path / missing,
            {
                CONFIGURATION: QUIET + f"schemas: {{missing: {missing}}}\n",
                "apps/x.yaml": config_map(),
            },
            {"apps/y.yaml": odd},
        )
        run = gate("check", "--repo", made.folder, "--base", "main")
        codes[missing] = run.code
        assert run.report["coverage"]["resources"]["schema_missing"] == 1
        assert ("schema" in run.rules) is (missing != "ignore")
        assert ("schema_missing" in run.reasons) is (missing == "error")
    assert codes == {"error": 2, "warning": 0, "ignore": 0}


def test_an_application_that_fails_is_indeterminate(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {"apps/a/x.yaml": config_map(), "apps/b/x.yaml": config_map("other")},
        {"apps/a/x.yaml": "apiVersion: v1\nkind: [\n", "apps/b/x.yaml": config_map("other", b="1")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert "application_failed" in run.reasons or "unreached" in run.reasons
    assert run.application("apps/b")["status"] == "rendered"


def test_a_changed_file_that_no_application_reaches_is_indeterminate(
    tmp_path: Path, gate: Gate
) -> None:
    made = repository(
        tmp_path / "r",
        {
            "apps/x.yaml": config_map(),
            "shop/kustomization.yaml": kustomization("x.yaml"),
            "shop/x.yaml": config_map("x"),
            "shop/orphan.yaml": config_map("orphan"),
        },
        {"shop/orphan.yaml": config_map("orphan", now="changed")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert run.reasons == ["unreached"]
    assert [one["path"] for one in run.report["coverage"]["not_understood"]] == ["shop/orphan.yaml"]


def test_indeterminate_outranks_deny_and_both_are_said(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {"apps/x.yaml": deployment(), "shop/kustomization.yaml": kustomization()},
        {
            "apps/x.yaml": deployment(replicas="many"),
            "shop/orphan.yaml": config_map("orphan"),
        },
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert run.reasons == ["unreached", "findings"]


# ------------------------------------------------------------------------- the base decides


def test_the_head_cannot_loosen_the_policy_that_judges_it(tmp_path: Path, gate: Gate) -> None:
    loose = 'deny contains "never" if {\n\tinput.object.kind == "Never"\n}'
    made = repository(
        tmp_path / "r",
        {
            CONFIGURATION: QUIET,
            "policies/red.rego": rule("red", DENY_RED),
            "apps/x.yaml": config_map(colour="blue"),
        },
        {"policies/red.rego": rule("red", loose), "apps/x.yaml": config_map(colour="red")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 1
    assert run.introduced == [("house/red", "is red")]
    effect = run.report["rules_effect"]
    assert effect["changed"] == ["policies/red.rego"]
    assert [f["rule"] for f in effect["no_longer_denied"]] == ["house/red"]
    assert effect["newly_denied"] == []


@pytest.mark.parametrize(
    "edit",
    [
        {CONFIGURATION: "version: 1\npolicies: {rules: {house/red: {severity: 'off'}}}\n"},
        {CONFIGURATION: "version: 1\ndiscovery: {exclude: ['**']}\n"},
        {CONFIGURATION: "version: 1\ngate: {mode: advisory}\npolicies: {paths: []}\n"},
        {
            ".gitops-gate/waivers.yaml": "- {rule: house/red, reason: mine, owner: me, "
            "expires: 2999-01-01}\n"
        },
        {"policies/red.rego": None},
    ],
    ids=["severity", "discovery", "paths", "waiver", "deleted"],
)
def test_no_rule_of_the_head_has_a_say(
    tmp_path: Path, gate: Gate, edit: dict[str, str | None]
) -> None:
    made = repository(
        tmp_path / "r",
        {
            CONFIGURATION: QUIET,
            "policies/red.rego": rule("red", DENY_RED),
            "apps/x.yaml": config_map(colour="blue"),
        },
        {**edit, "apps/x.yaml": config_map(colour="red")},
    )
    for base in ((), ("--base", "main")):
        run = gate("check", "--repo", made.folder, *base)
        assert run.code == 1
        assert run.introduced == [("house/red", "is red")]
        assert run.report["rules_effect"]["changed"] == list(edit)
        assert run.report["findings"][0]["waiver"] is None


def test_rules_of_the_head_that_do_not_load_deny(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r", {"apps/x.yaml": config_map()}, {CONFIGURATION: "version: 1\nplicies: {}\n"}
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 1
    (finding,) = run.report["findings"]
    assert finding["rule"] == "rules/invalid"
    assert finding["location"]["path"] == CONFIGURATION
    assert finding["location"]["line"] == 2


def test_a_rule_of_the_head_that_breaks_is_no_effect_of_nothing(tmp_path: Path, gate: Gate) -> None:
    broken = 'deny contains "x" if {\n\tto_number(input.object.kind) == 1\n}'
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map()},
        {"policies/new.rego": rule("new", broken)},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.report["rules_effect"]["error"]
    assert "house/new" in run.report["rules_effect"]["error"]


@pytest.mark.parametrize("key", ["render", "opa", "kubeconform"])
def test_no_command_that_the_head_names_is_run(tmp_path: Path, gate: Gate, key: str) -> None:
    marker = tmp_path / "was-run"
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    named = {
        "render": f"render: {{helm: {{command: {program}}}, kustomize: {{command: {program}}}}}",
        "opa": f"policies: {{engine: opa, opa: {{command: {program}}}}}",
        "kubeconform": f"schemas: {{engine: kubeconform, kubeconform: {{command: {program}}}}}",
    }
    made = repository(
        tmp_path / "r",
        {
            "apps/x.yaml": config_map(),
            "shop/kustomization.yaml": kustomization("x.yaml"),
            "shop/x.yaml": config_map("x"),
            "charts/shop/Chart.yaml": chart(),
            "charts/shop/templates/x.yaml": config_map("y"),
        },
        {
            CONFIGURATION: f"version: 1\n{named[key]}\n",
            "apps/x.yaml": config_map(a="1"),
            "shop/x.yaml": config_map("x", a="1"),
            "charts/shop/templates/x.yaml": config_map("y", a="1"),
        },
    )
    gate("check", "--repo", made.folder, "--base", "main")
    gate("check", "--repo", made.folder)
    assert not marker.exists()


def test_a_configuration_that_is_a_link_decides_nothing(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {
            "loose.yaml": "version: 1\ngate: {fail_on: error}\n",
            CONFIGURATION: Link("loose.yaml"),
            "apps/x.yaml": config_map(),
        },
        {"apps/x.yaml": config_map(a="1")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert f"{CONFIGURATION}: must be a file" in run.err


def test_a_head_that_makes_its_configuration_a_link_is_denied(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map(), "loose.txt": QUIET},
        {CONFIGURATION: Link("loose.txt")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 1
    assert run.rules == ["rules/invalid"]


# ------------------------------------------------------------------------- same input, same bytes


def _wide(folder: Path) -> GitRepository:
    base = {f"apps/{n:02}/x.yaml": deployment(f"d{n}") for n in range(30)}
    head = {
        path: deployment(f"d{n}", container(image="app:latest"), replicas="x" if n % 7 else 3)
        for n, path in enumerate(base)
    }
    odd = {"apps/odd/w.yaml": manifest("example.com/v1", "Widget", "w", spec={"size": 1})}
    return repository(folder, {**base, "crds/w.yaml": crd()}, {**head, **odd})


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, command: Gate) -> None:
    made = _wide(tmp_path / "r")
    runs = [
        ("--jobs", "1", "--no-cache"),
        ("--jobs", "1", "--no-cache"),
        ("--jobs", "2", "--no-cache"),
        ("--jobs", "2"),
        ("--jobs", "2"),
    ]
    said = set()
    for options in runs:
        run = command(
            "check", "--repo", made.folder, "--base", "main", "--format", "json", *options
        )
        assert run.code == 1
        said.add(run.out)
    assert len(said) == 1
    assert str(tmp_path) not in said.pop()


def test_where_the_repository_lies_does_not_matter(tmp_path: Path, command: Gate) -> None:
    said = {
        command("scan", _wide(tmp_path / name / "r").folder, "--format", "json").out
        for name in ("one", "two")
    }
    assert len(said) == 1


def test_path_decides_nothing_where_no_program_is_needed(
    tmp_path: Path, command: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _wide(tmp_path / "r")
    arguments = ("check", "--repo", made.folder, "--base", "main", "--format", "json")
    first = command(*arguments)
    empty = tmp_path / "bin"
    empty.mkdir()
    for name in ("opa", "kubeconform", "kustomize", "helm"):
        (empty / name).write_text("#!/bin/sh\nexit 0\n")
        (empty / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{empty}:{os.environ['PATH']}")
    assert command(*arguments).out == first.out


def test_a_missing_program_fails_its_application_and_says_what_to_install(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = repository(
        tmp_path / "r",
        {"shop/kustomization.yaml": kustomization("x.yaml"), "shop/x.yaml": config_map()},
        {"shop/x.yaml": config_map(a="1")},
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    git = next(Path(p) / "git" for p in os.environ["PATH"].split(":") if (Path(p) / "git").exists())
    (folder / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(folder))
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 2
    assert run.application("shop")["status"] == "failed"
    assert "kustomize" in run.application("shop")["reason"]


def test_the_environment_of_the_caller_redirects_nothing(
    tmp_path: Path, command: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _wide(tmp_path / "r")
    other = repository(tmp_path / "other", {"README.md": "x\n"})
    arguments = ("check", "--repo", made.folder, "--base", "main", "--format", "json")
    first = command(*arguments)
    for name, value in {
        "GIT_DIR": str(other.folder / ".git"),
        "GIT_WORK_TREE": str(other.folder),
        "GIT_INDEX_FILE": str(other.folder / ".git/index"),
        "GIT_OBJECT_DIRECTORY": str(other.folder / ".git/objects"),
        "GIT_NAMESPACE": "elsewhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "nonsense",
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_REPLACE_REF_BASE": "refs/heads",
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_EXTERNAL_DIFF": "false",
    }.items():
        monkeypatch.setenv(name, value)
    again = command(*arguments)
    assert (again.code, again.out) == (first.code, first.out)
    assert not (tmp_path / "trace").exists()


def test_the_moment_of_expiry_is_an_input(tmp_path: Path, gate: Gate) -> None:
    waiver = "- {rule: house/red, reason: agreed, owner: shop, expires: 2030-06-01}\n"
    made = repository(
        tmp_path / "r",
        {
            CONFIGURATION: QUIET,
            ".gitops-gate/waivers.yaml": waiver,
            "policies/red.rego": rule("red", DENY_RED),
            "apps/x.yaml": config_map(colour="blue"),
        },
        {"apps/x.yaml": config_map(colour="red")},
    )
    before = gate("check", "--repo", made.folder, "--base", "main", "--at", "2030-05-01")
    after = gate("check", "--repo", made.folder, "--base", "main", "--at", "2030-07-01")
    assert (before.code, after.code) == (0, 1)
    assert before.report["findings"][0]["waiver"]["owner"] == "shop"
    assert sorted(after.rules) == ["house/red", "waiver/expired"]
