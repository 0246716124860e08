"""What other gates do in the same situations, from what they publish, and where this one differs.

- policy-bot: https://github.com/palantir/policy-bot, policy/approval/approve_test.go
- GitHub: docs.github.com, "About code owners", "Approving a pull request with required reviews"
- GitLab: docs.gitlab.com, "Merge request approval rules", "Merge request approval settings"
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitops_gate.approvals.binding import Moment
from gitops_gate.approvals.change import OwnedPaths
from gitops_gate.approvals.facts import Account, ReviewState
from gitops_gate.config.approval_settings import ApprovalSettings, Require
from tests.unit.approvals.making import (
    BASE,
    HEAD,
    OLDER,
    SEEN,
    change,
    commit,
    evaluated,
    facts,
    minute,
    push,
    review,
    rule,
    rules,
    teams,
)


class TestPolicyBot:
    """One change with an author, two other contributors, an approver and a disapprover."""

    AUTHOR = Account(id=101, login="mhaypenny")
    CO_AUTHOR = Account(id=102, login="contributor-author")
    COMMITTER = Account(id=103, login="contributor-committer")
    APPROVER = Account(id=104, login="review-approver")
    DISAPPROVER = Account(id=105, login="disapprover")

    def facts(self, **given: Any) -> Any:
        moves = (
            push("c6ade256" * 5, 0, actor=self.AUTHOR),
            push("67483258" * 5, 1, before="c6ade256" * 5, actor=self.AUTHOR),
            push(HEAD, 2, before="67483258" * 5, actor=self.AUTHOR),
        )
        defaults: dict[str, Any] = {
            "contributions": (
                commit(self.AUTHOR, commit="c6ade256" * 5),
                commit(self.CO_AUTHOR, self.AUTHOR, commit="67483258" * 5),
                commit(self.AUTHOR, self.COMMITTER, commit=HEAD),
            ),
            "pushes": moves,
        }
        reviews = (
            review(self.AUTHOR, 40),
            review(self.CO_AUTHOR, 50),
            review(self.COMMITTER, 60),
            review(self.DISAPPROVER, 70, ReviewState.CHANGES_REQUESTED),
            review(self.APPROVER, 80),
        )
        return facts(*reviews, **(defaults | given))

    def by(self, settings: ApprovalSettings, **given: Any) -> list[str]:
        (outcome,) = evaluated(
            settings=settings,
            change=change(author=self.AUTHOR),
            facts=self.facts(**given),
            people=teams(everyone=[self.AUTHOR, self.DISAPPROVER], cooler=[self.APPROVER]),
        ).requirements
        return [account.login for account in outcome.by] if outcome.satisfied else []

    def test_no_approval_required(self) -> None:
        assert evaluated(settings=ApprovalSettings(), facts=self.facts()).satisfied

    def test_single_approval_required(self) -> None:
        assert self.by(rules(rule(require=Require(count=2)))) == []

    def test_author_and_contributors_cannot_approve(self) -> None:
        assert self.by(rules(rule())) == ["review-approver"]

    def test_contributors_including_author_can_approve(self) -> None:
        assert self.by(rules(rule(), contributors_may_approve=True)) == [
            "contributor-author",
            "contributor-committer",
            "mhaypenny",
            "review-approver",
        ]

    def test_specific_user_approves(self) -> None:
        assert self.by(rules(rule(require=Require(users=("review-approver",))))) == [
            "review-approver"
        ]
        assert self.by(rules(rule(require=Require(users=("does-not-exist",))))) == []

    def test_specific_organisation_approves(self) -> None:
        assert self.by(rules(rule(require=Require(teams=("cooler",))))) == ["review-approver"]
        assert self.by(rules(rule(require=Require(teams=("everyone",))))) == []

    def test_organisation_or_user(self) -> None:
        either = Require(teams=("everyone",), users=("review-approver",))
        assert self.by(rules(rule(require=either))) == ["review-approver"]

    def test_invalidate_review_on_push(self) -> None:
        """policy-bot counts the push; here it is what the push changed."""
        after = (push(OLDER, 0, actor=self.AUTHOR), push(HEAD, 85, actor=self.AUTHOR))
        assert self.by(rules(rule()), pushes=after) == []
        then = {Moment(head=OLDER, base=BASE): SEEN}
        assert evaluated(
            settings=rules(rule()),
            change=change(author=self.AUTHOR),
            facts=self.facts(pushes=after),
            then=then,
        ).satisfied

    def test_an_update_merge_makes_its_committer_a_contributor(self) -> None:
        """policy-bot can ignore these; here whoever presses "Update branch" pushed."""
        after = (push(OLDER, 0, actor=self.AUTHOR), push(HEAD, 5, actor=self.APPROVER))
        assert self.by(rules(rule()), pushes=after) == []

    def test_a_disapproval_of_one_does_not_undo_the_approval_of_another(self) -> None:
        """As long as no disapproval policy is written; GitHub's own setting blocks, ours lists."""
        assert self.by(rules(rule())) == ["review-approver"]


class TestGithub:
    """Reviews and code owners."""

    OWNER = Account(id=201, login="octo-owner")
    OTHER = Account(id=202, login="other-owner")
    PASSER_BY = Account(id=203, login="passer-by")
    SETTINGS = ApprovalSettings()

    def satisfied(self, *reviews: Any, owned: tuple[OwnedPaths, ...], **given: Any) -> bool:
        asked = change(owned=owned, has_codeowners=True, **given)
        return evaluated(*reviews, settings=self.SETTINGS, change=asked).satisfied

    BOTH = (OwnedPaths(paths=("a",), users=("octo-owner", "other-owner")),)
    EACH = (
        OwnedPaths(paths=("a",), users=("octo-owner",)),
        OwnedPaths(paths=("b",), users=("other-owner",)),
    )

    def test_any_of_several_owners_is_enough(self) -> None:
        assert self.satisfied(review(self.OTHER), owned=self.BOTH)
        assert not self.satisfied(review(self.PASSER_BY), owned=self.BOTH)

    def test_every_file_needs_one_of_its_owners(self) -> None:
        assert not self.satisfied(review(self.OTHER), owned=self.EACH)
        assert self.satisfied(review(self.OTHER), review(self.OWNER), owned=self.EACH)

    def test_authors_cannot_approve_their_own(self) -> None:
        assert not self.satisfied(review(self.OWNER), owned=self.BOTH, author=self.OWNER)

    def test_owners_need_write_access(self) -> None:
        assert not self.satisfied(review(self.OWNER, can_push=False), owned=self.BOTH)

    def test_a_dismissed_review_does_not_count(self) -> None:
        dismissed = review(self.OWNER, 10, ReviewState.DISMISSED)
        assert not self.satisfied(dismissed, owned=self.BOTH)
        assert self.satisfied(dismissed, review(self.OWNER, 11), owned=self.BOTH)

    def test_a_comment_leaves_the_approval_as_it_is(self) -> None:
        commented = review(self.OWNER, 11, ReviewState.COMMENTED)
        assert self.satisfied(review(self.OWNER, 10), commented, owned=self.BOTH)

    def test_an_owner_without_account_leaves_the_path_blocked(self) -> None:
        """GitHub leaves such a line out, so that nobody is asked; here nobody can approve."""
        nobody = (OwnedPaths(paths=("a",), unresolved=("@left-the-company",)),)
        assert not self.satisfied(review(self.OWNER), owned=nobody)

    def test_the_last_push_is_approved_by_somebody_else(self) -> None:
        """ "Require approval of the most recent reviewable push" holds for all pushes here."""
        moves = (push(OLDER, 0), push(HEAD, 5, actor=self.OWNER))
        given = facts(review(self.OWNER, 10), pushes=moves)
        asked = change(owned=self.BOTH, has_codeowners=True)
        assert not evaluated(facts=given, settings=self.SETTINGS, change=asked).satisfied


class TestGitlab:
    """Approvals without commits, rules and sections."""

    DEV, MAINTAINER = Account(id=301, login="dev"), Account(id=302, login="maintainer")

    def test_a_user_counts_for_every_rule_that_names_them(self) -> None:
        settings = rules(
            rule("a", Require(users=("dev",))), rule("b", Require(users=("dev", "maintainer")))
        )
        assert evaluated(review(self.DEV), settings=settings).satisfied

    def test_the_author_as_the_only_approver_leaves_it_blocked(self) -> None:
        """GitLab approves such a rule by itself."""
        settings = rules(rule("a", Require(users=("dev",))))
        given = evaluated(review(self.DEV), settings=settings, change=change(author=self.DEV))
        assert not given.satisfied

    def test_a_section_may_need_several(self) -> None:
        section = OwnedPaths(paths=("a",), users=("dev", "maintainer"), count=2, section="Database")
        asked = change(owned=(section,), has_codeowners=True)
        given: dict[str, Any] = {"settings": ApprovalSettings(), "change": asked}
        assert not evaluated(review(self.DEV), **given).satisfied
        assert evaluated(review(self.DEV), review(self.MAINTAINER), **given).satisfied

    def test_an_optional_section_blocks_nobody(self) -> None:
        section = OwnedPaths(paths=("a",), users=("dev",), optional=True, section="Docs")
        asked = change(owned=(section,), has_codeowners=True)
        assert evaluated(settings=ApprovalSettings(), change=asked).satisfied

    def test_sections_are_asked_each(self) -> None:
        sections = tuple(
            OwnedPaths(paths=("a",), users=(user,), section=user) for user in ("dev", "maintainer")
        )
        asked = change(owned=sections, has_codeowners=True)
        given: dict[str, Any] = {"settings": ApprovalSettings(), "change": asked}
        assert not evaluated(review(self.DEV), **given).satisfied
        assert evaluated(review(self.DEV), review(self.MAINTAINER), **given).satisfied

    def test_an_approval_is_of_the_version_that_was_current(self) -> None:
        """With "Keep approvals" GitLab keeps them across pushes; here only equal content does."""
        versions = (push(OLDER, 0, actor=None), push(HEAD, 10, before=OLDER))
        then = Moment(head=OLDER, base=BASE)
        given = facts(review(self.DEV, 5), pushes=versions)
        assert not evaluated(facts=given).satisfied
        assert evaluated(facts=given, then={then: SEEN}).satisfied
        other = replace(SEEN, source="sha256:other")
        assert not evaluated(facts=given, then={then: other}).satisfied

    def test_without_approved_at_nothing_is_known(self) -> None:
        assert not evaluated(review(self.DEV, None)).satisfied

    def test_a_request_for_changes_takes_the_approval_back(self) -> None:
        wants = review(self.DEV, None, ReviewState.CHANGES_REQUESTED)
        assert not evaluated(review(self.DEV), wants).satisfied

    def test_committers_cannot_approve(self) -> None:
        given = facts(review(self.DEV), contributions=(commit(self.DEV),))
        assert not evaluated(facts=given).satisfied

    def test_co_authors_without_accounts_need_one_more(self) -> None:
        given = facts(
            review(self.DEV),
            contributions=(commit(unmapped=("co@author.example",)),),
            retargeted_at=minute(-5),
        )
        assert not evaluated(facts=given).satisfied
        more = replace(given, reviews=(*given.reviews, review(self.MAINTAINER)))
        assert evaluated(facts=more).satisfied
