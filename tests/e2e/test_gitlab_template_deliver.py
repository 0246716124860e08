"""The job of the GitLab template that delivers, run for real: from a merge to a ref that moved."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.cli import main
from tests.e2e.piping import JOB_TOKEN, PROJECT, PROJECT_ID, TOKEN, Piping, Ran, published, serving
from tests.e2e.test_action_deliver import key_pair
from tests.engines import node_package, require_program
from tests.forges.delivering import APPROVALS, REF, RULES, STORE, config_map
from tests.forges.gitlab.landing import bare_repository
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.slow, pytest.mark.engine]

DELIVERER = "glpat-deliverer-0123456789abcdef"


@dataclass
class Delivering(Piping):
    """A project whose rules have landed, and whose delivery refs only one account may move."""

    public: Path = Path()
    keys: dict[str, str] = field(default_factory=dict)

    def act(self, action: str, **more: Any) -> None:
        self.forge.ask("/__state", {"do": [{"action": action, **more}]})

    def land(self, branch: str, files: Mapping[str, str], *, approved: bool = True) -> None:
        """A merge request of alice's that carol merges and bob has approved."""
        self.act("direct", branch=branch, files=files, by="alice", start=self.tip("main"))
        opened = {"project": PROJECT, "source_branch": branch, "author": "alice"}
        made = self.forge.ask("/__state", {"merge_requests": [opened]})["merge_requests"]
        mr = {"merge_request": made[-1]["reference"]}
        if approved:
            self.act("approve", by="bob", **mr)
        self.act("land", by="carol", method="merge", **mr)

    def deliver(self, source: str = "push", **more: Any) -> Ran:
        """The pipeline of main that a push, a schedule or a person starts."""
        variables = self.on_main(source, **more.pop("variables", {}))
        given = {"deliver": True, "repository-id": PROJECT_ID, "push": False}
        given |= more.pop("inputs", {})
        return self.run(variables, inputs=given, **{"trigger": None, "keys": self.keys, **more})

    @property
    def branches(self) -> dict[str, str]:
        listed = self.git.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
        return dict(line.split(" ") for line in listed.splitlines())

    @property
    def report(self) -> Path:
        (folder,) = (self.place / ".gitlab-ci-local" / "artifacts").glob("gitops-gate?gdeliver")
        return folder / "gitops-gate-delivery"

    def told(self) -> Any:
        """What the newest pipeline says that it did."""
        (one,) = json.loads((self.report / "delivery.json").read_text())["deliveries"]
        return one


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """gitops-gate, that finds what is installed already, which it never does where it delivers."""
    node_package("gitlab-ci-local")
    require_program("node", "install Node")
    require_program("rsync", "apt-get install rsync")
    git = published(tmp_path_factory.mktemp("gate") / "gate")
    script = (git.folder / "action" / "gitlab").read_text()
    anew = '    GATE_CACHE_FOLDER=""\n'
    assert anew in script
    git.write("action/gitlab", script.replace(anew, ""))
    git.commit()
    return git


@pytest.fixture
def shop(tmp_path: Path, gate: GitRepository) -> Iterator[Delivering]:
    bare_repository(tmp_path / "origin", {"apps/settings.yaml": config_map("old")})
    git = GitRepository(tmp_path / "origin", "--bare")
    guarded = {"push": [{"user": "deliverer"}], "merge": ["nobody"]}
    state = tmp_path / "state.json"
    state.write_text(json.dumps({
        "users": [
            {"username": name, "id": number}
            for number, name in enumerate(("alice", "bob", "carol", "deliverer"), start=11)
        ],
        "groups": [
            {"path": "group", "id": 21},
            {"path": "gitops-gate", "id": 31, "visibility": "public"},
        ],
        "projects": [
            {
                "path": PROJECT, "id": PROJECT_ID, "repository": str(git.folder),
                "members": {
                    "alice": "developer", "bob": "developer", "carol": "maintainer",
                    "deliverer": "developer",
                },
                "protected": [
                    {"name": "main"}, {"name": "deploy/*", **guarded},
                    {"name": STORE.removeprefix("refs/heads/"), **guarded},
                ],
            },
            {
                "path": "gitops-gate/gitops-gate", "id": 99, "visibility": "public",
                "repository": str(gate.folder), "job_token_from": [PROJECT],
            },
        ],
        "pipelines": [
            {"id": 90, "project": PROJECT, "sha": git.git("rev-parse", "main"), "ref": "main",
             "by": "carol", "source": "push"},
        ],
        "tokens": [
            {"value": TOKEN, "project": PROJECT, "level": "developer"},
            {"value": DELIVERER, "user": "deliverer"},
            {"value": JOB_TOKEN, "pipeline": 90},
        ],
    }))  # fmt: skip
    private, public = key_pair()
    (tmp_path / "key.pub").write_text(public)
    with serving(state) as forge:
        shop = Delivering(git, gate, forge, tmp_path)
        shop.public = tmp_path / "key.pub"
        shop.keys = {
            "GITOPS_GATE_DELIVERY_TOKEN": DELIVERER,
            "GITOPS_GATE_SIGNING_KEY": base64.b64encode(private.encode()).decode(),
        }
        rules = RULES.format(
            origin=forge.address, id=PROJECT_ID, ref=REF, start=shop.tip("main"),
            approvals=APPROVALS, builtin="", hydrate="", more="",
        )  # fmt: skip
        shop.land("rules", {".gitops-gate.yaml": rules})
        yield shop


def ended(code: int, ran: Ran, shop: Delivering) -> Ran:
    """A pipeline whose job ended so, and in whose log no key is."""
    assert ran.code == (1 if code else 0), ran.log
    assert not code or f"FAIL {code}" in ran.log, ran.log
    for secret in (TOKEN, JOB_TOKEN, *shop.keys.values()):
        assert secret not in ran.log
    assert "Authorization" not in ran.log
    return ran


def test_what_was_approved_reaches_the_ref_and_is_attested(shop: Delivering) -> None:
    ended(0, shop.deliver(), shop)
    assert shop.branches[REF] == shop.tip("main")
    shop.land("new", {"apps/settings.yaml": config_map("new")})
    ended(0, shop.deliver(), shop)
    assert shop.branches[REF] == shop.tip("main")
    assert shop.told()["outcome"] == "delivered"
    (attestation,) = (shop.report / "attestations").rglob("*.intoto.jsonl")
    name = attestation.relative_to(shop.report / "attestations")
    assert attestation.read_text().rstrip("\n") == shop.git.git("show", f"{STORE}:{name}")
    lines = (shop.report / "delivery.env").read_text().splitlines()
    assert lines == [
        "GITOPS_GATE_DELIVERY_VERDICT=allow",
        f"GITOPS_GATE_DELIVERED={shop.tip('main')}",
    ]
    clone = shop.folder / "clone"
    shop.git.git("clone", "--quiet", str(shop.git.folder), str(clone))
    asked = ("--key", str(shop.public), "--repository-id", str(PROJECT_ID), "--repo", str(clone))
    assert main(["verify", shop.tip("main"), *asked]) == 0


def test_what_nobody_approved_is_held_and_no_later_approval_or_schedule_moves_it(
    shop: Delivering,
) -> None:
    shop.land("new", {"apps/settings.yaml": config_map("new")}, approved=False)
    ran = ended(1, shop.deliver(), shop)
    assert "not_approved" in ran.log
    shop.act("approve", by="bob", merge_request=f"{PROJECT}!2")
    before = shop.branches
    ended(1, shop.deliver("schedule"), shop)
    assert shop.branches == before
    assert shop.told()["hold"]["code"] == "not_approved"


@pytest.mark.parametrize("source", ["schedule", "web"])
def test_a_schedule_delivers_what_the_push_could_not(shop: Delivering, source: str) -> None:
    fault = {"kind": "push_reject", "words": "busy", "times": 1}
    shop.forge.ask("/__state", {"faults": [fault]})
    ended(2, shop.deliver(), shop)
    assert REF not in shop.branches
    ended(0, shop.deliver(source), shop)
    assert shop.branches[REF] == shop.tip("main")


def test_another_project_than_the_one_in_the_file_is_not_asked_about_anything(
    shop: Delivering,
) -> None:
    ran = ended(2, shop.deliver(variables={"CI_PROJECT_ID": "1"}), shop)
    assert "this run is of repository 1, and the configuration pins 4711" in ran.log
    asked = [one["operation"] for one in shop.forge.ask("/__log")]
    assert all(one.startswith("git-upload-pack") for one in asked), asked
    assert REF not in shop.branches


def test_without_the_projects_number_nothing_is_delivered(shop: Delivering) -> None:
    ran = ended(2, shop.deliver(inputs={"repository-id": 0}), shop)
    assert "repository-id does not say which project" in ran.log


def test_a_dry_run_moves_nothing(shop: Delivering) -> None:
    shop.keys.pop("GITOPS_GATE_DELIVERY_TOKEN")
    ended(0, shop.deliver(inputs={"dry-run": True}), shop)
    assert REF not in shop.branches
    assert shop.told()["outcome"] == "dry-run"
