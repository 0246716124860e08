"""The packaged workflow that delivers, run for real: from a push to a ref that has moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gitops_gate.cli import main
from tests.e2e.acting import ID, NAME, TOKEN, WORKFLOWS, Acting, Ran, serving, with_job
from tests.e2e.test_action import action
from tests.forges.delivering import APPROVALS, REF, RULES, STORE, config_map
from tests.forges.github.pushing import ruleset
from tests.unit.source.repositories import GitRepository

__all__ = ["action"]

pytestmark = [pytest.mark.slow, pytest.mark.engine]

DELIVERER = "ghs_DeliveryApp0123456789abcdefghijklmno"
PERSON = "ghp_Ann0123456789abcdefghijklmnopqrstuvw"
READS = {"contents": "read", "pull_requests": "read"}
APP = 77
GUARDED = ["refs/heads/deploy/*", STORE]


def key_pair() -> tuple[str, str]:
    """A signing key and its public half, in PEM form."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@dataclass
class Delivering(Acting):
    """A repository whose rules have landed, and whose delivery refs only one App may move."""

    public: Path = Path()
    private: str = ""

    def do(self, *actions: dict[str, Any]) -> None:
        done = [{"repository": NAME, **one} for one in actions]
        self.forge.ask("/__state", {"do": done})

    def land(self, branch: str, files: dict[str, str], *, approved: bool = True) -> int:
        """A pull request of ann's, merged by mia, that rita has approved."""
        author = ["ann", "ann@example.com"]
        commit = {"branch": branch, "files": files, "message": "A change", "author": author}
        self.do({"action": "commit", "actor": "ann", **commit})
        pull = {"title": f"Change {branch}", "head": branch, "base": "main"}
        number = self.forge.ask(f"/api/v3/repos/{NAME}/pulls", pull, token=PERSON)["number"]
        if approved:
            self.do({"action": "review", "pull": number, "author": "rita", "state": "APPROVED"})
        self.do({"action": "merge", "pull": number, "actor": "mia"})
        return int(number)

    def pushed(self, workflow: Path) -> Ran:
        """The run that the newest push to main starts."""
        payload = {"ref": "refs/heads/main", "before": "0" * 40, "after": self.tip("main")}
        return self.run("push", payload, workflow=workflow)

    @property
    def branches(self) -> dict[str, str]:
        listed = self.git.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
        return dict(line.split(" ") for line in listed.splitlines())

    @property
    def kept(self) -> Path:
        return self.artifacts / str(self.runs) / "gitops-gate-delivery"

    def told(self) -> Any:
        """What the newest run says that it did."""
        (one,) = json.loads((self.kept / "delivery.json").read_text())["deliveries"]
        return one


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """The packaged workflow, to be edited."""
    file = tmp_path / "gitops-gate-deliver.yml"
    file.write_bytes((WORKFLOWS / file.name).read_bytes())
    return file


@pytest.fixture(scope="session")
def installed(action: Path) -> Path:
    """The action, that finds what is installed already, which it never does where it delivers."""
    file = action / "action.yml"
    anew = "inputs.command != 'deliver' && inputs.cache || 'false'"
    assert anew in file.read_text()
    file.write_text(file.read_text().replace(anew, "inputs.cache"))
    return action


@pytest.fixture
def shop(tmp_path: Path, installed: Path) -> Iterator[Delivering]:
    git = GitRepository(tmp_path / "origin", "--bare")
    state = tmp_path / "state.json"
    state.write_text(json.dumps({
        "accounts": [{"login": one} for one in ("ann", "rita", "mia")],
        "tokens": [
            {"value": TOKEN, "permissions": READS},
            {"value": DELIVERER, "permissions": {"contents": "write"}, "app_id": APP},
            {"value": PERSON, "account": "ann", "kind": "classic"},
        ],
        "repositories": [{
            "name": NAME, "number": ID, "private": True, "git": str(git.folder),
            "collaborators": {"ann": "write", "rita": "write", "mia": "maintain"},
            "rulesets": [
                ruleset(1, "writers", GUARDED, ["creation", "update"], [APP]),
                ruleset(2, "lasting", GUARDED, ["non_fast_forward", "deletion"]),
            ],
        }],
    }))  # fmt: skip
    private, public = key_pair()
    (tmp_path / "key.pub").write_text(public)
    (tmp_path / "app-token").write_text(DELIVERER)
    with serving(git.folder, state) as forge:
        shop = Delivering(git, forge, tmp_path, installed)
        shop.public, shop.private = tmp_path / "key.pub", private
        line = private.replace("\n", "\\n")
        shop.secrets |= {
            "GITOPS_GATE_DELIVERY_PRIVATE_KEY": "key",
            "GITOPS_GATE_SIGNING_KEY": f'"{line}"',
        }
        files = {"apps/settings.yaml": config_map("old")}
        shop.do({"action": "commit", "branch": "main", "files": files, "actor": "mia"})
        rules = RULES.format(
            origin=forge.address, id=ID, ref=REF, start=shop.tip("main"), approvals=APPROVALS,
            builtin="", hydrate="", more="",
        )  # fmt: skip
        shop.land("rules", {".gitops-gate.yaml": rules})
        yield shop
        assert_no_secret(shop)


def assert_no_secret(shop: Delivering) -> None:
    """Neither in an argument of Git nor in anything that a run kept."""
    texts = [file.read_text("utf-8", "replace") for file in shop.artifacts.rglob("*.*")]
    texts.append((shop.folder / "bin" / "git.log").read_text())
    for secret in (TOKEN, DELIVERER, "PRIVATE KEY", shop.private.splitlines()[1]):
        assert not any(secret in text for text in texts)


def ended(code: int, ran: Ran, shop: Delivering) -> Ran:
    """A run that ended so, and whose log shows no secret."""
    assert ran.code == code, ran.log
    # act shows the outputs of steps, which a runner does not; one of them is the App's token.
    lines = [line for line in ran.log.splitlines() if "::set-output:: token=" not in line]
    for secret in (TOKEN, DELIVERER, shop.private.splitlines()[1]):
        assert not any(secret in line for line in lines)
    return ran


def test_what_was_approved_reaches_the_ref_and_is_attested(
    shop: Delivering, workflow: Path
) -> None:
    ended(0, shop.pushed(workflow), shop)
    assert shop.branches[REF] == shop.tip("main")
    number = shop.land("new", {"apps/settings.yaml": config_map("new")})
    ended(0, shop.pushed(workflow), shop)
    assert shop.branches[REF] == shop.tip("main")
    told = shop.told()
    assert told["outcome"] == "delivered"
    assert told["steps"][0]["changes"][0]["number"] == number
    (attestation,) = (shop.kept / "attestations").rglob("*.intoto.jsonl")
    name = str(attestation.relative_to(shop.kept / "attestations"))
    assert name.endswith("/00000002.intoto.jsonl")
    stored = shop.git.git("show", f"{STORE}:{name}")
    assert attestation.read_text().rstrip("\n") == stored
    clone = shop.folder / "clone"
    shop.git.git("clone", "--quiet", str(shop.git.folder), str(clone))
    asked = ("--key", str(shop.public), "--repository-id", str(ID), "--repo", str(clone))
    assert main(["verify", shop.tip("main"), *asked]) == 0


def test_what_nobody_approved_stays_away_from_the_cluster(shop: Delivering, workflow: Path) -> None:
    ended(0, shop.pushed(workflow), shop)
    before = shop.branches
    shop.land("new", {"apps/settings.yaml": config_map("new")}, approved=False)
    ran = ended(1, shop.pushed(workflow), shop)
    assert shop.branches[REF] == before[REF]
    assert shop.branches[STORE] == before[STORE]
    assert "not_approved" in ran.log
    assert shop.told()["hold"]["code"] == "not_approved"
    assert not (shop.kept / "attestations").exists()


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_the_clock_delivers_what_a_push_could_not(
    shop: Delivering, workflow: Path, event: str
) -> None:
    shop.forge.ask("/__state", {"faults": [{"kind": "push_reject", "words": "busy", "times": 1}]})
    ran = ended(1, shop.pushed(workflow), shop)
    assert "could not be moved" in ran.log
    assert REF not in shop.branches
    ended(0, shop.run(event, {"schedule": "41 * * * *"}, workflow=workflow), shop)
    assert shop.branches[REF] == shop.tip("main")


def test_a_run_for_what_is_there_writes_nothing(shop: Delivering, workflow: Path) -> None:
    ended(0, shop.pushed(workflow), shop)
    before = shop.branches
    ended(0, shop.pushed(workflow), shop)
    assert shop.branches == before
    assert shop.told()["outcome"] == "up-to-date"


SSH = """\
#!/usr/bin/python3
# A Git server behind SSH: takes the command for its repository from whoever has the key.
import os, re, subprocess, sys
from pathlib import Path
configuration = Path(sys.argv[sys.argv.index("-F") + 1]).read_text()
key = Path(re.findall('IdentityFile "(.*)"', configuration)[0])
assert key.stat().st_mode & 0o777 == 0o600
Path("{folder}/key-used").write_text(key.read_text())
assert "git@127.0.0.1" in sys.argv
command = sys.argv[-1].split(" ")[0]
assert command in ("git-upload-pack", "git-receive-pack")
sys.exit(subprocess.call([command, "{repository}"]))
"""


def test_a_deploy_key_does_as_well_as_an_app(shop: Delivering, workflow: Path) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    shop.secrets["GITOPS_GATE_DELIVERY_SSH_KEY"] = '"{}"'.format(key.replace("\n", "\\n"))
    workflow.write_text(with_job(workflow, "deliver"))
    ssh = shop.programs() / "ssh"
    ssh.write_text(SSH.format(folder=shop.folder, repository=shop.git.folder))
    ssh.chmod(0o755)
    ended(0, shop.pushed(workflow), shop)
    assert shop.branches[REF] == shop.tip("main")
    assert (shop.folder / "key-used").read_text() == key


def test_a_dry_run_needs_no_credential_and_moves_nothing(shop: Delivering, workflow: Path) -> None:
    text = workflow.read_text()
    start, end = text.index("      # The one App that"), text.index("      - uses: gitops-gate/")
    without = text[:start] + text[end:].replace(
        "delivery-token: ${{ steps.app.outputs.token }}", 'dry-run: "true"'
    )
    workflow.write_text(without)
    ended(0, shop.pushed(workflow), shop)
    assert REF not in shop.branches
    assert shop.told()["outcome"] == "dry-run"
