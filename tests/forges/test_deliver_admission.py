"""The step in front of a cluster that docs/delivery.md shows, run as it is written there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines import ROOT
from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow

KUBECTL = """\
#!{python}
# A cluster with one object, whose commit is in a file.
import json, sys
from pathlib import Path
state = Path("{state}")
assert sys.argv[1:3] == ["-n", "flux-system"], sys.argv
assert sys.argv[4:6] == ["gitrepository", "delivered"], sys.argv
if sys.argv[3] == "get":
    print(state.read_text(), end="")
else:
    patch = json.loads(sys.argv[sys.argv.index("--patch") + 1])
    state.write_text(patch["spec"]["ref"]["commit"])
"""


@dataclass
class Cluster:
    """A cluster that reads one commit, and the clone beside it."""

    ground: Ground
    folder: Path
    said: str = ""

    def admit(self) -> int:
        page = (ROOT / "docs" / "delivery.md").read_text("utf-8")
        shown = re.findall(r"^```sh\n(set -eu\n.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
        script = shown.replace("/srv/clone", str(self.folder / "clone")).replace(
            "/keys/key.pub", str(self.ground.key)
        )
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
        }
        done = subprocess.run(
            ["sh", "-c", script], env=environment, capture_output=True, check=False
        )
        self.said = (done.stdout + done.stderr).decode()
        return done.returncode

    @property
    def reads(self) -> str:
        return (self.folder / "commit").read_text()


@pytest.fixture
def cluster(tmp_path: Path, ground: Ground) -> Cluster:
    assert ground.deliver().code == 0
    folder = tmp_path / "cluster"
    (folder / "bin").mkdir(parents=True)
    (folder / "commit").write_text("")
    kubectl = folder / "bin" / "kubectl"
    kubectl.write_text(KUBECTL.format(python=sys.executable, state=folder / "commit"))
    kubectl.chmod(0o755)
    gate = folder / "bin" / "gitops-gate"
    gate.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m gitops_gate "$@"\n')
    gate.chmod(0o755)
    clone = ["git", "clone", "--quiet", str(ground.shop.git.path), str(folder / "clone")]
    subprocess.run(clone, check=True)
    return Cluster(ground, folder)


def test_what_was_delivered_rightly_is_let_in_and_again_nothing_happens(cluster: Cluster) -> None:
    assert cluster.admit() == 0, cluster.said
    assert cluster.reads == cluster.ground.delivered
    assert cluster.admit() == 0
    assert cluster.said == ""


def test_what_was_delivered_later_is_let_in_next(cluster: Cluster) -> None:
    cluster.admit()
    ground = cluster.ground
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    assert ground.deliver().code == 0
    assert cluster.admit() == 0, cluster.said
    assert cluster.reads == ground.main


def test_a_ref_that_somebody_moved_stays_outside(cluster: Cluster) -> None:
    cluster.admit()
    before = cluster.reads
    ground = cluster.ground
    evil = ground.server.direct(ground.shop, "main", {"apps/settings.yaml": "evil"}, by="root")
    ground.server.force(ground.shop, "deploy/production", evil, by="root")
    assert cluster.admit() == 2
    assert "nothing attests that" in cluster.said
    assert cluster.reads == before


def test_an_older_commit_stays_outside_although_it_was_delivered_rightly(cluster: Cluster) -> None:
    ground = cluster.ground
    older = ground.delivered
    assert older
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    assert ground.deliver().code == 0
    cluster.admit()
    before = cluster.reads
    ground.server.force(ground.shop, "deploy/production", older, by="root")
    assert cluster.admit() != 0
    assert cluster.reads == before


def test_another_key_lets_nothing_in(cluster: Cluster) -> None:
    openssl = ["openssl", "genpkey", "-algorithm", "ed25519"]
    private = subprocess.run(openssl, capture_output=True, check=True).stdout
    public = ["openssl", "pkey", "-pubout"]
    made = subprocess.run(public, input=private, capture_output=True, check=True).stdout
    cluster.ground.key.write_bytes(made)
    assert cluster.admit() == 2
    assert "no trusted key signed it" in cluster.said
    assert cluster.reads == ""
