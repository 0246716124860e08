"""Clones and attestation branches that somebody tampered with, before `verify` reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forges.delivering import REF, STORE, Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.test_verify_attacks import git, verify

pytestmark = pytest.mark.slow

REMOTE_STORE = "refs/remotes/origin/" + STORE.removeprefix("refs/heads/")
REMOTE_REF = "refs/remotes/origin/" + REF.removeprefix("refs/heads/")
REFUTED, NOT_VERIFIED = 1, 2


@pytest.fixture
def clone(ground: Ground) -> Path:
    """A clone in which two decisions stand: the second brought a squashed change."""
    assert ground.deliver().code == 0
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    ground.land(pull, method="squash")
    assert ground.deliver().code == 0
    return ground.clone()


def entries(clone: Path) -> list[str]:
    """The files of the chain, oldest first."""
    names = git(clone, "ls-tree", "-r", "--name-only", REMOTE_STORE).split()
    return sorted(name for name in names if name.endswith(".jsonl"))


def rewrite(clone: Path, files: dict[str, str | None]) -> None:
    """Move the attestation branch of the clone to a commit with these files."""
    index = clone / "tampered"
    git(clone, "read-tree", REMOTE_STORE, index=index)
    for name, text in files.items():
        if text is None:
            git(clone, "update-index", "--force-remove", name, index=index)
            continue
        blob = git(clone, "hash-object", "-w", "--stdin", stdin=text.encode()).strip()
        what = f"100644,{blob},{name}"
        git(clone, "update-index", "--add", "--cacheinfo", what, index=index)
    tree = git(clone, "write-tree", index=index).strip()
    commit = git(clone, "commit-tree", tree, "-p", REMOTE_STORE, "-m", "tampered").strip()
    git(clone, "update-ref", REMOTE_STORE, commit)


def text_of(clone: Path, name: str) -> str:
    return git(clone, "show", f"{REMOTE_STORE}:{name}")


def taken_off(clone: Path) -> None:
    rewrite(clone, {entries(clone)[-1]: None})


def first_taken_out(clone: Path) -> None:
    rewrite(clone, {entries(clone)[0]: None})


def exchanged(clone: Path) -> None:
    first, second = entries(clone)
    rewrite(clone, {first: text_of(clone, second), second: text_of(clone, first)})


def replayed(clone: Path) -> None:
    first, second = entries(clone)
    rewrite(clone, {second.replace("2.", "3."): text_of(clone, first)})


def cut_off(clone: Path) -> None:
    second = entries(clone)[-1]
    rewrite(clone, {second: text_of(clone, second)[:-100]})


def unsigned(clone: Path) -> None:
    second = entries(clone)[-1]
    lines = [json.loads(line) for line in text_of(clone, second).splitlines()]
    bare = [{**line, "signatures": []} for line in lines]
    text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in bare)
    rewrite(clone, {second: text})


def of_another_ref(clone: Path) -> None:
    first = entries(clone)[0]
    rewrite(clone, {first.replace("production", "other"): text_of(clone, first)})


def strange_file(clone: Path) -> None:
    rewrite(clone, {f"{Path(entries(clone)[0]).parent}/::set-env x=\x1b[31m.jsonl": "x"})


def summary_of_another(clone: Path) -> None:
    first, second = entries(clone)
    record = text_of(clone, second).splitlines()[0]
    summary = text_of(clone, first).splitlines()[1]
    rewrite(clone, {second: f"{record}\n{summary}\n"})


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (taken_off, NOT_VERIFIED),
        (first_taken_out, REFUTED),
        (exchanged, REFUTED),
        (replayed, REFUTED),
        (cut_off, REFUTED),
        (unsigned, NOT_VERIFIED),
        (of_another_ref, REFUTED),
        (strange_file, REFUTED),
        (summary_of_another, REFUTED),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_branch_of_attestations_that_was_written_to(
    ground: Ground, clone: Path, tamper: Callable[[Path], None], code: int
) -> None:
    tamper(clone)
    done = verify(ground, clone, ground.main)
    assert done.code == code, done.out + done.err
    assert "\x1b" not in done.err
    assert not any(line.startswith("::") for line in done.err.splitlines())


def test_the_newest_decision_taken_off_is_seen_at_an_older_commit(
    ground: Ground, clone: Path
) -> None:
    older = git(clone, "rev-parse", f"{ground.main}^").strip()
    assert verify(ground, clone, older).code == 0
    taken_off(clone)
    done = verify(ground, clone, older)
    assert (done.code, "where no decision put it" in done.err) == (REFUTED, True), done.err


def test_a_delivery_ref_that_is_elsewhere(ground: Ground, clone: Path) -> None:
    git(clone, "update-ref", REMOTE_REF, ground.start)
    assert verify(ground, clone, ground.main).code == REFUTED


def test_a_clone_of_before_the_newest_decision_says_so(ground: Ground, clone: Path) -> None:
    git(clone, "update-ref", REMOTE_REF, f"{ground.main}^")
    done = verify(ground, clone, ground.main)
    assert (done.code, "older than the newest" in done.out) == (0, True), done.out + done.err


def test_replaced_objects_grafts_and_notes_mean_nothing(ground: Ground, clone: Path) -> None:
    evil = git(
        clone, "commit-tree", f"{ground.start}^{{tree}}", "-p", ground.start, "-m", "evil"
    ).strip()
    git(clone, "replace", ground.main, evil)
    (clone / ".git/info/grafts").write_text(f"{ground.main}\n")
    git(clone, "notes", "add", "-m", "verified", evil)
    assert verify(ground, clone, ground.main).code == 0
    done = verify(ground, clone, evil)
    assert (done.code, "nothing attests" in done.err) == (NOT_VERIFIED, True), done.err


def test_a_commit_that_is_replaced_by_a_delivered_one(ground: Ground, clone: Path) -> None:
    tree = f"{ground.start}^{{tree}}"
    evil = git(clone, "commit-tree", tree, "-p", ground.start, "-m", "evil").strip()
    git(clone, "replace", evil, ground.main)
    assert verify(ground, clone, evil).code == NOT_VERIFIED


def test_a_branch_in_the_name_of_a_delivered_commit(ground: Ground, clone: Path) -> None:
    git(clone, "update-ref", f"refs/heads/{ground.main}", ground.start)
    git(clone, "update-ref", f"refs/tags/{ground.main}", ground.start)
    done = verify(ground, clone, ground.main, "--format", "json")
    assert done.code == 0, done.out + done.err
    assert json.loads(done.out)["verified"][0]["commit"] == ground.main


def test_attributes_and_drivers_of_the_clone_do_not_merge(ground: Ground, clone: Path) -> None:
    (clone / ".git/info/attributes").write_text("* merge=evil\n")
    git(clone, "config", "merge.evil.driver", "touch merged; false")
    git(clone, "config", "core.attributesFile", str(clone / ".git/info/attributes"))
    assert verify(ground, clone, ground.main).code == 0
    assert not (clone / "merged").exists()


@pytest.mark.parametrize("more", [("--depth=1",), ("--depth=2",), ("--single-branch",)])
def test_a_clone_without_what_is_needed_is_told_what_to_fetch(
    ground: Ground, clone: Path, more: tuple[str, ...]
) -> None:
    thin = ground.folder / "thin"
    url = f"file://{ground.shop.git.path}"
    git(ground.folder, "clone", "--quiet", "--no-local", *more, url, str(thin))
    done = verify(ground, thin, ground.main)
    assert done.code == NOT_VERIFIED, done.out + done.err
    assert "git fetch" in done.err


def test_a_clone_without_the_head_of_a_squashed_change_cannot_tell(
    ground: Ground, clone: Path
) -> None:
    """The attestation branch leads to it; somebody who cuts that off gets no answer."""
    tree = git(clone, "rev-parse", f"{REMOTE_STORE}^{{tree}}").strip()
    alone = git(clone, "commit-tree", tree, "-m", "alone").strip()
    git(clone, "update-ref", REMOTE_STORE, alone)
    git(clone, "update-ref", "-d", "refs/remotes/origin/new")
    git(clone, "reflog", "expire", "--expire=now", "--all")
    git(clone, "gc", "--quiet", "--prune=now")
    done = verify(ground, clone, ground.main)
    assert done.code == NOT_VERIFIED, done.out + done.err


def test_a_hydrated_commit_that_is_exchanged(ground: Ground) -> None:
    rules = ground.rules(hydrate=", hydrate: true")
    ground.land(ground.change("hydrate", {".gitops-gate.yaml": rules}))
    assert ground.deliver().code == 0
    clone = ground.clone()
    evil = git(clone, "commit-tree", f"{ground.start}^{{tree}}", "-m", f"Render {ground.main}")
    git(clone, "update-ref", REMOTE_REF, evil.strip())
    assert verify(ground, clone, evil.strip()).code == NOT_VERIFIED
    assert verify(ground, clone, ground.main).code == REFUTED


def test_other_tools_than_those_that_decided_leave_it_open(
    ground: Ground, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitops_gate.delivery.record.__version__", "99.0")
    done = ground.verify(ground.main)
    assert (done.code, "--no-replay" in done.err) == (NOT_VERIFIED, True), done.err


def test_a_branch_in_the_name_of_a_tag_is_not_the_tag(ground: Ground) -> None:
    tag = "refs/tags/production"
    ground.land(ground.change("tag", {".gitops-gate.yaml": ground.rules().replace(REF, tag)}))
    assert ground.deliver().code == 0
    clone = ground.clone()
    git(clone, "update-ref", f"refs/remotes/origin/{tag}", ground.start)
    done = verify(ground, clone, ground.main, "--ref", tag)
    assert done.code == 0, done.out + done.err
    git(clone, "update-ref", f"refs/remotes/origin/{tag}", ground.main)
    git(clone, "update-ref", tag, ground.start)
    assert verify(ground, clone, ground.main, "--ref", tag).code == REFUTED


def test_what_a_strange_file_is_called_stays_inside_of_json(ground: Ground, clone: Path) -> None:
    strange_file(clone)
    done = verify(ground, clone, ground.main, "--format", "json")
    assert done.code == REFUTED
    value = json.loads(done.out)
    assert value["result"] == "refuted"
    assert not set(done.out) & {"\x1b", "\r"}


def test_what_was_delivered_before_is_refuted_where_the_newest_is_asked_for(
    ground: Ground, clone: Path
) -> None:
    older = git(clone, "rev-parse", f"{ground.main}^").strip()
    assert verify(ground, clone, older).code == 0
    assert verify(ground, clone, older, "--newest").code == REFUTED
    assert verify(ground, clone, ground.main, "--newest").code == 0


def test_a_commit_of_two_chains_holds_in_both_or_not_at_all(ground: Ground) -> None:
    more = f"{{ref: refs/heads/deploy/other, start: {ground.start}}}"
    text = ground.rules()
    line = next(one for one in text.splitlines() if one.strip().startswith("main:"))
    both = line.replace("main: ", "main: [") + f", {more}]"
    ground.land(ground.change("both", {".gitops-gate.yaml": text.replace(line, both)}))
    assert ground.deliver().code == 0
    clone = ground.clone()
    done = verify(ground, clone, ground.main, "--format", "json")
    assert [one["ref"] for one in json.loads(done.out)["verified"]] == [
        "refs/heads/deploy/other",
        REF,
    ]
    name = next(one for one in entries(clone) if "other" in one)
    rewrite(clone, {name: text_of(clone, name)[:-9]})
    assert verify(ground, clone, ground.main).code == REFUTED
    assert verify(ground, clone, ground.main, "--ref", REF).code == 0
