"""A bump is rendered before it is proposed: it brings what was asked for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops_gate.cli import main
from tests.unit.source.repositories import GitRepository

APP = "registry.example.com/app"
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: IMAGE}
"""


@dataclass
class Ran:
    code: int
    out: str
    err: str


Bump = Callable[..., Ran]


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    return GitRepository(tmp_path / "repository")


@pytest.fixture
def bump(
    made: GitRepository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Bump:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, command: str = "bump") -> Ran:
        capfd.readouterr()
        code = main([command, *arguments, "--repo", str(made.folder), "--dry-run"])
        said = capfd.readouterr()
        return Ran(code, said.out, said.err)

    return run


def commit(made: GitRepository, files: dict[str, str]) -> str:
    for path, text in files.items():
        made.write(path, text)
    return made.commit()


class TestManifests:
    def test_what_it_changes_is_shown(self, made: GitRepository, bump: Bump) -> None:
        commit(made, {"apps/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}:1.0@{OLD}")})
        done = bump("apps", f"image={APP}:1.1@{NEW}")
        assert done.code == 0, done.err
        assert "~ Deployment shop/web  image changed, rollout" in done.out
        assert f"-        - {{name: web, image: {APP}:1.0@{OLD}}}" in done.out
        assert f"+        - {{name: web, image: {APP}:1.1@{NEW}}}" in done.out
        assert "Would be opened: gitops-gate/bump-apps-" in done.out
        assert made.git("status", "--porcelain") == ""
        assert made.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"

    def test_what_a_check_finds_in_it_is_told(self, made: GitRepository, bump: Bump) -> None:
        commit(
            made,
            {
                ".gitops-gate.yaml": "policies: {builtin: [images/pinned]}\n",
                "apps/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}@{OLD}"),
            },
        )
        done = bump("apps", f"image={APP}:latest", "--allow-tag")
        assert done.code == 0, done.err
        assert "A check of it says deny: 1 introduced error" in done.out

    def test_an_unknown_application(self, made: GitRepository, bump: Bump) -> None:
        commit(made, {"apps/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}:1.0")})
        done = bump("aps", f"image={APP}:1.1@{NEW}")
        assert done.code == 2
        assert "aps: no such application (did you mean apps?" in done.err

    def test_a_tag_alone_has_to_be_allowed(self, made: GitRepository, bump: Bump) -> None:
        commit(made, {"apps/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}:1.0")})
        refused = bump("apps", f"image={APP}:1.1")
        assert refused.code == 2
        assert "--allow-tag" in refused.err
        assert bump("apps", f"image={APP}:1.1", "--allow-tag").code == 0

    def test_an_application_that_cannot_be_rendered_is_an_error(
        self, made: GitRepository, bump: Bump
    ) -> None:
        files = {
            "apps/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}:1.0"),
            "apps/broken.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nname: [\n",
        }
        commit(made, files)
        done = bump("apps", f"image={APP}:1.1@{NEW}")
        assert done.code == 2
        assert "apps/broken.yaml:5: apps: not YAML" in done.err, done.err

    def test_hostile_names_reach_no_terminal(self, made: GitRepository, bump: Bump) -> None:
        name = "apps/\x1b[31mred"
        commit(made, {f"{name}/web.yaml": DEPLOYMENT.replace("IMAGE", f"{APP}:1.0")})
        done = bump(name, f"image={APP}:1.1@{NEW}")
        assert done.code == 0, done.err
        assert "\x1b" not in done.out + done.err


@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
class TestKustomize:
    OVERLAY = "resources: [../../base]\nimages:\n  - name: app\n    newTag: v0  # by us\n"

    def files(self) -> dict[str, str]:
        return {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": DEPLOYMENT.replace("IMAGE", APP),
            "overlays/prod/kustomization.yaml": self.OVERLAY.replace("name: app", f"name: {APP}"),
            "overlays/staging/kustomization.yaml": "resources: [../../base]\n",
        }

    def test_the_overlay_alone_changes(self, made: GitRepository, bump: Bump) -> None:
        commit(made, self.files())
        done = bump("overlays/prod", f"image={APP}:v1@{NEW}")
        assert done.code == 0, done.err
        assert "+    newTag: v1  # by us\n" in done.out
        assert f"+    digest: {NEW}\n" in done.out
        assert "overlays/staging" not in done.out

    def test_a_digest_alone(self, made: GitRepository, bump: Bump) -> None:
        commit(made, self.files())
        done = bump("overlays/prod", f"image={APP}@{NEW}")
        assert done.code == 0, done.err
        assert f"-    newTag: v0  # by us\n+    digest: {NEW}  # by us\n" in done.out

    def test_a_base_that_others_read_is_refused(self, made: GitRepository, bump: Bump) -> None:
        files = self.files()
        files["overlays/test/kustomization.yaml"] = "resources: [../../base]\n"
        commit(made, files)
        done = bump("overlays/staging", f"image={APP}:v1@{NEW}")
        assert done.code == 1
        assert "1 other application would change as well: overlays/test; base/web.yaml" in done.err
        assert "say it in a file that only overlays/staging reads" in done.err
        asked = ("overlays/staging", f"image={APP}:v1@{NEW}", "--also")
        assert bump(*asked, "overlays/test").code == 0
        assert bump(*asked, "overlays/tset").code == 2

    def test_a_base_may_be_edited_where_all_others_override_it(
        self, made: GitRepository, bump: Bump
    ) -> None:
        commit(made, self.files())
        done = bump("overlays/staging", f"image={APP}:v1@{NEW}")
        assert done.code == 0, done.err
        assert "overlays/prod" not in done.out

    def test_a_place_that_something_overrides_changes_nothing(
        self, made: GitRepository, bump: Bump
    ) -> None:
        files = self.files()
        files["overlays/prod/kustomization.yaml"] = (
            "resources: [../../base]\nimages:\n- {name: unused, newName: registry.example.com/app, "
            "newTag: v0}\n"
        )
        commit(made, files)
        done = bump("overlays/prod", f"image={APP}:v1@{NEW}")
        assert done.code == 1
        assert "nothing changes in the cluster" in done.err
        assert "overlays/prod/kustomization.yaml:3 has no effect" in done.err

    def test_a_copy_of_the_image_may_follow_it(self, made: GitRepository, bump: Bump) -> None:
        files = self.files()
        files["overlays/prod/kustomization.yaml"] += (
            "replacements:\n"
            "- source: {kind: Deployment, fieldPath: 'spec.template.spec.containers.0.image'}\n"
            "  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.annotations.image], "
            "options: {create: true}}]\n"
        )
        commit(made, files)
        assert bump("overlays/prod", f"image={APP}:v1@{NEW}").code == 0

    def test_what_else_would_change_is_named(self, made: GitRepository, bump: Bump) -> None:
        files = self.files()
        files["overlays/prod/kustomization.yaml"] += (
            "configMapGenerator:\n- name: this\n  namespace: shop\n  files: [kustomization.yaml]\n"
        )
        commit(made, files)
        done = bump("overlays/prod", f"image={APP}:v1@{NEW}")
        assert done.code == 1
        assert "something else would change as well: ConfigMap shop/this-" in done.err


@pytest.mark.engine
@pytest.mark.usefixtures("path_with_engines")
class TestHelm:
    TEMPLATE = DEPLOYMENT.replace(
        "{name: web, image: IMAGE}",
        'name: web\n          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"',
    ).replace(
        "{name: web, namespace: shop}",
        '\n  name: web\n  labels: {version: {{ .Values.image.tag | splitList "@" | first }}}',
    )

    def files(self) -> dict[str, str]:
        return {
            "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
            "chart/templates/web.yaml": self.TEMPLATE + "  replicas: {{ .Values.replicas }}\n",
            "chart/values.yaml": f"image:\n  repository: {APP}\n  tag: v0\nreplicas: 1\n",
            "chart/values-prod.yaml": "image:\n  tag: v0   # of production\n",
        }

    def test_the_values_of_one_environment(self, made: GitRepository, bump: Bump) -> None:
        commit(made, self.files())
        done = bump("chart@prod", f"image={APP}:v1@{NEW}")
        assert done.code == 0, done.err
        assert f"+  tag: v1@{NEW}   # of production" in done.out

    def test_values_that_others_take_too(self, made: GitRepository, bump: Bump) -> None:
        commit(made, self.files())
        done = bump("chart@prod", "values.replicas=5")
        assert done.code == 1
        assert "1 other application would change as well: chart; chart/values.yaml:4" in done.err
        assert "say it in a file that only chart@prod reads" in done.err

    def test_a_key_of_values(self, made: GitRepository, bump: Bump) -> None:
        files = self.files()
        files["chart/values-prod.yaml"] += "replicas: 3\n"
        commit(made, files)
        done = bump("chart@prod", "values.replicas=5")
        assert done.code == 0, done.err
        assert "-replicas: 3\n+replicas: 5\n" in done.out
        assert "replicas 3 → 5" in done.out
