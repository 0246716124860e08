"""What honest people can do about a delivery that somebody, or something, made stop."""

from __future__ import annotations

import pytest

from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.test_deliver_github import ratified

pytestmark = pytest.mark.slow

BROKEN: dict[str, str | None] = {"apps/kustomization.yaml": "resources: [missing.yaml]\n"}


@pytest.fixture(autouse=True)
def _delivered(ground: Ground) -> None:
    assert ground.deliver().code == 0


class TestAStepThatCouldNotBeDecided:
    @pytest.fixture
    def held(self, ground: Ground) -> str:
        ground.land(ground.change("broken", BROKEN))
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert done.one["outcome"] == "held"
        return ground.main

    def test_is_taken_back_by_a_revert(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("undo", dict.fromkeys(BROKEN)))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main

    def test_is_mended_by_a_ratification_that_repairs_it(self, ground: Ground, held: str) -> None:
        files = {**dict.fromkeys(BROKEN), **ratified(held, str(ground.delivered))}
        ground.ratify(ground.change("repair", files))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.verify(ground.main).code == 0

    def test_is_not_mended_by_what_does_not_name_it(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("more", {"other/more.yaml": config_map("one", "more")}))
        done = ground.deliver()
        assert (done.code, done.hold) == (2, "application_failed")

    def test_nor_by_a_repair_that_nobody_approved(self, ground: Ground, held: str) -> None:
        files = {**dict.fromkeys(BROKEN), **ratified(held, str(ground.delivered))}
        ground.land(ground.change("repair", files), by=None)
        done = ground.deliver()
        assert (done.code, done.hold) == (2, "application_failed")
        assert "does not mend that" in done.out

    def test_says_how_to_mend_it(self, ground: Ground, held: str) -> None:
        assert "gitops-gate ratify" in ground.deliver(json=False).out


def test_a_forge_that_is_down_for_one_change_is_waited_for(ground: Ground) -> None:
    """What nobody could be asked about is not passed by, though all of it was taken back."""
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    ground.land(pull)
    ground.land(ground.change("undo", {"apps/settings.yaml": config_map("old")}))
    before = ground.delivered
    ground.server.lookups.down(times=None)
    assert ground.deliver().code == 2
    assert ground.delivered == before
    ground.server.faults.clear()
    assert ground.deliver().code == 0


def committed(ground: Ground, tree: str) -> str:
    """A commit by ann on main, of any tree."""
    who = "ann <ann@example.com> 1795000000 +0000"
    raw = f"tree {tree}\nparent {ground.main}\nauthor {who}\ncommitter {who}\n\nA commit\n"
    made = ground.shop.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())
    return str(made).strip()


class TestAFileOfRatifiedStepsThatIsNone:
    """Somebody pushed a link, a submodule or rubbish in its place."""

    # The forge of our own cannot show a file that takes the place of a link or a submodule.

    @pytest.fixture(params=["link", "submodule", "rubbish", "folder"])
    def held(self, ground: Ground, request: pytest.FixtureRequest) -> str:
        git = ground.shop.git
        blob = git("hash-object", "-w", "--stdin", stdin=b"[\xff").strip()
        inside = {
            "link": f"120000 blob {blob}\tratified.yaml",
            "submodule": f"160000 commit {ground.start}\tratified.yaml",
            "rubbish": f"100644 blob {blob}\tratified.yaml",
            "folder": f"040000 tree {git('rev-parse', 'main^{tree}').strip()}\tratified.yaml",
        }[request.param]
        folder = git("mktree", stdin=f"{inside}\n".encode()).strip()
        entries = git("ls-tree", "main") + f"040000 tree {folder}\t.gitops-gate\n"
        tree = git("mktree", stdin=entries.encode()).strip()
        made = committed(ground, tree)
        ground.server.force(ground.shop, "main", made, by="mia")
        assert ground.deliver().hold == "direct_push"
        return made

    def test_is_taken_back_by_a_revert(self, ground: Ground, held: str) -> None:
        self.land(ground, "undo", {})
        done = ground.deliver()
        assert done.code == 0, done.out + done.err

    @pytest.mark.parametrize("held", ["rubbish", "folder"], indirect=True)
    def test_is_replaced_by_a_ratification(self, ground: Ground, held: str) -> None:
        files = ratified(held, str(ground.delivered))
        self.land(ground, "repair", files)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.verify(ground.main).code == 0

    def land(self, ground: Ground, branch: str, files: dict[str, str | None]) -> None:
        """A change on what is held that has the delivered tree, and these files."""
        git = ground.shop.git
        tree = git("rev-parse", f"{ground.delivered}^{{tree}}").strip()
        made = committed(ground, tree)
        ground.server.force(ground.shop, branch, made, by="ann")
        if files:
            ground.commit(branch, files)
        ann = ground.server.account("ann")
        ground.ratify(ground.server.pull(ground.shop, head=branch, author=ann, title=branch))
