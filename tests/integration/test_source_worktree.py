"""The working tree as it is: nothing executed, nothing converted, nothing touched."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
from pathlib import Path

import pytest

from gitops_gate.errors import SourceError
from gitops_gate.source import (
    Entry,
    Mode,
    Tree,
    blob_id,
    changed_paths,
    folder_tree,
    open_repository,
    scan_tree,
)
from tests.unit.source.repositories import ENVIRONMENT, GitRepository


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """A repository with one commit of a few files."""
    repository = GitRepository(tmp_path / "repository")
    for name in ("kept", "changed", "deleted", "renamed", "folder/deep"):
        repository.write(name, f"{name}\n")
    repository.commit()
    return repository


def compare(made: GitRepository) -> tuple[Tree, tuple[str, ...]]:
    """The working tree, with what differs from HEAD, and the contents all read once."""
    with open_repository(made.folder) as repository:
        tree = repository.worktree().tree
        for entry in tree.entries.values():
            if entry.mode != Mode.SUBMODULE:
                content = tree.blobs.read(entry)
                assert blob_id(content) == entry.oid
        return tree, changed_paths(repository.revision("HEAD").tree, tree)


def fingerprint(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything that writing to a folder would change."""
    found: dict[str, tuple[object, ...]] = {}
    for place in sorted(folder.rglob("*")):
        status = place.lstat()
        content = place.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(place)] = (status.st_mode, status.st_mtime_ns, status.st_ino, content)
    return found


def test_a_clean_checkout_has_the_tree_of_its_commit(made: GitRepository) -> None:
    tree, changed = compare(made)
    assert changed == ()
    assert set(tree.entries) == {"kept", "changed", "deleted", "renamed", "folder/deep"}


def test_every_way_to_differ_is_seen(made: GitRepository) -> None:
    made.write(".gitignore", "ignored\n*.log\n")
    made.write("changed", "different\n")
    (made.folder / "deleted").unlink()
    (made.folder / "renamed").rename(made.folder / "new-name")
    made.write("untracked/file", "x")
    made.write("ignored", "x")
    made.write("folder/x.log", "x")
    made.write("staged", "x")
    made.git("add", "staged")
    made.link("link", "kept")
    (made.folder / "kept").chmod(0o755)

    tree, changed = compare(made)

    assert changed == (
        ".gitignore",
        "changed",
        "deleted",
        "kept",
        "link",
        "new-name",
        "renamed",
        "staged",
        "untracked/file",
    )
    assert tree.entries["kept"].mode == Mode.EXECUTABLE
    assert tree.entries["link"] == Entry(Mode.LINK, blob_id(b"kept"))
    assert tree.entries["new-name"].oid == blob_id(b"renamed\n")


def test_a_change_of_equal_size_and_time_is_seen(made: GitRepository) -> None:
    place = made.folder / "changed"
    before = place.stat()
    place.write_text("CHANGED\n")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert compare(made)[1] == ("changed",)


def test_an_ignored_file_that_is_tracked_counts(made: GitRepository) -> None:
    made.write(".gitignore", "*\n")
    made.write("forced", "x")
    made.commit()
    made.write("forced", "y")
    assert compare(made)[1] == ("forced",)


def test_what_info_exclude_names_is_ignored(made: GitRepository) -> None:
    (made.folder / ".git/info/exclude").write_text("secret\n")
    made.write("secret")
    assert compare(made)[1] == ()


def test_an_ignore_file_of_the_user_does_not_count(
    made: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "git/ignore").write_text("*\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    made.write("untracked")
    assert compare(made)[1] == ("untracked",)


@pytest.mark.parametrize("name", [b"-x", b"a b", b"new\nline", b"\xff\xfe", b"tab\t", b'"q"'])
def test_unusual_names_survive(name: bytes, made: GitRepository) -> None:
    made.write(name, "x")
    text = name.decode("utf-8", "surrogateescape")
    assert compare(made)[1] == (text,)
    made.commit()
    assert compare(made)[1] == ()
    made.write(name, "y")
    assert compare(made)[1] == (text,)


def test_names_that_differ_only_in_case_are_different(made: GitRepository) -> None:
    made.write("File", "one")
    made.write("file", "two")
    tree, changed = compare(made)
    assert changed == ("File", "file")
    assert tree.entries["File"].oid == blob_id(b"one")


def test_line_ends_count_as_they_are(made: GitRepository) -> None:
    made.write(".gitattributes", "*.txt text eol=crlf\n")
    made.write("a.txt", "one\ntwo\n")
    made.commit()
    (made.folder / "a.txt").unlink()
    made.git("checkout", "--", "a.txt")
    assert (made.folder / "a.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert made.git("status", "--porcelain") == ""
    tree, changed = compare(made)
    assert changed == ("a.txt",)
    assert tree.entries["a.txt"].oid == blob_id(b"one\r\ntwo\r\n")


def test_a_file_below_a_link_is_gone_and_the_link_is_there(made: GitRepository) -> None:
    (made.folder / "folder/deep").unlink()
    (made.folder / "folder").rmdir()
    (made.folder / "folder").symlink_to("/etc")
    made.write("folder-real/deep", "x")
    tree, changed = compare(made)
    assert changed == ("folder", "folder-real/deep", "folder/deep")
    assert tree.entries["folder"] == Entry(Mode.LINK, blob_id(b"/etc"))


def test_a_link_to_a_secret_is_read_as_a_link(made: GitRepository) -> None:
    made.link("passwd", "/etc/passwd")
    with open_repository(made.folder) as repository:
        tree = repository.worktree().tree
        assert tree.read("passwd") == b"/etc/passwd"


def test_a_file_that_became_a_folder_or_a_pipe_is_gone(made: GitRepository) -> None:
    (made.folder / "kept").unlink()
    made.write("kept/inside", "x")
    (made.folder / "changed").unlink()
    os.mkfifo(made.folder / "changed")
    assert compare(made)[1] == ("changed", "kept", "kept/inside")


def test_a_merge_in_progress_shows_what_the_files_hold(made: GitRepository) -> None:
    made.git("checkout", "--quiet", "-b", "other")
    made.write("changed", "theirs\n")
    made.commit()
    made.git("checkout", "--quiet", "main")
    made.write("changed", "ours\n")
    made.commit()
    command = ["git", "merge", "--quiet", "other"]
    subprocess.run(command, cwd=made.folder, env=ENVIRONMENT, check=False, capture_output=True)
    tree, changed = compare(made)
    assert changed == ("changed",)
    assert tree.entries["changed"].oid == blob_id((made.folder / "changed").read_bytes())


def test_what_a_sparse_checkout_leaves_out_is_not_deleted(made: GitRepository) -> None:
    made.git("sparse-checkout", "set", "--no-cone", "/kept", "/deleted")
    assert not (made.folder / "folder").exists()
    (made.folder / "deleted").unlink()
    tree, changed = compare(made)
    assert changed == ("deleted",)
    with open_repository(made.folder) as repository:
        assert repository.worktree().tree.read("folder/deep") == b"folder/deep\n"
    assert set(tree.entries) == {"kept", "changed", "renamed", "folder/deep"}


def test_executable_bits_are_ignored_where_the_file_system_has_none(made: GitRepository) -> None:
    made.write("run", "x").chmod(0o755)
    made.commit()
    made.git("config", "core.fileMode", "false")
    (made.folder / "run").chmod(0o644)
    (made.folder / "kept").chmod(0o755)
    made.write("new", "x").chmod(0o755)
    tree, changed = compare(made)
    assert changed == ("new",)
    assert tree.entries["new"].mode == Mode.FILE


def test_a_repository_without_a_commit_has_a_working_tree(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "unborn")
    with open_repository(made.folder) as repository:
        assert repository.worktree().tree.entries == {}
        made.write("file", "x")
        made.write("staged", "y")
        made.git("add", "staged")
        revision = repository.worktree()
        assert revision.commit is None
        assert revision.name == "worktree"
        assert set(revision.tree.entries) == {"file", "staged"}
        assert revision.tree.read("file") == b"x"
        assert revision.tree.read("staged") == b"y"


def test_submodules_are_the_commit_that_is_checked_out(made: GitRepository) -> None:
    inner = GitRepository(made.folder / "sub")
    inner.write("file")
    first = inner.commit()
    made.git("update-index", "--add", "--cacheinfo", f"160000,{first},sub")
    made.git("update-index", "--add", "--cacheinfo", f"160000,{first},absent")
    made.git("commit", "--quiet", "-m", "submodules")
    (made.folder / "absent").mkdir()
    assert compare(made)[1] == ()
    second = inner.commit("again")
    untracked = GitRepository(made.folder / "other")
    tree, changed = compare(made)
    assert changed == ("other", "sub")
    assert tree.entries["sub"] == Entry(Mode.SUBMODULE, second)
    assert tree.entries["absent"] == Entry(Mode.SUBMODULE, first)
    assert tree.entries["other"] == Entry(Mode.SUBMODULE, "0" * 40)
    third = untracked.commit()
    assert compare(made)[0].entries["other"] == Entry(Mode.SUBMODULE, third)


def test_a_file_that_changes_during_a_run_is_an_error(made: GitRepository) -> None:
    made.write("changed", "first")
    with open_repository(made.folder) as repository:
        tree = repository.worktree().tree
        made.write("changed", "second")
        made.write("kept", "second")
        with pytest.raises(SourceError, match="changed after it was first read"):
            tree.read("changed")
        assert tree.read("kept") == b"kept\n"  # committed, and so read from Git


def test_a_file_that_cannot_be_read_is_an_error(made: GitRepository) -> None:
    if os.getuid() == 0:
        pytest.skip("root reads everything")
    (made.folder / "kept").chmod(0)
    with open_repository(made.folder) as repository, pytest.raises(SourceError, match="kept"):
        repository.worktree()


def test_a_tree_with_changes_crosses_a_process_boundary(made: GitRepository) -> None:
    made.write("changed", "new")
    with open_repository(made.folder) as repository:
        copy: Tree = pickle.loads(pickle.dumps(repository.worktree().tree))
        assert copy.read("changed") == b"new"
        assert copy.read("kept") == b"kept\n"


HOOK = "#!/bin/sh\ntouch {proof}\n"


@pytest.fixture
def hostile(made: GitRepository, tmp_path: Path) -> GitRepository:
    """A repository in which everything that Git could be made to run leaves a proof behind."""
    proof = tmp_path / "proof"
    script = tmp_path / "run"
    script.write_text(HOOK.format(proof=proof))
    script.chmod(0o755)
    made.write(
        ".gitattributes",
        "* filter=evil diff=evil merge=evil ident export-subst\n*.yaml text eol=crlf\n",
    )
    made.write("a.yaml", "$Id$\n$Format:%H$\n")
    made.git("add", "--all")
    made.git("commit", "--quiet", "-m", "attributes")
    (made.folder / ".git/info/attributes").write_text("* filter=evil diff=evil\n")
    hooks = made.folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor"):
        (hooks / name).write_text(HOOK.format(proof=proof))
        (hooks / name).chmod(0o755)
    settings = {
        "core.fsmonitor": str(script),
        "core.hooksPath": str(hooks),
        "core.pager": str(script),
        "core.sshCommand": str(script),
        "core.askPass": str(script),
        "core.alternateRefsCommand": str(script),
        "core.untrackedCache": "true",
        "core.splitIndex": "true",
        "filter.evil.clean": str(script),
        "filter.evil.smudge": str(script),
        "filter.evil.process": str(script),
        "filter.evil.required": "true",
        "diff.evil.textconv": str(script),
        "diff.evil.command": str(script),
        "merge.evil.driver": str(script),
        "diff.external": str(script),
        "credential.helper": str(script),
        "remote.origin.url": f"ext::{script}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": str(script),
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
        "protocol.ext.allow": "always",
        "url.ext::x.insteadOf": "https://",
    }
    config = made.folder / ".git/config"
    for key, value in settings.items():
        made.git("config", "--file", str(config), key, value)
    made.write("untracked.yaml", "x: 1\n")
    made.write("changed", "changed in place\n")
    os.utime(made.folder / "kept")
    return made


def test_git_itself_runs_what_this_repository_configures(
    hostile: GitRepository, tmp_path: Path
) -> None:
    """Without this, the next test would prove nothing."""
    command = ["git", "status"]
    subprocess.run(command, cwd=hostile.folder, env=ENVIRONMENT, check=False, capture_output=True)
    assert (tmp_path / "proof").exists()


def test_nothing_that_a_repository_configures_is_run(
    hostile: GitRepository, tmp_path: Path
) -> None:
    with open_repository(hostile.folder) as repository:
        head = repository.revision("HEAD").tree
        tree = repository.worktree().tree
        assert changed_paths(head, tree) == ("changed", "untracked.yaml")
        assert head.read("a.yaml") == tree.read("a.yaml") == b"$Id$\n$Format:%H$\n"
        assert tree.read("untracked.yaml") == b"x: 1\n"
        assert repository.default_branch() == "refs/heads/main"
        assert repository.merge_base("HEAD", "HEAD~1") == repository.resolve("HEAD~1")
        with pytest.raises(SourceError):
            repository.resolve("1" * 40)  # a partial clone would ask its remote
        with pytest.raises(SourceError):
            head.blobs.read(Entry(Mode.FILE, "1" * 40))
    assert "untracked.yaml" in scan_tree(hostile.folder).entries
    assert not (tmp_path / "proof").exists()


def test_nothing_of_the_users_is_touched(hostile: GitRepository) -> None:
    before = fingerprint(hostile.folder)
    with open_repository(hostile.folder) as repository:
        repository.worktree()
        repository.revision("HEAD").tree.read("kept")
        repository.default_branch()
    scan_tree(hostile.folder)
    folder_tree(hostile.folder)
    assert fingerprint(hostile.folder) == before


def test_replacements_and_grafts_change_nothing(made: GitRepository) -> None:
    first = made.git("rev-parse", "HEAD")
    made.write("kept", "second\n")
    second = made.commit()
    made.write("kept", "third\n")
    third = made.commit()
    made.git("replace", third, first)
    made.git("replace", blob_id(b"third\n"), blob_id(b"kept\n"))
    (made.folder / ".git/info/grafts").write_text(f"{third}\n{second}\n")
    with open_repository(made.folder) as repository:
        assert repository.resolve("main") == third
        assert repository.resolve("main~1") == second
        assert repository.revision("main").tree.read("kept") == b"third\n"
        assert repository.merge_base("main", first) == first
        assert repository.first_parent_history("main", 5) == (third, second, first)


def test_variables_of_the_caller_change_nothing(
    made: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = GitRepository(tmp_path / "other")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(other.folder / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert compare(made)[1] == ()
    assert set(scan_tree(made.folder).entries) == {
        "kept",
        "changed",
        "deleted",
        "renamed",
        "folder/deep",
    }


class TestScanning:
    """A folder of a checkout, listed as Git sees it and read from the folder."""

    def test_tracked_and_untracked_files_that_are_there(self, made: GitRepository) -> None:
        made.write(".gitignore", "ignored\n")
        made.write("ignored")
        made.write("new name\n", "new")
        (made.folder / "deleted").unlink()
        made.link("link", "/etc/passwd")
        tree = scan_tree(made.folder)
        assert set(tree.entries) == {
            ".gitignore",
            "kept",
            "changed",
            "renamed",
            "folder/deep",
            "new name\n",
            "link",
        }
        assert tree.read("new name\n") == b"new"
        assert tree.entries["link"].mode == Mode.LINK

    def test_a_folder_inside_lists_its_own_files_with_paths_below_it(
        self, made: GitRepository
    ) -> None:
        tree = scan_tree(made.folder / "folder")
        assert list(tree.entries) == ["deep"]
        assert tree.read("deep") == b"folder/deep\n"

    def test_an_ignored_folder_is_listed_whole(self, made: GitRepository) -> None:
        made.write(".gitignore", "rendered/\n")
        made.write("rendered/a/b.yaml", "x")
        assert list(scan_tree(made.folder / "rendered").entries) == ["a/b.yaml"]

    def test_a_nested_repository_is_a_submodule(self, made: GitRepository) -> None:
        GitRepository(made.folder / "inner").write("file")
        assert scan_tree(made.folder).entries["inner"].mode == Mode.SUBMODULE

    def test_a_broken_checkout_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / ".git").write_text("gitdir: /nowhere\n")
        (tmp_path / "file").write_text("")
        with pytest.raises(SourceError, match="cannot be listed"):
            scan_tree(tmp_path)
        assert list(folder_tree(tmp_path).entries) == ["file"]

    def test_it_compares_with_a_commit(self, made: GitRepository) -> None:
        made.write("changed", "x")
        with open_repository(made.folder) as repository:
            head = repository.revision("HEAD").tree
            assert changed_paths(head, scan_tree(made.folder)) == ("changed",)
