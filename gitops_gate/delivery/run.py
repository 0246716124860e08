"""One delivery from beginning to end, in this order and nowhere else.

    pins -> connect -> remote refs and attestations -> walk -> decide -> sign -> push

Nothing is written before the push, and the push is one step. A run that is stopped anywhere is
run again; two runs at once end as one, since the second finds the ref moved and looks again.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gitops_gate.delivery.hydrated import hydrated_commit
from gitops_gate.delivery.judging import Judging
from gitops_gate.delivery.moving import Move, Signing, decision_of, moved, prepared
from gitops_gate.delivery.record import body_of, landed_numbers, policies_of
from gitops_gate.delivery.remote_state import (
    Position,
    Remote,
    positions,
    read_remote,
    settings_at,
)
from gitops_gate.delivery.values import Delivered, Hold, Outcome
from gitops_gate.delivery.walk import Told, Walked, Way, walk
from gitops_gate.delivery.witnesses import Witnesses
from gitops_gate.errors import AttestationError, ConfigurationError, ForgeError, SourceError
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import Target
from gitops_gate.pipeline import Options
from gitops_gate.review.judging import refuse_narrowing
from gitops_gate.source import Repository
from gitops_gate.source.recompute import steps_between
from gitops_gate.source.remote_values import PushResult, RemoteAddress

if TYPE_CHECKING:
    from gitops_gate.attestations.signing import Signer, Trusted
    from gitops_gate.config.delivery_settings import DeliverySettings, SigningSettings

_ATTEMPTS = 4
"""How often a run looks again, when others move the refs or a push has no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivering:
    """Where a delivery runs, and what it may use.

    `branch` is a full ref name. `connect` gives the forge for a change request, or for none.
    `address_of` says where to read and push, given where the forge says that the repository is
    cloned from. `signer_of` gives the signer for the settings. `trusted` are the public keys,
    besides the signer's own, that older attestations were signed with. `at` is the moment at which
    freezes are judged, None for now. `told` is told of each commit that is judged.
    """

    repository: Repository
    branch: str
    target: Target
    connect: Callable[[Target], Forge]
    address_of: Callable[[str], RemoteAddress]
    signer_of: Callable[[SigningSettings], Signer]
    trusted: Sequence[Trusted] = ()
    dry_run: bool = False
    at: datetime.datetime | None = None
    sleep: Callable[[float], None] = time.sleep
    told: Told = field(default=lambda _: None)


def deliver(setting: Delivering, options: Options) -> tuple[Delivered, ...]:
    """Deliver a branch to every ref that follows it, as far as it is verified.

    Raises `GitOpsGateError` when nothing can be said: the forge or the remote cannot be read, a
    delivery ref is not where it was left, an attestation is not what it must be.
    """
    refuse_narrowing(options)
    forge = setting.connect(setting.target)
    if forge.identity is None or forge.landed is None:
        raise ForgeError("; ".join(forge.missing) or "the forge cannot say what landed")
    identity = forge.identity.identity()
    address = setting.address_of(identity.clone_url)
    done: dict[str, Delivered] = {}
    lost: SourceError | None = None
    for attempt in range(_ATTEMPTS):
        if attempt:
            setting.sleep(float(attempt))
        while True:
            remote = read_remote(setting.repository, address, identity, setting.branch)
            signer, trusted, waiting = _waiting(setting, remote, done)
            if not waiting:
                return tuple(done.values())
            run = _Run(setting=setting, options=options, forge=forge, remote=remote)
            outcome = run.one(waiting[0], signer, trusted)
            if isinstance(outcome, SourceError):
                lost = outcome
                break
            done[waiting[0].target.ref] = outcome
    assert lost is not None
    raise lost


def _waiting(
    setting: Delivering, remote: Remote, done: dict[str, Delivered]
) -> tuple[Signer | None, Sequence[Trusted], list[Position]]:
    """The signer, whose signatures count, and the refs that nothing was decided about yet."""
    signers: list[Signer] = []

    def trusted(settings: DeliverySettings) -> Sequence[Trusted]:
        signers[:] = [one] if (one := _signer(setting, settings)) is not None else []
        own = [signer.public for signer in signers if signer.public is not None]
        return (*own, *setting.trusted)

    settings, found = positions(remote, setting.branch, trusted)
    keys = trusted(settings)
    waiting = [one for one in found if one.target.ref not in done]
    return (signers[0] if signers else None), keys, waiting


def _signer(setting: Delivering, settings: DeliverySettings) -> Signer | None:
    if settings.signing is not None:
        _not_in_checkout(setting.repository, settings.signing)
        try:
            return setting.signer_of(settings.signing)
        except AttestationError:
            # Who only looks needs no key but those that older decisions are read with.
            if not (setting.dry_run and setting.trusted):
                raise
            return None
    if setting.dry_run:
        return None
    raise ConfigurationError(
        "nothing says how attestations are signed, and nothing is delivered without one",
        remedy="delivery.signing: {method: key, key: env:GITOPS_GATE_SIGNING_KEY}; --dry-run "
        "shows what would be delivered",
    )


def _not_in_checkout(repository: Repository, signing: SigningSettings) -> None:
    """Refuse a key that everybody has who can push: its signatures would say nothing."""
    kind, _, path = (signing.key or "").partition(":")
    root = repository.location.worktree
    if kind == "file" and root and Path(path).resolve().is_relative_to(Path(root).resolve()):
        raise ConfigurationError(
            "the signing key is a file of the checkout, which everybody can read and replace",
            path="delivery.signing.key",
            remedy="keep it outside, or hand it over in a variable: env:GITOPS_GATE_SIGNING_KEY",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One look at the remote, from which one ref is delivered."""

    setting: Delivering
    options: Options
    forge: Forge
    remote: Remote

    @property
    def tip(self) -> str:
        return self.remote.refs[self.setting.branch]

    def one(
        self, position: Position, signer: Signer | None, trusted: Sequence[Trusted]
    ) -> Delivered | SourceError:
        """What became of a ref, or why it has to be looked at again."""
        setting, repository = self.setting, self.remote.repository
        line = steps_between(repository, position.last, self.tip)
        if line is None:
            return self._outcome(position, Walked(hold=self._rewritten(position)), Outcome.HELD)
        if not line:
            return self._outcome(position, Walked(), Outcome.UP_TO_DATE)
        at = (setting.at or datetime.datetime.now(datetime.UTC)).replace(microsecond=0)
        witnesses = self._witnesses(position, line)
        judging = Judging(
            repository=repository, witness_of=witnesses.of, options=self.options, at=at
        )
        bodies = [entry.decision.body for entry in position.chain]
        way = Way(
            branch=setting.branch,
            line=(position.last, *line),
            earlier=landed_numbers(bodies),
        )
        walked = self._settled(position, walk(judging, way, witnesses.landed, setting.told))
        if not walked.steps:
            return self._outcome(position, walked, Outcome.HELD)
        if signer is None:
            return self._outcome(position, walked, Outcome.DRY_RUN)
        signing = Signing(signer=signer, trusted=trusted, evidence=witnesses.evidence)
        move = self._move(position, walked, signing, at)
        if setting.dry_run:
            return self._outcome(position, walked, Outcome.DRY_RUN, move)
        return self._pushed(position, walked, move)

    def _settled(self, position: Position, walked: Walked) -> Walked:
        """The same, but nothing where a first delivery goes by settings that are not verified.

        Before it there are none but the tip's, and whoever pushed those chose where to, by whom it
        is signed and after which commit it begins.
        """
        if position.chain or not walked.steps:
            return walked
        verified = settings_at(self.remote, walked.steps[-1].landing.after)
        if verified == settings_at(self.remote, self.tip):
            return walked
        hold = walked.hold or Hold(
            commit=self.tip,
            code="configuration",
            message="what the tip says about delivery is not what the last verified commit says",
        )
        return Walked(hold=hold)

    def _witnesses(self, position: Position, line: Sequence[str]) -> Witnesses:
        return Witnesses(
            remote=self.remote,
            forge=self.forge,
            target=self.setting.target,
            connect=self.setting.connect,
            line=(position.last, *line),
            sleep=self.setting.sleep,
        )

    def _move(
        self, position: Position, walked: Walked, signing: Signing, at: datetime.datetime
    ) -> Move:
        commit = walked.steps[-1].landing.after
        delivered, tree = commit, None
        if position.target.hydrate:
            delivered, tree = hydrated_commit(
                self.remote.repository, commit, position.ref, position.target, self.options
            )
        assert walked.whole is not None
        body = body_of(
            walked.steps,
            walked.whole,
            forge=self.forge.kind,
            policies=policies_of(self.remote.repository, walked.steps[-1].since),
            at=at,
            start=None if position.chain else position.last,
            hydrated=tree,
        )
        return prepared(
            self.remote,
            position,
            decision_of(position, commit, delivered, body),
            signing,
            at,
        )

    def _pushed(self, position: Position, walked: Walked, move: Move) -> Delivered | SourceError:
        try:
            pushed = moved(self.remote, position, move)
        except SourceError as error:
            return error
        if pushed.result is PushResult.STALE:
            return SourceError(
                f"{position.target.ref} was moved by another run at the same time",
                remedy="run again when that one is done",
            )
        if pushed.result is PushResult.REFUSED:
            raise SourceError(
                f"{position.target.ref} could not be moved: {pushed.message}",
                remedy="the credential of the deliver job must be allowed to write to it and to "
                f"{position.attestations}: docs/delivery.md",
            )
        return self._outcome(position, walked, Outcome.DELIVERED, move)

    def _rewritten(self, position: Position) -> Hold:
        return Hold(
            commit=self.tip,
            code="history",
            message=f"the first parents of {self.setting.branch} do not lead to "
            f"{position.last[:12]}, which was delivered last: it was force-pushed, or merged in "
            "the wrong direction",
            remedy="put the branch back to where its history goes on from there",
        )

    def _outcome(
        self, position: Position, walked: Walked, outcome: Outcome, move: Move | None = None
    ) -> Delivered:
        last = walked.steps[-1].landing.after if walked.steps else None
        held = outcome in (Outcome.HELD, Outcome.UP_TO_DATE)
        return Delivered(
            channel=position.channel,
            outcome=outcome,
            tip=self.tip,
            before=position.ref,
            after=position.ref if held else (move.delivered if move else last),
            commit=position.last if held else last,
            steps=walked.steps,
            hold=walked.hold,
            entry=move.entry if move else None,
            data=move.data if move and outcome is Outcome.DELIVERED else None,
        )
