"""What the histories of real repositories showed, each as the smallest change that shows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Gate
from tests.e2e.repositories import (
    QUIET,
    Files,
    Run,
    chart,
    config_map,
    container,
    crd,
    deployment,
    edit,
    kustomization,
    manifest,
    repository,
    rule,
)
from tests.unit.source.repositories import GitRepository

CONFIGURATION = ".gitops-gate.yaml"
BASE: Files = {CONFIGURATION: QUIET}


@pytest.fixture
def check(tmp_path: Path, gate: Gate):
    """Check a head against a base, both given as files, without the library's rules."""
    number = iter(range(100))

    def run(base: Files, head: Files, *options: object) -> Run:
        folder = tmp_path / f"repository-{next(number)}"
        made = repository(folder, {**BASE, **base}, head)
        return gate("check", "--repo", made.folder, "--base", "main", *options)

    return run


engines = pytest.mark.engine


# -------------------------------------------------------------------------- Kustomize


def flux(path: str, name: str) -> str:
    """A Flux object that names a path of this repository."""
    return manifest(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        name,
        "flux-system",
        spec={
            "interval": "10m",
            "path": f"./{path}",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
        },
    )


DELETE = {
    "patch": '{"$patch":"delete","apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}'
}


@engines
def test_an_overlay_deletes_what_its_base_has_and_both_are_deployed(
    check, path_with_engines: str
) -> None:
    base = {
        "shop/base/kustomization.yaml": kustomization("a.yaml", "b.yaml"),
        "shop/base/a.yaml": config_map("a", namespace=""),
        "shop/base/b.yaml": config_map("b", namespace=""),
        "shop/overlay/kustomization.yaml": kustomization("../base", patches=[DELETE]),
        "flux/base.yaml": flux("shop/base", "base"),
        "flux/overlay.yaml": flux("shop/overlay", "overlay"),
    }
    run = check(base, {"shop/base/a.yaml": config_map("a", namespace="", colour="red")})
    assert run.code == 0
    assert run.affected == ["shop/base", "shop/overlay"]
    assert run.changes == [("shop/base", "modified", "ConfigMap/a")]
    assert (
        run.application("shop/overlay")["digest"]["base"]
        == (run.application("shop/overlay")["digest"]["head"])
    )


@engines
@pytest.mark.parametrize("operation", ["added", "removed"])
def test_a_reference_is_added_to_a_base_or_removed_from_it(
    check, path_with_engines: str, operation: str
) -> None:
    few, many = kustomization("a.yaml"), kustomization("a.yaml", "b.yaml")
    before, after = (few, many) if operation == "added" else (many, few)
    base = {
        "base/kustomization.yaml": before,
        "base/a.yaml": config_map("a"),
        "base/b.yaml": config_map("b"),
        "prod/kustomization.yaml": kustomization("../base"),
        "test/kustomization.yaml": kustomization("../base", namePrefix="test-"),
    }
    run = check(base, {"base/kustomization.yaml": after})
    assert run.code == 0, run.out
    assert run.changes == [
        ("prod", operation, "ConfigMap/b"),
        ("test", operation, "ConfigMap/test-b"),
    ]


def test_values_of_an_inflator_in_another_directory_affect_it(check, tmp_path: Path) -> None:
    base = {
        "shop/kustomization.yaml": kustomization(
            helmCharts=[{"name": "shop", "valuesFile": "../values/shop.yaml"}],
            helmGlobals={"chartHome": "../charts"},
        ),
        "values/shop.yaml": "colour: blue\n",
        "charts/shop/Chart.yaml": chart(),
        "charts/shop/templates/x.yaml": config_map("x"),
        "other/x.yaml": config_map("y"),
    }
    run = check(base, {"values/shop.yaml": "colour: red\n"})
    assert run.affected == ["shop"]
    assert run.code == 2
    assert run.application("shop")["status"] == "failed"
    assert "helm" in run.application("shop")["reason"].lower()


@engines
def test_a_chart_beside_a_kustomization_is_its_own(check, path_with_engines: str) -> None:
    base = {
        "shop/kustomization.yaml": kustomization("x.yaml"),
        "shop/x.yaml": config_map("x"),
        "shop/Chart.yaml": chart(),
        "shop/templates/y.yaml": config_map("y"),
        "shop/values.yaml": "{}\n",
    }
    run = check(base, {"shop/x.yaml": config_map("x", a="1")})
    assert run.changes == [("shop", "modified", "ConfigMap/x")]
    assert run.application("shop")["renderer"] == "kustomize"


@engines
def test_a_patch_that_is_no_longer_named_is_seen(check, path_with_engines: str) -> None:
    patch = deployment(replicas=5)
    base = {
        "shop/kustomization.yaml": kustomization("web.yaml", patches=[{"path": "scale.yaml"}]),
        "shop/web.yaml": deployment(),
        "shop/scale.yaml": patch,
    }
    run = check(base, {"shop/kustomization.yaml": kustomization("web.yaml")})
    assert run.changes == [("shop", "modified", "Deployment/web")]
    later = check(
        {**base, "shop/kustomization.yaml": kustomization("web.yaml")},
        {"shop/scale.yaml": deployment(replicas=7)},
    )
    assert later.code == 2
    assert later.reasons == ["unreached"]


@engines
def test_one_base_change_is_seen_in_every_application_that_uses_it(
    check, path_with_engines: str
) -> None:
    base = {"base/kustomization.yaml": kustomization("web.yaml"), "base/web.yaml": deployment()}
    for number in range(29):
        base[f"apps/{number:02}/kustomization.yaml"] = kustomization("../../base")
    run = check(base, {"base/web.yaml": deployment(replicas=3)})
    assert run.code == 0
    assert run.report["coverage"]["applications"]["affected"] == 29
    assert len(run.changes) == 29
    assert run.out.count("Deployment shop/web") + run.out.count("Deployment/web") <= 2
    assert "29 applications" in run.out


@engines
def test_an_overlay_that_is_renamed_is_compared_with_itself(check, path_with_engines: str) -> None:
    overlay = kustomization("../../base", namePrefix="prod-")
    base = {
        "base/kustomization.yaml": kustomization("web.yaml"),
        "base/web.yaml": deployment(),
        "overlays/prod/kustomization.yaml": overlay,
    }
    run = check(
        base,
        {
            "overlays/prod/kustomization.yaml": None,
            "overlays/production/kustomization.yaml": overlay,
        },
    )
    assert run.code == 0
    assert run.changes == []
    assert run.application("overlays/production")["moved_from"] == "overlays/prod"


@engines
def test_an_overlay_that_is_emptied_removes_all_it_had(check, path_with_engines: str) -> None:
    base = {
        "shop/kustomization.yaml": kustomization("x.yaml"),
        "shop/x.yaml": config_map("x"),
    }
    run = check(base, {"shop/kustomization.yaml": kustomization()})
    if run.application("shop")["status"] == "rendered":
        assert run.changes == [("shop", "removed", "ConfigMap/x")]
        assert run.application("shop")["resources"] == {"base": 1, "head": 0}
    else:
        assert run.code == 2


@engines
def test_an_overlay_that_is_deleted_removes_all_it_had(check, path_with_engines: str) -> None:
    base = {
        "other/x.yaml": config_map("other"),
        "shop/kustomization.yaml": kustomization("x.yaml"),
        "shop/x.yaml": config_map("x"),
    }
    run = check(base, {"shop/kustomization.yaml": None, "shop/x.yaml": None})
    assert run.code == 0
    assert run.changes == [("shop", "removed", "ConfigMap/x")]
    assert run.application("shop")["digest"]["head"] is None


@engines
def test_a_base_that_fails_is_healed_by_the_head(check, path_with_engines: str) -> None:
    base = {
        "shop/kustomization.yaml": kustomization("x.yaml", "missing.yaml"),
        "shop/x.yaml": deployment(replicas="many"),
    }
    run = check(base, {"shop/kustomization.yaml": kustomization("x.yaml")})
    assert run.code == 1, run.out
    assert run.application("shop")["status"] == "rendered"
    assert "the base could not be rendered" in run.application("shop")["reason"]
    assert run.changes == []
    assert [rule for rule, _ in run.introduced] == ["schema"]


@engines
def test_a_head_that_breaks_what_rendered_is_indeterminate(check, path_with_engines: str) -> None:
    base = {
        "shop/kustomization.yaml": kustomization("x.yaml"),
        "shop/x.yaml": config_map("x"),
    }
    run = check(base, {"shop/kustomization.yaml": kustomization("x.yaml", "missing.yaml")})
    assert run.code == 2
    assert run.application("shop")["status"] == "failed"
    assert "missing.yaml" in run.application("shop")["reason"]
    assert [f["introduced"] for f in run.report["findings"]] == [True]


@engines
def test_a_config_map_with_another_hash_is_one_modification(check, path_with_engines: str) -> None:
    def files(colour: str) -> Files:
        return {
            "shop/kustomization.yaml": kustomization(
                "web.yaml", configMapGenerator=[{"name": "settings", "files": ["settings.txt"]}]
            ),
            "shop/settings.txt": f"colour={colour}\n",
            "shop/web.yaml": deployment(
                "web",
                container(envFrom=[{"configMapRef": {"name": "settings"}}]),
                namespace="",
            ),
        }

    run = check(files("blue"), files("red"))
    assert run.code == 0
    kinds = [(operation, what.split("/")[0]) for _, operation, what in run.changes]
    assert ("modified", "ConfigMap") in kinds
    assert all(operation == "modified" for operation, _ in kinds)
    for change in run.report["changes"]:
        if change["resource"]["kind"] == "Deployment":
            assert all("envFrom" in field["path"] for field in change["fields"])


def test_a_name_that_only_looks_hashed_is_a_name(check) -> None:
    base = {
        "apps/x.yaml": config_map("team-platforms"),
        "apps/y.yaml": config_map("shop-backend24"),
    }
    run = check(base, {"apps/y.yaml": config_map("shop-frontend2")})
    assert sorted(operation for _, operation, _ in run.changes) == ["added", "removed"]


# -------------------------------------------------------------------------- directories


def test_a_directory_that_moves_is_compared_with_itself(check) -> None:
    files = {"web.yaml": deployment(replicas="many"), "x.yaml": config_map("x")}
    base = {f"apps/shop/{name}": text for name, text in files.items()}
    head: dict[str, str | None] = dict.fromkeys(base)
    head |= {f"teams/shop/{name}": text for name, text in files.items()}
    run = check(base, head)
    assert run.code == 0
    assert run.changes == []
    assert run.introduced == []
    assert run.application("teams/shop")["moved_from"] == "apps/shop"
    assert [a["name"] for a in run.report["applications"]] == ["teams/shop"]


def test_a_test_suite_in_a_dot_directory_is_no_application(check) -> None:
    base = {
        ".tests/suite/x.yaml": config_map("broken", namespace="x"),
        "apps/x.yaml": config_map("x"),
    }
    run = check(base, {".tests/suite/x.yaml": "apiVersion: v1\nkind: Nonsense\n"})
    assert run.code == 0
    assert run.reasons == ["no_application_affected"]
    assert [a["name"] for a in run.report["applications"]] == ["apps"]


def test_a_template_that_is_no_yaml_is_said_and_blocks_nothing_else(check) -> None:
    jinja = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ name }}\n"
        "{% if x %}\n  a: b\n{% endif %}\n"
    )
    base = {"apps/x.yaml": config_map("x"), "templates/y.yaml": jinja}
    run = check(base, {"apps/x.yaml": config_map("x", a="1")})
    assert run.code == 0, run.out
    changed = check(base, {"templates/y.yaml": jinja + "# changed\n"})
    assert changed.code in (0, 2)
    told = json.dumps(changed.report)
    assert "templates/y.yaml" in told or "templates" in changed.affected


def test_braces_in_a_legitimate_value_are_a_value(check) -> None:
    base = {"apps/x.yaml": config_map("x", template="{{ .Values.name }} {% raw %}")}
    run = check(base, {"apps/x.yaml": config_map("x", template="{{ .Values.other }} {% raw %}")})
    assert run.code == 0
    assert run.changes == [("apps", "modified", "ConfigMap/x")]


def test_documentation_and_workflows_affect_no_application(check) -> None:
    run = check(
        {"apps/x.yaml": config_map(), "README.md": "a\n"},
        {"README.md": "b\n", ".github/workflows/ci.yml": "name: ci\non: push\njobs: {}\n"},
    )
    assert run.code == 0
    assert run.reasons == ["no_application_affected"]


def test_a_list_is_what_is_in_it(check) -> None:
    def listed(*names: str) -> str:
        items = [json.loads(deployment(name, replicas="many")) for name in names]
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)

    run = check({"apps/x.yaml": listed("a")}, {"apps/x.yaml": listed("a", "b")})
    assert run.changes == [("apps", "added", "Deployment/b")]
    assert len(run.report["findings"]) == 2
    (new,) = [f for f in run.report["findings"] if f["introduced"]]
    assert new["resource"]["name"] == "b"
    lines = listed("a", "b").splitlines()
    assert '"replicas": "many"' in lines[new["location"]["line"] - 1]
    assert new["location"]["line"] > len(lines) // 2
    assert new["location"]["exact"] is True


def test_a_resource_that_is_there_twice_is_an_error(check) -> None:
    run = check({"apps/x.yaml": config_map("x")}, {"apps/y.yaml": config_map("x", colour="red")})
    assert run.code == 1
    assert [rule for rule, _ in run.introduced] == ["render/duplicate-resource"]


def test_a_resource_in_two_applications_is_shown(check) -> None:
    run = check(
        {"a/x.yaml": config_map("x"), "b/y.yaml": config_map("y")},
        {"a/x.yaml": config_map("x", a="1"), "b/x.yaml": config_map("x", b="1")},
    )
    assert run.code == 0
    (warning,) = [w for w in run.report["warnings"] if "more than one application" in w]
    assert "ConfigMap shop/x" in warning
    assert "a and b" in warning


def test_a_document_that_sops_encrypted_is_compared_and_never_shown(check) -> None:
    def encrypted(text: str) -> str:
        return manifest(
            "v1",
            "Secret",
            "s",
            stringData={"password": f"ENC[AES256_GCM,data:{text},iv:aaaa,tag:bbbb,type:str]"},
            sops={"mac": f"ENC[AES256_GCM,data:{text}]", "version": "3.8.0", "age": []},
        )

    run = check({"apps/s.yaml": encrypted("Zmlyc3Q=")}, {"apps/s.yaml": encrypted("c2Vjb25k")})
    assert run.code == 0, run.out
    assert run.changes == [("apps", "modified", "Secret/s")]
    assert "c2Vjb25k" not in json.dumps(run.report["changes"])


# -------------------------------------------------------------------------- custom resources


def test_a_definition_and_its_object_are_added_together(check) -> None:
    size = {"size": {"type": "integer"}}
    good = manifest("example.com/v1", "Widget", "w", spec={"size": 1})
    bad = manifest("example.com/v1", "Widget", "w", spec={"size": "big"})
    base = {"apps/x.yaml": config_map()}
    fine = check(base, {"crds/w.yaml": crd(**size), "apps/w.yaml": good})
    assert fine.code == 0
    assert fine.report["coverage"]["resources"]["schema_missing"] == 0
    denied = check(base, {"crds/w.yaml": crd(**size), "apps/w.yaml": bad})
    assert denied.code == 1
    assert [rule for rule, _ in denied.introduced] == ["schema"]


def test_a_definition_is_tightened_and_its_object_is_judged_again(check) -> None:
    base = {
        "crds/w.yaml": crd(size={"type": "integer"}),
        "apps/w.yaml": manifest("example.com/v1", "Widget", "w", spec={"size": 9}),
    }
    run = check(base, {"crds/w.yaml": crd(size={"type": "integer", "maximum": 5})})
    assert run.affected == ["apps", "crds"]
    assert run.code == 1
    assert [rule for rule, _ in run.introduced] == ["schema"]


# -------------------------------------------------------------------------- who introduced it

RESULTS = {
    "string": 'sprintf("%s has no digest", [one.name])',
    "object": '{"message": sprintf("%s has no digest", [one.name])}',
    "field": '{"message": "no digest", "field": '
    '["spec", "template", "spec", "containers", i, "image"]}',
    "whole-field": '{"message": sprintf("%s has no digest", [one.name]), "field": ["spec"]}',
}


def digest_rule(result: str) -> str:
    return rule(
        "digest",
        f"deny contains {result} if {{\n"
        "\tsome i, one in input.object.spec.template.spec.containers\n"
        '\tnot contains(one.image, "@sha256:")\n}',
    )


GOOD = "registry.example.com/app@sha256:" + "a" * 64


@pytest.mark.parametrize("form", RESULTS)
def test_a_container_inserted_first_introduces_nothing_old(check, form: str) -> None:
    base = {
        "policies/digest.rego": digest_rule(RESULTS[form]),
        "apps/web.yaml": deployment("web", container("old")),
    }
    run = check(
        base, {"apps/web.yaml": deployment("web", container("new", GOOD), container("old"))}
    )
    assert run.code == 0
    assert [f["introduced"] for f in run.report["findings"]] == [False]


@pytest.mark.parametrize("form", RESULTS)
def test_a_second_violator_is_introduced(check, form: str) -> None:
    base = {
        "policies/digest.rego": digest_rule(RESULTS[form]),
        "apps/web.yaml": deployment("web", container("old")),
    }
    run = check(base, {"apps/web.yaml": deployment("web", container("new"), container("old"))})
    assert run.code == 1
    assert sorted(f["introduced"] for f in run.report["findings"]) == [False, True]
    (new,) = [f for f in run.report["findings"] if f["introduced"]]
    if form == "field":
        assert new["field"][4] == 0
    else:
        assert new["message"] == "new has no digest"


# -------------------------------------------------------------------------- secrets

HEADER = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
CLEAR = "correct-horse-battery"


def secret(value: str, **more: Any) -> str:
    return manifest(
        "v1",
        "Secret",
        "s",
        data={"password": base64.b64encode(value.encode()).decode()},
        stringData={"other": value},
        **more,
    )


LEAKY = """
deny contains sprintf("the password is %v", [input.object.stringData.other]) if {
	input.object.kind == "Secret"
}

deny contains result if {
	result := {
		"message": sprintf("data %v", [input.object.data]),
		"field": ["data", "password"],
		"suggestion": input.object.stringData.other,
	}
	input.object.kind == "Secret"
}
"""


@pytest.mark.parametrize("form", ["text", "json", "markdown", "html"])
def test_no_value_of_a_secret_is_in_any_report(tmp_path: Path, command: Gate, form: str) -> None:
    old, new = CLEAR, CLEAR + "-new"
    made = repository(
        tmp_path / "r",
        {**BASE, "policies/leaky.rego": rule("leaky", LEAKY), "apps/s.yaml": secret(old)},
        {"apps/s.yaml": secret(new, type=5)},
    )
    file = tmp_path / "report"
    run = command(
        "check", "--repo", made.folder, "--base", "main", "--all", "--diff", "--verbose",
        "--format", form, "--report", f"{form}={file}",
    )  # fmt: skip
    assert run.code == 1
    said = run.out + run.err + file.read_text("utf-8")
    for value in (old, new):
        assert value not in said
        encoded = base64.b64encode(value.encode()).decode()
        assert encoded not in said
        assert encoded[:20] not in said
    assert "password" in said


@pytest.mark.parametrize(
    "broken",
    [
        secret(CLEAR) + "metadata: again\n",
        secret(CLEAR).replace('"data"', '"data": 1, "data"'),
        f"{HEADER}stringData:\n  password: {CLEAR}: x\n",
        f"{HEADER}stringData:\n  {CLEAR}: &a\n\tb\n",
        f"{HEADER}stringData: [{CLEAR}]\n",
        f"{HEADER}stringData: {CLEAR}\n",
        f"{HEADER}data: {{password: {CLEAR}}}\n",
    ],
    ids=["trailing", "duplicate", "colon", "tab", "list", "scalar", "not-base64"],
)
def test_no_value_of_a_secret_is_in_a_message_about_a_broken_one(
    tmp_path: Path, command: Gate, broken: str
) -> None:
    made = repository(tmp_path / "r", {"apps/x.yaml": config_map()}, {"apps/s.yaml": broken})
    for form in ("text", "json", "markdown", "html"):
        run = command(
            "check", "--repo", made.folder, "--base", "main", "--all", "--diff", "--format", form
        )
        assert run.code in (0, 1, 2)
        assert CLEAR not in run.out + run.err
        assert "Traceback" not in run.out + run.err


@pytest.mark.parametrize("call", ["to_number(%s) == 1", "json.unmarshal(%s) == 1", "%s + 1 == 2"])
def test_no_value_of_a_secret_is_in_the_error_of_a_policy(
    tmp_path: Path, command: Gate, call: str
) -> None:
    broken = 'deny contains "x" if {\n\t' + call % "input.object.stringData.other" + "\n}"
    made = repository(
        tmp_path / "r",
        {**BASE, "policies/broken.rego": rule("broken", broken), "apps/x.yaml": config_map()},
        {"apps/s.yaml": secret(CLEAR)},
    )
    for form in ("text", "json"):
        run = command("check", "--repo", made.folder, "--base", "main", "--format", form)
        assert CLEAR not in run.out + run.err
        assert (run.code, form) == (2, form)


@engines
def test_no_value_of_a_secret_is_in_what_is_said_about_a_base_that_fails(
    tmp_path: Path, command: Gate, path_with_engines: str
) -> None:
    broken = {"literals": [CLEAR], "name": "s"}
    made = repository(
        tmp_path / "r",
        {**BASE, "shop/kustomization.yaml": json.dumps({"secretGenerator": [broken]})},
        {"shop/kustomization.yaml": kustomization("x.yaml"), "shop/x.yaml": config_map()},
    )
    run = command("check", "--repo", made.folder, "--base", "main", "--format", "json")
    assert "the base could not be rendered" in run.out
    assert CLEAR not in run.out + run.err


@engines
@pytest.mark.parametrize(
    "fields",
    [
        {"patches": [{"patch": f"kind: Secret\nstringData:\n  p: {CLEAR}: x"}]},
        {"patches": [{"patch": f"- op: nonsense\n  path: /data\n  value: {CLEAR}"}]},
        {"secretGenerator": [{"name": "s", "literals": [CLEAR]}]},
        {"secretGenerator": [{"name": "s", "literals": [f"p={CLEAR}", f"p={CLEAR}2"]}]},
        {"secretGenerator": [{"name": "s", "envs": ["s.env"]}]},
        {"resources": ["s.yaml"]},
        {"resources": ["twice.yaml"]},
    ],
    ids=["patch", "json-patch", "literal", "twice", "envs", "broken", "duplicate"],
)
def test_no_value_of_a_secret_is_in_what_a_renderer_says(
    tmp_path: Path, command: Gate, path_with_engines: str, fields: dict[str, object]
) -> None:
    head = {
        "shop/kustomization.yaml": kustomization(**fields),
        "shop/s.env": f"a={CLEAR}\n=x\n",
        "shop/s.yaml": f"{HEADER}stringData: {CLEAR}: x\n",
        "shop/twice.yaml": secret(CLEAR) + "---\n" + secret(CLEAR),
    }
    made = repository(tmp_path / "r", {"apps/x.yaml": config_map()}, head)
    for form in ("text", "json"):
        run = command("check", "--repo", made.folder, "--base", "main", "--all", "--format", form)
        assert run.code == 2
        assert CLEAR not in run.out + run.err


def test_a_configured_field_is_shown_nowhere(tmp_path: Path, command: Gate) -> None:
    configuration = "version: 1\npolicies: {builtin: []}\nreview: {redact: [data.token]}\n"
    leaky = rule(
        "leaky",
        'deny contains {"message": sprintf("token %s", [input.object.data.token]), '
        '"field": ["data", "token"]} if {\n\tinput.object.data.token\n}',
    )
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: configuration, "policies/l.rego": leaky, "apps/x.yaml": config_map()},
        {"apps/x.yaml": config_map(token=CLEAR)},
    )
    for form in ("text", "json", "markdown", "html"):
        run = command(
            "check", "--repo", made.folder, "--base", "main", "--all", "--diff", "--format", form
        )
        assert run.code == 1
        assert CLEAR not in run.out + run.err
        assert "token" in run.out


# -------------------------------------------------------------------------- Git


def test_an_empty_repository_has_nothing_to_compare(tmp_path: Path, gate: Gate) -> None:
    made = GitRepository(tmp_path / "r")
    run = gate("check", "--repo", made.folder)
    assert run.code == 2
    assert run.err.startswith("gitops-gate: ")
    assert not run.report


def test_a_tree_that_becomes_empty_removes_everything(check) -> None:
    run = check({"apps/x.yaml": config_map("x")}, {"apps/x.yaml": None, CONFIGURATION: None})
    assert run.changes == [("apps", "removed", "ConfigMap/x")]


def test_an_object_is_missing_that_nobody_needs(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {**BASE, "apps/x.yaml": config_map("x"), "media/big.bin": b"\x00big"},
        {"apps/x.yaml": config_map("x", a="1")},
    )
    oid = made.git("rev-parse", "HEAD:media/big.bin")
    (made.folder / ".git/objects" / oid[:2] / oid[2:]).unlink()
    run = gate("check", "--repo", made.folder, "--base", "main")
    assert run.code == 0
    assert run.changes == [("apps", "modified", "ConfigMap/x")]


def test_an_object_is_missing_that_is_needed(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {**BASE, "apps/x.yaml": config_map("x")},
        {"apps/x.yaml": config_map("x", a="1")},
    )
    oid = made.git("rev-parse", "HEAD:apps/x.yaml")
    (made.folder / ".git/objects" / oid[:2] / oid[2:]).unlink()
    run = gate("check", "--repo", made.folder, "--base", "main", "--no-cache")
    assert run.code == 2
    assert oid[:7] in run.err + json.dumps(run.report)


def test_the_working_tree_is_judged_as_it_is(tmp_path: Path, gate: Gate) -> None:
    made = repository(tmp_path / "r", {**BASE, "apps/x.yaml": config_map("x")})
    edit(made, {"apps/x.yaml": config_map("x", a="1"), "apps/new.yaml": config_map("new")})
    run = gate("check", "--repo", made.folder, "--head", "worktree")
    assert run.code == 0
    assert run.report["head"] is None
    assert sorted(run.changes) == [
        ("apps", "added", "ConfigMap/new"),
        ("apps", "modified", "ConfigMap/x"),
    ]
    assert made.git("status", "--porcelain").split() == ["M", "apps/x.yaml", "??", "apps/new.yaml"]
