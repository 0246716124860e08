"""Attempts to have a delivery believe settings, or attestations, that nobody approved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.attestations.bundle import opened, signed
from gitops_gate.attestations.chain import entry_path
from gitops_gate.attestations.keys import trusted_keys
from gitops_gate.attestations.signing import Signer, signer_of
from gitops_gate.config.delivery_settings import SigningSettings
from tests.forges.delivering import REF, STORE, Ground, config_map, make_key
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow

EVIL: dict[str, str | None] = {"apps/settings.yaml": config_map("evil")}
WHY = {
    "env:KEY_OF_OTHERS": "was not made from",
    "file:forger.pem": "a file of the checkout",
    "env:CI_COMMIT_MESSAGE": "is set by the CI",
}
OTHER_STORE = "refs/heads/other-store"


class Forger:
    """Somebody with a key of their own, and a chain of their own that it signed."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.pem = make_key(ground.folder / "forger.pub")
        settings = SigningSettings(method="key", key="env:KEY")
        self.signer: Signer = signer_of(settings, {"KEY": self.pem})

    def newest(self) -> Any:
        """The newest decision that was really taken."""
        names = self.ground.shop.git("ls-tree", "-r", "--name-only", STORE).split()
        path = max(name for name in names if name.endswith(".jsonl"))
        data = self.ground.shop.git("show", f"{STORE}:{path}")
        trusted = trusted_keys(self.ground.key.read_bytes())
        return opened(data.encode(), trusted, path).decision

    def rules(self, key: str) -> str:
        """Rules that ask for nobody, and keep attestations elsewhere, signed by the forger."""
        text = self.ground.rules(approvals="")
        text = text.replace("  signing:", f"  attestations: {OTHER_STORE}\n  signing:")
        return text.replace("env:GITOPS_GATE_SIGNING_KEY", key)

    def store(self, commit: str, **more: Any) -> None:
        """A chain of one decision, that `commit` was delivered as what the ref is at."""
        real = self.newest()
        body = {**real.body, "start": self.ground.start}
        decision = replace(real, sequence=1, previous=None, commit=commit, body=body, **more)
        data = signed(decision, self.signer).decode()
        files: dict[str, str | None] = {entry_path(decision.channel, 1): data}
        branch = OTHER_STORE.removeprefix("refs/heads/")
        self.ground.commit(branch, files, start=self.ground.start)


@pytest.mark.parametrize("hydrate", ["", ", hydrate: true"])
@pytest.mark.parametrize("key", ["env:KEY_OF_OTHERS", "file:forger.pem", "env:CI_COMMIT_MESSAGE"])
def test_a_chain_that_a_direct_push_names_is_not_gone_on_from(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, hydrate: str, key: str
) -> None:
    if hydrate:
        ground.land(ground.change("hydrate", {".gitops-gate.yaml": ground.rules(hydrate=hydrate)}))
    assert ground.deliver().code == 0
    before, attested = ground.delivered, ground.attested
    forger = Forger(ground)
    rules = forger.rules(key).replace(f"{ground.start}}}", f"{ground.start}{hydrate}}}")
    files = {".gitops-gate.yaml": rules, "forger.pem": forger.pem}
    evil = ground.server.direct(ground.shop, "main", files, by="mia")
    forger.store(evil)
    ground.land(ground.change("evil", EVIL), by=None)
    ground.environment[key.removeprefix("env:")] = forger.pem
    clone = ground.clone()
    monkeypatch.chdir(clone)
    done = ground.run("deliver", "--format", "json", "--repo", str(clone))
    assert done.code == 2, done.out + done.err
    assert WHY[key] in done.out + done.err
    assert (ground.delivered, ground.attested) == (before, attested)


def test_a_title_that_speaks_of_another_commit_does_not_make_a_ref_one(
    ground: Ground,
) -> None:
    """A commit that was delivered once may say in its title that it is rendered from another."""
    assert ground.deliver().code == 0
    forger = Forger(ground)
    rules = forger.rules("env:KEY_OF_OTHERS")
    evil = ground.commit("aside", {".gitops-gate.yaml": rules, **EVIL}, start=ground.start)
    title, server = f"Render {evil}", ground.server
    more: dict[str, str | None] = {"apps/more.yaml": config_map("one", "more")}
    ann, name = server.account("ann"), ("ann", "ann@example.com")
    server.commit(ground.shop, "titled", more, title, actor=ann, start=ground.main, author=name)
    pull = server.pull(ground.shop, head="titled", author=ann)
    ground.land(pull, method="rebase")
    assert ground.shop.git("log", "-1", "--format=%s", "main").strip() == title
    assert ground.deliver().code == 0
    before = ground.delivered, ground.attested
    forger.store(evil)
    ground.server.force(ground.shop, "main", evil, by="mia")
    ground.land(ground.change("evil", {"apps/evil.yaml": config_map("evil", "evil")}), by=None)
    ground.environment["KEY_OF_OTHERS"] = forger.pem
    done = ground.deliver()
    assert done.code == 2, done.out + done.err
    assert "was not made from" in done.out + done.err
    assert (ground.delivered, ground.attested) == before


@pytest.mark.parametrize(
    "start", ["tree", "blob", "0" * 40, "1" * 40, "main", "HEAD", "--all", "a" * 40]
)
def test_a_start_that_is_no_commit_delivers_nothing(ground: Ground, start: str) -> None:
    """Before the first delivery there are no settings but those of the tip."""
    if start in ("tree", "blob"):
        start = ground.shop.git(
            "rev-parse", "main^{tree}" if start == "tree" else "main:apps/settings.yaml"
        ).strip()
    text = ground.rules().replace(ground.start, start)
    ground.land(ground.change("start", {".gitops-gate.yaml": text}))
    done = ground.deliver()
    assert done.code in (1, 2), done.out + done.err
    assert "Traceback" not in done.err
    # Where the settings do not load at all, those before them decide, up to what broke them.
    assert ground.delivered in (None, ground.shop.git("rev-parse", "main^").strip())


@pytest.mark.parametrize(
    "ref",
    [
        "refs/heads/main",
        STORE,
        f"{STORE}/below",
        "refs/heads/gitops-gate",
        "refs/heads/main/below",
        "refs/pull/1/head",
        "refs/remotes/origin/main",
        "refs/heads/../main",
        "refs/heads/-f",
        "HEAD",
        "main",
    ],
)
def test_a_ref_that_is_not_to_be_followed_is_refused(ground: Ground, ref: str) -> None:
    ground.land(ground.change("ref", {".gitops-gate.yaml": ground.rules().replace(REF, ref)}))
    refs = set(ground.shop.git("for-each-ref", "--format=%(refname)").split())
    main = ground.main
    done = ground.deliver()
    assert done.code in (1, 2), done.out + done.err
    assert "Traceback" not in done.err
    now = set(ground.shop.git("for-each-ref", "--format=%(refname)").split())
    assert now - refs <= {REF, STORE}
    assert ground.main == main != ground.delivered


def test_a_start_that_a_direct_push_names_begins_nothing(ground: Ground) -> None:
    """The evil commit first, then settings that begin after it, and an approved change on top."""
    evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
    text = ground.rules().replace(ground.start, evil)
    ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
    ground.land(ground.change("more", {"apps/more.yaml": config_map("one", "more")}))
    done = ground.deliver()
    assert done.code == 2
    assert "what lies in between would be delivered unverified" in done.out
    assert (ground.delivered, ground.attested) == (None, None)


def test_a_branch_that_was_pushed_back_is_not_followed(ground: Ground) -> None:
    assert ground.deliver().code == 0
    older = ground.main
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    assert ground.deliver().code == 0
    newer = ground.delivered
    ground.server.force(ground.shop, "main", older, by="mia")
    done = ground.deliver()
    assert (done.code, done.hold) == (1, "history")
    assert ground.delivered == newer
