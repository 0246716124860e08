"""Every kind of hole: its id, how bad it is, and what an attacker could do with it.

Ids are stable: scripts and waivers of other tools name them. Where GitHub and GitLab have the same
hole they share the id. `gitops_gate.audit.remedies` says which setting closes it on each.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.audit.remedies import GITHUB, GITLAB
from gitops_gate.audit.values import Entry, Level, Remedy
from gitops_gate.forges.values import ForgeKind


def _hole(name: str, level: Level, title: str, threat: str) -> Entry:
    remedies: dict[ForgeKind, Remedy] = {}
    if name in GITHUB:
        remedies["github"] = GITHUB[name]
    if name in GITLAB:
        remedies["gitlab"] = GITLAB[name]
    return Entry(id=name, level=level, title=title, threat=threat, remedies=remedies)


_HOLES = (
    _hole(
        "audit/branch-unprotected",
        Level.ERROR,
        "The branch is not protected",
        "Everybody with write access can push to the branch, rewrite it or delete it, and no "
        "check and no approval is asked for.",
    ),
    _hole(
        "audit/direct-push",
        Level.ERROR,
        "Commits reach the branch without a change request",
        "Whoever may push can put a commit on the branch that no reviewer and no gate has seen; "
        "the cluster takes it from there.",
    ),
    _hole(
        "audit/force-push",
        Level.ERROR,
        "The branch can be rewritten",
        "A force push replaces commits that were approved by others that were not, and takes the "
        "traces of it out of the history.",
    ),
    _hole(
        "audit/deletion",
        Level.ERROR,
        "The branch can be deleted",
        "Whoever deletes the branch and makes it anew decides what is on it, without any review.",
    ),
    _hole(
        "audit/status-not-required",
        Level.ERROR,
        "The gate's answer is not required",
        "A change that the gate denies, or that it never saw, can be merged all the same.",
    ),
    _hole(
        "audit/status-from-anyone",
        Level.ERROR,
        "The gate's status counts whoever sets it",
        "Everybody with write access, and every token that may write statuses, can set the gate's "
        "status to success by hand and merge.",
    ),
    _hole(
        "audit/status-from-actions",
        Level.ERROR,
        "The gate's status counts from any workflow",
        "GitHub Actions is one app for all workflows: a change that brings a workflow of its own, "
        "in any branch, can set the gate's status to success with its own GITHUB_TOKEN.",
    ),
    _hole(
        "audit/job-required",
        Level.ERROR,
        "A job is required where the gate's status is meant",
        "A job's check is green when the job was skipped, or was "
        "replaced by the change itself by one of the same name; what it says is not what the gate "
        "decided.",
    ),
    _hole(
        "audit/not-up-to-date",
        Level.NOTE,
        "What lands may differ from what was judged",
        "Two changes that are fine each and not together can land one after the other, since the "
        "second was judged before the first landed.",
    ),
    _hole(
        "audit/admins-exempt",
        Level.ERROR,
        "Administrators are exempt",
        "Whoever is an administrator, or takes over the account or token of one, merges and "
        "pushes past every rule without being asked.",
    ),
    _hole(
        "audit/bypass",
        Level.ERROR,
        "Somebody may pass the rules by",
        "Those on the bypass list, and whoever takes over one of their accounts, keys or apps, "
        "put on the branch what they like.",
    ),
    _hole(
        "audit/reviews-not-required",
        Level.WARNING,
        "The forge asks for no approval",
        "Where the gate's own approvals are misconfigured or its status is forged, nobody else "
        "has to look: one account is enough to change production.",
    ),
    _hole(
        "audit/stale-approvals",
        Level.WARNING,
        "Approvals outlive what was approved",
        "An author collects approvals for a harmless change, pushes another one on top, and merges "
        "with the old approvals.",
    ),
    _hole(
        "audit/last-pusher-approves",
        Level.WARNING,
        "Who pushed last may approve it",
        "A second person pushes onto somebody else's change request and approves the own commits: "
        "one person alone brings a change in.",
    ),
    _hole(
        "audit/author-approves",
        Level.WARNING,
        "Authors may approve their own change requests",
        "One account is enough to change production: it opens the change request and approves it.",
    ),
    _hole(
        "audit/committers-approve",
        Level.WARNING,
        "Committers may approve what they committed",
        "Whoever adds a commit to somebody else's change request approves the own commits.",
    ),
    _hole(
        "audit/approvers-overridable",
        Level.WARNING,
        "Approval rules can be changed in a change request",
        "An author edits the approval rules of the own merge request, down to nobody.",
    ),
    _hole(
        "audit/code-owners",
        Level.WARNING,
        "Owners' reviews are not required",
        "A change to CODEOWNERS, to CI files or to the gate's rules needs nobody in particular: "
        "any approval will do, or none.",
    ),
    _hole(
        "audit/codeowners-unowned",
        Level.WARNING,
        "CODEOWNERS belongs to nobody",
        "A change takes its author's name in as owner, or the owners out, and no owner is asked.",
    ),
    _hole(
        "audit/ci-editable",
        Level.ERROR,
        "The definition of CI can be changed without its owners",
        "A change edits the workflow or pipeline that runs the gate, so that it is skipped, "
        "reports something else, or hands out its secrets, and no owner has to agree.",
    ),
    _hole(
        "audit/rules-unowned",
        Level.WARNING,
        "The gate's rules belong to nobody",
        "A change loosens the configuration, the policies or the waivers first, with any approval, "
        "and uses that with the next change.",
    ),
    _hole(
        "audit/ci-in-change",
        Level.WARNING,
        "The change itself defines the pipeline that judges it",
        "GitLab runs a merge request's pipeline from the merge request's own file: a change that "
        "takes the gate's job out has a pipeline that succeeds.",
    ),
    _hole(
        "audit/skipped-pipeline",
        Level.ERROR,
        "A skipped pipeline counts as success",
        "A commit message with `[skip ci]`, or rules that leave no job over, merges without the "
        "gate having run.",
    ),
    _hole(
        "audit/fork-pipelines",
        Level.WARNING,
        "A fork's pipeline can run in this project",
        "A member who starts the pipeline of a fork's merge request runs the fork's definition "
        "with this project's variables and runners.",
    ),
    _hole(
        "audit/variable-unprotected",
        Level.ERROR,
        "The gate's secrets reach unprotected branches",
        "A pipeline on any branch reads the gate's token or key from its environment and sets the "
        "status, or writes comments, in the gate's name.",
    ),
    _hole(
        "audit/job-token-writes",
        Level.WARNING,
        "Jobs may write to the repository by default",
        "Every job, and every action or image that it uses, can push branches, set statuses and "
        "change releases with the token that it is given anyway.",
    ),
    _hole(
        "audit/jobs-approve",
        Level.ERROR,
        "Jobs may approve change requests",
        "A workflow that a change brings along approves the change: the required review comes from "
        "a robot.",
    ),
    _hole(
        "audit/tags",
        Level.WARNING,
        "Tags can be moved",
        "A tag that a cluster or a base refers to is set to another commit, which nobody reviewed.",
    ),
    _hole(
        "audit/delivery-ref",
        Level.ERROR,
        "The delivery ref can be written by others",
        "The cluster follows the delivery ref: who writes it deploys, without review, without "
        "attestation, past the whole gate.",
    ),
    _hole(
        "audit/attestation-branch",
        Level.ERROR,
        "The branch of attestations can be written by others",
        "Who writes it takes away the proof of what was delivered and by whom it was approved, or "
        "puts an older one back; the next delivery finds a record that does not fit, and stops.",
    ),
    _hole(
        "audit/job-token-delivers",
        Level.ERROR,
        "Jobs may write what is delivered by their own token",
        "Any job, also one of a workflow that a change brings along in a branch of its own, moves "
        "what the cluster follows, or the attestations, with the token that it is given anyway.",
    ),
    _hole(
        "audit/delivering-environment",
        Level.ERROR,
        "The delivering credential is within reach of other branches",
        "A workflow of any branch, also one that a change brings along, reads the credential that "
        "may write the delivery ref, or the signing key, and delivers what it likes.",
    ),
    _hole(
        "audit/ruleset-idle",
        Level.NOTE,
        "A ruleset is only evaluated",
        "Nothing is held back by a ruleset that only records what it would refuse, whatever its "
        "name makes people believe.",
    ),
    _hole(
        "audit/merge-method",
        Level.NOTE,
        "What lands are other commits than those reviewed",
        "Squash and rebase make new commits, with other ids and committers: signatures and "
        "approvals that name the reviewed commits do not name what landed.",
    ),
    _hole(
        "audit/committer-unverified",
        Level.NOTE,
        "Commits may carry anybody's name",
        "An author commits under a colleague's name, so that the colleague counts as contributor "
        "and the author does not.",
    ),
)

CATALOGUE: Mapping[str, Entry] = {entry.id: entry for entry in _HOLES}
"""Every kind of hole by its id, in the order of the documentation."""
