"""The chain in the attestation branch: where files stand, and everything that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.attestations.bundle import signed
from gitops_gate.attestations.chain import (
    additions,
    channels_at,
    entry_path,
    previous_of,
    read_chain,
)
from gitops_gate.attestations.values import Channel, Decision, Entry
from gitops_gate.source.paths import check_path
from gitops_gate.source.values import Mode
from tests.unit.attestations.statements import (
    CHANNEL,
    TRUSTED,
    chain_files,
    decision,
    ed25519,
    failure,
    signer,
    tree_of,
    trust,
)

FILES = chain_files(4)
FOLDER = "decisions/123456/heads+main/heads+deploy+production"

STAGING = replace(CHANNEL, ref="refs/heads/deploy/staging")
RELEASE = replace(CHANNEL, branch="refs/heads/release/1.0")
FORK = replace(CHANNEL, repository_id=654321)


def read(files: dict[str, bytes], channel: Channel = CHANNEL) -> tuple[Entry, ...]:
    return read_chain(tree_of(files), channel, [TRUSTED])


def path(number: int) -> str:
    return entry_path(CHANNEL, number)


# ------------------------------------------------------------------------ where decisions stand


def test_a_decision_stands_under_its_repository_branch_and_ref() -> None:
    assert path(1) == f"{FOLDER}/00000001.intoto.jsonl"
    assert path(123_456_789) == f"{FOLDER}/123456789.intoto.jsonl"


def test_what_a_folder_cannot_be_called_is_escaped() -> None:
    channel = replace(CHANNEL, branch="refs/heads/a+b%2F/ü", ref="refs/tags/@x")
    assert entry_path(channel, 1).split("/")[2:4] == ["heads+a%2Bb%252F+%C3%BC", "tags+%40x"]


REFS = st.builds(
    lambda kind, name: f"refs/{kind}/{name}",
    st.sampled_from(["heads", "tags"]),
    st.text(st.sampled_from("aA/+%-._@2FüÜ\udcff 😀"), min_size=1, max_size=6),
)


@given(REFS, REFS, REFS, REFS)
def test_no_two_channels_share_a_folder(one: str, two: str, three: str, four: str) -> None:
    first, second = replace(CHANNEL, branch=one, ref=two), replace(CHANNEL, branch=three, ref=four)
    same = (one, two) == (three, four)
    assert (entry_path(first, 1) == entry_path(second, 1)) is same
    check_path(entry_path(first, 1))


@given(REFS, REFS)
def test_the_channels_of_a_tree_are_read_from_its_folders(branch: str, ref: str) -> None:
    channel = replace(CHANNEL, branch=branch, ref=ref)
    assert channels_at(tree_of({entry_path(channel, 1): b""}), 123456) == ((branch, ref),)


def test_channels_are_those_of_one_repository_sorted_and_once() -> None:
    files = {
        "README.md": b"",
        **{entry_path(CHANNEL, number): b"" for number in (1, 2)},
        entry_path(STAGING, 1): b"",
        entry_path(RELEASE, 1): b"",
        entry_path(FORK, 1): b"",
        "decisions/1234567/x": b"",
    }
    assert channels_at(tree_of(files), 123456) == (
        ("refs/heads/main", "refs/heads/deploy/production"),
        ("refs/heads/main", "refs/heads/deploy/staging"),
        ("refs/heads/release/1.0", "refs/heads/deploy/production"),
    )


@pytest.mark.parametrize(
    "name",
    ["x", "heads+main/x", "heads+main/%2g/x", "heads+main/%2b/x", "heads+ü/heads+x/y", "a/b/c/d"],
)
def test_a_folder_that_is_no_channels_is_an_error(name: str) -> None:
    error = failure(lambda: channels_at(tree_of({f"decisions/123456/{name}": b""}), 123456))
    assert error.refuted


@pytest.mark.parametrize("ref", ["main", "heads/main", ""])
def test_a_channel_is_of_full_ref_names(ref: str) -> None:
    error = failure(lambda: entry_path(replace(CHANNEL, ref=ref), 1))
    assert "not the full name of a ref" in error.message


# ------------------------------------------------------------------------ reading


def test_a_whole_chain_is_read_oldest_first() -> None:
    entries = read(FILES)
    assert [entry.decision.sequence for entry in entries] == [1, 2, 3, 4]
    assert [entry.decision.commit for entry in entries] == [f"{n:040x}" for n in (1, 2, 3, 4)]
    assert [entry.decision.previous for entry in entries[1:]] == [
        previous_of(entry) for entry in entries[:-1]
    ]


def test_a_tree_without_decisions_has_an_empty_chain() -> None:
    assert read({}) == ()
    assert read({"README.md": b"", **chain_files(1, channel=STAGING)}) == ()


def test_each_channel_has_a_chain_of_its_own() -> None:
    files = {**FILES, **chain_files(2, channel=STAGING), **chain_files(1, channel=RELEASE)}
    assert [len(read(files, channel)) for channel in (CHANNEL, STAGING, RELEASE)] == [4, 2, 1]


def test_the_newest_alone_is_verified_with_the_one_before() -> None:
    (newest,) = read_chain(tree_of(FILES), CHANNEL, [TRUSTED], newest_only=True)
    assert newest == read(FILES)[-1]
    assert read_chain(tree_of({}), CHANNEL, [TRUSTED], newest_only=True) == ()
    (only,) = read_chain(tree_of(chain_files(1)), CHANNEL, [TRUSTED], newest_only=True)
    assert only.decision.sequence == 1


def test_reading_the_newest_alone_reads_two_files() -> None:
    """A chain of years costs a delivery no more than one of a day; `verify` reads all of it."""
    tree = tree_of({**FILES, path(1): b"", path(2): b""})
    assert read_chain(tree, CHANNEL, [TRUSTED], newest_only=True) == (read(FILES)[-1],)
    failure(lambda: read_chain(tree, CHANNEL, [TRUSTED]))


def test_the_order_in_which_a_tree_lists_its_files_makes_no_difference() -> None:
    assert read(dict(reversed(FILES.items()))) == read(FILES)


def test_a_repository_that_was_renamed_keeps_its_chain() -> None:
    renamed = replace(CHANNEL, url="https://github.com/acme/platform")
    previous = previous_of(read(FILES)[-1])
    data = signed(decision(5, channel=renamed, previous=previous), signer())
    assert len(read({**FILES, path(5): data}, renamed)) == 5
    assert len(read({**FILES, path(5): data}, CHANNEL)) == 5


def test_a_key_can_follow_another_within_a_chain() -> None:
    new = ed25519(2)
    data = signed(decision(5, previous=previous_of(read(FILES)[-1])), signer(new))
    tree = tree_of({**FILES, path(5): data})
    keys = [entry.key for entry in read_chain(tree, CHANNEL, [trust(new), TRUSTED])]
    assert keys == [TRUSTED.id] * 4 + [trust(new).id]
    assert not failure(lambda: read_chain(tree, CHANNEL, [trust(new)])).refuted
    assert not failure(lambda: read_chain(tree, CHANNEL, [TRUSTED])).refuted


# ------------------------------------------------------------------------ what is found


def replaced(number: int, data: bytes) -> dict[str, bytes]:
    return {**FILES, path(number): data}


def follows(number: int, **fields: object) -> Decision:
    """A decision that stands where `number` does, with something else about it."""
    entry = read(FILES)[number - 1]
    return replace(entry.decision, **fields)  # type: ignore[arg-type]


def misled(**fields: str) -> dict[str, bytes]:
    """A chain whose third decision says something else about the second."""
    previous = replace(previous_of(read(FILES)[1]), **fields)  # type: ignore[arg-type]
    return replaced(3, signed(follows(3, previous=previous), signer()))


OTHER_CHAIN = chain_files(4, sign=signer(ed25519(2)), keys=[trust(ed25519(2))])
ATTACKS: dict[str, Callable[[], dict[str, bytes]]] = {
    "the first removed": lambda: {k: v for k, v in FILES.items() if k != path(1)},
    "one in the middle removed": lambda: {k: v for k, v in FILES.items() if k != path(3)},
    "one removed and the rest moved up": lambda: {
        path(1): FILES[path(1)],
        path(2): FILES[path(3)],
        path(3): FILES[path(4)],
    },
    "two exchanged": lambda: {**FILES, path(2): FILES[path(3)], path(3): FILES[path(2)]},
    "one twice": lambda: {**FILES, path(5): FILES[path(4)]},
    "an older one again": lambda: {**FILES, path(5): FILES[path(1)]},
    "one that follows on another digest": lambda: misled(digest="sha256:" + "9" * 64),
    "one that follows on another commit": lambda: misled(commit="9" * 40),
    "one that follows on another delivery": lambda: misled(delivered="9" * 40),
    "one signed again over another commit": lambda: replaced(
        2, signed(follows(2, commit="9" * 40, delivered="9" * 40), signer())
    ),
    "one that says it is the first": lambda: replaced(
        3, signed(follows(3, sequence=1, previous=None), signer())
    ),
    "a number of another width": lambda: {**FILES, f"{FOLDER}/5.intoto.jsonl": FILES[path(4)]},
    "a number of nine digits for a small one": lambda: {
        **FILES,
        f"{FOLDER}/000000005.intoto.jsonl": FILES[path(4)],
    },
    "number nought": lambda: {**FILES, path(0): FILES[path(1)]},
    "a note": lambda: {**FILES, f"{FOLDER}/note.txt": b""},
    "a file of another kind": lambda: {**FILES, f"{FOLDER}/00000005.json": FILES[path(4)]},
    "a folder": lambda: {**FILES, f"{path(5)}/x": FILES[path(4)]},
    "an empty file": lambda: replaced(4, b""),
    "from another ref": lambda: chain_at(STAGING),
    "from another branch": lambda: chain_at(RELEASE),
    "from another repository": lambda: chain_at(FORK),
}


def chain_at(channel: Channel) -> dict[str, bytes]:
    """A chain of another channel, copied into the folder of this one."""
    moved = chain_files(4, channel=channel)
    return {path(number): moved[entry_path(channel, number)] for number in range(1, 5)}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_chain_that_was_meddled_with_is_refuted(attack: Callable[[], dict[str, bytes]]) -> None:
    files = attack()
    error = failure(lambda: read(files))
    assert error.refuted, error
    assert str(error.path).startswith("decisions/123456/")


@pytest.mark.parametrize(
    "attack",
    [
        "one twice",
        "one in the middle removed",
        "from another repository",
        "a note",
        "one that says it is the first",
    ],
)
def test_the_newest_alone_is_not_believed_in_a_chain_that_was_meddled_with(attack: str) -> None:
    files = ATTACKS[attack]()
    error = failure(lambda: read_chain(tree_of(files), CHANNEL, [TRUSTED], newest_only=True))
    assert error.refuted


GENUINE = [FILES[path(number)] for number in range(1, 5)]
POOL = [*GENUINE, *chain_at(STAGING).values(), *chain_at(FORK).values(), *OTHER_CHAIN.values()]


@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=5))
def test_of_all_files_that_there_are_only_the_chain_itself_is_one(found: list[bytes]) -> None:
    files = {path(number): data for number, data in enumerate(found, 1)}
    if found == GENUINE[: len(found)]:
        assert len(read(files)) == len(found)
    else:
        failure(lambda: read(files))


@given(st.sets(st.integers(1, 4)))
def test_of_all_that_can_be_removed_only_the_end_goes_unnoticed_here(kept: set[int]) -> None:
    files = {path(number): FILES[path(number)] for number in kept}
    if kept == set(range(1, len(kept) + 1)):
        assert [entry.decision.sequence for entry in read(files)] == sorted(kept)
    else:
        assert failure(lambda: read(files)).refuted


def test_a_whole_chain_by_a_stranger_could_not_be_checked() -> None:
    error = failure(lambda: read(OTHER_CHAIN))
    assert not error.refuted
    assert error.path == path(1)


def test_one_decision_by_a_stranger_ends_the_chain() -> None:
    assert not failure(lambda: read({**FILES, path(3): OTHER_CHAIN[path(3)]})).refuted


@pytest.mark.parametrize("mode", [Mode.LINK, Mode.EXECUTABLE, Mode.SUBMODULE])
def test_a_decision_is_a_plain_file(mode: Mode) -> None:
    error = failure(lambda: read_chain(tree_of(FILES, mode), CHANNEL, [TRUSTED]))
    assert error.refuted


def test_that_the_newest_was_removed_is_for_the_ref_to_tell() -> None:
    shortened = {name: data for name, data in FILES.items() if name != path(4)}
    assert len(read(shortened)) == 3
    assert read(shortened)[-1].decision.delivered != read(FILES)[-1].decision.delivered


# ------------------------------------------------------------------------ adding


def test_the_first_decision_brings_a_readme_with_it() -> None:
    files = additions(None, decision(), b"data")
    assert files[path(1)] == b"data"
    assert b"gitops-gate verify COMMIT" in files["README.md"]
    assert additions(tree_of({"README.md": b"own words"}), decision(), b"d") == {path(1): b"d"}


def test_a_decision_is_added_behind_the_newest_alone() -> None:
    tree = tree_of({**FILES, "README.md": b""})
    assert additions(tree, decision(5), b"data") == {path(5): b"data"}
    for number in (1, 4, 6):
        error = failure(lambda number=number: additions(tree, decision(number), b""))  # type: ignore[misc]
        assert error.message == f"the chain holds 4 decisions, and this one is number {number}"


@pytest.mark.slow
def test_a_long_chain_takes_a_moment_for_each_decision() -> None:
    assert len(read(chain_files(500))) == 500
