"""From a change to comments on its lines: what a reviewer sees beside a patch and a values file."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_gate import pipeline
from gitops_gate.pipeline import Options
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.review.diff_lines import diff_lines_of
from gitops_gate.review.inline import InlinePlan, inline_plan, paths_of
from gitops_gate.source import open_repository
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("path_with_engines")]

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1.0.0
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  minReadySecond: 3
  template:
    spec:
      containers:
        - name: web
          securityContext:
            privileged: true  # for now
"""
FILES = {
    ".gitops-gate.yaml": "version: 1\npolicies: {builtin: [pod-security/privileged]}\n",
    "web/base/kustomization.yaml": "resources: [web.yaml]\n",
    "web/base/web.yaml": WEB,
    "web/prod/kustomization.yaml": "resources: [../base]\n",
    "job/Chart.yaml": "apiVersion: v2\nname: job\nversion: 1.0.0\n",
    "job/values.yaml": "securityContext:\n  privileged: false\n",
    "job/templates/job.yaml": """\
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
  namespace: shop
spec:
  containers:
    - name: job
      image: example.com/job:1.0.0
      securityContext: {{- toYaml .Values.securityContext | nindent 8 }}
""",
}


@pytest.fixture
def change(tmp_path: Path) -> GitRepository:
    git = GitRepository(tmp_path / "repository")
    for path, text in FILES.items():
        git.write(path, text)
    git.commit()
    git.git("checkout", "--quiet", "-b", "change")
    git.write("web/prod/kustomization.yaml", "resources: [../base]\npatches: [{path: more.yaml}]\n")
    git.write("web/prod/more.yaml", PATCH)
    git.write("job/values.yaml", "securityContext:\n  privileged: true\n")
    git.commit()
    return git


def planned(git: GitRepository) -> InlinePlan:
    with open_repository(git.folder) as repository:
        report = pipeline.check(repository, "main", "change", Options(jobs=1))
        lines = diff_lines_of(
            repository,
            target="main",
            head="change",
            judged=repository.revision("change").tree,
            paths=paths_of(report),
            forge="github",
        )
    context = ReviewContext(
        forge="github", head=report.head or "", base=report.base or "", base_ref="refs/heads/main"
    )
    return inline_plan(report, lines, 20, context)


def test_comments_stand_at_the_cause_with_the_line_as_it_should_be(change: GitRepository) -> None:
    plan = planned(change)
    shown = {
        (one.comment.place.path, one.comment.place.line): one.comment.body for one in plan.comments
    }
    assert sorted(shown) == [
        ("job/values.yaml", 2),
        ("web/prod/more.yaml", 5),
        ("web/prod/more.yaml", 11),
    ]
    assert not plan.left
    assert "```suggestion\n  privileged: false\n```" in shown["job/values.yaml", 2]
    assert "```suggestion\n  minReadySeconds: 3\n```" in shown["web/prod/more.yaml", 5]
    assert (
        "```suggestion\n            privileged: false  # for now\n```"
        in shown["web/prod/more.yaml", 11]
    )
