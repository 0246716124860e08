"""The examples for other CIs, run as far as they can be: their own shell steps, in the environment
that each vendor documents, on checkouts such as each one makes, with what they install.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gitops_gate.documents import load_document
from tests.e2e.repositories import config_map, container, deployment, kustomization, repository
from tests.engines import ROOT
from tests.unit.source.repositories import ENVIRONMENT, GitRepository

EXAMPLES = ROOT / "examples" / "ci"
RULES = "version: 1\npolicies: {builtin: [images/pinned]}\n"
NO_RULES = "version: 1\npolicies: {builtin: []}\n"
SCHEMAS = {
    "azure-pipelines.yml": "azure-pipelines",
    "bitbucket-pipelines.yml": "bitbucket-pipelines",
    "circleci/config.yml": "circle-ci",
}


def read(example: str) -> Any:
    return load_document((EXAMPLES / example).read_bytes())


@pytest.mark.parametrize("example", SCHEMAS)
def test_an_example_is_what_its_vendors_schema_describes(example: str) -> None:
    """The schemas are those of SchemaStore, as the package check-jsonschema carries them."""
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / f"{SCHEMAS[example]}.json").read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(read(example))] == []
    wrong = {**read(example), "jobs": [{"nonsense": 1}], "pipelines": 1}
    assert list(validator.iter_errors(wrong))


def test_the_jenkinsfile_is_balanced_and_lets_groovy_put_nothing_into_a_script() -> None:
    text = (EXAMPLES / "Jenkinsfile").read_text("utf-8")
    strings = re.compile(r"'''(.*?)'''|'([^'\n]*)'|(\")|//[^\n]*", re.DOTALL)
    outside = strings.sub(lambda found: '"' if found[3] else "", text)
    assert '"' not in outside, "a double-quoted string is one that Groovy interpolates"
    opened: list[str] = []
    for sign in re.findall(r"[][(){}]", outside):
        if sign in "([{":
            opened.append(sign)
        else:
            assert f"{opened.pop()}{sign}" in ("()", "[]", "{}")
    assert opened == []
    assert re.match(r"\s*pipeline \{", outside)


# ------------------------------------------------------------------------------- where they run


@dataclass(frozen=True)
class Job:
    """A job of a CI: the folder with the checkout, its variables, its steps, its reports."""

    folder: Path
    variables: Mapping[str, str]
    steps: list[str]
    gate: Path
    junit: Path
    reports: Path


@dataclass(frozen=True)
class Forge:
    """A repository on a server, with a change request that its target has moved on from."""

    bare: Path
    target: str
    head: str


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """gitops-gate as a repository that can be fetched by a commit's id, with what it is now."""
    made = GitRepository(tmp_path_factory.mktemp("source"))
    for part in ("action", "gitops_gate", "policies", "requirements"):
        ignored = shutil.ignore_patterns("__pycache__", "node")
        shutil.copytree(ROOT / part, made.folder / part, ignore=ignored)
    made.commit("gitops-gate")
    return made


@pytest.fixture(scope="module")
def installed(source: GitRepository) -> Path:
    """What the launcher installs into its checkout: once, for all jobs."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GIT", "PYTHON", "PIP"))}
    done = subprocess.run(
        [source.folder / "action" / "gitops-gate", "--version"],
        env=inherited,
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gitops-gate ")
    return source.folder / ".cache"


@pytest.fixture
def forge(tmp_path: Path) -> Callable[..., Forge]:
    """A server's repository whose change request edits these files."""

    def make(**edits: str) -> Forge:
        base = {
            ".gitops-gate.yaml": RULES,
            "apps/web/kustomization.yaml": kustomization("web.yaml"),
            "apps/web/web.yaml": deployment(),
        }
        named = {
            "rules": ".gitops-gate.yaml",
            "web": "apps/web/web.yaml",
            "plain": "plain/new.yaml",
        }
        edited = {named[key]: text for key, text in edits.items()}
        made = repository(tmp_path / "authors", base, edited)
        head = made.git("rev-parse", "HEAD")
        made.git("checkout", "--quiet", "main")
        made.write("README", "the target moves on\n")
        made.commit("moved on")
        target = made.git("rev-parse", "HEAD")
        bare = tmp_path / "server.git"
        made.git("clone", "--quiet", "--bare", str(made.folder), str(bare))
        server = ["git", "-C", str(bare), "update-ref"]
        subprocess.run([*server, "refs/pull/3/head", head], check=True)
        made.git("merge", "--quiet", "change")
        merge = made.git("rev-parse", "HEAD")
        made.git("push", "--quiet", str(bare), f"{merge}:refs/pull/3/merge")
        return Forge(bare=bare, target=target, head=head)

    return make


def checkout(folder: Path, forge: Forge, *refspecs: str) -> GitRepository:
    made = GitRepository(folder)
    made.git("remote", "add", "origin", str(forge.bare))
    made.git("fetch", "--quiet", "--no-tags", "origin", *refspecs)
    return made


def jenkins(tmp_path: Path, forge: Forge) -> Job:
    """A multibranch pipeline that merges before it builds: it fetched the change, and the target
    under another name (the worst case), and checked out a merge of its own."""
    text = (EXAMPLES / "Jenkinsfile").read_text("utf-8")
    made = checkout(tmp_path / "workspace", forge, "+refs/pull/3/head:refs/remotes/origin/PR-3")
    made.git("checkout", "--quiet", "--detach", "refs/remotes/origin/PR-3")
    made.git("fetch", "--quiet", "origin", "refs/heads/main")
    made.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    temporary = tmp_path / "workspace@tmp"
    temporary.mkdir()
    environment = dict(re.findall(r"^ +(GITOPS_GATE_\w+) = '([^']*)'$", text, re.MULTILINE))
    # In Groovy's strings a backslash at the end of a line joins it with the next.
    scripts = [
        script.replace("\\\n", "") for script in re.findall(r"\bsh '''(.*?)'''", text, re.DOTALL)
    ]
    assert not any("\\" in script for script in scripts)
    return Job(
        folder=made.folder,
        variables={
            **environment,
            "JENKINS_HOME": "/var/jenkins_home",
            "WORKSPACE": str(made.folder),
            "WORKSPACE_TMP": str(temporary),
            "BRANCH_NAME": "PR-3",
            "CHANGE_ID": "3",
            "CHANGE_TARGET": "main",
            "CHANGE_BRANCH": "change",
            "GIT_COMMIT": made.git("rev-parse", "HEAD"),
        },
        steps=[f"set -xe\n{script}" for script in scripts],
        gate=temporary / "gitops-gate",
        junit=made.folder / "gate" / "junit.xml",
        reports=made.folder / "gate",
    )


def bitbucket(tmp_path: Path, forge: Forge) -> Job:
    """A pull request pipeline: the source branch alone, merged with the target."""
    (step,) = read("bitbucket-pipelines.yml")["pipelines"]["pull-requests"]["**"]
    folder = tmp_path / "build"
    command = ["git", "clone", "--quiet", "--branch=change", "--single-branch"]
    subprocess.run([*command, str(forge.bare), str(folder)], env=ENVIRONMENT, check=True)
    made = GitRepository(folder)
    made.git("fetch", "--quiet", "origin", "refs/heads/main")
    made.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    gate = tmp_path / "gitops-gate"
    return Job(
        folder=folder,
        variables={
            "BITBUCKET_BUILD_NUMBER": "7",
            "BITBUCKET_CLONE_DIR": str(folder),
            "BITBUCKET_COMMIT": forge.head,
            "BITBUCKET_BRANCH": "change",
            "BITBUCKET_PR_ID": "3",
            "BITBUCKET_PR_DESTINATION_BRANCH": "main",
            "BITBUCKET_PR_DESTINATION_COMMIT": forge.target[:12],
            "BITBUCKET_REPO_FULL_NAME": "shop/deploy",
        },
        steps=[line.replace("/tmp/gitops-gate", str(gate)) for line in step["step"]["script"]],
        gate=gate,
        junit=folder / "test-results" / "gitops-gate.xml",
        reports=folder / "gate",
    )


def circleci(tmp_path: Path, forge: Forge) -> Job:
    """A pipeline that GitHub's `pull_request` event started, with a full checkout."""
    job = read("circleci/config.yml")["jobs"]["gitops-gate"]
    made = checkout(tmp_path / "project", forge, "+refs/heads/*:refs/remotes/origin/*")
    made.git("checkout", "--quiet", "-B", "change", forge.head)
    values = {"pipeline.event.github.pull_request.base.ref": "main"}
    environment = {
        name: re.sub(r"<< (\S+) >>", lambda found: values[found[1]], value)
        for name, value in job["environment"].items()
    }
    moved = {f"/tmp/{name}": str(tmp_path / name) for name in ("gitops-gate", "gate")}
    scripts = [step["run"]["command"] for step in job["steps"] if "run" in step]
    for before, after in moved.items():
        scripts = [re.sub(rf"{before}(?=[/\s])", after, script) for script in scripts]
    return Job(
        folder=made.folder,
        variables={
            **environment,
            "CIRCLECI": "true",
            "CIRCLE_SHA1": forge.head,
            "CIRCLE_BRANCH": "change",
            "CIRCLE_PULL_REQUEST": "https://github.com/shop/deploy/pull/3",
        },
        steps=[f"set -eo pipefail\n{script}" for script in scripts],
        gate=tmp_path / "gitops-gate",
        junit=tmp_path / "gate" / "junit" / "gitops-gate.xml",
        reports=tmp_path / "gate",
    )


def azure(tmp_path: Path, forge: Forge) -> Job:
    """A pull request of Azure Repos: every branch, and the server's merge checked out."""
    example = read("azure-pipelines.yml")
    (job,) = example["jobs"]
    refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/pull/3/merge:refs/remotes/pull/3/merge")
    made = checkout(tmp_path / "s", forge, *refs)
    made.git("checkout", "--quiet", "--detach", "refs/remotes/pull/3/merge")
    temporary, staging = tmp_path / "_temp", tmp_path / "a"
    temporary.mkdir()
    staging.mkdir()
    return Job(
        folder=made.folder,
        variables={
            **example["variables"],
            "TF_BUILD": "True",
            "AGENT_TEMPDIRECTORY": str(temporary),
            "BUILD_ARTIFACTSTAGINGDIRECTORY": str(staging),
            "BUILD_REPOSITORY_NAME": "deploy",
            "BUILD_SOURCEVERSION": made.git("rev-parse", "HEAD"),
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "3",
            "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
            "SYSTEM_PULLREQUEST_SOURCECOMMITID": forge.head,
        },
        steps=[step["script"] for step in job["steps"] if "script" in step],
        gate=temporary / "gitops-gate",
        junit=staging / "gate" / "junit.xml",
        reports=staging / "gate",
    )


JOBS = (jenkins, bitbucket, circleci, azure)


def run(job: Job, source: GitRepository, installed: Path) -> Iterator[int]:
    """Run the steps as the CI does, each in a shell of its own, up to one that fails."""
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(job.folder.parent),
        "CI": "true",
        **job.variables,
        "GITOPS_GATE_SOURCE": source.folder.as_uri(),
        "GITOPS_GATE_COMMIT": source.git("rev-parse", "HEAD"),
    }
    for step in job.steps:
        done = subprocess.run(
            ["bash", "-c", step],
            cwd=job.folder,
            env=variables,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        print(step, done.stdout, done.stderr, sep="\n")
        yield done.returncode
        if done.returncode:
            return
        if (job.gate / "action").is_dir() and not (job.gate / ".cache").exists():
            (job.gate / ".cache").symlink_to(installed)


@pytest.mark.slow
@pytest.mark.parametrize("ci", JOBS, ids=lambda ci: ci.__name__)
def test_a_change_is_denied_by_the_targets_rules_and_the_reports_are_kept(
    ci: Callable[..., Job],
    forge: Callable[..., Forge],
    source: GitRepository,
    installed: Path,
    tmp_path: Path,
) -> None:
    """The change also turns off the rule that denies it."""
    server = forge(web=deployment("web", container(image="web:latest")), rules=NO_RULES)
    job = ci(tmp_path, server)

    codes = list(run(job, source, installed))

    assert (len(codes), codes[-1]) == (len(job.steps), 1)
    report = json.loads((job.reports / "report.json").read_text("utf-8"))
    assert report["verdict"] == "deny"
    assert (report["base"], report["head"]) == (server.target, server.head)
    assert {one["rule"] for one in report["findings"] if one["introduced"]} == {"images/pinned"}
    suites = ET.parse(job.junit).getroot()
    assert [
        case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None
    ]
    assert json.loads((job.reports / "report.sarif").read_text("utf-8"))["version"] == "2.1.0"
    assert "<!doctype html>" in (job.reports / "report.html").read_text("utf-8").lower()


@pytest.mark.slow
@pytest.mark.parametrize("ci", JOBS, ids=lambda ci: ci.__name__)
def test_a_change_that_breaks_no_rule_is_allowed(
    ci: Callable[..., Job],
    forge: Callable[..., Forge],
    source: GitRepository,
    installed: Path,
    tmp_path: Path,
) -> None:
    job = ci(tmp_path, forge(web=deployment(replicas=3)))
    assert set(run(job, source, installed)) == {0}
    assert json.loads((job.reports / "report.json").read_text("utf-8"))["verdict"] == "allow"


def test_a_merge_that_jenkins_made_is_judged_like_the_change_itself(
    forge: Callable[..., Forge], gate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = forge(plain=config_map("new"))
    job = jenkins(tmp_path, server)
    made = GitRepository(job.folder)
    made.git("fetch", "--quiet", "origin", "+refs/heads/main:refs/remotes/origin/main")
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in job.variables.items():
        monkeypatch.setenv(name, value)
    merged = gate("check", "--ci", "--repo", job.folder)
    itself = gate("check", "--ci", "--repo", job.folder, "--head", "refs/remotes/origin/PR-3")
    assert merged.code == itself.code == 0
    assert merged.changes == itself.changes == [("plain", "added", "ConfigMap/new")]
    assert (merged.report["head"], itself.report["head"]) == (
        job.variables["GIT_COMMIT"],
        server.head,
    )


# ------------------------------------------------------------------------------- pre-commit


@pytest.fixture
def hooked(tmp_path: Path) -> GitRepository:
    """A repository whose commits go through the hook that we ship, with this very package."""
    hooks: Any = load_document((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    hook = {**hooks[0], "language": "system"}
    files = {
        ".gitops-gate.yaml": RULES,
        ".pre-commit-config.yaml": json.dumps({"repos": [{"repo": "local", "hooks": [hook]}]}),
        "apps/web.yaml": deployment("web"),
        "apps/old.yaml": deployment("old"),
    }
    made = repository(tmp_path / "repository", files)
    commands = Path(sys.executable).parent
    subprocess.run(
        [commands / "pre-commit", "install"],
        cwd=made.folder,
        env={**ENVIRONMENT, "PRE_COMMIT_HOME": str(tmp_path / "pre-commit")},
        check=True,
        capture_output=True,
    )
    return made


def commit(made: GitRepository) -> tuple[int, str]:
    """Commit what is staged: the exit code, and what was said."""
    done = subprocess.run(
        ["git", "commit", "--quiet", "--message", "change"],
        cwd=made.folder,
        env={
            **ENVIRONMENT,
            "PATH": f"{Path(sys.executable).parent}:{ENVIRONMENT['PATH']}",
            "HOME": str(made.folder.parent),
            "PRE_COMMIT_HOME": str(made.folder.parent / "pre-commit"),
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_commit_that_the_rules_deny_is_not_made(hooked: GitRepository) -> None:
    hooked.write("apps/web.yaml", deployment("web", container(image="web:latest")))
    hooked.git("add", "apps/web.yaml")
    hooked.write("apps/old.yaml", "not staged: [\n")
    code, said = commit(hooked)
    assert code == 1
    assert "images/pinned" in said
    assert "could not be evaluated" not in said
    assert (hooked.folder / "apps" / "old.yaml").read_text() == "not staged: [\n"


@pytest.mark.slow
def test_a_commit_that_only_removes_something_goes_through_the_hook_too(
    hooked: GitRepository,
) -> None:
    """pre-commit lists no removed files, so a hook that waits for names would not run."""
    hooked.write("apps/web.yaml", deployment("web", container(image="web:latest")))
    hooked.git("rm", "--quiet", "apps/old.yaml")
    code, said = commit(hooked)
    assert code == 0, said
    assert "Passed" in said
    assert "Skipped" not in said
