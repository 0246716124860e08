"""Reading, fetching and moving the refs of remote repositories, by folder and over real HTTP."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitops_gate.errors import ConfigurationError, SourceError
from gitops_gate.source import Repository, edited_tree, open_repository, read_commit, write_commit
from gitops_gate.source.recompute import reachable, steps_between
from gitops_gate.source.remote import fetch, push, remote_refs
from gitops_gate.source.remote_values import Pushed, PushResult, RefUpdate, RemoteAddress
from tests.unit.source.git_server import GitServer
from tests.unit.source.repositories import ENVIRONMENT, GitRepository

AT = datetime(2030, 1, 1, tzinfo=UTC)
MAIN = "refs/heads/main"
DEPLOY = "refs/heads/deploy/production"
LEDGER = "refs/heads/gitops-gate/attestations"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def fingerprint(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that writing to a folder would change."""
    found: dict[str, tuple[object, ...]] = {}
    for place in sorted(folder.rglob("*")):
        status = place.lstat()
        content = place.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(place)] = (status.st_mode, status.st_mtime_ns, content)
    return found


class Remote:
    """A bare repository, its address, and a checkout that was cloned from it."""

    def __init__(self, folder: Path) -> None:
        self.author = GitRepository(folder / "author")
        for number in range(3):
            self.author.write(f"folder/{number}", f"{number}\n")
            self.author.commit(f"{number}")
        self.folder = folder / "served" / "shop.git"
        git(folder, "clone", "--quiet", "--bare", str(self.author.folder), str(self.folder))
        git(self.folder, "config", "http.receivepack", "true")
        git(self.folder, "config", "uploadpack.allowFilter", "true")
        self.author.git("remote", "add", "origin", str(self.folder))
        self.checkout = self.clone(folder / "checkout")
        self.address = RemoteAddress(url=str(self.folder))

    def clone(self, folder: Path, *options: str) -> GitRepository:
        command = ["git", "clone", "--quiet", *options, f"file://{self.folder}", str(folder)]
        subprocess.run(command, env=ENVIRONMENT, check=True, timeout=60)
        return GitRepository(folder)

    def refs(self) -> dict[str, str]:
        lines = git(self.folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def tip(self, ref: str = MAIN) -> str:
        return git(self.folder, "rev-parse", ref)

    def land(self, path: str = "new", message: str = "landed") -> str:
        """Another commit on main that the checkout does not have."""
        self.author.write(path, path)
        commit = self.author.commit(message)
        self.author.git("push", "--quiet", "origin", "main")
        return commit

    def hook(self, name: str, script: str) -> None:
        place = self.folder / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)


@pytest.fixture
def local(tmp_path: Path) -> Remote:
    """A remote that is reached as a folder."""
    return Remote(tmp_path)


@pytest.fixture
def server(local: Remote) -> Iterator[GitServer]:
    """The same remote behind HTTP."""
    with GitServer(root=local.folder.parent) as server:
        yield server


@pytest.fixture(params=["folder", "http"])
def remote(request: pytest.FixtureRequest, local: Remote) -> Remote:
    """The remote, each way."""
    if request.param == "http":
        served: GitServer = request.getfixturevalue("server")
        local.address = RemoteAddress(url=served.url("shop.git"))
    return local


def commit_on(repository: Repository, parent: str, text: str) -> str:
    """A new commit on top of another one."""
    tree = edited_tree(repository, read_commit(repository, parent).tree, {"state": text.encode()})
    return write_commit(repository, tree=tree, parents=(parent,), message=text, at=AT)


class TestListing:
    """Which refs there are."""

    def test_full_names_and_the_object_of_each(self, remote: Remote) -> None:
        git(remote.folder, "branch", "release/1", "main")
        git(remote.folder, "update-ref", "refs/pull/1/head", "main")
        tip = remote.tip()
        assert remote_refs(remote.address, []) == {
            MAIN: tip, "refs/heads/release/1": tip, "refs/pull/1/head": tip,
        }  # fmt: skip
        assert remote_refs(remote.address, ["refs/pull/"]) == {"refs/pull/1/head": tip}

    def test_a_prefix_is_a_ref_or_a_folder(self, remote: Remote) -> None:
        for name in ("main2", "main3", "release/1"):
            git(remote.folder, "branch", name, "main")
        assert set(remote_refs(remote.address, [MAIN])) == {MAIN}
        assert set(remote_refs(remote.address, ["refs/heads/release"])) == {"refs/heads/release/1"}
        assert remote_refs(remote.address, ["refs/heads/gone", "refs/tags/"]) == {}

    def test_an_annotated_tag_is_its_own_object(self, remote: Remote) -> None:
        git(remote.folder, "tag", "--annotate", "v1", "-m", "v1", "main")
        listed = remote_refs(remote.address, ["refs/tags/"])
        assert listed == {"refs/tags/v1": remote.tip("refs/tags/v1")}
        with open_repository(remote.checkout.folder) as repository:
            given = fetch(repository, remote.address, ["refs/tags/v1"])
            assert given == listed
            assert repository.resolve(given["refs/tags/v1"]) == remote.tip()

    def test_an_empty_repository_has_none(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet", "--bare", "empty.git")
        assert remote_refs(RemoteAddress(url=str(tmp_path / "empty.git")), []) == {}

    def test_one_with_sha256(self, tmp_path: Path) -> None:
        made = GitRepository(tmp_path / "new", "--object-format=sha256")
        commit = made.commit()
        address = RemoteAddress(url=str(made.folder))
        assert remote_refs(address, []) == {MAIN: commit}
        with open_repository(made.folder) as repository:
            new = commit_on(repository, commit, "new")
            moved = push(repository, address, [RefUpdate(ref=DEPLOY, old=None, new=new)])
            assert moved.result is PushResult.DONE
            assert fetch(repository, address, [DEPLOY]) == {DEPLOY: new}

    def test_no_repository_is_an_error(self, server: GitServer, tmp_path: Path) -> None:
        for url in (str(tmp_path / "nowhere"), server.url("nowhere.git")):
            with pytest.raises(SourceError, match="cannot be read"):
                remote_refs(RemoteAddress(url=url), [])

    def test_the_configuration_of_the_current_folder_does_not_count(
        self, local: Remote, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        local.checkout.git("config", "url./nowhere/.insteadOf", f"file://{local.folder}")
        monkeypatch.chdir(local.checkout.folder)
        assert remote_refs(local.address, [MAIN]) == {MAIN: local.tip()}


class TestFetching:
    """What a fetch gives, and what it leaves alone."""

    def test_a_ref_that_only_the_remote_has(self, remote: Remote) -> None:
        old = remote.tip()
        first, second = remote.land("first"), remote.land("second")
        before = fingerprint(remote.checkout.folder)
        with open_repository(remote.checkout.folder) as repository:
            with pytest.raises(SourceError, match="not known"):
                repository.resolve(second)
            assert fetch(repository, remote.address, [MAIN]) == {MAIN: second}
            assert repository.resolve(second) == second
            assert repository.revision(second).tree.read("second") == b"second"
            assert repository.merge_base(old, second) == old
            assert repository.first_parent_history(second, 2) == (second, first)
            assert (
                repository.merged(old, second).tree.identity == read_commit(repository, second).tree
            )
            assert steps_between(repository, old, second) == (first, second)
            assert reachable(repository, old, second)
        assert fingerprint(remote.checkout.folder) == before

    def test_an_object_by_its_id(self, remote: Remote) -> None:
        wanted = remote.land("wanted")
        remote.land("later")
        with open_repository(remote.checkout.folder) as repository:
            assert fetch(repository, remote.address, [wanted]) == {wanted: wanted}
            assert repository.revision(wanted).tree.read("wanted") == b"wanted"

    def test_only_what_is_missing_travels(self, remote: Remote) -> None:
        for number in range(100):
            remote.author.write(f"numbers/{number}", f"{number}")
        remote.land("many")
        checkout = remote.clone(remote.folder.parent.parent / "fresh")
        remote.land("one more")
        with open_repository(checkout.folder) as repository:
            fetch(repository, remote.address, [MAIN])
            assert count_objects(repository) < 10
            remote.land("and another")
            fetch(repository, remote.address, [MAIN])
            assert count_objects(repository) < 20

    def test_what_is_there_already_is_no_error(self, remote: Remote) -> None:
        with open_repository(remote.checkout.folder) as repository:
            for _ in range(2):
                assert fetch(repository, remote.address, [MAIN, remote.tip()]) == {
                    MAIN: remote.tip(), remote.tip(): remote.tip(),
                }  # fmt: skip
            assert fetch(repository, remote.address, []) == {}
            assert count_objects(repository) == 0

    @pytest.mark.parametrize(
        "options",
        [["--depth=1"], ["--filter=blob:none"], ["--filter=tree:0"],
         ["--depth=2", "--filter=blob:none"]],
        ids=["shallow", "no blobs", "no trees", "both"],
    )  # fmt: skip
    def test_beside_an_incomplete_clone_everything_is_there(
        self, options: list[str], remote: Remote, tmp_path: Path
    ) -> None:
        checkout = remote.clone(tmp_path / "incomplete", "--no-checkout", *options)
        before = fingerprint(checkout.folder)
        with open_repository(checkout.folder) as repository:
            assert fetch(repository, remote.address, [MAIN]) == {MAIN: remote.tip()}
            history = repository.first_parent_history(remote.tip(), 100)
            assert len(history) == 3
            for commit in history:
                tree = repository.revision(commit).tree
                assert len(list(tree.blobs.read_many(tree.entries.values()))) == len(tree.entries)
            assert steps_between(repository, history[-1], history[0]) == history[-2::-1]
        assert fingerprint(checkout.folder) == before

    @pytest.mark.parametrize("want", ["refs/heads/gone", "1" * 40])
    def test_what_is_not_there_is_an_error(self, want: str, remote: Remote) -> None:
        with (
            open_repository(remote.checkout.folder) as repository,
            pytest.raises(SourceError, match=f"cannot give {want}"),
        ):
            fetch(repository, remote.address, [want])

    @pytest.mark.parametrize("want", ["main", "-x", "HEAD", "refs/heads/*", "a" * 39, "refs/a\n+x"])
    def test_what_is_no_ref_is_refused(self, want: str, local: Remote) -> None:
        with open_repository(local.checkout.folder) as repository, pytest.raises(SourceError):
            fetch(repository, local.address, [want])

    def test_a_remote_that_is_shallow_itself_is_an_error(
        self, local: Remote, tmp_path: Path
    ) -> None:
        local.land()
        shallow = local.clone(tmp_path / "shallow", "--depth=1")
        with open_repository(local.checkout.folder) as repository, pytest.raises(SourceError):
            fetch(repository, RemoteAddress(url=str(shallow.folder)), [MAIN])

    def test_a_tree_that_would_mislead_a_checkout_is_refused(self, remote: Remote) -> None:
        evil = remote.author.commit_tree(
            remote.author.make_tree(("100644", b".git", b"x")), remote.tip()
        )
        remote.author.git("push", "--quiet", "origin", f"{evil}:refs/heads/evil")
        with open_repository(remote.checkout.folder) as repository:
            with pytest.raises(SourceError, match="hasDotgit"):
                fetch(repository, remote.address, ["refs/heads/evil"])
            with pytest.raises(SourceError):
                repository.resolve(evil)

    def test_old_habits_are_not_refused(self, remote: Remote) -> None:
        blob = remote.author.git("hash-object", "-w", "--stdin", stdin=b"x")
        folder = remote.author.git("mktree", stdin=f"100644 blob {blob}\tx\n".encode())
        tree = remote.author.git(
            "hash-object", "-t", "tree", "-w", "--literally", "--stdin",
            stdin=b"040000 old\0" + bytes.fromhex(folder),
        )  # fmt: skip
        raw = f"tree {tree}\nauthor a<a> 1 +0000\ncommitter a 1 +051800\n\nold\n".encode()
        old = remote.author.git(
            "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw
        )
        remote.author.git("push", "--quiet", "origin", f"{old}:refs/heads/old")
        with open_repository(remote.checkout.folder) as repository:
            fetch(repository, remote.address, ["refs/heads/old"])
            assert repository.revision(old).tree.read("old/x") == b"x"

    def test_a_branch_that_was_rewritten_is_fetched_again(self, remote: Remote) -> None:
        remote.land("first")
        with open_repository(remote.checkout.folder) as repository:
            fetch(repository, remote.address, [MAIN])
            remote.author.git("commit", "--quiet", "--amend", "-m", "rewritten")
            remote.author.git("push", "--quiet", "--force", "origin", "main")
            assert fetch(repository, remote.address, [MAIN]) == {MAIN: remote.tip()}


def count_objects(repository: Repository) -> int:
    """How many objects the scratch repository holds itself."""
    lines = git(Path(repository.scratch), "count-objects", "-v").splitlines()
    counts = {
        name: int(value)
        for name, value in (line.split(": ") for line in lines if "alt" not in line)
    }
    return counts["count"] + counts["in-pack"]


class TestPushing:
    """Refs that move together, from where they are known to be, or not at all."""

    def test_a_new_commit_arrives_with_its_objects(self, remote: Remote) -> None:
        before = fingerprint(remote.checkout.folder)
        old = remote.tip()
        with open_repository(remote.checkout.folder) as repository:
            new = commit_on(repository, old, "new")
            done = push(
                repository,
                remote.address,
                [RefUpdate(ref=DEPLOY, old=None, new=new), RefUpdate(ref=MAIN, old=old, new=new)],
            )
        assert done == Pushed(result=PushResult.DONE)
        assert remote.refs() == {DEPLOY: new, MAIN: new}
        assert git(remote.folder, "show", f"{new}:state") == "new"
        git(remote.folder, "fsck", "--strict")
        assert fingerprint(remote.checkout.folder) == before

    @pytest.mark.slow
    def test_a_large_one_arrives_too(self, remote: Remote) -> None:
        with open_repository(remote.checkout.folder) as repository:
            tree = edited_tree(repository, None, {"large": os.urandom(3 << 20)})
            new = write_commit(repository, tree=tree, parents=(), message="large", at=AT)
            update = RefUpdate(ref=DEPLOY, old=None, new=new)
            assert push(repository, remote.address, [update]).result is PushResult.DONE
        assert remote.tip(DEPLOY) == new

    def test_a_tag_object_and_a_move_that_is_not_forward(self, remote: Remote) -> None:
        tip, before = remote.tip(), remote.tip("main~1")
        remote.checkout.git("tag", "--annotate", "v1", "-m", "v1")
        tag = remote.checkout.git("rev-parse", "v1")
        with open_repository(remote.checkout.folder) as repository:
            updates = [
                RefUpdate(ref="refs/tags/delivered", old=None, new=tag),
                RefUpdate(ref=MAIN, old=tip, new=before),
            ]
            assert push(repository, remote.address, updates).result is PushResult.DONE
        assert remote.refs() == {"refs/tags/delivered": tag, MAIN: before}

    def test_a_ref_that_is_elsewhere_stays(self, remote: Remote) -> None:
        old = remote.tip()
        landed = remote.land()
        with open_repository(remote.checkout.folder) as repository:
            new = commit_on(repository, old, "new")
            for lease in (old, None, new):
                update = RefUpdate(ref=MAIN, old=lease, new=commit_on(repository, old, "newer"))
                assert push(repository, remote.address, [update]).result is PushResult.STALE
            gone = RefUpdate(ref=DEPLOY, old=old, new=new)
            assert push(repository, remote.address, [gone]).result is PushResult.STALE
        assert remote.refs() == {MAIN: landed}

    def test_of_two_refs_neither_moves_when_one_is_elsewhere(self, remote: Remote) -> None:
        old = remote.tip()
        git(remote.folder, "update-ref", LEDGER, "main~1")
        before = remote.refs()
        with open_repository(remote.checkout.folder) as repository:
            new = commit_on(repository, old, "new")
            for order in (1, -1):
                updates = [
                    RefUpdate(ref=LEDGER, old=None, new=new),
                    RefUpdate(ref=MAIN, old=old, new=new),
                ][::order]
                assert push(repository, remote.address, updates).result is PushResult.STALE
                assert remote.refs() == before

    def test_a_ref_that_is_there_already_was_moved_by_someone_else(self, remote: Remote) -> None:
        old = remote.tip()
        landed = remote.land()
        with open_repository(remote.checkout.folder) as repository:
            fetch(repository, remote.address, [MAIN])
            moves = [RefUpdate(ref=MAIN, old=old, new=landed)]
            assert push(repository, remote.address, moves).result is PushResult.STALE
            moves.append(RefUpdate(ref=DEPLOY, old=None, new=landed))
            assert push(repository, remote.address, moves).result is PushResult.STALE

    @pytest.mark.slow
    def test_of_two_runs_at_once_one_wins(self, remote: Remote) -> None:
        remote.hook("pre-receive", "sleep 0.3")
        old = remote.tip()

        def run(name: str) -> PushResult:
            with open_repository(remote.checkout.folder) as repository:
                new = commit_on(repository, old, name)
                updates = [
                    RefUpdate(ref=DEPLOY, old=None, new=new),
                    RefUpdate(ref=MAIN, old=old, new=new),
                ]
                return push(repository, remote.address, updates).result

        with ThreadPoolExecutor(3) as pool:
            results = sorted(pool.map(run, ["one", "two", "three"]))
        assert results == [PushResult.DONE, PushResult.STALE, PushResult.STALE]
        assert remote.tip(DEPLOY) == remote.tip(MAIN) != old

    def test_nothing_but_the_named_refs_is_pushed(self, local: Remote) -> None:
        local.checkout.git("tag", "--annotate", "v1", "-m", "v1")
        local.checkout.git("branch", "private")
        local.checkout.git("config", "push.followTags", "true")
        local.checkout.git("config", "remote.origin.mirror", "true")
        with open_repository(local.checkout.folder) as repository:
            new = commit_on(repository, local.tip(), "new")
            push(repository, local.address, [RefUpdate(ref=DEPLOY, old=None, new=new)])
        assert set(local.refs()) == {MAIN, DEPLOY}

    @pytest.mark.parametrize(
        "updates",
        [
            [],
            [("main", None, "new")],
            [(MAIN, None, "0" * 40)],
            [(MAIN, None, "1" * 40)],
            [(MAIN, None, "")],
            [(MAIN, None, "HEAD")],
            [(MAIN, "0" * 40, "new")],
            [(MAIN, "", "new")],
            [(MAIN, "new", "new")],
            [(MAIN, None, "new"), (MAIN, "old", "new")],
            [("refs/heads/a:refs/heads/b", None, "new")],
            [("+refs/heads/main", None, "new")],
        ],
    )
    def test_updates_that_cannot_be_meant_are_refused(
        self, updates: list[tuple[str, str | None, str]], local: Remote
    ) -> None:
        before = local.refs()
        with open_repository(local.checkout.folder) as repository:
            names = {"new": commit_on(repository, local.tip(), "new"), "old": local.tip()}
            asked = [
                RefUpdate(ref=ref, old=names.get(old or "x", old), new=names.get(new, new))
                for ref, old, new in updates
            ]
            with pytest.raises(SourceError):
                push(repository, local.address, asked)
        assert local.refs() == before


class TestRefusals:
    """Servers that say no."""

    def refused(self, remote: Remote) -> str:
        before = remote.refs()
        with open_repository(remote.checkout.folder) as repository:
            new = commit_on(repository, remote.tip("main~1"), "new")
            updates = [
                RefUpdate(ref=DEPLOY, old=None, new=new),
                RefUpdate(ref=MAIN, old=remote.tip(), new=new),
            ]
            done = push(repository, remote.address, updates)
        assert done.result is PushResult.REFUSED
        assert remote.refs() == before
        return done.message

    def test_a_hook(self, remote: Remote) -> None:
        remote.hook("pre-receive", "printf 'protected \\033[31mbranch\\n::error::x\\n' >&2; exit 1")
        message = self.refused(remote)
        assert "remote: protected branch" in message
        assert "\x1b" not in message
        assert not any(line.startswith("::") for line in message.splitlines())

    def test_a_hook_for_one_of_the_refs(self, remote: Remote) -> None:
        remote.hook("update", f'test "$1" != {MAIN} || {{ echo GH006 >&2; exit 1; }}')
        message = self.refused(remote)
        assert "GH006" in message
        assert "hook declined" in message

    def test_a_branch_that_only_moves_forward(self, remote: Remote) -> None:
        git(remote.folder, "config", "receive.denyNonFastForwards", "true")
        assert "non-fast-forward" in self.refused(remote)

    def test_a_server_that_cannot_move_refs_together(self, remote: Remote) -> None:
        git(remote.folder, "config", "receive.advertiseAtomic", "false")
        assert "does not support --atomic push" in self.refused(remote)


class TestBreakdowns:
    """Networks and servers that fail."""

    def push(self, local: Remote, url: str, **credentials: str) -> Pushed:
        with open_repository(local.checkout.folder) as repository:
            new = commit_on(repository, local.tip(), "new")
            address = RemoteAddress(url=url, **credentials)
            return push(repository, address, [RefUpdate(ref=DEPLOY, old=None, new=new)])

    @pytest.mark.parametrize("wrong", ["die", "die after", "500", "502", "403"])
    def test_an_end_in_the_middle_is_not_known_to_have_arrived(
        self, wrong: str, local: Remote, server: GitServer
    ) -> None:
        server.wrong = lambda what: wrong if what.startswith("POST git-receive-pack") else None
        with pytest.raises(SourceError, match="not known whether the push arrived") as caught:
            self.push(local, server.url("shop.git"))
        assert "read the refs of the remote again" in (caught.value.remedy or "")
        assert (DEPLOY in local.refs()) is (wrong == "die after")

    @pytest.mark.slow
    def test_half_an_answer_on_which_git_waits_for_ever_ends_in_time(
        self, local: Remote, server: GitServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gitops_gate.source.pushing.PUSH_TIMEOUT", 2.0)
        server.wrong = lambda what: "half" if what.startswith("POST git-receive-pack") else None
        with pytest.raises(SourceError, match="not known whether the push arrived"):
            self.push(local, server.url("shop.git"))
        assert DEPLOY in local.refs()

    @pytest.mark.parametrize("wrong", ["die", "403", "404", "500"])
    def test_a_server_that_never_listened_was_sent_nothing(
        self, wrong: str, local: Remote, server: GitServer
    ) -> None:
        server.wrong = lambda what: wrong
        with pytest.raises(SourceError) as caught:
            self.push(local, server.url("shop.git"))
        assert ("nothing was pushed" in caught.value.message) is (wrong != "404")
        assert set(local.refs()) == {MAIN}

    def test_nobody_there(self, local: Remote) -> None:
        with GitServer(root=local.folder) as closed:
            url = closed.url("shop.git")
        with pytest.raises(SourceError, match="nothing was pushed"):
            self.push(local, url)
        with pytest.raises(SourceError, match="cannot be read"):
            remote_refs(RemoteAddress(url=url), [])

    @pytest.mark.slow
    def test_a_time_out_is_not_known_to_have_arrived(
        self, local: Remote, server: GitServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gitops_gate.source.pushing.PUSH_TIMEOUT", 1.0)
        monkeypatch.setattr("gitops_gate.source.remote.FETCH_TIMEOUT", 1.0)
        server.wrong = lambda what: "slow" if what.startswith("POST") else None
        with pytest.raises(SourceError, match="within 1 s; it is not known"):
            self.push(local, server.url("shop.git"))
        local.land()
        with (
            open_repository(local.checkout.folder) as repository,
            pytest.raises(SourceError, match="within 1 s"),
        ):
            fetch(repository, RemoteAddress(url=server.url("shop.git")), [MAIN])

    @pytest.mark.parametrize("wrong", ["die", "half", "500"])
    def test_a_fetch_that_breaks_off_leaves_nothing_half(
        self, wrong: str, local: Remote, server: GitServer
    ) -> None:
        landed = local.land()
        address = RemoteAddress(url=server.url("shop.git"))
        server.wrong = lambda what: wrong if what.startswith("POST") else None
        with open_repository(local.checkout.folder) as repository:
            with pytest.raises(SourceError, match="cannot give"):
                fetch(repository, address, [landed])
            with pytest.raises(SourceError):
                repository.resolve(landed)
            server.wrong = lambda what: None
            assert fetch(repository, address, [landed]) == {landed: landed}


class TestSecrets:
    """The password reaches its server, and nothing else."""

    PASSWORD = "s3cret/Pass word"

    @pytest.fixture
    def guarded(self, server: GitServer) -> GitServer:
        server.credentials = ("x-access-token", self.PASSWORD)
        return server

    def address(self, url: str) -> RemoteAddress:
        return RemoteAddress(url=url, username="x-access-token", password=self.PASSWORD)

    def test_reading_fetching_and_pushing_with_it(self, local: Remote, guarded: GitServer) -> None:
        address = self.address(guarded.url("shop.git"))
        landed = local.land()
        assert remote_refs(address, [MAIN]) == {MAIN: landed}
        with open_repository(local.checkout.folder) as repository:
            fetch(repository, address, [MAIN])
            new = commit_on(repository, landed, "new")
            done = push(repository, address, [RefUpdate(ref=DEPLOY, old=None, new=new)])
            assert done.result is PushResult.DONE
            assert self.PASSWORD.encode() not in b"".join(
                place.read_bytes()
                for place in Path(repository.scratch).rglob("*")
                if place.is_file()
            )
        assert {asked.authorization for asked in guarded.asked} == {
            "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0L1Bhc3Mgd29yZA=="
        }

    def test_without_it_and_with_another_one_nobody_is_asked(
        self, local: Remote, guarded: GitServer
    ) -> None:
        url = guarded.url("shop.git")
        for address in (RemoteAddress(url=url), RemoteAddress(url=url, password="other-Secret")):
            with pytest.raises(SourceError) as caught:
                remote_refs(address, [])
            assert "credential" in (caught.value.remedy or "")
            assert "other-Secret" not in str(caught.value)

    def test_a_server_that_repeats_it_is_not_repeated(
        self, local: Remote, guarded: GitServer
    ) -> None:
        local.hook("pre-receive", f"echo 'you said {self.PASSWORD}' >&2; exit 1")
        with open_repository(local.checkout.folder) as repository:
            new = commit_on(repository, local.tip(), "new")
            done = push(
                repository,
                self.address(guarded.url("shop.git")),
                [RefUpdate(ref=DEPLOY, old=None, new=new)],
            )
        assert done.result is PushResult.REFUSED
        assert "you said ***" in done.message
        assert self.PASSWORD not in done.message

    def test_a_redirect_is_not_followed(
        self, local: Remote, guarded: GitServer, tmp_path: Path
    ) -> None:
        with GitServer(root=local.folder.parent) as other:
            guarded.wrong = lambda what: "redirect"
            guarded.elsewhere = other.url("").rstrip("/")
            address = self.address(guarded.url("shop.git"))
            with pytest.raises(SourceError):
                remote_refs(address, [])
            with open_repository(local.checkout.folder) as repository:
                with pytest.raises(SourceError):
                    fetch(repository, address, [MAIN])
                new = commit_on(repository, local.tip(), "new")
                with pytest.raises(SourceError):
                    push(repository, address, [RefUpdate(ref=DEPLOY, old=None, new=new)])
            assert other.asked == []

    @pytest.mark.slow
    def test_no_command_line_holds_it(self, local: Remote, guarded: GitServer) -> None:
        seen: list[bytes] = []

        def look(what: str) -> str | None:
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.append(place.read_bytes())
                except OSError:
                    continue
            return None

        guarded.wrong = look
        remote_refs(self.address(guarded.url("shop.git")), [])
        lines = [line for line in seen if guarded.url("shop.git").encode() in line]
        assert lines
        assert not any(b"s3cret" in line or b"czNjcmV0" in line for line in seen)

    def test_no_error_holds_it(self, local: Remote, guarded: GitServer) -> None:
        for wrong in ("die", "500", "403", "redirect"):
            guarded.wrong = lambda what, wrong=wrong: wrong  # type: ignore[misc]
            with open_repository(local.checkout.folder) as repository:
                address = self.address(guarded.url("shop.git"))
                new = commit_on(repository, local.tip(), "new")
                updates = [RefUpdate(ref=DEPLOY, old=None, new=new)]
                for ask in (
                    lambda address=address: remote_refs(address, []),
                    lambda address=address: fetch(repository, address, ["1" * 40]),
                    lambda address=address, updates=updates: push(repository, address, updates),
                ):
                    with pytest.raises(SourceError) as caught:
                        ask()
                    assert "s3cret" not in f"{caught.value} {caught.value!r}"
                    assert "czNjcmV0" not in str(caught.value)


class TestHostileSurroundings:
    """What a checkout, a user and a machine are set up to do does not happen."""

    @pytest.fixture
    def trap(self, local: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        old = local.checkout.git("rev-parse", "HEAD")
        local.checkout.git("replace", old, local.checkout.git("rev-parse", "HEAD~1"))
        (local.checkout.folder / ".git/info/grafts").write_text(f"{old}\n")
        ran = tmp_path / "ran"
        program = tmp_path / "program"
        program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        program.chmod(0o755)
        settings = {
            "credential.helper": f"!{program}", "core.askPass": str(program),
            "core.sshCommand": str(program), "core.gitProxy": str(program),
            "core.hooksPath": str(tmp_path / "hooks"), "http.proxy": "http://127.0.0.1:1",
            "uploadpack.packObjectsHook": str(program), "gpg.program": str(program),
            "push.gpgSign": "true", "fetch.recurseSubmodules": "true",
            f"url.{tmp_path}/nowhere/.insteadOf": "http://", "core.fsmonitor": str(program),
            "core.alternateRefsCommand": str(program), "protocol.allow": "always",
            "filter.evil.process": str(program), "diff.external": str(program),
        }  # fmt: skip
        (tmp_path / "hooks").mkdir()
        for name in ("pre-push", "reference-transaction", "post-merge", "pre-auto-gc"):
            shutil.copy(program, tmp_path / "hooks" / name)
        home = tmp_path / "home"
        home.mkdir()
        (home / ".netrc").write_text("machine 127.0.0.1 login evil password evil\n")
        for key, value in settings.items():
            local.checkout.git("config", key, value)
            subprocess.run(
                ["git", "config", "-f", str(home / ".gitconfig"), key, value], check=True
            )
        for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS",
                     "GIT_PROXY_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_EDITOR"):  # fmt: skip
            monkeypatch.setenv(name, str(program))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
        return ran

    def test_nothing_of_it_runs_or_counts(
        self, trap: Path, local: Remote, server: GitServer
    ) -> None:
        landed = local.land()
        for url in (server.url("shop.git"), str(local.folder)):
            address = RemoteAddress(url=url)
            ref = f"refs/heads/{address.url[:4].strip('/')}"
            with open_repository(local.checkout.folder) as repository:
                assert remote_refs(address, [MAIN]) == {MAIN: landed}
                fetch(repository, address, [MAIN])
                assert len(repository.first_parent_history(landed, 10)) == 4
                new = commit_on(repository, landed, "new")
                done = push(repository, address, [RefUpdate(ref=ref, old=None, new=new)])
                assert done.result is PushResult.DONE
        assert all(asked.authorization is None for asked in server.asked)
        assert not trap.exists()

    def test_other_protocols_are_not_spoken_even_where_git_would(self, local: Remote) -> None:
        with open_repository(local.checkout.folder) as repository:
            for url in (f"ext::git-upload-pack {local.folder}", "git://127.0.0.1/x"):
                with pytest.raises(ConfigurationError):
                    fetch(repository, RemoteAddress(url=url), [MAIN])


class TestSsh:
    """A remote behind SSH, with a program in place of `ssh` that writes down how it is called."""

    @pytest.fixture
    def called(self, local: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        called = tmp_path / "called"
        program = tmp_path / "bin" / "ssh"
        program.parent.mkdir()
        program.write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$@" >> {called}\n'
            f'cat "$2" >> {called}\n'
            f"env >> {called}\n"
            'for last; do :; done; eval "exec $last"\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return called

    def test_with_a_deploy_key(self, called: Path, local: Remote, tmp_path: Path) -> None:
        address = RemoteAddress(
            url=f"git@example.com:{local.folder}",
            ssh_key=str(tmp_path / "a 100% key"),
            ssh_known_hosts=str(tmp_path / "hosts"),
        )
        landed = local.land()
        with open_repository(local.checkout.folder) as repository:
            assert fetch(repository, address, [MAIN]) == {MAIN: landed}
            new = commit_on(repository, landed, "new")
            done = push(repository, address, [RefUpdate(ref=DEPLOY, old=None, new=new)])
            assert done.result is PushResult.DONE
        said = called.read_text().splitlines()
        assert said[0] == "-F"
        assert "git@example.com" in said
        for line in ("BatchMode yes", "IdentitiesOnly yes", "StrictHostKeyChecking yes",
                     f'IdentityFile "{tmp_path}/a 100%% key"', "GlobalKnownHostsFile /dev/null",
                     f'UserKnownHostsFile "{tmp_path}/hosts"', "IdentityAgent none"):  # fmt: skip
            assert line in said
        arguments = said[: said.index("BatchMode yes")]
        assert not any("a 100% key" in argument for argument in arguments)

    @pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh is installed")
    def test_ssh_understands_the_file(self, called: Path, local: Remote, tmp_path: Path) -> None:
        address = RemoteAddress(url=f"git@example.com:{local.folder}", ssh_key=f"{tmp_path}/a key")
        with open_repository(local.checkout.folder) as repository:
            fetch(repository, address, [MAIN])
            shown = subprocess.run(
                ["/usr/bin/ssh", "-G", "-F", f"{repository.scratch}/ssh_config", "example.com"],
                capture_output=True,
                check=True,
            ).stdout.decode()
        for line in ("batchmode yes", "stricthostkeychecking true", "identityagent none",
                     f"identityfile {tmp_path}/a key", "forwardagent no"):  # fmt: skip
            assert line in shown.splitlines()


def test_fetches_in_several_threads_do_not_disturb_each_other(local: Remote) -> None:
    landed = local.land()
    barrier = threading.Barrier(2)

    def run(_: int) -> str:
        with open_repository(local.checkout.folder) as repository:
            barrier.wait()
            return fetch(repository, local.address, [MAIN])[MAIN]

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(run, range(2))) == {landed}
