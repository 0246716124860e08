"""A repository on a forge of our own whose main branch is delivered, for tests of deliveries."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from tests.forges.github.server import GitHubServer
from tests.forges.github.state import Pull, Repository

NAME = "acme/shop"
ID = 4711
READER = "ghs_reader"
DELIVERER = "ghs_deliverer"
REF = "refs/heads/deploy/production"
STORE = "refs/heads/gitops-gate/attestations"
RULES = """\
version: 1
policies: {{builtin: [{builtin}]}}
forge: {{url: {origin}, repository_id: {id}}}
{approvals}delivery:
  branches:
    main: {{ref: {ref}, start: {start}{hydrate}}}
  signing: {{method: key, key: "env:GITOPS_GATE_SIGNING_KEY"}}
{more}"""
APPROVALS = """\
approvals:
  rules:
    - name: a second pair of eyes
      require: {count: 1}
"""


def rules(origin: str, number: int, start: str, **more: str) -> str:
    """The configuration of a repository that is delivered."""
    parts = {"approvals": APPROVALS, "builtin": "", "hydrate": "", "more": "", **more}
    return RULES.format(origin=origin, id=number, ref=REF, start=start, **parts)


def config_map(value: str, name: str = "settings") -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\n"
        f"data:\n  key: {value}\n"
    )


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        return json.loads(self.out)["deliveries"]

    @property
    def one(self) -> dict[str, Any]:
        (delivery,) = self.deliveries
        return delivery

    @property
    def hold(self) -> str | None:
        return self.one["hold"] and self.one["hold"]["code"]


@dataclass
class Ground:
    """`acme/shop` on a GitHub of our own: people, rules, and the deliver job's environment."""

    server: GitHubServer
    shop: Repository
    folder: Path
    run: Callable[..., Ran]
    start: str
    environment: dict[str, str] = field(default_factory=dict)
    key: Path = Path()

    @property
    def main(self) -> str:
        return self.tip("main")

    @property
    def delivered(self) -> str | None:
        return self.shop.git.branches().get(REF.removeprefix("refs/heads/"))

    @property
    def attested(self) -> str | None:
        return self.shop.git.branches().get(STORE.removeprefix("refs/heads/"))

    def tip(self, branch: str) -> str:
        return self.shop.git.branches()[branch]

    def rules(self, **more: str) -> str:
        return rules(self.server.origin, ID, self.start, **more)

    def change(
        self, branch: str, files: Mapping[str, str | None], *, start: str | None = None
    ) -> Pull:
        """A pull request by ann, on main as it is."""
        ann = self.server.account("ann")
        self.commit(branch, files, start=start or self.main)
        return self.server.pull(self.shop, head=branch, author=ann, title=f"Change {branch}")

    def commit(
        self, branch: str, files: Mapping[str, str | None], *, start: str | None = None
    ) -> str:
        """Another commit on a branch, pushed by ann."""
        ann = self.server.account("ann")
        return self.server.commit(
            self.shop, branch, files, actor=ann, start=start, author=("ann", "ann@example.com")
        )

    def land(self, pull: Pull, *, by: str | None = "rita", method: str = "merge") -> str:
        """Merge a pull request, approved by somebody first, and give the tip of main."""
        if by is not None:
            self.server.approve(pull, by=by)
        return self.server.merge(pull, method=method, by="mia")

    def ratify(self, pull: Pull) -> str:
        """Merge a pull request that goes past what is held: it takes two."""
        self.server.approve(pull, by="sam")
        return self.land(pull)

    def clone(self) -> Path:
        """A fresh clone, as the job's checkout makes one."""
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        command = ["git", "clone", "--quiet", str(self.shop.git.path), str(checkout)]
        subprocess.run(command, check=True)
        return checkout

    def deliver(self, *arguments: object, json: bool = True) -> Ran:
        form = ["--format", "json"] if json else []
        return self.run("deliver", *form, *arguments, "--repo", str(self.clone()))

    def push_event(self, branch: str = "main") -> None:
        payload = {"ref": f"refs/heads/{branch}", "before": "0" * 40, "after": self.tip(branch)}
        Path(self.environment["GITHUB_EVENT_PATH"]).write_text(json.dumps(payload))

    def verify(self, commit: str, *arguments: object) -> Ran:
        return self.run(
            "verify", commit, "--key", self.key, "--repository-id", ID, *arguments,
            "--repo", str(self.clone()),
        )  # fmt: skip


def make_ground(server: GitHubServer, folder: Path, run: Callable[..., Ran]) -> Ground:
    """The repository with its rules landed by a change request, and nothing delivered yet."""
    shop = server.repository(
        NAME,
        number=ID,
        collaborators={"ann": "write", "rita": "write", "sam": "write", "mia": "maintain"},
    )
    ground = Ground(server=server, shop=shop, folder=folder, run=run, start="")
    ground.start = ground.commit("main", {"apps/settings.yaml": config_map("old")})
    server.token(READER, permissions={"contents": "read", "pull_requests": "read"})
    deliverer = server.token(DELIVERER, permissions={"contents": "write"}, app_id=77)
    server.protect(shop, "refs/heads/deploy/*", STORE, only=[deliverer])
    ground.key = folder / "key.pub"
    pem = make_key(ground.key)
    ground.environment.update(
        GITHUB_ACTIONS="true",
        GITHUB_REPOSITORY=NAME,
        GITHUB_REPOSITORY_ID=str(ID),
        GITHUB_SERVER_URL=server.origin,
        GITHUB_API_URL=server.api_url,
        GITHUB_GRAPHQL_URL=server.graphql_url,
        GITHUB_RUN_ID="99",
        GITHUB_EVENT_NAME="push",
        GITHUB_EVENT_PATH=str(folder / "event.json"),
        GITHUB_TOKEN=READER,
        GITOPS_GATE_DELIVERY_TOKEN=DELIVERER,
        GITOPS_GATE_SIGNING_KEY=pem,
    )
    ground.land(ground.change("rules", {".gitops-gate.yaml": ground.rules()}))
    ground.push_event()
    return ground


def make_key(public: Path) -> str:
    """A private key as PEM, whose public half is written to a file."""
    private = Ed25519PrivateKey.generate()
    public.write_bytes(
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def ground(
    tmp_path: Path,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ground:
    """The ground of a test on GitHub; nobody waits between two attempts."""
    environment: dict[str, str] = {}
    monkeypatch.setattr("time.sleep", lambda _: None)
    run = runner(environment, monkeypatch, capfd, (READER, DELIVERER, "PRIVATE KEY"))
    made = make_ground(github_server, tmp_path, run)
    environment.update(made.environment)
    made.environment = environment
    return made


def runner(
    environment: dict[str, str], monkeypatch: Any, capfd: Any, secrets: tuple[str, ...]
) -> Callable[..., Ran]:
    """Runs the command in this process, and fails where it prints a secret."""

    def run(*arguments: object) -> Ran:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main([*map(str, arguments)])
        said = capfd.readouterr()
        out = "\n".join(line for line in said.out.splitlines() if not line.startswith("::"))
        for secret in secrets:
            assert secret not in said.out + said.err
        return Ran(code, out, said.err)

    return run
