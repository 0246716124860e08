"""The chain of decisions of a delivery ref, as files in the tree of the attestation branch.

    decisions/<repository id>/<branch>/<ref>/<sequence>.intoto.jsonl

Each decision names the digest and the commits of the one before, so a chain that is read whole has
no hole, no stranger and no other order. What a chain cannot tell is that its newest decisions were
taken off: whoever reads it compares the newest with the delivery ref, and with the history of the
attestation branch, which only ever grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gitops_gate.attestations.bundle import opened
from gitops_gate.attestations.failures import refuted
from gitops_gate.attestations.signing import Trusted
from gitops_gate.attestations.values import Channel, Decision, Entry, Previous
from gitops_gate.errors import AttestationError
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Mode, Tree

FOLDER = "decisions"
README_PATH = "README.md"
README = b"""# Attestations

Written by gitops-gate, for machines to read: one signed decision for each time that a delivery ref
was moved. Nothing here is edited or removed; a chain with a hole is not believed.

    decisions/<repository id>/<branch>/<delivery ref>/<number>.intoto.jsonl

Each file holds two DSSE envelopes with in-toto statements, a decision record and a SLSA
verification summary. `gitops-gate verify COMMIT` checks them with a key that you give it.
"""

_SAFE = re.compile(r"[A-Za-z0-9._-]")
_NAME = re.compile(r"((?:\d{8}|[1-9]\d{8,15})\.intoto\.jsonl)")


def entry_path(channel: Channel, sequence: int) -> str:
    """Where a decision is stored, relative to the root of the attestation branch."""
    return f"{_folder(channel)}/{sequence:08}.intoto.jsonl"


def previous_of(entry: Entry) -> Previous:
    """What the decision after this one says about it."""
    return Previous(
        sequence=entry.decision.sequence,
        digest=entry.digest,
        commit=entry.decision.commit,
        delivered=entry.decision.delivered,
    )


def additions(tree: Tree | None, decision: Decision, data: bytes) -> dict[str, bytes]:
    """The files that a signed decision adds to the branch; `tree` is None where there is none yet.

    Raises `AttestationError` when it is not the next of its chain in that tree.
    """
    path = entry_path(decision.channel, decision.sequence)
    names = () if tree is None else _names(tree, decision.channel)
    if decision.sequence != len(names) + 1:
        raise AttestationError(
            f"the chain holds {len(names)} decisions, and this one is number {decision.sequence}",
            path=path,
        )
    files = {path: data}
    if tree is None or README_PATH not in tree.entries:
        files[README_PATH] = README
    return files


def channels_at(tree: Tree, repository_id: int) -> tuple[tuple[str, str], ...]:
    """The branches and refs that a tree has decisions about, in one repository, sorted.

    They are names of folders, which nothing has been verified of. Raises `AttestationError`,
    refuted, for a name that no decision is stored under.
    """
    start = f"{FOLDER}/{repository_id}/"
    found = set()
    for path in tree.entries:
        if not path.startswith(start):
            continue
        parts = path[len(start) :].split("/")
        refs = tuple(_ref(part) for part in parts[:2])
        if len(parts) != 3 or None in refs:
            raise refuted("a file stands where no decision is stored", path)
        found.add((str(refs[0]), str(refs[1])))
    return tuple(sorted(found))


def read_chain(
    tree: Tree,
    channel: Channel,
    trusted: Sequence[Trusted],
    *,
    newest_only: bool = False,
) -> tuple[Entry, ...]:
    """The decisions of a channel, oldest first, each verified and joined to the one before.

    Empty when the tree has none. With `newest_only` the last is given alone, verified as well as
    the one that it follows on; that the numbers run from 1 without a hole is checked all the same.
    Raises `AttestationError`: refuted for what was read and is wrong, not refuted for what no
    trusted key signed. That the newest is still there has to be found out elsewhere: it is what
    the delivery ref points to.
    """
    paths = _names(tree, channel)
    if newest_only:
        paths = paths[-2:]
    entries: list[Entry] = []
    blobs = tree.blobs.read_many(tree.entries[path] for path in paths)
    for path, data in zip(paths, blobs, strict=True):
        entry = opened(data, trusted, path)
        _check_place(entry.decision, channel, path)
        if entries:
            _check_previous(entry, entries[-1], path)
        entries.append(entry)
    return tuple(entries[-1:] if newest_only else entries)


def _check_place(decision: Decision, channel: Channel, path: str) -> None:
    said, asked = decision.channel, channel
    if (said.repository_id, said.branch, said.ref) != (
        asked.repository_id,
        asked.branch,
        asked.ref,
    ):
        raise refuted("the decision is about another repository, branch or ref", path)
    if entry_path(channel, decision.sequence) != path:
        raise refuted(f"the decision is number {decision.sequence} of its chain", path)


def _check_previous(entry: Entry, before: Entry, path: str) -> None:
    if entry.decision.previous != previous_of(before):
        raise refuted("the decision follows on another one than the one before it", path)


def _names(tree: Tree, channel: Channel) -> tuple[str, ...]:
    """The files of a channel, by number; raises unless they are 1 to n and nothing else."""
    folder = _folder(channel) + "/"
    paths = [path for path in tree.entries if path.startswith(folder)]
    for path in paths:
        if not _NAME.fullmatch(path[len(folder) :]) or tree.entries[path].mode is not Mode.FILE:
            raise refuted("a file stands among the decisions that is none", path)
    paths.sort(key=lambda path: (len(path), path))
    for number, path in enumerate(paths, 1):
        if path != entry_path(channel, number):
            raise refuted(
                f"decision {number} is missing from its chain", entry_path(channel, number)
            )
    return tuple(paths)


def _folder(channel: Channel) -> str:
    branch, ref = _segment(channel.branch), _segment(channel.ref)
    return f"{FOLDER}/{channel.repository_id}/{branch}/{ref}"


def _segment(ref: str) -> str:
    """A full ref name as the name of a folder: `refs/heads/a/b` is `heads+a+b`."""
    if not ref.startswith("refs/"):
        raise AttestationError(f"{shown(ref)} is not the full name of a ref")
    return "".join(_escaped(ref.removeprefix("refs/")))


def _escaped(text: str) -> Iterator[str]:
    for character in text:
        if character == "/":
            yield "+"
        elif _SAFE.fullmatch(character):
            yield character
        else:
            yield "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))


def _ref(segment: str) -> str | None:
    """The ref name behind a folder's name; None when no ref has that folder."""
    plain = segment.replace("+", "/")
    try:
        raw = re.sub(
            rb"%([0-9A-F]{2})",
            lambda match: bytes.fromhex(match.group(1).decode()),
            plain.encode("ascii"),
        )
    except UnicodeEncodeError:
        return None
    ref = "refs/" + raw.decode("utf-8", "surrogateescape")
    return ref if _segment(ref) == segment else None
