"""What a review judges: the merge of the target's tip and the head, by the tip's rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops_gate.errors import ConfigurationError, MergeConflictError, SourceError
from gitops_gate.pipeline import Options
from gitops_gate.review.judging import judge, rules_of
from gitops_gate.source import open_repository
from gitops_gate.verdict.values import Report, Verdict
from tests.e2e.repositories import QUIET
from tests.unit.source.repositories import GitRepository


def config_map(name: str, value: str) -> str:
    return (
        "apiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: {name}, namespace: shop}}\ndata: {{key: {value}}}\n"
    )


@pytest.fixture
def made(tmp_path: Path) -> GitRepository:
    """`main` with one application."""
    repository = GitRepository(tmp_path / "repository")
    repository.write(".gitops-gate.yaml", QUIET)
    repository.write("apps/one.yaml", config_map("one", "a"))
    repository.commit()
    return repository


def branch(made: GitRepository, start: str, **files: str) -> str:
    """A commit on top of another, with these files (`__` stands for a slash)."""
    made.git("checkout", "--quiet", "--detach", start)
    for name, content in files.items():
        made.write(f"apps/{name}.yaml", content)
    return made.commit()


def judged(made: GitRepository, base: str, head: str, *, landed: bool = False) -> Report:
    with open_repository(made.folder) as repository:
        return judge(repository, base, head, Options(jobs=1), landed=landed)


def test_what_the_target_gained_meanwhile_is_no_change_of_the_head(made: GitRepository) -> None:
    start = made.git("rev-parse", "HEAD").strip()
    head = branch(made, start, two=config_map("two", "b"))
    base = branch(made, start, three=config_map("three", "c"))
    report = judged(made, base, head)
    assert [(c.operation.value, c.resource.name) for c in report.changes] == [("added", "two")]
    assert (report.base, report.head, report.verdict) == (base, head, Verdict.ALLOW)


def test_both_sides_together_are_judged(made: GitRepository) -> None:
    start = made.git("rev-parse", "HEAD").strip()
    head = branch(made, start, two=config_map("same", "b"))
    base = branch(made, start, three=config_map("same", "c"))
    report = judged(made, base, head)
    assert report.verdict is Verdict.DENY
    assert "same" in report.findings[0].message


def test_a_conflict_names_the_file_and_decides_nothing(made: GitRepository) -> None:
    start = made.git("rev-parse", "HEAD").strip()
    head = branch(made, start, one=config_map("one", "b"))
    base = branch(made, start, one=config_map("one", "c"))
    report = judged(made, base, head)
    assert report.verdict is Verdict.INDETERMINATE
    (reason,) = report.reasons
    assert reason.code == "merge_conflict"
    assert "apps/one.yaml" in reason.message
    with open_repository(made.folder) as repository, pytest.raises(MergeConflictError):
        repository.merged(base, head)


def test_a_repository_cannot_choose_how_it_is_merged(made: GitRepository) -> None:
    """`merge=union` in attributes would hide the conflict, and the forge knows no drivers."""
    made.write(".gitattributes", "*.yaml merge=union\n")
    start = made.commit()
    (made.folder / ".git" / "info" / "attributes").write_text("*.yaml merge=union\n")
    made.git("config", "merge.default", "union")
    head = branch(made, start, one=config_map("one", "b"))
    base = branch(made, start, one=config_map("one", "c"))
    assert [reason.code for reason in judged(made, base, head).reasons] == ["merge_conflict"]


def test_a_queued_group_is_judged_as_it_is(made: GitRepository) -> None:
    start = made.git("rev-parse", "HEAD").strip()
    head = branch(made, start, two=config_map("two", "b"))
    report = judged(made, start, head, landed=True)
    assert [change.resource.name for change in report.changes] == ["two"]


def test_nothing_is_written_to_the_repository(made: GitRepository) -> None:
    start = made.git("rev-parse", "HEAD").strip()
    head = branch(made, start, two=config_map("two", "b"))
    base = branch(made, start, three=config_map("three", "c"))
    before = made.git("count-objects")
    judged(made, base, head)
    assert made.git("count-objects") == before


def test_rules_that_do_not_load_are_replaced_by_an_ancestors_and_need_an_approval_more(
    made: GitRepository,
) -> None:
    good = made.git("rev-parse", "HEAD").strip()
    made.write(".gitops-gate.yaml", "gate: {mode: nonsense}\n")
    broken = made.commit()
    made.write(".gitops-gate.yaml", QUIET)
    repair = made.commit()
    report = judged(made, broken, repair)
    assert report.verdict is Verdict.PENDING
    (reason,) = [one for one in report.reasons if one.code == "rules_of_ancestor"]
    assert good[:12] in reason.message
    assert ".gitops-gate.yaml:1" in reason.message
    assert report.configuration["source"] == f"ancestor {good}"


def test_rules_that_load_nowhere_decide_nothing(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "repository")
    made.write(".gitops-gate.yaml", "gate: {mode: nonsense}\n")
    base = made.commit()
    made.write("apps/one.yaml", config_map("one", "a"))
    head = made.commit()
    report = judged(made, base, head)
    assert report.verdict is Verdict.INDETERMINATE
    assert "nonsense" in report.reasons[0].message


def test_history_that_is_missing_decides_nothing(made: GitRepository) -> None:
    report = judged(made, made.git("rev-parse", "HEAD").strip(), "d" * 40)
    assert report.verdict is Verdict.INDETERMINATE
    with open_repository(made.folder) as repository, pytest.raises(SourceError):
        rules_of(repository, "d" * 40)


@pytest.mark.parametrize(
    "options",
    [
        Options(configuration=("x", b"")),
        Options(applications=("apps",)),
        Options(environments=("default",)),
    ],
)
def test_a_review_is_never_narrowed(made: GitRepository, options: Options) -> None:
    with open_repository(made.folder) as repository, pytest.raises(ConfigurationError):
        judge(repository, "HEAD", "HEAD", options)
