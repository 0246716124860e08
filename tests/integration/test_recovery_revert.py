"""A landed step is undone on the tip, and the rendered result compared with what was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitops_gate.cli import main
from gitops_gate.errors import ConfigurationError, MergeConflictError, SourceError
from gitops_gate.pipeline import Options
from gitops_gate.recovery.proposal import Target
from gitops_gate.recovery.ratify import delivery_refs, last_delivered
from gitops_gate.recovery.reaching import known_refs
from gitops_gate.recovery.restoring import Restoration, Restored, restore
from gitops_gate.recovery.revert import Revert, result_lines, revert
from gitops_gate.recovery.steps import newest_first
from gitops_gate.source import Repository, open_repository
from gitops_gate.source.commits import read_commit
from tests.unit.source.repositories import GitRepository


def settings(value: str, name: str = "settings", more: str = "") -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\n"
        f"data:\n  one: a\n  two: b\n  three: c\n  key: {value}\n{more}"
    )


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "repository")
    made.write("apps/shop/settings.yaml", settings("old"))
    made.write("apps/other/settings.yaml", settings("other"))
    made.commit("first")
    return made


@pytest.fixture
def opened(made: GitRepository) -> Iterator[Callable[[], Repository]]:
    repositories = []

    def again() -> Repository:
        repositories.append(open_repository(made.folder))
        return repositories[-1]

    yield again
    for repository in repositories:
        repository.close()


Undo = Callable[..., Restoration]


@pytest.fixture
def undo(opened: Callable[[], Repository]) -> Undo:
    def run(*names: str) -> Restoration:
        repository = opened()
        target = Target(ref="refs/heads/main", commit=repository.resolve("main"))
        steps = newest_first(repository, target, names)
        return restore(repository, target, steps, Options(jobs=1))

    return run


def step(made: GitRepository, files: dict[str, str | None], message: str = "change") -> str:
    for path, text in files.items():
        if text is None:
            (made.folder / path).unlink()
        else:
            made.write(path, text)
    return made.commit(message)


def outcomes(restoration: Restoration) -> dict[str, Restored]:
    return {one.application: one.restored for one in restoration.outcomes}


def test_the_last_step_leaves_exactly_what_was_before(made: GitRepository, undo: Undo) -> None:
    before = made.git("rev-parse", "HEAD^{tree}")
    changed = step(
        made,
        {"apps/shop/settings.yaml": settings("new"), "apps/shop/more.yaml": settings("m", "m")},
    )
    done = undo(changed)
    assert done.tree == before
    assert outcomes(done) == {"apps/shop": Restored.EQUAL}


def test_it_is_what_git_revert_makes(made: GitRepository, undo: Undo) -> None:
    changed = step(made, {"apps/shop/settings.yaml": settings("new")})
    step(made, {"apps/shop/settings.yaml": settings("new").replace("one: a", "one: z")})
    step(made, {"apps/shop/added.yaml": settings("x", "added")}, "Add a map")
    done = undo(changed)
    made.git("revert", "--no-edit", changed)
    assert done.tree == made.git("rev-parse", "HEAD^{tree}")
    (outcome,) = done.outcomes
    assert outcome.restored is Restored.DIFFERENT
    assert outcome.resources == 2
    assert [one.subject for one in outcome.later] == ["Add a map", "change"]
    assert "\n".join(result_lines(done)).endswith("change")


def test_later_steps_of_other_applications_are_not_named(made: GitRepository, undo: Undo) -> None:
    changed = step(made, {"apps/shop/settings.yaml": settings("new")})
    step(made, {"apps/other/settings.yaml": settings("later")})
    assert outcomes(undo(changed)) == {"apps/shop": Restored.EQUAL}


def test_several_steps_are_undone_in_the_right_order(made: GitRepository, undo: Undo) -> None:
    before = made.git("rev-parse", "HEAD^{tree}")
    one = step(made, {"apps/shop/settings.yaml": settings("one")})
    two = step(made, {"apps/shop/settings.yaml": settings("two")})
    for names in ((one, two), (two, one)):
        done = undo(*names)
        assert done.tree == before
        assert [each.commit for each in done.steps] == [two, one]
        assert outcomes(done) == {"apps/shop": Restored.EQUAL}


def test_a_merge_is_undone_with_all_that_it_brought(made: GitRepository, undo: Undo) -> None:
    made.git("checkout", "--quiet", "-b", "work")
    step(made, {"apps/shop/settings.yaml": settings("new")})
    inner = step(made, {"apps/shop/more.yaml": settings("m", "m")})
    made.git("checkout", "--quiet", "main")
    before = step(made, {"apps/other/settings.yaml": settings("later")})
    made.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    merge = made.git("rev-parse", "HEAD")
    assert undo(merge).tree == made.git("rev-parse", f"{before}^{{tree}}")
    with pytest.raises(ConfigurationError, match=f"the merge {merge} brought it"):
        undo(inner)


def test_a_conflict_names_the_files(made: GitRepository, undo: Undo) -> None:
    changed = step(made, {"apps/shop/settings.yaml": settings("new")})
    step(made, {"apps/shop/settings.yaml": settings("newer")})
    with pytest.raises(MergeConflictError) as caught:
        undo(changed)
    assert f"{changed[:12]} cannot be undone on the tip of main" in str(caught.value)
    assert "conflicts in apps/shop/settings.yaml" in str(caught.value)


def test_an_application_that_the_step_brought_is_gone_again(
    made: GitRepository, undo: Undo
) -> None:
    changed = step(made, {"apps/new/settings.yaml": settings("new")})
    done = undo(changed)
    assert done.outcomes == ()
    assert "touch no application" in "\n".join(result_lines(done))


def test_an_application_that_the_step_removed_is_back(made: GitRepository, undo: Undo) -> None:
    changed = step(made, {"apps/other/settings.yaml": None})
    assert outcomes(undo(changed)) == {"apps/other": Restored.EQUAL}


def test_what_cannot_be_rendered_is_unknown_and_still_proposed(
    made: GitRepository, opened: Callable[[], Repository]
) -> None:
    changed = step(made, {"apps/shop/settings.yaml": settings("new")})
    tip = step(made, {"apps/shop/broken.yaml": settings("x", "broken", "more: [\n")})
    repository = opened()
    target = Target(ref="refs/heads/main", commit=tip)
    done = revert(repository, target, Revert(steps=(changed,)), Options(jobs=1))
    (outcome,) = done.restoration.outcomes
    assert outcome.restored is Restored.UNKNOWN
    assert "unknown: " in "\n".join(result_lines(done.restoration))
    assert "0 of 1 equal" in done.proposal.body


def test_the_first_commit_has_nothing_before_it(made: GitRepository, undo: Undo) -> None:
    with pytest.raises(SourceError, match="there is no state before it"):
        undo("HEAD")


def test_a_commit_of_another_branch_never_landed(made: GitRepository, undo: Undo) -> None:
    made.git("checkout", "--quiet", "-b", "work")
    other = step(made, {"apps/shop/settings.yaml": settings("new")})
    made.git("checkout", "--quiet", "main")
    step(made, {"apps/other/settings.yaml": settings("later")})
    with pytest.raises(ConfigurationError, match="never landed on main"):
        undo(other)


def test_the_same_proposal_is_the_same_commit(
    made: GitRepository, opened: Callable[[], Repository]
) -> None:
    changed = step(made, {"apps/shop/settings.yaml": settings("new")}, "Use `new`\n\nBody")
    target = Target(ref="refs/heads/main", commit=changed)
    asked = Revert(steps=(changed,), reason="it broke")
    first = revert(opened(), target, asked, Options(jobs=1)).proposal
    repository = opened()
    again = revert(repository, target, asked, Options(jobs=1)).proposal
    assert first == again
    facts = read_commit(repository, again.commit)
    assert facts.parents == (changed,)
    assert facts.message == (f'Revert "Use `new`"\n\nit broke\n\nGitops-Gate: revert {changed}\n')


def test_hostile_words_of_a_commit_do_nothing_in_the_text(
    made: GitRepository, opened: Callable[[], Repository]
) -> None:
    subject = "@everyone <img src=x> [x](https://evil.example) \x1b[31m | #1"
    changed = step(made, {"apps/shop/settings.yaml": settings("new")}, subject)
    target = Target(ref="refs/heads/main", commit=changed)
    done = revert(opened(), target, Revert(steps=(changed,), reason=subject), Options(jobs=1))
    assert "\x1b" not in done.proposal.body + done.proposal.title
    for piece in ("@everyone", "<img", "](", "://"):
        assert piece not in done.proposal.body


def test_without_a_remote_the_text_is_printed(
    made: GitRepository, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    changed = step(made, {"apps/shop/settings.yaml": settings("new")})
    code = main(["revert", changed, "--repo", str(made.folder), "--no-cache", "--reason", "why"])
    said = capfd.readouterr()
    assert code == 0, said.err
    assert "there is nothing to open it on" in said.err
    assert f"Would be opened: gitops-gate/revert-{changed[:12]} into main" in said.out
    assert made.git("for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("steps", [("#1", "HEAD"), ("#1", "!2")])
def test_a_number_is_reverted_alone(
    made: GitRepository, steps: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["revert", *steps, "--repo", str(made.folder)]) == 2
    assert "one change request can be reverted at a time" in capfd.readouterr().err


class TestLastDelivered:
    CONFIGURATION = (
        "delivery:\n  signing: {method: key, key: 'env:K'}\n"
        "  branches:\n    main:\n    - {ref: refs/heads/deploy/production}\n"
        "    - {ref: refs/heads/deploy/staging, hydrate: true}\n"
    )

    def test_the_delivery_refs_of_a_branch(
        self, made: GitRepository, opened: Callable[[], Repository]
    ) -> None:
        tip = step(made, {".gitops-gate.yaml": self.CONFIGURATION})
        made.git("update-ref", "refs/remotes/origin/deploy/production", "HEAD~1")
        repository, target = opened(), Target(ref="refs/heads/main", commit=tip)
        names = delivery_refs(repository, target)
        assert names == ("refs/heads/deploy/production", "refs/heads/deploy/staging")
        assert known_refs(repository, names) == {names[0]: made.git("rev-parse", "HEAD~1")}
        assert delivery_refs(repository, Target(ref="refs/heads/other", commit=tip)) == ()

    def test_where_a_ref_is_that_the_step_comes_after(
        self, made: GitRepository, opened: Callable[[], Repository]
    ) -> None:
        base = made.git("rev-parse", "HEAD")
        held = step(made, {"apps/shop/settings.yaml": settings("new")})
        later = step(made, {"apps/shop/settings.yaml": settings("newer")})
        repository, target = opened(), Target(ref="refs/heads/main", commit=later)
        assert last_delivered(repository, target, held, {"one": base, "two": held}) == base
        with pytest.raises(ConfigurationError, match=f"one is at {base}, two is at {held}"):
            last_delivered(repository, target, later, {"one": base, "two": held})
        with pytest.raises(ConfigurationError, match="no delivery ref of the branch stands before"):
            last_delivered(repository, target, base, {"one": base})

    def test_a_ref_of_manifests_names_the_commit_they_are_of(
        self, made: GitRepository, opened: Callable[[], Repository]
    ) -> None:
        base = made.git("rev-parse", "HEAD")
        held = step(made, {"apps/shop/settings.yaml": settings("new")})
        rendered = made.git("commit-tree", "-m", f"Render {base}", "HEAD^{tree}")
        strange = made.git("commit-tree", "-m", "By hand", "HEAD^{tree}")
        repository, target = opened(), Target(ref="refs/heads/main", commit=held)
        assert last_delivered(repository, target, held, {"one": rendered}) == base
        with pytest.raises(ConfigurationError, match="--after COMMIT"):
            last_delivered(repository, target, held, {"one": strange})
