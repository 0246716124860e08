"""The command line, as a person or a CI job meets it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import gitops_gate
from gitops_gate.errors import ConfigurationError
from tests.e2e.conftest import Gate
from tests.e2e.repositories import (
    QUIET,
    chart,
    config_map,
    container,
    deployment,
    edit,
    kustomization,
    repository,
    rule,
)
from tests.engines import ROOT
from tests.unit.source.repositories import GitRepository

CONFIGURATION = ".gitops-gate.yaml"
COMMANDS = ["check", "scan", "render", "policy", "init", "schema", "completion"]
PROGRAM = [sys.executable, "-m", "gitops_gate"]


@pytest.fixture
def shop(tmp_path: Path) -> GitRepository:
    """A change with one modification, and nothing wrong with it."""
    return repository(
        tmp_path / "shop",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map(), "apps/web.yaml": deployment()},
        {"apps/x.yaml": config_map(colour="red")},
    )


def run_program(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,  # type: ignore[call-overload]
    )


# -------------------------------------------------------------------------- exit codes and usage


def test_the_version_is_the_package_s(command: Gate) -> None:
    assert command("--version").out == f"gitops-gate {gitops_gate.__version__}\n"


def test_each_verdict_has_its_exit_code(tmp_path: Path, gate: Gate) -> None:
    base = {CONFIGURATION: QUIET, "apps/web.yaml": deployment()}
    heads = {
        0: {"apps/web.yaml": deployment(replicas=3)},
        1: {"apps/web.yaml": deployment(replicas="many")},
        2: {"apps/web.yaml": "apiVersion: apps/v1\nkind: Deployment\nspec: [\n"},
    }
    for code, head in heads.items():
        made = repository(tmp_path / str(code), base, head)
        assert gate("check", "--repo", made.folder, "--base", "main").code == code


@pytest.mark.parametrize("name", [*COMMANDS, None])
def test_every_command_explains_itself(command: Gate, name: str | None) -> None:
    for option in ("--help", "-h"):
        run = command(*([name] if name else []), option)
        assert run.code == 0
        assert run.out.startswith("Usage: gitops-gate")
        assert run.err == ""


@pytest.mark.parametrize("name", ["list", "show", "test", "docs"])
def test_every_policy_command_explains_itself(command: Gate, name: str) -> None:
    run = command("policy", name, "--help")
    assert run.code == 0
    assert f"policy {name}" in run.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["chekc"], "check"),
        (["check", "--hed", "x"], "--head"),
        (["check", "--bas", "x"], "--base"),
        (["policy", "lits"], "list"),
        (["schema", "confg"], "config"),
        (["check", "--format", "jsn"], "json"),
        (["check", "--report", "x"], "FORMAT=FILE"),
        (["check", "--report", "json="], "FORMAT=FILE"),
        (["check", "--output", "x"], "--format"),
        (["check", "--jobs", "0"], "jobs"),
        (["check", "--at", "yesterday"], "--at"),
        (["check", "surplus"], "surplus"),
        (["check", "--config", "/nonexistent"], "/nonexistent"),
        (["check", "--repo", "/nonexistent"], "/nonexistent"),
        (["check", "--base", "nonexistent"], "nonexistent"),
        (["check", "--base=--upload-pack=x"], "--upload-pack"),
        (["scan", "/nonexistent"], "/nonexistent"),
        (["policy", "show", "images/pined"], "images/pinned"),
        (["check", "--application", "nope"], "nope"),
    ],
    ids=lambda value: "_".join(value).replace("/", "_") if isinstance(value, list) else None,
)
def test_a_wrong_command_line_exits_2_and_says_what_is_meant(
    command: Gate, shop: GitRepository, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], hint: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(shop.folder)
    run = command(*arguments)
    assert run.code == 2
    assert hint in run.err
    assert "Traceback" not in run.err
    assert run.out == ""


def test_no_command_shows_the_help_and_decides_nothing(command: Gate) -> None:
    run = command()
    assert run.code == 2
    assert "Commands" in run.err + run.out


# -------------------------------------------------------------------------- reports


def test_several_reports_are_written_in_one_run(
    tmp_path: Path, command: Gate, shop: GitRepository
) -> None:
    one, two, three = (tmp_path / name for name in ("a.json", "b.html", "c.md"))
    run = command(
        "check", "--repo", shop.folder, "--base", "main", "--report", f"json={one}",
        "--report", f"html={two}", "--report", f"markdown={three}",
    )  # fmt: skip
    assert run.code == 0
    assert "allowed" in run.out
    assert json.loads(one.read_text("utf-8"))["verdict"] == "allow"
    assert two.read_text("utf-8").lstrip().lower().startswith("<!doctype html>")
    assert "ConfigMap" in three.read_text("utf-8")


def test_formats_and_outputs_come_in_pairs(
    tmp_path: Path, command: Gate, shop: GitRepository
) -> None:
    file = tmp_path / "a.md"
    run = command(
        "check", "--repo", shop.folder, "--base", "main",
        "--format", "markdown", "--output", file, "--format", "json",
    )  # fmt: skip
    assert run.code == 0
    assert json.loads(run.out)["verdict"] == "allow"
    assert file.read_text("utf-8").strip()


def test_a_report_that_cannot_be_written_is_no_success(
    tmp_path: Path, command: Gate, shop: GitRepository
) -> None:
    run = command(
        "check", "--repo", shop.folder, "--base", "main", "--report", f"json={tmp_path}/no/x.json"
    )
    assert run.code == 2
    assert "cannot write" in run.err


def test_a_pipe_gets_no_colours(command: Gate, shop: GitRepository) -> None:
    assert "\x1b" not in command("check", "--repo", shop.folder, "--base", "main").out


def _on_a_terminal(*arguments: object, **environment: str) -> tuple[int, str]:
    """Exit code and output of the command on a pseudo-terminal."""
    import pty

    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", **environment},
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    said = b""
    while True:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    os.close(parent)
    return process.wait(timeout=60), said.decode("utf-8", "replace")


def test_a_terminal_gets_colours_unless_asked_not_to(shop: GitRepository) -> None:
    arguments = ("check", "--repo", shop.folder, "--base", "main")
    code, said = _on_a_terminal(*arguments)
    assert code == 0
    assert "\x1b[" in said
    for options, environment in ((("--no-color",), {}), ((), {"NO_COLOR": "1"})):
        code, said = _on_a_terminal(*arguments, *options, **environment)
        assert code == 0
        assert "\x1b[3" not in said.replace("\x1b[K", "")


def test_nothing_but_the_report_is_on_stdout_and_nothing_on_stderr(shop: GitRepository) -> None:
    done = run_program("check", "--repo", shop.folder, "--base", "main", "--format", "json")
    assert json.loads(done.stdout)["verdict"] == "allow"
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [["check", "--all"], ["render"], ["schema", "config"]])
def test_a_reader_that_leaves_is_no_traceback_and_no_success(
    shop: GitRepository, arguments: list[str]
) -> None:
    edit(shop, {f"apps/{n}.yaml": config_map(f"n{n}", text="x" * 2000) for n in range(200)})
    shop.commit("many")
    repo = [] if arguments[0] == "schema" else ["--repo", str(shop.folder)]
    process = subprocess.Popen(
        [*PROGRAM, *arguments, *repo],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    code = process.wait(timeout=60)
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert code == 2


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", ["group", "alone", "terminated"])
def test_an_interrupt_exits_130_and_leaves_nothing_running(
    tmp_path: Path, path_with_engines: str, how: str
) -> None:
    endless = "{{- range until 100000000 }}{{ range until 100000000 }}{{ end }}{{ end }}"
    made = repository(
        tmp_path / "slow",
        {
            **{f"charts/c{n}/Chart.yaml": chart(f"c{n}") for n in range(12)},
            **{f"charts/c{n}/templates/x.yaml": f"a: {endless}\n" for n in range(12)},
        },
    )
    work = tmp_path / "work"
    work.mkdir()
    process = subprocess.Popen(
        [*PROGRAM, "scan", str(made.folder), "--no-cache", "--jobs", "2"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell that runs in the background starts its children deaf to interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        while not list(_processes_of(work)) and process.poll() is None:
            time.sleep(0.05)
        time.sleep(0.5)
        started = time.monotonic()
        if how == "group":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT if how == "alone" else signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 130
    assert time.monotonic() - started < 10
    assert b"Traceback" not in err
    assert out == b""
    for _ in range(50):
        if not list(_processes_of(work)) and not list(_processes_of(made.folder)):
            break
        time.sleep(0.1)
    assert list(_processes_of(work)) == []
    assert list(_processes_of(made.folder)) == []
    assert list(work.iterdir()) == []


def _processes_of(folder: Path) -> Iterator[bytes]:
    """The command lines of processes that have a folder in it, or work inside of one."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            place = (process / "cwd").readlink()
        except OSError:
            continue
        if os.fsencode(folder) in command or place.is_relative_to(folder):
            yield command


# -------------------------------------------------------------------------- what is compared


def test_the_default_is_this_branch_against_the_default_branch(
    command: Gate, shop: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.folder / "apps/deeper").mkdir()
    monkeypatch.chdir(shop.folder / "apps/deeper")
    run = command("check", "--format", "json")
    report = json.loads(run.out)
    assert report["base"] == shop.git("rev-parse", "main")
    assert report["head"] == shop.git("rev-parse", "change")
    assert len(report["changes"]) == 1


def test_the_merge_base_is_compared_and_the_tip_decides(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {CONFIGURATION: QUIET, "apps/x.yaml": config_map(), "other/y.yaml": config_map("y")},
        {"apps/x.yaml": config_map(colour="red")},
    )
    made.git("checkout", "--quiet", "main")
    body = 'deny contains "is red" if {\n\tinput.object.data.colour == "red"\n}'
    edit(made, {"policies/red.rego": rule("red", body), "other/y.yaml": config_map("y", a="1")})
    made.commit("main goes on")
    made.git("checkout", "--quiet", "change")
    run = gate("check", "--repo", made.folder)
    assert run.code == 1
    assert run.affected == ["apps"]
    assert run.introduced == [("house/red", "is red")]


def test_revisions_are_named_as_git_names_them(gate: Gate, shop: GitRepository) -> None:
    shop.git("tag", "v1", "main")
    run = gate("check", "--repo", shop.folder, "--base", "v1", "--head", "HEAD~0")
    assert len(run.changes) == 1
    same = gate("check", "--repo", shop.folder, "--base", "HEAD", "--head", "HEAD")
    assert same.code == 0
    assert same.reasons == ["no_application_affected"]


def test_a_narrowed_run_says_so(tmp_path: Path, gate: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {"a/x.yaml": config_map(), "b/x.yaml": config_map("other")},
        {"a/x.yaml": config_map(a="1"), "b/x.yaml": config_map("other", b="1")},
    )
    run = gate("check", "--repo", made.folder, "--base", "main", "--application", "a")
    assert run.changes == [("a", "modified", "ConfigMap/settings")]
    assert "narrowed to a" in run.report["warnings"][0]


def test_what_would_land_is_judged_outside_of_any_ci_where_both_revisions_are_named(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the two trees against each other: what the target gained meanwhile is no change."""
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TF_BUILD", "JENKINS_URL"):
        monkeypatch.delenv(variable, raising=False)
    made = repository(
        tmp_path / "r",
        {".gitops-gate.yaml": QUIET, "a/x.yaml": config_map(), "b/x.yaml": config_map("other")},
        {"a/x.yaml": config_map(a="1")},
    )
    made.git("checkout", "--quiet", "main")
    edit(made, {"b/x.yaml": config_map("other", b="1")})
    made.commit("meanwhile")
    named = ("--base", "main", "--head", "change")
    run = gate("check", "--ci", "--repo", made.folder, *named)
    assert (run.code, run.changes) == (0, [("a", "modified", "ConfigMap/settings")])
    half = gate("check", "--ci", "--repo", made.folder, "--base", "main")
    assert half.code == 2
    assert "--base TARGET --head HEAD" in half.err


def test_a_configuration_on_trial_is_said_loudly(
    tmp_path: Path, gate: Gate, shop: GitRepository
) -> None:
    trial = tmp_path / "trial.yaml"
    trial.write_text(QUIET + "schemas: {kubernetes: '1.30'}\n", "utf-8")
    run = gate("check", "--repo", shop.folder, "--base", "main", "--config", trial)
    assert run.report["configuration"]["source"] == "--config trial.yaml"
    assert "trial.yaml" in run.report["warnings"][0]
    assert "trial.yaml" in run.out


# -------------------------------------------------------------------------- scan


def test_a_directory_a_file_and_a_stream_are_scanned_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = deployment(replicas="many")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/web.yaml").write_text(bad, "utf-8")
    found = []
    for path, given in (("plain", None), ("plain/web.yaml", None), ("-", bad)):
        done = subprocess.run(
            [*PROGRAM, "scan", path if path == "-" else str(tmp_path / path), "--format", "json"],
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        report = json.loads(done.stdout)
        found.append([(f["rule"], f["message"]) for f in report["findings"]])
        assert all(finding["introduced"] for finding in report["findings"])
        assert report["base"] is None
    assert found[0] == found[1] == found[2]


def test_a_scan_reads_the_working_tree_or_a_revision(gate: Gate, shop: GitRepository) -> None:
    edit(shop, {"apps/web.yaml": deployment(replicas="many")})
    assert gate("scan", shop.folder).code == 1
    clean = gate("scan", shop.folder, "--head", "main")
    assert clean.code == 0
    assert clean.report["head"] == shop.git("rev-parse", "main")


def test_a_scan_of_nothing_decides_nothing(tmp_path: Path, gate: Gate) -> None:
    (tmp_path / "empty").mkdir()
    run = gate("scan", tmp_path / "empty")
    assert run.code == 2
    assert run.reasons == ["no_application_discovered"]


# -------------------------------------------------------------------------- render


def test_rendered_manifests_are_one_stream(command: Gate, shop: GitRepository) -> None:
    run = command("render", "--repo", shop.folder)
    assert run.code == 0
    documents = [one for one in gitops_gate.load_yaml(run.out.encode()) if one]
    assert sorted(one["kind"] for one in documents) == ["ConfigMap", "Deployment"]  # type: ignore[index]
    before = command("render", "apps", "--repo", shop.folder, "--head", "main")
    assert "blue" in before.out
    assert "red" in run.out


def test_the_origin_of_each_document_is_told_on_request(command: Gate, shop: GitRepository) -> None:
    run = command("render", "--repo", shop.folder, "--origin")
    assert "# apps from apps/web.yaml:1\n" in run.out
    assert len([one for one in gitops_gate.load_yaml(run.out.encode()) if one]) == 2


def test_applications_are_listed(command: Gate, shop: GitRepository) -> None:
    run = command("render", "--list", "--repo", shop.folder)
    assert run.out == "apps  (directory, default)\n"
    assert command("render", "nope", "--repo", shop.folder).code == 2


def test_one_that_cannot_be_rendered_exits_2_after_the_others(
    tmp_path: Path, command: Gate
) -> None:
    made = repository(
        tmp_path / "r",
        {
            "apps/x.yaml": config_map(),
            "shop/kustomization.yaml": kustomization("https://example.com/x.yaml"),
        },
    )
    run = command("render", "--repo", made.folder)
    assert run.code == 2
    assert "ConfigMap" in run.out
    assert "shop" in run.err
    assert "Traceback" not in run.err


# -------------------------------------------------------------------------- policy, schema, init


def test_policies_are_listed_shown_and_documented(command: Gate, shop: GitRepository) -> None:
    repo = ("--repo", shop.folder)
    assert command("policy", "list", *repo).out == ""
    rows = json.loads(command("policy", "list", "--all", "--format", "json", *repo).out)
    assert {"images/pinned", "workloads/probes"} <= {row["rule"] for row in rows}
    assert all(row["severity"] == "off" for row in rows)
    assert "images/pinned" in command("policy", "list", "--all", *repo).out
    shown = command("policy", "show", "images/pinned", *repo)
    assert shown.code == 0
    assert "To satisfy it" in shown.out
    reference = command("policy", "docs").out
    assert all(f"## {row['rule']}" in reference for row in rows)


def test_a_repository_s_policies_are_tested(tmp_path: Path, command: Gate) -> None:
    body = 'deny contains "is red" if {\n\tinput.object.data.colour == "red"\n}'
    test = (
        "package gitops_gate.house.red_test\n\nimport data.gitops_gate.house.red\n\n"
        "test_red if {\n\tcount(red.deny) == 1 "
        'with input.object as {"data": {"colour": "COLOUR"}}\n}\n'
    )
    files = {"policies/red.rego": rule("red", body), "apps/x.yaml": config_map()}
    good = repository(
        tmp_path / "good", {**files, "policies/red_test.rego": test.replace("COLOUR", "red")}
    )
    bad = repository(
        tmp_path / "bad", {**files, "policies/red_test.rego": test.replace("COLOUR", "blue")}
    )
    none = repository(tmp_path / "none", files)
    passed = command("policy", "test", "--repo", good.folder)
    assert (passed.code, passed.out.split(",")[0]) == (0, "1 passed")
    failed = command("policy", "test", "--repo", bad.folder)
    assert failed.code == 1
    assert "FAIL  test_red" in failed.out
    assert command("policy", "test", "--repo", none.folder).code == 2
    by_path = command("policy", "test", good.folder / "policies")
    assert by_path.code == 0
    strict = command("policy", "test", "--repo", good.folder, "--minimum-coverage", "100")
    assert strict.code in (0, 1)


@pytest.mark.parametrize("name", ["config", "report", "waivers", "audit"])
def test_each_schema_is_a_json_schema(command: Gate, name: str) -> None:
    from jsonschema.validators import validator_for

    run = command("schema", name)
    schema = json.loads(run.out)
    validator_for(schema).check_schema(schema)
    assert schema["$schema"].startswith("https://json-schema.org/")


def test_reports_are_valid_by_the_published_schema(tmp_path: Path, command: Gate) -> None:
    import jsonschema

    schema = json.loads(command("schema", "report").out)
    made = repository(
        tmp_path / "r",
        {"apps/web.yaml": deployment(), "apps/x.yaml": config_map()},
        {
            "apps/web.yaml": deployment("web", container(image="app:latest"), replicas="many"),
            CONFIGURATION: "version: 1\npolicies: {builtin: []}\n",
            "bad/y.yaml": "apiVersion: v1\nkind: [\n",
            "apps/x.yaml": None,
        },
    )
    for arguments in (
        ("check", "--repo", made.folder, "--base", "main"),
        ("check", "--repo", made.folder, "--base", "change"),
        ("scan", made.folder),
    ):
        run = command(*arguments, "--format", "json")
        jsonschema.validate(json.loads(run.out), schema)


def test_init_writes_what_loads_and_scans(tmp_path: Path, command: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {"apps/prod/x.yaml": config_map(), "apps/staging/x.yaml": config_map("y")},
    )
    printed = command("init", "--repo", made.folder, "--dry-run")
    assert not (made.folder / CONFIGURATION).exists()
    assert command("init", "--repo", made.folder).code == 0
    text = (made.folder / CONFIGURATION).read_text("utf-8")
    assert text == printed.out
    assert text.startswith("# yaml-language-server: $schema=")
    assert gitops_gate.load_config(made.folder / CONFIGURATION).environments
    listed = command("render", "--list", "--repo", made.folder).out
    assert "apps/prod  (directory, production)" in listed
    assert command("scan", made.folder).code in (0, 1)
    again = command("init", "--repo", made.folder)
    assert again.code == 2
    assert "--force" in again.err
    assert command("init", "--repo", made.folder, "--force").code == 0
    waivers = (made.folder / ".gitops-gate/waivers.yaml").read_text("utf-8")
    assert "[]" in waivers


@pytest.mark.parametrize(
    ("content", "place", "hint"),
    [
        ("version: 1\nplicies: {}\n", ":2", "policies"),
        ("version: 1\ngate:\n  fail_on: erorr\n", ":3", "error"),
        ("version: 1\npolicies: {builtin: [recomended]}\n", "", "recommended"),
        ("version: 2\n", ":1", "1"),
        ("version: 1\nschemas: {kubernetes: 1.36}\n", ":2", "kubernetes"),
        ("version: 1\nversion: 1\n", ":2", "version"),
        ("version: [\n", CONFIGURATION, ""),
        ("version: 1\ndelivery: {branches: {main: {}}}\n", ":2", "ref"),
        ("version: 1\nwaivers: 1\n", ":2", "waivers"),
    ],
)
def test_an_error_in_the_configuration_names_file_and_line(
    tmp_path: Path, command: Gate, content: str, place: str, hint: str
) -> None:
    made = repository(tmp_path / "r", {CONFIGURATION: content, "apps/x.yaml": config_map()})
    run = command("scan", made.folder)
    assert run.code == 2
    assert hint in run.err
    if place:
        assert f"{CONFIGURATION}{place}" in run.err or place == CONFIGURATION in run.err
    file = made.folder / CONFIGURATION
    if "builtin" not in content:
        with pytest.raises(ConfigurationError):
            gitops_gate.load_config(file)


def test_a_waiver_file_with_an_error_decides_nothing(tmp_path: Path, command: Gate) -> None:
    made = repository(
        tmp_path / "r",
        {
            ".gitops-gate/waivers.yaml": "- rule: schema\n  reason: because\n",
            "apps/x.yaml": config_map(),
        },
    )
    run = command("scan", made.folder)
    assert run.code == 2
    assert ".gitops-gate/waivers.yaml:1" in run.err
    assert "owner" in run.err


def test_a_shallow_clone_says_how_to_mend_itself(
    tmp_path: Path, command: Gate, shop: GitRepository
) -> None:
    edit(shop, {"apps/x.yaml": config_map(colour="green")})
    shop.commit("more")
    shop.git("clone", "--quiet", "--depth=1", f"file://{shop.folder}", str(tmp_path / "shallow"))
    run = command("check", "--repo", tmp_path / "shallow", "--base", "main")
    assert run.code == 2
    assert "fetch" in run.err


def test_the_public_functions_do_what_the_commands_do(shop: GitRepository) -> None:
    report = gitops_gate.check(shop.folder, base="main")
    assert report.verdict is gitops_gate.Verdict.ALLOW
    assert report.changes[0].operation is gitops_gate.Operation.MODIFIED
    assert gitops_gate.scan(shop.folder).verdict is gitops_gate.Verdict.ALLOW
    assert b"red" in gitops_gate.render(shop.folder)["apps"]
    with pytest.raises(gitops_gate.GitOpsGateError):
        gitops_gate.check(shop.folder, base="nonexistent")
    for name in gitops_gate.__all__:
        assert getattr(gitops_gate, name) is not None
